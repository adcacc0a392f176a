"""The model card: what anyone needs to know who finds the saved model without its run folder."""

from __future__ import annotations

from collections.abc import Sequence

from tunewell.core.results import RunScores


def model_card(
    *, base_model: str, data_name: str, scores: RunScores, label_names: Sequence[str], pipeline_tag: str = ""
) -> str:
    """Markdown with the Hub's metadata block; says the scores with their intervals and where they come from.

    `pipeline_tag` is the Hub's word for the task, where it is another than ours.
    """
    split = scores.headline_split
    lines = [
        "---",
        "library_name: transformers",
        f"pipeline_tag: {pipeline_tag or scores.task}",
        "---",
        "",
        f"# {scores.task} on {data_name}",
        "",
        f"Fine-tuned from `{base_model}` with Tunewell.",
        "",
        f"| metric ({split}, {scores.splits[split].num_examples} examples) | value | 95% interval |",
        "|---|---|---|",
    ]
    for name, score in scores.splits[split].scores.items():
        interval = "-" if score.low is None or score.high is None else f"{score.low:.4f} to {score.high:.4f}"
        lines.append(f"| {name} | {score.value:.4f} | {interval} |")
    if scores.splits[split].selected_on:
        lines += ["", "These scores are of the split that chose the checkpoint; expect less on new data."]
    for name, difference in scores.differences.items():
        if difference.low is not None and difference.high is not None:
            lines += [
                "",
                f"{scores.primary} minus that of the baseline `{name}`: {difference.value:+.4f} "
                f"({difference.low:+.4f} to {difference.high:+.4f}).",
            ]
    if label_names:
        lines += ["", f"Labels: {', '.join(label_names)}."]
    return "\n".join([*lines, ""])
