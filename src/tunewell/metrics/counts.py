"""Precision, recall and F1 from counts, the same for labels, sets of labels and (later) entity types.

A *count vector* is `(..., 3 * labels)`: how often each label is gold, how often it is predicted, and how
often it is both. Every function here maps count vectors to `(...)`, so each fits a `PartTable` as it is.
Whatever is 0/0 is 0: a label that is neither gold nor predicted has F1 0 and pulls a macro average down.

Not for: deciding what counts as correct (`classification`, `multilabel`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.metrics.tables import FloatArray, ratio


def split_counts(sums: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gold, predicted and correct counts, each `(..., labels)`, of count vectors `(..., 3 * labels)`."""
    labels = sums.shape[-1] // 3
    return sums[..., :labels], sums[..., labels : 2 * labels], sums[..., 2 * labels :]


def micro_precision(sums: FloatArray) -> FloatArray:
    """The share of all predictions that are correct."""
    _, predicted, correct = split_counts(sums)
    return ratio(correct.sum(axis=-1), predicted.sum(axis=-1))


def micro_recall(sums: FloatArray) -> FloatArray:
    """The share of all gold labels that are found. With one label per example this is the accuracy."""
    gold, _, correct = split_counts(sums)
    return ratio(correct.sum(axis=-1), gold.sum(axis=-1))


def micro_f1(sums: FloatArray) -> FloatArray:
    """F1 of the counts added up over labels."""
    gold, predicted, correct = split_counts(sums)
    return ratio(2 * correct.sum(axis=-1), gold.sum(axis=-1) + predicted.sum(axis=-1))


def label_precision(sums: FloatArray) -> FloatArray:
    """Precision of each label, `(..., labels)`."""
    _, predicted, correct = split_counts(sums)
    return ratio(correct, predicted)


def label_recall(sums: FloatArray) -> FloatArray:
    """Recall of each label, `(..., labels)`."""
    gold, _, correct = split_counts(sums)
    return ratio(correct, gold)


def label_f1(sums: FloatArray) -> FloatArray:
    """F1 of each label, `(..., labels)`."""
    gold, predicted, correct = split_counts(sums)
    return ratio(2 * correct, gold + predicted)


def _mean_over_labels(values: FloatArray) -> FloatArray:
    return ratio(values.sum(axis=-1), values.shape[-1])


def macro_precision(sums: FloatArray) -> FloatArray:
    """The mean precision over all declared labels."""
    return _mean_over_labels(label_precision(sums))


def macro_recall(sums: FloatArray) -> FloatArray:
    """The mean recall over all declared labels; the balanced accuracy when each of them occurs."""
    return _mean_over_labels(label_recall(sums))


def macro_f1(sums: FloatArray) -> FloatArray:
    """The mean F1 over all declared labels (the mean of F1s, not the F1 of means: Opitz & Burst 2019)."""
    return _mean_over_labels(label_f1(sums))


def weighted_f1(sums: FloatArray) -> FloatArray:
    """The mean F1 over labels, each weighted by how often it is gold."""
    gold, _, _ = split_counts(sums)
    return ratio((label_f1(sums) * gold).sum(axis=-1), gold.sum(axis=-1))


def matthews(sums: FloatArray) -> FloatArray:
    """Matthews' correlation in -1..1 for one label per example (Gorodkin 2004); 0 when a side is constant."""
    gold, predicted, correct = split_counts(sums)
    total = gold.sum(axis=-1)
    covariance = correct.sum(axis=-1) * total - (gold * predicted).sum(axis=-1)
    gold_variance = total**2 - (gold**2).sum(axis=-1)
    predicted_variance = total**2 - (predicted**2).sum(axis=-1)
    return ratio(covariance, np.sqrt(gold_variance * predicted_variance))


@dataclass(frozen=True, slots=True)
class LabelRow:
    """How one label fares; `support` is how often it is gold, `predicted` how often it is predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


def label_rows(sums: FloatArray, names: Sequence[str]) -> list[LabelRow]:
    """One row per label name, in the order of the names, from one count vector `(3 * labels,)`."""
    gold, predicted, _ = split_counts(sums)
    if len(gold) != len(names):
        raise ValueError(f"{len(names)} label names for counts of {len(gold)} labels")
    columns = zip(
        names, label_precision(sums), label_recall(sums), label_f1(sums), gold, predicted, strict=True
    )
    return [
        LabelRow(name, float(precision), float(recall), float(f1), int(support), int(count))
        for name, precision, recall, f1, support, count in columns
    ]
