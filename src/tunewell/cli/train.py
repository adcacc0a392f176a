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
            metavar="DATA|run.yaml",
            help="Labelled data: a file (.csv, .tsv, .jsonl, .json, .parquet, .conll, .tmx, ...), one of two parallel files "
            "(guests.en beside guests.de), a folder with train, validation and test files, or the id of a Hub data set. Or a run file (.yaml), which names the data itself.",
        ),
    ],
    task: Annotated[
        str | None, typer.Option(metavar="T", help="The task; inferred from the columns where absent.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="The pretrained model to start from: minilm (the default), a local folder, or a Hub id.",
        ),
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            help="Labelled data that chooses the checkpoint; a tenth of the training data is set aside where absent.",
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            help="Labelled data for the final score, which chooses nothing; set aside likewise where absent.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The run folder; runs/NAME-HASH where absent."),
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(metavar="N", help="Passes over the training data; 3 where absent.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="What all random choices follow from; 1 where absent."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="D",
            help="Where to compute: auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=2,
            help="Cross-validation, for a few hundred rows: train K models more, so that every row is scored by "
            "one that has not seen it.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Only go on with a run that was begun; fail where there is none.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete what this run left in its folder, and start anew.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read and check the data and print every setting; train nothing."),
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting, such as training.batch_size=16; may be repeated. `tunewell init TASK` lists "
            "them.",
        ),
    ] = None,
) -> None:
    """Fine-tune a model on your labelled data, score it, and write a run folder.

    The same command again goes on with an interrupted run, and prints the scores of a finished one.
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
