"""What both contestants are told, and what each of them hands back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.recipe import Json
from benchmarks.scores.data import DataSet


@dataclass(frozen=True)
class Wish:
    """A data set, a model folder and a budget. `max_steps` ends training early, to see that all works.

    `scratch` is a folder that the contestant may fill. With `sizes` there is no model: one of these sizes starts from
    random numbers, drawn by `seed`. `optimizing` holds what departs from each side's own default: `warmup_steps`,
    `adam_beta2`, `weight_decay`. `num_beams` and `label_smoothing` are for translation, `settings` for Tunewell alone,
    by dotted name.
    """

    data: DataSet
    model: Path
    epochs: float
    learning_rate: float
    batch_size: int
    seed: int
    scratch: Path
    max_steps: int | None = None
    sizes: Mapping[str, Any] | None = None
    optimizing: Mapping[str, float] = field(default_factory=dict)
    num_beams: int = 4
    label_smoothing: float = 0.1
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """`predictions` in the order of the test file: `{"tags": [...]}`, `{"id": ..., "answer": ...}`
    and more, or `{"translation": ...}`.

    `seconds` has `fit`, from the files to a trained model, and `predict`; `facts` go into the result as they are.
    """

    predictions: Sequence[Json]
    seconds: Json
    facts: Json = field(default_factory=dict)
