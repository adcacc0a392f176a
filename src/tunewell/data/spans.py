"""Pieces of a text that may be an answer: the best of each window, and the best of all windows.

Not for: where scores come from (the task) or whether an answer is right (`tunewell.metrics.answers`).
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, overload

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tunewell.core.examples import Candidate
from tunewell.data.windows import Window

_JOINER = "\u200d"

SAME = 1e-4
"""Scores that differ by less differ by rounding: other batches would turn them round."""


class Spans(Sequence[tuple[int, int]]):
    """Half-open character spans in eight bytes each, for there is one for every token of every window."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, starts: Iterable[int], ends: Iterable[int]) -> None:
        self._starts, self._ends = array("i", starts), array("i", ends)

    @classmethod
    def of(cls, text: str, offsets: Sequence[tuple[int, int]]) -> Spans:
        """Token `offsets` in `text` without the blanks at either side: a token of blanks alone is empty.

        Marks belong to the character that they stand on, whether a token has them or not, for tokenizers that strip
        accents leave marks out and others cut before them. A joiner that no token has belongs to the one before it.
        """
        if not text.isascii():
            nexts = [start for start, _ in offsets[1:]] + [len(text)]
            offsets = [_with_marks(text, *span, after) for span, after in zip(offsets, nexts, strict=False)]
        else:
            offsets = [_without_blanks(text, start, end) for start, end in offsets]
        return cls((start for start, _ in offsets), (end for _, end in offsets))

    def window(self, start: int, end: int) -> Spans:
        """The spans from `start` to `end`, after an empty one that stands for "no answer here"."""
        return Spans(array("i", [0]) + self._starts[start:end], array("i", [0]) + self._ends[start:end])

    def tokens(self, char_start: int, char_end: int) -> tuple[int, int] | None:
        """The first and the last token of those that share characters with a span; None when none does."""
        starts, ends = self.bounds()
        inside = np.flatnonzero((starts < char_end) & (ends > char_start) & (ends > starts))
        return (int(inside[0]), int(inside[-1])) if len(inside) else None

    def target(self, tokens: tuple[int, int] | None, start: int, end: int) -> tuple[int, int]:
        """Where in `window(start, end)` the first and the last of `tokens` stand; (0, 0) if they are not all there."""
        if tokens is None or tokens[0] < start or tokens[1] >= end:
            return 0, 0
        return tokens[0] - start + 1, tokens[1] - start + 1

    def bounds(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """All starts and all ends, `(tokens,)` each."""
        return np.array(self._starts, np.int32), np.array(self._ends, np.int32)

    @overload
    def __getitem__(self, place: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, place: slice) -> Spans: ...
    def __getitem__(self, place: int | slice) -> tuple[int, int] | Spans:
        if isinstance(place, slice):
            return Spans(self._starts[place], self._ends[place])
        return self._starts[place], self._ends[place]

    def __len__(self) -> int:
        return len(self._starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and (self._starts, self._ends) == (other._starts, other._ends)

    def __hash__(self) -> int:
        return hash((self._starts.tobytes(), self._ends.tobytes()))

    def __repr__(self) -> str:
        return f"Spans({list(self._starts)}, {list(self._ends)})"


def _without_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return start, start + len(piece.strip())


def _with_marks(text: str, start: int, end: int, after: int) -> tuple[int, int]:
    """A token without blanks, with its last character's marks, and from the character that its first mark is on.

    `after` is where the next token starts.
    """
    start, end = _without_blanks(text, start, end)
    if start == end:
        return start, end
    while start > 0 and _is_mark(text[start]) and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and (_is_mark(text[end]) or (text[end] == _JOINER and end < after)):
        end += 1
    return start, end


def _is_mark(character: str) -> bool:
    """Accents, vowel signs, variation selectors: what is drawn on the character before."""
    return unicodedata.category(character)[0] == "M"


class Found(NamedTuple):
    """A piece of the context that may be the answer; `score` is the sum of two logits."""

    char_start: int
    char_end: int
    score: float


class WindowAnswers(NamedTuple):
    """What one window has to say: its best pieces, the best first, and how much speaks for no answer here."""

    found: list[Found]
    no_answer: float


def best_spans(
    logits: NDArray[np.float64], spans: Sequence[tuple[int, int]], *, max_tokens: int, count: int
) -> WindowAnswers:
    """The best pieces of a window, exactly: every start with every end at most `max_tokens` tokens on.

    `logits` `(positions, 2)` says how much speaks for a start and an end at each of `spans`, the first of which is
    "no answer here". Pieces neither start nor end at an empty span, and are not empty themselves.
    """
    no_answer = float(logits[0].sum())
    starts, ends = spans.bounds() if isinstance(spans, Spans) else np.array(spans, np.int32).T
    real = ends > starts
    scores = np.where(real[:, None], logits, -np.inf)
    width = min(max_tokens, len(real))
    later = np.concatenate([scores[:, 1], np.full(width - 1, -np.inf)])
    sums = scores[:, :1] + sliding_window_view(later, width)  # (positions, width): starts by lengths
    flat = sums.ravel()
    chosen = np.argpartition(-flat, count - 1)[:count] if count < len(flat) else np.arange(len(flat))
    pieces = []
    for place in chosen[np.lexsort((chosen, -flat[chosen]))]:
        first, length = divmod(int(place), width)
        if np.isneginf(flat[place]):
            break
        char_start, char_end = int(starts[first]), int(ends[first + length])
        if char_end > char_start:
            pieces.append(Found(char_start, char_end, float(flat[place])))
    return WindowAnswers(pieces, no_answer)


def merged(windows: Sequence[WindowAnswers], count: int) -> list[Found]:
    """The `count` best pieces of all windows, the best first; of equal scores the earlier, then the shorter piece.

    A piece that several windows see counts by its best score.
    """
    best: dict[tuple[int, int], float] = {}
    for window in windows:
        for piece in window.found:
            span = piece[:2]
            best[span] = max(piece.score, best.get(span, piece.score))
    waiting = sorted((Found(*span, score) for span, score in best.items()), key=lambda piece: -piece.score)
    ordered: list[Found] = []
    while waiting and len(ordered) < count:
        level = waiting[0].score - SAME
        same = next((place for place, piece in enumerate(waiting) if piece.score < level), len(waiting))
        ordered += sorted(waiting[:same], key=lambda piece: piece[:2])
        waiting = waiting[same:]
    return ordered[:count]


def candidates(context: str, found: Iterable[Found], shares: Iterable[float]) -> tuple[Candidate, ...]:
    """Pieces of a context as what may be the answer, each with its share of the probability."""
    return tuple(
        Candidate(context[piece.char_start : piece.char_end], piece.char_start, piece.char_end, float(share))
        for piece, share in zip(found, shares, strict=False)
    )


def no_answer_score(windows: Sequence[WindowAnswers]) -> float:
    """How much speaks for no answer at all: the least that any window says, for one with an answer is enough."""
    return min(window.no_answer for window in windows)


def midway(margins: NDArray[np.float64], threshold: float) -> float:
    """A threshold that puts the same `margins` above it as `threshold` does, as far from them as can be known.

    It is in the middle between two margins; above or below them all it is a little way off.
    """
    below, above = margins[margins <= threshold], margins[(margins > threshold) & np.isfinite(margins)]
    if not len(above):
        return float(below.max()) + SAME if len(below) else threshold
    if not len(below):
        return min(threshold, float(above.min()) - SAME)
    middle = float((below.max() + above.min()) / 2)
    return middle if below.max() <= middle < above.min() else threshold


class Cuts(Protocol):
    """What cuts a text into tokens, as `tunewell.models.Tokenizer` does."""

    def pieces(self, text: str) -> Any:
        """An object with token `ids` and their character spans, `offsets`."""


@lru_cache(maxsize=4)
def context_pieces(tokenizer: Cuts, context: str) -> tuple[list[int], Spans]:
    """The tokens of a context and their places, kept for the next questions on it."""
    pieces = tokenizer.pieces(context)
    return pieces.ids, Spans.of(context, pieces.offsets)


def out_of_reach(
    places: Iterable[tuple[int, int]], spans: Spans, windows: Sequence[Window], max_tokens: int
) -> str:
    """Why none of the answers at these places can ever be given; "" where one can, or there is none."""
    why = ""
    for start, end in places:
        tokens = spans.tokens(start, end)
        if tokens is None:
            why = "of no token of the model"
        elif tokens[1] - tokens[0] >= max_tokens:
            why = f"longer than task.max_answer_tokens ({max_tokens})"
        elif not any(window.start <= tokens[0] and tokens[1] < window.end for window in windows):
            why = "in no window whole (task.overlap_tokens is too small)"
        else:
            return ""
    return why
