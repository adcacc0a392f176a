"""Rows 13 to 15 of the fault table from end to end: exit code, place, what is wrong, what to do.

`--dry-run` reads and checks everything and trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        ("a,b,c\n", ["t.csv:50: 3 fields where the header has 2"]),
        ("a\n", ["t.csv:50: 1 field where the header has 2"]),
        ('"a,good\nb,bad\n', ["t.csv:50:1: a quote that is never closed"]),
        ('a"b,good\n', ["t.csv:50:2: a quote inside a field"]),
        ('"a" b,good\n', ["t.csv:50:4:", "closing quote"]),
        ("a\0b,good\n", ["t.csv:50:2: a NUL"]),
        ("a,b,c\nd\n\x00,e\n", ["3 problems in t.csv", "t.csv:50:", "t.csv:51:", "t.csv:52:"]),
        ("x\n" * 30, ["30 problems", "t.csv:50:", "t.csv:69:", "and 10 more"]),
    ],
)
def test_row_13_a_damaged_table(check: Command, table: str, more: str, parts: list[str]) -> None:
    outcome = check("t.csv", table + more)
    assert outcome.code == 3
    for part in [*parts, "fix:"]:
        assert part in outcome.err
    assert "t.csv:70" not in outcome.err
    dropped = check("t.csv", table + more, "--set", "data.on_bad_row=drop")
    assert dropped.code == 0
    assert "dropped from t.csv" in dropped.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: "\ufeff" + table, "byte order mark"),
        (lambda table: table.replace("\n", "\r\n"), ""),
        (lambda table: table.replace("\n", "\r\n", 7), "mixes line ends: 7 CRLF and 42 LF"),
    ],
)
def test_row_13_what_is_read_and_said(check: Command, table: str, change: Command, said: str) -> None:
    outcome = check("t.csv", change(table))
    assert outcome.code == 0
    assert said in outcome.err
    assert "38 train, 5 validation, 5 test" in outcome.out


@pytest.mark.parametrize(
    ("name", "old", "new", "delimiter"),
    [("t.csv", ",", ";", ";"), ("t.csv", ",", "\t", r"\t"), ("t.tsv", ",", ",", ",")],
)
def test_row_13_the_advice_for_a_wrong_delimiter_works(
    check: Command, table: str, name: str, old: str, new: str, delimiter: str
) -> None:
    content = table.replace(old, new)
    outcome = check(name, content)
    assert outcome.code == 3
    assert f"{name}:1: one column only" in outcome.err
    assert f'--set data.delimiter="{delimiter}"' in outcome.err
    assert check(name, content, "--set", f"data.delimiter={delimiter}").code == 0


@pytest.mark.parametrize(
    ("content", "said"), [("text,label\n", "no rows"), ("", "empty"), ("text,text\na,b\n", "t.csv:1")]
)
def test_row_13_nothing_in_it(check: Command, content: str, said: str) -> None:
    outcome = check("t.csv", content)
    assert outcome.code == 3
    assert said in outcome.err


def test_row_13_a_file_without_a_header_is_noticed(check: Command, table: str) -> None:
    content = table.split("\n", 1)[1]
    outcome = check("t.csv", content)
    assert "warning: t.csv: the first line was read as names of columns" in outcome.err
    assert "data.column_names=[NAME1, NAME2]" in outcome.err
    named = check("t.csv", content, "--set", "data.column_names=[text, label]")
    assert "warning" not in named.err
    assert "38 train" in named.out
    assert "warning" not in check("t.csv", table).err


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ('{"text": "a", label: 1}', ["t.jsonl:49:15", "not JSON"]),
        ('{"text": "a", "lab', ["t.jsonl:49:", "not JSON"]),
        ("[1, 2]", ["t.jsonl:49", "a list where an object"]),
        ('{"text": 5, "label": "good"}', ["t.jsonl:49", "'text'", "a number"]),
        ('{"text": "a", "label": 1}', ["t.jsonl:49", "'label'", "a number"]),
        ('{"text": "a", "label": true}', ["t.jsonl:49", "'label'"]),
        ('{"text": "a"}', ["t.jsonl:49", "'label' is missing"]),
        ('{"text": "a", "label": null}', ["t.jsonl:49", "'label' is missing"]),
        ('{"text": "a", "text": "b", "label": "good"}', ["t.jsonl:49", "'text' appears twice"]),
        ('{"text": "a", "label": NaN}', ["t.jsonl:49", "NaN"]),
        ('{"text": "a\\ud83d", "label": "good"}', ["t.jsonl:49:", "surrogate"]),
        (
            '{"text": "a", "label": "good", "x": ' + "[" * 200 + "]" * 200 + "}",
            ["t.jsonl:49:", "nested deeper"],
        ),
        ('{"text": "' + "a" * (17 * 2**20) + '", "label": "good"}', ["t.jsonl:49", "longer than"]),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_row_14_damaged_json(check: Command, lines: str, line: str, parts: list[str]) -> None:
    outcome = check("t.jsonl", lines + line + "\n")
    assert outcome.code == 3
    for part in parts:
        assert part in outcome.err
    dropped = check("t.jsonl", lines + line + "\n", "--set", "data.on_bad_row=drop")
    assert dropped.code == 0
    assert "1 bad row was dropped from t.jsonl" in dropped.err


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        ("caf\xe9,good\n".encode("latin-1"), ["t.csv:50:4", "not UTF-8", "iconv"]),
        ("好好好好,good\n".encode("gb18030"), ["t.csv:50:1", "GB18030"]),
        ("a\ud83d,good\n".encode("utf-8", "surrogatepass"), ["t.csv:50:2", "surrogate"]),
        (b",good\n", ["t.csv:50", "'text' is blank"]),
        ("\u3000 \xa0,good\n".encode(), ["t.csv:50", "'text' is blank"]),
    ],
)
def test_row_15_bytes_and_blanks(check: Command, table: str, more: bytes, parts: list[str]) -> None:
    outcome = check("t.csv", table.encode() + more)
    assert outcome.code == 3
    for part in parts:
        assert part in outcome.err
    dropped = check("t.csv", table.encode() + more, "--set", "data.on_bad_row=drop")
    assert dropped.code == 0
    assert "1 bad row was dropped from t.csv" in dropped.err


def test_row_15_another_encoding_from_the_start(check: Command, table: str) -> None:
    outcome = check("t.csv", table.encode("utf-16"))
    assert outcome.code == 3
    assert "t.csv:1:1: not UTF-8: the file begins as UTF-16" in outcome.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the\u200bfilm", "zero-width"),
        ("\u202eabc\u202c", "direction mark"),
        ("lost \ufffd", "U+FFFD"),
        ("bell \x07", "control character"),
        ("\u200b\u200b", "1 blank text"),
    ],
)
def test_row_15_what_cannot_be_seen_is_reported_with_its_place(
    check: Command, table: str, text: str, said: str
) -> None:
    outcome = check("t.csv", f"{table}{text},good\n")
    assert outcome.code == 0
    assert said in outcome.err
    assert "t.csv:50" in outcome.err
    assert text not in outcome.err or text.isprintable()


def test_row_15_emoji_and_right_to_left_are_ordinary(check: Command, table: str) -> None:
    outcome = check("t.csv", f"{table}🙂 👩‍👩‍👧 é,good\nשלום עולם,bad\nمرحبا بالعالم,bad\n好电影,good\n")
    assert outcome.code == 0
    assert "character" not in outcome.err
