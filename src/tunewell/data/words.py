"""Texts cut into words, words joined to a text, and words found again in a text; all by character.

The rule of `cut`, for texts that nobody has cut yet:

- A word is a run of letters, digits and combining marks (Unicode categories L, N and M). Zero-width joiners and
  non-joiners belong to it, and so do soft hyphens and word joiners between two of its characters.
- Every Han character and every kana is a word of its own; runs of Hangul are words.
- An emoji is one word with all that belongs to it: skin tone, variation selector, what is joined to it, the two
  letters of a flag, a keycap.
- Any other visible character is a word of its own: punctuation, symbols, currency signs.
- Marks never leave the character they stand on. Blanks, controls and invisible characters separate words and belong
  to none.

So `don't` is three words, and so is `3.14`; scripts without blanks between words other than Chinese and Japanese (Thai,
Khmer) are cut at blanks and punctuation only. Not for: token ids (`tunewell.models.tokenizer`) or tags (`tagged`).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache

Span = tuple[int, int]

_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_KANA = (
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d"
    "\U0001aff0-\U0001afff\U0001b000-\U0001b16f"
)
_PUNCTUATION_OF_CJK = "\u3000-\u3020\u3030-\u303f\u30fb\uff01-\uff65"
_PICTURES = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff"
)
_FLAG_LETTERS = "\U0001f1e6-\U0001f1ff"
_SKIN_TONES = "\U0001f3fb-\U0001f3ff"
_TAGS = "\U000e0020-\U000e007f"
_JOINERS = "\u200c\u200d"
_HALFWIDTH_VOICE_MARKS = "\uff9e\uff9f"
"""Letters by category, and marks by what they do."""

_INNER = "\u00ad\u2060"
"""Soft hyphen and word joiner."""

_BLANK_LETTERS = "\u2800\u3164\uffa0"
"""Braille blank and Hangul fillers: visible by category, and drawn as nothing."""

_VISIBLE_FORMATS = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Signs over numbers in Arabic, Syriac and Kaithi: format characters by category."""

_INVISIBLE_MARKS = "\u034f\u17b4\u17b5\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Joiners of graphemes, inherent vowels and variation selectors: nothing without a character to stand on."""

_LAST_OF_INTEREST = 0x1FFFF
"""Beyond it are Han characters, tags and variation selectors alone, which are named above."""

_CJK = re.compile(f"[{_HAN}{_KANA}{_HALFWIDTH_VOICE_MARKS}{_PUNCTUATION_OF_CJK}]")
_BLANKS = re.compile(r"\s*")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def cut(text: str) -> tuple[Span, ...]:
    """The half-open character spans of the words of `text`, by the rule at the head of this module."""
    return tuple([match.span() for match in _pattern().finditer(text)])


def join(tokens: Sequence[str]) -> tuple[str, tuple[Span, ...]]:
    """The tokens as one text, and where each stands: a blank between two, none between two of Chinese or Japanese."""
    pieces: list[str] = []
    spans = []
    length = 0
    for index, token in enumerate(tokens):
        if index and not (_CJK.match(tokens[index - 1][-1:]) and _CJK.match(token)):
            pieces.append(" ")
            length += 1
        pieces.append(token)
        spans.append((length, length + len(token)))
        length += len(token)
    return "".join(pieces), tuple(spans)


def align(text: str, tokens: Iterable[str]) -> tuple[Span, ...] | None:
    """Where the tokens stand in `text`, in order and with no letter or digit between and around them; None where not.

    Blanks, quotes and other punctuation may be missing from the tokens.
    """
    spans = []
    place = 0
    for token in tokens:
        start = text.find(token, _blanks_end(text, place))
        if start < 0 or _LETTER_OR_DIGIT.search(text, place, start):
            return None
        place = start + len(token)
        spans.append((start, place))
    return None if _LETTER_OR_DIGIT.search(text, place) else tuple(spans)


def _blanks_end(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    assert match is not None
    return match.end()


@cache
def _pattern() -> re.Pattern[str]:
    """One word; the alternatives stand in the order in which they must be tried."""
    cjk = re.compile(f"[{_HAN}{_KANA}{_HALFWIDTH_VOICE_MARKS}{_BLANK_LETTERS}]")
    letters = _ranges(lambda character, kind: kind[0] in "LN" and not cjk.match(character))
    marks = _ranges(lambda _, kind: kind[0] == "M") + _HALFWIDTH_VOICE_MARKS + "\U000e0100-\U000e01ef"
    ignored = re.compile(f"[{_INVISIBLE_MARKS}]")
    seen_marks = _ranges(lambda character, kind: kind[0] == "M" and not ignored.match(character))
    seen_formats = re.compile(f"[{_VISIBLE_FORMATS}]")
    hidden = _ranges(lambda character, kind: kind in ("Cc", "Cf", "Cs") and not seen_formats.match(character))
    hidden += f"\U000e0000-\U000e00ff{_INVISIBLE_MARKS}{_BLANK_LETTERS}"
    extra = f"[{marks}{_JOINERS}]*"
    picture = f"[{_PICTURES}][{marks}{_SKIN_TONES}{_TAGS}]*"
    return re.compile(
        f"[{_FLAG_LETTERS}]{{2}}{extra}"
        f"|[0-9#*]\ufe0f?\u20e3{extra}"
        f"|{picture}(?:\u200d{picture})*{extra}"
        f"|[{_HAN}{_KANA}]{extra}"
        f"|[{letters}{seen_marks}](?:[{letters}{marks}{_JOINERS}]+|[{_INNER}]+(?=[{letters}]))*"
        rf"|[^\s{hidden}]{extra}"
    )


def _ranges(wanted: Callable[[str, str], object]) -> str:
    """The characters that `wanted` says yes to, given each and its category, as ranges for a set of `re`."""
    chosen = [
        code
        for code in range(min(_LAST_OF_INTEREST, sys.maxunicode) + 1)
        if wanted(chr(code), unicodedata.category(chr(code)))
    ]
    found: list[list[int]] = []
    for code in chosen:
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(f"{_escaped(first)}-{_escaped(last)}" for first, last in found)


def _escaped(code: int) -> str:
    return f"\\U{code:08x}"
