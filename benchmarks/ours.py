"""Tunewell as a contestant: the loop, over the parts that `tunewell.runs.fitting` assembles for any run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.link import Meter
from benchmarks.recipe import Job, Json, Recipe
from benchmarks.tasks import TASKS
from tunewell.config import RunConfig, load_config
from tunewell.dataset import Dataset, load_dataset
from tunewell.runs.fitting import Assembled, assemble
from tunewell.runs.settling import settle
from tunewell.runtime import choose
from tunewell.sinks import MetricsFile
from tunewell.tasks import task_config
from tunewell.training.loop import Evaluation, LoopSettings, StepDone, TrainState, train
from tunewell.training.optim import build_schedule


def settings(job: Job) -> RunConfig:
    """The recipe in Tunewell's words; what it leaves open is decided as in any run."""
    recipe = job.recipe
    overrides: Json = {
        "task": TASKS[job.task].settings(recipe.max_length_tokens),
        "data": {"train": f"{job.data}/train.jsonl", "validation": f"{job.data}/validation.jsonl"},
        "model": {"name": job.start},
        "training": {**_training(recipe), "device": job.device, "threads": job.threads},
    }
    return load_config(None, overrides, task_config)


def _training(recipe: Recipe) -> Json:
    return {
        "batch_size": recipe.batch_size,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "adam_beta1": recipe.adam_beta1,
        "adam_beta2": recipe.adam_beta2,
        "adam_epsilon": recipe.adam_epsilon,
        "max_grad_norm": recipe.max_grad_norm,
        "schedule": "linear",
        "warmup_steps": 0,
        "precision": "bfloat16" if recipe.bfloat16 else "float32",
        "seed": recipe.seed,
    }


def prepared(job: Job) -> tuple[RunConfig, Dataset, Assembled]:
    """Data read, settings complete, and all that a run assembles before it trains."""
    config = settings(job)
    dataset = load_dataset(config, ("train", "validation"))
    runtime = choose(config.training.device, config.training.precision, config.training.threads)
    config = settle(config, dataset, runtime)
    return config, dataset, assemble(config, dataset, runtime, ())


class Ours:
    """One run of Tunewell's loop."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config, self.dataset, parts = prepared(job)
        self.predictor, self.batches, self.optimizer = parts.predictor, parts.batches, parts.optimizer
        self.lengths = [len(feature) for feature in self.batches.features]
        self.rows_hash = hash_rows([(list(f.input_ids), f.target) for f in self.batches.features])

    def facts(self) -> Json:
        """What must be the same in all contestants, and the fixed order of rows for the parity gate."""
        model = self.predictor.model
        facts = {
            "rows_hash": self.rows_hash,
            **optimizer_facts(model, self.optimizer),
            "max_grad_norm": self.config.training.max_grad_norm,
            "threads": torch.get_num_threads(),
            "settings": self.config.model_dump(),
        }
        if self.job.report_losses:
            facts["order"] = [self.batches.indices(step) for step in range(self.job.num_steps)]
        return facts

    def train(self, meter: Meter) -> None:
        """Go on until the schedule ends, or until the meter says stop."""
        settings, state, losses = self.config.training, TrainState(), []
        log = MetricsFile(Path(self.job.scratch) / "metrics.jsonl", settings.log_every_steps)
        if not meter.ready(**self.facts()):
            return
        events = train(
            self.predictor.model,
            self.dataset.task.loss,
            self.batches,
            self.optimizer,
            build_schedule(settings, self.job.num_steps),
            settings=LoopSettings(
                num_steps=self.job.num_steps,
                evaluate_every=self.job.num_steps
                + 1,  # only at the end, where it costs no time that is measured
                seed=settings.seed,
                max_grad_norm=settings.max_grad_norm,
            ),
            runtime=self.predictor.runtime,
            state=state,
            evaluate=lambda: Evaluation(0.0),
        )
        for event in events:
            log(event)
            if isinstance(event, StepDone):
                if self.job.report_losses:
                    losses.append(float(event.loss))
                lengths = [self.lengths[index] for index in self.batches.indices(event.step - 1)]
                if not meter.step(lengths):
                    return
                if event.step == self.job.num_steps:
                    meter.finished(losses)

    def evaluate(self) -> float:
        """The metric on the validation rows."""
        task, predictions = self.predictor.calibrated(self.dataset.examples["validation"])
        scores = task.score(self.dataset.examples["validation"], predictions)
        return float(scores.values()[TASKS[self.job.task].metric])


def optimizer_facts(model: nn.Module, optimizer: Any) -> Json:
    """What an optimizer that is about to begin does to which parameters; read from it, not from any settings."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = [group for group in optimizer.param_groups if group["params"]]

    def values(key: str) -> list[Any]:
        return sorted({group[key] for group in groups})

    return {
        "decayed": sorted(
            names[id(parameter)] for group in groups if group["weight_decay"] for parameter in group["params"]
        ),
        "weight_decay": values("weight_decay"),
        "learning_rate": values("lr"),
        "betas": [list(pair) for pair in values("betas")],
        "epsilon": values("eps"),
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "num_learning": sum(parameter.numel() for group in groups for parameter in group["params"]),
    }


def hash_rows(rows: Sequence[tuple[list[int], object]]) -> str:
    """SHA-256 of token ids and targets, in the order of the rows."""
    digest = hashlib.sha256()
    for tokens, target in rows:
        digest.update(f"{','.join(map(str, tokens))};{target}\n".encode())
    return digest.hexdigest()
