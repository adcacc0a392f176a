"""The script that a text is written in, letter by letter, told by the names Unicode gives its characters.

Not for: recognising languages. German and Dutch share a script, and Chinese is told from Japanese by kana alone, so a
Japanese text without any passes for Chinese (`same_script` allows for it). Codes of languages are `languages`.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from unicodedata import category
from unicodedata import name as unicode_name

from tunewell.core.languages import language_of

_FORMS = {"FULLWIDTH", "HALFWIDTH"}
_HAN = {"CJK", "IDEOGRAPHIC"}
_KANA = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}
_UNSPACED = {"Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"}

_LEAST_KANA = 0.05
"""With a smaller share of kana among kana and ideographs, a text counts as Chinese that quotes Japanese."""

_LANGUAGES_OF = {
    "Latin": "en de fr es it pt nl sv da nb nn no fi et lv lt pl cs sk sl hr hu ro tr vi id ms sw is ga cy eu ca gl sq af",
    "Cyrillic": "ru uk bg mk be kk ky tg tt ba cv ce os",
    "Han": "zh",
    "Japanese": "ja",
    "Hangul": "ko",
    "Arabic": "ar fa ur ps ug",
    "Hebrew": "he yi",
    "Greek": "el",
    "Devanagari": "hi mr ne sa",
    "Bengali": "bn as",
    "Tamil": "ta",
    "Telugu": "te",
    "Thai": "th",
    "Khmer": "km",
    "Myanmar": "my",
    "Ethiopic": "am ti",
    "Georgian": "ka",
    "Armenian": "hy",
}
_USUAL_SCRIPT = {code: script for script, codes in _LANGUAGES_OF.items() for code in codes.split()}


@lru_cache(maxsize=2**15)
def script_of_letter(letter: str) -> str:
    """`Latin`, `Cyrillic`, `Han`, `Kana`, `Thai` and so on; "" for what is no letter or mark of any script."""
    if not letter.isalpha() and not category(letter).startswith("M"):
        return ""
    first, *others = unicode_name(letter, "").split(" ")
    if first in _FORMS and others:
        first = others[0]
    if first in _HAN:
        return "Han"
    return "Kana" if first in _KANA else first.capitalize()


@lru_cache(maxsize=2**15)
def is_unspaced(character: str) -> bool:
    """Whether the character is of a script that sets no blanks between words."""
    return script_of_letter(character) in _UNSPACED


def script_shares(text: str) -> dict[str, float]:
    """The share of the text's letters that each script has, the largest first; Han and Kana stand apart."""
    if text.isascii():
        return {"Latin": 1.0} if any(map(str.isalpha, text)) else {}
    counts = Counter(script for letter in text if letter.isalpha() and (script := script_of_letter(letter)))
    total = counts.total()
    return {script: count / total for script, count in counts.most_common()}


def script_of(text: str) -> str:
    """The script of most of the text's letters: `Latin`, `Cyrillic`, `Arabic`, `Han`, ...; "" without letters.

    Ideographs among kana are `Japanese`, as kana are; ideographs alone are `Han`.
    """
    shares = script_shares(text)
    kana = shares.pop("Kana", 0.0)
    if kana:
        both = kana + shares.pop("Han", 0.0)
        shares["Japanese" if kana >= _LEAST_KANA * both else "Han"] = both
    return max(shares, key=lambda script: shares[script], default="")


def same_script(one: str, other: str) -> bool:
    """Whether texts in the two scripts may be in one language: the same, or ideographs beside those among kana."""
    return one == other or {one, other} == {"Han", "Japanese"}


def usual_script(language: str) -> str | None:
    """The script that a language is usually written in, by its code; None where it is not known or there are several."""
    return _USUAL_SCRIPT.get(language_of(language) or "")
