"""Files with a conversation on each line, its turns parted by `__eou__`, as DailyDialog and its translations have them.

DailyDialog's own `.txt` holds the conversations alone; other files have columns after them, parted by tabs. There is no
header line. A row holds `dialogue`, a list of texts, and the other columns as they stand: `topic`, `acts` and
`emotions` where there are three that hold numbers, else `column2`, `column3`, ..., or what `data.column_names` says.

Not for: who says what (`conversation_forms`), or tables that name their columns (`delimited`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Origin, Row
from tunewell.data.conll_layout import head_of, is_blank
from tunewell.data.lines import Line
from tunewell.data.reading import Reading

END_OF_UTTERANCE = "__eou__"
"""What ends each turn but the last, at times the last too."""

_END_OF_TURN = "__eot__"
_OTHER_NAMES = ("topic", "acts", "emotions")
SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…")
_NUMBERS = re.compile(r"\d+( \d+)*")


def turns_in(text: str) -> list[str]:
    """The turns of a line, without the blanks around them; a mark after the last turn begins no other.

    Where `__eot__` ends a turn, as in the Ubuntu corpus, `__eou__` parts only what is said in it.
    """
    mark = _END_OF_TURN if _END_OF_TURN in text else END_OF_UTTERANCE
    turns = [
        " ".join(part.strip() for part in turn.split(END_OF_UTTERANCE)).strip() for turn in text.split(mark)
    ]
    return turns[:-1] if len(turns) > 1 and not turns[-1] else turns


def looks_like_turns(head: Sequence[Line]) -> bool:
    """Whether lines are unmistakably conversations: the first has several turns, and so have nine of ten.

    A first line without the mark names columns, so that the file is a table.
    """
    marked = [END_OF_UTTERANCE in line.text.partition("\t")[0] for line in head if not is_blank(line.text)]
    return bool(marked) and marked[0] and 10 * marked.count(True) >= 9 * len(marked)


def looks_like_tabbed(head: Sequence[Line]) -> bool:
    """Whether lines are unmistakably no table, but texts parted by tabs: the first says something, and they are uneven."""
    lines = [line.text for line in head if not is_blank(line.text)]
    first = lines[0].strip("\t").split("\t") if lines else []
    counts = Counter(line.strip("\t").count("\t") for line in lines)
    uneven = 10 * counts.most_common(1)[0][1] < 9 * len(lines) if lines else False
    says = all(" " in field.strip() or field.strip()[-1:] in SENTENCE_ENDS for field in first)
    return uneven and min(counts) > 0 and says and '"' not in "".join(field[:1] for field in first)


def read_rows(lines: Iterable[Line], reading: Reading) -> Iterator[Row]:
    """One row a line; `reading.columns` are set before the first is given.

    Blank lines are skipped, with a note unless they end the file. Raises `ConfigError` when `data.column_names` does
    not fit the file.
    """
    lines = iter(lines)
    head = head_of(lines)
    reading.columns = _names(head, reading.settings.column_names)
    blank: list[int] = []
    num_skipped = first_skipped = 0
    for number, text, end in chain(head, lines):
        reading.count_line_end(end)
        if reading.is_bad(number, number):
            continue
        if is_blank(text):
            blank.append(number)
            continue
        if blank:
            first_skipped = first_skipped or blank[0]
            num_skipped += len(blank)
            blank.clear()
        fields = text.split("\t")
        if (fault := _fault(text, fields, reading)) is not None:
            what, column, fix = fault
            reading.refuse(what, number, column, fix)
            continue
        values = {**dict(zip(reading.columns, fields, strict=True)), reading.columns[0]: turns_in(fields[0])}
        yield Row(values, Origin(reading.file, number))
    if num_skipped:
        lines_were = "1 blank line was" if num_skipped == 1 else f"{num_skipped} blank lines were"
        reading.notes.append(f"{lines_were} skipped in {reading.file}; the first is line {first_skipped}")


def _fault(text: str, fields: Sequence[str], reading: Reading) -> tuple[str, int | None, str] | None:
    """What is wrong with a line, in which column of it, and what to do."""
    wanted, found = len(reading.columns), len(fields)
    if "\r" in text:
        fix = "replace it by a blank; if every line ends so (old Mac): tr '\\r' '\\n' < old > new"
        return "a carriage return that ends no line", text.index("\r") + 1, fix
    if found != wanted:
        by = "data.column_names has" if reading.settings.column_names else "the other lines have"
        what = f"{found} column{'s' * (found != 1)} where {by} {wanted}"
        return what, None, "columns are parted by tabs; add what is missing, or replace a tab inside a turn"
    return None


def _names(head: Sequence[Line], given: Sequence[str] | None) -> tuple[str, ...]:
    """What the columns are called; the number of them is that which most lines have."""
    rows = [line.text.split("\t") for line in head if not is_blank(line.text)]
    number = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
    if given is not None:
        if rows and number != len(given):
            raise ConfigError(
                f"names {len(given)} column{'s' * (len(given) != 1)}, where the file has {number}",
                where="data.column_names",
                fix="name all columns of the file, in their order",
            )
        return tuple(given)
    others = [f"column{place}" for place in range(2, number + 1)]
    fitting = [row for row in rows if len(row) == number]
    if len(others) == len(_OTHER_NAMES):
        numbers = [all(_NUMBERS.fullmatch(field.strip()) for field in row[1:]) for row in fitting]
        others = list(_OTHER_NAMES) if 10 * numbers.count(True) >= 9 * len(numbers) else others
    return ("dialogue", *others)
