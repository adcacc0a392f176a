"""Rewritten texts: what differs is marked exactly, nothing is lost but what is said to be, and pages stay small."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.core.sections import Rewrite, Rewrites, section_from_json
from tunewell.report import render
from tunewell.report.rewrites import (
    MAX_CHARACTERS,
    MAX_ENTRIES,
    differences,
    kept,
    parted,
    rewrites_view,
    words,
    written,
)
from tunewell.report.texts import Piece

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'&\u2028</mark></p>"
TEXTS = st.text(st.sampled_from("ab1.,  \n'<é\u0301👩\u200d🔬🇧🇷文京ا\u0e01"), max_size=40)


def pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def plain(parts: Sequence[str | Piece]) -> str:
    return "".join(part if isinstance(part, str) else plain(part.parts) for part in parts)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("The cat's 2 hats.", ["The", "cat", "'", "s", "2", "hats", "."]),
        ("他住在Berlin。", ["他", "住", "在", "Berlin", "。"]),
        ("e\u0301te\u0301 👩\u200d🔬🇧🇷", ["e\u0301te\u0301", "👩\u200d🔬", "🇧🇷"]),
        ("หิว\u200d", ["ห\u0e34", "ว\u200d"]),
        (" \n ", []),
        ("", []),
    ],
)
def test_words_are_cut_where_people_would(text: str, cut: list[str]) -> None:
    assert pieces(text, words(text)) == cut


@pytest.mark.parametrize(
    ("reference", "output", "lacking", "added"),
    [
        ("The old man buys a house.", "The man buys a big house!", ["old", "."], ["big", "!"]),
        ("The train leaves", "Der Zug fährt", ["The train leaves"], ["Der Zug fährt"]),
        ("他住在北京，每天骑车。", "他住在北京市，每天开车。", ["骑"], ["市", "开"]),
        ("the same", "the  same\n", [], []),
        ("all gone", "", ["all gone"], []),
        ("", "new here", [], ["new here"]),
        ("Case matters", "case matters", ["Case"], ["case"]),
    ],
)
def test_what_differs_is_marked_in_whole_words(
    reference: str, output: str, lacking: list[str], added: list[str]
) -> None:
    theirs, ours = differences(reference, output)
    assert pieces(reference, theirs) == lacking
    assert pieces(output, ours) == added


@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=300)
def test_without_the_marks_both_sides_say_the_same(reference: str, output: str) -> None:
    theirs, ours = differences(reference, output)

    def rest(text: str, spans: Sequence[tuple[int, int]]) -> str:
        covered = {at for start, end in spans for at in range(start, end)}
        return "".join(c for at, c in enumerate(text) if at not in covered and not c.isspace())

    assert rest(reference, theirs) == rest(output, ours)
    for text, spans in ((reference, theirs), (output, ours)):
        assert [end for _, end in spans] == sorted(end for _, end in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
        if text.strip():
            assert plain(parted(text, spans, "added")) == text


def test_a_long_text_is_cut_after_a_word_and_says_what_is_left_out() -> None:
    long = "word " * 1000
    parts = parted(long, [(0, 4), (1490, 1600), (4000, 4004)], "added")
    *shown, gap = parts
    assert isinstance(gap, Piece)
    assert gap.kind == "gap"
    left_out = int(re.sub(r"\D", "", gap.words))
    assert len(plain(shown)) + left_out == len(long)
    assert MAX_CHARACTERS - 5 <= len(plain(shown)) <= MAX_CHARACTERS
    assert plain(shown).endswith("word")
    assert [part.kind for part in shown if isinstance(part, Piece)] == ["added", "added"]
    assert kept("x" * (MAX_CHARACTERS + 50)) == MAX_CHARACTERS + 50, "a few more are no reason to cut"
    assert kept("x" * 5000) == MAX_CHARACTERS


def test_an_empty_output_is_said_to_be_so() -> None:
    output = written(Rewrite("a", "b", " \n", {})).blocks[2]
    assert output.kind == "output"
    assert [part.words for part in output.parts if isinstance(part, Piece)] == ["[nothing]"]


def test_sections_come_back_from_json() -> None:
    section = Rewrites("t", "n", [Rewrite("a", "b", "c", {"chrf2": 1.5, "origin": "x:1"})], shows="s")
    stored = json.loads(json.dumps(section.to_json(), allow_nan=False))
    assert stored["kind"] == "rewrites"
    assert section_from_json(stored) == section


def test_nothing_in_a_text_is_markup() -> None:
    page = render("t", "", [Rewrites("t", "n", [Rewrite(NASTY, NASTY, NASTY + " x", {NASTY: NASTY})])])
    assert "<img" not in page
    assert page.count("<script") == 2, "the data and our own"
    assert page.count('<mark class="added">') == 2, "the legend and x"


def test_the_list_is_counted_and_cut() -> None:
    entries = [Rewrite(f"{n}", "a", "b", {}) for n in range(MAX_ENTRIES + 7)]
    view = rewrites_view(Rewrites("t", "n", entries), 1_000_000).listing
    assert (view.num_entries, view.num_embedded) == (MAX_ENTRIES + 7, MAX_ENTRIES)
    few = rewrites_view(Rewrites("t", "n", entries), 4_000).listing
    assert 0 < few.num_embedded < 30
    assert rewrites_view(Rewrites("t", "n", []), 1_000).listing.first == []
    assert "Nothing to show" in render("t", "", [Rewrites("t", "n", [])])


def test_long_documents_of_all_scripts_fit_the_page() -> None:
    random_ = random.Random(0)

    def text(alphabet: str, count: int) -> str:
        return "".join(random_.choice(alphabet) for _ in range(count))

    entries = [
        Rewrite(text("文京他住在北", 6000), text("abc de é ", 5000), text("abc de é ", 5000), {"chrf2": 1.0})
        for _ in range(200)
    ]
    sections = [Rewrites(title, "n", entries) for title in ("a", "b", "c")]
    page = render("t", "", sections)
    assert len(page.encode()) < 2_000_000
    assert "To keep this page small" in page
