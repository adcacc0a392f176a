"""Texts of any script as words, and the longest common subsequence of two.

Where a script sets blanks, a word is a run of letters, marks and digits; where it sets none (Chinese, Japanese, Thai,
Lao, Khmer, Burmese, Tibetan), each character is one. All in lower case. Not for: BLEU, which has tokenizers of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import category

from tunewell.core.scripts import is_unspaced

_ASCII_PIECE = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")


def pieces(text: str) -> list[str]:
    """The words of a text, and each other character that is no blank, in order and in lower case."""
    text = text.lower()
    if text.isascii():
        return _ASCII_PIECE.findall(text)
    found: list[str] = []
    in_word = False
    for character in text:
        if character.isalnum():
            alone = is_unspaced(character)
            if in_word and not alone:
                found[-1] += character
            else:
                found.append(character)
            in_word = not alone
        elif category(character).startswith("M") and found:
            found[-1] += character  # a mark belongs to what it stands on, and ends nothing
        else:
            in_word = False
            if not character.isspace():
                found.append(character)
    return found


def words(text: str) -> list[str]:
    """The words of a text without punctuation; of an ASCII text, its runs of a-z and 0-9."""
    return [piece for piece in pieces(text) if piece[0].isalnum()]


def longest_common_length(one: Sequence[str], two: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    A row of the usual table at once, as the bits of one number (Crochemore et al. 2001; Hyyrö 2004).
    """
    places: dict[str, int] = {}
    for place, item in enumerate(one):
        places[item] = places.get(item, 0) | 1 << place
    everything = (1 << len(one)) - 1
    row = everything
    for item in two:
        met = row & places.get(item, 0)
        row = (row + met | row - met) & everything
    return len(one) - row.bit_count()
