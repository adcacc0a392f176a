"""`tunewell report`: draw a run's report again, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a finished run.")]) -> None:
    """Draw a run's report.html again, from its sections.json.

    For a report that was deleted, or to have it in the looks of a newer tunewell. The model is not needed.
    """
    from tunewell.report.files import redraw
    from tunewell.run_dir import RunDir

    print(redraw(RunDir.finished(Path(run))))
