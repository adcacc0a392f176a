"""`tunewell runs`: the runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tunewell.run_dir import RunDir


def runs(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder that holds run folders.")] = "runs",
) -> None:
    """List runs with their headline score, the newest first."""
    from tunewell.core.errors import ModelError
    from tunewell.run_dir import find_runs

    found = find_runs(Path(folder))
    if not found:
        print(f"no runs in {folder}")
    for run in found:
        try:
            said = _state(run)
        except (ModelError, KeyError, TypeError) as error:  # one damaged folder must not hide the others
            said = f"damaged: {getattr(error, 'what', None) or f'{error} is missing'}"
        print(f"{run.path}  {said}")


def _state(run: RunDir) -> str:
    from tunewell.cli.words import interval_text
    from tunewell.run_dir import FINISHED

    if run.read_manifest()["status"] != FINISHED:
        return f"unfinished; resume it with: tunewell train {run.config}"
    scores = run.read_scores()
    return f"{scores.primary} {interval_text(scores.headline)} on {scores.headline_split}"
