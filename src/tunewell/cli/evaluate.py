"""`tunewell evaluate`: the scores of a finished run on other labelled data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tunewell.core.errors import ConfigError


def evaluate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Labelled data in any form that train reads, with the columns that it was trained on.",
        ),
    ],
    device: Annotated[
        str, typer.Option(metavar="D", help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="data.KEY=VALUE",
            help="How to read this file, such as data.delimiter=';'; may be repeated.",
        ),
    ] = None,
) -> None:
    """Score a trained model on other labelled data.

    Prints every metric with its 95% interval, and writes them and the predictions to RUN/evaluations.
    """
    changes = data_changes(settings or [])
    from tunewell import runs
    from tunewell.cli.console import ConsoleSink, print_scores

    with ConsoleSink() as sink:
        scores, path = runs.evaluate(runs.Run(run), data, device=device, changes=changes, sinks=[sink])
    print_scores(scores)
    print(f"written to {path}")


def data_changes(items: list[str]) -> dict[str, Any]:
    """`["data.delimiter=;"]` as data settings; raises `ConfigError` for settings of another group."""
    from tunewell.config import assignments

    values = assignments(items)
    strangers = sorted(set(values) - {"data"})
    if strangers:
        raise ConfigError(
            f"--set {strangers[0]}...: a trained model's settings are fixed",
            fix="only data.* settings, such as data.delimiter, can be set here",
        )
    return dict(values.get("data", {}))
