"""What is shown of texts whose words have tags: entities, and tags that stand for themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from tunewell.core.examples import TaggedExample, TagsPrediction
from tunewell.core.sections import Bars, Mark, MarkedText, MarkedTexts, Reliability, Section, Texts
from tunewell.core.tags import spans
from tunewell.tasks.showing.confidence import reliability
from tunewell.tasks.showing.labels import confusion, frequent_confusions, label_scores, length_scores
from tunewell.tasks.showing.lists import TEXTS_SHOWN, Entry, counted, cut_short

if TYPE_CHECKING:
    from tunewell.metrics.entities import Error

_MATRIX_TAGS = 20
"""With more tags the most frequent confusions are listed instead."""

_CONTEXT = 100
"""Characters on either side of a word that is shown."""

_ERRORS = ("boundary", "type", "type and boundary", "missed", "invented")
"""The kinds of errors in the order in which they are shown."""

_KINDS_OF_ERRORS = (
    "Missed: no entity was found there. Invented: there is none. Type: the right words, the wrong type. Boundary: the "
    "right type, too few or too many words. Type and boundary: both. Each wrong entity is in one of them."
)

Sides = tuple[list[Sequence[str]], list[Sequence[str]]]


def entity_sections(
    examples: Sequence[TaggedExample], predictions: Sequence[TagsPrediction], types: Sequence[str]
) -> list[Section]:
    """Scores by type of entity and by length, what goes wrong and where, and reliability."""
    from tunewell.metrics import entities

    gold, predicted = _sides(examples, predictions)
    errors = [entities.errors(tags, said) for tags, said in zip(gold, predicted, strict=True)]
    rows = entities.per_type(gold, predicted, types)
    not_found = sum(error.gold is not None for own in errors for error in own)
    entries = [_marked(*parts) for parts in zip(examples, predictions, errors, strict=True)]
    wrong = [entry for entry, own in zip(entries, errors, strict=True) if own]
    fine = [entry for entry, own in zip(entries, errors, strict=True) if not own and entry.marks]
    return [
        label_scores(rows, of="type", unit="entity"),
        _error_kinds(
            [error.kind for own in errors for error in own], sum(row.support for row in rows) - not_found
        ),
        length_scores(entities.f1_by_length(gold, predicted), "entities"),
        _marked_texts(wrong, fine, "entities"),
        _reliability(predictions, gold),
    ]


def tag_sections(
    examples: Sequence[TaggedExample], predictions: Sequence[TagsPrediction], names: Sequence[str]
) -> list[Section]:
    """Which tag is taken for which, scores by tag, words with a wrong one, and reliability."""
    import numpy as np

    from tunewell.metrics import classification, tokens

    gold, predicted = sides = _sides(examples, predictions)
    places = {name: place for place, name in enumerate(names)}
    ids = [np.array([places[tag] for tags in side for tag in tags], np.int64) for side in sides]
    counts = classification.confusion(ids[0], ids[1], len(names)).tolist()
    show = confusion if len(names) <= _MATRIX_TAGS else frequent_confusions
    mistakes = [entry for pair in zip(examples, predictions, strict=True) for entry in _mistakes(*pair)]
    return [
        show(names, counts),
        label_scores(tokens.per_tag(gold, predicted, names), of="tag", unit="word"),
        _mistaken_words(mistakes, len(ids[0])),
        _reliability(predictions, gold),
    ]


def _sides(examples: Sequence[TaggedExample], predictions: Sequence[TagsPrediction]) -> Sides:
    return [example.tags or () for example in examples], [prediction.tags for prediction in predictions]


def _reliability(predictions: Sequence[TagsPrediction], gold: Sequence[Sequence[str]]) -> Reliability:
    import numpy as np

    right = [
        tag == said
        for tags, prediction in zip(gold, predictions, strict=True)
        for tag, said in zip(tags, prediction.tags, strict=True)
    ]
    scores = np.array([score for prediction in predictions for score in prediction.scores], np.float64)
    return reliability(scores, np.array(right, dtype=bool), unit="words")


def _error_kinds(kinds: Sequence[str], right: int) -> Bars:
    """How many entities are right, and how many are wrong in which way, beside one another."""
    found = Counter(kinds)
    counts = {kind: found[kind] for kind in _ERRORS if found[kind]}
    wrong = sum(counts.values())
    shows = "Nothing is wrong."
    if wrong:
        most = max(counts, key=lambda kind: counts[kind])
        shows = f"{right:,} are right, {wrong:,} wrong: most often {most}, {counts[most] / wrong:.1%} of the errors."
    return Bars(
        "What goes wrong",
        _KINDS_OF_ERRORS,
        "entities",
        {"right": right, **counts},
        total=right + wrong,
        shows=shows,
    )


def _marked(example: TaggedExample, prediction: TagsPrediction, errors: Sequence[Error]) -> MarkedText:
    """A sentence as the report shows it; as sure as the model was of the words that are wrong, or of all."""
    sides: tuple[tuple[Literal["gold", "predicted"], Sequence[str]], ...] = (
        ("gold", example.tags or ()),
        ("predicted", prediction.tags),
    )
    marks = [
        Mark(example.words[first][0], example.words[end - 1][1], kind, side)
        for side, tags in sides
        for kind, first, end in spans(tags)
    ]
    judged = list(zip(example.tags or (), prediction.tags, prediction.scores, strict=True))
    wrong = [score for gold, said, score in judged if gold != said]
    decided = wrong or list(prediction.scores) or [0.0]
    kinds = Counter(error.kind for error in errors)
    facts: dict[str, str | float] = {
        "errors": ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none",
        "wrong_words": len(wrong),
        "confidence": sum(decided) / len(decided),
        "origin": str(example.origin),
    }
    return MarkedText(example.text, marks, facts)


def _marked_texts(wrong: Sequence[MarkedText], right: Sequence[MarkedText], what: str) -> MarkedTexts:
    """Texts with `what` is gold and what was predicted marked: wrong ones first, each list the surest first.

    An entry has the fact `confidence`.
    """

    def doubt(entry: MarkedText) -> float:
        return -float(entry.facts["confidence"])

    shown = [*sorted(wrong, key=doubt), *sorted(right, key=doubt)][:TEXTS_SHOWN]
    total = len(wrong) + len(right)
    return MarkedTexts(
        f"{what.capitalize()} in their texts",
        "Gold and predicted, in the text. Texts with errors come first, the surest errors before the others.",
        shown,
        shows=f"{len(wrong):,} of {counted(total, 'text')} with {what} {'has' if len(wrong) == 1 else 'have'} an error{cut_short(total)}.",
    )


def _mistakes(example: TaggedExample, prediction: TagsPrediction) -> list[dict[str, str | float]]:
    """The words with a wrong tag, each between brackets in what stands around it."""
    found: list[dict[str, str | float]] = []
    judged = zip(example.words, example.tags or (), prediction.tags, prediction.scores, strict=True)
    for number, ((start, end), gold, said, score) in enumerate(judged, 1):
        if gold != said:
            left, right = max(0, start - _CONTEXT), end + _CONTEXT
            shown = f"{example.text[left:start]}[{example.text[start:end]}]{example.text[end:right]}"
            found.append(
                {
                    "text": f"{'…' if left else ''}{shown}{'…' if right < len(example.text) else ''}",
                    "gold": gold,
                    "predicted": said,
                    "confidence": score,
                    "origin": f"{example.origin}, token {number}",
                }
            )
    return found


def _mistaken_words(entries: Sequence[Entry], total: int) -> Texts:
    """Words with a wrong label in their sentences, the surest first. An entry has `confidence`."""
    ranked = sorted(entries, key=lambda entry: -float(entry["confidence"]))
    return Texts(
        "Most confident mistakes",
        "Words with a wrong answer, between brackets, the surest first. Some of them will be wrong labels in the data.",
        ranked[:TEXTS_SHOWN],
        shows=f"{len(ranked):,} of {counted(total, 'word')} {'is' if len(ranked) == 1 else 'are'} wrong{cut_short(len(ranked))}.",
    )
