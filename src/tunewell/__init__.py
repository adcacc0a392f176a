"""Fine-tune pretrained language models on your own labelled text, and know how far to trust the scores.

    import tunewell

    run = tunewell.fit("reviews.csv", model="minilm")
    run.predict(["Works like a charm."])
    run.scores.headline
    run.report_path
    tunewell.compare([run, "runs/another"])

Nothing heavy is imported until a run starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.core.errors import (
    ConfigError,
    DataError,
    Interrupted,
    ModelError,
    NumericError,
    ResourceError,
    TunewellError,
)

if TYPE_CHECKING:
    from tunewell.core.comparisons import Comparison
    from tunewell.runs import Run

__all__ = [
    "ConfigError",
    "DataError",
    "Interrupted",
    "ModelError",
    "NumericError",
    "ResourceError",
    "TunewellError",
    "compare",
    "fit",
    "load",
]


def fit(
    data: str | Path,
    *,
    task: str | None = None,
    model: str | Path | None = None,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    output: str | Path | None = None,
    epochs: float | None = None,
    seed: int | None = None,
    device: str | None = None,
    settings: Mapping[str, Any] | None = None,
    mode: str = "auto",
) -> Run:
    """Fine-tune a model on a file, a folder of splits or a Hub data set, and return the finished run.

    `settings` takes every other setting, by dotted name (`{"training.batch_size": 16}`) or nested. The same
    call again resumes what was interrupted and returns what is finished; `mode` `fresh` starts anew and
    `resume` fails when there is nothing to resume. Raises the subclasses of `TunewellError`.
    """
    from tunewell.config import load_config, merged
    from tunewell.tasks import task_config

    given = {
        "task.name": task,
        "model.name": model,
        "data.train": data,
        "data.validation": validation,
        "data.test": test,
        "output.folder": output,
        "training.epochs": epochs,
        "training.seed": seed,
        "training.device": device,
    }
    overrides: dict[str, Any] = {}
    for key, value in [*(settings or {}).items(), *given.items()]:
        if value is not None:
            nested: Any = str(value) if isinstance(value, Path) else value
            for part in reversed(key.split(".")):
                nested = {part: nested}
            overrides = merged(overrides, nested)
    config = load_config(None, overrides, task_config)

    from tunewell import runs

    return runs.fit(config, mode=mode)


def load(path: str | Path) -> Run:
    """A finished run from its folder; raises `ModelError` when there is none."""
    from tunewell.runs import Run

    return Run(path)


def compare(
    runs: Sequence[str | Path | Run],
    *,
    metric: str | None = None,
    reference: str | Path | Run | None = None,
    all_pairs: bool = False,
    split: str | None = None,
) -> Comparison:
    """Finished runs side by side on the same test examples: differences, paired tests, Holm's correction.

    Each run is compared with `reference`, the first by default, or with `all_pairs` every run with every other;
    `metric` is the task's primary one by default. Works from the run folders' files and loads no model. Raises
    `DataError` when the runs were not tested on the same examples.
    """
    from tunewell.studies.comparison import compare as compare_runs

    def folder(run: str | Path | Run) -> str | Path:
        return run if isinstance(run, str | Path) else run.path

    return compare_runs(
        [folder(run) for run in runs],
        metric=metric,
        reference=None if reference is None else folder(reference),
        all_pairs=all_pairs,
        split=split,
    )


def __dir__() -> Sequence[str]:
    return __all__
