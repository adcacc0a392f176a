"""Tunewell as a contestant, by its public doors: `tunewell.fit` on the same files, `Run.predict` on the same rows."""

from __future__ import annotations

import json
import time
from typing import Any

import torch

import tunewell
from benchmarks.recipe import Json
from benchmarks.scores.contest import Outcome, Wish
from benchmarks.scores.data import TOKENS, DataSet
from tunewell.runs import Run

VALIDATION_FRACTION = 0.05
"""What is set aside of a training file that comes without a validation file; the Trainer trains on all of it."""


def compete(wish: Wish) -> Outcome:
    """One run with the budget and the settings of `wish`, and all else as Tunewell has it by default."""
    data = wish.data
    validation = data.file("validation") if "validation" in data.files else None
    settings: Json = {
        "training.batch_size": wish.batch_size,
        "training.learning_rate": wish.learning_rate,
        "training.threads": torch.get_num_threads(),
        "training.max_steps": wish.max_steps,
        "data.validation_fraction": VALIDATION_FRACTION if validation is None else None,
        **{f"training.{name}": value for name, value in wish.optimizing.items()},
    }
    if data.languages is not None:
        settings |= {
            "task.source_language": data.languages[0],
            "task.target_language": data.languages[1],
            "task.num_beams": wish.num_beams,
            "task.label_smoothing": wish.label_smoothing,
        }
    if wish.sizes is not None:
        settings |= {
            "model.from_scratch": True,
            **{f"model.{name}": size for name, size in wish.sizes.items()},
        }
    started, cpu_started = time.monotonic(), time.process_time()
    run = tunewell.fit(
        data.file("train"),
        task=data.task,
        model=wish.model if wish.sizes is None else None,
        validation=validation,
        test=data.file("test"),
        output=wish.scratch,
        epochs=wish.epochs,
        seed=wish.seed,
        device="cpu",
        settings={**settings, **wish.settings},
        mode="fresh",
    )
    fitted, cpu_seconds = time.monotonic(), time.process_time() - cpu_started
    predictions = _predictions(run, data)
    own = run.scores.splits["test"]
    return Outcome(
        predictions,
        {"fit": fitted - started, "predict": time.monotonic() - fitted},
        {
            "own_scores": {name: score.to_json() for name, score in own.scores.items()},
            "own_test_examples": own.num_examples,
            "fit_cpu_seconds": cpu_seconds,
            **_training(run),
            **({"settings": dict(wish.settings)} if wish.settings else {}),
        },
    )


def _predictions(run: Run, data: DataSet) -> list[Json]:
    """Of the test file's rows as plain Python reads them, in its order."""
    rows: list[Any] = data.read(data.file("test"))
    if data.languages is not None:
        found = run.predict([{data.languages[0]: row.source} for row in rows])
        return [{"translation": prediction.translation} for prediction in found]
    if data.task == TOKENS:
        found = run.predict([{"tokens": list(row.words)} for row in rows])
        return [{"tags": list(prediction.tags)} for prediction in found]
    found = run.predict([{"question": row.question, "context": row.context} for row in rows])
    return [{"id": row.id, **prediction.to_json()} for row, prediction in zip(rows, found, strict=True)]


def _training(run: Run) -> Json:
    """Steps, seconds of the steps alone and of the looks at the validation file, from the run's own record."""
    (process,) = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))["processes"]
    seconds, steps = process["seconds"], process["steps"]
    return {
        "steps": steps,
        "train_seconds": seconds["training"],
        "validation_seconds": seconds.get("validation", 0.0),
    }
