"""A contestant that is not measured takes nothing from the one that is."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest
from benchmarks.processes import Child, ChildError, thread_environment

JOB = {
    "tokens": 64,
    "hidden": 32,
    "intermediate": 64,
    "bfloat16": False,
    "device": "cpu",
    "threads": 1,
}


def stopped(process: psutil.Process) -> bool:
    """Whether it stops soon: on a busy machine the signal takes a while to arrive."""
    deadline = time.monotonic() + 10
    while process.status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(process.status() == psutil.STATUS_STOPPED)


def test_a_process_stands_still_between_its_answers(tmp_path: Path) -> None:
    with Child("gemm", JOB, tmp_path / "log", thread_environment(1)) as child:
        child.answer()
        (process,) = child.tree
        assert stopped(process)
        assert child.ask("measure", seconds=0.05)["rate"] > 0
        assert stopped(process)
    assert not process.is_running()


def test_the_end_of_a_process_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with Child("gemm", {}, tmp_path / "log") as child, pytest.raises(ChildError, match="KeyError"):
        child.answer()
