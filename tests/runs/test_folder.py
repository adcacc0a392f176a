"""The run folder: what it holds, and whom it lets in."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

import tunewell
from tunewell.config import load_config, to_yaml
from tunewell.core.errors import ConfigError, ModelError, NumericError, ResourceError
from tunewell.run_dir import CLEARING, FINISHED, RunDir, read_json, write_json
from tunewell.runs import Run, fit
from tunewell.runtime import StopFlag
from tunewell.sinks import Said
from tunewell.tasks import task_config
from tunewell.training.checkpoint import Checkpoints

MICRO_STEP = "tunewell.runtime:Runtime.seed"
STEP_5 = [{"targets": [MICRO_STEP], "call": 5 * 3 + 1, "signals": [signal.SIGINT]}]


def config(settings: Any) -> Any:
    return load_config(None, settings, task_config)


@pytest.fixture(scope="module")
def halfway(shared: Any) -> Any:
    """The settings of a run that was interrupted after step 5."""
    settings = shared.settings("halfway")
    assert shared.fit(settings, STEP_5) == 130
    return settings


def changed(settings: Any, group: str, **values: Any) -> Any:
    return {**settings, group: {**settings[group], **values}}


# What it holds


def test_holds_everything_that_the_design_lists(finished: Path) -> None:
    names = {path.name for path in finished.iterdir() if not path.name.startswith(".")}
    assert names == {
        "config.yaml",
        "manifest.json",
        "metrics.jsonl",
        "checkpoints",
        "model",
        "task.json",
        "scores.json",
        "predictions.jsonl",
        "sections.json",
        "report.html",
    }
    model = {path.name for path in (finished / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= model
    suffixes = {path.suffix for path in finished.rglob("*") if path.is_file()}
    assert not suffixes & {".bin", ".pt", ".pth", ".pkl"}
    assert not [path for path in finished.rglob(".writing*")]
    manifest = read_json(finished / "manifest.json")
    assert (manifest["schema"], manifest["status"]) == (1, FINISHED)
    assert set(manifest["versions"]) == {"tunewell", "torch", "transformers"}


def test_scores_have_the_published_schema(finished: Path) -> None:
    scores = read_json(finished / "scores.json")
    assert set(scores) == {"schema", "task", "primary", "splits", "baselines", "differences"}
    assert (scores["schema"], scores["task"], scores["primary"]) == (1, "text-classification", "accuracy")
    assert set(scores["splits"]) == {"validation", "test"}
    for name, split in scores["splits"].items():
        assert set(split) == {"num_examples", "selected_on", "scores"}
        assert split["num_examples"] == 18
        assert split["selected_on"] is (name == "validation")
        for score in split["scores"].values():
            assert set(score) == {"value", "low", "high"}
        primary = split["scores"]["accuracy"]
        assert 0 <= primary["low"] <= primary["value"] <= primary["high"] <= 1


def test_prediction_rows_have_the_published_schema(finished: Path, data: Path) -> None:
    rows = [json.loads(line) for line in (finished / "predictions.jsonl").read_text().splitlines()]
    assert [row["split"] for row in rows] == ["validation"] * 18 + ["test"] * 18
    scores = read_json(finished / "scores.json")["splits"]
    for split in ("validation", "test"):
        part = [row for row in rows if row["split"] == split]
        right = sum(row["label"] == row["gold"] for row in part) / len(part)
        assert right == pytest.approx(scores[split]["scores"]["accuracy"]["value"])
    lines = (data / "test.csv").read_text().splitlines()
    for number, row in enumerate(rows[18:], start=2):
        assert set(row) == {
            *("id", "line", "text", "split", "gold", "label", "probabilities"),
            *("input_label", "input_split"),  # own columns whose names were taken
        }
        identity, text, label, _ = lines[number - 1].split(",")
        assert (row["line"], row["id"], row["text"], row["gold"]) == (number, identity, text, label)
        assert (row["input_label"], row["input_split"]) == (label, "odd")
        assert set(row["probabilities"]) == {"good", "bad", "so so"}
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)


def test_metrics_tell_steps_and_evaluations_in_order(finished: Path) -> None:
    lines = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    order = [f"{line['event'][0]}{line['step']}" for line in lines]
    assert order == ["s1", "s2", "s3", "e3", "s4", "s5", "s6", "e6", "s7", "s8", "s9", "e9", "s10", "e10"]
    best = [line for line in lines if line.get("is_best")]
    assert best[-1]["step"] == read_json(finished / "manifest.json")["best_step"]


def test_checkpoints_hold_the_best_and_the_newest(finished: Path) -> None:
    best = read_json(finished / "manifest.json")["best_step"]
    steps = {int(path.name[5:]) for path in (finished / "checkpoints").glob("step-*")}
    assert steps == {9, 10, best}
    found = Checkpoints(finished / "checkpoints").latest()
    assert found is not None
    assert found.state.best_step == best


def test_settings_reload_to_the_same_run(finished: Path, shared: Any, tmp_path: Path) -> None:
    """As an equal tree, and with the same name where the name is made of settings and data."""
    reloaded = load_config(finished / "config.yaml", {}, task_config)
    assert to_yaml(reloaded) == (finished / "config.yaml").read_text(encoding="utf-8")
    assert fit(reloaded).path == finished, "returned, not trained"

    settings = changed(shared.settings(), "output", folder=None, parent=str(tmp_path / "runs"))
    assert shared.fit(settings, STEP_5) == 130
    (folder,) = (tmp_path / "runs").iterdir()
    again = load_config(folder / "config.yaml", {}, task_config)
    run = fit(again)
    assert run.path == folder
    assert folder.name.startswith("films-")
    assert len(folder.name) == len("films-") + 8
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [folder.name]
    assert shared.result(folder) == shared.result(finished)


def test_no_test_file_given(shared: Any, data: Path) -> None:
    """Test rows are drawn from the training file; only the validation split chose the checkpoint."""
    settings = shared.settings("carved", max_steps=2, evaluations_per_epoch=1)
    settings = changed(settings, "data", train=str(data / "train.csv"))
    assert shared.fit(settings) == 0
    splits = read_json(shared.folder / "carved/scores.json")["splits"]
    assert {name: split["selected_on"] for name, split in splits.items()} == {
        "validation": True,
        "test": False,
    }
    assert sum(split["num_examples"] for split in splits.values()) < 48 / 2


# Whom it lets in


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
def test_other_settings_are_refused_by_name(halfway: Any, group: str, values: Any, keys: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        fit(config(changed(halfway, group, **values)))
    for key in keys:
        assert f"{key}: {json.dumps(halfway[group].get(key.split('.')[1], 1))} before" in caught.value.what
    assert "training.optimizer" not in caught.value.what
    assert "--fresh" in (caught.value.fix or "")


def test_other_data_are_refused_by_name(shared: Any, tmp_path: Path, data: Path) -> None:
    copy = tmp_path / "films"
    copy.mkdir()
    for path in data.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    settings = changed(shared.settings("other data"), "data", train=str(copy))
    assert shared.fit(settings, STEP_5) == 130
    with (copy / "train.csv").open("a", encoding="utf-8") as file:
        file.write("train-new,one row more,good,odd\n")
    with pytest.raises(ConfigError, match=r"content of data\.train") as caught:
        fit(config(settings))
    assert "data.validation" not in caught.value.what


def test_other_threads_go_on_and_are_recorded(shared: Any) -> None:
    assert shared.fit(shared.settings("threads"), STEP_5) == 130
    folder = shared.folder / "threads"
    assert "resumed" not in read_json(folder / "manifest.json")
    assert shared.fit(shared.settings("threads", threads=2)) == 0
    assert load_config(folder / "config.yaml", {}, task_config).training.threads == 2
    (resumed,) = read_json(folder / "manifest.json")["resumed"]
    assert set(resumed) == {"created", "versions"}


def test_a_second_process_is_refused_and_a_dead_owner_is_not_missed(workshop: Any) -> None:
    settings = workshop.settings()
    pid = workshop.start(settings, [{"targets": [MICRO_STEP], "call": 2, "signals": [signal.SIGSTOP]}])
    while not (workshop.folder / "run/metrics.jsonl").exists() and _state(pid) != "T":
        pass
    with pytest.raises(ResourceError) as caught:
        fit(config(settings))
    assert caught.value.exit_code == 5
    assert f"process {pid} on {socket.gethostname()}" in caught.value.what
    with pytest.raises(ResourceError):
        fit(config(settings), mode="fresh")
    os.kill(pid, signal.SIGKILL)
    assert workshop.processes.wait(pid) == -signal.SIGKILL
    assert workshop.fit(settings, STEP_5) == 130


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


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    flag = StopFlag()
    with flag.listening():
        signal.raise_signal(signal.SIGTERM)
    assert flag.preempted
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
