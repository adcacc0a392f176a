"""Report sections that several tasks show, made of plain numbers and texts. No task is known here.

Each section says in `note` how it is read and in `shows` what it shows here. Not for: drawing (`report`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunewell.core.results import Score
from tunewell.core.sections import ConfidenceBin, Matrix, Reliability, Scatter, Section, Table, Texts

if TYPE_CHECKING:
    from tunewell.metrics.counts import LabelRow
    from tunewell.metrics.tables import BoolArray, FloatArray

TEXTS_SHOWN = 200
"""How many texts each list of examples holds."""

_LABELS_IN_ORDER = 16
"""Up to so many labels keep their order in the table; of more, the weakest come first."""

_SURE = 0.9

_Z = 1.959964
"""The normal quantile of a 95% interval."""

Entry = Mapping[str, str | float]


def confusion(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Matrix:
    """Gold against predicted label."""
    wrong = [
        (count, row, column)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if row != column and count
    ]
    shows = "No answer is wrong."
    if wrong:
        count, row, column = max(wrong, key=lambda cell: (cell[0], -cell[1], -cell[2]))
        share = count / sum(counts[row])
        shows = (
            f"The most frequent mistake: {names[row]} taken for {names[column]}, {_times(count)}, which is "
            f"{share:.1%} of all {names[row]}."
        )
    return Matrix(
        "Confusion matrix",
        "Rows are the gold labels, columns the answers; percentages are shares of the row.",
        names,
        counts,
        shows=shows,
    )


def label_scores(rows: Sequence[LabelRow]) -> Table:
    """Precision, recall and F1 of each label."""
    seen = [row for row in rows if row.support]
    shows = ""
    if len(seen) > 1:
        weak, strong = min(seen, key=lambda row: row.f1), max(seen, key=lambda row: row.f1)
        shows = (
            f"Weakest: {weak.name}, F1 {weak.f1:.1%} on {_examples(weak.support)}. "
            f"Strongest: {strong.name}, {strong.f1:.1%} on {_examples(strong.support)}."
        )
    if len(seen) < len(rows):
        shows += f" {len(rows) - len(seen)} of {len(rows)} labels are on no example here."
    many = len(rows) > _LABELS_IN_ORDER
    note = (
        "Precision: how many of those given this label are right. Recall: how many of those with it are found. Gold and "
        "predicted: how many examples have it, and how many are given it."
    )
    return Table(
        "Scores by label",
        note + (" The weakest come first." if many else ""),
        ["label", "precision", "recall", "F1", "gold", "predicted"],
        [
            [row.name, row.precision, row.recall, row.f1, row.support, row.predicted]
            for row in (sorted(rows, key=lambda row: (row.f1, -row.support)) if many else rows)
        ],
        shows=shows.strip(),
    )


def reliability(
    confidence: FloatArray, correct: BoolArray, *, unit: str = "answers", outcome: str = "right"
) -> Reliability:
    """How far a model's confidence `(answers,)` can be taken at its word; `correct` says when it came true."""
    from tunewell.metrics import classification

    bins = [
        ConfidenceBin(
            part.low,
            part.high,
            part.count,
            float(part.confidence or 0),
            _share(round(part.count * float(part.accuracy or 0)), part.count),
        )
        for part in classification.reliability(confidence, correct)
        if part.count
    ]
    total = sum(part.count for part in bins)
    error, shows = None, ""
    if total:
        error = sum(part.count * abs(part.confidence - part.right.value) for part in bins) / total
        shows = _judged(float(confidence.mean()), int(correct.sum()), total, unit, outcome)
    return Reliability(
        "Is its confidence to be believed?",
        f"Each dot gathers {unit} with about the same confidence. On the diagonal its word can be taken; below it the "
        "model is too sure, above it too cautious. A line that reaches the diagonal may be there by chance.",
        unit,
        outcome,
        bins,
        error,
        shows=shows,
    )


def _judged(sure: float, right: int, total: int, unit: str, outcome: str) -> str:
    """Whether the mean confidence is too high or too low, where so many answers can tell."""
    share = _share(right, total)
    said = f"It says {sure:.1%} on average and {share.value:.1%} come out {outcome}"
    if share.low is not None and share.high is not None and share.low <= sure <= share.high:
        return f"{said}: no difference that {total:,} {unit} could show."
    return f"{said}: too {'sure' if sure > share.value else 'cautious'} on the whole."


def _share(count: int, total: int) -> Score:
    """A share with its interval, which has a width even when all or none are right."""
    from tunewell.metrics.shares import share_interval

    return Score(count / total, *share_interval(count, total))


def mistakes_and_doubts(entries: Sequence[Entry]) -> list[Section]:
    """The most confident mistakes, and the examples that the model is least certain of, right or wrong.

    An entry has `text`, `gold`, `predicted`, `confidence` and `origin`.
    """

    def sureness(entry: Entry) -> float:
        return float(entry["confidence"])

    marked = [
        {**entry, "correct": "yes" if entry["gold"] == entry["predicted"] else "no"} for entry in entries
    ]
    wrong = sorted((entry for entry in marked if entry["correct"] == "no"), key=sureness, reverse=True)
    doubts = sorted(marked, key=sureness)[:TEXTS_SHOWN]
    num_sure = sum(sureness(entry) > _SURE for entry in wrong)
    shown = f"; the first {TEXTS_SHOWN} are listed" if len(wrong) > TEXTS_SHOWN else ""
    return [
        Texts(
            "Most confident mistakes",
            "Wrong answers, the surest first. Some of them will be wrong labels in the data.",
            wrong[:TEXTS_SHOWN],
            shows=f"{len(wrong):,} of {_answers(len(marked))} wrong{shown}. "
            f"{num_sure or 'None':{',' if num_sure else ''}} of them {'was' if num_sure < 2 else 'were'} given with more "
            f"than {_SURE:.0%} confidence.",
        ),
        Texts(
            "Least certain examples",
            "Right or wrong, the least sure first. Labels for more texts like these teach the model most.",
            doubts,
            shows=_doubtful(doubts, marked),
        ),
    ]


def _doubtful(doubts: Sequence[Entry], every: Sequence[Entry]) -> str:
    """How often the model is right where it is unsure, against everywhere."""
    few = doubts[: max(1, len(every) // 10)]
    if not few:
        return ""
    right, overall = (sum(e["correct"] == "yes" for e in part) / len(part) for part in (few, every))
    return f"Of the least certain tenth ({_examples(len(few))}) {right:.1%} are right; of all, {overall:.1%}."


def numbers(entries: Sequence[Entry]) -> list[Section]:
    """Predicted against gold numbers, and where they are farthest apart.

    An entry has `text`, `gold`, `predicted`, `error` (predicted minus gold) and `origin`.
    """
    points = [(float(entry["gold"]), float(entry["predicted"])) for entry in entries]
    errors = [float(entry["error"]) for entry in entries]
    ranked = sorted(entries, key=lambda entry: -abs(float(entry["error"])))
    return [
        Scatter(
            "Predicted against gold",
            "Each dot is an example. On the diagonal the prediction is right; above it too high, below it too low.",
            "value",
            points,
            shows=_off(errors) if errors else "",
        ),
        Texts(
            "Largest errors",
            "Where the prediction is farthest from the gold value. The error is predicted minus gold.",
            ranked[:TEXTS_SHOWN],
        ),
    ]


def _off(errors: Sequence[float]) -> str:
    """How far off predictions are, and whether more to one side than chance would have it."""
    middle = sorted(map(abs, errors))[len(errors) // 2]
    mean = math.fsum(errors) / len(errors)
    spread = math.sqrt(math.fsum((error - mean) ** 2 for error in errors) / len(errors))
    said = f"Half of the predictions are within {middle:.3g} of the gold value"
    if abs(mean) <= _Z * spread / math.sqrt(len(errors)):
        return f"{said}, with no lean to either side."
    return f"{said}; on average they are {abs(mean):.2g} too {'high' if mean > 0 else 'low'}."


def _examples(count: int) -> str:
    return f"{count:,} example{'' if count == 1 else 's'}"


def _answers(count: int) -> str:
    return f"{count:,} answer{' is' if count == 1 else 's are'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
