"""Examples in, typed predictions out: the one path for evaluation, the command line, reports and servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch import nn

from tunewell.core.errors import Interrupted, ModelError, ResourceError
from tunewell.core.examples import Example, Prediction
from tunewell.data.batches import by_token_budget
from tunewell.data.features import Feature
from tunewell.models import ModelLoader, Tokenizer
from tunewell.run_dir import RunDir, read_json
from tunewell.runtime import Runtime
from tunewell.tasks import task_from_json
from tunewell.tasks.base import Outputs, Task

CHUNK = 2048
"""How many examples are looked at together when texts of like length are put into one batch."""


class Predictor:
    """A task, a trained model and its tokenizer, ready to answer.

    `batch_tokens` bounds the padded size of one forward pass, and with it memory; it falls when memory is short.
    """

    def __init__(
        self,
        task: Task[Any, Any, Any],
        model: nn.Module,
        tokenizer: Tokenizer,
        runtime: Runtime,
        batch_tokens: int = 4096,
    ) -> None:
        self.task = task
        self.model = model
        self.tokenizer = tokenizer
        self.runtime = runtime
        self.batch_tokens = batch_tokens

    @classmethod
    def load(cls, run: RunDir, runtime: Runtime, batch_tokens: int = 4096) -> Predictor:
        """The predictor of a run from its files alone: `task.json` and `model/`.

        Raises `ModelError` when the model lacks a part that the task needs.
        """
        task = load_task(run)
        loader = ModelLoader(str(run.model))
        tokenizer = task.build_tokenizer(loader, ())
        model = task.build_model(loader)
        if loader.new_parameters:
            raise ModelError(
                f"the saved model lacks {loader.new_parameters[0]}", where=str(run.model), fix="train again"
            )
        return cls(task, model.to(runtime.device), tokenizer, runtime, batch_tokens)

    def in_training(self) -> Predictor:
        """The same model, whose task answers as it does while training goes on."""
        return Predictor(self.task.in_training(), self.model, self.tokenizer, self.runtime, self.batch_tokens)

    def predict(self, examples: Iterable[Example]) -> Iterator[Prediction]:
        """One prediction per example, in order; reads ahead by at most `CHUNK` examples."""
        remaining = iter(examples)
        while chunk := list(islice(remaining, CHUNK)):
            for example, outputs in zip(chunk, self.outputs(chunk), strict=True):
                yield self.task.decode(example, outputs)

    def calibrated(self, examples: Sequence[Example]) -> tuple[Task[Any, Any, Any], list[Prediction]]:
        """The task with its thresholds tuned on `examples`, and its predictions for them, from one pass.

        Raises `Interrupted` when a stop is asked for meanwhile.
        """
        outputs = self.outputs(examples)
        task = self.task.calibrate(examples, outputs)
        return task, [task.decode(example, own) for example, own in zip(examples, outputs, strict=True)]

    @torch.inference_mode()
    def outputs(self, examples: Sequence[Example]) -> list[Outputs]:
        """What the model gives for the windows of each example.

        Raises `Interrupted` when a stop is asked for meanwhile.
        """
        self.model.eval()
        windows = []
        for place, example in enumerate(examples):
            self._check_stop()
            windows += [(place, feature) for feature in self.task.encode(example, self.tokenizer)]
        found: list[dict[int, Any]] = [{} for _ in examples]
        sizes = [feature.size for _, feature in windows]
        for group in by_token_budget(sizes, self.batch_tokens):
            outputs = self._forward([windows[index][1] for index in group])
            for index, output in zip(group, outputs, strict=True):
                found[windows[index][0]][index] = output
        return [[output for _, output in sorted(by_window.items())] for by_window in found]

    def _forward(self, features: Sequence[Feature]) -> list[Any]:
        """One output a window; where memory is short, by halves, and in smaller batches from then on."""
        self._check_stop()
        middle, longest = len(features) // 2, max(feature.size for feature in features)
        if not middle or longest * len(features) <= self.batch_tokens:  # else the budget has fallen meanwhile
            with self.runtime.short_of_memory() as shortage:
                batch = self.task.collate(features)
                with self.runtime.autocast():
                    return list(self.task.predict(self.model, batch.to(self.runtime.device), self.tokenizer))
            self.runtime.release()
            if not middle:
                raise ResourceError(
                    f"memory is too short for one text of {longest} tokens: {shortage.error}",
                    where=f"example {features[0].example_id}",
                    fix="free memory, shorten the text, or choose a smaller model",
                )
            self.batch_tokens = max(1, min(self.batch_tokens, longest * middle))
        return self._forward(features[:middle]) + self._forward(features[middle:])

    def _check_stop(self) -> None:
        if self.runtime.stop:
            raise Interrupted("stopped while predicting", preempted=self.runtime.stop.preempted)


def load_task(run: RunDir) -> Task[Any, Any, Any]:
    """The task of a run, with all that it learnt."""
    return task_from_json(read_json(run.task), str(run.task))


def task_to_json(task: Task[Any, Any, Any]) -> dict[str, Any]:
    """What `load_task` reads."""
    return {"name": task.name, "settings": task.config.model_dump(), "learnt": task.to_json()}
