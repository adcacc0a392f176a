"""Draw examples with replacement many times over, and add up their parts each time: fast, and exact.

Examples with equal parts are interchangeable, so they are drawn as one *cell*: how often each cell comes up
is a multinomial count. Cells of many examples are drawn that way; the rest, example by example. Both are the
bootstrap itself, not an approximation of it: only the number of random draws differs.

Not for: what the sums mean (`tables`) or what to do with the resampled values (`intervals`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.metrics.tables import FloatArray, IntArray

FREQUENT = 12
"""A cell of so many examples is drawn as a whole: one binomial draw costs about as much (measured)."""

CHUNK_BYTES = 16_000_000
"""About what one chunk of resamples takes: weights, sums, and what the metrics make of the sums."""

_SINGLE_THREAD_PRODUCTS = 2**18  # multiplications up to which OpenBLAS uses the calling thread alone
_BLOCK_CELLS = 128
_SPARSE = 20  # below one number in so many that is not 0, picking those is faster than a full product
_WHOLE_IN_FLOAT32 = 2**24  # whole numbers up to here are exact in float32, whose products are twice as fast


def number_groups(groups: Sequence[str] | None, num_examples: int) -> IntArray:
    """The unit of resampling of each example `(examples,)`, counted from 0 as groups first appear."""
    if groups is None:
        return np.arange(num_examples)
    return _number(groups)


def _number(keys: Iterable[Hashable]) -> IntArray:
    """For each key, how many distinct ones came before its first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def sum_by_unit(parts: FloatArray, units: IntArray) -> FloatArray:
    """The parts of each unit `(units, k)`, added up over its examples."""
    num_units = int(units.max()) + 1
    if num_units == len(parts):
        return parts
    columns = [np.bincount(units, weights=column, minlength=num_units) for column in parts.T]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Cells:
    """Distinct rows of parts, `(cells, k)` per table, and how many units have each, the largest first."""

    counts: IntArray
    tables: Sequence[FloatArray]

    @classmethod
    def find(cls, tables: Sequence[FloatArray]) -> Cells:
        """The distinct rows of all `tables`, each `(units, k)`, taken side by side."""
        # As bytes, rows are one thing to compare; 0.0 and -0.0 then differ, which costs a cell and no truth.
        ids = _number(b"".join([row.tobytes() for row in rows]) for rows in zip(*tables, strict=True))
        _, first, counts = np.unique(ids, return_index=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")  # equals stay in order of appearance
        return cls(counts[order], [table[first[order]] for table in tables])


class Urn:
    """Draws as many units as `counts` holds, with replacement, and says how often each cell came up.

    `counts` `(cells,)` are descending. The draws depend on `counts`, `seed` and `frequent` alone, not on how
    many rows are asked for at a time.
    """

    def __init__(self, counts: IntArray, seed: int, *, frequent: int = FREQUENT) -> None:
        self.num_units = int(counts.sum())
        self._num_frequent = int(np.count_nonzero(counts >= frequent))
        rare = counts[self._num_frequent :]
        self._num_rare_units = int(rare.sum())
        all_single = self._num_rare_units == len(rare)
        self._rare_cell_of = None if all_single else np.repeat(np.arange(len(rare)), rare)
        outcomes = counts[: self._num_frequent]
        if self._num_rare_units:  # all rare cells together are the last outcome
            outcomes = np.append(outcomes, self._num_rare_units)
        self._chances = outcomes / self.num_units
        # Two streams: drawing the first for many rows at once must not shift the second.
        self._cell_generator, self._unit_generator = np.random.default_rng(seed).spawn(2)

    def fill(self, weights: NDArray[Any]) -> None:
        """Overwrite `weights` `(rows, cells)` with the counts of that many fresh resamples."""
        drawn = self._cell_generator.multinomial(self.num_units, self._chances, size=len(weights))
        weights[:, : self._num_frequent] = drawn[:, : self._num_frequent]
        if not self._num_rare_units:
            return
        num_rare = weights.shape[1] - self._num_frequent
        for row, num_draws in zip(weights[:, self._num_frequent :], drawn[:, -1], strict=True):
            units = self._unit_generator.integers(self._num_rare_units, size=num_draws, dtype=np.int32)
            cells = units if self._rare_cell_of is None else self._rare_cell_of[units]
            row[:] = np.bincount(cells, minlength=num_rare)


def resampled_sums(
    cells: Cells, resamples: int, seed: int, *, frequent: int = FREQUENT, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[list[FloatArray]]:
    """The summed parts `(rows, k)` of each table of `cells`, in chunks of rows that add up to `resamples`.

    Deterministic for a `seed`; `chunk_bytes` changes sums of fractions by rounding at most.
    """
    urn = Urn(cells.counts, seed, frequent=frequent)
    exact = all(_is_whole(table, urn.num_units) for table in cells.tables)
    dtype = np.dtype(np.float32 if exact else np.float64)
    sums_of = [weighted_sums_of(table.astype(dtype)) for table in cells.tables]
    numbers_per_row = len(cells.counts) + sum(_numbers_per_row(table) for table in cells.tables)
    rows = max(1, min(resamples, chunk_bytes // (dtype.itemsize * numbers_per_row)))
    buffer = np.empty((rows, len(cells.counts)), dtype=dtype)
    for start in range(0, resamples, rows):
        weights = buffer[: resamples - start]
        urn.fill(weights)
        yield [sums(weights).astype(np.float64, copy=False) for sums in sums_of]


def _is_whole(table: FloatArray, num_units: int) -> bool:
    """Whether every weighted sum of the table is a whole number that float32 holds exactly."""
    return bool(num_units * np.abs(table).max() < _WHOLE_IN_FLOAT32 and (table == np.rint(table)).all())


def _is_sparse(table: NDArray[Any]) -> bool:
    return int(np.count_nonzero(table)) * _SPARSE < table.size


def _numbers_per_row(table: NDArray[Any]) -> int:
    """About how many numbers are held for each row of weights while it is multiplied with the table."""
    picked = np.count_nonzero(table) if _is_sparse(table) else 0
    return int(picked + 4 * table.shape[1])


def weighted_sums_of(table: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """The function from weights `(rows, cells)` to `weights @ table`, whichever way is fastest."""
    if not _is_sparse(table):
        return partial(_dense_sums, table)
    columns, cells = np.nonzero(table.T)
    used, starts = np.unique(columns, return_index=True)
    values = table[cells, columns]

    def sparse_sums(weights: NDArray[Any]) -> NDArray[Any]:
        picked = weights[:, cells]
        picked *= values
        sums = np.zeros((len(weights), table.shape[1]), dtype=table.dtype)
        sums[:, used] = np.add.reduceat(picked, starts, axis=1)
        return sums

    return sparse_sums


def _dense_sums(table: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """`weights @ table` in pieces so small that OpenBLAS stays on one thread.

    Its threads, once woken, spin for some milliseconds and so take a core from the next draws: with 10,000
    examples and 2 cores the whole bootstrap took twice as long.
    """
    num_columns = table.shape[1]
    end = len(table) - len(table) % _BLOCK_CELLS
    weight_blocks = weights[:, :end].reshape(len(weights), -1, _BLOCK_CELLS).swapaxes(0, 1)
    table_blocks = table[:end].reshape(-1, _BLOCK_CELLS, num_columns)
    step = max(1, _SINGLE_THREAD_PRODUCTS // (_BLOCK_CELLS * num_columns))
    sums = np.empty((len(weights), num_columns), dtype=table.dtype)
    for start in range(0, len(weights), step):
        piece = slice(start, start + step)
        sums[piece] = np.matmul(weight_blocks[:, piece], table_blocks).sum(axis=0)
        sums[piece] += weights[piece, end:] @ table[end:]
    return sums
