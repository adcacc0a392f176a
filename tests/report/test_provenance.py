"""What the report says of time and machine, from the manifest of a run."""

from __future__ import annotations

import runpy
from pathlib import Path

from tunewell.report.provenance import provenance, subtitle

PAGES = runpy.run_path(str(Path(__file__).with_name("pages.py")))


def test_times_of_an_interrupted_run_are_added_up() -> None:
    time, machine = provenance(PAGES["MANIFEST"])
    facts = time.facts  # type: ignore[attr-defined]
    assert facts["In all"] == "56 s"
    assert facts["Training"] == "33 s"
    assert facts["Speed of training"] == "4.55 steps per second, over 150 steps"
    assert facts["Processes"].startswith("2, begun 2026-11-23 18:00 UTC, ")
    assert "not counted" in time.note
    named = machine.facts  # type: ignore[attr-defined]
    assert named["GPU"] == "NVIDIA H200, 139.0 GiB"
    assert "Xeon" in named["Processor"]
    assert named["Memory"] == "8.0 GiB"
    assert "Xeon" in named["Earlier processes"]


def test_times_where_there_is_little_to_tell() -> None:
    assert provenance({"status": "finished"}) == []
    record = {**PAGES["MANIFEST"]["processes"][0], "steps": 0, "seconds": {}}
    time, machine = provenance({"processes": [record], "folds_seconds": 61.0})
    assert "Speed of training" not in time.facts  # type: ignore[attr-defined]
    assert time.facts["In all"] == "1 min 1 s"  # type: ignore[attr-defined]
    assert machine.facts["GPU"] == "none used"  # type: ignore[attr-defined]


def test_the_subtitle_names_task_model_and_day() -> None:
    assert subtitle(PAGES["MANIFEST"]) == "Text classification · minilm · 2026-11-23"
    identity = {"task.name": "text-classification", "model.name": "/home/me/models/small/"}
    assert subtitle({"identity": identity}) == "Text classification · small"
    assert subtitle({}) == ""
