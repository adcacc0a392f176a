"""`tunewell train`: every kind of input, every flag that decides what happens to a run folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import load_config
from tunewell.run_dir import RunDir
from tunewell.tasks import task_config

Command = Callable[..., Any]
RESULTS = {
    "config.yaml", "manifest.json", "metrics.jsonl", "checkpoints", "model", "task.json", "scores.json",
    "predictions.jsonl", "sections.json", "report.html",
}  # fmt: skip


def files(folder: Path) -> dict[str, float]:
    """Every file under `folder`, with the time of its last change."""
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def config_of(folder: Path) -> Any:
    return load_config(folder / "config.yaml", {}, task_config)


def folder_in(out: str) -> Path:
    return Path(next(line for line in out.splitlines() if line.startswith("folder")).split()[1])


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.jsonl"])
def test_trains_on_a_file(
    tunewell: Command, work: Path, quick: list[str], reviews: Any, write_table: Command, name: str
) -> None:
    write_table(work / name, reviews)
    outcome = tunewell("train", name, *quick)
    assert outcome.code == 0, outcome.err
    folder = folder_in(outcome.out)
    assert folder.parent == Path("runs")
    assert folder.name.startswith("r-")
    assert {path.name for path in folder.iterdir()} >= RESULTS
    scores = json.loads((folder / "scores.json").read_text())
    assert (scores["schema"], scores["task"], scores["primary"]) == (1, "text-classification", "accuracy")
    assert {name: part["selected_on"] for name, part in scores["splits"].items()} == {
        "validation": True,
        "test": False,
    }
    assert scores["baselines"].keys() == {"majority", "tfidf"}
    value = scores["splits"]["test"]["scores"]["accuracy"]["value"]
    assert f"accuracy {value:.3f}" in outcome.out
    for said in ("report    ", "model     ", "next", "tunewell predict"):
        assert said in outcome.out


def test_trains_on_a_folder_of_splits(
    tunewell: Command, work: Path, quick: list[str], reviews: Any, write_table: Command
) -> None:
    write_table(work / "data" / "train.csv", reviews[:32])
    write_table(work / "data" / "dev.tsv", reviews[32:40])
    write_table(work / "data" / "test.jsonl", reviews[40:])
    outcome = tunewell("train", "data", *quick, "--output", "out")
    assert outcome.code == 0, outcome.err
    splits = RunDir(Path("out")).read_scores().splits
    assert {name: split.num_examples for name, split in splits.items()} == {"validation": 8, "test": 8}
    assert "split by" not in outcome.err


def test_a_run_file_with_set_and_flags_on_top(tunewell: Command, work: Path, quick: list[str]) -> None:
    (work / "run.yaml").write_text(
        f"data: {{train: reviews.csv}}\nmodel: {{name: {quick[1]}}}\noutput: {{folder: out}}\n"
        "training: {batch_size: 8, epochs: 3, seed: 5, threads: 1}\nevaluation: {baselines: false, resamples: 100}\n"
    )
    outcome = tunewell(
        "train", "run.yaml", "--epochs", 1, "--set", "training.epochs=2", "--set", "training.seed=6"
    )
    assert outcome.code == 0, outcome.err
    config = config_of(Path("out"))
    assert (config.training.epochs, config.training.seed, config.training.batch_size) == (1, 6, 8)
    assert RunDir(Path("out")).read_scores().baselines == {}
    again = tunewell("train", "out/config.yaml")
    assert again.code == 0
    assert "finished already" in again.err
    assert config_of(Path("out")) == config


def test_a_dry_run_writes_nothing_and_prints_a_run_file(
    tunewell: Command, work: Path, quick: list[str]
) -> None:
    before = files(work)
    outcome = tunewell("train", "reviews.csv", *quick, "--dry-run")
    assert outcome.code == 0
    assert files(work) == before
    assert outcome.out.startswith(
        "# would train on 38 train, 5 validation, 5 test examples, in runs/reviews-"
    )
    (work / "plan.yaml").write_text(outcome.out)
    config = load_config(work / "plan.yaml", {}, task_config)
    assert (config.task["text"], config.task["label"], config.training.micro_batch_size) == (
        "text",
        "label",
        8,
    )
    assert tunewell("train", "plan.yaml", "--dry-run").out == outcome.out


def test_the_same_command_again_returns_what_is_there(
    tunewell: Command, work: Path, quick: list[str]
) -> None:
    first = tunewell("train", "reviews.csv", *quick, "--output", "out")
    before = files(work)
    second = tunewell("train", "reviews.csv", *quick, "--output", "out")
    assert (second.code, second.out) == (0, first.out)
    assert "finished already" in second.err
    assert "step" not in second.err
    assert {path for path, time in files(work).items() if before.get(path) != time} <= {
        str(work / "out" / ".lock")
    }
    other = tunewell("train", "reviews.csv", *quick, "--output", "out", "--seed", 9)
    assert other.code == 2
    for said in ("training.seed: 1 before, 9 now", "--fresh", "out"):
        assert said in other.err
    fresh = tunewell("train", "reviews.csv", *quick, "--output", "out", "--seed", 9, "--fresh")
    assert fresh.code == 0
    assert "step" in fresh.err
    assert config_of(Path("out")).training.seed == 9


def test_resume_with_nothing_to_resume(tunewell: Command, work: Path, quick: list[str]) -> None:
    outcome = tunewell("train", "reviews.csv", *quick, "--output", "out", "--resume")
    assert outcome.code == 2
    assert "nothing to resume" in outcome.err


def test_resume_and_fresh_leave_foreign_files_alone(tunewell: Command, work: Path, quick: list[str]) -> None:
    (work / "mine" / "model").mkdir(parents=True)
    (work / "mine" / "model" / "weights.txt").write_text("precious")
    (work / "mine" / "report.html").write_text("precious")
    before = files(work)
    for flags in ([], ["--fresh"], ["--resume"]):
        outcome = tunewell("train", "reviews.csv", *quick, "--output", "mine", *flags)
        assert outcome.code == 2
        assert "mine" in outcome.err
    assert {
        path: time for path, time in files(work).items() if path in before and path != str(work / "mine")
    } == {path: time for path, time in before.items() if path != str(work / "mine")}


def test_elsewhere_than_on_a_terminal_the_output_is_plain_and_short(
    tunewell: Command, work: Path, quick: list[str]
) -> None:
    outcome = tunewell("train", "reviews.csv", *quick, "--output", "out", "--epochs", 20)
    assert "\x1b" not in outcome.out + outcome.err
    steps = [line for line in outcome.err.splitlines() if line.startswith("step") and "/" in line.split()[1]]
    assert 5 <= len(steps) <= 15
    assert all("loss" in line and "left" in line for line in steps)
    assert len(outcome.out.splitlines()) <= 15


def test_hostile_names_cannot_steer_the_terminal(tunewell: Command, work: Path, quick: list[str]) -> None:
    table = "te\x1b[31mxt,label\n" + "".join(f"film {n},{':heart:' if n % 2 else 'a'}\n" for n in range(40))
    (work / "evil.csv").write_text(table, encoding="utf-8")
    outcome = tunewell("train", "evil.csv", *quick, "--dry-run", "--set", "task.text=te")
    assert outcome.code == 3
    assert "\x1b" not in outcome.err
    assert "te\\x1b[31mxt" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resume", "--fresh"], "exclude each other"),
        (["--folds", "1"], "greater than or equal to 2"),
        (["--folds", "0"], "greater than or equal to 2"),
        (["--folds", "3", "--dry-run"], "exclude each other"),
        (["--folds", "3", "--test", "reviews.csv"], "test split already"),
        (["--folds", "49"], "49 folds are more than the 48 examples"),
        (["--folds", "3", "--resume", "--output", "out"], "nothing to resume"),
        (["--epochs", "nan"], "finite"),
        (["--epochs", "x"], "--epochs"),
        (["--seed", "-1"], "training.seed"),
        (["--task", "text-clasification"], "did you mean text-classification?"),
        (["--device", "gpu"], "training.device"),
        (["--model", ""], "model.name"),
        (["--output", ""], "output.folder"),
        (["--validation", ""], "data.validation"),
        (["--set", "lr=1"], "did you mean training.learning_rate?"),
        (["--nope"], "--nope"),
    ],
)
def test_wrong_options_leave_with_2_and_nothing_written(
    tunewell: Command, work: Path, quick: list[str], arguments: list[str], said: str
) -> None:
    outcome = tunewell("train", "reviews.csv", *quick, *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert "fix:" in outcome.err
    assert "Traceback" not in outcome.err
    assert [path.name for path in work.iterdir()] == ["reviews.csv"]


@pytest.mark.parametrize("data", ["none.yaml", ".", "", "folder.yaml"])
def test_data_that_is_not_there(tunewell: Command, work: Path, data: str) -> None:
    (work / "folder.yaml").mkdir()
    outcome = tunewell("train", data)
    assert outcome.code in (2, 3)
    assert "fix:" in outcome.err
