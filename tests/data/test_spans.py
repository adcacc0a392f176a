"""The best pieces of windows against a search of everything, merging, and thresholds between margins."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.data.spans import SAME, Found, Spans, WindowAnswers, best_spans, merged, midway, no_answer_score


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32 - 1), st.integers(0, 25), st.integers(1, 8), st.integers(1, 30))
def test_the_best_pieces_are_those_of_a_search_of_everything(
    seed: int, num_tokens: int, max_tokens: int, count: int
) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(num_tokens + 1, 2))
    lengths = random.integers(0, 3, num_tokens)  # some tokens are of no characters
    ends = lengths.cumsum()
    spans = [(0, 0), *zip((ends - lengths).tolist(), ends.tolist(), strict=True)]
    pairs = [
        (logits[first, 0] + logits[last, 1], first, last)
        for first, last in itertools.product(range(1, num_tokens + 1), repeat=2)
        if 0 <= last - first < max_tokens and lengths[first - 1] and lengths[last - 1]
    ]
    wanted = [(spans[i][0], spans[j][1], score) for score, i, j in sorted(pairs, reverse=True)[:count]]
    found = best_spans(logits, Spans(*zip(*spans, strict=True)), max_tokens=max_tokens, count=count)
    assert [piece[:2] for piece in found.found] == [piece[:2] for piece in wanted]
    assert [piece.score for piece in found.found] == pytest.approx([piece[2] for piece in wanted])
    assert found.no_answer == pytest.approx(logits[0].sum())
    assert found == best_spans(logits, spans, max_tokens=max_tokens, count=count)


def test_windows_are_merged_by_their_best() -> None:
    one = WindowAnswers([Found(4, 6, 3.0), Found(1, 2, 1.0)], -1.0)
    two = WindowAnswers([Found(1, 2, 5.0), Found(4, 6, 2.0)], 2.0)
    assert merged([one, two], 5) == [Found(1, 2, 5.0), Found(4, 6, 3.0)]
    assert merged([one, two], 1) == [Found(1, 2, 5.0)]
    assert no_answer_score([one, two]) == -1.0
    assert merged([WindowAnswers([], 0.0)], 5) == []


def test_what_differs_by_rounding_stands_in_the_order_of_the_text() -> None:
    noise = SAME / 10
    pieces = [Found(30, 31, 2 + noise), Found(10, 12, 2.0), Found(10, 11, 2 - noise), Found(0, 1, 1.0)]
    wanted = [(10, 11), (10, 12), (30, 31), (0, 1)]
    for shuffled in itertools.permutations(pieces):
        assert [piece[:2] for piece in merged([WindowAnswers(list(shuffled), 0.0)], 4)] == wanted


def test_blanks_at_the_sides_of_tokens_do_not_count() -> None:
    text = " a  \u3000b "
    spans = Spans.of(text, [(0, 2), (2, 5), (5, 7)])
    assert [text[start:end] for start, end in spans] == ["a", "", "b"]
    assert list(spans.window(1, 3)) == [(0, 0), *list(spans)[1:]]
    assert spans.tokens(0, 7) == (0, 2)
    assert spans.tokens(2, 5) is None


MARKS = "\u0301\u0e35\u064b\ufe0f"


@settings(deadline=None, max_examples=300)
@given(
    st.text("ab \u0e01\u0628\u200d\n" + MARKS, max_size=14),
    st.lists(st.tuples(st.integers(0, 14), st.booleans()), max_size=10),
)
def test_answers_neither_begin_nor_end_between_a_character_and_its_marks(
    text: str, cuts: list[tuple[int, bool]]
) -> None:
    """Whichever characters the tokens cover, in whichever pieces, marks alone too."""
    borders = sorted({0, len(text), *(place for place, _ in cuts if place < len(text))})
    left_out = {place for place, out in cuts if out}
    offsets = [(start, end) for start, end in itertools.pairwise(borders) if start not in left_out]
    spans = Spans.of(text, offsets)
    assert len(spans) == len(offsets)
    for (start, end), (was_start, was_end) in zip(spans, offsets, strict=True):
        assert (start < end) == bool(text[was_start:was_end].strip())
        if start == end:
            continue
        assert start < was_end
        assert end > was_start
        assert not (start and text[start] in MARKS and not text[start - 1].isspace())
        assert not (end < len(text) and text[end] in MARKS)


@pytest.mark.parametrize(
    ("text", "offsets", "pieces"),
    [
        ("cafe\u0301 au", [(0, 4), (6, 8)], ["cafe\u0301", "au"]),  # stripped by the tokenizer
        (
            "cafe\u0301 au",
            [(0, 3), (3, 4), (4, 5), (5, 8)],
            ["caf", "e\u0301", "e\u0301", "au"],
        ),  # cut before it
        ("\u0e17\u0e35\u0e48", [(0, 1)], ["\u0e17\u0e35\u0e48"]),
        ("\u0915\u094d\u200d b", [(0, 1), (4, 5)], ["\u0915\u094d\u200d", "b"]),
        ("a\u200db", [(0, 1), (1, 3)], ["a", "\u200db"]),  # a joiner of the next token stays there
        (" \u0301a", [(0, 2), (2, 3)], ["\u0301", "a"]),  # a mark on a blank
    ],
)
def test_marks_belong_to_the_character_that_they_stand_on(
    text: str, offsets: list[tuple[int, int]], pieces: list[str]
) -> None:
    assert [text[start:end] for start, end in Spans.of(text, offsets)] == pieces


def test_tokens_that_hold_a_piece() -> None:
    spans = Spans([0, 4, 4, 8], [4, 8, 8, 9])  # one character in two tokens is in both
    assert spans.tokens(2, 5) == (0, 2)
    assert spans.tokens(8, 9) == (3, 3)
    assert spans.tokens(20, 30) is None
    assert spans == Spans([0, 4, 4, 8], [4, 8, 8, 9])
    assert spans != spans[:2]


def test_a_threshold_keeps_its_distance_and_its_decisions() -> None:
    margins = np.array([-2.0, 1.0, 3.0, np.inf])
    assert midway(margins, 1.0) == 2.0
    assert midway(margins, 3.0) == 3.0 + SAME
    assert midway(margins, np.nextafter(-2.0, -np.inf)) < -2.0
    assert midway(np.array([1.0, 2.0]), 0.0) == 0.0
    assert midway(np.array([np.inf]), 0.0) == 0.0
    for threshold in (-5.0, -2.0, 0.0, 1.0, 2.9, 3.0):
        assert ((margins > midway(margins, threshold)) == (margins > threshold)).all()
