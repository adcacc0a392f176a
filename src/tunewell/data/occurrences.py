"""Where an answer stands in its context, when nobody says where or what they say is wrong.

Not for: whether an answer is at its `answer_start` (`answers`), or words with tags (`words`, `tagged`).
"""

from __future__ import annotations

import re
import unicodedata

from tunewell.data.answer_kinds import has_unspaced

_UNSPACED = re.compile("[\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaa7f]")
"""Thai, Lao, Tibetan, Burmese, Khmer and Tai: like Han and kana, they set no blanks between words."""


def occurrences(context: str, text: str) -> list[int]:
    """Where `text` begins in `context`, overlapping ones too, in order."""
    places, place = [], context.find(text)
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    return places


def likely_place(context: str, text: str, near: int | None = None) -> int | None:
    """Where `text` most likely stands: nearest to `near`, or first; None where it does not occur.

    Places where it begins and ends with a word go before others: 14 is meant to be in "14 years", not in 1914.
    """
    places = occurrences(context, text)
    places = [place for place in places if _is_whole(context, place, place + len(text))] or places
    return min(places, key=lambda place: 0 if near is None else abs(place - near), default=None)


def _is_whole(context: str, start: int, end: int) -> bool:
    return not _inside_word(context, start) and not _inside_word(context, end)


def _inside_word(text: str, place: int) -> bool:
    """Whether letters of one word, or digits of one number, stand before and after `place`."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if _class(after) == "M":
        return not before.isspace()
    while _class(before) == "M" and place > 1:
        place -= 1
        before = text[place - 1]
    if _class(before) != _class(after) or _class(after) not in ("L", "N"):
        return False
    return not (_is_unspaced(before) or _is_unspaced(after))


def _class(character: str) -> str:
    """`L` for letters, `N` for digits, `M` for marks."""
    return unicodedata.category(character)[0]


def _is_unspaced(character: str) -> bool:
    return has_unspaced(character) or _UNSPACED.match(character) is not None
