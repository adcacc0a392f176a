"""Rewritten texts beside their source and their reference, with what only one of the two has marked.

Words are compared, and in scripts without blanks between words single characters. A mark is a line and a tint, and
says in words what it is. Not for listing, searching or filtering: that is `texts.py`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache

from tunewell.core.scripts import is_unspaced
from tunewell.core.sections import Rewrite, Rewrites
from tunewell.report.texts import Block, Parts, Piece, TextsView, Written, listing

MAX_ENTRIES = 200
MAX_CHARACTERS = 1500
NAMES = {"source": "Source", "reference": "Reference", "output": "Output"}
_COMPARED = 2000
"""So much of a text is compared: a little more than is shown, so that what was cut off is not taken for missing."""

_LEAST_GAP = 80
_JOINER = "\u200d"
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RewritesView:
    """The texts, and whether any of them differs from its reference in some words."""

    listing: TextsView
    differ: bool


def rewrites_view(section: Rewrites, max_bytes: int) -> RewritesView:
    """The first entries, `MAX_ENTRIES` at most, within about `max_bytes` of page."""
    shown = section.entries[:MAX_ENTRIES]
    view = listing(map(written, shown), [entry.facts for entry in shown], (), max_bytes, NAMES)
    differ = any(entry.reference != entry.output for entry in shown)
    return RewritesView(replace(view, num_entries=len(section.entries)), differ)


def written(entry: Rewrite) -> Written:
    """Source, reference and output as blocks, each of about `MAX_CHARACTERS` at most."""
    lacking, added = differences(entry.reference[:_COMPARED], entry.output[:_COMPARED])
    blocks = [
        Block("source", parted(entry.source, [], "")),
        Block("reference", parted(entry.reference, lacking, "lacking")),
        Block("output", parted(entry.output, added, "added")),
    ]
    texts = (entry.source, entry.reference, entry.output)
    return Written([], any(kept(text) < len(text) for text in texts), blocks)


def parted(text: str, spans: Sequence[Span], kind: str, limit: int = MAX_CHARACTERS) -> Parts:
    """The text with its `spans` as pieces of this `kind`; what exceeds about `limit` characters is left out."""
    if not text.strip():
        return [Piece("gap", "[nothing]")]
    end = kept(text, limit)
    parts: list[str | Piece] = []
    at = 0
    for first, last in spans:
        if first >= end:
            break
        if first > at:
            parts.append(text[at:first])
        at = min(last, end)
        parts.append(Piece(kind, "", (text[first:at],)))
    if at < end:
        parts.append(text[at:end])
    if end < len(text):
        parts.append(Piece("gap", f" [… {len(text) - end:,} characters left out]"))
    return parts


def kept(text: str, limit: int = MAX_CHARACTERS) -> int:
    """Where a text is cut: at its end, or after the last whole word within `limit` characters."""
    if len(text) <= limit + _LEAST_GAP:
        return len(text)
    return next((end for _, end in reversed(words(text[: limit + 1])) if end <= limit), limit)


def differences(reference: str, output: str) -> tuple[list[Span], list[Span]]:
    """The pieces of the reference that the output lacks, and those of the output that the reference lacks.

    Half-open character spans, in order; words that follow each other make one. Blanks and line breaks don't count.
    """
    theirs, ours = words(reference), words(output)
    matcher = SequenceMatcher(None, [reference[a:b] for a, b in theirs], [output[a:b] for a, b in ours])
    lacking, added = [], []
    for tag, first, last, begin, end in matcher.get_opcodes():
        if tag == "equal":
            continue
        if first < last:
            lacking.append((theirs[first][0], theirs[last - 1][1]))
        if begin < end:
            added.append((ours[begin][0], ours[end - 1][1]))
    return lacking, added


def words(text: str) -> list[Span]:
    """Where the words stand: runs of letters and digits, single signs, single characters of unspaced scripts.

    Accents, joiners and skin tones stay with the character before them.
    """
    found: list[Span] = []
    before = "blank"
    joined = False
    for at, character in enumerate(text):
        kind = _kind(character)
        goes_on = bool(found) and before != "blank" and (joined or kind == "mark")
        if goes_on or (kind == before == "letter"):
            found[-1] = (found[-1][0], at + 1)
            kind = before
        elif kind != "blank":
            found.append((at, at + 1))
        before, joined = kind, character == _JOINER
    return found


@cache
def _kind(character: str) -> str:
    """blank, mark (it belongs to the character before it), letter, or alone (a word by itself)."""
    category = unicodedata.category(character)
    if character.isspace():
        return "blank"
    if category[0] == "M" or character == _JOINER or "\U0001f3fb" <= character <= "\U0001f3ff":
        return "mark"
    if "\N{REGIONAL INDICATOR SYMBOL LETTER A}" <= character <= "\N{REGIONAL INDICATOR SYMBOL LETTER Z}":
        return "letter"  # two make a flag
    if is_unspaced(character):
        return "alone"
    return "letter" if category[0] in "LN" else "alone"
