"""`tunewell chat`: on one line, and line by line from standard input."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def test_from_standard_input(tunewell: Command, talker: Path, typed: Callable[..., None]) -> None:
    """Without a terminal there are replies and nothing else; what was said before counts until it is forgotten."""
    typed(ASKED[0], "", ASKED[1], "/reset", ASKED[0])
    outcome = tunewell("chat", talker)
    assert (outcome.code, outcome.err) == (0, "")
    first, second = _replies(talker, *ASKED)
    assert outcome.out == f"{first}\n{second}\n(forgotten)\n{first}\n"


def test_a_conversation_is_saved_for_training(
    tunewell: Command, talker: Path, typed: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "said.jsonl"
    typed(
        f"/save {path}", ASKED[0], f"/save {path}", ASKED[1], f"/save {path}", "/nothing", "/quit", "unheard"
    )
    outcome = tunewell("chat", talker)
    assert outcome.code == 0
    assert "(nothing was said yet)" in outcome.out
    assert "(there is no /nothing; " in outcome.out
    first, second = _replies(talker, *ASKED)
    rows = [json.loads(line)["messages"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert [len(row) for row in rows] == [2, 4]
    assert [turn["content"] for turn in rows[1]] == [ASKED[0], first, ASKED[1], second]
    typed(ASKED[0], f"/save {tmp_path / 'none' / 'said.jsonl'}")
    assert "(there is no folder " in tunewell("chat", talker).out


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
