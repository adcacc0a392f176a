"""Rows 13 to 15 and 17 to 21 of the fault table for translation, from end to end."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.faults import DROP, SCRATCH, as_lines, dry_run, refused

Command = Callable[..., Any]
Pairs = list[dict[str, Any]]

QUICK = (*SCRATCH, "--set", "task.num_beams=1")


@pytest.fixture(scope="session")
def pairs(texts: list[str]) -> Pairs:
    """48 good pairs, on lines 1 to 48 of JSON."""
    return [{"en": text, "de": f"{text.upper()} {number}"} for number, text in enumerate(texts)]


@pytest.fixture
def look(tunewell: Command, work: Path) -> Command:
    """What is said of files that are written before."""
    return lambda files, *options: dry_run(tunewell, work, files, *options)


@pytest.fixture(scope="session")
def translator(tmp_path_factory: pytest.TempPathFactory, tunewell: Command, pairs: Pairs) -> Path:
    """A finished run on the good pairs."""
    folder = tmp_path_factory.mktemp("translator")
    (folder / "t.jsonl").write_text(as_lines(pairs))
    outcome = tunewell("train", folder / "t.jsonl", *QUICK, "--output", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder / "run"


# 13 to 15, 17: bad rows


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"en": "a", "de": " "}', "t.jsonl:49: column 'de' is blank"),
        ('{"en": null, "de": "b"}', "t.jsonl:49: column 'en' is missing"),
        ('{"en": "a"}', "t.jsonl:49: key 'de' is missing"),
        ('{"en": "a", "de": 4}', "t.jsonl:49: key 'de' holds a number"),
        ('{"en": "a", "de": ', ": not JSON: "),
        ('{"en": "a", "en": "b", "de": "c"}', "t.jsonl:49: key 'en' appears twice"),
        ('{"en": "a", "de": "\\ud800"}', "t.jsonl:49:20: \\ud800 is half of a surrogate pair"),
    ],
)
def test_a_bad_pair_is_named_by_its_line(look: Command, pairs: Pairs, line: str, said: str) -> None:
    refused(look({"t.jsonl": as_lines(pairs) + line + "\n"}), said)


def test_a_blank_side_can_be_dropped_and_is_counted(look: Command, pairs: Pairs) -> None:
    outcome = look({"t.jsonl": as_lines([*pairs, {"en": "a", "de": " "}])}, *DROP)
    assert outcome.code == 0
    assert "1 bad row was dropped from t.jsonl" in outcome.err


def test_an_object_that_lacks_a_language(look: Command, pairs: Pairs) -> None:
    content = as_lines([*({"translation": pair} for pair in pairs), {"translation": {"en": "x"}}])
    refused(look({"t.jsonl": content}), "t.jsonl:49: column 'translation' has no 'de', only 'en'")


def test_files_that_part(look: Command, pairs: Pairs) -> None:
    english = "".join(f"{pair['en']}\n" for pair in pairs)
    german = "".join(f"{pair['de']}\n" for pair in pairs[:-1])
    refused(look({"t.de": german, "t.en": english}), "t.de:48: 47 lines, where t.en has 48")
    refused(look({"t.de": german + "\n", "t.en": english}), "t.de:48: column 'de' is blank")
    latin = german.encode() + "schön\n".encode("latin-1")
    refused(look({"t.de": latin, "t.en": english}), "t.de:48:4: not UTF-8: byte 0xf6")


def test_a_memory_that_is_cut_off_or_declares_entities(look: Command) -> None:
    refused(look({"t.tmx": "<tmx><body><tu>"}), "t.tmx:1:16: not XML")
    content = '<!DOCTYPE tmx [<!ENTITY a "b">]><tmx><body></body></tmx>'
    refused(look({"t.tmx": content}), "t.tmx:1: the document declares an entity, 'a'")


def test_a_table_with_ragged_rows(look: Command, pairs: Pairs) -> None:
    rows = "".join(f"{pair['en']},{pair['de']}\n" for pair in pairs)
    outcome = look({"t.csv": f"source,target\n{rows}a,b,c\nonly\n"})
    refused(outcome, "t.csv:50: 3 fields where the header has 2", "t.csv:51: 1 field where")


def test_swapped_sides_are_warned_of(look: Command, pairs: Pairs) -> None:
    good = [
        {"en": pair["en"], "zh": "\u8fd9\u662f\u4e00\u90e8\u7535\u5f71" + "\u597d" * place}
        for place, pair in enumerate(pairs)
    ]
    swapped = [{"en": pair["zh"] + "\u5417", "zh": pair["en"] + " too"} for pair in good[:5]]
    outcome = look({"t.jsonl": as_lines([*good, *swapped])})
    assert outcome.code == 0
    assert "warning: train: " in outcome.err
    assert "swapped" in outcome.err


# 18, 19, 21: repeats, too few, too long


def test_repeats_are_counted_and_shown(look: Command, pairs: Pairs) -> None:
    outcome = look({"t.jsonl": as_lines([*pairs, *pairs[:5]])})
    assert outcome.code == 0
    assert "repeat the text of an earlier one" in outcome.err
    test = as_lines(pairs[:10])
    overlap = look({"t.jsonl": as_lines(pairs), "test.jsonl": test}, "--test", "test.jsonl")
    assert "have a text that is also in train" in overlap.err
    limit = ("--test", "test.jsonl", "--set", "data.max_overlap_share=0.1")
    refused(
        look({"t.jsonl": as_lines(pairs), "test.jsonl": test}, *limit),
        "also stand in the training data; allowed: 10.0%",
    )


def test_too_little(look: Command, pairs: Pairs) -> None:
    refused(look({"t.jsonl": ""}), "t.jsonl: nothing to read: it has no rows")
    refused(look({"t.csv": "source,target\n"}), "t.csv: nothing to read: it has no rows")
    refused(look({"t.jsonl": as_lines(pairs[:1])}), "1 example in 1 group", "cannot be split into 3 parts")
    outcome = look({"t.jsonl": as_lines(pairs)}, "--set", "training.batch_size=39")
    refused(outcome, "38 examples, fewer than one batch of 39")


def test_a_pair_of_very_unequal_length_is_told(look: Command, pairs: Pairs) -> None:
    outcome = look({"t.jsonl": as_lines([*pairs, {"en": "word " * 200_000, "de": "kurz"}])})
    assert outcome.code == 0
    assert "4 times longer or shorter than usual for such a source" in outcome.err
    assert "t.jsonl:49 'word word" in outcome.err
    assert len(outcome.err) < 2000


def test_what_is_cut_is_counted_and_translated(translator: Path, tunewell: Command, work: Path) -> None:
    (work / "long.jsonl").write_text(as_lines([{"en": "word " * 200_000}, {"en": "the film"}]))
    outcome = tunewell("predict", translator, "long.jsonl")
    assert outcome.code == 0
    assert [row["line"] for row in outcome.rows] == [1, 2]


# 20: files that are none


def test_a_pipe_and_a_bomb(
    translator: Path, tunewell: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewell.data.opening.BOMB_BYTES", 2**20)
    os.mkfifo(work / "pipe.en.gz")
    (work / "bomb.en.gz").write_bytes(gzip.compress(b"a" * 2**23))
    for name, said in (("pipe.en.gz", "is a FIFO (named pipe)"), ("bomb.en.gz", "bomb")):
        (work / name.replace(".en", ".de")).write_bytes(gzip.compress(b"a\n"))
        refused(tunewell("train", name, *QUICK), name, said)
        refused(tunewell("predict", translator, name, "--output", "out.jsonl"), said)
    assert not list(work.glob("*out.jsonl"))


def test_what_was_refused_stands_in_the_way_of_nothing(tunewell: Command, work: Path, pairs: Pairs) -> None:
    path = work / "t.jsonl"
    path.write_text(as_lines([*pairs, {"en": "a", "de": ""}]))
    command = ("train", "t.jsonl", *QUICK, "--output", "run")
    refused(tunewell(*command), "t.jsonl:49")
    assert not (work / "run").exists()
    path.write_text(as_lines(pairs))
    assert tunewell(*command).code == 0


@pytest.mark.parametrize(
    ("key", "meant"),
    [("num_beam", "num_beams"), ("soruce_prefix", "source_prefix"), ("max_length", "max_length_tokens")],
)
def test_a_mistyped_setting_is_named_before_any_column(
    tunewell: Command, work: Path, key: str, meant: str
) -> None:
    """Also where the file alone says which task it is for."""
    lines = "".join(f"text {number}\n" for number in range(30))
    said = dry_run(tunewell, work, {"t.en": lines, "t.de": lines}, "--set", f"task.{key}=2")
    refused(said, f"task.{key}: no such setting", f"did you mean task.{meant}?", code=2)


def test_a_blank_source_is_translated_by_nothing_and_blank_lines_at_the_end_are_told_of(
    tunewell: Command, work: Path, translator: Path
) -> None:
    (work / "new.en").write_text("A man.\n\nA dog.\n\n\n", encoding="utf-8")
    outcome = tunewell("predict", translator, "new.en")
    assert outcome.code == 0, outcome.err
    assert [row["line"] for row in outcome.rows] == [1, 2, 3]
    assert outcome.rows[1]["translation"] == ""
    assert "2 blank lines at its end were left out" in outcome.err
