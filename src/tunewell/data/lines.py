"""Lines of UTF-8 text with their numbers, with the exact place of bytes that are not UTF-8.

Not for: files that are one JSON document (`json_documents`) or binary (`parquet`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from tunewell.core.errors import DataError
from tunewell.data import reading as limits
from tunewell.data.reading import Reading


class Line(NamedTuple):
    """One physical line: its number from 1, its text, and the line end that followed (empty at the end)."""

    number: int
    text: str
    end: str


def read_lines(stream: IO[bytes], reading: Reading) -> Iterator[Line]:
    """The lines of `stream`; a byte order mark is removed with a note.

    A line that is not UTF-8, holds a NUL or is too long is reported to `reading` and still given (with
    U+FFFD in place of bad bytes), so that a record over several lines stays in step; whoever builds a row
    asks `reading.is_bad`.
    """
    number = 0
    max_bytes = limits.MAX_LINE_BYTES
    while raw := stream.readline(max_bytes + 1):
        number += 1
        if number == 1:
            raw = _without_mark(raw, reading)
        if len(raw) > max_bytes and not raw.endswith(b"\n"):
            _skip_to_line_end(stream)
            reading.refuse(
                f"the line is longer than {max_bytes:,} bytes", number, fix="is the file in the right format?"
            )
            yield Line(number, "", "\n")
            continue
        end = "\r\n" if raw.endswith(b"\r\n") else "\n" if raw.endswith(b"\n") else ""
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            place = place_of_bad_bytes(raw, error)
            reading.refuse(place.what, number, place.column, place.fix)
            text = raw.decode(errors="replace")
        text = text[: len(text) - len(end)]
        if "\0" in text:
            _refuse_nul(text, number, reading)
        yield Line(number, text, end)


class BadBytes(NamedTuple):
    """Bytes that are not UTF-8: what to say, the line and column (from 1) inside `raw`, what to do."""

    what: str
    line: int
    column: int
    fix: str


def place_of_bad_bytes(raw: bytes, error: UnicodeDecodeError) -> BadBytes:
    """Describe the first undecodable bytes of `raw`, with a guess at the encoding that it is really in."""
    line_start = raw.rfind(b"\n", 0, error.start) + 1
    line_end = raw.find(b"\n", error.start)
    line = raw[line_start : line_end if line_end >= 0 else len(raw)]
    column = len(raw[line_start : error.start].decode()) + 1
    shown = " ".join(f"0x{byte:02x}" for byte in raw[error.start : max(error.end, error.start + 1)])
    guess, codec = _likely_encoding(line, raw[error.start : error.end])
    fix = f"convert the file: iconv -f {codec} -t UTF-8 old > new" if codec else "write the file as UTF-8"
    return BadBytes(f"not UTF-8: byte {shown}; {guess}", raw.count(b"\n", 0, error.start) + 1, column, fix)


def _likely_encoding(line: bytes, bad: bytes) -> tuple[str, str | None]:
    if re.match(rb"\xed[\xa0-\xbf][\x80-\xbf]", line[line.find(bad) :]):
        return "half of a surrogate pair, encoded on its own", None
    runs = re.findall(rb"[\x80-\xff][\x40-\xff]*", line)
    try:
        decoded = b"".join(runs).decode("gb18030")
    except UnicodeDecodeError:
        decoded = ""
    foreign = [character for character in decoded if character >= "\x80"]
    ideographs = sum("\u4e00" <= character <= "\u9fff" for character in foreign)
    if len(foreign) >= 2 and ideographs >= 0.7 * len(foreign) and sum(map(len, runs)) > 2 * len(runs):
        return "likely GB18030 or GBK", "GB18030"
    return "likely Latin-1 or Windows-1252", "WINDOWS-1252"


def refuse_wide_encoding(start: bytes, file: str) -> None:
    """Raise when the first bytes of a file are the mark of UTF-16 or UTF-32, or look like UTF-16 without it."""
    if start[:4] in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        encoding = "UTF-32"
    elif start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or (
        len(start) >= 4 and (start[1:4:2] == b"\0\0" or start[0:4:2] == b"\0\0") and start[:4].count(0) == 2
    ):
        encoding = "UTF-16"
    else:
        return
    raise DataError(
        f"not UTF-8: the file begins as {encoding} does",
        where=f"{file}:1:1",
        fix=f"convert the file: iconv -f {encoding} -t UTF-8 old > new",
    )


def _without_mark(raw: bytes, reading: Reading) -> bytes:
    refuse_wide_encoding(raw[:4], reading.file)
    if raw.startswith(codecs.BOM_UTF8):
        reading.notes.append(f"{reading.file} begins with a byte order mark (BOM), which was removed")
        return raw[len(codecs.BOM_UTF8) :]
    return raw


def _refuse_nul(text: str, number: int, reading: Reading) -> None:
    reading.refuse(
        "a NUL character", number, text.index("\0") + 1, fix="remove it: tr -d '\\000' < old > new"
    )


def _skip_to_line_end(stream: IO[bytes]) -> None:
    while (more := stream.readline(2**20)) and not more.endswith(b"\n"):
        pass
