"""Who is the assistant where speakers have names of their own: the same one in a whole file, and in every file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Origin, Row
from tunewell.data.conversation_messages import turns_of_list
from tunewell.data.conversation_roles import Unreadable
from tunewell.data.conversation_speakers import EACH_LAST, assistant_among
from tunewell.tasks.dialogue import Dialogue

NAMES = {"name": "dialogue"}


def talk(*names: str, key: str = "speaker") -> Row:
    return Row(
        {"messages": [{key: name, "text": f"{n} by {name}"} for n, name in enumerate(names)]}, Origin("f", 1)
    )


def learnt(rows: Sequence[Row], **given: Any) -> tuple[Dialogue, str]:
    """The task as it reads a file, and what is said of it."""
    found = Dialogue.infer(["messages"], rows, {"name": "dialogue", **given})
    assert found is not None
    return Dialogue.new(Dialogue.Config.model_validate(found.settings)), found.said


def roles(task: Dialogue, row: Row, *, labelled: bool = True) -> str:
    return "".join(turn.role[0] for turn in task.read(row, labelled=labelled).turns)


SHORT, LONG = ("reader", "desk"), ("reader", "desk", "reader")


@pytest.mark.parametrize("key", ["speaker", "role"])
@pytest.mark.parametrize(
    "names", [("reader", "desk"), ("学生", "老师"), ("Person 1", "Person 2"), ("0", "1")]
)
def test_names_have_the_same_roles_in_a_whole_file(names: tuple[str, str], key: str) -> None:
    one, other = names
    rows = [talk(one, other, key=key)] * 2 + [talk(one, other, one, key=key)]
    task, said = learnt(rows)
    assert said == f"messages = messages, assistant = {other.casefold()}"
    assert [roles(task, row) for row in rows] == ["ua"] * 3, "what the user says last is left out, not learnt"
    assert roles(task, rows[0], labelled=False) == "ua"
    assert roles(task, rows[2], labelled=False) == "uau"
    assert roles(task, talk(one, key=key), labelled=False) == "u"


def test_other_files_are_read_alike() -> None:
    task, _ = learnt([talk(*SHORT)] * 3)
    assert task.adapted(["messages"], [talk(*LONG)]).config.assistant == "desk"
    assert (
        task.adapted(
            ["messages"], [talk("Ann", "Bob"), talk("Ann", "Bob", "Ann"), talk("Ann", "Bob")]
        ).config.assistant
        == "bob"
    )
    assert task.adapted(["messages"], [talk("user", "bot")]).config == task.config
    people = [talk("Ann", "Bob"), talk("Cid", "Dora"), talk("Eve", "Fred")]
    assert [roles(task.adapted(["messages"], people), row) for row in people] == ["ua"] * 3
    assert Dialogue.from_json(task.config, {"pool": []}).config.assistant == "desk"
    with pytest.raises(DataError, match=r"neither of the speakers 'ann', 'bob' is 'desk', the assistant"):
        task.read(talk("Ann", "Bob"))
    assert roles(task, talk("Ann", "Bob"), labelled=False) == "au"


def test_one_desk_that_talks_with_many() -> None:
    rows = [talk(name, "desk") for name in ("ann", "bob", "cid")] + [talk("eve", "desk", "eve")]
    task, said = learnt(rows)
    assert said.endswith("assistant = desk")
    assert roles(task, rows[3]) == "ua"


def test_names_of_people_differ_and_who_speaks_last_answers() -> None:
    rows = [talk("ann", "bob"), talk("cid", "dora"), talk("eve", "fred", "eve")]
    task, said = learnt(rows)
    assert (task.config.assistant, said) == (None, f"messages = messages, {EACH_LAST}")
    assert [roles(task, row) for row in rows] == ["ua", "ua", "aua"]


def test_an_even_count_is_decided_by_who_begins_or_asked_for() -> None:
    assert assistant_among([talk("a", "b"), talk("a", "b", "a")], "messages")[0] == "b"
    with pytest.raises(ConfigError, match=r"which of two speakers is the assistant, 'a' or 'b'\?") as caught:
        assistant_among([talk("a", "b"), talk("b", "a")], "messages")
    assert "--set task.assistant=" in str(caught.value.fix)
    nearly = [talk("a", "b")] * 10 + [talk("b", "a")] * 9
    with pytest.raises(ConfigError, match=r"They speak last in (9 and 10|10 and 9) conversations"):
        assistant_among(nearly, "messages")
    persons = [talk("p1", "p2")] * 9 + [talk("p1", "p2", "p1")] * 10
    assert assistant_among(persons, "messages")[0] == "p2", "about as many end with one as with the other"
    assert learnt([talk(*SHORT)] * 3)[0].adapted(["messages"], nearly).config.assistant is None


def test_acts_of_speech_are_no_speakers() -> None:
    said = [("A", "question"), ("B", "answer"), ("B", "question"), ("A", "answer")]
    turns = [{"speaker": who, "text": f"{who} {act}", "act": act} for who, act in said]
    row = Row({"messages": turns}, Origin("f", 1))
    task, _ = learnt([row] * 3)
    assert [turn.text for turn in task.read(row).turns] == ["A question", "B answer\nB question", "A answer"]


def test_what_is_set_is_taken() -> None:
    task, said = learnt([talk(*SHORT)] * 3, assistant="Reader")
    assert said.endswith("assistant = Reader")
    assert roles(task, talk(*LONG)) == "aua"
    assert (
        roles(
            learnt([talk("customer", "agent", "customer")], assistant="customer")[0],
            talk("customer", "agent", "customer"),
        )
        == "aua"
    )
    assert roles(learnt([talk("0", "1")], assistant=1)[0], talk("0", "1", "0")) == "ua"
    with pytest.raises(ConfigError, match=r"no speaker is called 'dsk'; the speakers are"):
        learnt([talk(*SHORT)], assistant="dsk")
    for row in (
        Row({"messages": ["Hi.", "Oh."]}, Origin("f", 1)),
        Row({"prompt": "Hi.", "response": "Oh."}, Origin("f", 1)),
    ):
        with pytest.raises(ConfigError, match=r"the turns name no speakers, so that 'desk' has no effect"):
            Dialogue.infer(list(row.values), [row], {"name": "dialogue", "assistant": "desk"})


@pytest.mark.parametrize("key", ["speaker", "role"])
@pytest.mark.parametrize("system", ["SYSTEM", "sys", "系统"])
def test_a_system_that_answers(system: str, key: str) -> None:
    rows = [talk("usr", system, key=key), talk(system, "usr", system, key=key)]
    task, said = learnt(rows)
    assert said.endswith(f"assistant = {system.casefold()}")
    assert [roles(task, row) for row in rows] == ["ua", "aua"]
    assert roles(task, talk(system, "usr", key=key), labelled=False) == "au"
    assert roles(task, talk(system, "user", "assistant", key=key)) == "sua"
    assert learnt([talk("system", "user", "assistant", key=key)])[1] == "messages = messages"


@pytest.mark.parametrize(
    "names", [("用户", "客服"), ("顾客", "机器人"), ("客户", "助手"), ("0_Apprentice", "1_Wizard")]
)
def test_known_names(names: tuple[str, str]) -> None:
    task, said = learnt([talk(*names, names[0])])
    assert said == "messages = messages"
    assert roles(task, talk(*names, names[0])) == "ua"


# Who speaks, under other keys


def names_of(messages: list[Any]) -> list[str | None]:
    return [turn.name for turn in turns_of_list(messages)]


def messages(key: str, *values: Any) -> list[dict[str, Any]]:
    return [{key: value, "text": f"turn {n}"} for n, value in enumerate(values)]


@pytest.mark.parametrize(
    "key", ["type", "who", "id", "user", "userId", "speaker_id", "sender_class", "Speaker Role"]
)
def test_other_keys_of_who_speaks(key: str) -> None:
    assert names_of(messages(key, "Alice", "Alice", "Bob")) == ["Alice", "Alice", "Bob"]
    assert names_of(messages(key, "ai", "human", "ai")) == ["assistant", "user", "assistant"]
    assert names_of(messages(key, 7, 7, 8)) == ["7", "7", "8"]


def test_keys_that_say_yes_or_no() -> None:
    assert names_of(messages("is_user", True, False, True)) == ["user", "assistant", "user"]
    assert names_of(messages("isBot", 0, 1)) == ["user", "assistant"]
    assert names_of(messages("inbound", "True")) == ["user"]


def test_any_key_that_names_both_sides() -> None:
    assert names_of(messages("p", "customer", "agent")) == ["user", "assistant"]
    assert names_of(messages("type", "question", "answer")) == ["user", "assistant"]
    convai = [
        {"sender": f"participant{n % 2}", "sender_class": ("Bot", "Human")[n % 2], "text": "a"}
        for n in (0, 1)
    ]
    assert names_of(convai) == ["assistant", "user"]
    assert names_of(messages("to", "customer", "agent")) == [None, None]


def test_keys_that_number_or_remark_say_nothing() -> None:
    assert names_of(messages("id", 0, 1, 2)) == [None] * 3
    assert names_of(messages("type", "text", "text")) == [None] * 2
    assert names_of(messages("emotion", "joy", "joy", "none")) == [None] * 3
    assert names_of(messages("act", 1, 1, 2)) == [None] * 3
    assert (
        names_of(messages("sent", "2023-01-01 10:00", "2023-01-01 10:00", "2023-01-01 10:01")) == [None] * 3
    )


def test_a_key_of_two_values_out_of_turn_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"'p' may say who speaks \('alice' or 'bob'\)"):
        names_of(messages("p", "alice", "alice", "bob"))
    assert names_of(messages("p", "alice", "bob", "alice")) == [None] * 3


@pytest.mark.parametrize(
    "message",
    [
        {"type": "human", "data": {"content": "Hi."}},
        {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Hi."]}}},
        {"role": "user", "content": [{"type": "input_text", "text": "Hi."}]},
        {"role": "user", "content": [{"type": "output_text", "text": "Hi."}]},
        {"role": "user", "content": "Hi.", "data": {"content": "What was looked up."}},
        {"turn": "driver", "data": {"utterance": "Hi."}},
    ],
)
def test_texts_inside_a_message(message: dict[str, Any]) -> None:
    answer = {**message, "type": "ai", "turn": "assistant"} if "role" not in str(message) else message
    turns = turns_of_list([message, answer])
    assert turns[0].text == "Hi."
    assert turns[0].name == "user"


def test_both_sides_of_an_exchange() -> None:
    turns = turns_of_list(
        [{"turn_id": 0, "user_utterance": "Hi.", "system_utterance": "Hello.", "state": {}}]
    )
    assert [(turn.name, turn.text) for turn in turns] == [("user", "Hi."), ("assistant", "Hello.")]
