"""Where the time of a run goes, over all of its processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunewell.run_dir import RUNNING, RunDir, read_json
from tunewell.runs import clock as clocks
from tunewell.runs.clock import Clock, machine
from tunewell.runtime import Runtime


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of day, to be set."""
    time = [100.0]
    monkeypatch.setattr(clocks.time, "monotonic", lambda: time[0])
    return time


def test_laps_are_added_up_by_kind_of_work_and_over_processes(tmp_path: Path, now: list[float]) -> None:
    run = RunDir(tmp_path)
    for start in (100.0, 200.0):
        now[0] = start
        clock = Clock(start, folds_seconds=7.0)
        run.update_manifest(status=RUNNING, **clock.begin(run, {"cores": 2}))
        for work, seconds, steps in (
            ("preparing", 3, 0),
            ("training", 5, 1),
            ("training", 6, 1),
            ("scoring", 2, 0),
        ):
            now[0] += seconds
            clock.lap(work, steps=steps)
        clock.save(run)
        clock.save(run)
    first, second = run.read_manifest()["processes"]
    assert first["seconds"] == second["seconds"] == {"preparing": 3, "training": 11, "scoring": 2}
    assert (first["steps"], first["machine"]) == (2, {"cores": 2})
    assert clock.wall_seconds == 16 + 16 + 7
    assert run.read_manifest()["folds_seconds"] == 7


def test_a_resumed_run_counts_every_step_once(workshop: Any) -> None:
    settings = workshop.settings()
    assert workshop.fit(settings, workshop.at_step(6)) == 130
    assert workshop.fit(settings) == 0
    folder = workshop.folder / "run"
    manifest = read_json(folder / "manifest.json")
    first, second = manifest["processes"]
    assert (first["steps"], second["steps"]) == (5, 5)
    assert set(first["seconds"]) >= {"preparing", "training", "validation", "checkpoints"}
    assert second["seconds"]["scoring"] > 0
    spent = sum(seconds for record in (first, second) for seconds in record["seconds"].values())
    assert manifest["wall_seconds"] == pytest.approx(spent, abs=0.1)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "steps per second, over 10 steps" in report
    assert "2, begun " in report
    assert "seconds" not in (folder / "sections.json").read_text(encoding="utf-8"), (
        "sections are the run's identity"
    )


def test_a_killed_process_leaves_what_its_last_checkpoint_knew(workshop: Any) -> None:
    import signal

    settings = workshop.settings()
    assert workshop.fit(settings, workshop.at_step(6, signal.SIGKILL)) == -signal.SIGKILL
    saved = max((workshop.folder / "run/checkpoints").glob("step-*"))
    (killed,) = read_json(workshop.folder / "run/manifest.json")["processes"]
    assert killed["steps"] == int(saved.name.removeprefix("step-"))
    assert workshop.fit(settings) == 0
    records = read_json(workshop.folder / "run/manifest.json")["processes"]
    assert sum(record["steps"] for record in records) == 10


def test_the_machine_is_named() -> None:
    found = machine(Runtime())
    assert found["processor"]
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**28
    assert (found["device"], found["gpu"], found["precision"]) == ("cpu", None, "float32")
