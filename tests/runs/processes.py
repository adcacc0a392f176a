"""Processes that die on purpose, for tests of what is left behind.

`Processes` runs functions of test scripts in processes of their own, and `faults` makes the n-th call of
chosen functions end badly: with a signal to the own process, or with an error of the operating system.

A process that imports torch takes seconds to start. So this file, run as a script, is a server that has done
its imports and nothing else, and forks for every job; the two speak JSON, a line each.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PRELOADED = (
    "sklearn.linear_model",
    "sklearn.feature_extraction.text",
    "transformers.models.bert.modeling_bert",
    "transformers.models.bert.tokenization_bert",
    "transformers.models.auto.modeling_auto",
    "transformers.models.gpt2.modeling_gpt2",
    "transformers.models.marian.modeling_marian",
    "transformers.models.marian.tokenization_marian",
    "transformers.generation.utils",
    "tunewell.metrics.translations",
    "tunewell.runs",
    "tunewell.tasks.text_classification",
    "tunewell.testing",
)


class Processes:
    """The parent's side: starts, kills and waits for jobs."""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()  # the server ends when there are no more jobs
        self._server.wait(timeout=30)

    def start(self, script: str | Path, function: str, log: Path, **arguments: Any) -> int:
        """Begin `function(**arguments)` of `script`, with all its output in `log`; gives the process id."""
        job = {"script": str(script), "function": function, "log": str(log), "arguments": arguments}
        return int(self._ask(job)["pid"])

    def wait(self, pid: int) -> int:
        """The exit code; the negative signal for a process that was killed."""
        return int(self._ask({"wait": pid})["returncode"])

    def run(self, script: str | Path, function: str, log: Path, **arguments: Any) -> int:
        """`start` and `wait`."""
        return self.wait(self.start(script, function, log, **arguments))

    def _ask(self, message: Mapping[str, Any]) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(message) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


@contextmanager
def faults(points: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    """Let functions end badly inside the block; gives how many calls each point has seen.

    A point names `targets` ("module:attribute.path"), counts their calls together and acts at the `call`-th,
    counted from 1, or never (0): `when` is "before", "after" or "torn" (after, with the file that the call
    wrote cut in half); `signals` are sent to the own process; without any, `error` (an errno) is raised. A
    `lasting` point acts at every later call too.
    """
    counts = [0 for _ in points]
    undo: list[Callable[[], None]] = []
    for place, point in enumerate(points):
        for target in point["targets"]:
            module, _, path = target.partition(":")
            *parents, name = path.split(".")
            owner: Any = importlib.import_module(module)
            for parent in parents:
                owner = getattr(owner, parent)
            original = getattr(owner, name)
            setattr(owner, name, _counted(original, point, counts, place))
            undo.append(lambda owner=owner, name=name, original=original: setattr(owner, name, original))
    try:
        yield counts
    finally:
        for restore in undo:
            restore()


def _counted(original: Any, point: Mapping[str, Any], counts: list[int], place: int) -> Any:
    def called(*arguments: Any, **named: Any) -> Any:
        counts[place] += 1
        late = point.get("lasting") and counts[place] > point["call"] > 0
        if counts[place] != point["call"] and not late:
            return original(*arguments, **named)
        when = point.get("when", "before")
        if when == "before":
            _act(point)
        try:
            return original(*arguments, **named)
        finally:  # also when the call fails, as a mkdir of what is there does
            if when == "torn":
                path = next(a for a in arguments if isinstance(a, Path))
                os.truncate(path, path.stat().st_size // 2)
            if when != "before":
                _act(point)

    return called


def _act(point: Mapping[str, Any]) -> None:
    for number in point.get("signals", ()):
        os.kill(os.getpid(), number)
    if not point.get("signals"):
        code = point.get("error", errno.ENOSPC)
        raise OSError(code, os.strerror(code))


def _serve() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        message = json.loads(line)
        if "wait" in message:
            status = os.waitpid(message["wait"], 0)[1]
            answer = {"returncode": os.waitstatus_to_exitcode(status)}
        else:
            answer = {"pid": _fork(message)}
        print(json.dumps(answer), flush=True)


def _fork(job: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = runpy.run_path(job["script"])[job["function"]](**job["arguments"]) or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
