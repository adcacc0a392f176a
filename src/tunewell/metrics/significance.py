"""Tests of whether two models differ on the same examples, and what to make of several tests.

A p value says how often equally good models would differ by as much as was seen, or more. Not for: how large a
difference is (`intervals`), or McNemar's test, which counts right and wrong examples (`shares`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tunewell.metrics.intervals import DEFAULT_RANK_RESAMPLES, DEFAULT_RESAMPLES, paired_sources, rank_rows
from tunewell.metrics.ranks import average_ranks
from tunewell.metrics.resampling import CHUNK_BYTES, Cells, sum_by_unit, weighted_sums_of
from tunewell.metrics.tables import FloatArray, IntArray, PartTable, RankMetric, Scores

POWER = 0.8
"""The usual chance of showing a difference when one asks how small a one could be shown (Cohen 1988)."""


def randomisation_test(
    first: Scores,
    second: Scores,
    metric: str,
    *,
    rounds: int = DEFAULT_RESAMPLES,
    rank_rounds: int = DEFAULT_RANK_RESAMPLES,
    seed: int = 0,
) -> float:
    """The two-sided p value of approximate randomisation (Noreen 1989; Yeh 2000; Riezler & Maxwell 2005).

    If the models were equally good in every way, it would not matter which of them gave which answer. So the
    two answers to each example are exchanged or not, by a coin; with groups, all answers of a group at once.
    What was seen counts as one of the rounds, so that p is never 0 (Phipson & Smyth 2010). Raises
    `ValueError` when the two are not of the same examples.
    """
    one, two, units = paired_sources(first, second, metric)
    seen = abs(first.values()[metric] - second.values()[metric])
    if isinstance(one, PartTable) and isinstance(two, PartTable):
        differences = _table_differences(one, two, metric, units, rounds, seed)
    else:
        assert isinstance(one, RankMetric)
        assert isinstance(two, RankMetric)
        differences = _rank_differences(one, two, units, rank_rounds, seed)
    slack = 1e-12 * max(1.0, seen)
    num_rounds = as_large = 0
    for chunk in differences:
        known = chunk[~np.isnan(chunk)]
        num_rounds += len(known)
        as_large += int(np.count_nonzero(np.abs(known) >= seen - slack))
    return (1 + as_large) / (1 + num_rounds) if np.isfinite(seen) else float("nan")


def _table_differences(
    one: PartTable, two: PartTable, metric: str, units: IntArray, rounds: int, seed: int
) -> Iterator[FloatArray]:
    """The metric's difference after each exchange of parts, in chunks; units with equal parts are never drawn."""
    tables = [sum_by_unit(table.parts, units) for table in (one, two)]
    totals = [table.sum(axis=0) for table in tables]
    differing = (tables[0] != tables[1]).any(axis=1)
    if not differing.any():
        yield np.zeros(rounds)
        return
    cells = Cells.find([table[differing] for table in tables])
    moved = weighted_sums_of(cells.tables[1] - cells.tables[0])
    rows = max(1, min(rounds, CHUNK_BYTES // (8 * (len(cells.counts) + 10 * one.parts.shape[1]))))
    draw = _coins(cells.counts, np.random.default_rng(seed))
    for start in range(0, rounds, rows):
        change = moved(draw(min(rows, rounds - start)))
        yield one.metrics[metric](totals[0] + change) - two.metrics[metric](totals[1] - change)


def _rank_differences(
    one: RankMetric, two: RankMetric, units: IntArray, rounds: int, seed: int
) -> Iterator[FloatArray]:
    """The same for rank metrics: both models' answers lie in one pool, and weights of 0 and 1 deal them out.

    What is exchanged are ranks within each model (Venkatraman & Begg 1996; Bandos, Rockette & Gur 2005): one
    model may be surer of everything than the other, and mixing raw scores would confuse that with its order.
    """
    gold = np.concatenate([one.gold, two.gold])
    ranks = np.concatenate([average_ranks(one.predicted), average_ranks(two.predicted)])
    pool = RankMetric(gold, ranks, one.compute, one.compute_weighted)
    draw = _coins(np.ones(int(units.max()) + 1, dtype=np.int64), np.random.default_rng(seed))
    rows = rank_rows(2 * len(gold))
    for start in range(0, rounds, rows):
        exchanged = draw(min(rows, rounds - start))[:, units]
        kept = 1 - exchanged
        yield pool.weighted(np.hstack([kept, exchanged])) - pool.weighted(np.hstack([exchanged, kept]))


def _coins(counts: IntArray, generator: np.random.Generator) -> Callable[[int], FloatArray]:
    """From a number of rows to how many of the units of each cell are exchanged, `(rows, cells)`.

    `counts` `(cells,)` are descending; single units cost a bit each.
    """
    num_several = int(np.count_nonzero(counts > 1))
    num_single = len(counts) - num_several

    def draw(rows: int) -> FloatArray:
        several = generator.binomial(counts[:num_several], 0.5, size=(rows, num_several))
        bits: NDArray[np.uint8] = np.frombuffer(generator.bytes(rows * (-(-num_single // 8))), dtype=np.uint8)
        single = np.unpackbits(bits.reshape(rows, -1), axis=1, count=num_single)
        return np.hstack([several, single]).astype(np.float64)

    return draw


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values adjusted for there being several (Holm 1979), in the same order.

    Whoever calls those at or below 0.05 differences is wrong about any of them at most 1 time in 20. NaN stays NaN
    and does not count as a test.
    """
    known = [index for index, p in enumerate(p_values) if not np.isnan(p)]
    adjusted = list(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(known, key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(known) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def smallest_shown(standard_error: float, num_tests: int = 1, level: float = 0.05) -> float:
    """The true difference that such a test set would show 4 times in 5 (the minimum detectable effect).

    After Bloom (1995): standard error x (normal deviate of the level + that of the power). It rests on how
    much the models disagree, which is measured well, and not on the difference that was seen: a "power" computed
    from the latter repeats the p value in other words (Hoenig & Heisey 2001). `num_tests` divides the level,
    as Holm's first step does.
    """
    return standard_error * float(special.ndtri(1 - level / (2 * num_tests)) + special.ndtri(POWER))
