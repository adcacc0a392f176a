"""Any number of labels per example: F1 averages, exact matches, and a threshold for each label.

Gold and predicted labels are boolean matrices `(examples, labels)`. Not for: one label per example
(`classification`). The formulas over counts are in `counts`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunewell.metrics import counts
from tunewell.metrics.counts import LabelRow, label_rows
from tunewell.metrics.tables import BoolArray, FloatArray, Metric, PartTable, ratio

DEFAULT_THRESHOLD = 0.5
"""What a label's probability must reach when nothing better is known."""

_EXTRA_COLUMNS = 3  # after the counts: F1 of the example, exact match, 1


def multilabel_table(gold: BoolArray, predicted: BoolArray) -> PartTable:
    """Micro, macro and per-example F1, exact matches and the share of wrong cells.

    An example with no gold and no predicted label scores 0 in `samples_f1`, as with scikit-learn's
    `zero_division=0`, though it is right: `subset_accuracy` and `hamming_loss` do credit it.
    """
    both = _both(gold, predicted)
    sizes = gold.sum(axis=1) + predicted.sum(axis=1)
    samples_f1 = ratio(2.0 * both.sum(axis=1), sizes)
    exact = (gold == predicted).all(axis=1)
    parts = np.column_stack([gold, predicted, both, samples_f1, exact, np.ones(len(gold))])
    return PartTable(
        parts.astype(np.float64),
        {
            "macro_f1": _of_counts(counts.macro_f1),
            "micro_f1": _of_counts(counts.micro_f1),
            "samples_f1": lambda sums: ratio(sums[..., -3], sums[..., -1]),
            "subset_accuracy": lambda sums: ratio(sums[..., -2], sums[..., -1]),
            "hamming_loss": _hamming_loss,
        },
        shares=("subset_accuracy",),
    )


def _of_counts(metric: Metric) -> Metric:
    return lambda sums: metric(sums[..., :-_EXTRA_COLUMNS])


def _hamming_loss(sums: FloatArray) -> FloatArray:
    gold, predicted, correct = counts.split_counts(sums[..., :-_EXTRA_COLUMNS])
    wrong = (gold + predicted - 2 * correct).sum(axis=-1)
    return ratio(wrong, sums[..., -1] * gold.shape[-1])


def per_label(gold: BoolArray, predicted: BoolArray, names: Sequence[str]) -> list[LabelRow]:
    """One row per label name: precision, recall, F1, support and how often it is predicted."""
    columns = [gold.sum(axis=0), predicted.sum(axis=0), _both(gold, predicted).sum(axis=0)]
    return label_rows(np.concatenate(columns).astype(np.float64), names)


def _both(gold: BoolArray, predicted: BoolArray) -> BoolArray:
    if gold.ndim != 2 or gold.shape != predicted.shape:
        raise ValueError(f"gold {gold.shape} and predicted {predicted.shape} must be (examples, labels)")
    if gold.dtype != np.bool_ or predicted.dtype != np.bool_:
        raise ValueError(f"expected booleans, not {gold.dtype} and {predicted.dtype}")
    return gold & predicted


def tune_thresholds(gold: BoolArray, probabilities: FloatArray) -> FloatArray:
    """For each label, the threshold `(labels,)` with the best F1 here for `probability >= threshold`.

    Candidates lie midway between adjacent distinct probabilities, and midway between 0 and the smallest.
    Among equals the one nearest to 0.5 is taken (then the higher one); a label without a positive gets 0.5.
    The data the thresholds come from was thereby selected on: report scores elsewhere.
    """
    if gold.ndim != 2 or gold.shape != probabilities.shape:
        shapes = f"gold {gold.shape} and probabilities {probabilities.shape}"
        raise ValueError(f"{shapes} must be (examples, labels)")
    num_examples, num_labels = gold.shape
    if num_examples == 0:
        return np.full(num_labels, DEFAULT_THRESHOLD)
    # One sort per label: a cut after the k-th highest predicts those k, so F1 at every cut is a running sum.
    order = np.argsort(-probabilities, axis=0)
    upper = np.take_along_axis(probabilities.astype(np.float64), order, axis=0)
    lower = np.concatenate([upper[1:], np.zeros((1, num_labels))])
    correct = np.cumsum(np.take_along_axis(gold, order, axis=0), axis=0)
    num_predicted = np.arange(1, num_examples + 1)[:, None]
    f1 = 2 * correct / (num_predicted + correct[-1])
    f1[:-1][upper[:-1] == lower[:-1]] = -1  # no threshold can cut between equals
    thresholds = lower + (upper - lower) / 2
    # The midpoint of two neighbouring floats rounds to one of them; it must not be the excluded one.
    thresholds = np.where(thresholds > lower, thresholds, upper)
    distance = np.where(f1 == f1.max(axis=0), np.abs(thresholds - DEFAULT_THRESHOLD), np.inf)
    best = np.take_along_axis(thresholds, distance.argmin(axis=0)[None], axis=0)[0]
    return np.where(correct[-1] > 0, best, DEFAULT_THRESHOLD)
