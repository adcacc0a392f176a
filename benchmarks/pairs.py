"""Interleaved pairs, and what can be said of them: the median ratio with an interval that assumes nothing.

Machines are shared and drift; a ratio of two neighbours in time drifts far less than either. The order turns round
from pair to pair (A B, B A, ...), so that with an even number of kept pairs a steady drift favours nobody: as many
run ours first as theirs, and the median lies between the two kinds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.recipe import Json

CONFIDENCE = 0.95

NUM_PAIRS = 7
"""One is thrown away; six remain, three of each order, and the interval between their extremes covers 96.9%."""


@dataclass(frozen=True)
class Pair:
    """One segment of each; `ours_first` is the order in which they ran."""

    ours_first: bool
    ours: Json
    theirs: Json

    def ratio(self, unit: str) -> float:
        """Our rate of `unit` a second over theirs."""
        return rate(self.ours, unit) / rate(self.theirs, unit)

    def to_json(self) -> Json:
        """Everything that was measured."""
        return {
            "order": "ours, theirs" if self.ours_first else "theirs, ours",
            "ours": self.ours,
            "theirs": self.theirs,
        }


def rate(segment: Json, unit: str) -> float:
    """How many of `unit` (`examples`, `tokens`) a second."""
    return float(segment[unit]) / float(segment["seconds"])


def orders(num_pairs: int) -> Iterator[bool]:
    """For each pair, whether ours runs first: A B, B A, A B, ..."""
    return (number % 2 == 0 for number in range(num_pairs))


def interleave(num_pairs: int, ours: Callable[[], Json], theirs: Callable[[], Json]) -> list[Pair]:
    """Run segments in pairs."""
    pairs = []
    for ours_first in orders(num_pairs):
        if ours_first:
            own, other = ours(), theirs()
        else:
            other, own = theirs(), ours()
        pairs.append(Pair(ours_first, own, other))
    return pairs


def kept(pairs: Sequence[Pair]) -> Sequence[Pair]:
    """All but the first, in which caches fill and clocks settle; a single pair, of a smoke run, stays."""
    return pairs[1:] or pairs


@dataclass(frozen=True)
class Spread:
    """A median with an interval between two of the values; `coverage` is how often such an interval holds it."""

    median: float
    low: float
    high: float
    coverage: float
    count: int

    def to_json(self) -> Json:
        """As a flat object."""
        return {
            "median": self.median,
            "low": self.low,
            "high": self.high,
            "coverage": self.coverage,
            "count": self.count,
        }


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Spread:
    """The median, and the narrowest pair of order statistics that holds it with `confidence`.

    The number of values below the true median is binomial, whatever their distribution. Few values reach no 95%:
    five give 93.75% between the smallest and the largest; the coverage is said.
    """
    ordered, count = sorted(values), len(values)
    chosen = 0
    while 2 * (chosen + 1) < count and _coverage(chosen + 1, count) >= confidence:
        chosen += 1
    return Spread(
        statistics.median(ordered), ordered[chosen], ordered[-1 - chosen], _coverage(chosen, count), count
    )


def _coverage(outside: int, count: int) -> float:
    """Of the interval that leaves `outside` values out at each end."""
    tail = sum(math.comb(count, below) for below in range(outside + 1)) / float(2**count)
    return max(0.0, 1 - 2 * tail)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median, third quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, middle, third
