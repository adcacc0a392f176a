"""A contestant that is not measured takes nothing from the one that is."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from benchmarks.processes import ROOT, Child, ChildError, thread_environment

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


@contextmanager
def script(*lines: str) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process that runs these lines, and the one whose id it prints first; neither is left behind."""
    command = [sys.executable, "-c", "\n".join(lines)]
    other = None
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as main:
        try:
            assert main.stdout is not None
            other = psutil.Process(int(main.stdout.readline()))
            yield main, other
        finally:
            main.kill()
            if other is not None and other.is_running():
                other.kill()


def gone(process: psutil.Process) -> bool:
    """Whether it ends soon; a dead process that nobody waits for counts too."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def measuring(tmp_path: Path) -> tuple[str, ...]:
    """A command that has a contestant, which is stopped, and does something else for ever."""
    return (
        "import time",
        "from pathlib import Path",
        "from benchmarks.processes import Child, end_on_sigterm",
        "end_on_sigterm()",
        "try:",
        f"    with Child('gemm', {JOB!r}, Path({str(tmp_path / 'log')!r})) as child:",
        "        child.answer()",
        "        print(child.tree[0].pid, flush=True)",
        "        time.sleep(600)",
        "finally:",
        "    print('closed', flush=True)",
    )


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")


@linux
def test_a_stopped_process_goes_with_a_killed_parent(tmp_path: Path) -> None:
    with script(*measuring(tmp_path)) as (main, contestant):
        assert stopped(contestant)
        main.kill()
        assert main.wait() == -signal.SIGKILL
        assert gone(contestant)


def test_sigterm_closes_what_is_open(tmp_path: Path) -> None:
    with script(*measuring(tmp_path)) as (main, contestant):
        assert stopped(contestant)
        main.terminate()
        assert main.stdout is not None
        assert main.stdout.read() == "closed\n"
        assert main.wait() == 128 + signal.SIGTERM
        assert gone(contestant)


@linux
def test_what_a_contestant_forks_goes_with_it() -> None:
    lines = (
        "import os, time",
        "from benchmarks.child import die_with_parent",
        "die_with_parent()",
        "pid = os.fork()",
        "if pid:",
        "    print(pid, flush=True)",
        "time.sleep(600)",
    )
    with script(*lines) as (main, forked):
        time.sleep(0.2)  # it has to come to the hook
        forked.suspend()
        main.kill()
        assert gone(forked)
