"""`tunewell chat`: on one line, and line by line from standard input."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tunewell
from tunewell.cli import chat as chat_command
from tunewell.runs.conversation import Conversation

Command = Callable[..., Any]
ASKED = ("is the film long?", "and the plot?")
SCRATCH = [
    argument
    for name, value in (
        ("model.from_scratch", "true"),
        ("model.hidden_size", "16"),
        ("model.num_layers", "1"),
        ("model.num_heads", "2"),
        ("model.vocab_size", "300"),
        ("task.max_reply_tokens", "8"),
        ("evaluation.baselines", "false"),
        ("evaluation.resamples", "100"),
        ("evaluation.rank_resamples", "100"),
        ("training.max_steps", "3"),
        ("training.threads", "1"),
    )
    for argument in ("--set", f"{name}={value}")
]


@pytest.fixture(scope="module")
def talker(tunewell: Command, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talker")
    rows = (
        {
            "messages": [
                {"role": "user", "content": f"tell me that {text}"},
                {"role": "assistant", "content": text},
            ]
        }
        for text in texts
    )
    (folder / "talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    outcome = tunewell(
        "train", folder / "talks.jsonl", *SCRATCH, "--device", "cpu", "--output", folder / "run"
    )
    assert outcome.code == 0, outcome.err
    return folder / "run"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def put(*lines: str) -> None:
        content = "".join(f"{line}\n" for line in lines).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))

    return put


def _replies(talker: Path, *asked: str) -> list[str]:
    """What Python says, turn by turn."""
    from tunewell.runs import Run
    from tunewell.runs.conversation import Conversation

    conversation = Conversation(Run(talker).load_predictor("cpu"))
    return [conversation.reply(text) for text in asked]


def test_on_one_line(tunewell: Command, talker: Path) -> None:
    outcome = tunewell("chat", talker, "--text", ASKED[0], "--text", ASKED[1])
    assert (outcome.code, outcome.err) == (0, "")
    wanted = [" ".join(reply.split()) for reply in _replies(talker, *ASKED)]
    assert outcome.out.splitlines() == wanted
    assert tunewell("chat", talker, "--text", ASKED[0]).out.splitlines() == wanted[:1]


def test_what_ends_a_reply_is_never_heard(talker: Path) -> None:
    """Nor is its beginning, though it comes in pieces."""
    whole = Conversation(tunewell.load(talker).predictor).reply(ASKED[0])
    stop = whole[3:6]
    heard: list[str] = []
    ended = Conversation(tunewell.load(talker).predictor, {"stop": ["unheard", stop]})
    reply = ended.reply(ASKED[0], heard.append)
    assert reply == whole.partition(stop)[0].rstrip()
    assert "".join(heard).rstrip() == reply
    assert [turn.text for turn in ended.turns] == [ASKED[0], reply]


def test_from_standard_input(tunewell: Command, talker: Path, typed: Callable[..., None]) -> None:
    """Without a terminal there is a line for each reply and nothing else; what was said counts until it is forgotten."""
    typed(ASKED[0], "", ASKED[1], "/reset", ASKED[0])
    outcome = tunewell("chat", talker)
    assert (outcome.code, outcome.err) == (0, "(forgotten)\n")
    first, second = (" ".join(reply.split()) for reply in _replies(talker, *ASKED))
    assert outcome.out.splitlines() == [first, second, first]


def test_a_reply_that_is_stopped_was_never_asked_for(
    talker: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = Conversation(tunewell.load(talker).predictor)

    def stop(piece: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(chat_command, "_print_piece", stop)
        chat_command._reply_as_written(conversation, ASKED[0])
    assert conversation.turns == []
    assert "(stopped;" in capsys.readouterr().out
    assert conversation.reply(ASKED[0]) == _replies(talker, ASKED[0])[0]


def test_a_reply_cannot_steer_the_terminal() -> None:
    assert chat_command._on_one_line("\x1b[31mred\x07\nand\tmore") == "[31mred and more"


def test_a_conversation_is_saved_for_training(
    tunewell: Command, talker: Path, typed: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text('{"messages": []}', encoding="utf-8")  # without a line's end
    typed(
        f"/save {path}", ASKED[0], f"/save {path}", ASKED[1], f"/save {path}", "/nothing", "/quit", "unheard"
    )
    outcome = tunewell("chat", talker)
    assert outcome.code == 0
    assert "(nothing was said yet)" in outcome.err
    assert "(there is no /nothing; " in outcome.err
    first, second = _replies(talker, *ASKED)
    rows = [json.loads(line)["messages"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert [len(row) for row in rows] == [0, 2, 4]
    assert [turn["content"] for turn in rows[2]] == [ASKED[0], first, ASKED[1], second]
    typed(ASKED[0], f"/save {tmp_path / 'none' / 'said.jsonl'}")
    assert "(there is no folder " in tunewell("chat", talker).err
    typed(ASKED[0], f"/save {tmp_path}", "/help")
    said = tunewell("chat", talker).err
    assert "is a folder" in said
    assert "/reset forgets" in said


def test_drawn_replies_hang_on_the_seed(tunewell: Command, talker: Path) -> None:
    drawn = {
        seed: tunewell("chat", talker, "--text", ASKED[0], "--temperature", "3", "--seed", seed)
        for seed in (1, 2)
    }
    assert {outcome.code for outcome in drawn.values()} == {0}
    assert drawn[1].out != drawn[2].out
    again = tunewell("chat", talker, "--text", ASKED[0], "--temperature", "3", "--seed", 1)
    assert again.out == drawn[1].out
    refused = tunewell("chat", talker, "--text", ASKED[0], "--top-p", "0.5")
    assert refused.code == 2, refused.err
    assert "has no effect when temperature is 0" in refused.err


def test_other_tasks_hold_no_conversations(tunewell: Command, trained: Path) -> None:
    outcome = tunewell("chat", trained, "--text", "hello")
    assert (outcome.code, outcome.out) == (2, "")
    assert "is for text-classification and holds no conversations" in outcome.err
    assert "--task dialogue" in outcome.err
    assert "Traceback" not in outcome.err


def test_an_empty_reply_is_not_saved(talker: Path, tmp_path: Path) -> None:
    """Or the file could not be trained on."""
    conversation = Conversation(tunewell.load(talker).predictor)
    conversation.reply(ASKED[0])
    said = list(conversation.turns)
    conversation.turns += [replace(said[0], text="and?"), replace(said[1], text=" ")]
    conversation.save(tmp_path / "said.jsonl")
    saved = json.loads((tmp_path / "said.jsonl").read_text())["messages"]
    assert [message["content"] for message in saved] == [turn.text for turn in said]
    conversation.turns = conversation.turns[2:]
    assert not conversation.save(tmp_path / "none.jsonl")
    assert not (tmp_path / "none.jsonl").exists()
    assert "nothing is to be saved" in chat_command._obeyed(conversation, f"/save {tmp_path / 'none.jsonl'}")
