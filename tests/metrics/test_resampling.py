"""Both ways of drawing are the bootstrap, and neither depends on how many rows are drawn at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.metrics.classification import label_table
from tunewell.metrics.regression import regression_table
from tunewell.metrics.resampling import Cells, Urn, number_groups, resampled_sums, sum_by_unit

ONLY_SINGLE_DRAWS = 10**9
ONLY_CELLS = 0


def label_parts(examples: int, labels: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    gold = generator.integers(labels, size=examples)
    predicted = np.where(generator.random(examples) < 0.8, gold, generator.integers(labels, size=examples))
    return label_table(gold, predicted, labels).parts


def number_parts(examples: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    return regression_table(generator.normal(size=examples), generator.normal(size=examples)).parts


@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=30))
@settings(deadline=None)
def test_cells_are_the_distinct_rows_of_all_tables(rows: list[list[int]]) -> None:
    parts = np.array(rows, dtype=np.float64)
    cells = Cells.find([parts[:, :3], parts[:, 3:]])
    joined = np.hstack(cells.tables)
    distinct, counts = np.unique(parts, axis=0, return_counts=True)
    found = {tuple(row): count for row, count in zip(joined.tolist(), cells.counts.tolist(), strict=True)}
    assert found == {tuple(row): count for row, count in zip(distinct.tolist(), counts.tolist(), strict=True)}
    assert (np.diff(cells.counts) <= 0).all()


@pytest.mark.parametrize("frequent", [ONLY_CELLS, 12, ONLY_SINGLE_DRAWS])
@pytest.mark.parametrize("counts", [[1], [40], [1] * 50, [30, 20, 5, 3, 1, 1], [20, 15]])
def test_an_urn_draws_all_units_each_time(counts: list[int], frequent: int) -> None:
    weights = np.full((500, len(counts)), -1)
    Urn(np.array(counts), 0, frequent=frequent).fill(weights)
    assert (weights.sum(axis=1) == sum(counts)).all()
    assert weights.min() >= 0


@pytest.mark.parametrize("frequent", [ONLY_CELLS, 12, ONLY_SINGLE_DRAWS])
def test_draws_have_the_moments_of_the_multinomial(frequent: int) -> None:
    counts, rows = np.array([30, 20, 5, 3, 1, 1]), 40_000
    weights = np.empty((rows, len(counts)))
    Urn(counts, 3, frequent=frequent).fill(weights)
    chances = counts / counts.sum()
    covariance = counts.sum() * (np.diag(chances) - np.outer(chances, chances))
    standard_error = np.sqrt(covariance.diagonal() / rows)
    assert (np.abs(weights.mean(axis=0) - counts) < 4.5 * standard_error).all()
    assert np.abs(np.cov(weights.T) - covariance).max() < 0.3


@pytest.mark.parametrize("frequent", [ONLY_CELLS, 12, ONLY_SINGLE_DRAWS])
@pytest.mark.parametrize(
    "parts",
    [label_parts(400, 4), label_parts(300, 40), number_parts(300)],
    ids=["dense", "sparse", "numbers"],
)
def test_sums_do_not_depend_on_the_chunks(parts: np.ndarray, frequent: int) -> None:
    cells = Cells.find([parts])
    one, many, tiny = (
        np.concatenate(
            [sums for (sums,) in resampled_sums(cells, 101, 5, frequent=frequent, chunk_bytes=size)]
        )
        for size in (10**9, 50_000, 1)
    )
    assert one.shape == (101, parts.shape[1])
    np.testing.assert_allclose(many, one, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(tiny, one, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("parts", [label_parts(500, 4), label_parts(400, 60), number_parts(1000)])
def test_sums_are_the_weighted_parts(parts: np.ndarray) -> None:
    cells = Cells.find([parts])
    weights = np.empty((50, len(cells.counts)))
    Urn(cells.counts, 7).fill(weights)
    ((sums,),) = resampled_sums(cells, 50, 7)
    np.testing.assert_allclose(sums, weights @ cells.tables[0], rtol=1e-11, atol=1e-10)


def test_whole_numbers_stay_exact() -> None:
    parts = label_parts(2000, 4)
    ((sums,),) = resampled_sums(Cells.find([parts]), 100, 1)
    assert (sums == np.rint(sums)).all()
    assert (sums[:, :4].sum(axis=1) == 2000).all()
    big = np.stack([np.full(100, 2.0**30 + 1), np.arange(100.0)], axis=1)  # beyond what float32 holds
    ((sums,),) = resampled_sums(Cells.find([big]), 100, 1)
    assert (sums[:, 0] == 100 * (2.0**30 + 1)).all()


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20))
@settings(deadline=None)
def test_parts_of_a_group_are_added_up(groups: list[str]) -> None:
    parts = np.random.default_rng(0).random((len(groups), 3))
    units = number_groups(groups, len(groups))
    together = sum_by_unit(parts, units)
    for unit, name in enumerate(dict.fromkeys(groups)):
        members = [index for index, group in enumerate(groups) if group == name]
        assert together[unit] == pytest.approx(parts[members].sum(axis=0))
        assert (units[members] == unit).all()
