"""What happens in a run, as events, and what becomes of them: here, lines in `metrics.jsonl`.

A sink is anything that can be called with an event. Values that depend on the clock stand in fields that end
in `_seconds` or `_per_second`; all others are the same in every run of the same settings. The console's sink
is in `cli`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.core.errors import ResourceError
from tunewell.run_dir import write_text
from tunewell.training.loop import EvalDone, StepDone, TrainState


@dataclass(frozen=True)
class Said:
    """A sentence for the user; `level` is `info` or `warning`."""

    message: str
    level: str = "info"


@dataclass(frozen=True)
class Started:
    """Training begins, or goes on, at `step` of `num_steps`."""

    step: int
    num_steps: int
    steps_per_epoch: int
    batch_size: int


Event = Said | Started | StepDone | EvalDone
Sink = Callable[[Event], None]


class MetricsFile:
    """Appends one line for every `log_every` steps and one for every evaluation."""

    def __init__(self, path: Path, log_every: int) -> None:
        self._path = path
        self._log_every = log_every
        self._started = time.monotonic()

    def rewind(self, state: TrainState) -> None:
        """Cut the file back to what had happened at `state`, so that a resumed run writes no line twice."""
        if not self._path.exists():
            return
        kept = []
        for line in self._path.read_text(encoding="utf-8").splitlines(keepends=True):
            try:
                entry = json.loads(line)
            except ValueError:
                break  # the last line of a killed process
            if not line.endswith("\n"):
                break  # and one that was cut before its end of line
            limit = state.last_evaluated_step if entry["event"] == "evaluation" else state.step
            if entry["step"] <= limit:
                kept.append(line)
        write_text(self._path, "".join(kept))

    def __call__(self, event: Event) -> None:
        """Write the event, if it is one to be written."""
        if isinstance(event, EvalDone):
            entry = {
                "event": "evaluation",
                "step": event.step,
                "is_best": event.is_best,
                **{f"validation_{name}": value for name, value in event.evaluation.values.items()},
            }
        elif isinstance(event, StepDone) and (event.step % self._log_every == 0 or event.step == 1):
            entry = {
                "event": "step",
                "step": event.step,
                "loss": float(event.loss),
                "grad_norm": float(event.grad_norm),
                "learning_rate": event.learning_rate,
            }
        else:
            return
        entry["elapsed_seconds"] = round(time.monotonic() - self._started, 3)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({name: _defined(value) for name, value in entry.items()}) + "\n")
        except OSError as error:
            raise ResourceError(
                f"cannot be written: {error.strerror}",
                where=str(self._path),
                fix="free space and run the same command again: it goes on from the last checkpoint",
            ) from None


def _defined(value: Any) -> Any:
    """NaN, which JSON does not have, as null: a metric that is not defined on these examples."""
    return None if isinstance(value, float) and math.isnan(value) else value
