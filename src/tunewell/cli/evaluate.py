"""`tunewell evaluate`: the scores of a finished run on other labelled data."""

from __future__ import annotations

from typing import Annotated

import typer


def evaluate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Labelled data in any form that train reads.")],
    device: Annotated[str, typer.Option(metavar="D", help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Score a trained model on other labelled data."""
    from tunewell import runs
    from tunewell.cli.console import print_scores

    scores, path = runs.evaluate(runs.Run(run), data, device=device)
    print_scores(scores)
    print(f"written to {path}")
