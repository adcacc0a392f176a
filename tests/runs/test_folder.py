"""What a run leaves in its folder: every file, in the form that the documentation promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import load_config, to_yaml
from tunewell.run_dir import FINISHED, read_json
from tunewell.runs import fit
from tunewell.tasks import task_config
from tunewell.training.checkpoint import Checkpoints


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
    assert not list(finished.rglob(".writing*"))
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

    settings = shared.changed(shared.settings(), "output", folder=None, parent=str(tmp_path / "runs"))
    assert shared.fit(settings, shared.at_step(6)) == 130
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
    settings = shared.changed(settings, "data", train=str(data / "train.csv"))
    assert shared.fit(settings) == 0
    splits = read_json(shared.folder / "carved/scores.json")["splits"]
    assert {name: split["selected_on"] for name, split in splits.items()} == {
        "validation": True,
        "test": False,
    }
    assert sum(split["num_examples"] for split in splits.values()) < 48 / 2
