"""`tunewell runs`: the runs in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tunewell.run_dir import RunDir

_COLUMNS = ("run", "date", "task", "model", "score", "status")


def runs(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder that holds run folders.")] = "runs",
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List runs with their headline score, the newest first."""
    from tunewell.run_dir import find_runs

    found = [_entry(run) for run in find_runs(Path(folder))]
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    if not found:
        print(f"no runs in {folder}")
        return
    _print_table(found)
    unfinished = [entry["folder"] for entry in found if entry["status"] not in ("finished", "damaged")]
    for path in unfinished:
        print(f"resume with: tunewell train {path}/config.yaml")


def _entry(run: RunDir) -> dict[str, Any]:
    """What is known of a run; one damaged folder must not hide the others."""
    from tunewell.core.errors import ModelError
    from tunewell.run_dir import FINISHED, summary

    try:
        entry = {"folder": str(run.path), **summary(run)}
        if entry["status"] != FINISHED:
            entry["status"] = "unfinished"
        return entry
    except (ModelError, KeyError, TypeError, ValueError) as error:
        why = getattr(error, "what", None) or f"{error} is missing"
        return {"folder": str(run.path), "status": "damaged", "problem": why}


def _print_table(entries: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from tunewell.cli.console import print_table
    from tunewell.cli.words import visible

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in _COLUMNS:
        steady = name in ("date", "score")
        table.add_column(name, overflow="fold", no_wrap=steady, min_width=10 if name == "status" else None)
    for entry in entries:
        table.add_row(*(visible(cell) for cell in _cells(entry)))
    print_table(table)


def _cells(entry: dict[str, Any]) -> list[str]:
    from tunewell.cli.words import interval_text
    from tunewell.core.results import Score

    score = ""
    if entry.get("score"):
        said = interval_text(Score.from_json(entry["score"])).replace("95% interval ", "")
        split = "" if entry["split"] == "test" else f" on {entry['split']}"
        score = f"{entry['metric']} {said}{split}"
    date = (entry.get("created") or "")[:10]
    model = Path(entry.get("model") or "").name
    status = f"damaged: {entry['problem']}" if "problem" in entry else entry["status"]
    return [entry["folder"], date, entry.get("task") or "", model, score, status]
