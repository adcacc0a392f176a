"""Real targets, against scikit-learn and scipy, where rounding hurts most."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from tunewell.metrics.ranks import average_ranks
from tunewell.metrics.regression import regression_table, spearman


def values(gold: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    table = regression_table(gold, predicted)
    sums = table.parts.sum(axis=0)
    return {name: float(metric(sums)) for name, metric in table.metrics.items()}


def expected(gold: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    return {
        "pearson": float(stats.pearsonr(gold, predicted).statistic),
        "r2": reference.r2_score(gold, predicted),
        "mse": reference.mean_squared_error(gold, predicted),
        "rmse": reference.root_mean_squared_error(gold, predicted),
        "mae": reference.mean_absolute_error(gold, predicted),
    }


NUMBERS = st.integers(-50, 50).map(lambda number: number / 8)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=30), st.sampled_from([0.0, 1e3, 1e6]))
@settings(deadline=None)
def test_regression_table_equals_the_references(pairs: list[tuple[float, float]], offset: float) -> None:
    gold, predicted = np.array(pairs).T + offset
    assume(np.ptp(gold) > 0 and np.ptp(predicted) > 0)
    assert values(gold, predicted) == pytest.approx(expected(gold, predicted), rel=1e-8, abs=1e-8)


def test_values_far_from_zero_keep_their_digits() -> None:
    generator = np.random.default_rng(0)
    gold = generator.normal(size=1000)
    predicted = gold + generator.normal(size=1000)
    near, far = values(gold, predicted), values(gold + 1e6, predicted + 1e6)
    assert far == pytest.approx(near, rel=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8 + 0.1])
def test_a_constant_side_has_no_correlation(constant: float) -> None:
    generator = np.random.default_rng(0)
    varied, same = generator.normal(size=7), np.full(7, constant)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert values(varied, same)["pearson"] == 0
        assert values(same, varied)["pearson"] == 0
        assert values(same, varied)["r2"] == 0  # scikit-learn gives -1e33 for 0.1: its mean is not quite 0.1
        assert values(same, same)["r2"] == 1 == reference.r2_score(same, same)
        assert spearman(varied, same) == 0 == spearman(same, varied)
        assert values(varied[:1], varied[:1]) == {"pearson": 0, "r2": 1, "mse": 0, "rmse": 0, "mae": 0}


def test_a_resample_of_one_value_has_no_correlation() -> None:
    table = regression_table(np.array([0.1, 0.7, 0.4]), np.array([0.3, 0.9, 0.1]))
    sums = np.array([[3.0, 0, 0], [0, 3, 0], [0, 0, 3]]) @ table.parts
    assert table.metrics["pearson"](sums).tolist() == [0, 0, 0]
    assert table.metrics["r2"](sums).tolist() == [0, 0, 0]


def test_a_nan_is_not_hidden() -> None:
    bad = np.array([0.0, 1.0, np.nan])
    good = np.array([0.0, 1.0, 2.0])
    assert all(math.isnan(value) for value in values(good, bad).values())
    assert all(math.isnan(value) for value in values(bad, good).values())
    assert math.isnan(spearman(good, bad))


@given(st.lists(st.tuples(NUMBERS, st.integers(0, 4)), min_size=2, max_size=30))
@settings(deadline=None)
def test_spearman_equals_scipy_with_ties(pairs: list[tuple[float, int]]) -> None:
    gold, predicted = np.array(pairs).T
    assume(np.ptp(gold) > 0 and np.ptp(predicted) > 0)
    assert spearman(gold, predicted) == pytest.approx(stats.spearmanr(gold, predicted).statistic, abs=1e-12)


@given(st.lists(st.integers(0, 6), max_size=30))
@settings(deadline=None)
def test_ranks_equal_scipy(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.float64)
    assert average_ranks(array).tolist() == stats.rankdata(array).tolist()
