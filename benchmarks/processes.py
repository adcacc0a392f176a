"""Contestants' processes seen from the one that measures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import psutil

from benchmarks.recipe import Job, Json

ROOT = Path(__file__).parents[1]


class ChildError(Exception):
    """A contestant failed; the message holds its traceback, or the end of its log."""


class Child:
    """One contestant's process. Use it as a context manager: the process ends with it.

    On Linux it ends with this process in any case, however that one ends (`child.die_with_parent`).

    Between an answer and the next command the process is stopped, with all below it: threads that wait actively
    (`OMP_WAIT_POLICY=ACTIVE`) would otherwise take the cores from whoever is measured meanwhile.
    """

    def __init__(
        self, kind: str, job: Mapping[str, object], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """`kind` is `train`, `predict` or `gemm`; `environment` is added to this process's own."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._errors = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            text=True,
            encoding="utf-8",
        )
        self._send({"do": kind, "job": job})

    @classmethod
    def training(cls, job: Job) -> Self:
        """A contestant that trains; its log lies in its scratch folder."""
        scratch = Path(job.scratch)
        scratch.mkdir(parents=True, exist_ok=True)
        environment = job.setup.environment if job.setup else {}
        return cls(
            "train", job.to_json(), scratch / "log", {**thread_environment(job.threads), **environment}
        )

    def ask(self, do: str, **more: object) -> Json:
        """Give a command and wait for its answer."""
        self._send({"do": do, **more})
        return self.answer()

    def answer(self) -> Json:
        """The next answer; the first comes when the contestant is ready."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: Json = json.loads(line) if line else {"error": self._last_words()}
        if "error" in answer:
            raise ChildError(str(answer["error"]))
        self._signal(signal.SIGSTOP)
        return answer

    @property
    def tree(self) -> list[psutil.Process]:
        """The process, and below it its workers."""
        main = psutil.Process(self._process.pid)
        return [main, *main.children(recursive=True)]

    def close(self) -> None:
        """Ask it to stop, and end it if it does not."""
        try:
            self._send({"do": "stop"})
        except ChildError:
            pass  # it has ended already
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                pass
        self._errors.close()

    def _send(self, command: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ChildError(self._last_words()) from None

    def _signal(self, number: signal.Signals) -> None:
        try:
            for process in self.tree:
                process.send_signal(number)
        except psutil.Error:
            pass  # it has ended, which whoever reads its answer will find out

    def _last_words(self) -> str:
        code = self._process.wait()
        return f"exit code {code}\n{self.log.read_text(errors='replace')[-4000:]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def thread_environment(threads: int) -> dict[str, str]:
    """The same for all: this many threads, no tokenizer threads beside them, no network."""
    return {"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def end_on_sigterm() -> None:
    """Let SIGTERM end this process as an exception does, so that context managers close. For commands."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)
