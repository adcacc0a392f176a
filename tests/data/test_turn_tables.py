"""Tables of which several rows make a conversation, or some rows are to be left out: nothing is merged, lost or learnt unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.data.test_conversation_files import ROLES, SAID, conversations, written

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row
from tunewell.data.conversation_forms import gather_turns
from tunewell.data.turn_tables import GATHERED
from tunewell.tasks.dialogue import Dialogue

WANTED = [list(zip(ROLES, said, strict=True)) for said in SAID]


def exchanges(header: str) -> str:
    rows = [f'{n},{k + 1},"{said[2 * k]}","{said[2 * k + 1]}"' for n, said in enumerate(SAID) for k in (1, 0)]
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize("names", ["user,assistant", "prompt,response"])
@pytest.mark.parametrize("asked", [True, False])
def test_exchanges_of_a_conversation_are_one(tmp_path: Path, names: str, asked: bool) -> None:
    path = written(tmp_path, "t.csv", exchanges(f"conversation_id,turn,{names}"))
    assert conversations(path, asked=asked) == WANTED


def test_exchanges_under_looser_names(tmp_path: Path) -> None:
    assert conversations(written(tmp_path, "t.csv", exchanges("session,turn_id,question,answer"))) == WANTED
    assert conversations(written(tmp_path, "u.csv", exchanges("id,turn_no,customer,agent"))) == WANTED


def test_single_exchanges_with_an_id_stay_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "conversation_id,prompt,response\na,Hi.,Oh.\nb,So?,Well.\n")
    for asked in (True, False):
        assert conversations(path, asked=asked)[0] == [("user", "Hi."), ("assistant", "Oh.")]


def test_a_reply_that_is_asked_for_may_be_missing() -> None:
    table = [
        Row({"chat_id": 1, "turn": n, "prompt": f"p{n}", "response": ("r1", None)[n]}, Origin("t", n))
        for n in (0, 1)
    ]
    found = gather_turns(list(table[0].values), table)
    assert found is not None
    assert [message["content"] for message in found[1][0].values["messages"]] == ["p0", "r1", "p1"]


def test_ids_in_folders_are_different(tmp_path: Path) -> None:
    rows = [
        f'{3 + n},1.tsv,2004,{"al" if k % 2 else "bob"},x,"{text}"'
        for n, said in enumerate(SAID)
        for k, text in enumerate(said)
    ]
    path = written(tmp_path, "t.csv", "\n".join(["folder,dialogueID,date,from,to,text", *rows]) + "\n")
    assert conversations(path) == WANTED


@pytest.mark.parametrize(
    "names",
    [
        "case_id,speaker,text",
        "call_id,who,line",
        "session,user,text",
        "ConversationId,SpeakerRole,Text",
        "dialogue,name,utterance",
        "conv,sent_by,message",
    ],
)
def test_names_of_tables(tmp_path: Path, names: str) -> None:
    rows = [f'{n},{"AB"[k % 2]},"{text}"' for n, said in enumerate(SAID) for k, text in enumerate(said)]
    assert conversations(written(tmp_path, "t.csv", "\n".join([names, *rows]) + "\n")) == WANTED


def kto(*labels: Any, name: str = "label") -> list[Row]:
    return [
        Row({"prompt": f"p{n} it", "completion": f"c{n} it", name: label}, Origin("k.jsonl", n))
        for n, label in enumerate(labels)
    ]


def test_rejected_replies_are_not_learnt() -> None:
    rows = kto(True, False, True)
    columns = list(rows[0].values)
    found = Dialogue.infer(columns, rows, {"name": "dialogue"})
    assert found is not None
    assert found.said == "messages = prompt + completion, without the replies that label calls bad"
    gathered = Dialogue.gathered(columns, rows)
    assert gathered is not None
    assert [row.values["completion"] for row in gathered[1]] == ["c0 it", "c2 it"]
    assert Dialogue.gathered(columns, kto(True, True)) is None
    assert Dialogue.gathered(columns, kto("True", "False")) is not None
    assert Dialogue.gathered(columns, kto(1, 0)) is not None
    assert Dialogue.gathered(columns, kto("good", "bad")) is None
    assert Dialogue.gathered(columns, kto(False)) is None, "what is predicted is answered whatever its label"
    with pytest.raises(
        DataError, match="column 'label' is false in every row: there is no good reply to learn"
    ):
        Dialogue.gathered(columns, kto(False, False))


@pytest.mark.parametrize("ranks", [(None, 0, 1), (None, 1, 0), (2, None, None), (None, None, None)])
def test_the_best_of_those_that_have_a_rank(ranks: tuple[Any, ...]) -> None:
    names = ("message_id", "parent_id", "role", "text", "rank")
    values = [
        ("q", None, "prompter", "Why?", None),
        *((n, "q", "assistant", f"r{n}", rank) for n, rank in enumerate(ranks)),
    ]
    table = [Row(dict(zip(names, row, strict=True)), Origin("t", 1)) for row in values]
    found = gather_turns(list(names), table)
    assert found is not None
    best = (
        min((rank, n) for n, rank in enumerate(ranks) if rank is not None)[1]
        if any(rank is not None for rank in ranks)
        else 0
    )
    assert found[1][0].values["messages"][1]["content"] == f"r{best}"


def test_conversations_of_several_files_are_different() -> None:
    rows = [
        Row(
            {"dialogue_id": "1", "speaker": who, "text": f"{who} of {file}"},
            Origin(f"d/part_{file}.json", line),
        )
        for file in "ab"
        for line, who in enumerate(("user", "bot"), 1)
    ]
    found = gather_turns(["dialogue_id", "speaker", "text"], rows)
    assert found is not None
    assert [row.values["id"] for row in found[1]] == ["part_a.json:1", "part_b.json:1"]


def test_names_of_people_are_not_what_they_say() -> None:
    rows = [
        Row(
            {"conversation_id": "1", "customer": "Ann B", "agent": "Eve F", "message": text},
            Origin("f.csv", line),
        )
        for line, text in enumerate(("hello there", "good day", "my card", "bring it"), 2)
    ]
    found = gather_turns(["conversation_id", "customer", "agent", "message"], rows, asked=True)
    assert found is not None
    assert [turn["content"] for turn in found[1][0].values[GATHERED]] == [
        "hello there",
        "good day",
        "my card",
        "bring it",
    ]
