"""`report.html` of a run folder, drawn from `sections.json`; no model needed."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from tunewell.report.page import render
from tunewell.run_dir import RunDir, write_text


def redraw(run: RunDir) -> Path:
    """Write the report of a run from its sections, and say where it is."""
    title = run.path.resolve().name
    write_text(run.report, render(title, f"tunewell {version('tunewell')}", run.read_sections()))
    return run.report
