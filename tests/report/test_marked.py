"""Texts cut at their marks: nothing lost, every mark exactly where it belongs, long texts clipped around them."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.core.sections import Mark, MarkedText, MarkedTexts, Section, section_from_json
from tunewell.report import render
from tunewell.report.marked import MAX_CHARACTERS, MAX_ENTRIES, cut, marked_view, written
from tunewell.report.texts import Piece

PAGES = runpy.run_path(str(Path(__file__).with_name("marked_pages.py")))
ALPHABET = st.sampled_from("ab \n<&é\u0301👩\u200d🔬🇧🇷文京اب\u2067")
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'&\u2028</mark></p>"


@st.composite
def marked(draw: st.DrawFn, max_size: int = 30) -> MarkedText:
    text = draw(st.text(ALPHABET, min_size=1, max_size=max_size))
    marks = []
    for _ in range(draw(st.integers(0, 7))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        side = draw(st.sampled_from(["gold", "predicted"]))
        marks.append(Mark(start, end, draw(st.sampled_from(["a", "b", ""])), side))
    return MarkedText(text, marks, {})


def plain(parts: Sequence[str | Piece]) -> str:
    return "".join(part if isinstance(part, str) else plain(part.parts) for part in parts)


def pieces(parts: Sequence[str | Piece], at: int = 0) -> Iterator[tuple[int, int, Piece]]:
    """Every piece with where it begins and ends in the text."""
    for part in parts:
        length = len(part if isinstance(part, str) else plain(part.parts))
        if isinstance(part, Piece):
            yield at, at + length, part
            yield from pieces(part.parts, at)
        at += length


def expected(marks: Sequence[Mark]) -> set[tuple[int, int, str]]:
    """Start, end and words of each mark to be drawn."""
    sides: dict[tuple[int, int, str], set[str]] = {}
    for mark in marks:
        sides.setdefault((mark.char_start, mark.char_end, mark.label), set()).add(mark.side)
    return {
        (start, end, f"{' and '.join(sorted(who))} {label}".strip())
        for (start, end, label), who in sides.items()
    }


@given(marked())
@settings(deadline=None, max_examples=300)
def test_every_mark_covers_its_slice_and_the_text_is_whole(entry: MarkedText) -> None:
    parts = cut(entry.text, entry.marks)
    assert plain(parts) == entry.text
    found = list(pieces(parts))
    wanted = expected(entry.marks)
    assert all(start < end for start, end, _ in found)
    begins = Counter((start, piece.words) for start, _, piece in found if piece.begins)
    ends = Counter((end, piece.words) for _, end, piece in found if piece.ending)
    assert begins == Counter((start, words) for start, _, words in wanted)
    assert ends == Counter((end, words) for _, end, words in wanted)
    for at in range(len(entry.text)):
        covering = Counter(piece.words for start, end, piece in found if start <= at < end)
        assert covering == Counter(words for start, end, words in wanted if start <= at < end)


@given(marked(max_size=400), st.integers(1, 200))
@settings(deadline=None, max_examples=300)
def test_clipping_cuts_no_mark_and_counts_what_it_leaves_out(entry: MarkedText, limit: int) -> None:
    view = written(entry, limit)
    at, found = 0, set()
    for part in view.parts:
        if isinstance(part, Piece) and part.kind == "gap":
            at += int(part.words.split()[1].replace(",", ""))
            continue
        length = len(part if isinstance(part, str) else plain(part.parts))
        assert plain([part]) == entry.text[at : at + length]
        found |= {(start, piece.words) for start, _, piece in pieces([part], at) if piece.begins}
        at += length
    assert at == len(entry.text)
    assert found == {(start, words) for start, _, words in expected(entry.marks)}
    assert view.clipped == any(isinstance(part, Piece) and part.kind == "gap" for part in view.parts)
    assert view.clipped <= (len(entry.text) > limit)


def test_agreement_is_one_mark_and_another_label_makes_two() -> None:
    same = cut("in Rome", [Mark(3, 7, "place", "gold"), Mark(3, 7, "place", "predicted")])
    assert same == ["in ", Piece("both", "gold and predicted place", ("Rome",), ending="end")]
    other = cut("in Rome", [Mark(3, 7, "club", "predicted"), Mark(3, 7, "place", "gold")])
    inner = Piece("predicted", "predicted club", ("Rome",), ending="end")
    assert other == ["in ", Piece("gold", "gold place", (inner,), ending="end")]


def test_marks_that_cross_say_which_of_them_ends() -> None:
    parts = cut("abcdef", [Mark(0, 4, "x", "gold"), Mark(2, 6, "y", "predicted")])
    first = Piece("predicted", "predicted y", ("cd",), begins=True)
    assert parts == [
        Piece("gold", "gold x", ("ab", first), ending="end of gold x"),
        Piece("predicted", "predicted y", ("ef",), begins=False, ending="end of predicted y"),
    ]


def test_a_long_text_keeps_what_stands_around_its_marks() -> None:
    text = "word " * 4000
    view = written(MarkedText(text, [Mark(10_000, 10_004, "answer", "gold")], {}))
    before, *_, after = view.parts
    assert isinstance(before, Piece)
    assert isinstance(after, Piece)
    kept = plain(view.parts[1:-1])
    assert MAX_CHARACTERS - 70 < len(kept) < MAX_CHARACTERS + 70
    assert kept.strip().startswith("word ")
    assert kept.strip().endswith(" word")
    assert before.words.strip().endswith("characters left out]")


def test_a_cut_parts_no_emoji_and_no_accent() -> None:
    for unit in ("👩\u200d🔬", "e\u0301", "👍🏽"):
        text = unit * 3000
        (middle,) = [part for part in written(MarkedText(text, [], {})).parts if isinstance(part, str)]
        assert len(middle) % len(unit) == 0
        assert len(middle) < MAX_CHARACTERS + 70


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 2), (0, 5)])
def test_a_mark_that_is_no_piece_of_the_text_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="not a piece of a text of 4 characters"):
        MarkedText("text", [Mark(start, end, "x", "gold")], {})


@pytest.mark.parametrize("name", ["entities", "questions"])
def test_round_trip_through_json_draws_the_same_page(name: str) -> None:
    sections: list[Section] = PAGES[name]()
    stored = json.loads(json.dumps([section.to_json() for section in sections]))
    again = [section_from_json(data) for data in stored]
    assert again[1] == sections[1]
    assert render("t", "s", again) == render("t", "s", sections)


def test_markup_in_a_text_a_label_or_a_fact_shows_as_text() -> None:
    marks = [Mark(3, 20, NASTY, "gold"), Mark(9, 40, NASTY, "predicted")]
    html = render(
        "t", "", [MarkedTexts("t", "n", [MarkedText(NASTY, marks, {"question": NASTY, NASTY: NASTY})])]
    )
    assert "<img" not in html
    assert html.count("<script") == 2
    assert html.count("&lt;img") >= 4


@pytest.mark.parametrize("character", ["x", "文", "<"])
def test_two_hundred_passages_stay_under_two_megabytes(character: str) -> None:
    text = (character * 9 + " ") * 150
    marks = [Mark(700, 760, "answer", "gold"), Mark(730, 800, "answer", "predicted")]
    entries = [MarkedText(text, marks, {"question": f"Which is {n}?", "confidence": 0.5}) for n in range(201)]
    section = MarkedTexts("t", "n", entries)
    html = render("t", "", [section])
    assert len(html.encode()) < 2_000_000
    view = marked_view(section, 1_900_000).listing
    assert view.num_entries == 201
    assert view.num_embedded == MAX_ENTRIES or character == "<"
    assert "of 201 texts." in html


def test_a_question_stands_above_its_passage_and_is_no_filter() -> None:
    view = marked_view(PAGES["questions"]()[1], 1_000_000).listing
    assert [name for name, _ in view.first[0].above] == ["Question"]
    assert "Question" not in [name for name, _ in view.first[0].fields]
    assert [column.name for column in view.columns if column.choices][-1] == "Kind"
    assert not view.columns[0].choices


def data_of(section: MarkedTexts) -> Any:
    return json.loads(marked_view(section, 1_000_000).listing.data)


def test_the_first_texts_are_read_without_javascript_and_say_what_is_marked() -> None:
    section = PAGES["entities"]()[1]
    html = render("t", "", [section]).partition('<script type="application/json"')[0]
    assert html.count('<p class="text" dir="auto"') == 10
    assert html.count("gold and predicted person</bdi>") >= 5
    assert data_of(section)["rows"][7][0] == "Nothing is named here, and nothing is found."


def test_a_text_that_is_too_long_for_the_page_is_said_to_be() -> None:
    entry = MarkedText("x" * 3_000_000, [Mark(0, 3_000_000, "x", "gold")], {})
    html = render("t", "", [MarkedTexts("t", "n", [entry])])
    assert "too long for this page" in html
    assert len(html) < 100_000
