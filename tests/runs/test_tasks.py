"""The promises of resuming hold for every task beside the first: the same bits, wherever a run ended."""

from __future__ import annotations

import importlib
import signal
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import load_config
from tunewell.core.errors import NumericError
from tunewell.runs import fit
from tunewell.tasks import task_config
from tunewell.training.checkpoint import Checkpoints

TASKS = {
    "token-classification": "tunewell.tasks.token_classification:TokenClassification",
    "question-answering": "tunewell.tasks.question_answering:QuestionAnswering",
    "translation": "tunewell.tasks.translation:Translation",
    "dialogue": "tunewell.tasks.dialogue:Dialogue",
}
LONGER_EPOCHS = ("dialogue",)
"""The first conversation is learnt in several windows, so an epoch has 7 steps, and a run fewer evaluations."""


def at(
    target: str, call: int = 1, number: int = signal.SIGKILL, when: str = "before"
) -> list[dict[str, Any]]:
    return [{"targets": [target], "call": call, "signals": [number], "when": when}]


@pytest.fixture(scope="module", params=TASKS)
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def make(
    task: str, tmp_path_factory: pytest.TempPathFactory, processes: Any, model: Path, writers: Any
) -> Any:
    """Workshops on data of the task."""
    data = writers[task](tmp_path_factory.mktemp(task) / "data")
    from_where = writers["workshop"]
    changes = writers["changes"](task)
    return lambda name: from_where(processes, data, model, tmp_path_factory.mktemp(name), changes)


@pytest.fixture(scope="module")
def undisturbed(make: Any) -> Any:
    shop = make("undisturbed")
    assert shop.fit(shop.settings()) == 0, shop.outcome
    return shop.result(shop.folder / "run")


def test_ten_steps_are_five_and_five(make: Any, undisturbed: Any) -> None:
    shop = make("parted")
    settings = shop.settings()
    assert shop.fit(settings, at("tunewell.training.loop:StepDone", 5, signal.SIGINT)) == 130
    assert "stopped after step 5 of 10" in shop.outcome["message"]
    assert shop.fit(settings) == 0
    assert "resuming after step 5 of 10" in shop.outcome["said"]
    assert shop.result(shop.folder / "run") == undisturbed


def test_killed_at_every_stage(make: Any, undisturbed: Any, task: str) -> None:
    stages = {
        "tokenising": at(f"{TASKS[task]}.encode", 30),
        "inside accumulation": at("tunewell.runtime:Runtime.seed", 2),
        "after two steps, before the save": at("tunewell.training.checkpoint:Checkpoints.save"),
        "between a step and its evaluation": at("tunewell.predictor:Predictor.outputs"),
        "calibrating": at(f"{TASKS[task]}.calibrate"),
        "after a save": at("tunewell.training.checkpoint:Checkpoints.save", 2, when="after"),
        "later, inside accumulation": at("tunewell.runtime:Runtime.seed", 5),
        "decoding the test split": at(f"{TASKS[task]}.decode", 42 if task in LONGER_EPOCHS else 60),
        "the model half written": at("tunewell.runs.verdict:save_model", when="after"),
        "scoring": at(f"{TASKS[task]}.score", 2),
        "describing": at(f"{TASKS[task]}.describe"),
        "drawing the report": at("tunewell.runs.verdict:redraw"),
    }
    shop = make("killed")
    settings = shop.settings()
    for stage, points in stages.items():
        assert shop.fit(settings, points) == -signal.SIGKILL, f"never came to: {stage}"
    assert shop.fit(settings) == 0
    assert shop.result(shop.folder / "run") == undisturbed


def test_sigterm_ends_in_75_and_resumes(make: Any, undisturbed: Any, task: str) -> None:
    shop = make("asked")
    settings = shop.settings()
    stages = {
        "tokenising": at(f"{TASKS[task]}.encode", 7, signal.SIGTERM),
        "training": at("tunewell.runtime:Runtime.seed", 8, signal.SIGTERM),
        "evaluating": at("tunewell.predictor:Predictor.outputs", 1, signal.SIGTERM),
        "saving": at("tunewell.training.checkpoint:save_file", 1, signal.SIGTERM),
        "scoring at the end": at(
            "tunewell.predictor:Predictor.outputs", 3 if task in LONGER_EPOCHS else 5, signal.SIGTERM
        ),
    }
    for stage, points in stages.items():
        assert shop.fit(settings, points) == 75, stage
    assert shop.fit(settings) == 0
    assert shop.result(shop.folder / "run") == undisturbed


def test_numbers_that_are_not_finite_leave_the_last_good_checkpoint(
    make: Any, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN in the loss of the second micro-batch of step 5."""
    module, name = TASKS[task].split(":")
    kind = getattr(importlib.import_module(module), name)
    loss, calls = kind.loss, []

    def poisoned(self: Any, model: Any, batch: Any) -> Any:
        calls.append(batch.example_ids)
        return loss(self, model, batch) * (float("nan") if len(calls) == 4 * 3 + 2 else 1.0)

    monkeypatch.setattr(kind, "loss", poisoned)
    shop = make("poisoned")
    with pytest.raises(NumericError) as caught:
        fit(load_config(None, shop.settings(), task_config))
    assert caught.value.exit_code == 6
    assert "step 5" in caught.value.what
    assert all(identity in (caught.value.where or "") for identity in calls[-2])
    found = Checkpoints(shop.folder / "run/checkpoints").latest()
    assert found is not None
    assert (found.state.step, found.warnings) == (4, ())
