"""The edits of TER (Snover et al. 2006), counted as sacreBLEU counts them, several times faster on long texts.

TER tries to move each phrase of an output to each place where the reference has it, and takes the edit distance every
time: of 60 words to a reference of 60, that is minutes for a thousand texts. Which moves are tried stays sacreBLEU's
business, in `lib_ter` (2.6); ours is the distance alone. Where it is provably the one that sacreBLEU's search along the
diagonal finds, it is had a column at a time, as the bits of one number (Myers 1999; Hyyrö 2003); elsewhere
sacreBLEU's own is asked.

Not for: the rate and its table (`translations`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from sacrebleu.metrics import lib_ter

_SAFE_REACH = 23
"""sacreBLEU looks at 25 words on either side of the diagonal, of which rounding may take one, and the end another."""

_LIKE = 100
_MOST_UNLIKE, _MOST_ALIKE = 80_000, 4_000_000
"""Texts whose lengths differ by more than `_LIKE` words, or less: the most words of one times words of the other."""

_Column: TypeAlias = tuple[int, int, int, int, int]
"""One word against all gold ones, a bit for each of these: where the distance is one more, or less, than at the gold word
before; where it is one more, or less, than at the word before; where the two words are equal."""


def tries_moves(num_words: int, num_gold_words: int) -> bool:
    """Whether moves of phrases count for texts of so many words; for the longest they would take minutes a text.

    That is where lengths are unlike: then the words that are too many, or lacking, are most of the edits.
    """
    is_unlike = abs(num_words - num_gold_words) > _LIKE
    return num_words * num_gold_words <= (_MOST_UNLIKE if is_unlike else _MOST_ALIKE)


def num_edits(predicted: list[str], gold: list[str]) -> int:
    """Insertions, deletions, substitutions and moves of phrases that make `gold` of `predicted`; both are words.

    Without moves where `tries_moves` says so.
    """
    if not gold:
        return len(predicted)
    if predicted == gold:
        return 0
    distance = _Distance(gold)
    if not tries_moves(len(predicted), len(gold)):
        return distance.plain(predicted)
    num_moves = num_tried = 0
    while True:
        distance.traced = predicted
        gain, moved, num_tried = lib_ter._shift(predicted, gold, distance, num_tried)
        if num_tried >= lib_ter._MAX_SHIFT_CANDIDATES or gain <= 0:
            break
        num_moves += 1
        predicted = moved
    return num_moves + int(distance(predicted)[0])


class _Distance:
    """The edit distance of words to the gold ones, and how they are aligned where they are the list `traced`."""

    def __init__(self, gold: list[str]) -> None:
        self._asked: Any = lib_ter.BeamEditDistance(gold)
        self._num_gold = len(gold)
        self._places: dict[str, int] = {}
        for place, word in enumerate(gold):
            self._places[word] = self._places.get(word, 0) | 1 << place
        self._known: dict[tuple[str, ...], int] = {}
        self.traced: list[str] = []

    def __call__(self, words: list[str]) -> tuple[int, str]:
        if words is self.traced:
            return self._asked(words)  # type: ignore[no-any-return]
        key = tuple(words)
        found = self._known.get(key)
        if found is None:
            found, columns = self._plain(key)
            # A path of so few edits never strays farther from the diagonal than this.
            few = (found + abs(len(words) - self._num_gold)) // 2 <= _SAFE_REACH
            if not few and not _is_near_diagonal(columns, self._num_gold):
                found = int(self._asked(words)[0])
            self._known[key] = found
        return found, ""

    def plain(self, words: Sequence[str]) -> int:
        """Levenshtein's distance."""
        return self._plain(words, keep=False)[0]

    def _plain(self, words: Sequence[str], *, keep: bool = True) -> tuple[int, list[_Column]]:
        """Levenshtein's distance, and to `keep` them the columns of the table that it ends, one for each word."""
        distance, last = self._num_gold, 1 << (self._num_gold - 1)
        everything = (1 << self._num_gold) - 1
        up, down = everything, 0
        columns: list[_Column] = [(up, down, 0, 0, 0)]
        for word in words:
            equal = self._places.get(word, 0)
            straight = equal | down
            level = (((equal & up) + up) ^ up) | equal
            rises, falls = down | (everything & ~(level | up)), up & level
            if rises & last:
                distance += 1
            elif falls & last:
                distance -= 1
            shifted = rises << 1 | 1
            up = (falls << 1 | ~(straight | shifted)) & everything
            down = shifted & straight
            if keep:
                columns.append((up, down, rises, falls, equal))
        return distance, columns


def _is_near_diagonal(columns: Sequence[_Column], num_gold: int) -> bool:
    """Whether one of the shortest paths through the table lies where sacreBLEU looks, so that it finds none longer.

    The path is followed from its end, towards the diagonal wherever that costs nothing.
    """
    num_words = i = len(columns) - 1
    j = num_gold
    slope = num_gold / max(num_words, 1)
    width = lib_ter._BEAM_WIDTH
    reach = width if slope <= 2 * width else math.ceil(slope / 2 + width)
    while i > 0 and j > 0:
        centre = math.floor(i * slope)
        if not centre - reach <= j < (centre + reach if i < num_words else num_gold + 1):
            return False
        bit = 1 << (j - 1)
        up, _, rises, falls, equal = columns[i]
        before_up, before_down, _, _, _ = columns[i - 1]
        step = bool(rises & bit) - bool(falls & bit) + bool(before_up & bit) - bool(before_down & bit)
        across = step == 1 or bool(equal & bit)  # a substitution that costs one, or equal words
        if up & bit and (j > centre or not across):
            j -= 1
        elif rises & bit and (j < centre or not across):
            i -= 1
        else:
            i, j = i - 1, j - 1
    return i == 0 or math.floor(i * slope) <= reach
