"""Rows read into conversations: every form, who is who, faults by the number of the turn, and never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewell.core.errors import DataError, TunewellError
from tunewell.core.examples import DialogueExample, Origin, Row, Turn
from tunewell.data.conversation_columns import asked_column, guess_column
from tunewell.data.conversation_forms import gather_turns
from tunewell.data.conversations import as_text, examine, read_conversation, reply_places

USER, BOT = ("user", "Where is it?"), ("assistant", "Upstairs.")
THANKS, WELCOME = ("user", "Thank you."), ("assistant", "You are welcome.")


def read(
    values: Any, column: str | list[str] = "messages", *, labelled: bool = True, system: str | None = None
) -> list[tuple[str, str]]:
    row = Row(values if isinstance(values, dict) else {"messages": values}, Origin("t.jsonl", 7))
    example = read_conversation(row, column, labelled=labelled, system=system)
    return [(turn.role, turn.text) for turn in example.turns]


def refusal(value: Any, *, labelled: bool = True) -> str:
    with pytest.raises(DataError) as caught:
        read(value, labelled=labelled)
    assert caught.value.where == "t.jsonl:7"
    assert caught.value.fix
    return caught.value.what


def messages(*turns: tuple[str, Any], role: str = "role", text: str = "content") -> list[dict[str, Any]]:
    return [{role: name, text: said} for name, said in turns]


@pytest.mark.parametrize(
    "value",
    [
        messages(USER, BOT),
        json.dumps(messages(USER, BOT)),
        messages(("human", USER[1]), ("gpt", BOT[1]), role="from", text="value"),
        messages(("Customer", USER[1]), ("Agent", BOT[1]), role="speaker", text="text"),
        messages(("USER", USER[1]), ("SYSTEM", BOT[1]), role="speaker", text="utterance"),
        messages(("Ann", USER[1]), ("Bob", BOT[1]), role="speaker", text="utterance"),
        messages(("user", [{"type": "text", "text": USER[1]}]), BOT),
        [USER[1], BOT[1]],
        "Where is it? __eou__ Upstairs. __eou__",
        {"messages": {"speaker": [0, 1], "utterance": [USER[1], BOT[1]]}},
    ],
)
def test_forms(value: Any) -> None:
    assert read(value) == [USER, BOT]


def test_roles_of_unnamed_turns_come_from_the_end() -> None:
    assert [role for role, _ in read(["a", "b", "c"])] == ["assistant", "user", "assistant"]
    assert [role for role, _ in read(["a", "b", "c"], labelled=False)] == ["user", "assistant", "user"]


def test_system_turns() -> None:
    own = ("system", "Be brief.")
    assert read(messages(own, USER, BOT), system="Other.") == [own, USER, BOT]
    table = {"messages": messages(USER, BOT), "system": "Be brief."}
    assert read(table, system="Other.") == [own, USER, BOT]
    assert read(messages(("system", " "), USER, BOT), system="Be brief.") == [own, USER, BOT]
    assert read(messages(USER, BOT)) == [USER, BOT]


def test_a_system_column_of_parts() -> None:
    parts: list[Any] = [
        [{"type": "text", "text": "Be brief."}],
        {"parts": [{"text": "Be brief."}]},
        ["Be brief."],
    ]
    for system in parts:
        assert read({"messages": messages(USER, BOT), "system": system})[0] == ("system", "Be brief.")
    with pytest.raises(DataError, match="column 'system' has a part 'image', which is no text"):
        read({"messages": messages(USER, BOT), "system": [{"type": "image"}]})


def test_replies_that_are_not_to_be_learnt_are_refused() -> None:
    unwanted = [
        *messages(USER),
        {"role": "assistant", "content": "No.", "weight": 0},
        *messages(THANKS, WELCOME),
    ]
    assert "turn 2 has weight 0" in refusal(unwanted)
    assert len(read(unwanted, labelled=False)) == 4
    assert read([{**message, "weight": 1} for message in messages(USER, BOT)]) == [USER, BOT]
    assert read([{**messages(USER)[0], "weight": 0}, *messages(BOT)]) == [USER, BOT]


def test_what_the_user_says_after_the_last_reply() -> None:
    assert read(messages(USER, BOT, THANKS)) == [USER, BOT]
    assert read(messages(USER, BOT, THANKS), labelled=False) == [USER, BOT, THANKS]
    assert read(messages(USER, BOT), labelled=False) == [USER, BOT]


def test_what_is_left_out_and_joined_is_counted() -> None:
    left = read_conversation(
        Row({"messages": messages(USER, BOT, THANKS)}, Origin("t.jsonl", 7)), "messages", labelled=True
    )
    spoken = messages(("Ann", "One."), ("Ann", "Two."), ("Bob", "Three."), role="speaker")
    joined = read_conversation(Row({"messages": spoken}, Origin("t.jsonl", 8)), "messages", labelled=True)
    assert [turn.text for turn in joined.turns] == ["One.\nTwo.", "Three."]
    found = {finding.code: finding for finding in examine({"train": [left, joined]}, "assistant")}
    assert found["turns-left-out"].severity == "warning"
    assert "1 conversation ends" in found["turns-left-out"].message
    assert found["turns-left-out"].examples == ("t.jsonl:7",)
    assert "1 turn of" in found["joined-turns"].message


def test_lists_that_python_printed() -> None:
    assert read(str(messages(USER, BOT))) == [USER, BOT]
    assert read("['Where is it?'\n \"Upstairs.\"]") == [USER, BOT]
    assert read("['a', \"it's\\n\"]")[1] == ("assistant", "it's\n")


def test_marks_inside_a_turn_are_words() -> None:
    forged = "What is <|im_end|> or __eou__ or\n\nAssistant: or ### Response: in it?"
    assert read(messages(("user", forged), BOT)) == [("user", forged), BOT]
    assert read({"prompt": "Say <|im_start|>", "response": "No."}, ["prompt", "response"])[0][1].startswith(
        "Say"
    )


def test_columns_of_prompt_and_reply() -> None:
    row = {"instruction": "Translate.", "input": "Haus", "output": "house"}
    assert read(row, ["instruction", "input", "output"]) == [
        ("user", "Translate.\nHaus"),
        ("assistant", "house"),
    ]
    assert read({**row, "input": ""}, ["instruction", "input", "output"])[0] == ("user", "Translate.")
    assert read({"prompt": "Hi"}, ["prompt", "response"], labelled=False) == [("user", "Hi")]
    context = {"context": ["Hello.", "Hi!", "Where is it?"], "response": "Upstairs."}
    assert [role for role, _ in read(context, ["context", "response"])] == ["user", "assistant"] * 2
    with pytest.raises(DataError, match="response"):
        read({"prompt": "Hi"}, ["prompt", "response"])


def test_a_text_is_a_turn() -> None:
    assert read("Hi", labelled=False) == [("user", "Hi")]
    assert read("", labelled=False) == [("user", "")]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (messages(USER, THANKS, BOT), "turns 1 and 2 are both by user"),
        (messages(("system", "x"), USER, BOT, WELCOME), "turns 3 and 4 are both by assistant"),
        (messages(USER, ("system", "x"), BOT), "turn 2 is by system"),
        (messages(USER, ("assistant", "  ")), "turn 2 is blank"),
        (messages(USER, ("tool", "{}"), BOT), "turn 2 is by 'tool'"),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], "tool_calls"),
        (messages(USER, ("narrator", "x")), "'narrator'"),
        (messages(("a", "1"), ("b", "2"), ("c", "3"), role="speaker"), "3 speakers"),
        (messages(USER, ("assistant", [{"type": "image_url"}])), "image_url"),
        (messages(BOT, THANKS), "nothing was said before"),
        (messages(USER), "no turn is by the assistant"),
        (messages(USER, ("assistant", "a\ud800")), "surrogate"),
        ([], "no turns"),
        (None, "missing"),
        (3, "no conversation"),
        ("['Hi', 'Oh' ...", "as Python prints it"),
    ],
)
def test_faults(value: Any, said: str) -> None:
    assert said in refusal(value)


def test_faults_without_labels() -> None:
    assert "nothing to reply to" in refusal(messages(BOT), labelled=False)
    assert "system turns alone" in refusal(messages(("system", "x")), labelled=False)
    assert "turns 1 and 2" in refusal(messages(USER, THANKS), labelled=False)


def test_ids() -> None:
    row = Row({"id": "c1", "messages": messages(USER, BOT)}, Origin("t.jsonl", 7))
    assert read_conversation(row, "messages", labelled=True, system=None).id == "c1"


def test_places_of_replies() -> None:
    turns = [Turn("assistant", "a"), Turn("user", "b"), Turn("assistant", "c")]
    assert reply_places(turns, "assistant") == [2]
    assert reply_places(turns, "all") == [1, 2]
    assert reply_places([Turn("system", "s"), *turns[1:]], "all") == [2]


def test_as_text() -> None:
    assert as_text([Turn("user", "a"), Turn("assistant", "b")]) == "user: a\nassistant: b"


def example(number: int, reply: str) -> DialogueExample:
    turns = (Turn("user", f"Question {number}?"), Turn("assistant", reply))
    return DialogueExample(str(number), Origin("t.jsonl", number), turns)


def test_one_reply_over_and_over() -> None:
    same = [example(n, "I do not know." if n % 2 else f"Reply {n}.") for n in range(60)]
    found = {finding.code: finding for finding in examine({"train": same}, "assistant")}
    assert "30 times, 50.0%" in found["repeated-reply"].message
    assert found["repeated-reply"].severity == "warning"
    assert "all 60 conversations" in found["single-replies"].message
    other = [example(n, f"Reply {n}.") for n in range(60)]
    assert [finding.code for finding in examine({"test": other}, "assistant")] == []


KEYS = st.sampled_from(["role", "from", "speaker", "content", "value", "text", "type", "tool_calls", "input"])
WORDS = st.sampled_from(
    ["user", "human", "assistant", "gpt", "system", "tool", "", "a __eou__ b", "[1", "\ud800"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(JSON, JSON, st.booleans())
def test_any_value_is_read_or_refused(value: Any, other: Any, labelled: bool) -> None:
    names = ["messages", "dialogue_id", "speaker", "text", "turn"]
    rows = [Row(dict(zip(names, [value, other, value, "a", other], strict=True)), Origin("t.jsonl", 1))]
    for column in ("messages", ["messages", "text"], ["messages", "speaker", "text"]):
        for attempt in (
            lambda: read_conversation(rows[0], column, labelled=labelled, system="s"),  # noqa: B023
            lambda: guess_column(names, rows, None),
            lambda: asked_column(names, rows, None),
            lambda: gather_turns(names, rows * 2),
        ):
            try:
                attempt()
            except TunewellError:
                pass
