"""Rows 17 and 19 to 21 of the fault table for questions on texts, from end to end; and files as the world has them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.faults import as_lines, refused

Command = Callable[..., Any]

DROP = ("--set", "data.on_bad_row=drop")
REPAIR = ("--set", "task.repair_answer_start=true")
CONTEXT = "the film was a film of note"


def questions(texts: Iterable[str]) -> list[dict[str, Any]]:
    """A question on each text; its second word is the answer."""
    return [
        {
            "id": f"q{place}",
            "question": f"what was {text.split()[3]}?",
            "context": f"{text} number {place}",
            "answers": {"text": [text.split()[1]], "answer_start": [4]},
        }
        for place, text in enumerate(texts)
    ]


def odd(text: str = "film", start: Any = 4, **more: Any) -> dict[str, Any]:
    """One more question, `odd`, on `CONTEXT`."""
    answers = {"text": [text], "answer_start": [start]}
    return {"id": "odd", "question": "what?", "context": CONTEXT, "answers": answers, **more}


def as_squad(rows: Iterable[dict[str, Any]]) -> str:
    """A document with an article of one question for each row."""
    articles = []
    for row in rows:
        answers = row["answers"]
        pairs = zip(answers["text"], answers["answer_start"], strict=True)
        question = {
            "id": row["id"],
            "question": row["question"],
            "answers": [{"text": text, "answer_start": start} for text, start in pairs],
        }
        if "is_impossible" in row:
            question["is_impossible"] = row["is_impossible"]
        articles.append({"title": "t", "paragraphs": [{"context": row["context"], "qas": [question]}]})
    return json.dumps({"version": "1.1", "data": articles}, ensure_ascii=False)


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def rows(texts: list[str]) -> list[dict[str, Any]]:
    """48 good questions."""
    return questions(texts)


@pytest.fixture(scope="session")
def reader(
    tmp_path_factory: pytest.TempPathFactory, tunewell: Command, quick: list[str], rows: list[dict[str, Any]]
) -> Path:
    """A finished run on questions that "story" always answers, with the word at the end of the text."""
    folder = tmp_path_factory.mktemp("reader")
    given = []
    for row in rows:
        context = f"{row['context'].replace('story', 'film').split(' number')[0]} story"
        answers = {"text": ["story"], "answer_start": [len(context) - 5]}
        given.append({**row, "question": "what?", "context": context, "answers": answers})
    data = put(folder / "q.jsonl", as_lines(given))
    options = ["--set", "training.learning_rate=0.01", "--set", "task.max_answer_tokens=3"]
    settings = [*quick, *options, "--epochs", "8", "--output", folder / "run"]
    outcome = tunewell("train", data, "--validation", data, "--test", data, *settings)
    assert outcome.code == 0, outcome.err
    return folder / "run"


# 17: answers that are not where they should be


@pytest.mark.parametrize("name", ["q.jsonl", "q.json"])
def test_row_17_an_answer_that_is_not_at_its_start(
    check: Command, tunewell: Command, reader: Path, rows: list[dict[str, Any]], name: str
) -> None:
    content = (as_lines if name == "q.jsonl" else as_squad)([*rows, odd(start=5)])
    said = f"{name}:49: question odd: answer 'film' is not at 5, where 'ilm ' stands; it occurs at 4 (and 1 more)"
    refused(check(name, content), said, REPAIR[1], DROP[1])
    before = sorted(reader.rglob("*"))
    refused(tunewell("evaluate", reader, name), said, DROP[1])
    assert sorted(reader.rglob("*")) == before
    repaired = check(name, content, *REPAIR)
    assert repaired.code == 0
    assert "1 answer did not stand at answer_start and moved to the nearest occurrence" in repaired.err
    assert f"{name}:49 'film' at 4\n" in repaired.err
    dropped = check(name, content, *DROP)
    assert dropped.code == 0
    assert f"1 bad row was dropped from {name}" in dropped.err
    scored = tunewell("evaluate", reader, name, *DROP)
    assert scored.code == 0
    assert "warning: 1 of 49 rows were dropped as bad and are not scored" in scored.err
    assert len(tunewell("predict", reader, name).rows) == 49


@pytest.mark.parametrize("options", [(), REPAIR])
def test_row_17_an_answer_that_occurs_nowhere(
    check: Command, rows: list[dict[str, Any]], options: tuple[str, ...]
) -> None:
    content = as_squad([*rows, odd("cat")])
    outcome = check("q.json", content, *options)
    refused(outcome, "q.json:49: question odd: answer 'cat' does not occur in the context", DROP[1])
    assert "repair" not in outcome.err
    assert "1 bad row was dropped from q.json" in check("q.json", content, *options, *DROP).err


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (odd(start="x"), "answer_start is 'x', which is no whole number"),
        (odd(start=4.5), "answer_start is 4.5, which is no whole number"),
        (odd(start=-1), "not at -1, for the context has 27 characters, counted from 0; it occurs at 4"),
        (odd(start=99), "not at 99, for the context has 27 characters; it occurs at 15"),
        (odd(answers={"text": ["film", "note"], "answer_start": [4]}), "2 texts and 1 answer_start"),
        (odd(" "), "column 'answers' is blank"),
        (odd(is_impossible=True), "is_impossible is true, and yet there is the answer 'film'"),
        (
            odd(is_impossible=False, answers={"text": [], "answer_start": []}),
            "is_impossible is false, and yet there is no answer",
        ),
        (odd(question=" "), "column 'question' is blank"),
        (odd(context=None), "column 'context' is missing"),
        (odd(answers=None), "an empty list means that the context does not answer the question"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_row_17_what_is_no_question(
    check: Command, rows: list[dict[str, Any]], row: dict[str, Any], said: str
) -> None:
    content = as_lines([*rows, row])
    refused(check("q.jsonl", content), "error: q.jsonl:49: question odd: ", said, DROP[1])
    dropped = check("q.jsonl", content, *DROP)
    assert dropped.code == 0
    assert "1 bad row was dropped from q.jsonl" in dropped.err


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            odd(start="x"),
            "answer_start is text, where a whole number is expected (question 'odd': article 49",
        ),
        (odd(is_impossible=True), "question odd: is_impossible is true, and yet there is the answer 'film'"),
    ],
)
def test_row_17_in_a_document_the_question_is_named(
    check: Command, rows: list[dict[str, Any]], row: dict[str, Any], said: str
) -> None:
    content = as_squad([*rows, row])
    refused(check("q.json", content), said)
    assert "1 bad row was dropped from q.json" in check("q.json", content, *DROP).err


# 16 and 19: nothing to learn, too few rows


def test_row_16_no_question_has_an_answer(check: Command, rows: list[dict[str, Any]]) -> None:
    none = {"text": [], "answer_start": []}
    outcome = check("q.json", as_squad({**row, "answers": none, "is_impossible": True} for row in rows))
    assert outcome.code == 3
    assert "no training question has an answer: there is nothing to learn" in outcome.err


@pytest.mark.parametrize(("content", "said"), [("", "the file is empty"), ('{"data": []}', "it has no rows")])
def test_row_19_nothing_in_it(
    check: Command,
    tunewell: Command,
    reader: Path,
    rows: list[dict[str, Any]],
    work: Path,
    content: str,
    said: str,
) -> None:
    put(work / "none.json", content)
    refused(check("q.json", content), f"q.json: nothing to read: {said}")
    refused(tunewell("evaluate", reader, "none.json"), "none.json: nothing to read")
    refused(tunewell("predict", reader, "none.json"), "none.json: nothing to read")
    refused(check("q.jsonl", as_lines(rows), "--validation", "none.json"), "none.json: nothing to read")


def test_row_19_no_row_left_and_too_few(check: Command, rows: list[dict[str, Any]]) -> None:
    bad = [odd(start=5, id=f"odd{number}") for number in range(9)]
    outcome = check("q.json", as_squad(bad), *DROP)
    refused(
        outcome, "no row is left to use: all 9 were dropped", "the first: q.json:1: question odd0: answer"
    )
    refused(check("q.json", as_squad(rows[:1])), "cannot be split into 3 parts")
    outcome = check("q.json", as_squad(rows), "--set", "training.batch_size=39")
    refused(outcome, "38 examples, fewer than one batch of 39")


def test_row_19_a_test_file_without_answers_in_a_folder(
    tunewell: Command, reader: Path, quick: list[str], rows: list[dict[str, Any]], work: Path
) -> None:
    put(work / "data" / "train.jsonl", as_lines(rows))
    asked = ({key: row[key] for key in ("id", "question", "context")} for row in rows[:5])
    put(work / "data" / "test.jsonl", as_lines(asked))
    outcome = tunewell("train", "data", *quick, "--dry-run")
    assert outcome.code == 0
    assert "the test split of the folder has no labels and is not used; one is drawn" in outcome.err
    refused(tunewell("evaluate", reader, "data/test.jsonl"), "no column 'answers'")
    assert len(tunewell("predict", reader, "data/test.jsonl").rows) == 5


def test_what_was_refused_stands_in_the_way_of_nothing(
    tunewell: Command, quick: list[str], rows: list[dict[str, Any]], work: Path
) -> None:
    put(work / "q.json", as_squad([*rows, odd(start=5)]))
    command = ("train", "q.json", *quick, "--output", "run")
    refused(tunewell(*command), "question odd")
    assert not (work / "run").exists()
    assert tunewell(*command, *REPAIR).code == 0


# 20 and 21


def test_row_20_a_pipe_and_a_bomb(
    tunewell: Command, reader: Path, quick: list[str], work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewell.data.opening.BOMB_BYTES", 2**20)
    os.mkfifo(work / "pipe.json")
    (work / "bomb.json.gz").write_bytes(gzip.compress(b" " * 2**22))
    for name, said in (("pipe.json", "is a FIFO (named pipe)"), ("bomb.json.gz", "bomb")):
        for verb in (("train", name, *quick), ("evaluate", reader, name)):
            refused(tunewell(*verb), f"{name}: ", said)
        refused(tunewell("predict", reader, name, "--output", "out.jsonl"), said)
    assert not (work / "runs").exists()
    assert not list(work.glob("*out.jsonl"))


def test_row_21_an_answer_at_the_end_of_a_very_long_text_is_found(
    tunewell: Command, reader: Path, quick: list[str], rows: list[dict[str, Any]], work: Path
) -> None:
    filler = "the film was great " * 8_000
    long = filler + "story"
    answers = {"text": ["story"], "answer_start": [len(filler)]}
    row = {"id": "long", "question": "what?", "context": long, "answers": answers}
    put(work / "long.jsonl", as_lines([row]))
    (answer,) = tunewell("predict", reader, "long.jsonl").rows
    assert (answer["answer"], answer["char_start"]) == ("story", len(filler))
    scored = tunewell("evaluate", reader, "long.jsonl")
    assert scored.code == 0, scored.err
    assert "exact_match  1.000" in scored.out
    part = long[100_000:]
    moved = {"text": ["story"], "answer_start": [len(part) - 5]}
    put(work / "train.jsonl", as_lines([*rows, {**row, "context": part, "answers": moved}]))
    short = put(work / "short.jsonl", as_lines(rows[:9]))
    outcome = tunewell("train", "train.jsonl", *quick, "--validation", short, "--test", short)
    assert outcome.code == 0, outcome.err


# Files as the world has them


def german(number: int) -> dict[str, Any]:
    context = (
        f"Recht_der_Staaten\n\n=== Amt Nr. {number} ===\nDer Präsident wurde im Jahr {1900 + number} gewählt."
    )
    answer = {
        "answer_id": number,
        "document_id": 7,
        "question_id": 9,
        "text": f"im Jahr {1900 + number}",
        "answer_start": context.index("im Jahr"),
        "answer_category": "SHORT",
    }
    question = {
        "id": number,
        "question": "Wann wurde gewählt?",
        "answers": [answer] * 3,
        "is_impossible": False,
    }
    return {"paragraphs": [{"document_id": number, "context": context, "qas": [question]}]}


def french(number: int) -> dict[str, Any]:
    context = f"L'été {1900 + number}, « l'œuvre n°{number} » fut créée à Orléans."
    answers = [{"text": "Orléans", "answer_start": context.index("Orléans")}]
    question = {"id": f"f-{number}", "question": f"Où fut créée l'œuvre n°{number} ?", "answers": answers}
    return {"paragraphs": [{"context": context, "qas": [question]}]}


def chinese(number: int) -> dict[str, Any]:
    context = f"《战国无双{number}》是由光荣和ω-force开发的战国无双系列的正统第三续作。"
    answers = [{"text": "光荣", "answer_start": context.index("光荣")}] * 3
    question = {"question": "由谁开发的？", "id": f"DEV_{number}_QUERY_0", "answers": answers}
    paragraph = {"id": f"DEV_{number}", "context": context, "qas": [question]}
    return {"paragraphs": [paragraph], "id": f"DEV_{number}", "title": f"战国无双{number}"}


@pytest.mark.parametrize(
    ("article", "names", "scoring"),
    [
        (german, ("GermanQuAD_train.json", "GermanQuAD_test.json"), "words"),
        (french, ("train.json", "valid.json"), "words"),
        (chinese, ("cmrc2018_train.json", "cmrc2018_dev.json"), "characters"),
    ],
    ids=["GermanQuAD", "FQuAD", "CMRC 2018"],
)
def test_published_data_are_read_learnt_and_predicted(
    tunewell: Command,
    quick: list[str],
    work: Path,
    article: Callable[[int], dict[str, Any]],
    names: tuple[str, str],
    scoring: str,
) -> None:
    for name, numbers in zip(names, (range(40), range(50, 58)), strict=True):
        put(
            work / "data" / name,
            json.dumps({"version": "1.0", "data": list(map(article, numbers))}, ensure_ascii=False),
        )
    outcome = tunewell("train", "data", *quick, "--dry-run")
    assert outcome.code == 0, outcome.err
    assert (
        "task: question-answering; question = question, context = context, answers = answers" in outcome.err
    )
    assert "warning" not in outcome.err
    outcome = tunewell("train", "data", *quick, "--output", "run")
    assert outcome.code == 0, outcome.err
    assert json.loads((work / "run" / "task.json").read_text())["learnt"]["scoring"] == scoring
    scored = tunewell("evaluate", "run", f"data/{names[1]}")
    assert scored.code == 0, scored.err
    assert scored.out.startswith("8 examples")
    text = "À Orléans, l’été 好 🙂\u3000𠮷野家开发。Präsident"
    answers = tunewell("predict", "run", "--text", "Où ?", "--text", text).rows
    for row in [*answers, *tunewell("predict", "run", f"data/{names[1]}").rows]:
        assert row["candidates"]
        for candidate in row["candidates"]:
            place = slice(candidate["char_start"], candidate["char_end"])
            assert row["context"][place] == candidate["answer"] != ""
