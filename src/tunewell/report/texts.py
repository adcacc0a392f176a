"""Example texts: which column is the text, which can be filtered, and the compact data for `page.js`.

The first rows stand in the page as HTML and are read without JavaScript; all rows that fit the size limit are
embedded as JSON, which the script searches.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from tunewell.core.sections import Texts
from tunewell.report.numbers import heading, is_share, scale_for, show_number

NUM_FIRST = 10
MAX_CHARACTERS = 2000
_MAX_CHOICES = 200
_MAX_CHOICE_LENGTH = 60
_GOLD = ("gold", "label", "expected")
_PREDICTED = ("predicted", "prediction")
_CORRECT = "correct"


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the entries. `choices` is empty where filtering makes no sense."""

    name: str
    numeric: bool
    percent: bool
    choices: Sequence[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One text with its other fields written out; `right` is None where that can't be told."""

    text: str
    fields: Sequence[tuple[str, str]]
    right: bool | None


@dataclass(frozen=True, slots=True)
class TextsView:
    """The first entries, the columns, and everything again as `data` (JSON safe inside a script element)."""

    first: Sequence[Entry]
    columns: Sequence[Column]
    can_be_right: bool  # and can be wrong: only then is there something to choose
    num_entries: int
    num_embedded: int
    num_clipped: int
    data: Embedded


class Embedded(str):
    """JSON that can neither end its script element nor break a line of script."""

    __slots__ = ()

    def __html__(self) -> str:
        """Escaped already, in `embed`."""
        return str(self)


def embed(value: object) -> Embedded:
    """Compact JSON for a `<script type="application/json">`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Embedded(text)


def texts_view(section: Texts, max_bytes: int) -> TextsView:
    """The section within about `max_bytes` of page; what doesn't fit is counted, not hidden."""
    names = list(dict.fromkeys(key for entry in section.entries for key in entry))
    text_name = _text_name(names, section.entries)
    others = [name for name in names if name not in (text_name, _CORRECT)]
    columns = [_column(name, section.entries) for name in others]
    pair = _find(columns, _GOLD), _find(columns, _PREDICTED)
    rows: list[list[str | int | None]] = []
    size = 0
    for entry in section.entries:
        values = [write_value(entry.get(column.name), column.percent) for column in columns]
        row = [write_value(entry.get(text_name), False) or "", *values, _right(entry, pair)]
        size += len(embed(row).encode("utf-8", "replace")) + 1
        if len(rows) < NUM_FIRST:  # these stand in the page a second time, as HTML
            size += sum(len(escape(str(value)).encode("utf-8", "replace")) + 80 for value in row)
        if size > max_bytes:
            break
        rows.append(row)
    shown = [
        column if column.name in section.verbatim else replace(column, name=heading(column.name))
        for column in columns
    ]
    data = {"columns": [column.name for column in shown], "first": NUM_FIRST, "rows": rows}
    return TextsView(
        first=[_entry(row, shown) for row in rows[:NUM_FIRST]],
        columns=shown,
        can_be_right={row[-1] for row in rows} >= {0, 1},
        num_entries=len(section.entries),
        num_embedded=len(rows),
        num_clipped=sum(
            _is_long(value) for entry in section.entries[: len(rows)] for value in entry.values()
        ),
        data=embed(data),
    )


def _text_name(names: Sequence[str], entries: Sequence[Mapping[str, str | float]]) -> str:
    """`text` when there is one, else the column with the most characters."""
    if "text" in names or not names:
        return "text"
    lengths = {name: sum(len(v) for e in entries if isinstance(v := e.get(name), str)) for name in names}
    return max(names, key=lambda name: lengths[name])


def _column(name: str, entries: Sequence[Mapping[str, str | float]]) -> Column:
    values = [entry[name] for entry in entries if name in entry]
    texts = {value for value in values if isinstance(value, str)}
    if not texts:
        numbers = [value for value in values if not isinstance(value, str)]
        return Column(name, True, is_share(name) and scale_for(name, numbers).suffix == "%", ())
    few = len(texts) <= min(_MAX_CHOICES, max(1, len(values) // 2))
    filterable = (
        few and all(isinstance(v, str) for v in values) and max(map(len, texts)) <= _MAX_CHOICE_LENGTH
    )
    return Column(name, False, False, sorted(texts) if filterable else ())


def _find(columns: Sequence[Column], names: Sequence[str]) -> str | None:
    """The first of `names` that is a column with few enough values to be labels."""
    labels = {column.name for column in columns if column.choices}
    return next((name for name in names if name in labels), None)


def _right(entry: Mapping[str, str | float], pair: tuple[str | None, str | None]) -> int | None:
    """1 or 0 by the field `correct`, else by whether gold and predicted label are equal, else None."""
    if _CORRECT in entry:
        return int(str(entry[_CORRECT]).lower() in {"yes", "true", "1", "1.0"})
    gold, predicted = pair
    if gold is None or predicted is None or gold not in entry or predicted not in entry:
        return None
    return int(entry[gold] == entry[predicted])


def _is_long(value: object) -> bool:
    return isinstance(value, str) and len(value) > MAX_CHARACTERS


def write_value(value: str | float | None, percent: bool) -> str | None:
    """One field as it is shown; `page.js` shows and sorts by this text, so it formats nothing itself."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        cut = len(value) - MAX_CHARACTERS
        return value if cut <= 0 else f"{value[:MAX_CHARACTERS]} […{cut:,} more characters]"
    return f"{value * 100:.1f}%" if percent and math.isfinite(value) else show_number(value)


def _entry(row: Sequence[str | int | None], columns: Sequence[Column]) -> Entry:
    fields = [
        (column.name, str(value))
        for column, value in zip(columns, row[1:-1], strict=True)
        if value is not None
    ]
    return Entry(str(row[0]), fields, None if row[-1] is None else bool(row[-1]))
