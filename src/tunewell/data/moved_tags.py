"""A tagged example with another text: its words keep their tags, or pass them on to those in their place.

Not for: reading examples from files (`tagged`).
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from tunewell.core.examples import TaggedExample
from tunewell.core.tags import OUTSIDE
from tunewell.data.words import Span, cut


def with_text(example: TaggedExample, text: str, *, entities: bool) -> TaggedExample:
    """The example with another text: words that stayed keep their tags, words in their place take them over.

    A word that came in between belongs to the entity around it or to none; outside entities' tags, it is tagged as
    the word before it.
    """
    if text == example.text:
        return example
    sources, words = _sources(example, text)
    tags = None if example.tags is None else _moved_tags(example, sources, entities)
    return replace(example, text=text, words=words, tags=tags, illegal=(), widened=())


def _sources(example: TaggedExample, text: str) -> tuple[list[int | None], tuple[Span, ...]]:
    """The words of the new text, and the old word that each goes back to, if any."""
    old, new = cut(example.text), cut(text)
    owner: list[int | None] = []
    place = 0
    for start, end in old:
        while place < len(example.words) and example.words[place][1] <= start:
            place += 1
        owner.append(place if place < len(example.words) and example.words[place][0] < end else None)
    pieces = [example.text[start:end] for start, end in old], [text[start:end] for start, end in new]
    matcher = difflib.SequenceMatcher(None, *pieces, autojunk=False)
    sources: list[int | None] = []
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        for offset in range(new_end - new_start):
            within = min(offset, old_end - old_start - 1)
            sources.append(owner[old_start + within] if within >= 0 else None)
    merged: list[tuple[int | None, Span]] = []
    for source, (start, end) in zip(sources, new, strict=True):
        before, (first, stop) = merged[-1] if merged else (None, (0, 0))
        if source is not None and before == source and text[stop:start] in example.tokens[source]:
            merged[-1] = source, (first, end)
        else:
            merged.append((source, (start, end)))
    return [source for source, _ in merged], tuple(span for _, span in merged)


def _moved_tags(example: TaggedExample, sources: Sequence[int | None], entities: bool) -> tuple[str, ...]:
    tags = example.tags or ()
    known = [source for source in sources if source is not None]
    found: list[str] = []
    used = 0
    before: int | None = None
    for source in sources:
        last = found[-1] if found else OUTSIDE
        if source is None:
            following = tags[known[used]] if used < len(known) else OUTSIDE
            if entities:
                found.append(following if following.startswith("I-") and found else OUTSIDE)
            else:
                found.append(last if found else following if known else tags[0])
            continue
        used += 1
        tag = tags[source]
        if entities and tag != OUTSIDE:
            goes_on = last[1:] == tag[1:] and (tag.startswith("I-") or source == before)
            opens = not goes_on and source not in example.illegal
            tag = f"I{tag[1:]}" if goes_on else f"B{tag[1:]}" if opens else tag
        found.append(tag)
        before = source
    return tuple(found)
