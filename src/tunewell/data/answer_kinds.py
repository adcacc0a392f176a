"""How answers are written and how long they are, so that scores can be told apart by it.

Not for: reading them (`answers`), scoring them (`tunewell.metrics.answers`), or what a question asks for
(`tunewell.core.questions`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tunewell.core.examples import Answer

_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Han and kana: scripts that set no blanks between words."""

_CLASSES = {
    "words": ((10, "10+"), (5, "5 to 9"), (3, "3 to 4"), (2, "2"), (0, "1")),
    "characters": ((20, "20+"), (10, "10 to 19"), (5, "5 to 9"), (3, "3 to 4"), (0, "1 to 2")),
}


def length_class(answer: str, unit: str) -> str:
    """How long an answer is, as one of `length_classes`; blanks are no characters."""
    length = len(answer.split()) if unit == "words" else sum(not c.isspace() for c in answer)
    return next(name for low, name in _CLASSES[unit] if length >= low)


def length_classes(unit: str) -> list[str]:
    """The classes of length in `words` or `characters`, the shortest first."""
    return [name for _, name in reversed(_CLASSES[unit])]


def has_unspaced(text: str) -> bool:
    """Whether something in it is written in Han or kana."""
    return _UNSPACED.search(text) is not None


def is_unspaced(answers: Iterable[Answer]) -> bool:
    """Whether most of the answers are written mostly in Han or kana, where words have no blanks between them."""
    unspaced = total = 0
    for answer in answers:
        characters = [character for character in answer.text if not character.isspace()]
        total += 1
        unspaced += 2 * sum(_UNSPACED.match(character) is not None for character in characters) > len(
            characters
        )
    return 2 * unspaced > total
