"""Whole files of conversations in the forms in which they are published: each gives the same turns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.data.conversation_columns import asked_column, guess_column
from tunewell.data.conversation_forms import gather_turns
from tunewell.data.conversations import read_conversation
from tunewell.data.sources import SourceSettings, read, stream

SAID = [
    [f"Where are {what}?", f"Upstairs, by {what}.", f"Thanks for {what}.", "You are welcome."]
    for what in ("the maps", "the films", "the books")
]
ROLES = ["user", "assistant"] * 2


def conversations(path: Path, *, asked: bool = True) -> list[list[tuple[str, str]]]:
    """The turns of each conversation of a file, as the task of dialogue reads it."""
    source = read(str(path))["train"]
    columns, rows = gather_turns(source.columns, source.rows, asked=asked) or (source.columns, source.rows)
    column = asked_column(columns, rows) if asked else guess_column(columns, rows)
    assert column is not None
    examples = [read_conversation(row, column, labelled=True) for row in rows]
    return [[(turn.role, turn.text) for turn in example.turns] for example in examples]


def written(tmp_path: Path, name: str, content: Any) -> Path:
    path = tmp_path / name
    if not isinstance(content, str):
        lines = [json.dumps(row) for row in content] if name.endswith(".jsonl") else [json.dumps(content)]
        content = "\n".join(lines) + "\n"
    path.write_text(content, encoding="utf-8", newline="")
    return path


def named(said: list[str], names: tuple[str, str], who: str = "role", what: str = "content") -> list[Any]:
    return [{who: names[place % 2], what: text} for place, text in enumerate(said)]


def lines(names: tuple[str, str]) -> str:
    blocks = ["\n".join(f"{names[n % 2]}: {text}" for n, text in enumerate(said)) for said in SAID]
    return "\n\n".join(blocks) + "\n"


def parlai() -> str:
    pairs = [(said[n], said[n + 1], n == 2) for said in SAID for n in (0, 2)]
    return "".join(
        f"text:{asked}\tlabels:{reply}{last * '	episode_done:True'}\n" for asked, reply, last in pairs
    )


def numbered() -> str:
    return "".join(f"1 {a}\t{b}\t\tno|{b}\n2 {c}\t{d}\t\tyes|{d}\n" for a, b, c, d in SAID)


def human(said: list[str]) -> str:
    return "".join(f"\n\n{('Human', 'Assistant')[n % 2]}: {text}" for n, text in enumerate(said))


def tree(said: list[str], place: int = 0) -> dict[str, Any]:
    later = [tree(said, place + 1)] if place < 3 else []
    other = [{"text": "No.", "role": "assistant", "rank": 1, "replies": []}] if place == 0 else []
    names = ("prompter", "assistant")
    return {"text": said[place], "role": names[place % 2], "rank": 0, "replies": [*other, *later]}


def messages_of_threads() -> list[dict[str, Any]]:
    found = []
    for number, said in enumerate(SAID):
        for place, text in enumerate(said):
            parent = f"{number}.{place - 1}" if place else None
            role = ("prompter", "assistant")[place % 2]
            found.append({"message_id": f"{number}.{place}", "parent_id": parent, "text": text, "role": role})
        found.append(
            {"message_id": f"{number}.x", "parent_id": f"{number}.2", "text": "No.", "role": "assistant"}
        )
    return found


UNMISTAKABLE = [
    ("list.json", [named(said, ("user", "assistant")) for said in SAID]),
    ("lists.jsonl", [named(said, ("user", "assistant")) for said in SAID]),
    ("texts.jsonl", SAID),
    ("ids.json", {f"d{n}": {"turns": named(said, ("A", "B"), "speaker", "text")} for n, said in enumerate(SAID)}),
    ("log.json", {f"d{n}": {"log": [{"text": text} for text in said]} for n, said in enumerate(SAID)}),
    ("named.json", {"version": 1, "conversations": SAID}),
    ("objects.json", {"dialogues": [{"id": 1, "turns": named(said, ("A", "B"), "speaker", "text")} for said in SAID]}),
    ("user.txt", lines(("User", "Bot"))),
    ("ann.txt", lines(("Ann", "Bob"))),
    ("chinese.txt", lines(("用户", "助手")).replace(": ", "：")),
    ("windows.txt", lines(("User", "Bot")).replace("\n", "\r\n")),
    ("bold.txt", lines(("**User", "**Bot")).replace(":", ":**")),
    ("times.txt", lines(("[10:01 PM] Ann", "[10:02 PM] Bob"))),
    ("answers.jsonl", [{"dialog": [{"user": a, "system": b}, {"user": c, "system": d}]} for a, b, c, d in SAID]),
    ("told.jsonl", [{"history": "\n".join(f"{('User', 'Bot')[n % 2]}: {text}" for n, text in enumerate(said[:3])), "response": said[3]} for said in SAID]),
    ("rules.txt", lines(("User", "Bot")).replace("\n\n", "\n-----\n")),
    ("apart.txt", lines(("User", "Bot")).replace("\n", "\n\n").replace("\n\n\n\n", "\n\n\n")),
    ("parlai.txt", parlai()),
    ("convai.txt", numbered()),
    ("dialog.jsonl", [{"dialog": [[{"text": a}, {"text": b}], [{"text": c}, {"text": d}]]} for a, b, c, d in SAID]),
    ("agents.json", {f"t{n}": {"content": named(said, ("agent_1", "agent_2"), "agent", "message")} for n, said in enumerate(SAID)}),
    ("original.json", [{"original": [list(pair) for pair in zip(["customer", "agent"] * 2, said, strict=True)]} for said in SAID]),
    ("asked.json", [{"dialog": [{"question": a, "answer": b}, {"question": c, "answer": d}]} for a, b, c, d in SAID]),
    ("chatml.jsonl", [{"text": "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in zip(ROLES, said, strict=True))} for said in SAID]),
    ("pipes.jsonl", [{"text": "".join(f"<|{role}|>{text}<|end|>" for role, text in zip(ROLES, said, strict=True))} for said in SAID]),
    ("llama.jsonl", [{"text": f"<s>[INST] {a} [/INST] {b} </s><s>[INST] {c} [/INST] {d} </s>"} for a, b, c, d in SAID]),
    ("hashes.jsonl", [{"text": f"### Human: {a}### Assistant: {b}### Human: {c}### Assistant: {d}"} for a, b, c, d in SAID]),
    ("human.jsonl", [{"text": human(said)} for said in SAID]),
    ("prompt.jsonl", [{"prompt": human(said[:3]) + "\n\nAssistant:", "response": said[3]} for said in SAID]),
    ("completion.jsonl", [{"prompt": named(said[:3], ("user", "assistant")), "completion": named(said[3:], ("assistant", ""))} for said in SAID]),
    ("history.jsonl", [{"history": said[:3], "response": said[3]} for said in SAID]),
    ("context.jsonl", [{"context": said[:3], "response": said[3]} for said in SAID]),
    ("persona.json", [{"utterances": [{"history": said[: n + 1], "candidates": ["No.", said[n + 1]]} for n in (0, 2)]} for said in SAID]),
    ("growing.jsonl", [{"conv_id": n, "history": said[: k + 1], "candidates": ["No.", said[k + 1]]} for n, said in enumerate(SAID) for k in (0, 2)]),
    ("blended.jsonl", [{"previous_utterance": [a, b], "free_messages": [c], "guided_messages": [d]} for a, b, c, d in SAID]),
    ("trees.jsonl", [{"message_tree_id": str(n), "prompt": tree(said)} for n, said in enumerate(SAID)]),
    ("threads.jsonl", messages_of_threads()),
    ("gemini.jsonl", [{"contents": [{"role": ("user", "model")[n % 2], "parts": [{"text": text}]} for n, text in enumerate(said)]} for said in SAID]),
    ("transcript.jsonl", [{"conversation": "\n".join(f"{('User', 'Bot')[n % 2]}: {text}" for n, text in enumerate(said))} for said in SAID]),
    ("printed.csv", "dialog\n" + "".join('"' + repr(said).replace('"', '""') + '"\n' for said in SAID)),
    ("numpy.csv", "dialog\n" + "".join('"[' + "\n ".join(map(repr, said)) + ']"\n' for said in SAID)),
    ("empathetic.csv", "conv_id,utterance_idx,speaker_idx,utterance\n" + "".join(f"h{n},{k},{k % 2},{text.replace(',', '_comma_')}\n" for n, said in enumerate(SAID) for k, text in enumerate(said))),
]  # fmt: skip

ASKED = [
    ("chosen.jsonl", [{"chosen": human(said), "rejected": human([*said[:3], "No."])} for said in SAID]),
    ("preference.jsonl", [{"prompt": human(said[:3]) + "\n\nAssistant:", "chosen": said[3], "rejected": "No."} for said in SAID]),
    ("lists.json", SAID),
    ("exchanges.json", [[[a, b], [c, d]] for a, b, c, d in SAID]),
    ("bare.txt", "\n\n".join("\n".join(said) for said in SAID)),
    ("tabs.txt", "\n".join("\t".join(said) for said in SAID)),
    ("data.jsonl", [{"id": n, "data": said} for n, said in enumerate(SAID)]),
    ("loose.csv", "id,speaker,text\n" + "".join(f'{n},{"AB"[k % 2]},"{text}"\n' for n, said in enumerate(SAID) for k, text in enumerate(said))),
    ("silent.csv", "conversation_id,message\n" + "".join(f'{n},"{text}"\n' for n, said in enumerate(SAID) for text in said)),
    ("samsum.jsonl", [{"dialogue": "\r\n".join(f"{('Ann', 'Bob')[n % 2]}: {text}" for n, text in enumerate(said)), "summary": "s"} for said in SAID]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), UNMISTAKABLE, ids=[name for name, _ in UNMISTAKABLE])
def test_unmistakable_forms(tmp_path: Path, name: str, content: Any) -> None:
    wanted = [list(zip(ROLES, said, strict=True)) for said in SAID]
    path = written(tmp_path, name, content)
    assert conversations(path, asked=False) == wanted
    assert conversations(path) == wanted


@pytest.mark.parametrize(("name", "content"), ASKED, ids=[name for name, _ in ASKED])
def test_forms_that_must_be_asked_for(tmp_path: Path, name: str, content: Any) -> None:
    path = written(tmp_path, name, content)
    assert conversations(path) == [list(zip(ROLES, said, strict=True)) for said in SAID]
    source = read(str(path))["train"]
    columns, rows = gather_turns(source.columns, source.rows, asked=False) or (source.columns, source.rows)
    assert guess_column(columns, rows) is None


def test_personas(tmp_path: Path) -> None:
    persona = "".join(f"{n} {who} persona: i like {n} .\n" for n, who in ((1, "your"), (2, "partner's")))
    path = written(tmp_path, "t.txt", f"{persona}3 Hi.\tHello.\n4 Bye.\tGo well.\n" * 2)
    assert conversations(path)[1][0] == ("system", "your persona: i like 1 .")
    content = (
        "text:your persona: i like 1 .\\nHi.\tlabels:Hello.|Oh.\ntext:Bye.\tlabels:So.\tepisode_done:True\n"
    )
    path = written(tmp_path, "p.txt", content * 2)
    assert conversations(path)[0][:3] == [
        ("system", "your persona: i like 1 ."), ("user", "Hi."), ("assistant", "Hello."),
    ]  # fmt: skip


def test_lines_of_a_transcript_go_on(tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", "User: One:\nsee http://x.y\nand\nBot: Two.\nBot: More.\n\n" * 2)
    assert conversations(path)[0] == [
        ("user", "One:\nsee http://x.y\nand"),
        ("assistant", "Two.\nMore."),
    ]
    assert [row.origin.line for row in stream(str(path))] == [1, 7]
    assert "begin with who speaks" in read(str(path))["train"].notes[0]


@pytest.mark.parametrize(
    "content",
    [
        "Note: one\nAnother line\nWell: a\nSo: b\nOh\n",
        "a film that moves\nthe acting: fine\nb\nc\nd\n",
        "Ann: a\nBob: b\nCid: c\n\nAnn: d\nBob: e\nCid: f\n",
        "1 John NNP\n2 sleeps VBZ\n3 . .\n\n1 He PRP\n2 too RB\n",
        "text: a\ntext: b\ntext: c\ntext: d\n",
    ],
)
def test_other_text_files_keep_their_lines(tmp_path: Path, content: str) -> None:
    assert "messages" not in read(str(written(tmp_path, "t.txt", content)))["train"].columns


@pytest.mark.parametrize("mark", ["Cid: ", "- ", "<user> ", "12/3/20, 10:02 - "])
def test_lines_that_say_more_than_turns_are_no_bare_turns(tmp_path: Path, mark: str) -> None:
    path = written(tmp_path, "t.txt", f"Ann: a\n{mark}b\n{mark}c\nEve: d\n\n" * 3)
    with pytest.raises(ConfigError, match="which column holds the conversation"):
        conversations(path)


def test_objects_of_columns_are_no_conversations(tmp_path: Path) -> None:
    path = written(tmp_path, "t.json", {"text": ["a", "b"], "label": ["c", "d"]})
    with pytest.raises(DataError, match="an object that holds 'text', 'label'"):
        read(str(path))


def test_lists_of_several_lengths_are_conversations_and_a_row_too_long_is_none(tmp_path: Path) -> None:
    talks = [["Hi.", "Oh."], ["Hi.", "Oh.", "Bye.", "So."], ["Well?", "Yes.", "No?", "No.", "Oh.", "So."]]
    assert [len(found) for found in conversations(written(tmp_path, "t.json", talks))] == [2, 4, 6]
    with pytest.raises(DataError, match="3 values where 2 are expected"):
        read(str(written(tmp_path, "rows.json", [*[["a", "b"]] * 9, ["a", "b", "c"]])))


def test_hints(tmp_path: Path) -> None:
    for content in ("Where is it?\tUpstairs.\nWho?\tMe.\n", "你好吗？\t很好。\n你是谁？\t我是小王。\n"):
        path = written(tmp_path, "t.tsv", content)
        with pytest.raises(ConfigError) as caught:
            conversations(path)
        assert "data.column_names=[prompt,response]" in str(caught.value.fix)
    with pytest.raises(ConfigError) as caught:
        conversations(written(tmp_path, "c.txt", "L2 +++$+++ u0 +++$+++ m0 +++$+++ ANN +++$+++ Yes.\n" * 3))
    assert "ConvoKit" in str(caught.value.fix)
    with pytest.raises(ConfigError) as caught:
        conversations(written(tmp_path, "t.txt", "One line.\nAnother.\n"))
    assert "__eou__" in str(caught.value.fix)


HEADINGS = [
    "=== Conversation {} ===",
    "# Conversation {}",
    "Dialogue {}:",
    "--- talk no {} ---",
    "[Session #{}]",
    "对话 {}",
    "## Chat {} ##",
]


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("blank", ["", "\n"])
def test_headings_part_conversations(tmp_path: Path, heading: str, blank: str) -> None:
    blocks = [
        f"{heading.format(n)}\n{blank}{block}\n"
        for n, block in enumerate(lines(("User", "Bot")).split("\n\n"))
    ]
    path = written(tmp_path, "t.txt", blank.join(blocks))
    assert conversations(path, asked=False) == [list(zip(ROLES, said, strict=True)) for said in SAID]


def test_a_turn_between_blank_lines_is_no_conversation(tmp_path: Path) -> None:
    path = written(tmp_path, "t.txt", lines(("User", "Bot")).replace("\n\n", "\n").replace("\n", "\n\n"))
    assert [turn for turn, _ in conversations(path)[0]] == ROLES * 3
    assert any(
        "nothing parts conversations, so all of it is one" in note for note in read(str(path))["train"].notes
    )


@pytest.mark.parametrize(
    "time", ["12/08/2023, 10:0{} - ", "[12/08/2023, 10:0{}:12] ", "10:0{} ", "10:0{}:12 AM "]
)
def test_lines_of_an_export_with_times(tmp_path: Path, time: str) -> None:
    said = "".join(f"{time.format(n)}{('Alice', 'Bob')[n % 2]}: {text}\n" for n, text in enumerate(SAID[0]))
    wanted = [list(zip(ROLES, SAID[0], strict=True))]
    assert conversations(written(tmp_path, "chat.txt", said)) == wanted
    notice = f"{time.format(0)}Messages to this chat are encrypted.\n"
    path = written(tmp_path, "chat.txt", notice + said + notice)
    assert conversations(path) == wanted
    assert any(
        "2 lines with a time and no speaker were left out" in note for note in read(str(path))["train"].notes
    )


def test_json_lines_under_the_name_of_text(tmp_path: Path) -> None:
    content = "".join(json.dumps({"messages": named(said, ("user", "assistant"))}) + "\n" for said in SAID)
    path = written(tmp_path, "t.txt", content)
    assert conversations(path, asked=False) == [list(zip(ROLES, said, strict=True)) for said in SAID]
    assert "holds JSON lines, and was read as such" in read(str(path))["train"].notes[0]
    assert len(list(stream(str(path)))) == len(SAID)
    assert read(str(path), SourceSettings(format="txt"))["train"].columns == ("text",)
    assert read(str(written(tmp_path, "u.txt", "{a} is it.\n{b} too.\n")))["train"].columns == ("text",)


def test_uneven_lines_of_turns_need_no_header(tmp_path: Path) -> None:
    said = [SAID[0], SAID[1][:2], SAID[2]]
    path = written(tmp_path, "t.tsv", "".join("\t".join(turns) + "\n" for turns in said))
    assert conversations(path) == [list(zip(ROLES, turns, strict=False)) for turns in said]
    assert "of different numbers and without names of columns" in read(str(path))["train"].notes[0]
    for content in ("text\tlabel\nIt is.\ta\nIt is.\ta\tb\n", "It is.\tWho?\n" * 9 + "a\tb\tc\n"):
        with pytest.raises(DataError, match="fields where the header has 2"):
            read(str(written(tmp_path, "u.tsv", content)))


def test_lists_of_two_texts(tmp_path: Path) -> None:
    path = written(tmp_path, "t.json", [said[:2] for said in SAID])
    assert conversations(path) == [list(zip(ROLES, said[:2], strict=False)) for said in SAID]


def test_messages_that_name_the_one_they_answer(tmp_path: Path) -> None:
    """ConvoKit's utterances, which need not stand in the order of the talk."""
    rows = [
        {
            "id": f"{n}.{k}",
            "conversation_id": f"{n}.0",
            "text": text,
            "speaker": f"u{k % 2}",
            "reply-to": f"{n}.{k - 1}" if k else None,
        }
        for n, said in enumerate(SAID)
        for k, text in enumerate(said)
    ]
    assert conversations(written(tmp_path, "u.jsonl", rows[::-1])) == [
        list(zip(ROLES, said, strict=True)) for said in SAID[::-1]
    ]
