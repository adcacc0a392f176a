"""`tunewell demo`: fine-tune the model pack on the sample data that comes with the package."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Annotated

import typer

SAMPLES = {"text-classification": "reviews"}
_SETTINGS = {"text-classification": ["training.epochs=5"]}


def demo(
    task: Annotated[
        str, typer.Option(metavar="T", help="The task whose sample data to train on.")
    ] = "text-classification",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train again even if the demo has run before.")
    ] = False,
) -> None:
    """Fine-tune MiniLM on the sample reviews that come with tunewell.

    Fetches the model where it is not there yet.
    """
    from tunewell.cli.train import configure, run_training
    from tunewell.core.errors import ConfigError
    from tunewell.models import packs

    if task not in SAMPLES:
        raise ConfigError(f"no sample data for {task!r}", fix=f"samples: {', '.join(SAMPLES)}")
    if not packs.installed("minilm"):
        packs.get("minilm")
    with as_file(files("tunewell.samples") / SAMPLES[task]) as folder:
        config = configure(str(folder), {"task": {"name": task}}, _SETTINGS[task])
        run_training(config, mode="fresh" if fresh else "auto")
