"""A run that was stopped or killed anywhere ends in the same bits as one that was left alone."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

KILL, INTERRUPT, TERMINATE = [signal.SIGKILL], [signal.SIGINT], [signal.SIGTERM]
MICRO_STEP = "tunewell.runtime:Runtime.seed"
"""Called once before every micro-batch; a run has 10 steps of 3."""


def at(target: str, call: int = 1, signals: Any = KILL, when: str = "before") -> list[dict[str, Any]]:
    return [{"targets": [target], "call": call, "signals": signals, "when": when}]


OPTIMIZERS = {
    "adamw": {},
    "adam": {"optimizer": "adam", "schedule": "cosine", "max_grad_norm": None},
    "sgd": {"optimizer": "sgd", "schedule": "constant", "learning_rate": 0.05, "save_every_steps": None},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_steps_are_five_and_five(workshop: Any, name: str) -> None:
    """With dropout, accumulation and evaluations on; SIGINT in the middle of step 6."""
    assert workshop.fit(workshop.settings("whole", **OPTIMIZERS[name])) == 0
    parted = workshop.settings("parted", **OPTIMIZERS[name])
    assert workshop.fit(parted, at(MICRO_STEP, 5 * 3 + 2, INTERRUPT)) == 130
    assert workshop.outcome["error"] == "Interrupted"
    assert "stopped after step 5 of 10" in workshop.outcome["message"]
    saved = max((workshop.folder / "parted/checkpoints").glob("step-*"))
    assert saved.name == "step-00000005", "the last boundary, though no save was due there"

    assert workshop.fit(parted) == 0
    assert "resuming after step 5 of 10" in workshop.outcome["said"]
    assert workshop.result(workshop.folder / "parted") == workshop.result(workshop.folder / "whole")


# Where a process is killed, one after the other, each going on with what the one before has left.

START_AND_TRAINING = {
    "reading the data": at("tunewell.runs:read_data"),
    "before anything is written": at("tunewell.run_dir:RunDir.check_unused"),
    "between manifest and settings": at("tunewell.runs:to_yaml"),
    "tokenising": at("tunewell.tasks.text_classification:TextClassification.encode", 30),
    "step 0": at(MICRO_STEP, 1),
    "inside accumulation": at(MICRO_STEP, 2),
    "after two steps, before the save": at("tunewell.training.checkpoint:Checkpoints.save"),
    "after the first save": at("tunewell.training.checkpoint:Checkpoints.save", when="after"),
    "going on, inside accumulation": at(MICRO_STEP, 3),
    "between a step and its evaluation": at("tunewell.predictor:Predictor.outputs"),
    "between an evaluation and its save": at("tunewell.training.checkpoint:Checkpoints.save"),
    "cutting back the metrics": at("tunewell.sinks:MetricsFile.rewind"),
    "again before the same step": at(MICRO_STEP, 3),
    "after a save at an evaluation": at("tunewell.training.checkpoint:Checkpoints.save", when="after"),
    "first kill in the second epoch": at(MICRO_STEP, 10, when="after"),
    "second kill in it": at(MICRO_STEP, 2),
    "third kill in it": at(MICRO_STEP, 5),
    "the last step": at("tunewell.training.loop:StepDone", 4),
    "the last evaluation": at("tunewell.predictor:Predictor.outputs", 2),
}
FINISHING = {
    "before the last save": at("tunewell.training.checkpoint:Checkpoints.save", 7),
    "after it": at("tunewell.training.checkpoint:Checkpoints.save", when="after"),
    "the best weights are back": at(
        "tunewell.training.checkpoint:Checkpoints.restore_model", 2, when="after"
    ),
    "scoring": at("tunewell.predictor:Predictor.outputs", 2),
    "the model half written": at("tunewell.runs.verdict:save_model", when="after"),
    "the old model gone, the new one not there": at("pathlib:Path.rename"),
    "checking the model": at("tunewell.runs.verdict:check_artefact"),
    "writing the scores": at("os:replace", 3),
    "writing the predictions": at("os:fsync", 6),
    "drawing the report": at("tunewell.runs.verdict:redraw"),
    "all but the last word": at("tunewell.run_dir:RunDir.update_manifest", 3),
}
CHAINS = {"start and training": START_AND_TRAINING, "finishing": FINISHING}


@pytest.mark.parametrize("name", CHAINS)
def test_killed_at_every_stage(workshop: Any, shared: Any, finished: Path, name: str) -> None:
    settings = workshop.settings()
    for stage, points in CHAINS[name].items():
        assert workshop.fit(settings, points) == -signal.SIGKILL, f"never came to: {stage}"
    assert workshop.fit(settings) == 0
    assert shared.result(workshop.folder / "run") == shared.result(finished)


def test_killed_at_random_moments(workshop: Any, shared: Any, finished: Path) -> None:
    """Twelve kills from outside, at moments that hang on the machine; the figure run is kill_study.py."""
    draw = random.Random(20260101)
    settings, kills = workshop.settings(), 0
    began = time.monotonic()
    assert workshop.fit(workshop.settings("clock")) == 0
    duration = min(time.monotonic() - began, 2.0)  # the machine may be busy with other things
    while kills < 12:
        pid = workshop.start(settings)
        time.sleep(draw.uniform(0.05, 1.0) * duration)
        os.kill(pid, signal.SIGKILL)
        code = workshop.processes.wait(pid)
        assert code in (0, -signal.SIGKILL), workshop.log.read_text()
        kills += code != 0
        if code == 0:  # it was done already: on with a run in another folder
            assert shared.result(Path(settings["output"]["folder"])) == shared.result(finished)
            settings = workshop.settings(f"run after {kills}")
    assert workshop.fit(settings) == 0
    assert shared.result(Path(settings["output"]["folder"])) == shared.result(finished)


# Signals that ask. The second process goes on from what the first has saved.

ASKED = {
    "tokenising": at("tunewell.tasks.text_classification:TextClassification.encode", 7, TERMINATE),
    "loading the model": at(
        "tunewell.tasks.text_classification:TextClassification.build_model", 1, TERMINATE
    ),
    "training": at(MICRO_STEP, 8, TERMINATE),
    "evaluating": at("tunewell.predictor:Predictor.outputs", 1, TERMINATE),
    "saving": at("tunewell.training.checkpoint:save_file", 1, TERMINATE),
    "scoring at the end": at("tunewell.predictor:Predictor.outputs", 5, TERMINATE),
}


def test_sigterm_ends_in_75_and_resumes(workshop: Any, shared: Any, finished: Path) -> None:
    settings = workshop.settings()
    for stage, points in ASKED.items():
        assert workshop.fit(settings, points) == 75, stage
        assert workshop.outcome["error"] == "Interrupted"
        assert "run the same command again" in workshop.outcome["message"]
    assert workshop.fit(settings) == 0
    assert shared.result(workshop.folder / "run") == shared.result(finished)


def test_stopped_in_the_evaluation_the_boundary_is_saved_and_the_evaluation_done_later(workshop: Any) -> None:
    settings = workshop.settings()
    assert workshop.fit(settings, at("tunewell.predictor:Predictor.outputs", 1, INTERRUPT)) == 130
    saved = max((workshop.folder / "run/checkpoints").glob("step-*"))
    assert saved.name == "step-00000003"
    assert '"last_evaluated_step": 0' in (saved / "state.json").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_the_second_signal_leaves_at_once(workshop: Any, number: int, code: int) -> None:
    assert workshop.fit(workshop.settings(), at(MICRO_STEP, 2, [signal.SIGINT, number])) == code
    assert not workshop.outcome_path.exists(), "it did not come to the end of anything"
    assert not (workshop.folder / "run/checkpoints").exists()


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_newest_checkpoint_damaged(workshop: Any, shared: Any, finished: Path, damage: str) -> None:
    settings = workshop.settings()
    assert workshop.fit(settings, at(MICRO_STEP, 8 * 3 + 1)) == -signal.SIGKILL
    newest = max((workshop.folder / "run/checkpoints").glob("step-*"))
    weights = newest / "model.safetensors"
    if damage == "truncated":
        os.truncate(weights, weights.stat().st_size // 2)
    else:
        weights.unlink()
    assert workshop.fit(settings) == 0
    assert any(newest.name in message and "damaged" in message for message in workshop.outcome["said"])
    assert shared.result(workshop.folder / "run") == shared.result(finished)


def test_all_checkpoints_damaged(workshop: Any) -> None:
    settings = workshop.settings()
    assert workshop.fit(settings, at(MICRO_STEP, 8 * 3 + 1)) == -signal.SIGKILL
    weights = sorted((workshop.folder / "run/checkpoints").glob("step-*/model.safetensors"))
    assert len(weights) >= 2
    for path in weights:
        os.truncate(path, 100)
    assert workshop.fit(settings) == 4
    assert "every checkpoint" in workshop.outcome["message"]
    assert sorted((workshop.folder / "run/checkpoints").glob("step-*/model.safetensors")) == weights
    assert workshop.fit(settings, mode="fresh") == 0
