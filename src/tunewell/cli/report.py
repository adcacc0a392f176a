"""`tunewell report`: draw a run's report again, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder.")]) -> None:
    """Draw report.html again, without the model."""
    from tunewell.report.files import redraw
    from tunewell.run_dir import RunDir

    print(redraw(RunDir.finished(Path(run))))
