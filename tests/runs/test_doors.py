"""Whom a run folder lets in: the same run again, one process at a time, and never over foreign files."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

import tunewell
from tunewell.config import RunConfig, load_config
from tunewell.core.errors import ConfigError, ModelError, NumericError, ResourceError
from tunewell.run_dir import CLEARING, RunDir, read_json, write_json
from tunewell.runs import Run, fit
from tunewell.sinks import Said
from tunewell.tasks import task_config
from tunewell.training.checkpoint import Checkpoints


def config(settings: Any) -> RunConfig:
    return load_config(None, settings, task_config)


@pytest.fixture(scope="module")
def halfway(shared: Any) -> Any:
    """The settings of a run that was interrupted in step 6."""
    settings = shared.settings("halfway")
    assert shared.fit(settings, shared.at_step(6)) == 130
    return settings


def test_a_finished_run_is_returned_without_training(
    finished: Path, shared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untouchable(*_: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("tunewell.runs.fit_model", untouchable)
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name != ".lock"}
    heard: list[Any] = []
    for mode in ("auto", "resume"):
        run = fit(config(shared.settings("finished")), mode=mode, sinks=[heard.append])
        assert run.path == finished
    after = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.name != ".lock"}
    assert after == before
    assert any(isinstance(event, Said) and "finished already" in event.message for event in heard)
    assert Run(finished).scores.to_json() == read_json(finished / "scores.json")


@pytest.mark.parametrize(
    ("group", "values", "keys"),
    [
        ("training", {"learning_rate": 0.5}, ["training.learning_rate"]),
        ("training", {"seed": 9, "batch_size": 4}, ["training.seed", "training.batch_size"]),
        ("evaluation", {"resamples": 200}, ["evaluation.resamples"]),
    ],
)
def test_other_settings_are_refused_by_name(
    shared: Any, halfway: Any, group: str, values: Any, keys: Any
) -> None:
    with pytest.raises(ConfigError) as caught:
        fit(config(shared.changed(halfway, group, **values)))
    for key in keys:
        assert f"{key}: {json.dumps(halfway[group].get(key.split('.')[1], 1))} before" in caught.value.what
    assert "training.optimizer" not in caught.value.what
    assert "--fresh" in (caught.value.fix or "")


def test_other_data_are_refused_by_name(shared: Any, tmp_path: Path, data: Path) -> None:
    copy = tmp_path / "films"
    copy.mkdir()
    for path in data.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    settings = shared.changed(shared.settings("other data"), "data", train=str(copy))
    assert shared.fit(settings, shared.at_step(6)) == 130
    with (copy / "train.csv").open("a", encoding="utf-8") as file:
        file.write("train-new,one row more,good,odd\n")
    with pytest.raises(ConfigError, match=r"content of data\.train") as caught:
        fit(config(settings))
    assert "data.validation" not in caught.value.what


def test_other_threads_go_on_and_are_recorded(shared: Any) -> None:
    assert shared.fit(shared.settings("threads"), shared.at_step(10)) == 130
    folder = shared.folder / "threads"
    assert "resumed" not in read_json(folder / "manifest.json")
    assert shared.fit(shared.settings("threads", threads=2)) == 0
    assert load_config(folder / "config.yaml", {}, task_config).training.threads == 2
    (resumed,) = read_json(folder / "manifest.json")["resumed"]
    assert set(resumed) == {"created", "versions"}


def test_a_second_process_is_refused_and_a_dead_owner_is_not_missed(workshop: Any) -> None:
    settings = workshop.settings()
    pid = workshop.start(settings, workshop.at_step(3, signal.SIGSTOP))
    while _state(pid) != "T":
        time.sleep(0.01)
    with pytest.raises(ResourceError) as caught:
        fit(config(settings))
    assert caught.value.exit_code == 5
    assert f"process {pid} on {socket.gethostname()}" in caught.value.what
    with pytest.raises(ResourceError):
        fit(config(settings), mode="fresh")
    os.kill(pid, signal.SIGKILL)
    assert workshop.processes.wait(pid) == -signal.SIGKILL
    assert workshop.fit(settings, workshop.at_step(6)) == 130


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_modes(workshop: Any) -> None:
    settings = workshop.settings(max_steps=1)
    assert workshop.fit(settings, mode="resume") == 2
    assert "nothing to resume" in workshop.outcome["message"]
    assert workshop.fit(settings) == 0
    created = read_json(workshop.folder / "run/manifest.json")["created"]
    (workshop.folder / "run/notes.txt").write_text("mine")
    assert workshop.fit(workshop.settings(max_steps=1, seed=5), mode="fresh") == 0
    manifest = read_json(workshop.folder / "run/manifest.json")
    assert manifest["identity"]["training.seed"] == 5
    assert manifest["created"] >= created
    assert (workshop.folder / "run/notes.txt").read_text() == "mine"
    with pytest.raises(ConfigError, match="'anew'"):
        tunewell.fit(workshop.data, settings=settings, mode="anew")


@pytest.mark.parametrize("mode", ["auto", "fresh"])
@pytest.mark.parametrize("name", ["config.yaml", "model", "thesis.tex"])
def test_a_folder_with_foreign_files_is_refused_and_left_alone(workshop: Any, mode: str, name: str) -> None:
    """`--fresh` above all: someone's own `model/` is not ours to delete."""
    folder = workshop.folder / "run"
    path = folder / name / "weights" if name == "model" else folder / name
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    with pytest.raises(ConfigError, match=f"holds no run .*{name}"):
        fit(config(workshop.settings()), mode=mode)
    assert path.read_text() == "precious"


def test_killed_while_clearing_for_a_fresh_start(workshop: Any) -> None:
    """What is half cleared is never resumed: the next run clears the rest and starts anew."""
    settings = workshop.settings(max_steps=2)
    assert workshop.fit(settings) == 0
    points = [{"targets": ["shutil:rmtree"], "call": 1, "when": "after", "signals": [signal.SIGKILL]}]
    assert workshop.fit(settings, points, mode="fresh") == -signal.SIGKILL
    assert RunDir(workshop.folder / "run").read_manifest()["status"] == CLEARING
    with pytest.raises(ModelError, match="not finished"):
        Run(workshop.folder / "run")
    assert workshop.fit(settings) == 0
    assert not any("resuming" in message for message in workshop.outcome["said"])


def test_a_newer_version_wrote_it(workshop: Any, finished: Path, tmp_path: Path) -> None:
    manifest = read_json(finished / "manifest.json")
    (tmp_path / "run").mkdir()
    write_json(tmp_path / "run/manifest.json", {**manifest, "schema": 2})
    with pytest.raises(ModelError, match="newer version"):
        fit(config(workshop.settings()))
    with pytest.raises(ModelError, match="newer version"):
        Run(tmp_path / "run")


def test_numbers_that_are_not_finite_leave_the_last_good_checkpoint(
    workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunewell.tasks.text_classification import TextClassification

    loss, calls = TextClassification.loss, []

    def poisoned(self: Any, model: Any, batch: Any) -> Any:
        calls.append(batch.example_ids)
        return loss(self, model, batch) * (float("nan") if len(calls) == 7 * 3 + 2 else 1.0)

    monkeypatch.setattr(TextClassification, "loss", poisoned)
    with pytest.raises(NumericError) as caught:
        fit(config(workshop.settings()))
    assert caught.value.exit_code == 6
    assert "step 8" in caught.value.what
    assert all(identity in (caught.value.where or "") for identity in calls[-2])
    found = Checkpoints(workshop.folder / "run/checkpoints").latest()
    assert found is not None
    assert (found.state.step, found.warnings) == (6, ())
