"""What the conformance suite looks at, and how it compares: a task that has learnt, and a tiny model.

Not for: the promises themselves (`conformance`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.config import task_settings
from tunewell.core.errors import DataError
from tunewell.core.examples import Example, Origin, Prediction, Row
from tunewell.data.features import Feature
from tunewell.models import ModelLoader
from tunewell.predictor import Predictor
from tunewell.runtime import Runtime
from tunewell.tasks import task_class, task_config
from tunewell.tasks.base import Task

TOLERANCE = 1e-5
"""How far two probabilities (or values, relative to their size) may differ and still count as equal."""

FILE = "rows.jsonl"
"""The file that the suite's rows say they come from."""

STRANGE_TEXTS = (
    "Great \N{GRINNING FACE} \N{FAMILY} \N{REGIONAL INDICATOR SYMBOL LETTER D}\N{REGIONAL INDICATOR SYMBOL LETTER E}!",
    "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d\uff0c\u6211\u559c\u6b22\u3002",
    "\u05e1\u05e8\u05d8 \u05d8\u05d5\u05d1 \u0641\u064a\u0644\u0645 \u062c\u064a\u062f (ok)",
    "e\u0301a\u0308 \u200bzero\u200dwidth\ufeff \x00 \u202ereversed\u202c",
    "   \t\n",
    "",
)
"""Emoji, Chinese, Hebrew with Arabic, combining and invisible characters, blank and empty."""

LONG_TEXT_CHARACTERS = 20_000


@dataclass(frozen=True)
class Subject:
    """What the checks look at: a task that has learnt, its examples, and a model that has not."""

    task: Task[Any, Any, Any]
    rows: Sequence[Row]
    examples: Sequence[Example]
    predictor: Predictor
    refused: Sequence[Mapping[str, Any]]
    weighted: bool
    folder: Path

    def encode(self, example: Example) -> list[Feature]:
        return self.task.encode(example, self.predictor.tokenizer)

    def features(self) -> list[Feature]:
        return [feature for example in self.examples for feature in self.encode(example)]

    def unlabelled(self, text: str) -> Example:
        """An example whose every input is `text`, as someone who asks for a prediction would give it."""
        model = self.rows[0].values
        values = {
            column: [text] if isinstance(model.get(column), list) else text
            for column in self.task.input_columns()
        }
        return self.task.read(Row(values, Origin(FILE, 1)), labelled=False)  # type: ignore[no-any-return]

    def predictions(self, batch_tokens: int, examples: Sequence[Example] | None = None) -> list[Prediction]:
        self.predictor.batch_tokens = batch_tokens
        return list(self.predictor.predict(self.examples if examples is None else examples))


def build_subject(
    name: str,
    settings: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    model: Path,
    folder: Path,
    refused: Sequence[Mapping[str, Any]],
    weighted: bool,
) -> Subject:
    read = [Row(values, Origin(FILE, line)) for line, values in enumerate(rows, 1)]
    task = task_class(name).new(task_settings(settings, name, task_config))
    examples = [task.read(row) for row in read]
    task = task.learn({"train": examples, "validation": examples[:2], "test": examples[2:]})
    loader = ModelLoader(str(model))
    tokenizer = task.build_tokenizer(loader, examples)
    predictor = Predictor(task, task.build_model(loader).eval(), tokenizer, Runtime())
    return Subject(task, read, examples, predictor, refused, weighted, folder)


# Comparing


def as_json(value: Any) -> str:
    """Strict JSON: NaN is an error."""
    return json.dumps(value, allow_nan=False)


def close(one: float, other: float, tolerance: float = TOLERANCE) -> bool:
    """Equal up to `tolerance`, absolute below 1 and relative above."""
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)


def same(wanted: Sequence[Prediction], found: Sequence[Prediction], when: str) -> None:
    """Raise `AssertionError` unless the predictions are equal, numbers up to `TOLERANCE`."""
    for one, other in zip(wanted, found, strict=True):
        assert _equal(one.to_json(), other.to_json()), (
            f"{when} the prediction for {one.example_id} is {other.to_json()}, and was {one.to_json()}"
        )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return close(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


@contextmanager
def refusal(place: str, what: str) -> Iterator[None]:
    """Raise `AssertionError` unless the block raises a `DataError` that names `place`."""
    message = None
    try:
        yield
    except DataError as error:
        message = str(error)
    assert message is not None, f"{what} is not refused"
    assert place in message, f"{what} is refused without its place: {message}"
