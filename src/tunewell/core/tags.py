"""Tags of words that speak of entities: which scheme they are in, and which spans of words they mean.

Every task, metric and baseline reads entities here, so that they cannot disagree. A span is `(type, first
word, end word)`, half-open. Two readings exist, as in seqeval 1.2.2: `spans` is its default mode, which reads
as the conlleval script does (an `I-X` may open a span), `strict_spans` its strict mode with the scheme IOB2.

Not for: parts of speech, which are tags without spans, or files and their faults (the task reports those,
with `malformed` and `illegal`). The scores are in `tunewell.metrics.entities`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from tunewell.core.examples import Entity, TaggedExample

SCHEMES = ("iob1", "iob2", "iobes")
"""The schemes that are read. BILOU and BMES count as iobes: L is its E, U its S and M its I."""

Span: TypeAlias = tuple[str, int, int]
"""Type, first word, end word (half-open)."""

OUTSIDE = "O"

_ENTITY_TAG = re.compile(r"[BIESLUM]-.+", re.DOTALL)
_OTHER_NAMES = {"L": "E", "U": "S", "M": "I"}
_IOB1_SLIPS = 0.01
"""As many misplaced B- tags per span that I- opens, at most, leave a file in the scheme IOB1."""


@lru_cache(maxsize=4096)
def _split(tag: str) -> tuple[str, str]:
    """Prefix and type; what follows the first hyphen is the type, so `B-PER-NAM` is of `PER-NAM`."""
    return tag[:1], tag[1:].split("-", maxsplit=1)[-1] or "_"


@lru_cache(maxsize=4096)
def _strict_split(tag: str) -> tuple[str, str]:
    return tag[:1], strict_type(tag[1:])


def strict_type(name: str) -> str:
    """The type as the strict reading calls it: without hyphens at its ends, as in seqeval."""
    return name.strip("-") or "_"


@lru_cache(maxsize=4096)
def _is_malformed(tag: str) -> bool:
    return tag != OUTSIDE and _ENTITY_TAG.fullmatch(tag) is None


def malformed(tags: Sequence[str]) -> list[int]:
    """Where a tag is neither `O` nor one of the prefixes B, I, E, S, L, U, M, a hyphen and a type."""
    return [index for index, tag in enumerate(tags) if _is_malformed(tag)]


def detect_scheme(sequences: Iterable[Sequence[str]]) -> str | None:
    """The scheme of all the sentences' tags together; None when they are not of entities (parts of speech).

    They are of entities when `O`, a B- or an I- occurs and more of the other tags have a prefix than have
    none: a slip (`PER` for `B-PER`) then is an error at its line, not a reason to score something else. Any
    E-, S-, L-, U- or M- makes them iobes. They are iob1 when I- opens spans and B- stands only directly
    after the same type, as that scheme has it (up to one slip in a hundred), else iob2, with tags that are
    `illegal` where it does not fit. Tags that are all `O` are iob2; no tag at all is None.
    """
    prefixes: Counter[str] = Counter()
    opened_by_inside = misplaced = without_prefix = 0
    for tags in sequences:
        previous = (OUTSIDE, "_")
        for tag in tags:
            if _is_malformed(tag):
                without_prefix += 1
                previous = (OUTSIDE, "_")
                continue
            prefix, kind = _split(tag)
            prefixes[prefix] += 1
            follows = previous[0] != OUTSIDE and previous[1] == kind
            opened_by_inside += prefix == "I" and not follows
            misplaced += prefix == "B" and not follows
            previous = (prefix, kind)
    with_prefix = prefixes.total() - prefixes[OUTSIDE]
    if not any(prefixes[name] for name in "OBI") or 0 < without_prefix >= with_prefix:
        return None
    if any(prefixes[name] for name in "ESLUM"):
        return "iobes"
    return "iob1" if opened_by_inside and misplaced <= _IOB1_SLIPS * opened_by_inside else "iob2"


def to_iob2(tags: Sequence[str], scheme: str) -> tuple[str, ...]:
    """The tags in the scheme IOB2: each span opens with B-.

    Tags that are in it come back as they are, illegal ones included. Those of other schemes are written anew
    from the spans that conlleval sees in them. Raises `ValueError` for an unknown scheme, and for a malformed
    tag in the other schemes.
    """
    _check_scheme(scheme)
    if scheme == "iob2":
        return tuple(tags)
    wrong = malformed(tags)
    if wrong:
        raise ValueError(f"the tag {tags[wrong[0]]!r} of word {wrong[0]} is not of the scheme {scheme}")
    return tags_of(_read([_renamed(tag) for tag in tags], opening="BIES", continuing="IE"), len(tags))


def illegal(tags: Sequence[str], scheme: str = "iob2") -> list[int]:
    """Where a tag cannot follow the one before it, or has no place in the scheme at all.

    An iobes span that is still open at the end is counted at the last word. Raises `ValueError` for an
    unknown scheme.
    """
    _check_scheme(scheme)
    wrong = []
    previous = (OUTSIDE, "_")
    for index, tag in enumerate(tags):
        bad = _is_malformed(tag)
        current = (OUTSIDE, "_") if bad else _renamed(tag) if scheme == "iobes" else _split(tag)
        if bad or not _may_follow(previous, current, scheme):
            wrong.append(index)
        previous = current
    if scheme == "iobes" and previous[0] in ("B", "I") and wrong[-1:] != [len(tags) - 1]:
        wrong.append(len(tags) - 1)
    return wrong


def _may_follow(previous: tuple[str, str], current: tuple[str, str], scheme: str) -> bool:
    prefix = current[0]
    open_span = previous[0] in ("B", "I")
    same_type = open_span and previous[1] == current[1]
    if scheme == "iob2":
        return prefix in (OUTSIDE, "B") or (prefix == "I" and same_type)
    if scheme == "iob1":
        return prefix in (OUTSIDE, "I") or (prefix == "B" and same_type)
    return same_type and prefix in ("I", "E") if open_span else prefix in (OUTSIDE, "B", "S")


def _check_scheme(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise ValueError(f"unknown scheme {scheme!r}, not one of {', '.join(SCHEMES)}")


def _renamed(tag: str) -> tuple[str, str]:
    prefix, kind = _split(tag)
    return _OTHER_NAMES.get(prefix, prefix), kind


def spans(tags: Sequence[str]) -> list[Span]:
    """The entities as conlleval and seqeval's default mode read them, in order.

    Only an I-X (or E-X) directly after a B-X or I-X goes on with a span; any other prefix B, I, E or S opens
    one. Tags without such a prefix stand outside.
    """
    return _read([_split(tag) for tag in tags], opening="BIES", continuing="IE")


def strict_spans(tags: Sequence[str]) -> list[Span]:
    """The entities as seqeval's strict mode reads the scheme IOB2: only B-X opens, only I-X goes on.

    Words under an I- that nothing opened belong to no entity. Where seqeval raises, for prefixes that the
    scheme does not have, they stand outside.
    """
    return _read([_strict_split(tag) for tag in tags], opening="B", continuing="I")


def _read(
    pairs: Sequence[tuple[str, str]], opening: Collection[str], continuing: Collection[str]
) -> list[Span]:
    found = []
    begin: int | None = None
    before, kind = OUTSIDE, "_"
    for index, (prefix, name) in enumerate(pairs):
        if begin is not None:
            if prefix in continuing and name == kind and before in ("B", "I"):
                before = prefix
                continue
            found.append((kind, begin, index))
            begin = None
        if prefix in opening:
            begin, kind = index, name
        before = prefix
    if begin is not None:
        found.append((kind, begin, len(pairs)))
    return found


def tags_of(spans: Iterable[Span], num_words: int) -> tuple[str, ...]:
    """The IOB2 tags of `num_words` words. Raises `ValueError` for spans that overlap, are empty or lie outside."""
    tags = [OUTSIDE] * num_words
    for kind, first, end in spans:
        if not 0 <= first < end <= num_words:
            raise ValueError(f"the span {kind} {first}..{end} does not lie within {num_words} words")
        if any(tag != OUTSIDE for tag in tags[first:end]):
            raise ValueError(f"the span {kind} {first}..{end} overlaps another")
        tags[first:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - first - 1)]
    return tuple(tags)


def entities_of(example: TaggedExample, tags: Sequence[str], scores: Sequence[float]) -> tuple[Entity, ...]:
    """The entities that IOB2 tags of the example's words speak of, in the reading of `spans`.

    An entity goes from the start of its first word to the end of its last; `scores` has a number for each
    word, and the entity's score is the mean of its words'. Raises `ValueError` unless each word has both.
    """
    if not len(example.words) == len(tags) == len(scores):
        raise ValueError(f"{len(example.words)} words, {len(tags)} tags and {len(scores)} scores")
    entities = []
    for kind, first, end in spans(tags):
        start, stop = example.words[first][0], example.words[end - 1][1]
        mean = sum(scores[first:end]) / (end - first)
        entities.append(Entity(start, stop, kind, example.text[start:stop], mean))
    return tuple(entities)
