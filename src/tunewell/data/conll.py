"""Files of columns (CoNLL): one word a line, a blank line after each sentence; a row is a sentence.

A row holds lists of one entry a word: `tokens`, `tags` (the last column), and `column_2`, `column_3`, ... between,
or the columns that `data.column_names` names. What the columns are is judged in `conll_layout`.

Not for: CoNLL-U (`conllu`), or what the tags mean (`core.tags` and the task).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from tunewell.core.examples import Origin, Row
from tunewell.data import reading as limits
from tunewell.data.conll_layout import Layout, head_of, is_blank, is_document_start, layout_of
from tunewell.data.lines import Line
from tunewell.data.reading import Reading

LONG_SENTENCE = 1000
"""From this many words on, the user is told that a blank line may be missing."""


def read_rows(lines: Iterable[Line], reading: Reading) -> Iterator[Row]:
    """One row a sentence; `reading.columns` are set before the first is given.

    A sentence with a line that cannot be read is refused as a whole. Raises `ConfigError` when
    `data.column_names` does not fit the file.
    """
    lines = iter(lines)
    head = head_of(lines)
    layout = layout_of(head, reading.settings.column_names)
    if layout is None:
        reading.columns = reading.settings.column_names or ("tokens",)
        layout = Layout(by_tabs=False, num_columns=len(reading.columns))
    table = _Table(layout, reading)
    for block in blocks(chain(head, lines), reading):
        yield from table.rows_of(block)
    table.say_what_was_skipped()


def blocks(lines: Iterable[Line], reading: Reading) -> Iterator[list[Line]]:
    """The lines between blank lines, with comments; stray carriage returns are reported.

    A block that grows beyond `MAX_LINE_BYTES` characters is refused and not given.
    """
    block: list[Line] = []
    size = 0
    for line in lines:
        reading.count_line_end(line.end)
        if is_blank(line.text) and not reading.is_bad(line.number, line.number):
            if block and size <= limits.MAX_LINE_BYTES:
                yield block
            block, size = [], 0
            continue
        if "\r" in line.text:
            reading.refuse(
                "a carriage return that ends no line",
                line.number,
                line.text.index("\r") + 1,
                fix="replace it by a blank; if every line ends so (old Mac): tr '\\r' '\\n' < old > new",
            )
        if size > limits.MAX_LINE_BYTES:
            continue
        block.append(line)
        size += len(line.text) + 1
        if size > limits.MAX_LINE_BYTES:
            reading.refuse(
                f"more than {limits.MAX_LINE_BYTES:,} characters without a blank line",
                block[0].number,
                fix="put a blank line after each sentence",
            )
            reading.count_as_one_row(block[0].number, line.number)
            block.clear()
    if block:
        yield block


@dataclass
class _Table:
    """One file of columns, whose layout is known: from blocks of lines to rows."""

    layout: Layout
    reading: Reading
    num_comments: int = 0
    first_comment: Line | None = None
    long_told: bool = False

    def __post_init__(self) -> None:
        given = self.reading.settings.column_names
        self.names = list(given) if given else self.layout.names()
        self.reading.columns = tuple(name for name in self.names if name is not None)
        if given is None:
            self._say_layout()

    def rows_of(self, block: list[Line]) -> Iterator[Row]:
        """The sentences of a block: several where `-DOCSTART-` lines part them."""
        sentence: list[Line] = []
        for line in block:
            if is_document_start(line.text):
                yield from self._rows(sentence)
                sentence = []
            elif not sentence and self.layout.is_comment(line.text):
                self.num_comments += 1
                self.first_comment = self.first_comment or line
                if self.reading.is_bad(line.number, line.number):
                    sentence.append(line)
            else:
                sentence.append(line)
        yield from self._rows(sentence)

    def say_what_was_skipped(self) -> None:
        """A note on the comments, in which a word that lost its tag may hide."""
        if self.first_comment is not None:
            lines = "1 line was" if self.num_comments == 1 else f"{self.num_comments} lines were"
            self.reading.notes.append(
                f"{lines} skipped as comments in {self.reading.file}; the first is line "
                f"{self.first_comment.number}: {self.first_comment.text[:60]}"
            )

    def _say_layout(self) -> None:
        layout, file = self.layout, self.reading.file
        if layout.words_counted:
            self.reading.notes.append(f"the first column of {file} counts the words; it was left out")
        between = [name for name in self.reading.columns if name not in ("tokens", "tags")]
        if between:
            self.reading.notes.append(
                f"{file} has {layout.num_columns} columns: the words are column {1 + layout.words_counted}, the tags "
                f"the last; between stand{'s' * (len(between) == 1)} {', '.join(between)} (data.column_names names "
                "them otherwise)"
            )
        if layout.num_columns == 10 and layout.by_tabs:
            self.reading.notes.append(f"if {file} is CoNLL-U: --set data.format=conllu")

    def _rows(self, sentence: list[Line]) -> Iterator[Row]:
        if not sentence:
            return
        fields = [self._fields(line, place) for place, line in enumerate(sentence, start=1)]
        first, last = sentence[0].number, sentence[-1].number
        if self.reading.is_bad(first, last):
            self.reading.count_as_one_row(first, last)
            return
        if len(sentence) >= LONG_SENTENCE and not self.long_told:
            self.long_told = True
            self.reading.notes.append(
                f"no blank line in {len(sentence):,} words from line {first} of {self.reading.file} on: they were "
                "read as one sentence"
            )
        columns = zip(self.names, zip(*fields, strict=True), strict=True)
        values = {name: list(entries) for name, entries in columns if name is not None}
        yield Row(values, Origin(self.reading.file, first))

    def _fields(self, line: Line, place: int) -> list[str]:
        """The fields of one line; what is wrong with them is reported."""
        fields = self.layout.fields(line.text)
        if not self.reading.is_bad(line.number, line.number):
            problem = self._problem(fields, line, place)
            if problem is not None:
                self.reading.refuse(problem[0], line.number, fix=problem[1])
        return fields

    def _problem(self, fields: list[str], line: Line, place: int) -> tuple[str, str] | None:
        """What is wrong with a line, and what to do about it."""
        layout, found, wanted = self.layout, len(fields), self.layout.num_columns
        if found != wanted:
            by = "data.column_names has" if self.reading.settings.column_names else "the other lines have"
            parted = "a tab" if layout.by_tabs else "blanks"
            return (
                f"{found} column{'s' * (found != 1)} where {by} {wanted}",
                f"columns are parted by {parted}; add what is missing, or a blank line where a sentence ends",
            )
        if line.number == layout.header:
            return (
                f"the first line ends in {fields[-1]!r} where the others end in O or a tag such as B-PER: a header?",
                "take the line out; --set 'data.column_names=[...]' names columns",
            )
        if layout.words_counted and fields[0] != str(place):
            return (
                f"the word's number is {fields[0]!r}, where {place} is due",
                "add what is missing; if the first column does not count words, name all columns: data.column_names",
            )
        empty = [place for place in (int(layout.words_counted), wanted - 1) if not fields[place]]
        if empty:
            return f"column {empty[0] + 1} is empty", "give every line a word, and each word a tag"
        return None
