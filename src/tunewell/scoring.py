"""From predictions to numbers with their uncertainty: the model's scores, the baselines', the differences.

Knows a task only through the seam. Not for: predicting (`tunewell.predictor`) or files (`tunewell.runs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.config import EvaluationSettings
from tunewell.core.examples import Example, Prediction
from tunewell.core.results import RunScores, Score, SplitScores
from tunewell.core.sections import Headline, Lines, Section, Table
from tunewell.metrics.intervals import intervals, paired_difference
from tunewell.metrics.tables import Scores
from tunewell.tasks.base import Task

AnyTask = Task[Any, Any, Any]


def split_scores(scores: Scores, settings: EvaluationSettings, *, selected_on: bool = False) -> SplitScores:
    """Every metric of one split with its 95% interval."""
    found = intervals(scores, resamples=settings.resamples, rank_resamples=settings.rank_resamples)
    return SplitScores(scores.num_examples, found, selected_on)


def run_scores(
    task: AnyTask,
    splits: Mapping[str, Sequence[Example]],
    predictions: Mapping[str, Sequence[Prediction]],
    settings: EvaluationSettings,
) -> RunScores:
    """The scores of a run. `splits` holds `train` beside those of `predictions`.

    The validation split chose the checkpoint (and thresholds), so its scores say so.
    """
    ours = {name: task.score(splits[name], predictions[name]) for name in predictions}
    result = RunScores(
        task=task.name,
        primary=next(iter(ours.values())).primary,
        splits={
            name: split_scores(scores, settings, selected_on=name == "validation")
            for name, scores in ours.items()
        },
    )
    if not settings.baselines:
        return result
    baselines: dict[str, dict[str, SplitScores]] = {}
    differences: dict[str, Score] = {}
    for name, make in task.baselines().items():
        baseline = make()
        baseline.fit(splits["train"])
        theirs = {split: task.score(splits[split], baseline.predict(splits[split])) for split in predictions}
        baselines[name] = {split: split_scores(scores, settings) for split, scores in theirs.items()}
        headline = result.headline_split
        differences[name] = paired_difference(
            ours[headline],
            theirs[headline],
            result.primary,
            resamples=settings.resamples,
            rank_resamples=settings.rank_resamples,
        )
    return RunScores(result.task, result.primary, result.splits, baselines, differences)


def score_sections(scores: RunScores) -> list[Section]:
    """The headline and the table of all metrics."""
    split = scores.headline_split
    baselines = {
        name: splits[split].scores[scores.primary]
        for name, splits in scores.baselines.items()
        if split in splits
    }
    caution = "" if split == "test" else " This split chose the checkpoint, so the score is too good."
    rows: list[list[str | int | float | None]] = [
        [metric, name, score.value, score.low, score.high]
        for name, part in scores.splits.items()
        for metric, score in part.scores.items()
    ]
    return [
        Headline(
            "How good is it?",
            f"95% intervals by bootstrap over the {split} examples.{caution}",
            scores.primary,
            split,
            scores.splits[split].num_examples,
            scores.headline,
            baselines,
            dict(scores.differences),
        ),
        Table(
            "All metrics",
            "Value and 95% interval. The validation split chose the checkpoint; believe the test split.",
            ["metric", "split", "value", "low", "high"],
            rows,
        ),
    ]


def curve_section(entries: Sequence[Mapping[str, Any]], primary: str) -> Section:
    """Loss, validation score and learning rate over the steps, from the lines of `metrics.jsonl`."""
    steps = [entry for entry in entries if entry["event"] == "step"]
    evaluations = [entry for entry in entries if entry["event"] == "evaluation"]
    key = f"validation_{primary}"
    return Lines(
        "Learning curves",
        "The loss is of the training batches as they came; the score is of the validation split.",
        "step",
        {
            "training loss": {"loss": [(entry["step"], entry["loss"]) for entry in steps]},
            f"validation {primary}": {primary: [(entry["step"], entry[key]) for entry in evaluations]},
            "learning rate": {"rate": [(entry["step"], entry["learning_rate"]) for entry in steps]},
        },
    )
