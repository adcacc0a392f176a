"""Report sections that several tasks show, made of plain numbers and texts. No task is known here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tunewell.core.sections import Lines, Table, Texts

if TYPE_CHECKING:
    from tunewell.metrics.counts import LabelRow
    from tunewell.metrics.tables import BoolArray, FloatArray

TEXTS_SHOWN = 200
"""How many mistakes a report lists, and four times as many as close calls."""


def label_scores(rows: Iterable[LabelRow]) -> Table:
    """Precision, recall and F1 of each label."""
    return Table(
        "Scores by label",
        "Precision: how many of the predicted are right. Recall: how many of the gold are found.",
        ["label", "precision", "recall", "F1", "test examples", "predicted"],
        [[row.name, row.precision, row.recall, row.f1, row.support, row.predicted] for row in rows],
    )


def reliability(confidence: FloatArray, correct: BoolArray) -> Lines:
    """How far a model's confidence `(examples,)` can be taken at its word."""
    from tunewell.metrics import classification

    bins = [part for part in classification.reliability(confidence, correct) if part.count]
    points = [(float(part.confidence or 0), float(part.accuracy or 0)) for part in bins]
    return Lines(
        "Reliability",
        "How often the model is right when it says it is this sure; on the diagonal, its word can be taken.",
        "confidence",
        {"share right": {"model": points, "ideal": [(0.0, 0.0), (1.0, 1.0)]}},
    )


def mistakes(entries: Sequence[Mapping[str, str | float]]) -> Texts:
    """The most confident mistakes, then the right answers that were the closest calls.

    An entry has `text`, `gold`, `predicted`, `confidence` and `origin`.
    """

    def sureness(entry: Mapping[str, str | float]) -> float:
        return float(entry["confidence"])

    wrong = sorted((e for e in entries if e["gold"] != e["predicted"]), key=sureness, reverse=True)
    right = sorted((e for e in entries if e["gold"] == e["predicted"]), key=sureness)
    return Texts(
        "Mistakes and close calls",
        "Most confident mistakes first, then the least certain right answers.",
        wrong[:TEXTS_SHOWN] + right[: TEXTS_SHOWN // 4],
    )


def largest_errors(entries: Sequence[Mapping[str, str | float]]) -> Texts:
    """Where a predicted number is farthest from the gold one; an entry has `text`, `gold`, `predicted`, `origin`."""
    ranked = sorted(entries, key=lambda entry: -abs(float(entry["gold"]) - float(entry["predicted"])))
    return Texts(
        "Largest errors", "Where the prediction is farthest from the gold value.", ranked[:TEXTS_SHOWN]
    )
