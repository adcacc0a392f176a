"""Ranks with ties, for the metrics that compare orders: AUROC and Spearman's correlation.

Not for: the metrics themselves (`classification.auroc`, `regression.spearman`).
"""

from __future__ import annotations

import numpy as np

from tunewell.metrics.tables import FloatArray, IntArray


def average_ranks(values: FloatArray) -> FloatArray:
    """Ranks `(examples,)` from 1; equal values share the mean of their ranks. All NaN if any value is NaN."""
    if np.isnan(values).any():
        return np.full(len(values), np.nan)
    order, starts = runs_of_equals(values)
    sizes = np.diff(np.append(starts, len(values)))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def runs_of_equals(values: FloatArray) -> tuple[IntArray, IntArray]:
    """The order `(examples,)` that sorts `values`, and where each run of equal ones starts in it."""
    order = np.argsort(values)
    ascending = values[order]
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])[: len(values)])
    return order, starts


def weighted_ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Average ranks `(rows, examples)` when each example counts as often as `weights` `(rows, examples)` say."""
    order, starts = runs_of_equals(values)
    sizes = weights[:, order]
    if len(starts) < len(values):
        sizes = np.add.reduceat(sizes, starts, axis=1)
    ranks = np.cumsum(sizes, axis=1) - (sizes - 1) / 2
    run = np.empty(len(values), dtype=np.int64)
    run[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    return ranks[:, run]
