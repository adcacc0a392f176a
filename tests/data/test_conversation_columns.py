"""Which column holds the conversation: known where there is no doubt, asked for otherwise; tables of turns gathered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Origin, Row
from tunewell.data.conversation_columns import asked_column, guess_column, is_by_order
from tunewell.data.conversation_forms import gather_turns
from tunewell.data.conversations import read_conversation
from tunewell.data.sources import Source, read
from tunewell.dataset import choose_task
from tunewell.tasks.dialogue import Dialogue

DATA = os.environ.get("TUNEWELL_DATA")
MESSAGES = [{"role": "user", "content": "Hi there."}, {"role": "assistant", "content": "Hello!"}]


def rows(*found: dict[str, Any]) -> list[Row]:
    return [Row(values, Origin("t.jsonl", line)) for line, values in enumerate(found, start=1)]


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"id": "1", "messages": MESSAGES}, "messages"),
        (
            {"conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Oh."}]},
            "conversations",
        ),
        ({"dialog": ["Hi there.", "Hello you."], "act": [1, 2]}, "dialog"),
        ({"talk": "Hi . __eou__ Oh .", "n": "1"}, "talk"),
        ({"movieID": "m0", "utterance": {"LineID": ["L1", "L2"], "text": ["Hi.", "Oh."]}}, "utterance"),
        ({"turns": [{"speaker": "A", "text": "Hi."}, {"speaker": "B", "text": "Oh."}]}, "turns"),
        ({"prompt": "Say it.", "completion": "It is said."}, ["prompt", "completion"]),
        ({"instruction": "Say it.", "input": "", "output": "It."}, ["instruction", "input", "output"]),
    ],
)
def test_no_doubt(values: dict[str, Any], column: str | list[str]) -> None:
    assert guess_column(list(values), rows(values), None) == column
    assert asked_column(list(values), rows(values), None) == column


@pytest.mark.parametrize(
    "values",
    [
        {"text": "Hi there.", "label": "x"},
        {"tokens": ["Hi", "there"], "tags": ["O", "O"]},
        {"dialogue": "A: Hi there. B: Oh.", "summary": "They greet."},
        {
            "question": "Who is it?",
            "context": "It is Ada.",
            "answers": {"text": ["Ada"], "answer_start": [6]},
        },
        {"prompt": "Say it.", "chosen": "It is.", "rejected": "No."},
        {"translation": {"en": "a", "de": "b"}},
    ],
)
def test_files_of_others(values: dict[str, Any]) -> None:
    assert guess_column(list(values), rows(values), None) is None


def test_what_is_set_is_taken() -> None:
    assert guess_column(["a", "messages"], rows({"a": "x", "messages": MESSAGES}), ["a", "b"]) == ["a", "b"]


def test_asked() -> None:
    values = {"question": "Who is it?", "answer": "It is Ada."}
    assert guess_column(list(values), rows(values), None) is None
    assert asked_column(list(values), rows(values), None) == ["question", "answer"]
    with pytest.raises(ConfigError, match="x, y") as caught:
        asked_column(["x", "y"], rows({"x": "1", "y": "2"}), None)
    assert "task.messages" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("names", "by_order"),
    [
        (("human", "ai"), False), (("customer", "agent"), False), (("request", "response"), False), (("text", "reply"), False),
        (("utterance", "reply"), False), (("input_text", "target_text"), False), (("src", "tgt"), False),
        (("user_message", "bot_response"), False), (("问题", "答案"), False), (("Frage", "Antwort"), True), (("text", "label"), True),
    ],
)  # fmt: skip
def test_two_columns_of_texts(names: tuple[str, str], by_order: bool) -> None:
    values = {"number": "7", names[0]: "Who is it?", names[1]: "It is Ada."}
    assert guess_column(list(values), rows(values), None) is None
    assert asked_column(list(values), rows(values), None) == list(names)
    assert is_by_order(list(names)) == by_order
    found = Dialogue.infer(list(values), rows(values), {"name": "dialogue"})
    assert found is not None
    assert ("in the order of the columns" in found.said) == by_order


def test_columns_of_which_none_is_sure() -> None:
    for values in (
        {"a": "Who is it?", "b": "It is Ada.", "c": "So it is."},
        {"a": "Who is it?", "b": "7"},
        {"Who are you then?": "Who is it?", "It is me.": "It is Ada."},
    ):
        with pytest.raises(ConfigError, match="which column holds the conversation"):
            asked_column(list(values), rows(values), None)
    sides = {"bot_response": "It is Ada.", "user_message": "Who is it?", "remark": "This is one."}
    assert asked_column(list(sides), rows(sides), None) == ["user_message", "bot_response"]


@pytest.mark.parametrize("values", [{"messages": []}, {"id": "1", "turns": None}, {"conversations": "[]"}])
def test_empty_conversations_are_said_to_be_empty(values: dict[str, Any]) -> None:
    for choose in (guess_column, asked_column):
        with pytest.raises(ConfigError, match=r"the conversations are empty: column '\w+' holds no turns"):
            choose(list(values), rows(values, values), None)
    log = {"log": [], "text": "It is good.", "label": "a"}
    assert guess_column(list(log), rows(log), None) is None


@pytest.mark.parametrize(
    "values",
    [
        {"instruction": "Who is it?", "context": "", "response": "It is Ada.", "category": "open_qa"},
        {"Question": "Who is it?", "Answer": "It is Ada."},
        {"post": "Who is it?", "reply": "It is Ada."},
        {"customer": "Who is it?", "agent": "It is Ada."},
        {"prompt": "Who is it?", "chosen": "It is Ada.", "rejected": "It is no."},
        {"text": "Who is it?\tIt is Ada."},
    ],
)
def test_dialogue_is_offered_where_it_may_be_meant(values: dict[str, str]) -> None:
    found = rows(*({name: f"{value} {n}" for name, value in values.items()} for n in range(30)))
    source = Source(found, tuple(values), (), "", "t")
    with pytest.raises(ConfigError) as caught:
        choose_task({}, source)
    assert "--task dialogue" in str(caught.value.fix)
    assert choose_task({"name": "dialogue"}, source)[0].name == "dialogue"


def turns(*found: Sequence[Any]) -> list[Row]:
    names = ("dialogue_id", "turn_id", "speaker", "utterance", "scene")
    return rows(*(dict(zip(names, values, strict=True)) for values in found))


def test_a_table_of_turns() -> None:
    table = turns(
        ("b", "2", "Bob", "Hello.", "1"),
        ("a", "1", "Ann", "Who?", "2"),
        ("b", "1", "Ann", "Hi.", "1"),
        ("a", "2", "Bob", "Me.", "2"),
    )
    gathered = gather_turns(list(table[0].values), table)
    assert gathered is not None
    columns, found = gathered
    assert guess_column(columns, found, None) == "messages"
    assert [row.origin.line for row in found] == [1, 2]
    assert [row.values["scene"] for row in found] == ["1", "2"]
    examples = [read_conversation(row, "messages", labelled=True, system=None) for row in found]
    assert [example.id for example in examples] == ["b", "a"]
    assert [turn.text for turn in examples[0].turns] == ["Hi.", "Hello."]
    assert [turn.role for turn in examples[0].turns] == ["user", "assistant"]


def test_faults_of_a_table_of_turns() -> None:
    table = turns(("a", "1", "Ann", "Who?", ""), ("a", "1", "Bob", "Me.", ""))
    with pytest.raises(DataError, match="a second time") as caught:
        gather_turns(list(table[0].values), table)
    assert caught.value.where == "t.jsonl:2"
    table = turns(("", "1", "Ann", "Who?", ""), ("a", "2", "Bob", "Me.", ""))
    with pytest.raises(DataError, match="dialogue_id") as caught:
        gather_turns(list(table[0].values), table)
    assert caught.value.where == "t.jsonl:1"
    assert gather_turns(list(table[0].values), table, asked=False) is None


def test_other_tables_are_left() -> None:
    assert gather_turns(["text", "label"], rows({"text": "a", "label": "b"})) is None
    table = rows(*({"dialogue_id": "1", "speaker": s, "text": "a", "emotion": "joy"} for s in "ab"))
    assert gather_turns(list(table[0].values), table, asked=False) is None
    assert gather_turns(list(table[0].values), table) is not None


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
def test_no_file_of_another_task() -> None:
    folder = Path(str(DATA))
    names = (folder / "manifest.tsv").read_text(encoding="utf-8").splitlines()[1:]
    paths = [name.split("\t")[0] for name in names]
    claimed = set()
    for path in paths:
        for source in read(str(folder / path)).values():
            if guess_column(source.columns, source.rows, None) is not None:
                claimed.add(path)
    assert claimed == {path for path in paths if path.startswith("xdailydialog/")}
    assert len(paths) > len(claimed) > 0
