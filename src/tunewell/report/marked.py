"""Running text with gold and predicted pieces marked: cut into nested pieces, long texts clipped around them.

Each mark says in words what it is, so colour only repeats it. Not for listing, searching or filtering: that is
`texts.py`, the same for texts with and without marks.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tunewell.core.sections import Mark, MarkedText, MarkedTexts
from tunewell.report.texts import Piece, TextsView, Written, listing

MAX_ENTRIES = 200
MAX_CHARACTERS = 1500
_LEAST_CONTEXT = 40
_LEAST_GAP = 80
_WORD = 30
_JOINER = "\u200d"
_SIDES = {"gold": "gold", "predicted": "predicted", "both": "gold and predicted"}
_ORDER = tuple(_SIDES)
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MarkedView:
    """The texts, and which kinds of marks are in them."""

    listing: TextsView
    kinds: Sequence[str]


def marked_view(section: MarkedTexts, max_bytes: int) -> MarkedView:
    """The first entries, `MAX_ENTRIES` at most, within about `max_bytes` of page."""
    shown = section.entries[:MAX_ENTRIES]
    kinds = {kind for entry in shown for _, _, kind, _ in _merged(entry.marks)}
    view = listing(map(written, shown), [entry.facts for entry in shown], (), max_bytes)
    view = replace(view, num_entries=len(section.entries))
    return MarkedView(view, [kind for kind in _ORDER if kind in kinds])


def written(entry: MarkedText, limit: int = MAX_CHARACTERS) -> Written:
    """The text in pieces; of one with more than about `limit` characters what stands around its marks.

    No mark is ever cut, so a text of long or many marks may stay longer.
    """
    windows = _windows(entry.text, [(mark.char_start, mark.char_end) for mark in entry.marks], limit)
    parts: list[str | Piece] = []
    at = 0
    for start, end in windows:
        if start > at:
            parts.append(_gap(start - at))
        inside = [mark for mark in entry.marks if start <= mark.char_start and mark.char_end <= end]
        parts += cut(entry.text[start:end], [_moved(mark, start) for mark in inside])
        at = end
    if at < len(entry.text):
        parts.append(_gap(len(entry.text) - at))
    return Written(parts, windows != [(0, len(entry.text))])


def _gap(num_characters: int) -> Piece:
    return Piece("gap", f" [… {num_characters:,} characters left out] ")


def _moved(mark: Mark, by: int) -> Mark:
    return Mark(mark.char_start - by, mark.char_end - by, mark.label, mark.side)


@dataclass(slots=True)
class _Open:
    """A mark that is being drawn: where it ends, and the parts of the piece so far."""

    end: int
    kind: str
    words: str
    begins: bool = True
    crossed: bool = False
    parts: list[str | Piece] = field(default_factory=list)

    def close(self, at: int) -> Piece:
        """The piece up to `at`. Only marks that cross need to say which of them ends."""
        ending = (f"end of {self.words}" if self.crossed else "end") if at == self.end else ""
        return Piece(self.kind, self.words, tuple(self.parts), self.begins, ending)


def cut(text: str, marks: Sequence[Mark]) -> list[str | Piece]:
    """`text` as plain strings and nested pieces; put together again they are `text`.

    Gold and predicted marks of the same characters with the same label become one. The longer of two marks
    that begin together is the outer one; of two that cross, the later one goes on in a second piece.
    """
    starting: dict[int, list[_Open]] = {}
    for start, end, kind, label in _merged(marks):
        starting.setdefault(start, []).append(_Open(end, kind, f"{_SIDES[kind]} {label}".strip()))
    ends = {mark.char_end for mark in marks}
    root = _Open(len(text) + 1, "", "")
    stack = [root]
    for at, following in pairwise(sorted({0, len(text), *starting, *ends, len(text) + 1})):
        resumed = _close_at(at, stack)
        for mark in sorted([*resumed, *starting.get(at, [])], key=lambda mark: -mark.end):
            stack.append(mark)
        if plain := text[at:following]:
            stack[-1].parts.append(plain)
    return root.parts


def _close_at(at: int, stack: list[_Open]) -> list[_Open]:
    """Close the marks that end here; those that lie in them and go on come back, to be opened again."""
    resumed = []
    while any(mark.end == at for mark in stack):
        mark = stack.pop()
        if mark.end != at:
            resumed.append(_Open(mark.end, mark.kind, mark.words, begins=False, crossed=True))
        mark.crossed |= bool(resumed)
        stack[-1].parts.append(mark.close(at))
    return resumed[::-1]


def _merged(marks: Iterable[Mark]) -> list[tuple[int, int, str, str]]:
    """(start, end, kind, label) of each mark once, gold before predicted; `both` where the two agree."""
    sides: dict[tuple[int, int, str], set[str]] = {}
    for mark in marks:
        sides.setdefault((mark.char_start, mark.char_end, mark.label), set()).add(mark.side)
    found = [
        (start, end, "both" if len(who) == 2 else next(iter(who)), label)
        for (start, end, label), who in sides.items()
    ]
    return sorted(found, key=lambda mark: (mark[0], mark[1], _ORDER.index(mark[2]), mark[3]))


def _windows(text: str, spans: Sequence[Interval], limit: int) -> list[Interval]:
    """What is kept of a text: all, or as much around each span as makes about `limit` characters together."""
    length = len(text)
    if length <= limit:
        return [(0, length)]
    around = sorted(set(spans)) or [(0, 0)]

    def kept(context: int) -> list[Interval]:
        return _united([(max(0, start - context), min(length, end + context)) for start, end in around], 0)

    def total(context: int) -> int:
        return sum(end - start for start, end in kept(context))

    context = max(_LEAST_CONTEXT, bisect_right(range(length + 1), limit, key=total) - 1)
    return _united([_whole_words(text, window) for window in kept(context)], _LEAST_GAP, length)


def _united(intervals: Sequence[Interval], least_gap: int, length: int | None = None) -> list[Interval]:
    """Intervals in order, those with less than `least_gap` between them as one; `length` is the whole's."""
    united: list[Interval] = []
    for start, end in intervals:
        if united and start - united[-1][1] <= least_gap:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    if length is not None and united[0][0] < least_gap:
        united[0] = (0, united[0][1])
    if length is not None and length - united[-1][1] < least_gap:
        united[-1] = (united[-1][0], length)
    return united


def _whole_words(text: str, window: Interval) -> Interval:
    """The window widened to the blanks beside it, or, in scripts without blanks, to whole characters."""
    start, end = window
    before = next((at for at in range(start, max(-1, start - _WORD), -1) if _can_break(text, at)), None)
    after = next((at for at in range(end, min(len(text) + 1, end + _WORD)) if _can_break(text, at)), None)
    if before is None:
        before = next((at for at in range(start, -1, -1) if not _joined(text, at)), 0)
    if after is None:
        after = next((at for at in range(end, len(text) + 1) if not _joined(text, at)), len(text))
    return before, after


def _can_break(text: str, at: int) -> bool:
    """Is there a blank, or an end of the text, on either side of this place?"""
    return at in (0, len(text)) or text[at - 1].isspace() or text[at].isspace()


def _joined(text: str, at: int) -> bool:
    """Would a cut here part an accent, an emoji's modifier or a joined emoji from what it belongs to?"""
    if at in (0, len(text)):
        return False
    right = text[at]
    return (
        unicodedata.category(right) in ("Mn", "Mc", "Me", "Sk")
        or _JOINER in (right, text[at - 1])
        or "\N{REGIONAL INDICATOR SYMBOL LETTER A}" <= right <= "\N{REGIONAL INDICATOR SYMBOL LETTER Z}"
    )
