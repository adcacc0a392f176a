"""What a run's report says beside the scores and the task's own sections: checks, data, settings.

Times and the machine are no part of it: they stand in the manifest, as two runs of the same settings differ in them.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.config import RunConfig
from tunewell.core.results import RunScores
from tunewell.core.sections import Bars, Check, Checks, Facts, Reliability, Section, Table
from tunewell.data.findings import plural
from tunewell.data.similarity import normalised
from tunewell.dataset import Dataset, joined
from tunewell.runs.fitting import UNKNOWN_SHARE, Fitted, TokenCounts

_FEW_EXAMPLES = 100
"""With fewer, a test split says little."""

_FAR_OFF = 0.1
"""A calibration error above this wants a look."""

_BARS = 12
_OVERLAPS = ("overlap", "near-overlap")


def checks_section(
    dataset: Dataset,
    counts: Mapping[str, TokenCounts],
    scores: RunScores,
    described: Sequence[Section],
    *,
    read_back: bool,
    cross_validated: bool,
) -> Checks:
    """What decides whether the headline can be trusted, said whether it is fine or not.

    `described` are the task's own sections. `read_back`: the saved model was, and answers the same.
    """
    items = [
        *_split_checks(scores, cross_validated),
        *_overlap_checks(dataset),
        *_length_checks(counts),
        *_confidence_checks(described),
    ]
    items += [
        Check("look", _sentence(finding.message), finding.examples)
        for finding in dataset.findings
        if finding.severity != "info" and finding.code not in _OVERLAPS
    ]
    if read_back:
        items.append(
            Check("fine", "The saved model, read back by transformers alone, gives the answers scored here.")
        )
    order = ("look", "fine", "note")
    return Checks(
        "Can you trust it?",
        "What was checked, and what came out.",
        sorted(items, key=lambda item: order.index(item.verdict)),
    )


def _split_checks(scores: RunScores, cross_validated: bool) -> list[Check]:
    split = scores.headline_split
    count = scores.splits[split].num_examples
    examples = plural(count, f"{split} example")
    if cross_validated:
        first = Check(
            "fine",
            f"Each of the {count:,} examples was answered by a model that had not seen it or its text.",
        )
    elif scores.splits[split].selected_on:
        first = Check(
            "look",
            f"There is no test data: the score is of the {examples} that chose the weights. Expect less on new texts.",
        )
    else:
        first = Check("fine", f"The {examples} chose nothing: neither weights nor thresholds.")
    few = Check("look", f"No more than {examples}: a few texts right or wrong move the score a lot.")
    return [first, *([few] if count < _FEW_EXAMPLES else [])]


def _overlap_checks(dataset: Dataset) -> list[Check]:
    found = [finding for finding in dataset.findings if finding.code in _OVERLAPS]
    checks = [Check("look", _sentence(finding.message), finding.examples) for finding in found]
    skipped = any(finding.code == "near-overlap-skipped" for finding in dataset.findings)
    if "test" in dataset.examples and not found:
        nearly = "word for word; near-copies were not looked for" if skipped else "not even nearly"
        checks.append(Check("fine", f"No text stands in two of the splits, {nearly}."))
    return checks


def _length_checks(counts: Mapping[str, TokenCounts]) -> list[Check]:
    windowed = sum(count.num_windowed for count in counts.values())
    checks = [Check("fine", "No text was cut: all fit into what the model reads.")]
    if windowed:
        were = "1 text is" if windowed == 1 else f"{windowed:,} texts are"
        checks = [
            Check(
                "fine", f"No text was cut: {were} longer than the model reads at once, and read in windows."
            )
        ]
    cuts = [Check("look", f"{said}.") for name, count in counts.items() if (said := count.said_of_cuts(name))]
    checks = cuts or checks
    checks += [
        Check("look", f"{said}.") for name, count in counts.items() if (said := count.said_of_reach(name))
    ]
    unknown = {name: count.unknown_share for name, count in counts.items()}
    worst = max(unknown, key=lambda name: unknown[name])
    if unknown[worst] >= UNKNOWN_SHARE:
        message = f"{unknown[worst]:.1%} of the {worst} tokens are unknown to the model's vocabulary."
        checks.append(Check("look", message + " A model made for this language will do better."))
    return checks


def _confidence_checks(described: Sequence[Section]) -> list[Check]:
    """Of too few answers the calibration error is mostly noise."""
    checks = []
    for section in described:
        if not isinstance(section, Reliability) or section.error is None:
            continue
        if sum(part.count for part in section.bins) < _FEW_EXAMPLES:
            continue
        off = f"{100 * section.error:.1f} points off on average"
        if section.error > _FAR_OFF:
            checks.append(
                Check("look", f"Its confidence is {off}: do not take its percentages at their word.")
            )
        else:
            checks.append(Check("fine", f"Its confidence is {off}."))
    return checks


def data_sections(dataset: Dataset, counts: Mapping[str, TokenCounts]) -> list[Section]:
    """Sizes, duplicates, lengths, label shares, and how the files were read."""
    return [
        _sizes(dataset, counts),
        *_labels(dataset),
        _lengths(counts["train"]),
        _reading(dataset),
    ]


def _sizes(dataset: Dataset, counts: Mapping[str, TokenCounts]) -> Table:
    texts = {
        name: [normalised(joined(dataset.task, example)) for example in dataset.examples[name]]
        for name in counts
    }
    trained_on = set(texts["train"])
    in_windows = any(count.num_windowed for count in counts.values())
    rows: list[list[str | int | float | None]] = []
    for name, count in counts.items():
        rows.append(
            [
                name,
                len(dataset.examples[name]),
                len(texts[name]) - len(set(texts[name])),
                None if name == "train" else sum(text in trained_on for text in texts[name]),
                _quantile(count.lengths, 0.5),
                _quantile(count.lengths, 0.95),
                max(count.lengths),
                *([count.num_windowed] if in_windows else []),
                count.num_truncated,
                count.unknown_share,
            ]
        )
    columns = ["split", "examples", "Repeated texts", "Also in train", "Median tokens", "95% have at most"]
    columns += ["Longest, in tokens", *(["In several windows"] if in_windows else []), "Texts cut"]
    columns += ["Share of unknown tokens"]
    note = "Texts that differ only in case or white space count as repeated. Tokens are the model's, special ones included."
    if in_windows:
        note += " A text that is read in several windows counts with each of them."
    return Table("The data", note, columns, rows)


def _quantile(lengths: Sequence[int], share: float) -> int:
    """The smallest length that this share of the texts does not exceed."""
    ranked = sorted(lengths)
    return ranked[max(0, math.ceil(share * len(ranked) - 1e-9) - 1)]


def _labels(dataset: Dataset) -> list[Section]:
    """How many training examples carry each label, and how far the other splits' shares are from that."""
    counts = {name: _carried(dataset, name) for name in dataset.examples}
    train = counts["train"]
    if not train:
        return []
    sizes = {name: max(len(examples), 1) for name, examples in dataset.examples.items()}
    most, fewest = train.most_common()[0], train.most_common()[-1]
    shows = (
        f"The most frequent label, {most[0]}, is on {most[1] / sizes['train']:.1%} of the training examples, the "
        f"rarest, {fewest[0]}, on {fewest[1] / sizes['train']:.1%}."
    )
    if len(counts) > 1:
        names = set().union(*counts.values())
        gap, split, label = max(
            (abs(counts[split][name] / sizes[split] - train[name] / sizes["train"]), split, name)
            for split in counts
            for name in names
            if split != "train"
        )
        shows += f" Shares elsewhere differ by at most {100 * gap:.1f} points ({label} in {split})."
    return [
        Bars(
            "Labels in the training data",
            "How many examples carry each label.",
            "examples",
            {name: float(number) for name, number in train.most_common()},
            total=float(sizes["train"]),
            shows=shows,
        )
    ]


def _carried(dataset: Dataset, split: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for example in dataset.examples[split]:
        labels = dataset.task.stratum(example)
        if isinstance(labels, str):
            counts[labels] += 1
        elif isinstance(labels, tuple):
            counts.update(labels)
    return counts


def _lengths(count: TokenCounts) -> Bars:
    """How many texts have which length, in at most 12 bars."""
    width = max(1, -(-max(count.lengths) // _BARS))
    bins = Counter((length - 1) // width for length in count.lengths)
    bars = {
        f"{place * width + 1}\N{EN DASH}{(place + 1) * width}" if width > 1 else str(place + 1): float(
            bins[place]
        )
        for place in range(min(bins), max(bins) + 1)
    }
    return Bars(
        "Lengths of the training texts",
        "How many texts have how many tokens, special ones included.",
        "texts",
        bars,
        total=float(len(count.lengths)),
        shows=f"Half have at most {_quantile(count.lengths, 0.5)} tokens, 95 in 100 at most "
        f"{_quantile(count.lengths, 0.95)}, all at most {max(count.lengths)}. "
        f"{count.num_truncated or 'None'} {'were' if count.num_truncated > 1 else 'was'} cut.",
    )


def _reading(dataset: Dataset) -> Checks:
    items = [Check("note", _sentence(note)) for note in dataset.notes]
    items += [
        Check("note", _sentence(finding.message), finding.examples)
        for finding in dataset.findings
        if finding.severity == "info"
    ]
    return Checks(
        "How the data were read", "What was decided while reading, and what was noticed besides.", items
    )


def _sentence(text: str) -> str:
    """With a full stop; file names keep their case."""
    return text if text.endswith((".", "!", "?")) else text + "."


def settings_section(config: RunConfig, fitted: Fitted) -> Facts:
    """The whole configuration and the versions that matter."""
    facts = {
        f"{group}.{key}": _setting(value)
        for group, values in config.model_dump().items()
        for key, value in values.items()
        if value is not None
    }
    versions = {name: importlib.metadata.version(name) for name in ("tunewell", "torch", "transformers")}
    return Facts(
        "Settings and versions",
        "As in config.yaml, which starts the same run again.",
        {"What learns": str(fitted.learning), **facts, **versions},
    )


def _setting(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
