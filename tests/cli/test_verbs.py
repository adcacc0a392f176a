"""The other verbs: evaluate, report, runs, init, models, demo, and the options of all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import load_config
from tunewell.tasks import task_config, task_names

Command = Callable[..., Any]
VERBS = ("train", "evaluate", "predict", "compare", "report", "runs", "init", "models", "demo")


def test_evaluate_prints_and_writes_the_scores(
    tunewell: Command, trained: Path, work: Path, reviews: Any
) -> None:
    outcome = tunewell("evaluate", trained, "reviews.csv")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == f"{len(reviews)} examples"
    path = Path(lines[-1].removeprefix("written to "))
    written = json.loads(path.read_text())
    assert (written["num_examples"], written["selected_on"], written["primary"]) == (48, False, "accuracy")
    for name, score in written["scores"].items():
        assert any(line.split()[0] == name and f"{score['value']:.3f}" in line for line in lines)
    predicted = [json.loads(line) for line in path.with_suffix(".predictions.jsonl").read_text().splitlines()]
    assert [(row["text"], row["input_label"]) for row in predicted] == reviews
    right = sum(row["label"] == row["input_label"] for row in predicted)
    assert written["scores"]["accuracy"]["value"] == pytest.approx(right / 48)


def test_evaluate_on_one_class_writes_null_where_a_score_is_not_defined(
    tunewell: Command, trained: Path, work: Path, write_table: Command
) -> None:
    write_table(work / "one.csv", [("a film", "good")])
    outcome = tunewell("evaluate", trained, "one.csv")
    assert outcome.code == 0
    assert outcome.out.startswith("1 example\n")
    text = Path(outcome.out.splitlines()[-1].removeprefix("written to ")).read_text()
    assert "NaN" not in text
    assert json.loads(text)["scores"]["auroc"]["value"] is None


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        ([("a", "god")], ["t.csv:2: label 'god'", "(bad, good)", "did you mean 'good'?"]),
        ([("a", "good"), ("b", "Good")], ["t.csv:3: label 'Good'", "did you mean 'good'?"]),
        ([("a", "xyz")], ["t.csv:2: label 'xyz'", "train again"]),
        (
            [("a", "god"), ("b", "bda")],
            ["2 problems in t.csv", "t.csv:3", "did you mean 'good'?", "did you mean 'bad'?"],
        ),
        ([("a", "")], ["t.csv:2", "'label' is missing"]),
        ([("", "good")], ["t.csv:2", "'text' is blank"]),
    ],
)
def test_evaluate_refuses_what_the_model_cannot_answer(
    tunewell: Command, trained: Path, work: Path, write_table: Command, rows: Any, parts: list[str]
) -> None:
    write_table(work / "t.csv", rows)
    before = sorted((trained / "evaluations").glob("*")) if (trained / "evaluations").exists() else []
    outcome = tunewell("evaluate", trained, "t.csv")
    assert outcome.code == 3
    for part in [*parts, "fix:"]:
        assert part in outcome.err or part == "fix:"
    after = sorted((trained / "evaluations").glob("*")) if (trained / "evaluations").exists() else []
    assert before == after


def test_evaluate_without_labels_names_the_file(tunewell: Command, trained: Path, work: Path) -> None:
    (work / "t.csv").write_text("id,text\n1,a\n")
    outcome = tunewell("evaluate", trained, "t.csv")
    assert outcome.code == 3
    assert "t.csv: there is no column 'label'; the columns are id, text" in outcome.err


def test_report_is_drawn_again_byte_for_byte(tunewell: Command, trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / trained.name)
    before = (run / "report.html").read_bytes()
    assert before == (trained / "report.html").read_bytes()
    (run / "report.html").unlink()
    shutil.rmtree(run / "model")  # not needed
    outcome = tunewell("report", run)
    assert (outcome.code, outcome.out.strip()) == (0, str(run / "report.html"))
    assert (run / "report.html").read_bytes() == before
    assert tunewell("report", tmp_path).code == 4


def test_runs_lists_what_is_there(tunewell: Command, trained: Path, work: Path) -> None:
    assert tunewell("runs").out == "no runs in runs\n"
    outcome = tunewell("runs", trained.parent)
    assert outcome.code == 0
    head, line = outcome.out.splitlines()
    assert head.split() == ["run", "date", "task", "model", "score", "status"]
    assert line.startswith(str(trained))
    assert line.endswith("finished")
    assert " accuracy 0." in line
    (work / "runs" / "half").mkdir(parents=True)
    (work / "runs" / "half" / "manifest.json").write_text('{"schema": 1, "status": "running"}')
    (work / "runs" / "stranger").mkdir()
    outcome = tunewell("runs")
    assert outcome.out.splitlines()[1].split() == ["runs/half", "unfinished"]
    assert outcome.out.endswith("resume with: tunewell train runs/half/config.yaml\n")


def test_runs_lists_the_others_beside_a_damaged_one(tunewell: Command, trained: Path, work: Path) -> None:
    for name, content in {"a": "{broken", "b": '{"schema": 1}', "c": '{"schema": 99}', "d": "[]"}.items():
        (work / "runs" / name).mkdir(parents=True)
        (work / "runs" / name / "manifest.json").write_text(content)
    (work / "runs" / "good").symlink_to(trained)
    outcome = tunewell("runs")
    assert outcome.code == 0
    said = dict(line.split(" ", 1) for line in outcome.out.splitlines())
    assert all(said[f"runs/{name}"].strip().startswith("damaged: ") for name in "abcd")
    assert "accuracy" in said["runs/good"]
    listed = {entry["folder"]: entry["status"] for entry in json.loads(tunewell("runs", "--json").out)}
    assert listed == {**{f"runs/{name}": "damaged" for name in "abcd"}, "runs/good": "finished"}


@pytest.mark.parametrize("task", task_names())
def test_init_prints_a_run_file_that_can_be_read(tunewell: Command, work: Path, task: str) -> None:
    outcome = tunewell("init", task)
    assert outcome.code == 0
    assert outcome.out.count("FILL_IN") == 1
    (work / "run.yaml").write_text(outcome.out.replace("FILL_IN", "reviews.csv"))
    config = load_config(work / "run.yaml", {}, task_config)
    assert (config.task, config.data.train) == ({"name": task}, "reviews.csv")


def test_init_of_an_unknown_task(tunewell: Command) -> None:
    outcome = tunewell("init", "text-clasification")
    assert outcome.code == 2
    assert "did you mean text-classification?" in outcome.err


def test_models_lists_the_packs(tunewell: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWELL_CACHE", str(tmp_path))
    outcome = tunewell("models")
    assert outcome.code == 0
    assert "minilm" in outcome.out
    assert "not fetched: tunewell models get minilm" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["models", "get"], 2, "get NAME"),
        (["models", "fetch", "minilm"], 2, "get NAME"),
        (["models", "get", "maxilm"], 4, "choose one of: minilm"),
        (["demo", "--task", "nope"], 2, "samples: text-classification"),
        (["demo", "x"], 2, "x"),
        (["trian"], 2, "trian"),
        (["--nope"], 2, "--nope"),
        (["train"], 2, "DATA"),
        (["predict"], 2, "RUN"),
        (["evaluate", "x"], 2, "DATA"),
        (["report"], 2, "RUN"),
        (["init"], 2, "TASK"),
    ],
)
def test_a_wrong_command_line(
    tunewell: Command, work: Path, arguments: list[str], code: int, said: str
) -> None:
    outcome = tunewell(*arguments)
    assert outcome.code == code
    assert said in outcome.err
    assert "fix:" in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help(tunewell: Command, verb: str) -> None:
    outcome = tunewell(*([verb] if verb else []), "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Usage: tunewell")
    assert "\x1b" not in outcome.out
    if not verb:
        assert all(f"\n  {name} " in outcome.out for name in VERBS)
        assert tunewell().out == outcome.out


def test_version(tunewell: Command) -> None:
    outcome = tunewell("--version")
    assert outcome.code == 0
    assert outcome.out.startswith("tunewell 0.")


def test_debug_shows_the_traceback_of_a_users_error(tunewell: Command, work: Path) -> None:
    plain, debugged = tunewell("train", "none.csv"), tunewell("train", "none.csv", "--debug")
    assert plain.code == debugged.code == 3
    assert "Traceback" not in plain.err
    assert "Traceback" in debugged.err
    assert debugged.err.endswith(plain.err)


def test_a_fault_of_ours_is_said_to_be_one(tunewell: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("oh\x1b[31m")

    monkeypatch.setattr("tunewell.run_dir.find_runs", broken)
    outcome = tunewell("runs")
    assert outcome.code == 1
    assert "RuntimeError: oh\\x1b[31m" in outcome.err
    assert "--debug" in outcome.err
    with pytest.raises(RuntimeError):
        tunewell("runs", "--debug")


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 0), (OSError(28, "No space left"), 5)]
)
def test_what_the_system_throws(
    tunewell: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("tunewell.run_dir.find_runs", broken)
    outcome = tunewell("runs")
    assert outcome.code == code
    assert "Traceback" not in outcome.err
    assert ("No space left" in outcome.err) == (code == 5)
