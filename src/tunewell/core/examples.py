"""What flows through every task: row -> example -> prediction.

A `Row` is one record of a file, as it was read. A task's `read` turns it into an `Example`, and `decode`
turns a model's outputs for it into a `Prediction`. Baselines, predictors, metrics and reports know these
types and no task. Features and batches, which hold token ids, live in `tunewell.data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row came from: a file (or data set) name and a line or row number counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: column name to value as the file has it (strings in CSV and TSV, JSON types elsewhere)."""

    values: Mapping[str, Any]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Example:
    """One thing to predict, checked and typed. Each task adds what it needs in a subclass.

    `id` is unique within a split: the row's own `id` column where it has one, else its line number.
    `group_id` ties examples that are not independent (questions on one paragraph, turns of one
    conversation): resampling keeps a group together, and so do splits.
    """

    id: str
    origin: Origin
    group_id: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class TextExample(Example):
    """One text, or a pair of texts, with its target, where that is known.

    `target` is a label name for one label, a tuple of names for several, a float for regression.
    """

    texts: tuple[str, ...]
    target: str | tuple[str, ...] | float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one example; `to_json` gives the fields of a row of `predictions.jsonl`."""

    example_id: str

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, in the order in which they are written."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LabelPrediction(Prediction):
    """One label; `probabilities` maps each label name to its probability and sums to 1."""

    label: str
    probabilities: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """`label` and `probabilities`."""
        return {"label": self.label, "probabilities": dict(self.probabilities)}


@dataclass(frozen=True, slots=True)
class LabelsPrediction(Prediction):
    """Any number of labels; `probabilities` maps each label name to its own probability."""

    labels: tuple[str, ...]
    probabilities: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """`labels` and `probabilities`."""
        return {"labels": list(self.labels), "probabilities": dict(self.probabilities)}


@dataclass(frozen=True, slots=True)
class ValuePrediction(Prediction):
    """A real number, in the unit of the training labels."""

    value: float

    def to_json(self) -> dict[str, Any]:
        """`value`."""
        return {"value": self.value}
