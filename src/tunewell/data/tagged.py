"""One row of a file as a text cut into words, with their tags or with spans of characters; or an error with its place.

Not for: which columns these are (`tagged_columns`), how a text is cut (`words`), what tags mean (`core.tags`), what is
odd in data that can be read (`tag_checks`), or other texts for an example (`moved_tags`). Words are counted from 1 in
messages.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

from tunewell.core import tags as schemes
from tunewell.core.errors import DataError
from tunewell.core.examples import Row, TaggedExample
from tunewell.data import values
from tunewell.data.findings import plural
from tunewell.data.words import Span, align, cut, join

START_NAMES = ("start", "start_offset", "char_start")
END_NAMES = ("end", "end_offset", "char_end")
TYPE_NAMES = ("label", "type", "entity_group", "labels")
"""What marked spans of characters call their parts."""

_OF_PREDICTIONS = ("tokens", "tags", "scores", "entities")
"""Columns that a prediction's fields take the names of."""

_PREFIXES = {"iob1": "BI", "iob2": "BI", "iobes": "BIESLUM"}
_FEATURE = re.compile(r"([^=|]+)=([^|]*)")


def read_sentence(row: Row, column: str, *, labelled: bool) -> TaggedExample:
    """A text and its words, whose tags are still unknown; see `read_words`."""
    text, words, missing = read_words(row, column, labelled=labelled)
    return TaggedExample(values.row_id(row), row.origin, text, words, text_missing=missing)


def with_spans(row: Row, column: str, example: TaggedExample, known: Collection[str]) -> TaggedExample:
    """The example with the tags of the spans in a column; if no type is `known`, every type is taken."""
    marked = read_spans(row, column, example.text, known)
    tags, widened = tags_of_spans(row, example.text, example.words, marked)
    return replace(example, tags=tags, widened=widened)


def with_plain_tags(
    row: Row, column: str, example: TaggedExample, names: Sequence[str] | None, known: Collection[str]
) -> TaggedExample:
    """The example with tags that stand for themselves; see `read_tags`. If none is `known`, every tag is taken."""
    found = read_tags(row, column, example.tokens, names)
    if known:
        check_known(row, example.tokens, found, known, entities=False)
    return replace(example, tags=tuple(found))


def with_entity_tags(
    row: Row,
    column: str,
    example: TaggedExample,
    scheme: str,
    *,
    names: Sequence[str] | None,
    known: Collection[str],
    refuse: bool,
) -> TaggedExample:
    """The example with tags of entities; see `read_tags` and `in_iob2`. If no type is `known`, every type is taken."""
    found = read_tags(row, column, example.tokens, names)
    tags, illegal = in_iob2(row, example.tokens, found, scheme, refuse=refuse)
    if known:
        check_known(row, example.tokens, tags, known, entities=True)
    return replace(example, tags=tags, illegal=illegal)


def read_words(
    row: Row, column: str, *, labelled: bool
) -> tuple[str, tuple[Span, ...], Literal["absent", "other"] | None]:
    """The text and its words, and `TaggedExample.text_missing`: from a list of words, or from a text that `words.cut` cuts.

    A list of words stands in the row's own `text` where that holds them in order (`words.align`); else the words are
    joined. Raises `DataError` for anything else and, when `labelled`, for blank words and for no words at all.
    """
    value = row.values.get(column)
    missing: Literal["absent", "other"] | None
    if not isinstance(value, list):
        text = values.text(row, column, blank=not labelled)
        found, missing = cut(text), "absent" if column in _OF_PREDICTIONS else None
    else:
        _check_tokens(row, column, value, blank=not labelled)
        text, found, missing = _text_around(row, value)
    if labelled and not found:
        raise DataError(
            f"column {column!r} has no words",
            where=str(row.origin),
            fix=values.MEND_OR_DROP,
        )
    return text, found, missing


def _check_tokens(row: Row, column: str, tokens: Sequence[Any], *, blank: bool) -> None:
    for number, token in enumerate(tokens, 1):
        if not isinstance(token, str):
            raise _fault(row, f"column {column!r}: token {number} is {token!r}, not a text")
        if not blank and not token.strip():
            raise _fault(row, f"column {column!r}: token {number} is blank")
    values.text(replace(row, values={column: "".join(tokens)}), column, blank=True)


def _text_around(
    row: Row, tokens: Sequence[str]
) -> tuple[str, tuple[Span, ...], Literal["absent", "other"] | None]:
    text = row.values.get("text")
    found = align(text, tokens) if isinstance(text, str) else None
    if found is None:
        return *join(tokens), "other" if isinstance(text, str) and text.strip() else "absent"
    return values.text(row, "text", blank=True), found, None


def words_column(row: Row, names: Sequence[str]) -> str:
    """The first of the columns `names` that the row has words or a text in; the first of all where none is."""
    return next((name for name in names if isinstance(row.values.get(name), list | str)), names[0])


def tag_values(row: Row, column: str) -> Any:
    """What a row has for the tags of its words; `feats.Number` is one feature of the column `feats`, `_` without it."""
    if column in row.values or "." not in column:
        return row.values.get(column)
    base, _, name = column.partition(".")
    features = row.values.get(base)
    return [_feature(value, name) for value in features] if isinstance(features, list) else features


def _feature(value: Any, name: str) -> str:
    found: dict[str, str] = dict(_FEATURE.findall(value)) if isinstance(value, str) else {}
    return found.get(name, "_")


def read_tags(row: Row, column: str, tokens: Sequence[str], names: Sequence[str] | None) -> list[str]:
    """The tags of the words as the file has them; numbers are places in `names`, or their own names without."""
    found = tag_values(row, column)
    if not isinstance(found, list):
        shown = "is missing" if found is None else f"holds {found!r}, not a list of tags"
        raise _fault(row, f"column {column!r} {shown}")
    if len(found) != len(tokens):
        counts = f"{plural(len(tokens), 'token')} and {plural(len(found), 'tag')}"
        raise _fault(row, f"{counts} (column {column!r})")
    all_numbers = all(isinstance(tag, int) for tag in found)
    tags = []
    for number, (token, tag) in enumerate(zip(tokens, found, strict=True), 1):
        name: Any = tag
        if isinstance(tag, int) and not isinstance(tag, bool) and (names is not None or all_numbers):
            if names is not None and not 0 <= tag < len(names):
                limits = f"and task.labels names 0 to {len(names) - 1}"
                raise _fault(row, f"{_token(number, token)} has the tag {tag}, {limits}")
            name = str(tag) if names is None else names[tag]
        if not isinstance(name, str) or not name.strip():
            shown = f"{tag!r}, which is no tag" if tag is not None and tag != "" else "no tag"
            raise _fault(row, f"{_token(number, token)} has {shown} (column {column!r})")
        tags.append(name)
    return tags


def in_iob2(
    row: Row, tokens: Sequence[str], tags: Sequence[str], scheme: str, *, refuse: bool
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Tags of entities in the scheme IOB2, and which of the file's could not follow the one before.

    Raises `DataError` for a tag that is not of the scheme and, with `refuse`, for one that cannot follow.
    """
    for number, (token, tag) in enumerate(zip(tokens, tags, strict=True), 1):
        if schemes.malformed([tag]) or (tag != schemes.OUTSIDE and tag[0] not in _PREFIXES[scheme]):
            like = ", ".join(f"{prefix}-TYPE" for prefix in _PREFIXES[scheme][:4])
            raise DataError(
                f"{_token(number, token)} has the tag {tag!r}, which is not of the scheme {scheme} (O, {like})",
                where=str(row.origin),
                fix=f"{values.MEND_OR_DROP}; when training, --set task.scheme=... says what the tags are",
            )
    wrong = schemes.illegal(tags, scheme)
    if refuse and wrong:
        more = f"; {len(wrong) - 1} more in this sentence" if len(wrong) > 1 else ""
        raise DataError(
            f"{out_of_order(tokens, tags, wrong[0])}{more}",
            where=str(row.origin),
            fix=f"{values.MEND_OR_DROP}; when training, --set task.on_illegal_tag=accept reads them as conlleval does",
        )
    return schemes.to_iob2(tags, scheme), tuple(wrong)


def out_of_order(tokens: Sequence[str], tags: Sequence[str], place: int) -> str:
    """Says which word has a tag that cannot stand where it does."""
    before = f"after {tags[place - 1]}" if place else "at the beginning"
    return f"{_token(place + 1, tokens[place])} has the tag {tags[place]} {before}"


def check_known(
    row: Row, tokens: Sequence[str], tags: Sequence[str], known: Collection[str], *, entities: bool
) -> None:
    """Raise `DataError` for the first tag (of `entities`: the first type) that is not among `known`."""
    for number, (token, tag) in enumerate(zip(tokens, tags, strict=True), 1):
        name = tag.partition("-")[2] if entities else tag
        if name not in known and tag != (schemes.OUTSIDE if entities else None):
            raise _unknown(row, f"{_token(number, token)} has the tag {tag!r}", name, known, entities)


def read_spans(row: Row, column: str, text: str, known: Collection[str]) -> list[tuple[int, int, str]]:
    """Marked pieces of the text, `(start, end, type)`, in order; checked against the text and one another.

    Each is an object with start, end and type, or a list of the three. An empty `known` allows every type.
    """
    value = row.values.get(column)
    if not isinstance(value, list):
        missing = "is missing (an empty list stands for a text without entities)"
        shown = missing if value is None else f"holds {value!r}, not a list of spans"
        raise _fault(row, f"column {column!r} {shown}")
    found = sorted(_span(row, column, span, text) for span in value)
    for (start, end, kind), (other_start, other_end, other) in pairwise(found):
        if other_start < end:
            first = f"{kind} {start}..{end} {text[start:end]!r}"
            second = f"{other} {other_start}..{other_end} {text[other_start:other_end]!r}"
            raise _fault(row, f"the entities {first} and {second} overlap")
    for start, end, kind in found:
        if known and kind not in known:
            raise _unknown(row, f"the entity {start}..{end} {text[start:end]!r}", kind, known, True)
    return found


def _span(row: Row, column: str, span: Any, text: str) -> tuple[int, int, str]:
    start, end, kind = parts = span_parts(span)
    whole = all(isinstance(number, int) and not isinstance(number, bool) for number in (start, end))
    if not whole or not isinstance(kind, str) or not kind.strip():
        raise _fault(row, f"column {column!r} holds {span!r}, which has no start, end and label")
    if not 0 <= start < end <= len(text):
        inside = f"is not a piece of a text of {len(text)} characters"
        raise _fault(row, f"the entity {kind} {start}..{end} {inside}")
    own = span.get("text") if isinstance(span, Mapping) else None
    if isinstance(own, str) and own != text[start:end]:
        raise _fault(row, f"the entity {own!r} is not at {start}..{end}, where {text[start:end]!r} stands")
    return parts


def span_parts(span: Any) -> tuple[Any, Any, Any]:
    """Start, end and type of a marked span as a file has it; None for what is not there."""
    if isinstance(span, list):
        return (span[0], span[1], span[2]) if len(span) == 3 else (None, None, None)
    if not isinstance(span, Mapping):
        return None, None, None
    start, end, kind = (
        next((span[name] for name in names if name in span), None)
        for names in (START_NAMES, END_NAMES, TYPE_NAMES)
    )
    return start, end, kind[0] if isinstance(kind, list) and len(kind) == 1 else kind


def tags_of_spans(
    row: Row, text: str, words: Sequence[Span], spans: Sequence[tuple[int, int, str]]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """IOB2 tags of the words under the spans, each widened to whole words; and the first words of those that were.

    Raises `DataError` for a span without a word, and for two that share one.
    """
    found: list[schemes.Span] = []
    widened = []
    place = 0
    for start, end, kind in spans:
        while place < len(words) and words[place][1] <= start:
            place += 1
        first = place
        while place < len(words) and words[place][0] < end:
            place += 1
        shown = f"{kind} {start}..{end} {text[start:end]!r}"
        if first == place:
            raise _fault(row, f"there is no word in the entity {shown}")
        if found and found[-1][2] > first:
            raise _fault(row, f"the entity {shown} shares a word with the {found[-1][0]} before it")
        if words[first][0] < start or words[place - 1][1] > end:
            widened.append(first)
        found.append((kind, first, place))
        place -= words[place - 1][1] > end
    return schemes.tags_of(found, len(words)), tuple(widened)


def _unknown(row: Row, what: str, name: str, known: Collection[str], entities: bool) -> DataError:
    kinds = "entity types" if entities else "tags"
    fix = "correct the tag, or train with it among the others, or --set data.on_bad_row=drop"
    return values.unknown(row, f"{what}:", name, known, kinds, fix)


def _token(number: int, token: str) -> str:
    return f"token {number} {token!r}"


def _fault(row: Row, what: str) -> DataError:
    return DataError(what, where=str(row.origin), fix=values.MEND_OR_DROP)
