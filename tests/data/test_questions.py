"""SQuAD documents and MRQA lines: one row a question, faults with their place, and never a crash."""

from __future__ import annotations

import copy
import gzip
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tunewell.samples
from tunewell.core.errors import DataError
from tunewell.core.examples import Row
from tunewell.data.sources import Source, SourceSettings, read, stream

DATA = os.environ.get("TUNEWELL_DATA")
DROP = SourceSettings(on_bad_row="drop")
CONTEXT = "Ada wrote the first program in 1843. Babbage built no engine."


def question(name: Any, text: str = "Who wrote it?", **more: Any) -> dict[str, Any]:
    return {"id": name, "question": text, "answers": [{"text": "Ada", "answer_start": 0}], **more}


def document(*paragraphs: Any, title: str | None = "Engines") -> dict[str, Any]:
    article = {"paragraphs": list(paragraphs)}
    return {"version": "1.1", "data": [article if title is None else {"title": title, **article}]}


def passage(*questions: Any, context: Any = CONTEXT) -> dict[str, Any]:
    return {"context": context, "qas": list(questions)}


def written(folder: Path, content: Any, name: str = "t.json") -> str:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


def table(folder: Path, content: Any, name: str = "t.json", given: SourceSettings | None = None) -> Source:
    return read(written(folder, content, name), given)["train"]


def refusal(folder: Path, content: Any, name: str = "t.json") -> tuple[str, str]:
    """Place and text of the only fault, which the stream must refuse in the same words."""
    path = written(folder, content, name)
    with pytest.raises(DataError) as caught:
        read(path)
    with pytest.raises(DataError) as streamed:
        list(stream(path))
    assert (streamed.value.what, streamed.value.where) == (caught.value.what, caught.value.where)
    assert caught.value.fix
    return str(caught.value.where).rpartition("/")[2], caught.value.what


def test_a_row_for_each_question(tmp_path: Path) -> None:
    two = question(
        "b", "When?", answers=[{"text": "1843", "answer_start": 31}, {"text": "in 1843", "answer_start": 28}]
    )
    content = document(passage(question("a"), two), passage(question("c"), context="Ada again."))
    for name in ("t.json", "t.json.gz"):
        source = table(tmp_path, content, name)
        assert [row.values for row in source.rows] == [
            {
                "id": "a",
                "title": "Engines",
                "context": CONTEXT,
                "question": "Who wrote it?",
                "answers": {"text": ["Ada"], "answer_start": [0]},
            },
            {
                "id": "b",
                "title": "Engines",
                "context": CONTEXT,
                "question": "When?",
                "answers": {"text": ["1843", "in 1843"], "answer_start": [31, 28]},
            },
            {
                "id": "c",
                "title": "Engines",
                "context": "Ada again.",
                "question": "Who wrote it?",
                "answers": {"text": ["Ada"], "answer_start": [0]},
            },
        ]
        assert [row.origin.line for row in source.rows] == [1, 2, 3]
        assert source.columns == ("id", "title", "context", "question", "answers")
        assert source.notes == ()
        assert list(stream(str(tmp_path / name))) == source.rows


def test_a_context_is_held_once(tmp_path: Path) -> None:
    content = document(passage(*(question(str(number)) for number in range(5))))
    for rows in (table(tmp_path, content).rows, list(stream(str(tmp_path / "t.json")))):
        assert len({id(row.values["context"]) for row in rows}) == 1
    lines = json.dumps(passage(*(mrqa(str(number)) for number in range(5))))
    assert len({id(row.values["context"]) for row in table(tmp_path, lines, "t.jsonl").rows}) == 1


def test_version_2(tmp_path: Path) -> None:
    content = document(
        passage(
            question("a", is_impossible=False),
            question(
                "b", answers=[], is_impossible=True, plausible_answers=[{"text": "no", "answer_start": 1}]
            ),
            {"id": "c", "question": "Who?", "is_impossible": True},
        )
    )
    rows = table(tmp_path, content).rows
    assert [row.values["is_impossible"] for row in rows] == [False, True, True]
    assert rows[1].values["answers"] == rows[2].values["answers"] == {"text": [], "answer_start": []}


def test_no_title_own_paragraph_ids_and_number_ids(tmp_path: Path) -> None:
    """CMRC 2018 has no titles, and ids of paragraphs."""
    content = document({"id": "DEV_0", **passage(question(7))}, title=None)
    [row] = table(tmp_path, content).rows
    assert list(row.values) == ["id", "context", "question", "answers"]
    assert row.values["id"] == "7"


def test_without_answers_or_ids(tmp_path: Path) -> None:
    content = document(passage({"question": "Who?"}, {"question": "When?"}))
    source = table(tmp_path, content)
    assert source.columns == ("title", "context", "question")
    assert list(stream(str(tmp_path / "t.json"))) == source.rows


def test_what_only_some_questions_have_is_null_elsewhere(tmp_path: Path) -> None:
    bare = {"id": "b", "question": "Who?"}
    content = document(passage(question("a", is_impossible=False), bare))
    content["data"].append({"paragraphs": [passage(question("c", is_impossible=False))]})
    rows = table(tmp_path, content).rows
    assert (rows[1].values["answers"], rows[1].values["is_impossible"], rows[2].values["title"]) == (
        None,
    ) * 3
    assert list(stream(str(tmp_path / "t.json"))) == rows


def test_other_documents_are_read_as_before(tmp_path: Path) -> None:
    flat = {"version": "1", "data": [{"text": "a", "paragraphs": ["one", "two"]}]}
    source = table(tmp_path, flat)
    assert source.rows[0].values == flat["data"][0]
    assert "version" in source.notes[0]
    assert table(tmp_path, [{"qas": 1}]).rows[0].values == {"qas": 1}


def test_articles_as_a_plain_array_and_by_split(tmp_path: Path) -> None:
    articles = document(passage(question("a")))["data"]
    assert len(table(tmp_path, articles).rows) == 1
    assert list(read(written(tmp_path, {"train": articles, "dev": articles}))) == ["train", "validation"]


GOOD = passage(question("g1"), question("g2"))


@pytest.mark.parametrize(
    ("paragraph", "number", "what"),
    [
        (passage(question("x"), context=None), 3, "context is missing, where text is expected (article 1, 'Engines', paragraph 2)"),
        (passage(question("x"), context=[CONTEXT]), 3, "context is a list"),
        ({"context": CONTEXT}, 3, "a context and qas (article 1, 'Engines', paragraph 2)"),
        ({"context": CONTEXT, "qas": {}}, 3, "qas is an object, where a list is expected"),
        ("text", 3, "a paragraph must be an object"),
        (passage("Who?"), 3, "a question must be an object (article 1, 'Engines', paragraph 2, question 1)"),
        (passage(question("x"), question("y", answers="Ada")), 4, "answers is text, where a list is expected (question 'y': article 1, 'Engines', paragraph 2, question 2)"),
        (passage(question("x", answers=["Ada"])), 3, "answers without places"),
        (passage(question("x", answers=[["Ada", 0]])), 3, "an answer is a list"),
        (passage(question("x", answers=[{"text": "Ada", "answer_start": "0"}])), 3, "answer_start is text, where a whole number"),
        (passage(question("x", answers=[{"text": "Ada", "answer_start": 0.0}])), 3, "answer_start is 0.0"),
        (passage(question("x", answers=[{"text": "Ada", "answer_start": True}])), 3, "answer_start is true or false"),
        (passage(question("x", answers=[{"text": "Ada"}])), 3, "answer_start is missing"),
        (passage(question("x", answers=[{"text": 3, "answer_start": 0}])), 3, "an answer's text is a number"),
        (passage(question("x", is_impossible="no")), 3, "is_impossible is text"),
        (passage(question("g2")), 3, "the question id 'g2' is there twice, first as"),
        (passage(question(["x"])), 3, "id is a list"),
        (passage({"question": "Who?", "answers": []}), 3, "the question has no id"),
        (passage({"id": "x", "answers": []}), 3, "question is missing"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, paragraph: Any, number: int, what: str) -> None:
    content = document(GOOD, paragraph, passage(question("last")))
    where, said = refusal(tmp_path, content)
    assert where == f"t.json:{number}"
    assert what in said
    dropped = table(tmp_path, content, given=DROP)
    kept = [row.values["id"] for row in dropped.rows]
    assert kept == [name for name in ("g1", "g2", "x", "last") if name in kept]
    assert {"g1", "g2", "last"} <= set(kept)
    assert dropped.notes[0].startswith("1 bad row was dropped")
    assert [row.values for row in stream(str(tmp_path / "t.json"), DROP)] == [r.values for r in dropped.rows]


def test_a_broken_article(tmp_path: Path) -> None:
    articles = [
        *document(GOOD)["data"],
        {"title": "T", "paragraphs": 5},
        *document(passage(question("z")))["data"],
    ]
    assert refusal(tmp_path, articles)[0] == "t.json:3"
    content = json.dumps(articles).replace('{"title": "T",', '{"title": "T", "title": "U",')
    where, said = refusal(tmp_path, content)
    assert where == "t.json:3"
    assert "key 'title' appears twice; none of the article's questions can be read (article 2)" in said
    kept = table(tmp_path, content, given=DROP)
    assert [row.origin.line for row in kept.rows] == [1, 2, 4]


def test_every_question_of_a_lost_passage_counts(tmp_path: Path) -> None:
    lost = passage(*(question(f"l{number}") for number in range(3)), context=None)
    content = document(passage(question("a", answers=3)), lost, passage(question("z")))
    source = table(tmp_path, content, given=DROP)
    assert [row.origin.line for row in source.rows] == [5]
    assert source.notes[0].startswith("4 bad rows were dropped")
    with pytest.raises(DataError, match="2 ") as caught:
        read(str(tmp_path / "t.json"))
    assert "answers is a number" in str(caught.value)
    assert "context is missing" in str(caught.value)


def mrqa(name: Any, **more: Any) -> dict[str, Any]:
    found = [{"text": "Ada", "char_spans": [[0, 2]], "token_spans": [[0, 0]]}]
    return {"qid": name, "question": "Who?", "answers": ["Ada"], "detected_answers": found, **more}


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


HEADER = {"header": {"dataset": "SQuAD", "split": "dev"}}


def test_mrqa_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several = mrqa(
        "b",
        answers=["ada", "1843"],
        detected_answers=[
            {"text": "ada", "char_spans": [[0, 2]]},
            {"text": "1843", "char_spans": [[31, 34]]},
        ],
    )
    content = lines(HEADER, passage(mrqa("a"), several), passage(mrqa("c")))
    expected = [
        ("a", {"text": ["Ada"], "answer_start": [0]}, 2),
        ("b", {"text": ["Ada", "1843"], "answer_start": [0, 31]}, 2),
        ("c", {"text": ["Ada"], "answer_start": [0]}, 3),
    ]

    def facts(rows: list[Row]) -> list[Any]:
        return [(row.values["id"], row.values["answers"], row.origin.line) for row in rows]

    for name in ("t.jsonl", "t.jsonl.gz", "t.json", "t.ndjson"):
        source = table(tmp_path, content, name)
        assert facts(source.rows) == expected
        assert source.columns == ("id", "context", "question", "answers")
        assert facts(list(stream(str(tmp_path / name)))) == expected
        for row in source.rows:
            for text, start in zip(*row.values["answers"].values(), strict=True):
                assert row.values["context"][start : start + len(text)] == text
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert facts(list(stream("-"))) == expected


def test_mrqa_in_a_folder_without_a_header(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        written(tmp_path, lines(passage(mrqa("a"), mrqa("b"))), f"{split}.jsonl.gz")
    assert {name: len(source.rows) for name, source in read(str(tmp_path)).items()} == {
        "train": 2,
        "validation": 2,
    }


def test_mrqa_without_answers(tmp_path: Path) -> None:
    bare = passage({"qid": "a", "question": "Who?"}, {"qid": "b", "question": "Who?", "answers": []})
    assert table(tmp_path, lines(HEADER, bare), "t.jsonl").columns == ("id", "context", "question")


def test_the_first_passage_may_be_the_broken_one(tmp_path: Path) -> None:
    content = lines(HEADER, {"context": CONTEXT}, passage(mrqa("a")))
    assert refusal(tmp_path, content, "t.jsonl")[0] == "t.jsonl:2"
    assert len(table(tmp_path, content, "t.jsonl", DROP).rows) == 1


def test_a_column_called_header_stays_a_column(tmp_path: Path) -> None:
    for count in (1, 3):
        rows = table(tmp_path, lines(*[{"header": "h"}] * count), "t.jsonl").rows
        assert [row.values for row in rows] == [{"header": "h"}] * count


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (passage(mrqa("x", detected_answers=[{"text": "Ada", "char_spans": [[0, 3000]]}])), "char_spans [0, 3000] in a context of 61 characters (question 'x': question 1 of the line)"),
        (passage(mrqa("x", detected_answers=[{"text": "Ada", "char_spans": [[2, 0]]}])), "char_spans [2, 0]"),
        (passage(mrqa("x", detected_answers=[{"text": "Ada", "char_spans": [[-3, 2]]}])), "char_spans [-3, 2]"),
        (passage(mrqa("x", detected_answers=[{"text": "Ada", "char_spans": [[4, 8]]}])), "the context has 'wrote' at [4, 8], not 'Ada'"),
        (passage(mrqa("x", detected_answers=[{"text": "Ada", "char_spans": [0, 2]}])), "pairs of whole numbers"),
        (passage(mrqa("x", detected_answers=[{"text": "Ada"}])), "text and char_spans"),
        (passage(mrqa("x", detected_answers="Ada")), "detected_answers is text"),
        (passage(mrqa("x", detected_answers=[])), "none of the answers is in the context"),
        (passage(mrqa("x", detected_answers=None)), "answers without places"),
        (passage(mrqa("a")), "the question id 'a' is there twice, first as"),
        (passage(mrqa(None)), "neither qid nor id"),
        (passage(mrqa("x"), context=7), "a passage with context is a number"),
        ({"context": CONTEXT}, "a passage with qas is missing"),
    ],
)  # fmt: skip
def test_mrqa_faults(tmp_path: Path, line: Any, what: str) -> None:
    content = lines(HEADER, passage(mrqa("a")), line, passage(mrqa("z")))
    where, said = refusal(tmp_path, content, "t.jsonl")
    assert where == "t.jsonl:3"
    assert what in said
    source = table(tmp_path, content, "t.jsonl", DROP)
    assert [row.values["id"] for row in source.rows] == ["a", "z"]
    assert source.notes[0].startswith("1 bad row was dropped")


SQUAD = document(
    passage(question("a", is_impossible=False), question("b", answers=[], is_impossible=True)), GOOD
)
MRQA = [HEADER, passage(mrqa("a"), mrqa("b")), passage(mrqa("c"))]
ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        3.5,
        10**20,
        "",
        "Ada",
        [],
        {},
        [[]],
        [{}],
        {"qas": []},
        {"context": "c"},
        [0, 2],
        "a",
    ]
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with every key in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for key in keys for place in [(value, key), *places(value[key])]]


@given(st.data(), st.sampled_from([SQUAD, MRQA]))
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_damage_is_a_data_error(data: st.DataObject, valid: Any) -> None:
    content = copy.deepcopy(valid)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(content)))
        damage = data.draw(st.sampled_from(["odd", "gone", "double"]))
        if damage == "odd":
            container[key] = data.draw(ODD)
        elif damage == "gone":
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        if not places(content):
            break
    name = "t.jsonl" if isinstance(content, list) else "t.json"
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), lines(*content) if name == "t.jsonl" else content, name)
        for attempt in (read, stream):
            for given_settings in (None, DROP):
                try:
                    found = attempt(path, given_settings)
                    rows = found["train"].rows if isinstance(found, dict) else list(found)
                except DataError:
                    continue
                assert rows
                for row in rows:
                    if isinstance(answers := row.values.get("answers"), dict) and "qas" not in row.values:
                        assert len(answers.get("text", [])) == len(answers.get("answer_start", []))


def test_the_sample() -> None:
    folder = Path(str(tunewell.samples.__file__)).parent / "passages"
    sources = read(str(folder))
    facts = {
        name: (
            len(source.rows),
            len({row.values["context"] for row in source.rows}),
            sum(row.values["is_impossible"] for row in source.rows),
        )
        for name, source in sources.items()
    }
    assert facts == {"train": (239, 36, 58), "validation": (38, 6, 9), "test": (94, 14, 24)}
    for source in sources.values():
        assert_slices(source.rows)


def assert_slices(rows: list[Row]) -> None:
    for row in rows:
        answers = row.values["answers"]
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            assert row.values["context"][start : start + len(text)] == text


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize(
    ("path", "questions", "passages", "answers", "impossible"),
    [
        ("squad_v1/train.json.gz", 8256, 1606, 27166, 0),
        ("squad_v1/dev.json.gz", 1124, 221, 3596, 0),
        ("squad_v2/train.json.gz", 7907, 810, 13955, 3916),
        ("squad_v2/dev.json.gz", 2267, 221, 3581, 1147),
        ("cmrc2018/cmrc2018_dev.json.gz", 3219, 848, 9464, 0),
        ("cmrc2018/cmrc2018_trial.json.gz", 1000, 256, 1000, 0),
    ],
)
def test_real_files(path: str, questions: int, passages: int, answers: int, impossible: int) -> None:
    name = str(Path(str(DATA), path))
    rows = read(name)["train"].rows
    assert (len(rows), rows[-1].origin.line) == (questions, questions)
    assert len({id(row.values["context"]) for row in rows}) == passages
    assert sum(len(row.values["answers"]["text"]) for row in rows) == answers
    assert sum(row.values.get("is_impossible", False) for row in rows) == impossible
    assert_slices(rows)
    assert sum(1 for _ in stream(name)) == questions
