"""`metrics.jsonl`: what is written, when, and what a resumed run cuts off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tunewell.core.errors import ResourceError
from tunewell.sinks import MetricsFile, Said, Started
from tunewell.training.loop import EvalDone, Evaluation, StepDone, TrainState


def step(number: int) -> StepDone:
    return StepDone(number, torch.tensor(0.5), torch.tensor(2.0), 0.1, 8.0)


def evaluation(number: int) -> EvalDone:
    return EvalDone(number, Evaluation(0.75, {"accuracy": 0.75, "macro_f1": 0.5}), True)


def entries(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_every_few_steps_and_for_the_first_and_every_evaluation(tmp_path: Path) -> None:
    sink = MetricsFile(tmp_path / "metrics.jsonl", log_every=4)
    for event in (Said("hello"), Started(0, 9, 3, 8), *map(step, range(1, 10)), evaluation(9)):
        sink(event)
    found = entries(tmp_path / "metrics.jsonl")
    assert [(line["event"], line["step"]) for line in found] == [
        ("step", 1),
        ("step", 4),
        ("step", 8),
        ("evaluation", 9),
    ]
    assert found[0] == {
        **{"event": "step", "step": 1, "loss": 0.5, "grad_norm": 2.0, "learning_rate": 0.1},
        "elapsed_seconds": found[0]["elapsed_seconds"],
    }
    assert found[3] == {
        **{"event": "evaluation", "step": 9, "is_best": True},
        **{"validation_accuracy": 0.75, "validation_macro_f1": 0.5},
        "elapsed_seconds": found[3]["elapsed_seconds"],
    }


def test_rewinding_cuts_back_to_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    sink = MetricsFile(path, log_every=1)
    sink.rewind(TrainState())
    for event in (step(1), step(2), evaluation(2), step(3), step(4), evaluation(4), step(5)):
        sink(event)

    def left(state: TrainState) -> list[tuple[str, int]]:
        MetricsFile(path, 1).rewind(state)
        return [(line["event"], line["step"]) for line in entries(path)]

    everything = [
        *[("step", 1), ("step", 2), ("evaluation", 2)],
        *[("step", 3), ("step", 4), ("evaluation", 4), ("step", 5)],
    ]
    assert left(TrainState(step=5, last_evaluated_step=4)) == everything
    assert left(TrainState(step=4, last_evaluated_step=4)) == everything[:6]
    assert left(TrainState(step=4, last_evaluated_step=2)) == everything[:5], "saved before its evaluation"
    assert left(TrainState()) == []


@pytest.mark.parametrize("torn", ['{"event": "step", "st', '{"event": "step", "step": 2}', "\0\0\0"])
def test_a_line_that_a_killed_process_left_unfinished(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "metrics.jsonl"
    sink = MetricsFile(path, log_every=1)
    sink(step(1))
    whole = path.read_text()
    path.write_text(whole + torn)
    sink.rewind(TrainState(step=2))
    assert path.read_text() == whole
    sink(step(2))
    assert [line["step"] for line in entries(path)] == [1, 2]


def test_a_disk_that_is_full_is_said_with_the_file(tmp_path: Path) -> None:
    sink = MetricsFile(tmp_path / "gone" / "metrics.jsonl", log_every=1)
    with pytest.raises(ResourceError) as caught:
        sink(step(1))
    assert caught.value.exit_code == 5
    assert str(tmp_path / "gone/metrics.jsonl") in str(caught.value)
