"""Ranks with ties, for the metrics that compare orders: AUROC and Spearman's correlation.

Not for: the metrics themselves (`classification.auroc`, `regression.spearman`).
"""

from __future__ import annotations

import numpy as np

from tunewell.metrics.tables import FloatArray


def average_ranks(values: FloatArray) -> FloatArray:
    """Ranks `(examples,)` from 1; equal values share the mean of their ranks. All NaN if any value is NaN."""
    if np.isnan(values).any():
        return np.full(len(values), np.nan)
    order = np.argsort(values)
    ascending = values[order]
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])[: len(values)])
    sizes = np.diff(np.append(starts, len(values)))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks
