"""Entities right in span and type, and what is wrong with the others.

An entity is correct when type, first and last word are those of a gold entity. Sentences are sequences of
IOB2 tags, gold and predicted word by word. Two readings of them exist (`tunewell.core.tags`): the default is
conlleval's and seqeval's, `strict` takes only spans that open with B-. The micro averages and the rows by type
equal seqeval 1.2.2 in either mode. Its macro average runs over the types that occur in gold or prediction; ours
over the *declared* ones, as everywhere in Tunewell, so that it does not depend on the split: it is lower where
a declared type is in neither, and equal where none is.

Not for: the share of words with the right tag (`tokens`). The formulas over counts are in `counts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from tunewell.core.tags import Span, malformed, spans, strict_spans, strict_type
from tunewell.metrics import counts
from tunewell.metrics.counts import LabelRow, label_rows
from tunewell.metrics.tables import FloatArray, PartTable

Sentences: TypeAlias = Sequence[Sequence[str]]
"""IOB2 tags of each word of each sentence."""

LENGTHS = ("1", "2", "3", "4+")
"""The classes of length, in words, of `f1_by_length`."""

Kind: TypeAlias = Literal["missed", "invented", "type", "boundary", "type and boundary"]


def entity_types(tag_names: Iterable[str]) -> list[str]:
    """The types that a set of tags speaks of, in text order; tags without prefix and type are passed over."""
    return sorted({kind for tag in tag_names if not malformed([tag]) for kind, _, _ in spans([tag])})


def entity_table(
    gold: Sentences, predicted: Sentences, types: Sequence[str], *, strict: bool = False
) -> PartTable:
    """Micro F1, precision and recall, and macro F1 over `types`, with parts by sentence.

    The strict metrics have the same names and `_strict` after them. Without any entity all are 0. Raises
    `ValueError` for sentences of different lengths and for a type that is not among `types`.
    """
    ending = "_strict" if strict else ""
    return PartTable(
        _counts(gold, predicted, types, strict),
        {
            f"entity_f1{ending}": counts.micro_f1,
            f"entity_precision{ending}": counts.micro_precision,
            f"entity_recall{ending}": counts.micro_recall,
            f"entity_macro_f1{ending}": counts.macro_f1,
        },
    )


def per_type(
    gold: Sentences, predicted: Sentences, types: Sequence[str], *, strict: bool = False
) -> list[LabelRow]:
    """One row per type, in the order of `types`: precision, recall, F1, gold and predicted entities."""
    if not types:
        return []
    return label_rows(_counts(gold, predicted, types, strict).sum(axis=0), types)


def f1_by_length(gold: Sentences, predicted: Sentences) -> list[LabelRow]:
    """One row per length in words (`LENGTHS`), in the default reading.

    Recall is that of the gold entities of this length, precision that of the predicted ones.
    """
    sums = np.zeros(3 * len(LENGTHS))
    for gold_tags, predicted_tags in _pairs(gold, predicted):
        true, said = set(spans(gold_tags)), set(spans(predicted_tags))
        for place, found in enumerate((true, said, true & said)):
            for _, first, end in found:
                sums[place * len(LENGTHS) + min(end - first, len(LENGTHS)) - 1] += 1
    return label_rows(sums, LENGTHS)


def _counts(gold: Sentences, predicted: Sentences, types: Sequence[str], strict: bool) -> FloatArray:
    """Count vectors `(sentences, 3 * types)`; with no type at all, one that never occurs."""
    read = strict_spans if strict else spans
    columns = {strict_type(name) if strict else name: column for column, name in enumerate(types)}
    width = max(1, len(types))
    parts = np.zeros((len(gold), 3 * width))
    for row, (gold_tags, predicted_tags) in enumerate(_pairs(gold, predicted)):
        true, said = set(read(gold_tags)), set(read(predicted_tags))
        for place, found in enumerate((true, said, true & said)):
            for kind, _, _ in found:
                parts[row, place * width + _column(kind, columns)] += 1
    return parts


def _column(kind: str, columns: Mapping[str, int]) -> int:
    if kind not in columns:
        raise ValueError(f"the entity type {kind!r} is not among the declared {', '.join(columns) or 'none'}")
    return columns[kind]


def _pairs(gold: Sentences, predicted: Sentences) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold sentences and {len(predicted)} predicted ones")
    for row, (gold_tags, predicted_tags) in enumerate(zip(gold, predicted, strict=True)):
        if len(gold_tags) != len(predicted_tags):
            lengths = f"{len(gold_tags)} gold tags and {len(predicted_tags)} predicted ones"
            raise ValueError(f"sentence {row} has {lengths}")
        yield gold_tags, predicted_tags


@dataclass(frozen=True, slots=True)
class Error:
    """A wrong entity: the gold span, the predicted span, or both where they overlap.

    `missed` has no predicted span and `invented` no gold one. The other kinds say what differs: the type over
    the same words, the borders (`boundary`), or both.
    """

    kind: Kind
    gold: Span | None
    predicted: Span | None


def errors(gold_tags: Sequence[str], predicted_tags: Sequence[str]) -> list[Error]:
    """What is wrong in one sentence, from left to right, in the default reading.

    Each gold span that was not found and each predicted span that is not gold is in exactly one error. They
    are paired by the words that they share: the pair with the most first, at equal numbers one of the same
    type before others, then the leftmost. Raises `ValueError` for sentences of different lengths.
    """
    ((gold_tags, predicted_tags),) = _pairs([gold_tags], [predicted_tags])
    true, said = set(spans(gold_tags)), set(spans(predicted_tags))
    missed, invented = true - said, said - true
    pairs = [
        (min(left[2], right[2]) - max(left[1], right[1]), left, right)
        for left, right in _neighbours(sorted(missed, key=_place), sorted(invented, key=_place))
    ]
    found = []
    for _, left, right in sorted(
        pairs, key=lambda pair: (-pair[0], pair[1][0] != pair[2][0], pair[1][1], pair[2][1])
    ):
        if left in missed and right in invented:
            missed.remove(left)
            invented.remove(right)
            found.append(Error(_kind(left, right), left, right))
    found += [Error("missed", span, None) for span in missed]
    found += [Error("invented", None, span) for span in invented]
    return sorted(found, key=_first_word)


def _place(span: Span) -> tuple[int, int]:
    return span[1], span[2]


def _first_word(error: Error) -> tuple[int, bool]:
    """Where an error begins; of two at one word (a pair and what it left over) the one with a gold span first."""
    return min(span[1] for span in (error.gold, error.predicted) if span is not None), error.gold is None


def _kind(gold: Span, predicted: Span) -> Kind:
    if gold[0] == predicted[0]:
        return "boundary"
    return "type" if gold[1:] == predicted[1:] else "type and boundary"


def _neighbours(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    """All pairs that share a word; either side is in order and without overlap, so one walk finds them."""
    left = right = 0
    while left < len(gold) and right < len(predicted):
        one, other = gold[left], predicted[right]
        if max(one[1], other[1]) < min(one[2], other[2]):
            yield one, other
        if one[2] <= other[2]:
            left += 1
        else:
            right += 1
