"""A small data set, a tiny model, and runs of them in processes that can be killed."""

from __future__ import annotations

import json
import runpy
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

JOBS_PATH = Path(__file__).with_name("jobs.py")
JOBS = runpy.run_path(str(JOBS_PATH))


class Workshop:
    """Where runs are made.

    `settings` are those of `jobs.settings`, with a folder under this test's, and with groups of them changed.
    """

    def __init__(
        self, processes: Any, data: Path, model: Path, folder: Path, changes: Mapping[str, Any] | None = None
    ) -> None:
        self.processes, self.data, self.model, self.folder = processes, data, model, folder
        self.changes = changes or {}
        self.log, self.outcome_path = folder / "log", folder / "outcome.json"
        self.result = JOBS["result"]

    def settings(self, name: str = "run", **training: Any) -> dict[str, Any]:
        settings = JOBS["settings"](self.data, self.model, self.folder / name, **training)
        return {**settings, **self.changes}

    def start(
        self, settings: Mapping[str, Any], points: Sequence[Mapping[str, Any]] = (), **more: Any
    ) -> int:
        """The process id of a run that has begun."""
        self.outcome_path.unlink(missing_ok=True)
        arguments = {"settings": settings, "outcome": str(self.outcome_path), "points": list(points), **more}
        return self.processes.start(JOBS_PATH, "fit", self.log, **arguments)  # type: ignore[no-any-return]

    def fit(self, settings: Mapping[str, Any], points: Sequence[Mapping[str, Any]] = (), **more: Any) -> int:
        """The exit code of a run, negative for a signal."""
        code = self.processes.wait(self.start(settings, points, **more))
        assert code != 1, self.log.read_text()
        return int(code)

    @staticmethod
    def changed(settings: Mapping[str, Any], group: str, **values: Any) -> dict[str, Any]:
        """`settings` with some of one group changed."""
        return {**settings, group: {**settings[group], **values}}

    @staticmethod
    def at_step(step: int, number: int = signal.SIGINT) -> list[dict[str, Any]]:
        """The point that sends a signal inside the accumulation of `step`, counted from 1."""
        call = (step - 1) * JOBS["MICRO_STEPS"] + 2
        return [{"targets": ["tunewell.runtime:Runtime.seed"], "call": call, "signals": [number]}]

    @property
    def outcome(self) -> Any:
        """What the last process said, and how it ended."""
        return json.loads(self.outcome_path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def processes() -> Iterator[Any]:
    with runpy.run_path(str(JOBS_PATH.with_name("processes.py")))["Processes"]() as started:
        yield started


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return JOBS["write_data"](tmp_path_factory.mktemp("data") / "films")  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def writers() -> dict[str, Any]:
    """What writes data for each task, by its name, `workshop`, which makes workshops of them, and `changes`."""
    return {**JOBS["WRITERS"], "workshop": Workshop, "changes": JOBS["task_changes"]}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return JOBS["write_model"](tmp_path_factory.mktemp("model"))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, processes: Any, data: Path, model: Path) -> Workshop:
    """One for all tests of a module: what is expensive and only looked at."""
    return Workshop(processes, data, model, tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def finished(shared: Workshop) -> Path:
    """The folder of an undisturbed run."""
    assert shared.fit(shared.settings("finished")) == 0
    return shared.folder / "finished"


@pytest.fixture
def workshop(tmp_path: Path, processes: Any, data: Path, model: Path) -> Workshop:
    """A fresh one."""
    return Workshop(processes, data, model, tmp_path)
