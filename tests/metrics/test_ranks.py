"""Rank metrics with weights are those of the examples repeated as often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.metrics.classification import auroc, weighted_auroc
from tunewell.metrics.ranks import average_ranks, weighted_ranks
from tunewell.metrics.regression import spearman, weighted_spearman
from tunewell.metrics.tables import RankMetric

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 3)), min_size=2, max_size=20)


@given(ROWS)
@settings(deadline=None)
def test_weights_are_repeats(rows: list[tuple[int, int, int]]) -> None:
    gold, score, counts = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    weights = np.stack([counts, np.ones(len(rows)), 3 - counts])
    for plain, weighted in ((auroc, weighted_auroc), (spearman, weighted_spearman)):
        fast = RankMetric(gold, score, plain, weighted).weighted(weights)
        slow = RankMetric(gold, score, plain).weighted(weights)
        known = weights.sum(axis=1) > 0  # of no examples nothing is asked
        assert fast[known] == pytest.approx(slow[known], nan_ok=True, abs=1e-12)


def test_weighted_ranks_of_ones_are_ranks() -> None:
    values = np.array([3.0, 1.0, 3.0, 2.0])
    assert weighted_ranks(values, np.ones((2, 4))).tolist() == [average_ranks(values).tolist()] * 2


def test_a_nan_is_not_hidden() -> None:
    gold, bad, weights = np.array([0.0, 1.0]), np.array([np.nan, 1.0]), np.ones((2, 2))
    assert np.isnan(weighted_auroc(gold, bad, weights)).all()
    assert np.isnan(weighted_spearman(gold, bad, weights)).all()
