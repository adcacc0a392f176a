"""`tunewell runs`: the runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def runs(
    folder: Annotated[str, typer.Argument(metavar="[DIR]", help="Where run folders are.")] = "runs",
) -> None:
    """List runs with their headline score, the newest first."""
    from tunewell.cli.words import interval_text
    from tunewell.run_dir import FINISHED, find_runs

    found = find_runs(Path(folder))
    if not found:
        print(f"no runs in {folder}")
    for run in found:
        manifest = run.read_manifest()
        if manifest["status"] == FINISHED:
            scores = run.read_scores()
            said = f"{scores.primary} {interval_text(scores.headline)} on {scores.headline_split}"
        else:
            said = f"unfinished; resume it with: tunewell train {run.config}"
        print(f"{run.path}  {said}")
