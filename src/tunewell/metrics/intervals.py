"""How sure a score is: bootstrap intervals for every metric, and for the difference of two models.

The percentile bootstrap (Efron 1979; Koehn 2004 for paired differences in NLP): resample the examples with
replacement, compute the metric again, and take the middle 95% of the values. It reflects the choice of *test
examples* alone, not of seeds or training data. Where it misleads: a score at the edge (every example right)
gets an interval of no width, and a biased estimate such as a calibration error gets its bias twice.

Not for: drawing the resamples (`resampling`) or the metrics (`classification`, `multilabel`, `regression`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from tunewell.core.results import Score
from tunewell.metrics.resampling import Cells, Urn, number_groups, resampled_sums, sum_by_unit
from tunewell.metrics.tables import FloatArray, IntArray, PartTable, RankMetric, Scores

DEFAULT_RESAMPLES = 10_000
"""Resamples for functions of sums: their noise moves an end by about 1% of the interval's width."""

DEFAULT_RANK_RESAMPLES = 1_000
"""Resamples for rank metrics, which sort all examples each time: the noise is about 2% of the width."""


def intervals(
    scores: Scores,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    rank_resamples: int = DEFAULT_RANK_RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, Score]:
    """Every metric of `scores` with its percentile interval.

    Resamples where a metric is NaN are left out. `low` and `high` are None where there is nothing to resample
    (a single example or group, no resamples) or nothing but NaN.
    """
    units = number_groups(scores.groups, scores.num_examples)
    resampled: dict[str, FloatArray] = {}
    if scores.tables:
        parts = [table.parts for table in scores.tables]
        resampled.update(_table_resamples(parts, _all_metrics(scores.tables), units, resamples, seed))
    for name, rank in scores.ranks.items():
        resampled[name] = _rank_resamples([rank], units, rank_resamples, seed)[0]
    return {
        name: _interval(value, resampled[name], units, confidence) for name, value in scores.values().items()
    }


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
    one, two = _source(first, metric), _source(second, metric)
    units = number_groups(first.groups, first.num_examples)
    if not np.array_equal(units, number_groups(second.groups, second.num_examples)):
        raise ValueError("a paired difference needs the same examples, with the same groups, on both sides")
    if isinstance(one, PartTable) and isinstance(two, PartTable):
        # Equal parts are summed once: a model minus itself is then 0 to the last bit.
        same = np.array_equal(one.parts, two.parts)
        compute_one, compute_two = one.metrics[metric], two.metrics[metric]
        differences = _table_resamples(
            [one.parts] if same else [one.parts, two.parts],
            lambda sums: {metric: compute_one(sums[0]) - compute_two(sums[-1])},
            units,
            resamples,
            seed,
        )[metric]
    elif isinstance(one, RankMetric) and isinstance(two, RankMetric):
        values = _rank_resamples([one, two], units, rank_resamples, seed)
        differences = values[0] - values[1]
    else:
        raise ValueError(f"{metric} is a function of sums on one side and of ranks on the other")
    value = first.values()[metric] - second.values()[metric]
    return _interval(value, differences, units, confidence)


def _source(scores: Scores, metric: str) -> PartTable | RankMetric:
    """The table or rank metric of `scores` that gives `metric`."""
    for table in scores.tables:
        if metric in table.metrics:
            return table
    if metric not in scores.ranks:
        raise ValueError(f"no metric {metric!r} among {', '.join(scores.values())}")
    return scores.ranks[metric]


def _all_metrics(tables: Sequence[PartTable]) -> Callable[[Sequence[FloatArray]], Mapping[str, FloatArray]]:
    return lambda sums: {
        name: metric(own_sums)
        for table, own_sums in zip(tables, sums, strict=True)
        for name, metric in table.metrics.items()
    }


def _table_resamples(
    tables: Sequence[FloatArray],
    compute: Callable[[Sequence[FloatArray]], Mapping[str, FloatArray]],
    units: IntArray,
    resamples: int,
    seed: int,
) -> dict[str, FloatArray]:
    """The values `(resamples,)` of each name that `compute` gives for the summed parts of all `tables`."""
    cells = Cells.find([sum_by_unit(table, units) for table in tables])
    no_sums = [np.empty((0, table.shape[1])) for table in tables]
    chunks = [compute(no_sums), *(compute(sums) for sums in resampled_sums(cells, resamples, seed))]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _rank_resamples(
    metrics: Sequence[RankMetric], units: IntArray, resamples: int, seed: int
) -> list[FloatArray]:
    """The values `(resamples,)` of each metric, all on the same resamples."""
    values = [np.empty(resamples) for _ in metrics]
    for index, examples in enumerate(_resampled_examples(units, resamples, seed)):
        for row, metric in zip(values, metrics, strict=True):
            row[index] = metric.compute(metric.gold[examples], metric.predicted[examples])
    return values


def _resampled_examples(units: IntArray, resamples: int, seed: int) -> Iterator[IntArray]:
    """Example indices of each resample, in ascending order, with repeats."""
    num_units = int(units.max()) + 1
    urn = Urn(np.ones(num_units, dtype=np.int64), seed)
    weights = np.empty((1, num_units), dtype=np.int64)
    examples = np.arange(len(units))
    for _ in range(resamples):
        urn.fill(weights)
        yield np.repeat(examples, weights[0, units])


def _interval(value: float, resampled: FloatArray, units: IntArray, confidence: float) -> Score:
    """The value with the percentiles of the resampled values that are not NaN."""
    known = resampled[~np.isnan(resampled)]
    if not len(known) or units.max() == 0:
        return Score(value)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(known, tails)
    return Score(value, float(low), float(high))
