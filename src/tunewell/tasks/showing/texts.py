"""What is shown of texts with one label, several labels, or a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewell.core.examples import LabelPrediction, LabelsPrediction, TextExample, ValuePrediction
from tunewell.core.sections import Section
from tunewell.tasks.showing.confidence import mistakes_and_doubts, reliability
from tunewell.tasks.showing.labels import confusion, label_scores
from tunewell.tasks.showing.numbers import numbers

if TYPE_CHECKING:
    from tunewell.metrics.tables import BoolArray, IntArray

_PAIR = "\n\u2016 "
"""The second text of a pair begins a line of its own, so that each is laid out in its own direction."""


def one_label(
    examples: Sequence[TextExample],
    predictions: Sequence[LabelPrediction],
    gold: IntArray,
    predicted: IntArray,
    names: Sequence[str],
) -> list[Section]:
    """Confusion matrix, scores by label, reliability, and texts worth reading; ids of labels are `(examples,)`."""
    import numpy as np

    from tunewell.metrics import classification

    confidence = np.array([p.probabilities[p.label] for p in predictions], np.float64)
    pairs = zip(examples, predictions, strict=True)
    return [
        confusion(names, classification.confusion(gold, predicted, len(names)).tolist()),
        label_scores(classification.per_label(gold, predicted, names)),
        reliability(confidence, gold == predicted),
        *mistakes_and_doubts([_of_label(*pair) for pair in pairs]),
    ]


def several_labels(
    examples: Sequence[TextExample],
    predictions: Sequence[LabelsPrediction],
    gold: BoolArray,
    predicted: BoolArray,
    names: Sequence[str],
) -> list[Section]:
    """Scores by label, reliability, and texts worth reading; which labels are given is `(examples, labels)`."""
    import numpy as np

    from tunewell.metrics import multilabel

    shares = np.array([list(p.probabilities.values()) for p in predictions])
    pairs = zip(examples, predictions, strict=True)
    return [
        label_scores(multilabel.per_label(gold, predicted, names)),
        reliability(shares.ravel(), gold.ravel(), unit="pairs of text and label", outcome="true"),
        *mistakes_and_doubts([_of_labels(*pair) for pair in pairs]),
    ]


def values(examples: Sequence[TextExample], predictions: Sequence[ValuePrediction]) -> list[Section]:
    """Predicted against gold numbers, and where they are farthest apart."""
    return numbers([_of_value(*pair) for pair in zip(examples, predictions, strict=True)])


def _of_label(example: TextExample, prediction: LabelPrediction) -> dict[str, str | float]:
    gold, shares = str(example.target), prediction.probabilities
    entry: dict[str, str | float] = {
        "gold": gold,
        "predicted": prediction.label,
        "confidence": shares[prediction.label],
    }
    if len(shares) > 2:  # with two it is what is left of the confidence
        entry["gold_probability"] = shares.get(gold, 0.0)
    return _entry(example, entry)


def _of_labels(example: TextExample, prediction: LabelsPrediction) -> dict[str, str | float]:
    """Several labels count as sure as their least sure decision."""
    gold: tuple[str, ...] = example.target or ()  # type: ignore[assignment]
    names = {"gold": gold, "predicted": prediction.labels}
    sureness = min(max(share, 1 - share) for share in prediction.probabilities.values())
    said = {name: ", ".join(sorted(labels)) or "no label" for name, labels in names.items()}
    return _entry(example, {**said, "confidence": sureness})


def _of_value(example: TextExample, prediction: ValuePrediction) -> dict[str, str | float]:
    gold = float(example.target)  # type: ignore[arg-type]
    return _entry(example, {"gold": gold, "predicted": prediction.value, "error": prediction.value - gold})


def _entry(example: TextExample, facts: dict[str, str | float]) -> dict[str, str | float]:
    return {"text": _PAIR.join(example.texts), **facts, "origin": str(example.origin)}
