"""JSON lines, and what records from any kind of JSON have to agree on.

The rules for a table of JSON records:

- A key that at least half of the rows have must be in every row; a rarer key is optional, and noted.
- The values of a column are of one kind: text, number, true/false, list or object; null goes with any. The
  kind that most rows have is the right one. Whole and real numbers mix.

A stream cannot count rows that it has not seen: there the first row sets the keys, and the first value that
is not null sets the kind.

A line that is a passage with its questions, as in MRQA's files, gives one row a question (`questions`), and the
header line before the first of them gives none. Not for: JSON files that are one document (`json_documents`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tunewell.core.examples import Origin, Row
from tunewell.data import conversation_documents, questions
from tunewell.data.findings import plural
from tunewell.data.json_values import BadJson, decode_value, refuse_hidden_faults
from tunewell.data.lines import Line
from tunewell.data.reading import Reading

_KINDS: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def kind_of(value: object) -> str:
    """A JSON value's kind, in words."""
    return _KINDS.get(type(value), "null")


def are_objects(head: Sequence[Line]) -> bool:
    """Whether lines of a file of another name are JSON objects: the first is one, and all look so."""
    texts = [text for line in head if (text := line.text.strip())]
    if not texts or not all(text.startswith("{") and text.endswith("}") for text in texts):
        return False
    try:
        return isinstance(_one_value(texts[0]), dict)
    except BadJson:
        return False


def read_rows(lines: Iterable[Line], reading: Reading) -> Iterator[Row]:
    """One row for each line that is not blank, or for each question of a line that is a passage.

    The origin's line is the line of the file.
    """
    header: Row | None = None
    seen: dict[str, int] = {}
    passages: bool | None = None  # the first line that is no header says it
    for row in _read_objects(lines, reading):
        if passages is None and header is None and questions.is_header(row.values):
            header = row
            continue
        if passages is None:
            passages = questions.is_passage(row.values) or (header is not None and "context" in row.values)
            if header is not None and not passages:
                yield header
        if passages:
            yield from questions.read_passage(row.values, row.origin.line, reading, seen)
        else:
            yield row
    if passages is None and header is not None:
        yield header


def _read_objects(lines: Iterable[Line], reading: Reading) -> Iterator[Row]:
    """One row for each line that is not blank, as it stands."""
    file = reading.file
    has_objects = False
    for number, text, end in lines:
        reading.count_line_end(end)
        stripped = text.rstrip(" \t\r")
        if not stripped.lstrip(" \t") or reading.is_bad(number, number):
            continue
        try:
            value = _one_value(stripped)
        except BadJson as error:
            column = None if error.position is None else error.position + 1
            reading.refuse(error.what, number, column, "each line must be one JSON object")
            continue
        value = conversation_documents.as_record(value, of_texts=not has_objects) or value
        if not isinstance(value, dict):
            hint = "; is the file one JSON array? then name it .json" if number == 1 else ""
            reading.refuse(
                f"{kind_of(value)} where an object is expected{hint}",
                number,
                fix="each line must be one JSON object",
            )
            continue
        has_objects = has_objects or "messages" not in value
        yield Row(value, Origin(file, number))


def _one_value(text: str) -> Any:
    refuse_hidden_faults(text)
    start = len(text) - len(text.lstrip(" \t"))
    value, end = decode_value(text, start)
    if end != len(text):
        end += len(text[end:]) - len(text[end:].lstrip(" \t"))
        raise BadJson("not JSON: more text after the value", end)
    return value


def check_as_stream(rows: Iterable[Row], reading: Reading) -> Iterator[Row]:
    """Give the rows that agree with the first; the others are reported."""
    kinds: dict[str, str] = {}
    for row in rows:
        if not reading.columns:
            reading.columns = tuple(row.values)
        found = {key: kind_of(value) for key, value in row.values.items() if value is not None}
        wrong = next((key for key, kind in found.items() if kinds.get(key, kind) != kind), None)
        if wrong is not None:
            _refuse_kind(row, wrong, f"the rows before hold {kinds[wrong]}", reading)
            continue
        kinds.update(found)
        yield row


def check_as_table(rows: list[Row], reading: Reading) -> list[Row]:
    """The rows that agree with the majority; sets `reading.columns` and reports the others."""
    presence: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        presence.update(row.values.keys())
        for key, value in row.values.items():
            if value is not None:
                kinds.setdefault(key, Counter())[_KINDS.get(type(value), "null")] += 1
    reading.columns = tuple(presence)
    required = [key for key, count in presence.items() if 2 * count >= len(rows)]
    optional = [key for key, count in presence.items() if 2 * count < len(rows)]
    if optional:
        listed = ", ".join(f"{key!r} ({presence[key]})" for key in optional[:10])
        reading.notes.append(f"{reading.file}: only some of the {len(rows)} rows have the columns {listed}")
    incomplete = [key for key in required if presence[key] < len(rows)]
    # On a tie the kind seen first wins: `most_common` keeps the order of insertion.
    mixed = {key: counts.most_common(1)[0] for key, counts in kinds.items() if len(counts) > 1}
    if not incomplete and not mixed:
        return rows
    return [row for row in rows if _agrees(row, incomplete, mixed, presence, len(rows), reading)]


def _agrees(
    row: Row,
    incomplete: list[str],
    mixed: dict[str, tuple[str, int]],
    presence: Counter[str],
    num_rows: int,
    reading: Reading,
) -> bool:
    for key in incomplete:
        if key not in row.values:
            _refuse_missing(row, key, f"{presence[key]} of {num_rows} rows have it", reading)
            return False
    for key, (kind, count) in mixed.items():
        if row.values.get(key) is not None and kind_of(row.values[key]) != kind:
            _refuse_kind(row, key, f"{plural(count, 'row')} hold{'s' if count == 1 else ''} {kind}", reading)
            return False
    return True


def _refuse_missing(row: Row, key: str, why: str, reading: Reading) -> None:
    has = ", ".join(map(repr, list(row.values)[:8])) or "nothing"
    reading.refuse(
        f"key {key!r} is missing ({why}; this one has {has})",
        row.origin.line,
        fix="give every row the same keys; a value that is not known is null",
    )


def _refuse_kind(row: Row, key: str, why: str, reading: Reading) -> None:
    reading.refuse(
        f"key {key!r} holds {kind_of(row.values[key])}, where {why}",
        row.origin.line,
        fix="write the values of a column in one way",
    )
