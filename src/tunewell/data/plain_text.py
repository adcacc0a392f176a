"""Texts without labels, one a line, and what arrives on standard input.

Blank lines are rows with an empty text, so that answers stay in step with the lines; those at the end are left
out. Not for: anything with more than one column.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from typing import IO

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row
from tunewell.data import json_records, json_values
from tunewell.data.findings import plural
from tunewell.data.lines import Line, read_lines
from tunewell.data.reading import Reading


def read_rows(lines: Iterator[Line], reading: Reading) -> Iterator[Row]:
    """One row a line under the column `text`, or the one that `column_names` names."""
    column = (reading.settings.column_names or ("text",))[0]
    reading.columns = (column,)
    blank: list[int] = []
    for number, text, end in lines:
        reading.count_line_end(end)
        if not text:
            blank.append(number)
            continue
        for empty in blank:
            yield Row({column: ""}, Origin(reading.file, empty))
        blank.clear()
        if not reading.is_bad(number, number):
            yield Row({column: text}, Origin(reading.file, number))
    say_left_out(len(blank), reading)


def say_left_out(num_blank: int, reading: Reading) -> None:
    """A note of the blank lines at the end, for who counts lines."""
    if num_blank:
        was = "was" if num_blank == 1 else "were"
        reading.notes.append(f"{reading.file}: {plural(num_blank, 'blank line')} at its end {was} left out")


def standard_input() -> IO[bytes]:
    """The bytes of standard input; raises `DataError` when it is closed."""
    stream: IO[bytes] | None = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise DataError("standard input is closed", where="standard input", fix="give a file")
    return stream


def read_standard_input(reading: Reading) -> Iterator[Row]:
    """JSON lines if the first line is a JSON object, else plain lines."""
    lines = read_lines(standard_input(), reading)
    first = next(lines, None)
    if first is None:
        return iter(())
    lines = chain([first], lines)
    try:
        json_values.refuse_hidden_faults(first.text)
        value, _ = json_values.decode_value(first.text.lstrip(" \t"))
        is_json = isinstance(value, dict)
    except json_values.BadJson:
        is_json = False
    if is_json:
        return json_records.check_as_stream(json_records.read_rows(lines, reading), reading)
    return read_rows(lines, reading)
