"""Example texts: which column is the text, which can be filtered, and the compact data for `page.js`.

The first rows stand in the page as HTML and are read without JavaScript; all rows that fit the size limit are
embedded as JSON, which the script searches. Not for finding what is marked in a text or how several belong together:
see `marked.py`, `rewrites.py` and `conversations.py`, whose texts are listed here too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
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
_ABOVE = ("question",)
_PIECE_BYTES = 220
Fields = Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text that is drawn in another way: a mark (`gold`, `predicted` or `both`) or a `gap`.

    The marks `lacking` and `added`, what only a reference or only an output has, have no words of their own. `words` says what it is; for a gap they stand for what was left out. A mark that another one crosses is
    drawn in several pieces: the one that `begins` it says its words, the last one has an `ending`.
    """

    kind: str
    words: str
    parts: Sequence[str | Piece] = ()
    begins: bool = True
    ending: str = ""

    def to_json(self) -> list[object]:
        """As `page.js` reads it: what it is, what is said at its beginning, what it holds, what at its end."""
        return [self.kind, self.words if self.begins else "", _part_data(self.parts), self.ending]


Parts = Sequence[str | Piece]


@dataclass(frozen=True, slots=True)
class Block:
    """One of several texts that make up an entry; `kind` says how it looks and by which name it goes."""

    kind: str
    parts: Parts


@dataclass(frozen=True, slots=True)
class Written:
    """A text ready to be drawn, and whether some of it is left out. In place of `parts` it may have `blocks`."""

    parts: Parts
    clipped: bool
    blocks: Sequence[Block] = ()


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

    parts: Parts
    blocks: Sequence[Block]
    above: Sequence[tuple[str, str]]
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
    names: Mapping[str, str]


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
    texts = (entry.get(text_name) for entry in section.entries)
    written = (Written([write_value(text, False) or ""], _is_long(text)) for text in texts)
    fields = [{key: entry[key] for key in entry if key != text_name} for entry in section.entries]
    return listing(written, fields, section.verbatim, max_bytes)


def listing(
    texts: Iterable[Written],
    fields: Sequence[Fields],
    verbatim: Sequence[str],
    max_bytes: int,
    names: Mapping[str, str] | None = None,
) -> TextsView:
    """Texts, in parts, with the fields of each; as many as fit into `max_bytes`, from the first.

    `names` says by kind what stands above a block, where the texts are made of blocks.
    """
    keys = list(dict.fromkeys(key for entry in fields for key in entry if key != _CORRECT))
    keys.sort(key=lambda key: key not in _ABOVE)
    num_above = sum(key in _ABOVE for key in keys)
    columns = [_column(key, fields) for key in keys]
    pair = _find(columns, _GOLD), _find(columns, _PREDICTED)
    rows: list[list[str | int | None]] = []
    drawn: list[Written] = []
    encoded: list[Embedded] = []
    size = 0
    for text, entry in zip(texts, fields, strict=False):
        row = [write_value(entry.get(column.name), column.percent) for column in columns]
        coded = embed([_text_data(text), *row, right := _right(entry, pair)])
        size += len(coded.encode("utf-8", "replace")) + 1
        if len(rows) < NUM_FIRST:  # these stand in the page a second time, as HTML
            drawn_parts = [block.parts for block in text.blocks] or [text.parts]
            size += sum(map(_drawn_bytes, drawn_parts)) + sum(
                map(_drawn_bytes, ([str(value)] for value in row))
            )
        if size > max_bytes:
            break
        rows.append([*row, right])
        drawn.append(text)
        encoded.append(coded)
    shown = [
        column if column.name in verbatim else replace(column, name=heading(column.name))
        for column in columns
    ]
    head = embed(
        {
            "columns": [column.name for column in shown],
            "above": num_above,
            "first": NUM_FIRST,
            **({"names": names} if names else {}),
        }
    )
    return TextsView(
        first=[
            _entry(text, row, shown, num_above)
            for text, row in zip(drawn[:NUM_FIRST], rows[:NUM_FIRST], strict=True)
        ],
        columns=shown,
        can_be_right={row[-1] for row in rows} >= {0, 1},
        num_entries=len(fields),
        num_embedded=len(rows),
        num_clipped=sum(text.clipped for text in drawn)
        + sum(_is_long(value) for entry in fields[: len(rows)] for value in entry.values()),
        data=Embedded(f'{head[:-1]},"rows":[{",".join(encoded)}]}}'),
        names=names or {},
    )


def _text_data(text: Written) -> object:
    """An entry of blocks is a list of kinds and texts, named so that it is told from a text with marks."""
    if text.blocks:
        return {"blocks": [[block.kind, _cell(block.parts)] for block in text.blocks]}
    return _cell(text.parts)


def _cell(parts: Parts) -> object:
    """A text without any mark is a plain string."""
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    return _part_data(parts)


def _part_data(parts: Parts) -> list[object]:
    return [part.to_json() if isinstance(part, Piece) else part for part in parts]


def _drawn_bytes(parts: Parts) -> int:
    """About what a text or a field takes as HTML."""
    return 80 + sum(
        _PIECE_BYTES + len(part.words.encode("utf-8", "replace")) + _drawn_bytes(part.parts)
        if isinstance(part, Piece)
        else len(escape(part).encode("utf-8", "replace"))
        for part in parts
    )


def _text_name(names: Sequence[str], entries: Sequence[Fields]) -> str:
    """`text` when there is one, else the column with the most characters."""
    if "text" in names or not names:
        return "text"
    lengths = {name: sum(len(v) for e in entries if isinstance(v := e.get(name), str)) for name in names}
    return max(names, key=lambda name: lengths[name])


def _column(name: str, entries: Sequence[Fields]) -> Column:
    values = [entry[name] for entry in entries if name in entry]
    texts = {value for value in values if isinstance(value, str)}
    if not texts:
        numbers = [value for value in values if not isinstance(value, str)]
        return Column(name, True, is_share(name) and scale_for(name, numbers).suffix == "%", ())
    few = name not in _ABOVE and len(texts) <= min(_MAX_CHOICES, max(1, len(values) // 2))
    filterable = (
        few and all(isinstance(v, str) for v in values) and max(map(len, texts)) <= _MAX_CHOICE_LENGTH
    )
    return Column(name, False, False, sorted(texts) if filterable else ())


def _find(columns: Sequence[Column], names: Sequence[str]) -> str | None:
    """The first of `names` that is a column with few enough values to be labels."""
    labels = {column.name for column in columns if column.choices}
    return next((name for name in names if name in labels), None)


def _right(entry: Fields, pair: tuple[str | None, str | None]) -> int | None:
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


def _entry(
    text: Written, row: Sequence[str | int | None], columns: Sequence[Column], num_above: int
) -> Entry:
    named = list(zip((column.name for column in columns), row[:-1], strict=True))
    above, below = (
        [(name, str(value)) for name, value in part if value is not None]
        for part in (named[:num_above], named[num_above:])
    )
    return Entry(text.parts, text.blocks, above, below, None if row[-1] is None else bool(row[-1]))
