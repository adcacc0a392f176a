"""The examples run, with a tiny model and few steps."""

from __future__ import annotations

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
