"""Checks: what was looked at and what came out, and the one line of it that stands beside the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewell.core.sections import Checks

_GLYPHS = {"fine": "✓", "look": "!", "note": "·"}
_WORDS = {"fine": "Fine", "look": "Look", "note": "Note"}


@dataclass(frozen=True, slots=True)
class CheckView:
    """One line; `word` says the verdict without sign and colour."""

    verdict: str
    glyph: str
    word: str
    text: str
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class TrustView:
    """What the headline says of the checks, and where they stand."""

    id: str
    glyph: str
    tone: str
    text: str


def checks_view(section: Checks) -> list[CheckView]:
    """The lines in the order given."""
    return [
        CheckView(item.verdict, _GLYPHS[item.verdict], _WORDS[item.verdict], item.text, item.examples)
        for item in section.items
    ]


def checks_summary(id_: str, views: Sequence[CheckView]) -> TrustView | None:
    """How many checks want a look; None where nothing was judged."""
    judged = [view for view in views if view.verdict != "note"]
    if not judged:
        return None
    bad = sum(view.verdict == "look" for view in judged)
    if not bad:
        return TrustView(id_, "✓", "good", f"All {len(judged)} checks of data and model are fine.")
    wants = "wants" if bad == 1 else "want"
    return TrustView(id_, "!", "bad", f"{bad} of {len(judged)} checks {wants} a look before you trust it.")
