"""The use cases: fit, evaluate, predict. Wiring only; each thing that is done lives in a room of its own.

Start with `fit`. It reads top to bottom: data, settings decided, folder, training, verdict.
"""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tunewell.config import RunConfig, load_config, to_yaml
from tunewell.core.errors import ConfigError, Interrupted
from tunewell.core.examples import Example, Origin, Prediction, Row
from tunewell.core.results import RunScores, SplitScores
from tunewell.core.rows import joined_row
from tunewell.data.sources import SourceSettings, read
from tunewell.dataset import (
    SPLITS,
    Dataset,
    adapted,
    gathered,
    like_training,
    load_dataset,
    read_examples,
    source_settings,
)
from tunewell.predictor import Predictor, load_task
from tunewell.run_dir import CLEARING, FINISHED, RUNNING, RunDir, write_json, write_text
from tunewell.runs.clock import Clock, machine
from tunewell.runs.engines import check_engine, on_engine
from tunewell.runs.fitting import fit_model, stopped, tell
from tunewell.runs.settling import check_same, identity, run_folder, settle
from tunewell.runs.verdict import HeldOut, conclude
from tunewell.runtime import Runtime, choose, memory_needed
from tunewell.scoring import split_scores
from tunewell.sinks import Sink
from tunewell.tasks import task_config
from tunewell.tasks.base import Task

__all__ = [
    "HeldOut",
    "Run",
    "answers",
    "evaluate",
    "fit",
    "fit_dataset",
    "joined_row",
    "plan",
    "plan_dataset",
    "read_data",
    "reading_settings",
    "row_of_texts",
]


MODES = ("auto", "resume", "fresh")


class Run:
    """A finished run: its folder, its scores, and its model ready to answer."""

    def __init__(self, path: str | Path) -> None:
        """Raises `ModelError` when `path` holds no finished run."""
        self.dir = RunDir.finished(Path(path))

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.dir.path

    @property
    def report_path(self) -> Path:
        """The report, one HTML file."""
        return self.dir.report

    @cached_property
    def scores(self) -> RunScores:
        """Every score with its 95% interval, the baselines' and the differences to them."""
        return self.dir.read_scores()

    @cached_property
    def config(self) -> RunConfig:
        """The run's settings, complete."""
        return load_config(self.dir.config, {}, task_config)

    @cached_property
    def task(self) -> Task[Any, Any, Any]:
        """The task with all that it learnt, without the model."""
        return load_task(self.dir)

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model with its task, loaded at the first use."""
        return self.load_predictor()

    def load_predictor(
        self, device: str = "auto", engine: str = "torch", notes: list[str] | None = None
    ) -> Predictor:
        """The trained model on `device`, computed by `engine`: `torch`, or `ctranslate2` for translations.

        What should be told of another engine's answers is added to `notes` once they come. Raises as `engines.on_engine`.
        """
        settings = self.config.training
        check_engine(self.task, engine, str(self.path))
        runtime = choose(device, settings.precision, settings.threads)
        predictor = Predictor.load(self.dir, runtime, self.config.evaluation.batch_tokens)
        return on_engine(predictor, engine, [] if notes is None else notes)

    def predict(
        self, inputs: Sequence[str | tuple[str, str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]]
    ) -> list[Any]:
        """One prediction per input, in order: a text, a pair of texts, or a row with the training file's columns.

        A conversation may also be the list of its messages.
        """
        if isinstance(inputs, str):
            raise ConfigError("inputs is one text", fix="give a list of texts, such as [text]")
        rows = [
            Row(item, Origin("input", number))
            if isinstance(item, Mapping)
            else row_of_texts(self.predictor, item, number)
            for number, item in enumerate(inputs, start=1)
        ]
        return [prediction for _, prediction in answers(self.predictor, rows)]

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


def fit(config: RunConfig, *, mode: str = "auto", sinks: Sequence[Sink] = ()) -> Run:
    """Train a model as `config` says, or go on where an earlier process was stopped.

    `mode` is `auto` (resume what is unfinished, return what is finished), `resume` (fail when there is
    nothing to resume) or `fresh` (start anew). Raises `TunewellError`s; `Interrupted` when a stop was asked
    for and everything is saved.
    """
    started = time.monotonic()
    dataset = read_data(config, sinks)
    return fit_dataset(config, dataset, mode=mode, sinks=sinks, started=started)


def plan(config: RunConfig, dataset: Dataset) -> tuple[RunConfig, Dataset, Path]:
    """What `fit_dataset` would do: the complete settings, the data as split, the run folder. Writes nothing."""
    config = settle(config, dataset, _runtime(config))
    return config, dataset, run_folder(config, dataset, identity(config, dataset.fingerprints)).path


def plan_dataset(
    config: RunConfig, dataset: Dataset, also_identity: Mapping[str, Any] | None = None
) -> RunDir:
    """The folder that `fit_dataset` would use."""
    config = settle(config, dataset, _runtime(config))
    return run_folder(config, dataset, {**identity(config, dataset.fingerprints), **(also_identity or {})})


def read_data(config: RunConfig, sinks: Sequence[Sink], wanted: Sequence[str] = SPLITS) -> Dataset:
    """The dataset of `config` with the splits of `wanted`; what was noticed in it is told to the sinks."""
    dataset = load_dataset(config, wanted)
    for message, level in dataset.remarks():
        tell(sinks, message, level)
    return dataset


def fit_dataset(
    config: RunConfig,
    dataset: Dataset,
    *,
    mode: str = "auto",
    sinks: Sequence[Sink] = (),
    folder: Path | None = None,
    also_identity: Mapping[str, Any] | None = None,
    held_out: HeldOut | None = None,
    started: float | None = None,
) -> Run:
    """`fit` on examples that are at hand: one run in `folder`, or in the folder that the settings give.

    `also_identity` adds what makes this run another one than its settings and data say (the number of its
    fold, say); `held_out` are test answers that were given by other models.
    """
    if mode not in MODES:
        raise ConfigError(f"mode: {mode!r} is not one of {', '.join(MODES)}")
    started = time.monotonic() if started is None else started
    runtime = _runtime(config)
    config = settle(config, dataset, runtime)
    same = {**identity(config, dataset.fingerprints), **(also_identity or {})}
    run = RunDir(folder) if folder is not None else run_folder(config, dataset, same)
    clock = Clock(started, held_out.seconds if held_out is not None else 0.0)
    with run.locked(), runtime.stop.listening():
        if _begin(run, config, same, mode, sinks, clock, runtime) == FINISHED:
            return Run(run.path)
        with memory_needed("this training run; the last checkpoint is intact"):
            fitted = fit_model(config, dataset, run, runtime, sinks, clock)
        tell(sinks, "training is done; scoring, saving and checking the model")
        try:
            with memory_needed("scoring; the training is kept"):
                conclude(config, dataset, run, fitted, clock, held_out)
        except Interrupted:
            raise stopped(runtime, "while scoring; the training is kept") from None
        run.update_manifest(
            status=FINISHED, best_step=fitted.state.best_step, wall_seconds=round(clock.wall_seconds, 1)
        )
    return Run(run.path)


def _runtime(config: RunConfig) -> Runtime:
    return choose(config.training.device, config.training.precision, config.training.threads)


def _begin(
    run: RunDir,
    config: RunConfig,
    same: Mapping[str, Any],
    mode: str,
    sinks: Sequence[Sink],
    clock: Clock,
    runtime: Runtime,
) -> str:
    """Make the folder ready and give its status: what is there is resumed, returned or refused by `mode`."""
    ours = run.manifest.is_file()
    if ours and (run.read_manifest()["status"] == CLEARING or mode == "fresh"):
        run.clear()
    names = ("tunewell", "torch", "transformers")
    process = {
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {name: importlib.metadata.version(name) for name in names},
    }
    if run.manifest.is_file():
        check_same(run, same)
        manifest = run.read_manifest()
        if manifest["status"] == FINISHED:
            tell(sinks, f"this run is finished already ({run.path}); --fresh would start it anew")
            return FINISHED
        tell(sinks, f"going on with the unfinished run in {run.path}")
        record = clock.begin(run, machine(runtime))
        run.update_manifest(resumed=[*manifest.get("resumed", []), process], **record)
    elif mode == "resume":
        raise ConfigError("there is nothing to resume", where=str(run.path), fix="run without --resume")
    else:
        if not ours:
            run.check_unused()
        run.update_manifest(status=RUNNING, identity=same, **process, **clock.begin(run, machine(runtime)))
    write_text(run.config, to_yaml(config))  # on resume too: what is not identity, threads say, may differ
    return RUNNING


def row_of_texts(
    predictor: Predictor, texts: str | Sequence[str] | Sequence[Mapping[str, Any]], number: int
) -> Row:
    """A text, a pair, or a conversation's messages, as a row of the kind that the model was trained on."""
    columns = predictor.task.input_columns()
    if len(columns) == 1 and not isinstance(texts, str) and any(isinstance(part, Mapping) for part in texts):
        return Row({columns[0]: list(texts)}, Origin("input", number))
    parts = (texts,) if isinstance(texts, str) else tuple(texts)
    if len(columns) != len(parts):
        raise ConfigError(
            f"input {number} holds {len(parts)} texts; this model reads {len(columns)}: {', '.join(columns)}"
        )
    return Row(dict(zip(columns, parts, strict=True)), Origin("input", number))


def answers(predictor: Predictor, rows: Iterable[Row]) -> Iterator[tuple[Row, Prediction]]:
    """Each row with its prediction, in order, without holding more than a chunk of them."""
    waiting: deque[Row] = deque()

    def examples() -> Iterator[Example]:
        for row in rows:
            waiting.append(row)
            yield predictor.task.read(row, labelled=False)

    for prediction in predictor.predict(examples()):
        yield waiting.popleft(), prediction


def reading_settings(run: Run, data: str, changes: Mapping[str, Any] | None = None) -> SourceSettings:
    """How to read `data` for a finished run: as its training data, where the format is the same.

    `changes` are data settings that go first. Raises `ConfigError` for one that does not exist.
    """
    own = like_training(run.config.data, data).model_dump(exclude={"limit"})
    config = load_config(None, {"data": {**own, **(changes or {})}}, task_config)
    return source_settings(config.data, limit=config.data.limit)


def evaluate(
    run: Run,
    data: str,
    *,
    device: str = "auto",
    changes: Mapping[str, Any] | None = None,
    sinks: Sequence[Sink] = (),
) -> tuple[SplitScores, Path]:
    """The scores of a finished run on labelled data, and the file that they were written to.

    `changes` are data settings for this file. The predictions are written beside the scores.
    """
    settings = reading_settings(run, data, changes)
    predictor = run.load_predictor(device)
    tables = read(data, settings)
    source = gathered(predictor.task, tables.get("test") or tables.get("validation") or tables["train"])
    reader, notes = adapted(predictor.task, source, data)
    examples, rows, num_dropped = read_examples(reader, source, settings.on_bad_row)
    for note in (*source.notes, *notes):
        tell(sinks, note)
    if num_dropped:
        tell(
            sinks,
            f"{num_dropped} of {len(source.rows)} rows were dropped as bad and are not scored",
            "warning",
        )
    for finding in predictor.task.checks({"test": examples}):
        tell(sinks, *finding.remark())
    with predictor.runtime.stop.listening():
        predictions = list(predictor.predict(examples))
    scores = predictor.task.score(examples, predictions)
    result = split_scores(scores, run.config.evaluation)
    run.dir.evaluations.mkdir(exist_ok=True)
    path = run.dir.evaluations / f"{source.name}-{source.fingerprint[:8]}.json"
    write_json(
        path, {"data": data, "task": predictor.task.name, "primary": scores.primary, **result.to_json()}
    )
    lines = (
        json.dumps(joined_row(row, prediction), ensure_ascii=False, default=str) + "\n"
        for row, prediction in zip(rows, predictions, strict=True)
    )
    write_text(path.with_suffix(".predictions.jsonl"), "".join(lines))
    return result, path
