"""A tiny model and a small data set in the folders that the benchmarks' commands take, and one measurement of both."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SIZE = 8
"""Rows of a batch; 96 rows of training data are three megabatches of the Trainer's length grouping."""

WORDS = ("good", "warm", "dull", "cold", "long", "film", "plot", "score", "night", "cast")


@pytest.fixture(scope="session")
def rows_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train.jsonl` and `validation.jsonl`; texts of 1 to 30 words with two labels."""
    folder = tmp_path_factory.mktemp("rows")
    for split, count in (("train", 100), ("validation", 24)):
        lines = []
        for number in range(count):
            length = 1 + (number * 7) % 30
            words = [WORDS[(number * 3 + place * (1 + number % 4)) % len(WORDS)] for place in range(length)]
            row = {"text": f"{split} {number} " + " ".join(words), "label": ("bad", "good")[number % 2]}
            lines.append(json.dumps(row) + "\n")
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Measured:
    """What `benchmarks.train` left behind."""

    code: int
    folder: Path
    result: dict[str, Any]


@pytest.fixture(scope="session")
def common(tiny: Callable[[str], Path], rows_folder: Path) -> list[str]:
    """Options for every command: the tiny model, the small data, one thread."""
    options = ["--model", str(tiny("bert")), "--data", str(rows_folder), "--threads", "1"]
    return [*options, "--batch-size", str(SIZE), "--rows", "96"]


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory, common: list[str]) -> Measured:
    """All four contestants through the gate and three pairs each; measured once for all workers of pytest."""
    from benchmarks import train

    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "measured-by-the-benchmarks"
    code, folder = place / "code", place / "out"
    try:
        place.mkdir()
    except FileExistsError:  # another worker is at it
        while not code.exists():
            time.sleep(0.2)
    else:
        quick = ["--pairs", "3", "--steps", "4", "--warmup-steps", "1", "--parity-steps", "6"]
        found = "an exception"
        try:
            found = str(train.main([*common, *quick, "--out", str(folder)]))
        finally:
            code.with_suffix(".part").write_text(found)
            code.with_suffix(".part").rename(code)
    assert code.read_text() == "0"
    return Measured(0, folder, json.loads((folder / "train.json").read_text(encoding="utf-8")))
