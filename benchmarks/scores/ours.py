"""Tunewell as a contestant, by its public doors: `tunewell.fit` on the same files, `Run.predict` on the same rows."""

from __future__ import annotations

import time
from typing import Any

import torch

import tunewell
from benchmarks.recipe import Json
from benchmarks.scores.contest import Outcome, Wish
from benchmarks.scores.data import TOKENS

VALIDATION_FRACTION = 0.05
"""What is set aside of a training file that comes without a validation file; the Trainer trains on all of it."""


def compete(wish: Wish) -> Outcome:
    """One run with the budget of `wish` and all else as Tunewell has it by default."""
    data = wish.data
    validation = data.file("validation") if "validation" in data.files else None
    settings: Json = {
        "training.batch_size": wish.batch_size,
        "training.learning_rate": wish.learning_rate,
        "training.threads": torch.get_num_threads(),
        "training.max_steps": wish.max_steps,
        "data.validation_fraction": VALIDATION_FRACTION if validation is None else None,
    }
    started = time.monotonic()
    run = tunewell.fit(
        data.file("train"),
        task=data.task,
        model=wish.model,
        validation=validation,
        test=data.file("test"),
        output=wish.scratch,
        epochs=wish.epochs,
        seed=wish.seed,
        device="cpu",
        settings=settings,
        mode="fresh",
    )
    fitted = time.monotonic()
    rows: list[Any] = data.read(data.file("test"))
    if data.task == TOKENS:
        found = run.predict([{"tokens": list(row.words)} for row in rows])
        predictions = [{"tags": list(prediction.tags)} for prediction in found]
    else:
        found = run.predict([{"question": row.question, "context": row.context} for row in rows])
        predictions = [
            {"id": row.id, **prediction.to_json()} for row, prediction in zip(rows, found, strict=True)
        ]
    own = run.scores.splits["test"]
    return Outcome(
        predictions,
        {"fit": fitted - started, "predict": time.monotonic() - fitted},
        {
            "own_scores": {name: score.to_json() for name, score in own.scores.items()},
            "own_test_examples": own.num_examples,
        },
    )
