"""The process of one contestant: reads its job from standard input, then does what it is asked.

Started by `processes.Child` as `python -m benchmarks.child`. One process a contestant, so that no state leaks from one
to another and peak memory is that of one alone. It never outlives the process that measures, not even stopped.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from typing import Protocol

from benchmarks.link import Link, Meter, device_memory, synchroniser
from benchmarks.recipe import Job, Json

_PR_SET_PDEATHSIG = 1


class Contestant(Protocol):
    """What trains."""

    def train(self, meter: Meter) -> None:
        """Go on until the schedule ends, or until the meter says stop."""

    def evaluate(self) -> float:
        """The metric on the validation rows."""


def main() -> None:
    """Serve until told to stop; an exception is answered with its traceback."""
    die_with_parent()
    link = Link()
    try:
        job = link.receive()
        {"train": _train, "predict": _predict, "gemm": _gemm}[job["do"]](link, job["job"])
    except Exception:
        link.answer(error=traceback.format_exc())
        raise


def die_with_parent() -> None:
    """Let Linux kill this process, and those that it forks, when their parent is gone.

    A process that was stopped (`SIGSTOP`) reads no end of file, and would keep its memory for ever.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))

    ask()
    os.register_at_fork(after_in_child=ask)  # loader processes: a fork does not inherit it


def _train(link: Link, values: Json) -> None:
    job = Job.from_json(values)
    contestant = _contestant(job)
    contestant.train(Meter(link, synchroniser(job.device)))
    while True:
        command = link.receive()
        if command["do"] == "stop":
            return
        if command["do"] == "evaluate":
            link.answer(score=contestant.evaluate())
        elif command["do"] == "memory":
            link.answer(**device_memory())
        else:
            raise ValueError(f"cannot {command['do']} when training is over")


def _contestant(job: Job) -> Contestant:
    if job.setup is None:
        from benchmarks.ours import Ours

        return Ours(job)
    from benchmarks.trainer import HuggingFace

    return HuggingFace(job)


def _predict(link: Link, values: Json) -> None:
    from benchmarks.predictors import serve

    serve(link, values)


def _gemm(link: Link, values: Json) -> None:
    from benchmarks.floor import serve

    serve(link, values)


if __name__ == "__main__":
    main()
