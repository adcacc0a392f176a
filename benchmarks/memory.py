"""Peak memory of a contestant's process tree.

Of the main process the kernel's own high-water mark (nothing is missed between two looks); of its workers the private
memory, looked at while a segment runs that is not timed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.processes import Child
from benchmarks.recipe import Json

_PAUSE_SECONDS = 0.05


class Watch:
    """The largest sums seen so far, in bytes: proportional memory of the tree, private memory of the workers."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.tree_bytes = self.worker_bytes = 0

    def look(self) -> None:
        """Take one sample."""
        tree = workers = 0
        try:
            for place, process in enumerate(self._child.tree):
                memory = process.memory_full_info()
                tree += getattr(memory, "pss", memory.rss)
                workers += memory.uss if place else 0
        except psutil.Error:
            return  # a worker ended while it was looked at
        self.tree_bytes, self.worker_bytes = max(self.tree_bytes, tree), max(self.worker_bytes, workers)


@contextmanager
def watching(child: Child) -> Iterator[Watch]:
    """Sample the tree in the background inside the block."""
    watch, done = Watch(child), threading.Event()

    def run() -> None:
        while not done.wait(_PAUSE_SECONDS):
            watch.look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.look()
        done.set()
        thread.join()


def peak(child: Child, steps: int) -> Json:
    """Take `steps` steps and say what the tree took at most, in bytes.

    `peak_bytes` since the process began, loading included; `training_bytes` in these steps, memory that
    several processes share counted in proportion; `device_bytes` on an accelerator.
    """
    child.ask("memory")
    with watching(child) as watch:
        child.ask("steps", steps=steps)
    return {
        "peak_bytes": high_water(child)["peak_bytes"] + watch.worker_bytes,
        "training_bytes": watch.tree_bytes,
        "device_bytes": child.ask("memory")["device_bytes"],
    }


def high_water(child: Child) -> Json:
    """The most that the main process ever took; only Linux tells, elsewhere it is what it takes now."""
    process = child.tree[0]
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return {"peak_bytes": int(line.split()[1]) * 1024}
    return {"peak_bytes": int(process.memory_info().rss)}
