"""Other engines than torch, whose answers are compared with torch's before any of them is used.

Not for: how an engine computes (`tunewell.models.ctranslate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tunewell.core.errors import ConfigError, ModelError
from tunewell.core.examples import Example
from tunewell.models.ctranslate import convert, largest_gap
from tunewell.predictor import Predictor
from tunewell.tasks.base import Outputs, Task

ENGINES = ("torch", "ctranslate2")

NUM_COMPARED = 8
"""How many inputs both engines answer before one of them is left to go on."""

MOST_APART = 1e-3
"""Engines whose log-probabilities of one token differ by more, in nats, do not compute the same model."""


def check_engine(task: Task[Any, Any, Any], engine: str, where: str) -> None:
    """Raise `ConfigError` for an unknown engine, and `ModelError` for one that cannot do this task."""
    if engine not in ENGINES:
        raise ConfigError(f"--engine {engine!r} is not one of {', '.join(ENGINES)}")
    if engine not in task.engines:
        raise ModelError(
            f"--engine {engine} does not do {task.name}; {' and '.join(task.engines)} does",
            where=where,
            fix="leave --engine out",
        )


def on_engine(predictor: Predictor, engine: str, notes: list[str]) -> Predictor:
    """`predictor`, or one that computes with `engine` as soon as that has answered like it.

    Raises `ConfigError` where the engine is not installed and `ModelError` where it cannot take the model.
    """
    return predictor if engine == "torch" else CheckedPredictor(predictor, notes)


class CheckedPredictor(Predictor):
    """Answers with CTranslate2 once its answers to the first inputs were compared with torch's.

    Greedy texts must be equal and log-probabilities agree; that a search over several beams may end elsewhere is told in
    `notes`, since the two give such a search up at different moments.
    """

    def __init__(self, original: Predictor, notes: list[str]) -> None:
        runtime = original.runtime
        model: Any = original.model
        engine = convert(model.eval(), runtime.device, torch.get_num_threads())
        super().__init__(original.task, engine, original.tokenizer, runtime, original.batch_tokens)
        self._engine = engine
        self._original: Predictor | None = original
        self._notes = notes

    def outputs(self, examples: Sequence[Example]) -> list[Outputs]:
        """As `Predictor` has it; raises `ModelError` where the engines differ."""
        if self._original is not None and examples:
            self._compare(self._original, examples[:NUM_COMPARED])
            self._original = None  # torch's copy of the weights is needed no more
        return super().outputs(examples)

    def _compare(self, original: Predictor, examples: Sequence[Example]) -> None:
        features = [feature for example in examples for feature in self.task.encode(example, self.tokenizer)]
        batch = self.task.collate(features).to(self.runtime.device)
        gap = largest_gap(original.model, self._engine, batch)
        if not gap <= MOST_APART:
            raise _differs(f"one token's log-probability differs by {gap:.3g} nats")
        greedy, search = self.task.in_training(), self.task
        ours, theirs = (self._texts(greedy, model, batch) for model in (original.model, self._engine))
        for example, our, their in zip(examples, ours, theirs, strict=True):
            if our != their:
                raise _differs(f"for {example.id} torch writes {our!r} and CTranslate2 {their!r}")
        ours, theirs = (self._texts(search, model, batch) for model in (original.model, self._engine))
        num_equal = sum(our == their for our, their in zip(ours, theirs, strict=True))
        self._notes.append(
            f"ctranslate2 was compared with torch on {len(examples)} inputs: log-probabilities differ by at most "
            f"{gap:.1e}, greedy texts are equal, and so are {num_equal} of {len(examples)} texts of the run's own search"
        )

    def _texts(self, task: Task[Any, Any, Any], model: Any, batch: Any) -> list[str]:
        return [output["text"] for output in task.predict(model, batch, self.tokenizer)]


def _differs(how: str) -> ModelError:
    return ModelError(f"CTranslate2 does not answer as torch does: {how}", fix="leave --engine out")
