"""The examples run, with a tiny model and few steps."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest
import torch

from tunewell.testing import tiny_model

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_textbook_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints losses and accuracies, and gives the same numbers each time."""
    example = runpy.run_path(str(EXAMPLES / "textbook_loop.py"))
    texts = [text for text, _ in example["reviews"]("train")]
    folder = tiny_model(tmp_path, "bert", texts)
    before = torch.get_rng_state()
    score = example["main"](folder, num_epochs=2, print_every=3, limit=40)
    printed = capsys.readouterr().out
    steps = re.findall(r"^step (\d+): loss (\d\.\d{4})$", printed, re.MULTILINE)
    assert [int(step) for step, _ in steps] == [3, 6], "40 reviews by 16: two epochs of 3 steps"
    assert all(0.3 < float(loss) < 2 for _, loss in steps)
    assert len(re.findall(r"^step [36]: validation accuracy ", printed, re.MULTILINE)) == 2
    assert printed.splitlines()[-1] == f"test accuracy {score:.3f}"

    torch.rand(17)
    assert example["main"](folder, num_epochs=2, print_every=3, limit=40) == score
    assert capsys.readouterr().out == printed
    torch.set_rng_state(before)


def test_textbook_loop_reads_every_sample() -> None:
    reviews = runpy.run_path(str(EXAMPLES / "textbook_loop.py"))["reviews"]
    for split in ("train", "validation", "test"):
        assert {label for _, label in reviews(split)} == {0, 1}
        assert all(text.strip() for text, _ in reviews(split))


QUICK = {
    "training.epochs": 1,
    "training.batch_size": 16,
    "evaluation.resamples": 200,
    "evaluation.rank_resamples": 100,
}
SAMPLE = Path(__file__).parents[1] / "src" / "tunewell" / "samples" / "reviews"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny model; the working folder is empty, and one thread does the work."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("tunewell.runtime.physical_cores", lambda: 1)
    texts = (SAMPLE / "train.csv").read_text(encoding="utf-8").splitlines()
    return tiny_model(tmp_path, "bert", texts, max_length_tokens=16)


def test_own_csv(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints the headline, the opponents and two answers, and takes the finished run the second time."""
    lines = (SAMPLE / "train.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "own.csv").write_text("".join(lines[:101]), encoding="utf-8")
    example = runpy.run_path(str(EXAMPLES / "own_csv.py"))
    run = example["main"](str(tmp_path / "own.csv"), str(model), **QUICK)
    printed = capsys.readouterr().out
    assert re.match(r"accuracy 0\.\d{3} \(0\.\d{3} to [01]\.\d{3}\) on test\n", printed)
    assert re.findall(r"^  against (\w+):", printed, re.MULTILINE) == ["majority", "tfidf"]
    assert len(re.findall(r"^(?:positive|negative) \(0\.\d\d\): ", printed, re.MULTILINE)) == 2
    before = run.dir.manifest.stat().st_mtime_ns
    assert example["main"](str(tmp_path / "own.csv"), str(model), **QUICK).path == run.path
    assert run.dir.manifest.stat().st_mtime_ns == before


def test_cross_validation(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row is scored once."""
    lines = (SAMPLE / "train.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "small.csv").write_text("".join(lines[:61]), encoding="utf-8")
    groups: dict[str, dict[str, object]] = {}
    for key, value in QUICK.items():
        group, _, name = key.partition(".")
        groups.setdefault(group, {})[name] = float(value) if name == "epochs" else value
    example = runpy.run_path(str(EXAMPLES / "cross_validation.py"))
    run = example["main"](str(tmp_path / "small.csv"), str(model), 2, **groups)
    printed = capsys.readouterr().out
    assert printed.startswith("60 rows, each scored by a model that has not seen it:\n  accuracy 0.")
    assert printed.rstrip().endswith(str(run.dir.model))


def test_first_steps(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The notebook's cells run in their order, and it is stored without outputs.

    Its JSON is read here: a kernel would run the same code, and bring a dozen packages.
    """
    notebook = json.loads((EXAMPLES / "first_steps.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    monkeypatch.setenv("TUNEWELL_EXAMPLE_MODEL", str(model))
    names: dict[str, object] = {"__name__": "__notebook__"}
    for cell in cells:
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    printed = capsys.readouterr().out
    assert "550 training rows" in printed
    assert re.search(r"^accuracy: 0\.\d{3} \(", printed, re.MULTILINE)
    assert len(re.findall(r"^said (?:positive|negative) \(0\.\d\d\), is ", printed, re.MULTILINE)) == 3


def test_every_example_is_tested() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.*") if f'"{path.name}"' not in tested] == []
