"""Languages of files: which endings name one, and which pair a name holds.

Not for: what is a code of a language (`tunewell.core.languages`), what a text is written in (`tunewell.core.scripts`),
or the codes that a tokenizer knows (`tunewell.models`).
"""

from __future__ import annotations

import re

from tunewell.core.languages import alike as alike
from tunewell.core.languages import language_of as language_of
from tunewell.core.languages import language_said as language_said

SIDES = ("source", "target", "src", "tgt", "trg")
"""What the two sides of a text are called where nobody names their languages."""

_NO_ENDINGS = ("bak", "run")
"""Codes that endings of other files share more often."""


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
