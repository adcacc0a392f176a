"""A real number per example: Pearson's and Spearman's correlations, squared and absolute errors, R².

Not for: labels (`classification`). The parts are products of *centred* values: with raw ones, variances of
data far from zero are small differences of huge sums and drown in rounding.
"""

from __future__ import annotations

import numpy as np

from tunewell.metrics.ranks import average_ranks, weighted_ranks
from tunewell.metrics.tables import FloatArray, PartTable, check_same_length, ratio

_ROUNDING = 1e-12
"""A variance below this share of the mean square is rounding: the values are constant."""


def regression_table(gold: FloatArray, predicted: FloatArray) -> PartTable:
    """Pearson's correlation, mean squared, root mean squared and mean absolute error, and R².

    All for `(examples,)` in the unit of the labels. For the correlation and R², gold values are centred and
    predictions standardised first, by the means and deviations of all: neither changes by that, and two models'
    parts can be exchanged even where one predicts on a narrower scale. The errors are taken before it.
    """
    check_same_length(gold=gold, predicted=predicted)
    errors = np.asarray(predicted - gold, dtype=np.float64)
    centred_gold = gold - gold.mean() if len(gold) else gold
    standard = (predicted - predicted.mean()) / (predicted.std() or 1.0) if len(gold) else predicted
    columns = [
        np.ones(len(gold)),
        centred_gold,
        standard,
        centred_gold**2,
        standard**2,
        centred_gold * standard,
        errors**2,
        np.abs(errors),
    ]
    metrics = {
        "pearson": _pearson,
        "r2": _r2,
        "mse": _mse,
        "rmse": lambda sums: np.sqrt(_mse(sums)),
        "mae": lambda sums: ratio(sums[..., 7], sums[..., 0]),
    }
    return PartTable(np.stack(columns, axis=1), metrics)


def _variation(sums: FloatArray, linear: int, square: int) -> FloatArray:
    """The sum of squared deviations from the mean: exactly 0 where it is only rounding, NaN where NaN."""
    variation = sums[..., square] - ratio(sums[..., linear] ** 2, sums[..., 0])
    return np.where(variation <= _ROUNDING * sums[..., square], 0.0, variation)


def _pearson(sums: FloatArray) -> FloatArray:
    """Pearson's correlation; 0 where either side is constant.

    It is undefined there (0/0), but a model that answers the same to everything predicts nothing, and
    the mean predictor, our simplest baseline, is such a model: 0 keeps it comparable.
    """
    covariation = sums[..., 5] - ratio(sums[..., 1] * sums[..., 2], sums[..., 0])
    scale = np.sqrt(_variation(sums, 1, 3)) * np.sqrt(_variation(sums, 2, 4))
    return np.clip(ratio(covariation, scale), -1.0, 1.0)


def _r2(sums: FloatArray) -> FloatArray:
    """1 - squared error / variation of gold; if that is constant, 1 without error and 0 with (as sklearn)."""
    variation = _variation(sums, 1, 3)
    constant = np.where(sums[..., 6] == 0, 1.0, 0.0)
    return np.where(variation == 0, constant, 1.0 - ratio(sums[..., 6], variation))


def _mse(sums: FloatArray) -> FloatArray:
    return ratio(sums[..., 6], sums[..., 0])


def spearman(gold: FloatArray, predicted: FloatArray) -> float:
    """Spearman's correlation: Pearson's of the average ranks; 0 where either side is constant, as there."""
    ranks = np.stack([average_ranks(gold), average_ranks(predicted)])
    centred = ranks - (len(gold) + 1) / 2
    covariation = float(centred[0] @ centred[1])
    scale = float(np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1])))
    return covariation / scale if scale != 0 else 0.0


def weighted_spearman(gold: FloatArray, predicted: FloatArray, weights: FloatArray) -> FloatArray:
    """`spearman` `(rows,)` when each example counts as often as `weights` `(rows, examples)` say."""
    if np.isnan(gold).any() or np.isnan(predicted).any():
        return np.full(len(weights), np.nan)
    middle = (weights.sum(axis=1, keepdims=True) + 1) / 2
    first = weighted_ranks(gold, weights) - middle
    second = weighted_ranks(predicted, weights) - middle

    def products(one: FloatArray, two: FloatArray) -> FloatArray:
        sums: FloatArray = np.einsum("ij,ij,ij->i", weights, one, two)
        return sums

    return ratio(products(first, second), np.sqrt(products(first, first) * products(second, second)))
