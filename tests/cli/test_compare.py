"""`tunewell compare` and the table of `tunewell runs`."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
LABELS = ("bad", "good")


@pytest.fixture(scope="module")
def two(stored_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs on 150 examples, the second far better."""
    folder = tmp_path_factory.mktemp("two")
    draw = random.Random(0)
    gold = [draw.choice(LABELS) for _ in range(150)]
    guessed = [draw.choice(LABELS) for _ in gold]
    texts = [f"text {number} with\x1b[31m colour" for number in range(150)]
    return stored_run(folder / "guess", gold, guessed, texts=texts), stored_run(
        folder / "good", gold, gold, texts=texts
    )


def test_it_says_who_is_better(tunewell: Command, two: tuple[Path, Path]) -> None:
    outcome = tunewell("compare", *two)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "accuracy on 150 test examples, the same for all runs"
    assert lines[1].startswith("guess  0.")
    assert lines[1].endswith("reference")
    assert lines[2].startswith("good   1.000 (95% interval 0.975 to 1.000)")
    assert lines[3] == "good is better than guess."
    assert "p < 0.001" in lines[4]
    assert "only guess 0" in lines[5]
    assert "examples are not answered alike" in outcome.out
    assert "\x1b" not in outcome.out
    assert "note: Each run is one training" in outcome.out


def test_json_is_json_alone(tunewell: Command, two: tuple[Path, Path]) -> None:
    outcome = tunewell("compare", *two, "--json", "--metric", "macro_f1", "--reference", "good")
    assert (outcome.code, outcome.err) == (0, "")
    written = json.loads(outcome.out)
    assert (written["metric"], written["reference"]) == ("macro_f1", "good")
    assert written["comparisons"][0]["verdict"] == "worse"


def test_a_page_is_written(tunewell: Command, two: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    outcome = tunewell("compare", *two, "--html", page)
    assert outcome.code == 0
    assert outcome.out.endswith(f"page written to {page}\n")
    text = page.read_text()
    assert "good is better than guess." in text
    assert "http" not in text.replace("http-equiv", "")


def test_trained_runs_are_compared(tunewell: Command, trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(trained, again)
    shutil.rmtree(again / "model")  # not needed
    outcome = tunewell("compare", trained, again)
    assert outcome.code == 0
    assert "The two answer every example alike." in outcome.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{0}"], 2, "two or more runs"),
        (["{0}", "{0}"], 2, "given twice"),
        (["{0}", "nowhere"], 4, "no such folder"),
        (["{0}", "{1}", "--metric", "f2"], 2, "choose one of: accuracy"),
        (["{0}", "{1}", "--reference", "x"], 2, "is not among the runs"),
        (["{0}", "{1}", "--reference", "good", "--all-pairs"], 2, "need no reference"),
        (["{0}", "{1}", "--split", "validation"], 2, "it has: test"),
        (["{0}", "{1}", "--html", "nowhere/page.html"], 2, "create it"),
        ([], 2, "RUN"),
    ],
)
def test_what_is_refused(
    tunewell: Command, two: tuple[Path, Path], work: Path, arguments: list[str], code: int, said: str
) -> None:
    outcome = tunewell("compare", *(argument.format(*two) for argument in arguments))
    assert outcome.code == code
    assert said in outcome.err
    assert "fix:" in outcome.err
    assert outcome.out == ""


def test_other_examples_are_refused_with_what_differs(
    tunewell: Command, two: tuple[Path, Path], trained: Path, stored_run: Callable[..., Path], tmp_path: Path
) -> None:
    gold = ["bad", "good"] * 20
    outcome = tunewell("compare", two[0], stored_run(tmp_path / "small", gold, gold))
    assert outcome.code == 3
    assert "guess (150 examples) and small (40) were not tested on the same test examples" in outcome.err
    assert "110 examples only in guess" in outcome.err
    assert outcome.out == ""


def test_runs_as_a_table_and_as_json(tunewell: Command, two: tuple[Path, Path], trained: Path) -> None:
    outcome = tunewell("runs", two[0].parent)
    assert outcome.code == 0
    head, *lines = outcome.out.splitlines()
    assert head.split() == ["run", "date", "task", "model", "score", "status"]
    good = next(line for line in lines if line.startswith(str(two[1])))
    assert good.split()[1:] == [
        *("2026-11-23", "text-classification", "tiny"),
        *("accuracy", "1.000", "(0.975", "to", "1.000)", "finished"),
    ]
    listed = json.loads(tunewell("runs", two[0].parent, "--json").out)
    entry = next(entry for entry in listed if entry["folder"] == str(two[1]))
    assert (entry["task"], entry["model"], entry["status"]) == (
        "text-classification",
        "models/tiny",
        "finished",
    )
    assert (entry["metric"], entry["split"], entry["num_examples"]) == ("accuracy", "test", 150)
    assert entry["score"]["value"] == 1
    assert entry["created"] == "2026-11-23T17:05:11Z"
    assert json.loads(tunewell("runs", two[0], "--json").out) == []
