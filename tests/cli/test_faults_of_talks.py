"""Rows 13 to 15 and 17 to 21 of the fault table for dialogue, from end to end."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.faults import DROP, SCRATCH, as_lines, dry_run, refused

Command = Callable[..., Any]
Talks = list[dict[str, Any]]

QUICK = (*SCRATCH, "--set", "task.max_reply_tokens=8")


def talk(*turns: tuple[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


@pytest.fixture(scope="session")
def talks(texts: list[str]) -> Talks:
    """48 good conversations of four turns, on lines 1 to 48."""
    return [
        talk(("user", text), ("assistant", text.upper()), ("user", f"and {number}?"), ("assistant", "fine"))
        for number, text in enumerate(texts)
    ]


@pytest.fixture
def look(tunewell: Command, work: Path) -> Command:
    """What is said of a file that is written before."""
    return lambda name, content, *options: dry_run(tunewell, work, {name: content}, *options)


@pytest.fixture(scope="session")
def talker(tmp_path_factory: pytest.TempPathFactory, tunewell: Command, talks: Talks) -> Path:
    """A finished run on the good conversations."""
    folder = tmp_path_factory.mktemp("talker")
    (folder / "t.jsonl").write_text(as_lines(talks))
    outcome = tunewell("train", folder / "t.jsonl", *QUICK, "--output", folder / "run")
    assert outcome.code == 0, outcome.err
    assert f"tunewell chat {folder / 'run'}\n" in outcome.out
    return folder / "run"


# 13 to 15, 17: bad rows and wrong order of roles


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (talk(("user", "a"), ("assistant", " ")), "turn 2 is blank"),
        (talk(("user", "a"), ("robot", "b")), "'robot' is no role that is known"),
        (talk(("user", "a")), "no turn is by the assistant: there is no reply to learn"),
        (talk(("user", "a"), ("user", "b"), ("assistant", "c")), "turns 1 and 2 are both by user"),
        (talk(("user", "a"), ("system", "b"), ("assistant", "c")), "turn 2 is by system"),
        (
            {"messages": [{"role": "user"}]},
            "turn 1 is an object with 'role', where role and content are expected",
        ),
        ({"messages": []}, "the conversation has no turns"),
    ],
)
def test_a_bad_conversation_is_named_by_its_line(
    look: Command, talks: Talks, row: dict[str, Any], said: str
) -> None:
    content = as_lines([*talks, row])
    refused(look("t.jsonl", content), f"t.jsonl:49: {said}", DROP[1])
    dropped = look("t.jsonl", content, *DROP)
    assert dropped.code == 0
    assert "1 bad row was dropped from t.jsonl" in dropped.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"messages": "hello"}', "t.jsonl:49: key 'messages' holds text, where 48 rows hold a list"),
        (b'{"messages": [', "t.jsonl:49:15: not JSON"),
        (b'{"messages": [], "messages": []}', "t.jsonl:49: key 'messages' appears twice"),
        (b'{"messages": "sch\xf6n"}', "t.jsonl:49:18: not UTF-8: byte 0xf6"),
    ],
)
def test_a_line_that_cannot_be_read(look: Command, talks: Talks, line: bytes, said: str) -> None:
    refused(look("t.jsonl", as_lines(talks).encode() + line + b"\n"), said)


def test_words_after_the_last_reply_are_counted(look: Command, talks: Talks) -> None:
    more = talk(("user", "a"), ("assistant", "b"), ("user", "c"))
    outcome = look("t.jsonl", as_lines([*talks, more]))
    assert outcome.code == 0
    assert "warning: train: 1 conversation ends with the user's words" in outcome.err
    assert "t.jsonl:49\n" in outcome.err


def test_many_bad_rows_are_counted_and_the_first_shown(look: Command, texts: list[str]) -> None:
    outcome = look("t.jsonl", as_lines(talk(("user", text)) for text in texts))
    refused(outcome, "t.jsonl:1: no turn is by the assistant", "... and 28 more")


# 18, 19, 21: repeats, too few, too long


def test_repeats_are_counted(look: Command, talks: Talks, work: Path) -> None:
    (work / "test.jsonl").write_text(as_lines(talks[:10]))
    outcome = look("t.jsonl", as_lines(talks), "--test", "test.jsonl")
    assert "have a text that is also in train" in outcome.err
    limit = ("--test", "test.jsonl", "--set", "data.max_overlap_share=0.1")
    refused(look("t.jsonl", as_lines(talks), *limit), "also stand in the training data; allowed: 10.0%")


def test_too_little(look: Command, talks: Talks) -> None:
    refused(look("t.jsonl", ""), "t.jsonl: nothing to read: it has no rows")
    refused(look("t.jsonl", as_lines(talks[:1])), "1 example in 1 group", "cannot be split into 3 parts")
    outcome = look("t.jsonl", as_lines(talks), "--set", "training.batch_size=39")
    refused(outcome, "38 examples, fewer than one batch of 39")


def test_a_very_long_conversation_is_told_cut_and_learnt(
    look: Command, talks: Talks, tunewell: Command, work: Path, talker: Path
) -> None:
    long = talk(("user", "word " * 200_000), ("assistant", "yes"))
    outcome = look("t.jsonl", as_lines([*talks, long]))
    assert outcome.code == 0
    assert "1 conversation is very long" in outcome.err
    assert "t.jsonl:49 2 turns, 1,000,003 characters" in outcome.err
    (work / "long.jsonl").write_text(as_lines([long]))
    scored = tunewell("evaluate", talker, "long.jsonl")
    assert scored.code == 0, scored.err
    assert "perplexity_per_token" in scored.out


# 20: files that are none


def test_a_pipe_and_a_bomb(
    talker: Path, tunewell: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewell.data.opening.BOMB_BYTES", 2**20)
    os.mkfifo(work / "pipe.jsonl.gz")
    (work / "bomb.jsonl.gz").write_bytes(gzip.compress(b"a" * 2**23))
    for name, said in (("pipe.jsonl.gz", "is a FIFO (named pipe)"), ("bomb.jsonl.gz", "bomb")):
        for verb in (("train", name, *QUICK), ("evaluate", talker, name)):
            refused(tunewell(*verb), f"{name}: ", said)
    assert not (work / "runs").exists()


def test_what_was_refused_stands_in_the_way_of_nothing(tunewell: Command, work: Path, talks: Talks) -> None:
    path = work / "t.jsonl"
    path.write_text(as_lines([*talks, talk(("user", "a"))]))
    command = ("train", "t.jsonl", *QUICK, "--output", "run")
    refused(tunewell(*command), "t.jsonl:49")
    assert not (work / "run").exists()
    path.write_text(as_lines(talks))
    assert tunewell(*command).code == 0
