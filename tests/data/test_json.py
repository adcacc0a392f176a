"""JSON lines and JSON documents."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.data.sources import Source, SourceSettings, read


def sources(tmp_path: Path, content: str | bytes, name: str, **settings: object) -> dict[str, Source]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(str(path), SourceSettings(**settings))  # type: ignore[arg-type]


def refusal(tmp_path: Path, content: str | bytes, name: str = "t.jsonl", **settings: object) -> DataError:
    with pytest.raises(DataError) as caught:
        sources(tmp_path, content, name, **settings)
    return caught.value


def place(error: DataError) -> str:
    assert error.where is not None
    return error.where.rpartition("/")[2]


def test_lines(tmp_path: Path) -> None:
    content = '\ufeff{"text": "a", "label": 1}\r\n\n  {"text": "\\ud83d\\ude42", "label": 2.5}\n{"text": null, "label": 3}'
    source = sources(tmp_path, content, "t.jsonl")["train"]
    assert [row.origin.line for row in source.rows] == [1, 3, 4]
    assert source.rows[1].values == {"text": "🙂", "label": 2.5}
    assert source.columns == ("text", "label")


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        ('{"text": "b", "label": }', "t.jsonl:3:24", "expecting value"),
        ('{"text": "b" "label": "x"}', "t.jsonl:3:14", "delimiter"),
        ('{"text": "b", "label": "x"} {}', "t.jsonl:3:29", "more text after"),
        ('["b", "x"]', "t.jsonl:3", "a list where an object"),
        ("17", "t.jsonl:3", "a number where an object"),
        ('{"text": "b", "label": "x", "label": "y"}', "t.jsonl:3", "key 'label' appears twice"),
        ('{"text": "b"}', "t.jsonl:3", "key 'label' is missing"),
        ('{"text": "b", "lable": "x"}', "t.jsonl:3", "key 'label' is missing"),
        ('{"text": ["b"], "label": "x"}', "t.jsonl:3", "key 'text' holds a list"),
        ('{"text": "b", "label": 1}', "t.jsonl:3", "key 'label' holds a number"),
        ('{"text": "b", "label": NaN}', "t.jsonl:3", "NaN is not a JSON number"),
        ('{"text": "b", "label": -Infinity}', "t.jsonl:3", "-Infinity"),
        ('{"text": "b", "label": 1e999}', "t.jsonl:3", "too large"),
        ('{"text": "b", "label": ' + "1" * 5000 + "}", "t.jsonl:3", "not acceptable JSON"),
        ('{"text": "a\\ud800b", "label": "x"}', "t.jsonl:3:12", "half of a surrogate pair"),
        ('{"text": "a\\ude42", "label": "x"}', "t.jsonl:3:12", "half of a surrogate pair"),
        ('{"text": ' + "[" * 200 + "]" * 200 + "}", "t.jsonl:3:109", "nested deeper than 100"),
        ('{"text": ' + "[" * 100_000, "t.jsonl:3:109", "nested deeper than 100"),
        ('{"text": "a\0b", "label": "x"}', "t.jsonl:3:12", "NUL"),
        ('{"text": "a\tb", "label": "x"}', "t.jsonl:3:12", "control character"),
    ],
)
def test_faulty_lines(tmp_path: Path, line: str, where: str, what: str) -> None:
    good = '{"text": "a", "label": "x"}\n'
    error = refusal(tmp_path, good + good + line + "\n" + good)
    assert (place(error), what in error.what) == (where, True), str(error)
    dropped = sources(tmp_path, good + good + line + "\n" + good, "t.jsonl", on_bad_row="drop")["train"]
    assert [row.origin.line for row in dropped.rows] == [1, 2, 4]


def test_the_majority_is_right_even_against_the_first_row(tmp_path: Path) -> None:
    good = '{"text": "a", "label": "x"}\n' * 3
    error = refusal(tmp_path, '{"text": "a", "label": 3}\n' + good)
    assert place(error) == "t.jsonl:1"
    assert "3 rows hold text" in error.what
    assert place(refusal(tmp_path, '{"text": "a", "lable": "x"}\n' + good)) == "t.jsonl:1"


def test_rare_keys_are_optional(tmp_path: Path) -> None:
    content = '{"text": "a"}\n' * 3 + '{"text": "b", "note": "n"}\n'
    source = sources(tmp_path, content, "t.jsonl")["train"]
    assert source.columns == ("text", "note")
    assert "'note' (1)" in source.notes[0]


def test_escaped_backslash_is_no_surrogate(tmp_path: Path) -> None:
    content = r'{"text": "\\ud800 \u00e9"}'
    assert sources(tmp_path, content, "t.jsonl")["train"].rows[0].values == {"text": "\\ud800 é"}


def test_a_long_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewell.data.reading.MAX_LINE_BYTES", 100)
    error = refusal(tmp_path, '{"text": "a"}\n{"text": "' + "a" * 3_000_000 + '"}\n{"text": "b"}\n')
    assert place(error) == "t.jsonl:2"
    assert "longer than 100 bytes" in error.what


def test_settings_without_effect(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no effect"):
        sources(tmp_path, "{}", "t.jsonl", delimiter=";")
    with pytest.raises(ConfigError, match="has no effect"):
        sources(tmp_path, "{}", "t.jsonl", column_names=("a",))


def test_array_of_objects(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 2}]
    source = sources(tmp_path, gzip.compress(json.dumps(rows, indent=2).encode()), "t.json.gz")["train"]
    assert [row.values for row in source.rows] == rows
    assert [row.origin.line for row in source.rows] == [1, 2]
    assert source.name == "t"


def test_splits_with_positional_columns(tmp_path: Path) -> None:
    content = json.dumps(
        {"test": [["c", "z"]], "val": [["b", "y"]], "train": [["a", "x"]], "oos_val": [["d", "w"]]}
    )
    found = sources(tmp_path, content, "t.json")
    assert list(found) == ["train", "validation", "test"]
    assert found["validation"].rows[0].values == {"text": "b", "label": "y"}
    assert str(found["test"].rows[0].origin).endswith("t.json#test:1")
    assert "oos_val" in found["train"].notes[0]
    triples = sources(tmp_path, '[["a", 1, 2]]', "u.json")["train"]
    assert triples.columns == ("0", "1", "2")
    named = sources(tmp_path, '[["a", 1, 2]]', "u.json", column_names=("t", "l", "n"))["train"]
    assert named.columns == ("t", "l", "n")


def test_data_member_and_misnamed_lines(tmp_path: Path) -> None:
    assert len(sources(tmp_path, '{"version": 1, "data": [{"a": 1}, {"a": 2}]}', "t.json")["train"].rows) == 2
    source = sources(tmp_path, '{"text": "a"}\n{"text": "b"}\n', "t.json")["train"]
    assert [row.origin.line for row in source.rows] == [1, 2]
    assert "holds JSON lines" in source.notes[0]


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ('[{"a": 1},\n {"a": }]', "t.json:2:8", "expecting value"),
        ('[{"a": 1}, {"a": 1, "a": 2}]', "t.json:2", "appears twice"),
        ('[{"a": 1}, {"a": NaN}, {"a": 3}]', "t.json:2", "NaN"),
        ('[{"a": 1},]', "t.json:1:11", "comma with nothing after"),
        ('[{"a": 1} {"a": 2}]', "t.json:1:11", "',' is missing"),
        ('[{"a": 1}', "t.json:1:10", "',' is missing"),
        ('[{"a": 1}] x', "t.json:1:12", "more text after"),
        ('{"train": [], "train": []}', "t.json:1:15", "appears twice"),
        ('{"train": [["a", "b"]], "dev": [["a", "b"]], "val": []}', "t.json", "validation split"),
        ('{"text": ["a"], "label": ["b"]}', "t.json", "an object that holds 'text', 'label'"),
        ("[]", "t.json", "no rows"),
        ("", "t.json", "empty"),
        ("3", "t.json:1:1", "neither"),
        ("hello", "t.json:1:1", "expecting value"),
        ('[{"a": "\\ud800"}]', "t.json:1:9", "surrogate"),
        ("[" * 100_000, "t.json:1:103", "nested deeper"),
        ('[["a", "b"], ["c"]]', "t.json:2", "1 values where 2"),
        ('[{"a": 1}, 3]', "t.json:2", "a number where"),
        (b'[{"a": 1},\n{"a": "\xe9"}]', "t.json:2:8", "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "t.json:1:1", "UTF-16"),
    ],
)
def test_faulty_documents(tmp_path: Path, content: str | bytes, where: str, what: str) -> None:
    error = refusal(tmp_path, content, "t.json")
    assert (place(error), what in error.what) == (where, True), str(error)


def test_array_under_the_name_of_lines(tmp_path: Path) -> None:
    assert "name it .json" in refusal(tmp_path, '[{"a": 1}]', "t.jsonl").what
