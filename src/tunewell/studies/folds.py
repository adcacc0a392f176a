"""Cross-validation, for data too small to set a test split aside.

Every row is answered once by a model that has not seen it (nor a row with the same text); these answers,
pooled, are the test score. The model that is kept is trained on all rows, so it should be no worse than the
score says. Every fold is a run of its own under `folds/`, so an interrupted study resumes where it was.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from tunewell.config import RunConfig
from tunewell.core.errors import ConfigError
from tunewell.core.examples import Example, Prediction
from tunewell.data import splits
from tunewell.dataset import Dataset, carve, joined, subset
from tunewell.run_dir import FINISHED, RunDir
from tunewell.runs import HeldOut, Run, fit_dataset, plan_dataset, read_data
from tunewell.runs.fitting import tell
from tunewell.scoring import baseline_answers
from tunewell.sinks import Sink

FOLDS = "folds"
"""Where the runs of the folds are, in the folder of the run that is kept."""


def cross_validate(
    config: RunConfig,
    num_folds: int,
    *,
    mode: str = "auto",
    sinks: Sequence[Sink] = (),
    pool: Dataset | None = None,
) -> Run:
    """Train `num_folds` models for the score and one on everything to keep; that one's run is returned.

    `pool` is the training data, where it has been read already. Raises `ConfigError` when the data come with a
    test or validation split of their own, or have fewer examples than there are to be folds.
    """
    started = time.monotonic()
    pool = read_data(config, sinks, wanted=("train",)) if pool is None else pool
    given = sorted(set(pool.fingerprints) - {"train"})
    if given:
        raise ConfigError(
            f"--folds takes its test rows from the training data, and there is a {given[0]} split already",
            fix="leave out --folds, or give the training file alone",
        )
    examples = pool.examples["train"]
    if num_folds > len(examples):
        raise ConfigError(
            f"{num_folds} folds are more than the {len(examples)} examples", fix="5 and 10 folds are usual"
        )
    dealt = splits.folds(
        examples,
        num_folds,
        seed=config.training.seed,
        key=lambda example: joined(pool.task, example),
        strata=pool.task.stratum,
    )
    everything = subset(pool, _with_validation(pool, config, range(len(examples))))
    identity = {"folds": num_folds}
    kept = plan_dataset(config, everything, identity)
    parent = kept.path / FOLDS
    if mode == "fresh":
        _clear_folds(parent)
    elif kept.manifest.is_file() and kept.read_manifest()["status"] == FINISHED:
        return fit_dataset(config, everything, sinks=sinks, folder=kept.path, also_identity=identity)
    elif mode == "resume":
        if not parent.is_dir():
            raise ConfigError("there is nothing to resume", where=str(kept.path), fix="run without --resume")
        mode = "auto"  # the study is resumed; a fold of it may not have begun
    before, spent = time.monotonic() - started, 0.0
    answers: dict[int, Prediction] = {}
    baselines: dict[str, dict[int, Prediction]] = {}
    for number, test in enumerate(dealt, start=1):
        tell(sinks, f"fold {number} of {num_folds}: {len(test)} test rows")
        unseen = set(test)
        rest = [index for index in range(len(examples)) if index not in unseen]
        fold = subset(pool, {**_with_validation(pool, config, rest), "test": test})
        run = _fit_fold(config, fold, parent / str(number), number, identity, mode, sinks)
        begun = time.monotonic()
        predictions = run.predictor.predict(fold.examples["test"])
        answers.update(zip(test, predictions, strict=True))
        if config.evaluation.baselines:
            given_by = baseline_answers(
                fold.task, run.predictor.tokenizer, fold.examples["train"], {"test": fold.examples["test"]}
            )
            for name, by_split in given_by.items():
                baselines.setdefault(name, {}).update(zip(test, by_split["test"], strict=True))
        spent += run.dir.read_manifest()["wall_seconds"] + time.monotonic() - begun
    held_out = HeldOut(
        examples=examples,
        rows=pool.rows["train"],
        predictions=_in_order(answers),
        baselines={name: _in_order(by_index) for name, by_index in baselines.items()},
        seconds=spent,
    )
    tell(sinks, "the model that is kept: trained on all rows")
    return fit_dataset(
        config,
        everything,
        mode=mode,
        sinks=sinks,
        folder=kept.path,
        also_identity=identity,
        held_out=held_out,
        started=time.monotonic() - before,
    )


def _fit_fold(
    config: RunConfig,
    fold: Dataset,
    folder: Path,
    number: int,
    identity: dict[str, int],
    mode: str,
    sinks: Sequence[Sink],
) -> Run:
    also = {**identity, "fold": number}
    return fit_dataset(config, fold, mode=mode, sinks=sinks, folder=folder, also_identity=also)


def _with_validation(pool: Dataset, config: RunConfig, indices: Sequence[int]) -> dict[str, list[int]]:
    """`indices` cut into training and validation, as indices of the pool."""
    chosen: list[Example] = [pool.examples["train"][index] for index in indices]
    parts = carve(pool.task, chosen, config, missing=["validation"])
    return {name: [indices[place] for place in places] for name, places in parts.items()}


def _in_order(by_index: dict[int, Prediction]) -> list[Prediction]:
    return [prediction for _, prediction in sorted(by_index.items())]


def _clear_folds(parent: Path) -> None:
    """Remove the folds of an earlier study, each under its lock; a folder that is none is left, and refused."""
    for folder in sorted(parent.iterdir()) if parent.is_dir() else []:
        fold = RunDir.existing(folder)
        with fold.locked():
            shutil.rmtree(folder)
