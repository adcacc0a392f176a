"""Score every row of a small file by cross-validation.

    python examples/cross_validation.py YOUR_FILE.csv [MODEL]

With a few hundred rows, a test split of a tenth says next to nothing. Here five models answer the rows that
they have not seen, and a sixth one, trained on all rows, is kept. Without a file it takes the first 200 of the
sample reviews.
"""

from __future__ import annotations

import sys
from importlib import resources
from typing import Any

from tunewell.config import load_config
from tunewell.runs import Run
from tunewell.studies.folds import cross_validate
from tunewell.tasks import task_config


def main(data: str, model: str = "minilm", num_folds: int = 5, **groups: dict[str, Any]) -> Run:
    """Train `num_folds` models for the score and one to keep; `groups` are settings by group."""
    settings = {**groups, "data": {"train": data, "limit": 200}, "model": {"name": model}}
    config = load_config(None, settings, task_config)
    run = cross_validate(config, num_folds)

    part = run.scores.splits["test"]
    print(f"{part.num_examples} rows, each scored by a model that has not seen it:")
    for name, score in part.scores.items():
        interval = f" ({score.low:.3f} to {score.high:.3f})" if score.low is not None else ""
        print(f"  {name} {score.value:.3f}{interval}")
    print(f"The model that is kept: {run.dir.model}")
    return run


if __name__ == "__main__":
    given = sys.argv[1:]
    sample = resources.files("tunewell") / "samples" / "reviews" / "train.csv"
    main(given[0] if given else str(sample), given[1] if len(given) > 1 else "minilm")
