"""Where a run's time goes, and on what machine: one record a process, in the run's manifest.

The manifest is no part of a run's identity, so the clock may stand in it. A record is written with every
checkpoint; what a killed process did after its last one is done again by the next, and counted there alone.
"""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import torch

from tunewell.run_dir import RunDir
from tunewell.runtime import Runtime, physical_cores

FOLDS_SECONDS = "folds_seconds"
PROCESSES = "processes"
"""The manifest's list of records: `created`, `machine`, `steps`, and `seconds` by kind of work."""


class Clock:
    """Adds up this process's seconds by kind of work, from `started` (of `time.monotonic`) on.

    `folds_seconds` is what the runs of a cross-validation took, which have records of their own.
    """

    def __init__(self, started: float, folds_seconds: float = 0.0) -> None:
        self._last = started
        self._folds_seconds = folds_seconds
        self._earlier: list[dict[str, Any]] = []
        self._record: dict[str, Any] = {}
        self._seconds: dict[str, float] = {}
        self._steps = 0

    def begin(self, run: RunDir, machine: dict[str, Any]) -> dict[str, Any]:
        """Open this process's record; gives what goes into the manifest."""
        manifest = run.read_manifest() if run.manifest.is_file() else {}
        self._earlier = list(manifest.get(PROCESSES, []))
        self._record = {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine}
        return self._entry()

    def lap(self, work: str, steps: int = 0) -> None:
        """All that passed since the last lap was `work`, in which `steps` optimizer steps were taken."""
        now = time.monotonic()
        self._seconds[work] = self._seconds.get(work, 0.0) + now - self._last
        self._last = now
        self._steps += steps

    def save(self, run: RunDir) -> None:
        """Write the record as it stands."""
        run.update_manifest(**self._entry())

    @property
    def wall_seconds(self) -> float:
        """Of this process, of those before it as recorded, and of the folds."""
        records = [*self._earlier, {"seconds": self._seconds}]
        total: float = sum(spent for record in records for spent in record["seconds"].values())
        return total + self._folds_seconds

    def _entry(self) -> dict[str, Any]:
        seconds = {work: round(spent, 3) for work, spent in self._seconds.items()}
        folds = {FOLDS_SECONDS: round(self._folds_seconds, 1)} if self._folds_seconds else {}
        return {
            PROCESSES: [*self._earlier, {**self._record, "steps": self._steps, "seconds": seconds}],
            **folds,
        }


def machine(runtime: Runtime) -> dict[str, Any]:
    """What this process computes on; None for what the system does not tell."""
    gpu = None
    if runtime.device.type == "cuda":
        properties = torch.cuda.get_device_properties(runtime.device)
        gpu = {"name": properties.name, "memory_bytes": properties.total_memory}
    return {
        "processor": _processor(),
        "cores": physical_cores(),
        "threads": torch.get_num_threads(),
        "memory_bytes": _memory(),
        "device": runtime.device.type,
        "gpu": gpu,
        "precision": "bfloat16" if runtime.bfloat16 else "float32",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.processor() or platform.machine() or None


def _memory() -> int | None:
    """Bytes of memory that this process can have: the machine's, or the container's where that is less."""
    known = []
    try:
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        pass
    try:
        known.append(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):  # no such file, or "max"
        pass
    return min(known, default=None)
