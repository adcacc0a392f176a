"""The figure run, not part of the tests: how many kills and save faults a run survives, bit for bit.

    python tests/runs/kill_study.py --task token-classification --kills 50 --faults 200

Every kill is a SIGKILL from outside at a random moment of a run in a fresh Python process, imports included;
the same command is then started again until it finishes, and the result is compared with that of an
undisturbed run. Every save fault hits a random disk operation of a random save: SIGKILL before, after or in
the middle of it, or a disk that is full from there on.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
JOBS = runpy.run_path(str(HERE / "jobs.py"))
SAVING = runpy.run_path(str(HERE.parent / "training/saving.py"))
WRITING = [name for name in SAVING["BOUNDARIES"] if name != "os:open"]  # the data are read through it as well
Processes = runpy.run_path(str(HERE / "processes.py"))["Processes"]
SECONDS_AT_MOST = 300


class Study:
    """Runs in folders under `folder`, each compared with the first."""

    def __init__(self, folder: Path, seed: int, task: str) -> None:
        self.folder, self.draw = folder, random.Random(seed)
        self.changes = JOBS["task_changes"](task)
        self.data, self.model = JOBS["WRITERS"][task](folder / "data"), JOBS["write_model"](folder / "model")
        self.counts: Counter[str] = Counter()
        self.num_runs = 0
        began = time.monotonic()
        assert self.start(self.new_run()).wait(SECONDS_AT_MOST) == 0, self.log.read_text()
        self.duration = time.monotonic() - began
        self.expected = JOBS["result"](self.run_path)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def run_path(self) -> Path:
        return self.folder / f"run {self.num_runs}"

    def new_run(self) -> dict[str, Any]:
        """The settings of a run in a folder of its own."""
        self.num_runs += 1
        return {**JOBS["settings"](self.data, self.model, self.run_path), **self.changes}

    def start(self, settings: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        """A fresh Python process."""
        job = json.dumps({"settings": settings, "outcome": str(self.folder / "outcome.json")})
        code = (
            "import json, runpy, sys; sys.exit(runpy.run_path(sys.argv[1])['fit'](**json.loads(sys.argv[2])))"
        )
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", code, str(HERE / "jobs.py"), job], stdout=log, stderr=log
            )

    def said(self) -> str:
        """What explains an exit code that nobody expects."""
        outcome = self.folder / "outcome.json"
        return self.log.read_text() + (outcome.read_text() if outcome.exists() else "")

    def compare(self) -> None:
        """Count a finished run as equal to the undisturbed one, or not."""
        same = JOBS["result"](self.run_path) == self.expected
        self.counts["finished runs equal" if same else "finished runs DIFFERENT"] += 1
        print(f"\r{dict(self.counts)}", end="", file=sys.stderr, flush=True)

    def kill(self, number: int) -> None:
        """`number` kills, spread over as many runs as that takes."""
        while self.counts["kills"] < number:
            settings, attempts = self.new_run(), 0
            while True:
                began = time.monotonic()
                process = self.start(settings)
                moment = self.draw.uniform(0.2, 1.1) * self.duration
                if attempts == 4 or self.counts["kills"] >= number:
                    moment = SECONDS_AT_MOST  # this one may finish
                try:
                    code = process.wait(moment)
                except subprocess.TimeoutExpired:
                    process.kill()
                    code = process.wait()
                    if code == -signal.SIGKILL:
                        self.counts["kills"] += 1
                        attempts += 1
                        continue
                # it may have ended in the moment before the kill
                assert code == 0, f"exit code {code}: {self.said()}"
                if not attempts:  # the machine may have been busy when the first run was timed
                    self.duration = min(self.duration, time.monotonic() - began)
                break
            self.compare()

    def fault_saves(self, number: int, processes: Any) -> None:
        """`number` faults inside saves, a few in each run."""
        job = {"outcome": str(self.folder / "outcome.json")}
        while self.counts["save faults"] < number:
            settings = self.new_run()
            for _ in range(5):
                point = self._point()
                code = processes.run(
                    HERE / "jobs.py", "fit", self.log, settings=settings, points=[point], **job
                )
                if code == 0:
                    break  # there were not so many operations left
                assert code in (-signal.SIGKILL, 5), f"exit code {code}: {self.said()}"
                self.counts["save faults"] += 1
                self.counts["  of which killed" if code < 0 else "  of which refused by the disk"] += 1
            code = processes.run(HERE / "jobs.py", "fit", self.log, settings=settings, **job)
            assert code == 0, f"exit code {code}: {self.said()}"
            self.compare()

    def _point(self) -> dict[str, Any]:
        """One of the disk operations of the first two or three saves; a whole run has about 130 in seven."""
        when = self.draw.choice(["before", "after", "torn", "full"])
        point: dict[str, Any] = {"targets": WRITING, "call": self.draw.randint(1, 50), "when": when}
        if when == "torn":
            point |= {"targets": WRITING[-1:], "call": self.draw.randint(1, 6)}
        if when == "full":
            return {**point, "when": "before", "error": errno.ENOSPC, "lasting": True}
        return {**point, "signals": [signal.SIGKILL]}


def main() -> int:
    """Print the counts; 1 when any run ended in other bits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=JOBS["WRITERS"], default="text-classification")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        study = Study(Path(folder), options.seed, options.task)
        study.kill(options.kills)
        study.fault_saves(options.faults, processes)
    print(file=sys.stderr)
    for name, count in study.counts.items():
        print(f"{count:5d} {name}")
    print(
        f"{study.num_runs} runs, {time.monotonic() - began:.0f} s; an undisturbed one {study.duration:.1f} s"
    )
    return int(study.counts["finished runs DIFFERENT"] > 0)


if __name__ == "__main__":
    sys.exit(main())
