"""`report.html` of a run folder, drawn from `sections.json` and the manifest; no model needed."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from tunewell.report.page import render
from tunewell.report.provenance import provenance, subtitle
from tunewell.run_dir import RunDir, write_text


def redraw(run: RunDir) -> Path:
    """Write the report of a run from its sections, and say where it is."""
    manifest = run.read_manifest()
    said = " · ".join(part for part in (subtitle(manifest), f"tunewell {version('tunewell')}") if part)
    sections = [*run.read_sections(), *provenance(manifest)]
    write_text(run.report, render(run.path.resolve().name, said, sections))
    return run.report
