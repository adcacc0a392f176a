"""Languages of files and texts: which endings name one, which pair a name holds, what a text is written in.

Not for: what is a code of a language (`tunewell.core.languages`), the codes that a tokenizer knows (`tunewell.models`),
or recognising the language of a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from tunewell.core.languages import alike as alike
from tunewell.core.languages import language_of as language_of

SIDES = ("source", "target", "src", "tgt", "trg")
"""What the two sides of a text are called where nobody names their languages."""

_NO_ENDINGS = ("bak", "run")
"""Codes that endings of other files share more often."""

_LANGUAGES_OF = {
    "LATIN": "en de fr es it pt nl sv da nb nn no fi et lv lt pl cs sk sl hr hu ro tr vi id ms sw is ga cy eu ca gl sq af",
    "CYRILLIC": "ru uk bg mk be kk ky tg tt ba cv ce os",
    "CJK": "zh ja",
    "HANGUL": "ko",
    "ARABIC": "ar fa ur ps ug",
    "HEBREW": "he yi",
    "GREEK": "el",
    "DEVANAGARI": "hi mr ne sa",
    "BENGALI": "bn as",
    "TAMIL": "ta",
    "TELUGU": "te",
    "THAI": "th",
    "KHMER": "km",
    "MYANMAR": "my",
    "ETHIOPIC": "am ti",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
_USUAL_SCRIPT = {code: script for script, codes in _LANGUAGES_OF.items() for code in codes.split()}
_ALSO_CJK = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "IDEOGRAPHIC"}


def is_ending(ending: str) -> bool:
    """Whether the ending of a file, without its dot, says which language or which side of a text it holds."""
    if ending in SIDES:
        return True
    language = re.split("[-_]", ending)[0]
    return language.islower() and ending not in _NO_ENDINGS and language_of(ending) is not None


def pair_in(name: str, languages: list[str]) -> list[str] | None:
    """The two `languages` in the order in which a name such as `multi30k_en_de` or `Tatoeba.en-zh` has them, or None.

    Both must stand there once, side by side.
    """
    if len(languages) != 2:
        return None
    first, second = map(re.escape, languages)
    found = re.findall(rf"(?<![^\W_])(?:({first})[-_]({second})|({second})[-_]({first}))(?![^\W_])", name)
    return [code for code in found[0] if code] if len(found) == 1 else None


def script_of(text: str) -> str | None:
    """The script of most letters of a text, by its name in Unicode (`LATIN`, `CJK`); None without letters.

    Kana and ideographs count as one.
    """
    counts = Counter(map(_script, text))
    del counts[None]
    return counts.most_common(1)[0][0] if counts else None


def usual_script(code: str) -> str | None:
    """The script that a language is usually written in; None where it is not known or there are several."""
    return _USUAL_SCRIPT.get(language_of(code) or "")


@lru_cache(maxsize=2**14)
def _script(character: str) -> str | None:
    if not character.isalpha():
        return None
    script = unicodedata.name(character, "").partition(" ")[0]
    return "CJK" if script in _ALSO_CJK else script or None
