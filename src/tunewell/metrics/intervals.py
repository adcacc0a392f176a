"""How sure a score is: 95% intervals for every metric, and for the difference of two models.

The bootstrap (Efron 1979; Koehn 2004 for paired differences in NLP): resample the examples with replacement and
compute the metric again. Not the plain middle 95% of these values, which is too narrow for few examples or
groups and lopsided near the edge of a metric's range. A score gets Efron's (1987) BCa correction for bias and
skewness, with tails widened for small samples as Hesterberg (2015) has it. A difference, which has little of
either, gets Student's t around it with the bootstrap's standard error: BCa estimates corrections that are not
there, and called equal models different 8 to 13 times in 100 (`docs/lab-log.md`). A share of independent
examples, such as accuracy, has theory of its own (`shares`).

An interval reflects the choice of *test examples* alone, not of seeds or training data. Where it still
misleads: with fewer than about 20 groups, with labels that occur a handful of times (macro F1), and with every
example right, where any metric but a share gets no width. `docs/compare.md` has the figures.

Not for: drawing the resamples (`resampling`), tests (`significance`) or the metrics (`classification`, ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from scipy import special

from tunewell.core.results import Score
from tunewell.metrics.resampling import CHUNK_BYTES, Cells, Urn, number_groups, resampled_sums, sum_by_unit
from tunewell.metrics.shares import outcomes, share_difference, share_interval
from tunewell.metrics.tables import FloatArray, IntArray, PartTable, RankMetric, Scores

DEFAULT_RESAMPLES = 10_000
"""Resamples for functions of sums: their noise moves an end by about 1% of the interval's width."""

DEFAULT_RANK_RESAMPLES = 1_000
"""Resamples for rank metrics, which look at all examples each time: the noise is about 2% of the width."""

_MOST_BIAS = 1.0
"""Where the bootstrap says that an estimate is more biased than this (in standard errors), it is not believed."""

_JACKKNIFE_UNITS = 500
"""Rank metrics are left-one-out for at most so many units: enough for a skewness."""

_RANK_BYTES = 4_000_000

Compute = Callable[[Sequence[FloatArray]], Mapping[str, FloatArray]]


def intervals(
    scores: Scores,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    rank_resamples: int = DEFAULT_RANK_RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Score]:
    """Every metric of `scores` with its interval.

    Resamples where a metric is NaN are left out. `low` and `high` are None where there is nothing to resample
    (a single example or group, no resamples) or nothing but NaN, and for totals.
    """
    units = number_groups(scores.groups, scores.num_examples)
    resampled: dict[str, Resampled] = {}
    if scores.tables:
        parts = [table.parts for table in scores.tables]
        resampled.update(_table_resamples(parts, _all_metrics(scores.tables), units, resamples, seed))
    for name, rank in scores.ranks.items():
        resampled[name] = _rank_resamples([rank], units, rank_resamples, seed)
    found = {
        name: resampled[name].interval(value, confidence) if name in resampled else Score(value)
        for name, value in scores.values().items()
    }
    for table in scores.tables if _independent(units) and resamples else ():
        for name in table.shares:
            right = outcomes(table, name)
            ends = share_interval(int(right.sum()), len(right), confidence)
            found[name] = Score(found[name].value, *ends)
    return found


def paired_difference(
    first: Scores,
    second: Scores,
    metric: str,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    rank_resamples: int = DEFAULT_RANK_RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> Score:
    """`first` minus `second` in `metric`, with the interval of that difference.

    Both must be of the same examples in the same order: each resample draws the same examples for both, so
    that what is hard for both cancels. An interval without 0 means that the difference would likely hold
    up on other examples of this kind. Raises `ValueError` when the two do not fit together.
    """
    given = {"resamples": resamples, "rank_resamples": rank_resamples, "seed": seed}
    return paired_estimate(first, second, metric, confidence=confidence, **given)[0]


def paired_estimate(
    first: Scores,
    second: Scores,
    metric: str,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    rank_resamples: int = DEFAULT_RANK_RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[Score, float]:
    """`paired_difference`, and the standard error of the difference (NaN where it cannot be had)."""
    one, two, units = paired_sources(first, second, metric)
    value = first.values()[metric] - second.values()[metric]
    if isinstance(one, PartTable) and isinstance(two, PartTable):
        if metric in one.shares and metric in two.shares and _independent(units) and resamples:
            low, high, error = share_difference(outcomes(one, metric), outcomes(two, metric), confidence)
            return Score(value, low, high), error
        # Equal parts are summed once: a model minus itself is then 0 to the last bit.
        same = np.array_equal(one.parts, two.parts)
        compute_one, compute_two = one.metrics[metric], two.metrics[metric]
        found = _table_resamples(
            [one.parts] if same else [one.parts, two.parts],
            lambda sums: {metric: compute_one(sums[0]) - compute_two(sums[-1])},
            units,
            resamples,
            seed,
            corrected=False,
        )[metric]
    else:
        assert isinstance(one, RankMetric)
        assert isinstance(two, RankMetric)
        found = _rank_resamples([one, two], units, rank_resamples, seed)
    return found.symmetric(value, confidence), found.standard_error()


def paired_sources(
    first: Scores, second: Scores, metric: str
) -> tuple[PartTable | RankMetric, PartTable | RankMetric, IntArray]:
    """What gives `metric` on either side, both of one kind, and the unit of resampling of each example.

    Raises `ValueError` when the two do not fit together.
    """
    one, two = first.source(metric), second.source(metric)
    units = number_groups(first.groups, first.num_examples)
    if not np.array_equal(units, number_groups(second.groups, second.num_examples)):
        raise ValueError("a paired difference needs the same examples, with the same groups, on both sides")
    if type(one) is not type(two):
        raise ValueError(f"{metric} is a function of sums on one side and of ranks on the other")
    return one, two, units


def _independent(units: IntArray) -> bool:
    """Whether each example is a unit of its own, and there is more than one."""
    return 1 < len(units) == int(units.max()) + 1


def _all_metrics(tables: Sequence[PartTable]) -> Compute:
    return lambda sums: {
        name: metric(own_sums)
        for table, own_sums in zip(tables, sums, strict=True)
        for name, metric in table.metrics.items()
    }


class Resampled:
    """What resampling found of one number: its values `(resamples,)`, and those `(cells,)` with a unit left out.

    `counts` `(cells,)` says how many units each of the latter stands for; `num_units` are all there are.
    """

    def __init__(
        self, values: FloatArray, left_out: FloatArray, counts: FloatArray | IntArray, num_units: int
    ) -> None:
        self._values = np.sort(values[~np.isnan(values)])
        known = ~np.isnan(left_out)
        self._left_out, self._counts = left_out[known], counts[known]
        self._num_units = num_units

    def interval(self, value: float, confidence: float) -> Score:
        """`value` with its BCa interval, of which the tails are widened for few units."""
        if not len(self._values) or self._num_units == 1:
            return Score(value)
        widened = self._tail(confidence) * np.sqrt(self._num_units / (self._num_units - 1))
        reach = widened * np.array([-1.0, 1.0])
        bias, skewness = self._bias(value), self._acceleration()
        shifted = bias + reach
        levels = special.ndtr(bias + shifted / np.maximum(1 - skewness * shifted, 0.1))
        low, high = np.quantile(self._values, levels)
        return Score(value, float(low), float(high))

    def symmetric(self, value: float, confidence: float) -> Score:
        """`value` with Student's t interval around it."""
        error = self.standard_error()
        if np.isnan(error) or np.isnan(value):
            return Score(value)
        half = self._tail(confidence) * error
        return Score(value, value - half, value + half)

    def _tail(self, confidence: float) -> float:
        return float(special.stdtrit(self._num_units - 1, (1 + confidence) / 2))

    def standard_error(self) -> float:
        """The deviation of the resampled values; NaN where there are none, or one unit alone."""
        if not len(self._values) or self._num_units == 1:
            return float("nan")
        return float(self._values.std() * np.sqrt(self._num_units / (self._num_units - 1)))

    def _bias(self, value: float) -> float:
        """How far the value lies from the middle of the resampled ones, as a normal deviate; equals count half."""
        slack = 1e-12 * max(1.0, abs(value))
        below = np.searchsorted(self._values, [value - slack, value + slack])
        share = (below.sum() / 2) / len(self._values)
        deviate = float(special.ndtri(np.clip(share, 0.5 / len(self._values), 1 - 0.5 / len(self._values))))
        return float(np.clip(deviate, -_MOST_BIAS, _MOST_BIAS))

    def _acceleration(self) -> float:
        """A sixth of the skewness of the units' influences, from leaving each out (Efron 1987)."""
        if not len(self._left_out):
            return 0.0
        deviations = np.average(self._left_out, weights=self._counts) - self._left_out
        squares = float(self._counts @ deviations**2)
        return float(self._counts @ deviations**3) / (6 * squares**1.5) if squares > 0 else 0.0


def _table_resamples(
    tables: Sequence[FloatArray],
    compute: Compute,
    units: IntArray,
    resamples: int,
    seed: int,
    *,
    corrected: bool = True,
) -> dict[str, Resampled]:
    """What resampling finds for each name that `compute` gives for the summed parts of all `tables`.

    With `corrected` also what leaving one unit out gives, which `Resampled.interval` needs.
    """
    cells = Cells.find([sum_by_unit(table, units) for table in tables])
    no_sums = [np.empty((0, table.shape[1])) for table in tables]
    chunks = [compute(no_sums), *(compute(sums) for sums in resampled_sums(cells, resamples, seed))]
    left_out = [compute(sums) for sums in _sums_without(cells)] if corrected else chunks[:1]
    num_units = int(units.max()) + 1
    return {
        name: Resampled(
            np.concatenate([chunk[name] for chunk in chunks]),
            np.concatenate([chunk[name] for chunk in left_out]),
            cells.counts if corrected else cells.counts[:0],
            num_units,
        )
        for name in chunks[0]
    }


def _sums_without(cells: Cells) -> Iterator[list[FloatArray]]:
    """The summed parts `(rows, k)` of each table without one unit of each cell, in chunks of cells."""
    totals = [cells.counts @ table for table in cells.tables]
    rows = max(1, CHUNK_BYTES // (8 * 5 * sum(len(total) for total in totals)))
    for start in range(0, len(cells.counts), rows):
        yield [total - table[start : start + rows] for total, table in zip(totals, cells.tables, strict=True)]


def _rank_resamples(metrics: Sequence[RankMetric], units: IntArray, resamples: int, seed: int) -> Resampled:
    """What resampling finds for a rank metric, or for the first minus the second of two."""

    def compute(weights: FloatArray) -> FloatArray:
        values = [metric.weighted(weights) for metric in metrics]
        return values[0] - values[1] if len(values) > 1 else values[0]

    values = [np.empty(0), *(compute(weights) for weights in _resampled_weights(units, resamples, seed))]
    left_out = [np.empty(0)]
    if len(metrics) == 1 and metrics[0].compute_weighted:  # else it would take as long as the resampling
        left_out += [compute(weights) for weights in _weights_without(units)]
    without = np.concatenate(left_out)
    num_units = int(units.max()) + 1
    each = np.full(len(without), num_units / max(1, len(without)))
    return Resampled(np.concatenate(values), without, each, num_units)


def rank_rows(num_examples: int) -> int:
    """How many rows of weights to hold at a time: few enough to stay near the processor (measured)."""
    return max(1, _RANK_BYTES // (8 * 6 * num_examples))


def _resampled_weights(units: IntArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """How often each example comes up `(rows, examples)`, in chunks of rows that add up to `resamples`."""
    num_units = int(units.max()) + 1
    urn = Urn(np.ones(num_units, dtype=np.int64), seed)
    rows = rank_rows(len(units))
    for start in range(0, resamples, rows):
        weights = np.empty((min(rows, resamples - start), num_units))
        urn.fill(weights)
        yield weights[:, units]


def _weights_without(units: IntArray) -> Iterator[FloatArray]:
    """Weights `(rows, examples)` of 0 for one unit and 1 for all others; at most `_JACKKNIFE_UNITS` rows in all."""
    last, rows = int(units.max()), rank_rows(len(units))
    chosen = np.unique(np.linspace(0, last, min(last + 1, _JACKKNIFE_UNITS)).astype(np.int64))
    for start in range(0, len(chosen), rows):
        yield (chosen[start : start + rows, None] != units).astype(np.float64)
