"""`tunewell train`: fine-tune a model on a file, or on what a run file says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewell.core.errors import ConfigError

if TYPE_CHECKING:
    from tunewell.config import RunConfig


def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA|run.yaml", help="A data file, a folder of splits, a Hub id, or a run file."
        ),
    ],
    task: Annotated[
        str | None, typer.Option(metavar="T", help="The task; inferred from the columns.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="M", help="A model pack (minilm), a local folder, or a Hub id.")
    ] = None,
    validation: Annotated[str | None, typer.Option(metavar="F", help="Validation data.")] = None,
    test: Annotated[str | None, typer.Option(metavar="F", help="Test data.")] = None,
    output: Annotated[str | None, typer.Option(metavar="DIR", help="The run folder.")] = None,
    epochs: Annotated[float | None, typer.Option(metavar="N", help="Passes over the training data.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of everything random.")] = None,
    device: Annotated[str | None, typer.Option(metavar="D", help="auto, cpu, cuda, mps.")] = None,
    folds: Annotated[
        int | None,
        typer.Option(metavar="K", min=2, help="For small data: score every row by K-fold cross-validation."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Fail unless there is a run to resume.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew; what is in the run folder goes.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check everything, train nothing.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting; may be repeated."),
    ] = None,
) -> None:
    """Fine-tune a model on your data.

    The same command again resumes an interrupted run, and prints the scores of a finished one.
    """
    flags: dict[str, dict[str, Any]] = {
        "task": {"name": task},
        "model": {"name": model},
        "data": {"validation": validation, "test": test},
        "output": {"folder": output},
        "training": {"epochs": epochs, "seed": seed, "device": device},
    }
    mode = _mode(resume, fresh)
    if folds is not None and dry_run:
        raise ConfigError("--folds and --dry-run exclude each other", fix="leave out one of the two")
    config = configure(data, flags, settings or [])
    run_training(config, mode=mode, folds=folds, dry_run=dry_run)


def configure(data: str, flags: dict[str, dict[str, Any]], settings: list[str]) -> RunConfig:
    """The checked settings of a command line: run file, then `--set`, then flags."""
    from tunewell.config import assignments, load_config, merged
    from tunewell.tasks import task_config

    path = Path(data) if data.endswith((".yaml", ".yml")) else None
    overrides = assignments(settings)
    for group, values in flags.items():
        given = {key: value for key, value in values.items() if value is not None}
        overrides = merged(overrides, {group: given} if given else {})
    if path is None:
        overrides = merged(overrides, {"data": {"train": data}})
    return load_config(path, overrides, task_config)


def run_training(config: RunConfig, *, mode: str, folds: int | None = None, dry_run: bool = False) -> None:
    """Train and print the summary. The data are read before torch is imported: their faults come at once."""
    from tunewell.cli.console import ConsoleSink, print_plan, print_summary
    from tunewell.dataset import SPLITS, load_dataset

    started = time.monotonic()
    sink = ConsoleSink()
    with sink:
        dataset = load_dataset(config, SPLITS if folds is None else ("train",))
        for message, level in dataset.remarks():
            sink.say(message, level)
        sink.say("loading (a few seconds)")
        from tunewell import runs

        if dry_run:
            print_plan(*runs.plan(config, dataset))
            return
        if folds is None:
            run = runs.fit_dataset(config, dataset, mode=mode, sinks=[sink], started=started)
        else:
            from tunewell.studies.folds import cross_validate

            run = cross_validate(config, folds, mode=mode, sinks=[sink], pool=dataset)
    print_summary(run)


def _mode(resume: bool, fresh: bool) -> str:
    if resume and fresh:
        raise ConfigError("--resume and --fresh exclude each other", fix="leave out one of the two")
    return "resume" if resume else "fresh" if fresh else "auto"
