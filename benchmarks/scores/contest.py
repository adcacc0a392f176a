"""What both contestants are told, and what each of them hands back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.recipe import Json
from benchmarks.scores.data import DataSet


@dataclass(frozen=True)
class Wish:
    """A data set, a model folder and a budget. `max_steps` ends training early, to see that all works.

    `scratch` is a folder that the contestant may fill.
    """

    data: DataSet
    model: Path
    epochs: float
    learning_rate: float
    batch_size: int
    seed: int
    scratch: Path
    max_steps: int | None = None


@dataclass(frozen=True)
class Outcome:
    """`predictions` in the order of the test file: `{"tags": [...]}` or `{"id": ..., "answer": ...}` and more.

    `seconds` has `fit`, from the files to a trained model, and `predict`; `facts` go into the result as they are.
    """

    predictions: Sequence[Json]
    seconds: Json
    facts: Json = field(default_factory=dict)
