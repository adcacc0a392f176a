"""Where an answer without a place is taken to stand: as whole words, nearest or first, and else anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.data.occurrences import likely_place, occurrences

TEXTS = st.text("ab\u0301\U0001f600 ", max_size=30)


@settings(deadline=None)
@given(TEXTS, st.text("ab\u0301\U0001f600 ", min_size=1, max_size=3))
def test_occurrences_are_all_places(context: str, text: str) -> None:
    wanted = [place for place in range(len(context)) if context[place : place + len(text)] == text]
    assert occurrences(context, text) == wanted


@pytest.mark.parametrize(
    ("context", "text", "near", "place"),
    [
        ("In 1914 he was 14 years", "14", None, 15),
        ("In 1914 he was 14 years", "14", 5, 15),
        ("In 1914 he was", "14", None, 5),  # nowhere else
        ("unkind but kind", "kind", None, 11),
        ("14 of 14 in 1914", "14", 14, 6),
        ("14 of 14 in 1914", "14", None, 0),
        ("14km or 14 km", "14", None, 0),  # a number and its unit are two words
        ("(14) in 14", "14", None, 1),
        ("cafe\u0301 cafe", "cafe", None, 6),
        ("e\u0301tat tat", "tat", None, 6),
        ("\u6211\u7231\u5317\u4eac", "\u7231", None, 1),  # no blanks between words
        ("\u0e01\u0e02 \u0e02", "\u0e02", None, 1),
        ("nothing", "14", 3, None),
    ],
)
def test_whole_words_go_first(context: str, text: str, near: int | None, place: int | None) -> None:
    assert likely_place(context, text, near) == place


@settings(deadline=None)
@given(TEXTS, st.text("ab\u0301\U0001f600 ", min_size=1, max_size=3), st.none() | st.integers(0, 30))
def test_a_place_is_found_wherever_there_is_one(context: str, text: str, near: int | None) -> None:
    place, places = likely_place(context, text, near), occurrences(context, text)
    assert (place in places) if places else place is None
