"""`tunewell init`: a run file to start from, every setting described."""

from __future__ import annotations

from typing import Annotated

import typer


def init(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task, such as text-classification.")],
) -> None:
    """Print a run file with every setting described.

    Save it, change it, and train with it: tunewell init text-classification > run.yaml
    """
    from tunewell.config import template
    from tunewell.tasks import task_config

    print(template(task_config(task), task), end="")
