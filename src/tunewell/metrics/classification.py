"""One label per example: accuracy, averaged F1, Matthews' correlation, calibration, AUROC.

Labels are ids `0..num_labels - 1` of the *declared* label set, so a label that is absent from a split still
counts in the macro averages. Not for: several labels per example (`multilabel`) or real targets
(`regression`). The formulas over counts are in `counts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.metrics import counts
from tunewell.metrics.counts import LabelRow, label_rows
from tunewell.metrics.ranks import average_ranks, runs_of_equals
from tunewell.metrics.tables import BoolArray, FloatArray, IntArray, PartTable, check_same_length, ratio


def label_table(gold: IntArray, predicted: IntArray, num_labels: int) -> PartTable:
    """Accuracy, F1, precision and recall averages and Matthews' correlation of label ids `(examples,)`."""
    gold, predicted = _checked_ids(gold, predicted, num_labels)
    rows = np.arange(len(gold))
    parts = np.zeros((len(gold), 3 * num_labels))
    parts[rows, gold] = 1
    parts[rows, num_labels + predicted] = 1
    parts[rows, 2 * num_labels + gold] = gold == predicted
    return PartTable(
        parts,
        {
            "accuracy": counts.micro_recall,
            "macro_f1": counts.macro_f1,
            "micro_f1": counts.micro_f1,
            "weighted_f1": counts.weighted_f1,
            "macro_precision": counts.macro_precision,
            "macro_recall": counts.macro_recall,
            "mcc": counts.matthews,
        },
        shares=("accuracy", "micro_f1"),
    )


def confusion(gold: IntArray, predicted: IntArray, num_labels: int) -> IntArray:
    """How often each gold label (row) is given each label (column), `(num_labels, num_labels)`."""
    gold, predicted = _checked_ids(gold, predicted, num_labels)
    cells = np.bincount(gold * num_labels + predicted, minlength=num_labels**2)
    return cells.reshape(num_labels, num_labels)


def per_label(gold: IntArray, predicted: IntArray, names: Sequence[str]) -> list[LabelRow]:
    """One row per label name: precision, recall, F1, support and how often it is predicted."""
    matrix = confusion(gold, predicted, len(names))
    sums = np.concatenate([matrix.sum(axis=1), matrix.sum(axis=0), matrix.diagonal()])
    return label_rows(sums.astype(np.float64), names)


def _checked_ids(gold: IntArray, predicted: IntArray, num_labels: int) -> tuple[IntArray, IntArray]:
    """Both as int64. A negative id would index from the end of the label set without a word."""
    check_same_length(gold=gold, predicted=predicted)
    for name, ids in (("gold", gold), ("predicted", predicted)):
        if len(ids) and not (ids.min() >= 0 and ids.max() < num_labels):
            raise ValueError(f"{name} ids must be 0..{num_labels - 1}, not {ids.min()}..{ids.max()}")
    return gold.astype(np.int64), predicted.astype(np.int64)


def log_loss_table(gold_probability: FloatArray) -> PartTable:
    """Mean negative log probability, in nats, of the gold label; `gold_probability` `(examples,)` in 0..1.

    A probability of 0 counts as the smallest step of float64, 2.2e-16 (36 nats), as in scikit-learn.
    """
    losses = -np.log(np.clip(gold_probability, np.finfo(np.float64).eps, 1.0))
    parts = np.stack([losses, np.ones(len(losses))], axis=1)
    return PartTable(parts, {"log_loss": lambda sums: ratio(sums[..., 0], sums[..., 1])})


def calibration_table(confidence: FloatArray, correct: BoolArray, num_bins: int = 15) -> PartTable:
    """Expected calibration error (Guo et al. 2017) over bins of equal width.

    `confidence` `(examples,)` in 0..1 is the probability given to the predicted label. The estimate has an
    upward bias (noise within a bin cannot cancel below zero) which resampling adds a second time, so the
    percentile interval of a well calibrated model can lie above the value itself.
    """
    check_same_length(confidence=confidence, correct=correct)
    bins = _bin_of(confidence, num_bins)
    parts = np.zeros((len(confidence), num_bins + 1))
    parts[np.arange(len(confidence)), bins] = confidence - correct
    parts[:, -1] = 1
    return PartTable(parts, {"expected_calibration_error": _calibration_error})


def _calibration_error(sums: FloatArray) -> FloatArray:
    return ratio(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bar of a reliability diagram, `low < confidence <= high`; the means are None in an empty bin."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def reliability(confidence: FloatArray, correct: BoolArray, num_bins: int = 15) -> list[ReliabilityBin]:
    """Mean confidence against accuracy in each bin of equal width, from 0 to 1, empty bins included."""
    check_same_length(confidence=confidence, correct=correct)
    bins = _bin_of(confidence, num_bins)
    sizes = np.bincount(bins, minlength=num_bins)
    confidences = np.bincount(bins, weights=confidence, minlength=num_bins)
    hits = np.bincount(bins, weights=correct, minlength=num_bins)
    edges = np.linspace(0, 1, num_bins + 1)
    return [
        ReliabilityBin(
            low=float(edges[index]),
            high=float(edges[index + 1]),
            count=int(size),
            confidence=float(confidences[index] / size) if size else None,
            accuracy=float(hits[index] / size) if size else None,
        )
        for index, size in enumerate(sizes)
    ]


def _bin_of(confidence: FloatArray, num_bins: int) -> IntArray:
    """The bin of each confidence; bins are open below and closed above, but the first holds 0 too."""
    inner_edges = np.linspace(0, 1, num_bins + 1)[1:-1]
    return np.searchsorted(inner_edges, confidence, side="left").astype(np.int64)


def auroc(gold: FloatArray, score: FloatArray) -> float:
    """The chance that a positive (`gold` 1) scores above a negative (0), ties counting half.

    The Mann-Whitney statistic by average ranks; NaN when one of the two classes is missing.
    """
    positives = float(np.count_nonzero(gold))
    negatives = len(gold) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    rank_sum = float(average_ranks(score)[gold != 0].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def weighted_auroc(gold: FloatArray, score: FloatArray, weights: FloatArray) -> FloatArray:
    """`auroc` `(rows,)` when each example counts as often as `weights` `(rows, examples)` say; one sort for all.

    NaN in rows where a class is missing.
    """
    if np.isnan(score).any():
        return np.full(len(weights), np.nan)
    order, starts = runs_of_equals(score)
    ascending = weights[:, order]
    positive = gold[order] != 0
    positives = np.add.reduceat(ascending * positive, starts, axis=1)
    negatives = np.add.reduceat(ascending * ~positive, starts, axis=1)
    beaten = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    won = np.einsum("ij,ij->i", positives, beaten)
    undefined = np.full(len(weights), np.nan)
    values: FloatArray = np.divide(won, pairs, out=undefined, where=pairs != 0)
    return values
