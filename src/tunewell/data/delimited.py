"""CSV and TSV: records under named columns, strictly, with the exact place of what is wrong.

CSV follows RFC 4180. TSV is read as GLUE writes it, where a quote is an ordinary character, unless the whole
file is unmistakably quoted (`looks_quoted`). Values are never trimmed or converted.

Why not the standard library's `csv`: it accepts stray and unterminated quotes silently and cannot say where
they are. Not for: JSON (`json_records`), deciding what a column means (the task).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row
from tunewell.data import reading as limits
from tunewell.data.lines import Line
from tunewell.data.reading import Reading, SourceSettings

# Possessive (`++`, `*+`): never backtracks, so no input makes matching slower than linear.
_WHOLE_FIELD = re.compile(r'"((?:[^"]++|"")*+)"')
_FIELD_END = re.compile(r'((?:[^"]++|"")*+)"')

_STRAY_FIX = (
    'write a quote inside a quoted field twice (""), or say that quotes are ordinary characters: '
    "--set data.quoting=none"
)
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}


class Record(NamedTuple):
    """One record: the lines it starts and ends on, and its fields."""

    first_line: int
    last_line: int
    fields: list[str]


def read_rows(lines: Iterable[Line], reading: Reading, *, delimiter: str, quoted: bool) -> Iterator[Row]:
    """The rows of a delimited file, whose `reading.columns` are set before the first is given.

    Wholly blank lines are skipped (with a note unless they end the file); in a table of one column they are
    empty values, except at the end. Problems go to `reading`.
    """
    lines = iter(lines)
    head = list(islice(lines, 21))
    _refuse_wrong_delimiter(head, delimiter, reading)
    parse = _quoted_records if quoted else _plain_records
    records = parse(chain(head, lines), delimiter, reading)
    if reading.settings.column_names is not None:
        reading.columns = reading.settings.column_names
    else:
        with reading.header():
            reading.columns = _header(next(records, None), delimiter, reading)
    columns, file = reading.columns, reading.file
    blank: list[Record] = []
    num_blank = first_blank = 0
    for record in records:
        fields = record.fields
        if fields == [""] and record.first_line == record.last_line:
            blank.append(record)
            continue
        if blank:
            if len(columns) == 1:
                for empty in blank:
                    yield Row({columns[0]: ""}, Origin(file, empty.first_line))
            else:
                first_blank = first_blank or blank[0].first_line
                num_blank += len(blank)
            blank = []
        if len(fields) != len(columns):
            _refuse_ragged(record, reading, delimiter)
        elif not reading.is_bad(record.first_line, record.last_line):
            yield Row(dict(zip(columns, fields, strict=True)), Origin(file, record.first_line))
    if num_blank:
        reading.notes.append(
            f"{num_blank} blank lines in {file} were skipped; the first is line {first_blank}"
        )


def _header(record: Record | None, delimiter: str, reading: Reading) -> tuple[str, ...]:
    if record is None:
        raise DataError(
            "nothing to read: the file is empty", where=reading.file, fix="give a file with data in it"
        )
    reading.refuse_bad_header(record.first_line, record.last_line)
    names = tuple(record.fields)
    fix = "name each column once in the first line, or, if there is no header, set data.column_names"
    for place, name in enumerate(names, start=1):
        if not name.strip():
            hint = (
                "; pandas writes its row numbers so: use index=False" if place == 1 and len(names) > 1 else ""
            )
            reading.refuse(f"column {place} of the header has no name{hint}", record.first_line, fix=fix)
        if name in names[: place - 1]:
            reading.refuse(f"the header names {name!r} twice (column {place})", record.first_line, fix=fix)
        if name != name.strip():
            reading.notes.append(f"the column name {name!r} in {reading.file} begins or ends with a blank")
    return names


def _refuse_ragged(record: Record, reading: Reading, delimiter: str) -> None:
    if reading.is_bad(record.first_line, record.last_line):
        return
    found, expected = len(record.fields), len(reading.columns)
    by = "data.column_names" if reading.settings.column_names else "the header"
    reading.refuse(
        f"{found} field{'s' * (found != 1)} where {by} has {expected}",
        record.first_line,
        fix=f"the fields are separated by {_name(delimiter)}; add what is missing, or quote a field that holds one",
    )


def _refuse_wrong_delimiter(head: list[Line], delimiter: str, reading: Reading) -> None:
    """Raise when the lines hold none of `delimiter` but agree on another."""
    names = reading.settings.column_names
    expected = len(names) - 1 if names else None
    if not head or expected == 0 or delimiter in head[0].text:
        return
    texts = [line.text for line in head[(0 if names else 1) :] if line.text]
    for candidate in sorted(_DELIMITERS, key=head[0].text.count, reverse=True):
        count = expected or head[0].text.count(candidate)
        agreeing = sum(text.count(candidate) >= count for text in texts)
        if candidate != delimiter and count and texts and agreeing >= 0.8 * len(texts):
            shown = "\\t" if candidate == "\t" else candidate
            raise DataError(
                f"one column only: the fields seem to be separated by {_name(candidate)}, not {_name(delimiter)}",
                where=reading.where(head[0].number),
                fix=f'--set data.delimiter="{shown}"',
            )


def _name(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, repr(delimiter))


def _plain_records(lines: Iterable[Line], delimiter: str, reading: Reading) -> Iterator[Record]:
    """One record a line; quotes are ordinary characters."""
    for number, text, end in lines:
        reading.count_line_end(end)
        if "\r" in text:
            _refuse_carriage_return(number, text.index("\r"), reading)
            continue
        yield Record(number, number, text.split(delimiter))


def _quoted_records(lines: Iterable[Line], delimiter: str, reading: Reading) -> Iterator[Record]:
    return _QuotedParser(lines, delimiter, reading).records()


def _refuse_carriage_return(number: int, position: int, reading: Reading) -> None:
    reading.refuse(
        "a carriage return that ends no line",
        number,
        position + 1,
        fix="replace it by a blank; if every line ends so (old Mac): tr '\\r' '\\n' < old > new",
    )


class _QuotedParser:
    """RFC 4180 records. After a bad record, reading goes on with the line after the one it starts on.

    `evidence` and `all_quoted` say whether the quotes seen can only be meant as quoting: a doubled quote, a
    delimiter or a line end inside a field; every field of every record quoted. `ambiguous` is true when a record
    over several lines would be as many good records if quotes meant nothing.
    """

    def __init__(self, lines: Iterable[Line], delimiter: str, reading: Reading) -> None:
        self._lines = iter(lines)
        self._again: deque[Line] = deque()  # lines of a bad record, to be read once more
        self._delimiter = delimiter
        self._reading = reading
        self.evidence = False
        self.all_quoted = True
        self.ambiguous = False

    def _take(self) -> Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def records(self) -> Iterator[Record]:
        delimiter, reading = self._delimiter, self._reading
        while (line := self._take()) is not None:
            number, text, end = line
            if '"' in text:
                record = self._record(line)
                if record is not None:
                    yield record
            elif "\r" in text:
                _refuse_carriage_return(number, text.index("\r"), reading)
            else:
                self.all_quoted = self.all_quoted and not text
                reading.count_line_end(end)
                yield Record(number, number, text.split(delimiter))

    def _record(self, first: Line) -> Record | None:
        """The record that starts with `first`, which holds a quote; None when it is bad (and reported)."""
        fields: list[str] = []
        taken = [first]
        position = 0
        while True:
            text = taken[-1].text
            if text.startswith('"', position):
                opened_at = (len(taken) - 1, position)
                value, position = self._quoted_field(taken, position)
                if value is None:
                    return None
                fields.append(value.replace('""', '"'))
                text = taken[-1].text
                if position < len(text) and text[position] != self._delimiter:
                    self._refuse_text_after_quote(taken, opened_at, position)
                    return None
            else:
                end = text.find(self._delimiter, position)
                end = len(text) if end < 0 else end
                field = text[position:end]
                if '"' in field or "\r" in field:
                    self._refuse_in_plain_field(taken[-1], field, position)
                    return None
                fields.append(field)
                self.all_quoted = False
                position = end
            if position == len(text):
                self.ambiguous = self.ambiguous or self._could_be_plain(taken, len(fields))
                self._reading.count_line_end(taken[-1].end)
                return Record(first.number, taken[-1].number, fields)
            position += 1

    def _could_be_plain(self, taken: list[Line], num_fields: int) -> bool:
        """Whether the lines of one record would also be as many records without quoting."""
        return len(taken) > 1 and all(line.text.count(self._delimiter) == num_fields - 1 for line in taken)

    def _quoted_field(self, taken: list[Line], position: int) -> tuple[str | None, int]:
        """The raw inside of the field that opens at `position` of the last taken line, and where it ends.

        Takes more lines while the field is open; `(None, 0)` when it never closes, which is then reported.
        """
        line = taken[-1]
        match = _WHOLE_FIELD.match(line.text, position)
        if match:
            inside = match[1]
            self.evidence = self.evidence or '""' in inside or self._delimiter in inside
            return inside, match.end()
        opening = line
        parts = [line.text[position + 1 :], line.end]
        size = len(parts[0])
        while size <= limits.MAX_LINE_BYTES and (more := self._take()) is not None:
            taken.append(more)
            match = _FIELD_END.match(more.text)
            if match:
                parts.append(match[1])
                self.evidence = True
                return "".join(parts), match.end()
            parts += (more.text, more.end)
            size += len(more.text) + len(more.end)
        ending = (
            "in the file" if size <= limits.MAX_LINE_BYTES else f"within {limits.MAX_LINE_BYTES:,} characters"
        )
        self._refuse_open_field(taken, opening, position, f"a quote that is never closed {ending}")
        return None, 0

    def _refuse_open_field(self, taken: list[Line], opening: Line, position: int, what: str) -> None:
        """Report a field that swallowed lines, and read the lines after its opening once more.

        That keeps one bad quote from swallowing good rows. It stays linear: inside an open field all quotes of
        the lines but the last come in pairs, so none of those lines opens a long field again.
        """
        self._reading.expect_aftermath(0)  # a field that reaches further is a fault of its own
        self._reading.refuse(what, opening.number, position + 1, _STRAY_FIX)
        swallowed = [line for line in taken if line.number > opening.number]
        self._again.extendleft(reversed(swallowed))

    def _refuse_text_after_quote(self, taken: list[Line], opened_at: tuple[int, int], position: int) -> None:
        opening, last = taken[opened_at[0]], taken[-1]
        found = last.text[position]
        if opening is last:
            what = (
                f"{found!r} follows the closing quote of a field, where {_name(self._delimiter)} may follow"
            )
            self._reading.refuse(what, last.number, position + 1, _STRAY_FIX)
            return
        what = (
            f"the quoted field that opens here ends on line {last.number}, column {position}, and is followed "
            f"by {found!r}: a closing quote is missing"
        )
        self._refuse_open_field(taken, opening, opened_at[1], what)
        self._reading.expect_aftermath(last.number)

    def _refuse_in_plain_field(self, line: Line, field: str, position: int) -> None:
        if '"' in field:
            what = "a quote inside a field that is not quoted"
            self._reading.refuse(what, line.number, position + field.index('"') + 1, _STRAY_FIX)
        else:
            _refuse_carriage_return(line.number, position + field.index("\r"), self._reading)


def looks_quoted(lines: Iterable[Line], delimiter: str, file: str) -> bool:
    """Whether a TSV file is quoted as `csv` and pandas write it, rather than holding quotes as text.

    True only if every field with a quote is a well-formed quoted field, and quoting is needed somewhere
    (a doubled quote, a delimiter or a line end inside) or applied to every field of every line.
    """
    scratch = Reading(file, SourceSettings(), at_once=True)
    parser = _QuotedParser(lines, delimiter, scratch)
    num_columns: int | None = None
    try:
        for record in parser.records():
            num_columns = num_columns or len(record.fields)
            # An open quote in running text may swallow lines; it rarely leaves the right number of fields.
            wrong = record.first_line != record.last_line and len(record.fields) != num_columns
            if wrong or parser.ambiguous:
                return False
    except DataError:
        return False
    return num_columns is not None and (parser.evidence or parser.all_quoted)
