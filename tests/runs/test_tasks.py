"""The promises of resuming hold for tasks that read single tokens in windows: the same bits, wherever a run ended."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

TASKS = {
    "token-classification": "tunewell.tasks.token_classification:TokenClassification",
    "question-answering": "tunewell.tasks.question_answering:QuestionAnswering",
}


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
    return lambda name: from_where(processes, data, model, tmp_path_factory.mktemp(name))


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
        "decoding the test split": at(f"{TASKS[task]}.decode", 60),
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
        "scoring at the end": at("tunewell.predictor:Predictor.outputs", 5, signal.SIGTERM),
    }
    for stage, points in stages.items():
        assert shop.fit(settings, points) == 75, stage
    assert shop.fit(settings) == 0
    assert shop.result(shop.folder / "run") == undisturbed
