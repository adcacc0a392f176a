"""JSON files that are one document: an array of records, or an object of arrays, one for each split.

A record is an object, or a list, whose columns are then named by position: `text` and `label` when it holds
two texts (as CLINC150 has it), else `0`, `1`, ...; `column_names` overrides both. An object may also hold its
records under `data`; lists of messages and objects of conversations are records too (`conversation_documents`). Records that are articles of a SQuAD document give one row a question (`questions`). A
`.json` file that is really JSON lines is read as such, with a note.

Not for: `.jsonl` (`json_records`). A document is held in memory whole; JSON lines need not be.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row
from tunewell.data import conversation_documents, questions
from tunewell.data.json_records import kind_of
from tunewell.data.json_values import BadJson, decode_value, refuse_hidden_faults
from tunewell.data.lines import place_of_bad_bytes, refuse_wide_encoding
from tunewell.data.reading import Reading

MAX_DOCUMENT_BYTES = 2**30
"""A larger document would not fit memory several times over, as decoding needs."""

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
"""What splits are called in files and folders, and what they are called here."""

_LENIENT = json.JSONDecoder()

_SPACE = re.compile(r"[ \t\r\n]*+")


@dataclass(frozen=True)
class Document:
    """What a JSON file holds: its arrays of records by split, or under None where it names no splits.

    A record that is valid JSON and yet refused (a double key, say) stands as the `BadJson` that says why.
    `skipped` names the members that are no known split.
    """

    arrays: dict[str | None, list[object]]
    skipped: tuple[str, ...] = ()


def read_rows(records: list[object], reading: Reading) -> Iterator[Row]:
    """One row for each record; an origin's line is the record's number in its array, from 1."""
    if questions.are_articles(records):
        yield from questions.read_articles(records, reading)
        return
    columns = reading.settings.column_names
    if columns is None:
        records = conversation_documents.texts_as_records(records) or records
    for number, value in enumerate(records, start=1):
        if (conversation := conversation_documents.as_record(value)) is not None:
            value = conversation
        elif isinstance(value, list):
            columns = columns or _column_names(value)
            if len(value) != len(columns):
                reading.refuse(f"{len(value)} values where {len(columns)} are expected", number)
                continue
            value = dict(zip(columns, value, strict=True))
        if isinstance(value, BadJson):
            reading.refuse(value.what, number, fix="mend the record")
        elif isinstance(value, dict):
            yield Row(value, Origin(reading.file, number))
        else:
            reading.refuse(
                f"{kind_of(value)} where an object or a list is expected",
                number,
                fix="records are JSON objects",
            )


def decode_text(data: bytes, file: str) -> str:
    """The text of a whole file; raises `DataError` with line and column where it is not UTF-8."""
    refuse_wide_encoding(data[:4], file)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        data.decode()
        raise AssertionError("a mark at the start cannot make valid bytes invalid")
    except UnicodeDecodeError as error:
        place = place_of_bad_bytes(data, error)
        raise DataError(place.what, where=f"{file}:{place.line}:{place.column}", fix=place.fix) from None


def is_json_lines(text: str) -> bool:
    """Whether the text is one JSON object a line rather than one document."""
    first, _, rest = text.strip(" \t\r\n").partition("\n")
    if not first.startswith("{") or not rest.lstrip().startswith("{"):
        return False
    try:
        refuse_hidden_faults(first)
        _, end = decode_value(first)
    except BadJson:
        return False
    return not first[end:].strip()


def lines_of(text: str) -> io.BytesIO:
    """The text as a stream of lines, for `lines.read_lines`."""
    return io.BytesIO(text.encode())


def open_document(text: str, file: str) -> Document:
    """Decode a document and find its arrays of records; raises `DataError` where there is none."""
    try:
        refuse_hidden_faults(text, outer_levels=2)
        start = _skip_space(text, 0)
        if text.startswith("[", start):
            records, position = _array(text, start)
            _expect_end(text, position)
            return Document({None: records})
        if start == len(text):
            raise DataError(
                "nothing to read: the file is empty", where=file, fix="give a file with data in it"
            )
        if not text.startswith("{", start):
            decode_value(text, start)
            raise BadJson("neither a list of records nor an object of lists", start)
        members, position = _members(text, start)
        _expect_end(text, position)
    except BadJson as error:
        raise _located(text, file, error) from None
    return _choose_arrays(members, file)


def _choose_arrays(members: dict[str, object], file: str) -> Document:
    splits: dict[str | None, list[object]] = {}
    for name, value in members.items():
        split = SPLIT_NAMES.get(name)
        if split is None or not isinstance(value, list):
            continue
        if split in splits:
            raise DataError(f"two members of the object are the {split} split; one is {name!r}", where=file)
        splits[split] = value
    if splits:
        return Document(splits, tuple(name for name in members if SPLIT_NAMES.get(name) not in splits))
    data = members.get("data")
    if isinstance(data, list):
        known = ("data", "version") if questions.are_articles(data) else ("data",)
        return Document({None: data}, tuple(name for name in members if name not in known))
    if (conversations := conversation_documents.records_of(members)) is not None:
        return Document({None: conversations})
    named = ", ".join(map(repr, list(members)[:8])) or "nothing"
    raise DataError(
        f"an object that holds {named}, where a list of records or an object of splits is expected",
        where=file,
        fix="write a JSON array of objects, an object with train, validation and test lists, or JSON lines",
    )


def _column_names(record: list[object]) -> tuple[str, ...]:
    if len(record) == 2 and all(isinstance(value, str) for value in record):
        return ("text", "label")
    return tuple(str(place) for place in range(len(record)))


def _members(text: str, start: int) -> tuple[dict[str, object], int]:
    """The members of the object at `start`, and the index after it."""
    members: dict[str, object] = {}
    position = _skip_space(text, start + 1)
    while not text.startswith("}", position):
        key_position = position
        key, position = decode_value(text, position)
        if not isinstance(key, str):
            raise BadJson("not JSON: a key must be a string", key_position)
        if key in members:
            raise BadJson(f"key {key!r} appears twice", key_position)
        position = _expect(text, position, ":")
        members[key], position = (
            _array(text, position) if text.startswith("[", position) else decode_value(text, position)
        )
        position = _next_item(text, position, "}")
    return members, position + 1


def _array(text: str, start: int) -> tuple[list[object], int]:
    """The elements of the array at `start`, and the index after it."""
    elements: list[object] = []
    position = _skip_space(text, start + 1)
    while not text.startswith("]", position):
        try:
            value, position = decode_value(text, position)
        except BadJson as error:
            if error.position is not None:
                raise
            value, position = error, _end_of_refused(text, position, error)
        elements.append(value)
        position = _next_item(text, position, "]")
    return elements, position + 1


def _end_of_refused(text: str, position: int, error: BadJson) -> int:
    """Where a value ends that is well formed and was refused for what it says."""
    try:
        return _LENIENT.raw_decode(text, position)[1]
    except ValueError:
        raise BadJson(error.what, position) from None


def _next_item(text: str, position: int, closing: str) -> int:
    """After an item: the index of the next one, or of `closing`."""
    position = _skip_space(text, position)
    if text.startswith(closing, position):
        return position
    position = _expect(text, position, ",")
    if text.startswith(closing, position):
        raise BadJson("not JSON: a comma with nothing after it", position)
    return position


def _expect(text: str, position: int, character: str) -> int:
    position = _skip_space(text, position)
    if not text.startswith(character, position):
        raise BadJson(f"not JSON: {character!r} is missing", position)
    return _skip_space(text, position + 1)


def _expect_end(text: str, position: int) -> None:
    position = _skip_space(text, position)
    if position != len(text):
        raise BadJson("not JSON: more text after the document", position)


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _located(text: str, file: str, error: BadJson) -> DataError:
    where = file
    if error.position is not None:
        line = text.count("\n", 0, error.position) + 1
        where = f"{file}:{line}:{error.position - text.rfind(chr(10), 0, error.position)}"
    return DataError(error.what, where=where, fix="mend the file, or write it again with a JSON library")
