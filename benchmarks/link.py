"""How a contestant's process talks with the one that measures: JSON lines, and a clock between step boundaries."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence

from benchmarks.recipe import Json


class Link:
    """The contestant's end. Takes standard input and output for itself: whatever prints goes to standard error."""

    def __init__(self) -> None:
        self._commands = os.fdopen(os.dup(0), encoding="utf-8")
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)

    def receive(self) -> Json:
        """The next command; `stop` when the other end is gone."""
        line = self._commands.readline()
        return json.loads(line) if line else {"do": "stop"}

    def answer(self, **values: object) -> None:
        """Say something to the other end."""
        self._answers.write(json.dumps(values) + "\n")
        self._answers.flush()


class Meter:
    """Times whole steps of a loop that goes on for ever, between the boundaries that it is asked for.

    The loop calls `ready` once and `step` after every step; between two commands it stands still inside these
    calls. `synchronise` waits for the device, so that the clock sees finished work.
    """

    def __init__(self, link: Link, synchronise: Callable[[], None]) -> None:
        self._link = link
        self._synchronise = synchronise
        self._left: int | None = 0
        self._totals: Json = {}
        self._started = 0.0

    def ready(self, **facts: object) -> bool:
        """Say that the first step can begin, and wait for the word; False when there is nothing to do."""
        self._link.answer(**facts)
        return self._wait()

    def step(self, lengths: Sequence[int]) -> bool:
        """A step over examples of these lengths is done; False when the loop shall end."""
        totals = self._totals
        totals["steps"] += 1
        totals["examples"] += len(lengths)
        totals["tokens"] += sum(lengths)
        totals["squared_tokens"] += sum(length * length for length in lengths)
        if self._left is None:
            return True
        self._left -= 1
        if self._left > 0:
            return True
        self._link.answer(**self._stopped())
        return self._wait()

    def finished(self, losses: Sequence[float]) -> None:
        """The loop has taken its last step."""
        if self._left is None:
            self._link.answer(**self._stopped(), losses=list(losses))
        elif self._left > 0:
            self._link.answer(error="the schedule is over: more steps were asked for than it has")

    def _stopped(self) -> Json:
        self._synchronise()
        return {"seconds": time.perf_counter() - self._started, **self._totals}

    def _wait(self) -> bool:
        """Take the next command: `steps` to take some, `finish` to run to the end, anything else ends the loop."""
        self._left = 0
        while True:
            command = self._link.receive()
            if command["do"] != "memory":
                break
            self._link.answer(**device_memory())
        if command["do"] not in ("steps", "finish"):
            return False
        self._left = int(command["steps"]) if command["do"] == "steps" else None
        self._totals = dict.fromkeys(("steps", "examples", "tokens", "squared_tokens"), 0)
        self._synchronise()
        self._started = time.perf_counter()
        return True


def synchroniser(device: str) -> Callable[[], None]:
    """What waits for the work on `device` to be done."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.synchronize
    return lambda: None


def device_memory() -> Json:
    """The most memory that PyTorch held on an accelerator since the last question; None without one."""
    import torch

    if not torch.cuda.is_available():
        return {"device_bytes": None}
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return {"device_bytes": peak}
