"""What every reader of a table shares: the settings, the result, and the place where bad rows are gathered.

Not for: opening files (`opening`), any one format (`delimited`, `json_records`, ...) or choosing between
them (`sources`, where to look next).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from tunewell.core.errors import ConfigError, DataError, collected
from tunewell.core.examples import Row
from tunewell.data.file_names import Format

MAX_LINE_BYTES = 16 * 2**20
"""A line, or a quoted record over several lines, above 16 MiB is refused."""

MAX_PROBLEMS = 10_000
"""After this many bad rows nobody learns from one more: reading stops."""


@dataclass(frozen=True)
class SourceSettings:
    """How to read files where the files do not say it themselves.

    `delimiter` is one character (default: comma in `.csv`, tab in `.tsv`). `quoting` says what a `"` means in
    a delimited file: `double` (RFC 4180), `none` (an ordinary character) or `auto` (double in `.csv`; in
    `.tsv` none unless the whole file is unmistakably quoted). `column_names` names the columns of records
    that have no names of their own: a delimited file is then read as one without a header. `limit` keeps the
    first rows only. `on_bad_row` `drop` leaves out rows that cannot be read, and says so in a note. `format` says
    what a file is, whatever its ending.
    """

    delimiter: str | None = None
    quoting: Literal["auto", "none", "double"] = "auto"
    column_names: tuple[str, ...] | None = None
    limit: int | None = None
    on_bad_row: Literal["fail", "drop"] = "fail"
    format: Format | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n\0'):
            raise ConfigError(
                f"the delimiter must be one character and no quote or line end, not {self.delimiter!r}",
                where="data.delimiter",
                fix="for example --set 'data.delimiter=;', or '\\t' for a tab",
            )
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"the limit must be at least 1 row, not {self.limit}", where="data.limit")
        names = self.column_names
        if names is not None and (not names or "" in names or len(set(names)) != len(names)):
            raise ConfigError(f"empty or repeated name in {list(names)}", where="data.column_names")


@dataclass(frozen=True)
class Source:
    """One table as it was read.

    `rows` may lack columns that few rows have (JSON only): ask with `row.values.get`. `columns` are in the
    order of the file. `notes` are sentences for the user about anything that was not plain: a byte order mark
    removed, rows dropped, quotes understood. `fingerprint` is the SHA-256 (hex) of the raw bytes of the file;
    for a Hub data set, of its id, configuration, split and own fingerprint; for parallel files, of the fingerprints
    of all. `name` is short and fit for a folder name: the file without its ending, the folder, or the last part of
    the Hub id.
    """

    rows: list[Row]
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    fingerprint: str
    name: str


@dataclass
class Reading:
    """One pass over one table: where readers report bad rows and notes.

    `at_once` raises on the first bad row (a stream cannot wait for the end of its input); otherwise bad rows
    are gathered and `finish` raises one error for all.
    """

    file: str
    settings: SourceSettings
    at_once: bool = False
    columns: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    _problems: list[tuple[int, int, DataError]] = field(default_factory=list)
    _bad_lines: set[int] = field(default_factory=set)
    _line_ends: dict[str, int] = field(default_factory=lambda: {"\n": 0, "\r\n": 0, "": 0})
    _must_raise: bool = False
    _aftermath_until: int = 0
    _beside: list[Reading] = field(default_factory=list)

    def beside(self, file: str) -> Reading:
        """The pass over another file that is read in step with this one, line by line, into the same rows.

        Bad lines and notes are those of both; line ends are counted for each.
        """
        other = replace(self, file=file, _line_ends=dict.fromkeys(self._line_ends, 0), _beside=[])
        self._beside.append(other)
        return other

    def where(self, line: int, column: int | None = None) -> str:
        """`file:line` or `file:line:column`, both counted from 1; the column counts characters."""
        return f"{self.file}:{line}" if column is None else f"{self.file}:{line}:{column}"

    def refuse(self, what: str, line: int, column: int | None = None, fix: str | None = None) -> None:
        """Report the bad row that starts on `line`: raised, gathered or dropped, as the settings say."""
        error = DataError(what, where=self.where(line, column), fix=fix)
        dropping = self.settings.on_bad_row == "drop"
        if line <= self._aftermath_until:
            self._bad_lines.add(line)
            return
        if self._must_raise or (self.at_once and not dropping):
            raise error
        self._bad_lines.add(line)
        if not dropping or len(self._problems) < 1:  # of dropped rows the note shows one
            self._problems.append((line, column or 0, error))
        if not dropping and len(self._problems) >= MAX_PROBLEMS:
            self.notes.append(f"reading stopped after {MAX_PROBLEMS} bad rows")
            self.raise_problems()

    @contextmanager
    def header(self) -> Iterator[None]:
        """Inside, any problem is raised at once: without its header a table cannot be read at all."""
        self._must_raise = True
        try:
            yield
        finally:
            self._must_raise = False

    def refuse_bad_header(self, first_line: int, last_line: int) -> None:
        """Raise what was already reported on the lines of the header, even when bad rows are dropped."""
        if self.is_bad(first_line, last_line):
            raise self._problems[0][2]

    def expect_aftermath(self, line: int) -> None:
        """Up to this line, bad rows are counted and not reported: they follow from a problem just reported."""
        self._aftermath_until = line

    def is_bad(self, first_line: int, last_line: int) -> bool:
        """Whether a problem was reported on any of these lines."""
        return bool(self._bad_lines) and any(
            line in self._bad_lines for line in range(first_line, last_line + 1)
        )

    def count_as_one_row(self, first_line: int, last_line: int) -> None:
        """Count the bad lines among these as one bad row, for a reader whose rows are several lines long."""
        bad = self._bad_lines.intersection(range(first_line, last_line + 1))
        if bad:
            self._bad_lines -= bad
            self._bad_lines.add(min(bad))

    def count_line_end(self, end: str) -> None:
        """Remember how a record ended, for the note on mixed line ends."""
        self._line_ends[end] += 1

    def raise_problems(self) -> None:
        """Raise the gathered problems as one error, in the order of the file; does nothing without any."""
        if self._problems and self.settings.on_bad_row == "fail":
            self._problems.sort(key=lambda problem: problem[:2])
            raise collected([error for _, _, error in self._problems], of=self.file)

    def finish(self, num_rows: int) -> None:
        """After the last row: raise what was gathered, refuse an empty table, add the closing notes."""
        self.raise_problems()
        dropped = len(self._bad_lines)
        if dropped:
            first = self._problems[0][2]
            rows = "1 bad row was" if dropped == 1 else f"{dropped} bad rows were"
            self.notes.append(f"{rows} dropped from {self.file}; the first: {first.where}: {first.what}")
        if num_rows == 0:
            why = f"all {dropped} rows were dropped as bad" if dropped else "it has no rows"
            raise DataError(f"nothing to read: {why}", where=self.file, fix="give a file with data in it")
        for reading in (self, *self._beside):
            crlf, lf = reading._line_ends["\r\n"], reading._line_ends["\n"]
            if crlf and lf:
                self.notes.append(f"{reading.file} mixes line ends: {crlf} CRLF and {lf} LF; both end a line")
