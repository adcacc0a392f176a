"""The shape every task's scores have: parts per example, and functions from their sums to metrics.

A micro-averaged F1 over a test set is a function of three sums; so are a Pearson correlation and a corpus
BLEU. A `PartTable` keeps the summands per example, so that `tunewell.metrics.intervals` can add them up again
over any resample without asking what they mean.

Not for: the metrics themselves (`classification`, `multilabel`, `regression`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

Metric: TypeAlias = Callable[[FloatArray], FloatArray]
"""From summed parts `(..., k)` to values `(...)`."""


@dataclass(frozen=True)
class PartTable:
    """Parts of each example `(examples, k)`, and the metrics that are functions of their column sums.

    A metric is vectorised over leading axes and never raises or warns on a zero division: unless its
    docstring says otherwise, 0/0 is 0 (scikit-learn's `zero_division=0`). A table must carry its own count
    (a column of ones, say) where a metric divides by the number of examples: groups differ in size. The parts
    of an example must follow from its gold and its prediction alone, save for a scale that the metric takes
    no notice of, so that two models' parts can be exchanged.

    `shares` names the metrics that are the share of examples with some property, such as being right: the
    metric of one example's parts is then 0 or 1. Better intervals and tests exist for these (`shares.py`).
    `own_units` names the metrics that are so much for each unit of the model's own, such as its tokens, with the column
    that counts these: two models may have other units for the same gold texts.
    """

    parts: FloatArray
    metrics: Mapping[str, Metric]
    shares: Collection[str] = ()
    own_units: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.parts.ndim != 2 or self.parts.shape[1] == 0:
            raise ValueError(f"parts must be (examples, k) with k >= 1, not {self.parts.shape}")
        for what, names in (("shares", self.shares), ("metrics of own units", self.own_units)):
            strangers = sorted(set(names) - set(self.metrics))
            if strangers:
                raise ValueError(f"{what} that are no metrics: {', '.join(strangers)}")


@dataclass(frozen=True)
class RankMetric:
    """A metric of all examples at once, which sums cannot give: AUROC, Spearman's correlation.

    `gold` and `predicted` are `(examples,)`. `compute` returns NaN where the metric is undefined, as AUROC
    is when one class is missing; intervals leave such resamples out. Only the order of `predicted` may matter
    to it. `compute_weighted` gives the same for
    many weightings at once, far faster: from `weights (rows, examples)`, how often each example counts in
    each row, to `(rows,)`.
    """

    gold: FloatArray
    predicted: FloatArray
    compute: Callable[[FloatArray, FloatArray], float]
    compute_weighted: Callable[[FloatArray, FloatArray, FloatArray], FloatArray] | None = None

    def __post_init__(self) -> None:
        if self.gold.ndim != 1 or self.gold.shape != self.predicted.shape:
            shapes = f"gold {self.gold.shape} and predicted {self.predicted.shape}"
            raise ValueError(f"{shapes} must be (examples,) and of one length")

    def weighted(self, weights: FloatArray) -> FloatArray:
        """The metric `(rows,)` when each example counts as often as the whole numbers `(rows, examples)` say."""
        if self.compute_weighted is not None:
            return self.compute_weighted(self.gold, self.predicted, weights)
        values = np.empty(len(weights))
        for row, counts in enumerate(weights.astype(np.int64)):
            values[row] = self.compute(np.repeat(self.gold, counts), np.repeat(self.predicted, counts))
        return values


@dataclass(frozen=True)
class Scores:
    """All that is known of one model on one split: what to report, and how to resample it.

    `groups` holds one group id per example for a cluster bootstrap (questions on one paragraph, turns of
    one conversation); None means that the examples are independent. `totals` are numbers of the split as a whole that
    no resample can give, such as how many different words were written: they are reported without an interval and
    never tested. Raises `ValueError` for no examples, tables of different lengths, names that collide and a primary
    metric that is not there, or is a total.
    """

    primary: str
    tables: Sequence[PartTable]
    ranks: Mapping[str, RankMetric] = field(default_factory=dict)
    groups: Sequence[str] | None = None
    totals: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = [len(table.parts) for table in self.tables]
        lengths += [len(rank.gold) for rank in self.ranks.values()]
        if self.groups is not None:
            lengths.append(len(self.groups))
        if not self.tables and not self.ranks:
            raise ValueError("scores need at least one table or rank metric")
        if len(set(lengths)) != 1:
            raise ValueError(f"tables, rank metrics and groups differ in their number of examples: {lengths}")
        if lengths[0] == 0:
            raise ValueError("scores need at least one example: nothing can be said of an empty split")
        names = self.names
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"more than one metric is called {', '.join(repeated)}")
        if self.primary not in names:
            raise ValueError(f"the primary metric {self.primary!r} is not among {', '.join(names)}")
        if self.primary in self.totals:
            raise ValueError(f"the primary metric {self.primary!r} is a total, which cannot be tested")

    def source(self, metric: str) -> PartTable | RankMetric:
        """The table or the rank metric that gives `metric`; raises `ValueError` when there is none.

        There is none of a total either, as that is a number of the whole split.
        """
        for table in self.tables:
            if metric in table.metrics:
                return table
        if metric in self.totals:
            raise ValueError(
                f"{metric} is a number of the whole split: it has no interval and cannot be tested"
            )
        if metric not in self.ranks:
            raise ValueError(f"no metric {metric!r} among {', '.join(self.names)}")
        return self.ranks[metric]

    @property
    def names(self) -> list[str]:
        """Every metric: tables in order, then rank metrics, then totals."""
        return [name for table in self.tables for name in table.metrics] + [*self.ranks, *self.totals]

    @property
    def num_examples(self) -> int:
        """How many examples were scored."""
        return len(self.tables[0].parts) if self.tables else len(next(iter(self.ranks.values())).gold)

    def values(self) -> dict[str, float]:
        """Every metric on all examples: tables in order, then rank metrics, then totals. NaN where undefined."""
        values: dict[str, float] = {}
        for table in self.tables:
            sums = table.parts.sum(axis=0, dtype=np.float64)
            values.update({name: float(metric(sums)) for name, metric in table.metrics.items()})
        values.update({name: rank.compute(rank.gold, rank.predicted) for name, rank in self.ranks.items()})
        values.update({name: float(total) for name, total in self.totals.items()})
        return values


def ratio(numerator: FloatArray, denominator: FloatArray | int) -> FloatArray:
    """`numerator / denominator`, and 0 where the denominator is 0, without a warning."""
    below = np.asarray(denominator, dtype=np.float64)
    shape = np.broadcast_shapes(np.shape(numerator), below.shape)
    return np.divide(numerator, below, out=np.zeros(shape), where=below != 0)


def check_same_length(**arrays: NDArray[Any]) -> None:
    """Raise `ValueError` unless all the named arrays are `(examples,)` with as many examples."""
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"expected one value per example in each array, not {listed}")
