"""Sections made of examples that are worth reading: texts, marked texts, rewritten texts, conversations.

Import them from `sections.py`, where all kinds of sections are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tunewell.core.examples import Turn
from tunewell.core.section import Section


@dataclass(frozen=True, slots=True)
class Texts(Section):
    """Examples worth reading: the text, what was right, what was predicted, and how sure the model was.

    Fields named in `verbatim`, runs say, keep their names as they are.
    """

    kind: ClassVar[str] = "texts"
    entries: Sequence[Mapping[str, str | float]]
    verbatim: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mark:
    """`text[char_start:char_end]` is a `label`, as the data (`gold`) or the model (`predicted`) has it."""

    char_start: int
    char_end: int
    label: str
    side: Literal["gold", "predicted"]


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A running text, marks in it (they may overlap and nest) and facts about it, by name.

    The facts are read as the fields of `Texts` are; `question` stands above the text. Offsets count Python's
    characters. Raises `ValueError` for a mark that is empty or not within the text.
    """

    text: str
    marks: Sequence[Mark]
    facts: Mapping[str, str | float]

    def __post_init__(self) -> None:
        for mark in self.marks:
            if not 0 <= mark.char_start < mark.char_end <= len(self.text):
                raise ValueError(f"{mark} is not a piece of a text of {len(self.text)} characters")


@dataclass(frozen=True, slots=True)
class MarkedTexts(Section):
    """Texts in which gold and predicted pieces are both marked: entities, answers."""

    kind: ClassVar[str] = "marked"
    entries: Sequence[MarkedText]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A source, what it was to be rewritten as, what the model wrote, and facts about it, by name.

    What differs between reference and output is found when it is drawn. The facts are read as the fields of
    `Texts` are.
    """

    source: str
    reference: str
    output: str
    facts: Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Rewrites(Section):
    """Translations or summaries, each beside its source and its reference."""

    kind: ClassVar[str] = "rewrites"
    entries: Sequence[Rewrite]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said before a reply, the reply that the data have, the model's, and facts about them, by name.

    `reference` is None where the data have no reply, `reply` where the model wrote none.
    """

    turns: Sequence[Turn]
    reference: str | None
    reply: str | None
    facts: Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Conversations(Section):
    """Conversations, each with its reply and the model's side by side."""

    kind: ClassVar[str] = "conversations"
    entries: Sequence[Conversation]
