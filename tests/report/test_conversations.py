"""Conversations: every turn in its place, long ones cut and counted, replies beside each other."""

from __future__ import annotations

import json

from tunewell.core.examples import Turn
from tunewell.core.sections import Conversation, Conversations, section_from_json
from tunewell.report import render
from tunewell.report.conversations import MAX_CHARACTERS, MAX_TURNS, NAMES, conversations_view, written
from tunewell.report.texts import Piece

SYSTEM = Turn("system", "Be brief.")


def turns(count: int) -> list[Turn]:
    return [Turn("assistant" if n % 2 else "user", f"turn {n}") for n in range(count)]


def kinds(entry: Conversation) -> list[str]:
    return [block.kind for block in written(entry).blocks]


def test_turns_stand_in_order_with_both_replies_at_the_end() -> None:
    entry = Conversation([SYSTEM, *turns(3)], "gold", "ours", {})
    assert kinds(entry) == ["system", "user", "assistant", "user", "reference", "reply"]
    assert [block.parts for block in written(entry).blocks][1:] == [
        ["turn 0"], ["turn 1"], ["turn 2"], ["gold"], ["ours"],
    ]  # fmt: skip
    assert not written(entry).clipped
    assert set(kinds(entry)) <= set(NAMES)


def test_a_reply_that_nobody_gave_has_no_box_and_an_empty_one_has() -> None:
    assert kinds(Conversation(turns(1), None, None, {})) == ["user"]
    empty = written(Conversation(turns(1), "gold", "", {})).blocks[-1]
    assert empty.kind == "reply"
    assert [part.words for part in empty.parts if isinstance(part, Piece)] == ["[nothing]"]


def test_of_a_long_conversation_the_last_turns_stay_and_the_system_turn() -> None:
    entry = Conversation([SYSTEM, *turns(31)], "gold", "ours", {})
    blocks = written(entry).blocks
    assert [block.kind for block in blocks][:3] == ["system", "earlier", "user"]
    (gap,) = blocks[1].parts
    assert isinstance(gap, Piece)
    assert gap.words == f"[… {31 - MAX_TURNS} earlier turns left out]"
    assert blocks[2].parts == [f"turn {31 - MAX_TURNS}"]
    assert "earlier" not in kinds(Conversation(turns(MAX_TURNS + 1), "gold", "ours", {})), "not for one turn"


def test_a_long_turn_is_cut_and_counted() -> None:
    entry = Conversation([Turn("user", "word " * 500)], "gold", "ours", {})
    view = conversations_view(Conversations("t", "n", [entry]), 100_000)
    assert view.num_clipped == 1
    text = written(entry).blocks[0].parts
    assert isinstance(text[0], str)
    assert len(text[0]) <= MAX_CHARACTERS
    assert isinstance(text[1], Piece)
    assert text[1].words.endswith("characters left out]")


def test_sections_come_back_from_json() -> None:
    entry = Conversation([SYSTEM, *turns(2)], None, "ours", {"gold_rank": 3, "origin": "x:1"})
    section = Conversations("t", "n", [entry], shows="s")
    stored = json.loads(json.dumps(section.to_json(), allow_nan=False))
    assert stored["kind"] == "conversations"
    assert section_from_json(stored) == section


def test_nothing_in_a_turn_is_markup() -> None:
    nasty = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'&\u2028</mark></p>"
    entry = Conversation([Turn("user", nasty)], nasty, nasty, {nasty: nasty})
    page = render("t", "", [Conversations("t", "n", [entry])])
    assert "<img" not in page
    assert page.count("<script") == 2, "the data and our own"


def test_a_list_of_long_conversations_fits_the_page() -> None:
    entries = [
        Conversation(
            [Turn("user", "é word " * 300) for _ in range(40)], "文" * 3000, "ا" * 3000, {"n": float(n)}
        )
        for n in range(200)
    ]
    page = render("t", "", [Conversations(title, "n", entries) for title in "abcd"])
    assert len(page.encode()) < 2_000_000
    assert "of 200 texts" in page
