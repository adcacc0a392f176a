"""`tunewell predict`: the same answers from every door, joined to the rows that they belong to."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tunewell as package

Command = Callable[..., Any]
TEXTS = ["the film was great", 'a "quoted", 好 🙂 ‮rtl‬ text', "the plot was dull indeed"]


def answers(run: Path, inputs: list[Any]) -> list[dict[str, Any]]:
    """What Python says."""
    return [prediction.to_json() for prediction in package.load(run).predict(inputs)]


def without_input(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: row[key] for key in ("label", "probabilities")} for row in rows]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))

    return put


def test_texts_on_the_command_line(tunewell: Command, trained: Path) -> None:
    outcome = tunewell("predict", trained, *(part for text in TEXTS for part in ("--text", text)))
    assert outcome.code == 0
    assert outcome.err == ""
    assert [row["text"] for row in outcome.rows] == TEXTS
    assert without_input(outcome.rows) == answers(trained, TEXTS)
    for row in outcome.rows:
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)


def test_pairs_on_the_command_line(tunewell: Command, trained_on_pairs: Path) -> None:
    outcome = tunewell(
        "predict", trained_on_pairs, "--text", "a", "--text", "b", "--text", "c", "--text", "d"
    )
    assert outcome.code == 0
    assert [(row["premise"], row["hypothesis"]) for row in outcome.rows] == [("a", "b"), ("c", "d")]
    assert without_input(outcome.rows) == answers(trained_on_pairs, [("a", "b"), ("c", "d")])
    for odd in (["--text", "a"], ["--text", "a", "--text", "b", "--text", "c"]):
        outcome = tunewell("predict", trained_on_pairs, *odd)
        assert outcome.code == 2
        assert "premise, hypothesis" in outcome.err
        assert '--text "..." --text "..."' in outcome.err


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.tsv", "t.txt"])
@pytest.mark.parametrize("output", [None, "o.jsonl", "o.csv"])
def test_files(
    tunewell: Command, trained: Path, work: Path, write_table: Command, name: str, output: str | None
) -> None:
    labels = ["good", "bad", "good"]
    if name == "t.txt":
        (work / name).write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    else:
        write_table(work / name, list(zip(TEXTS, labels, strict=True)))
    outcome = tunewell("predict", trained, name, *(["--output", output] if output else []))
    assert (outcome.code, outcome.err) == (0, "")
    if output is None:
        rows = outcome.rows
    else:
        assert outcome.out == ""
        content = (work / output).read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(content, newline=""))) if output == "o.csv" else None
        rows = [json.loads(line) for line in content.splitlines()] if rows is None else rows
        if output == "o.csv":
            rows = [
                {**row, "line": int(row["line"]), "probabilities": json.loads(row["probabilities"])}
                for row in rows
            ]
    first = 1 if name in ("t.txt", "t.jsonl") else 2
    assert [(row["text"], row["line"]) for row in rows] == [(text, first + n) for n, text in enumerate(TEXTS)]
    if name != "t.txt":
        assert [row["input_label"] for row in rows] == labels
    assert without_input(rows) == answers(trained, TEXTS)


def test_every_column_of_the_input_is_kept(tunewell: Command, trained: Path, work: Path) -> None:
    (work / "t.csv").write_text('id,text,note,line\n7,"a, b","two\nlines",x\n8,,"",y\n', encoding="utf-8")
    rows = tunewell("predict", trained, "t.csv").rows
    assert [(row["id"], row["text"], row["note"], row["input_line"], row["line"]) for row in rows] == [
        ("7", "a, b", "two\nlines", "x", 2),
        ("8", "", "", "y", 4),
    ]
    assert tunewell("predict", trained, "t.csv", "--output", "o.csv").code == 0
    with (work / "o.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["note"] for row in written] == ["two\nlines", ""]


def test_labels_of_the_input_are_not_judged(
    tunewell: Command, trained: Path, work: Path, write_table: Command
) -> None:
    write_table(work / "t.csv", [("a", "no such label"), ("b", "")])
    outcome = tunewell("predict", trained, "t.csv")
    assert outcome.code == 0
    assert [row["input_label"] for row in outcome.rows] == ["no such label", ""]


def test_json_values_are_kept(tunewell: Command, trained: Path, work: Path) -> None:
    given = {"text": "a", "n": 1, "list": [1, "x"], "none": None, "deep": {"a": 0.5}}
    (work / "t.jsonl").write_text(json.dumps(given) + "\n", encoding="utf-8")
    assert given.items() <= tunewell("predict", trained, "t.jsonl").rows[0].items()
    tunewell("predict", trained, "t.jsonl", "--output", "o.csv")
    row = next(csv.DictReader((work / "o.csv").open(encoding="utf-8", newline="")))
    assert (row["n"], json.loads(row["list"]), row["none"], json.loads(row["deep"])) == (
        "1",
        [1, "x"],
        "",
        {"a": 0.5},
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a\n\nb 好\n\n".encode(), ["a", "", "b 好"]),
        (b"a", ["a"]),
        ('{"text": "a"}\n{"text": "b 🙂"}\n'.encode(), ["a", "b 🙂"]),
        (b'{not json}\n{"text"}\n', ["{not json}", '{"text"}']),
        (b"\xef\xbb\xbfa\r\nb\r\n", ["a", "b"]),
    ],
)
def test_standard_input(
    tunewell: Command, trained: Path, typed: Callable[[bytes], None], content: bytes, expected: list[str]
) -> None:
    typed(content)
    outcome = tunewell("predict", trained, "-")
    assert outcome.code == 0
    assert [row["text"] for row in outcome.rows] == expected
    assert without_input(outcome.rows) == answers(trained, expected)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "standard input"),
        (b"a\ncaf\xe9\n", "standard input:2:4"),
        (b'{"text": "a"}\n{"tex\n', "standard input:2:"),
    ],
)
def test_faults_on_standard_input(
    tunewell: Command, trained: Path, typed: Callable[[bytes], None], content: bytes, place: str
) -> None:
    typed(content)
    outcome = tunewell("predict", trained, "-")
    assert outcome.code == 3
    assert f"error: {place}" in outcome.err


def test_more_rows_than_are_looked_at_together(
    tunewell: Command, trained: Path, work: Path, write_table: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewell.predictor.CHUNK", 3)
    rows = [(f"the film number {n}" + " indeed" * (n % 5), "good") for n in range(10)]
    write_table(work / "t.csv", rows)
    assert [row["text"] for row in tunewell("predict", trained, "t.csv").rows] == [text for text, _ in rows]


def test_answers_do_not_depend_on_the_company(tunewell: Command, trained: Path) -> None:
    together = tunewell("predict", trained, *(part for text in TEXTS for part in ("--text", text))).rows
    for text, row in zip(TEXTS, together, strict=True):
        alone = tunewell("predict", trained, "--text", text).rows[0]
        assert alone["probabilities"] == pytest.approx(row["probabilities"], abs=1e-6)


@pytest.mark.parametrize(
    ("content", "place", "said"),
    [
        ("id,txt\n1,a\n", "t.csv", "there is no column 'text'; the columns are id, txt"),
        ("text,label\n", "t.csv", "nothing to read"),
        ("", "t.csv", "empty"),
        ("text,x\na,1\nb\n", "t.csv:3", "1 field where the header has 2"),
        ("text\na\0b\n", "t.csv:2:2", "NUL"),
    ],
)
def test_a_faulty_file_leaves_no_output(
    tunewell: Command, trained: Path, work: Path, content: str, place: str, said: str
) -> None:
    (work / "t.csv").write_text(content, encoding="utf-8")
    (work / "o.jsonl").write_text("of an earlier day")
    outcome = tunewell("predict", trained, "t.csv", "--output", "o.jsonl")
    assert outcome.code == 3
    assert f"error: {place}: " in outcome.err
    assert said in outcome.err
    assert (work / "o.jsonl").read_text() == "of an earlier day"
    assert {path.name for path in work.iterdir()} == {"reviews.csv", "t.csv", "o.jsonl"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "either a file"),
        (["reviews.csv", "--text", "a"], 2, "either a file"),
        (["reviews.csv", "--output", "o.txt"], 2, "neither .jsonl nor .csv"),
        (["reviews.csv", "--output", "no/o.csv"], 2, "there is no folder 'no'"),
        (["reviews.csv", "--device", "tpu"], 2, "tpu"),
        (["review.csv"], 3, "did you mean reviews.csv?"),
        (["."], 3, "folder"),
        (["reviews.csv", "more.csv"], 2, "more.csv"),
    ],
)
def test_wrong_arguments(
    tunewell: Command, trained: Path, work: Path, arguments: list[str], code: int, said: str
) -> None:
    outcome = tunewell("predict", trained, *arguments)
    assert outcome.code == code
    assert said in outcome.err
    assert "fix:" in outcome.err


def test_a_folder_that_is_no_finished_run(tunewell: Command, work: Path) -> None:
    for folder in (".", "none"):
        outcome = tunewell("predict", folder, "--text", "a")
        assert outcome.code == 4
        assert "tunewell runs" in outcome.err
    (work / "manifest.json").write_text('{"schema": 1, "status": "running"}')
    outcome = tunewell("predict", ".", "--text", "a")
    assert outcome.code == 4
    assert "not finished" in outcome.err
    (work / "manifest.json").write_text('{"schema": 99}')
    outcome = tunewell("predict", ".", "--text", "a")
    assert outcome.code == 4
    assert "newer version" in outcome.err
