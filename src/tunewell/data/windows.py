"""A long text cut into overlapping windows, each piece of it read where it has most context.

Not for: token ids (`tunewell.models.tokenizer`) or what a piece means (the task).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Window:
    """The units `start` to `end` (half-open) stand in this window; `first` to `last` of them are its own.

    Every unit is in one window at least, and is the own of exactly one.
    """

    start: int
    end: int
    first: int
    last: int


def windows(lengths: Sequence[int], capacity: int, overlap: int) -> list[Window]:
    """Units of these `lengths`, in tokens, cut into windows of at most `capacity` tokens; one window at least.

    Neighbouring windows share at most `overlap` tokens, in whole units, and each goes on by one unit at least. The
    unit in the middle of what two windows share is where the one ends to own and the other begins: there both see as
    much on either side. A unit that is longer than `capacity` has a window to itself.

    Raises `ValueError` unless `capacity` is above 0 and `overlap` between 0 and `capacity`.
    """
    if capacity < 1 or not 0 <= overlap < capacity:
        raise ValueError(f"windows of {capacity} tokens cannot share {overlap}")
    bounds = _bounds(list(accumulate(lengths, initial=0)), capacity, overlap)
    middles = [(start + end + 1) // 2 for (start, _), (_, end) in zip(bounds[1:], bounds, strict=False)]
    firsts, lasts = [0, *middles], [*middles, len(lengths)]
    return [
        Window(start, end, first, last)
        for (start, end), first, last in zip(bounds, firsts, lasts, strict=True)
    ]


def _bounds(sums: Sequence[int], capacity: int, overlap: int) -> list[tuple[int, int]]:
    """Start and end of each window; `sums` are the lengths of all units before each unit."""
    count = len(sums) - 1
    bounds: list[tuple[int, int]] = []
    start = end = 0
    while True:
        while end < count and (sums[end + 1] - sums[start] <= capacity or end == start):
            end += 1
        bounds.append((start, end))
        if end == count:
            return bounds
        before, start = start, end
        while start - 1 > before and sums[end] - sums[start - 1] <= overlap:
            start -= 1
        while start < end and sums[end + 1] - sums[start] > capacity:
            start += 1  # the next unit must fit beside what is shared
