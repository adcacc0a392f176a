"""Windows cover every unit, keep to their size, and each unit belongs to exactly one of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.data.windows import Window, windows


def test_a_short_text_is_one_window() -> None:
    assert windows([1, 2, 3], 6, 2) == [Window(0, 3, 0, 3)]
    assert windows([], 6, 2) == [Window(0, 0, 0, 0)]


def test_units_of_one_token_slide_by_capacity_less_overlap() -> None:
    found = windows([1] * 10, 6, 2)
    assert [(window.start, window.end) for window in found] == [(0, 6), (4, 10)]
    assert [(window.first, window.last) for window in found] == [(0, 5), (5, 10)]


def test_a_unit_beyond_the_capacity_is_alone() -> None:
    assert [(window.start, window.end) for window in windows([1, 9, 1, 1], 4, 2)] == [(0, 1), (1, 2), (2, 4)]


def test_what_cannot_be_cut_is_refused() -> None:
    for capacity, overlap in ((0, 0), (4, 4), (4, -1)):
        with pytest.raises(ValueError, match="windows of"):
            windows([1], capacity, overlap)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 12), st.data())
def test_every_unit_is_in_a_window_and_owned_by_one(
    lengths: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, capacity - 1))
    found = windows(lengths, capacity, overlap)
    owned = [unit for window in found for unit in range(window.first, window.last)]
    assert owned == list(range(len(lengths)))
    assert found[0].start == 0
    assert found[-1].end == len(lengths)
    for window in found:
        assert window.start <= window.first <= window.last <= window.end
        assert sum(lengths[window.start : window.end]) <= capacity or window.end - window.start == 1
    for before, after in pairwise(found):
        assert before.start < after.start <= before.end < after.end
        assert sum(lengths[after.start : before.end]) <= overlap


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 300), st.integers(2, 40), st.data())
def test_what_is_no_longer_than_the_overlap_is_whole_in_some_window(
    count: int, capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(1, capacity - 1))
    found = windows([1] * count, capacity, overlap)
    start = data.draw(st.integers(0, count - 1))
    end = min(count, start + overlap)
    assert any(window.start <= start and end <= window.end for window in found)
