"""What is left to do when training is over: the answers, the scores, the saved model, the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safetensors import SafetensorError

from tunewell.config import RunConfig
from tunewell.core.errors import ModelError, ResourceError
from tunewell.core.examples import Example, Prediction, Row
from tunewell.core.results import RunScores
from tunewell.core.rows import joined_row
from tunewell.core.sections import Section
from tunewell.dataset import Dataset
from tunewell.models.artefact import save_model
from tunewell.predictor import Predictor, task_to_json
from tunewell.report.card import model_card
from tunewell.report.files import redraw
from tunewell.run_dir import RunDir, write_json, write_text
from tunewell.runs.clock import Clock
from tunewell.runs.fitting import Fitted
from tunewell.runs.sections import checks_section, data_sections, settings_section
from tunewell.runtime import Runtime
from tunewell.scoring import baseline_answers, curve_section, run_scores, score_sections
from tunewell.tasks.base import Task

TOLERANCE = 1e-5
"""How far the saved model's answers may be from those that were scored."""

_CHECKED = 32


@dataclass(frozen=True)
class HeldOut:
    """Test answers that were given elsewhere: by the models of cross-validation, to rows unseen by them.

    `seconds` is how long that took.
    """

    examples: Sequence[Example]
    rows: Sequence[Row]
    predictions: Sequence[Prediction]
    baselines: Mapping[str, Sequence[Prediction]]
    seconds: float = 0.0


def conclude(
    config: RunConfig,
    dataset: Dataset,
    run: RunDir,
    fitted: Fitted,
    clock: Clock,
    held_out: HeldOut | None = None,
) -> None:
    """Answer, score, save, check and report; every file is replaced as a whole, so it can be done again.

    `held_out` takes the place of a test split that the dataset does not have. The report, which says how long all
    this took, is drawn last.
    """
    predictor = fitted.predictor
    validation = dataset.examples["validation"]
    predictor.task, validation_predictions = predictor.calibrated(validation)
    scored = {name: examples for name, examples in dataset.examples.items() if name != "train"}
    rows = {name: dataset.rows[name] for name in scored}
    predictions = {
        name: validation_predictions if name == "validation" else list(predictor.predict(examples))
        for name, examples in scored.items()
    }
    write_json(run.task, task_to_json(predictor.task))
    _save_model(run, predictor)
    read_back = check_artefact(run, predictor, validation, predictions["validation"])

    with predictor.runtime.stop.at_once():
        wanted = config.evaluation.baselines
        train = dataset.examples["train"]
        baselines = baseline_answers(predictor.task, predictor.tokenizer, train, scored) if wanted else {}
        if held_out is not None:
            scored["test"], rows["test"] = held_out.examples, held_out.rows
            predictions["test"] = list(held_out.predictions)
            for name, answers in baselines.items():
                answers["test"] = held_out.baselines[name]
        scores = run_scores(predictor.task, scored, predictions, baselines, config.evaluation)
        answered = Answered(scored, rows, predictions, scores)
        sections = _sections(
            config, dataset, run, fitted, answered, read_back=read_back, cross_validated=held_out is not None
        )
    _write_results(config, dataset, run, fitted, answered)
    write_json(run.sections, [section.to_json() for section in sections])
    clock.lap("scoring")
    clock.save(run)
    redraw(run)


@dataclass(frozen=True)
class Answered:
    """Everything known of the scored splits, by split."""

    examples: Mapping[str, Sequence[Example]]
    rows: Mapping[str, Sequence[Row]]
    predictions: Mapping[str, Sequence[Prediction]]
    scores: RunScores


def _write_results(
    config: RunConfig, dataset: Dataset, run: RunDir, fitted: Fitted, answered: Answered
) -> None:
    task, scores = fitted.predictor.task, answered.scores
    card = model_card(
        base_model=config.model.name,
        data_name=dataset.name,
        scores=scores,
        label_names=list(task.to_json().get("labels", [])),
        pipeline_tag=task.pipeline_tag,
    )
    write_text(run.model / "README.md", card)
    write_json(run.scores, scores.to_json())
    write_text(run.predictions, "".join(_prediction_lines(task, answered)))


def _sections(
    config: RunConfig, dataset: Dataset, run: RunDir, fitted: Fitted, answered: Answered, **known: bool
) -> list[Section]:
    """The report, in the order of a reader's questions: how good, can I trust it, where is it wrong, on what data?"""
    scores, headline = answered.scores, answered.scores.headline_split
    score, metrics = score_sections(scores)
    described = fitted.predictor.task.describe(answered.examples[headline], answered.predictions[headline])
    return [
        score,
        checks_section(dataset, fitted.token_counts, scores, described, **known),
        *described,
        metrics,
        *_curves(run, scores.primary),
        *data_sections(dataset, fitted.token_counts),
        settings_section(config, fitted),
    ]


def check_artefact(
    run: RunDir, predictor: Predictor, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> bool:
    """Raise `ModelError` when the saved model, read by Hugging Face alone, answers differently.

    Gives whether it could be read so.
    """
    sample = list(examples[:_CHECKED])
    expected = list(predictions[:_CHECKED])
    if predictor.runtime.bfloat16:  # the scored answers are rounded; the saved weights are compared exactly
        expected = list(Predictor.load(run, Runtime()).predict(sample))
    difference = predictor.task.artefact_difference(run.model, sample, expected)
    if difference is not None and not difference <= TOLERANCE:
        raise ModelError(
            f"the saved model differs from the trained one by {difference:.2g} (at most {TOLERANCE:g} is right)",
            where=str(run.model),
            fix="this is a fault of tunewell: please report it with the model's name",
        )
    return difference is not None


def _save_model(run: RunDir, predictor: Predictor) -> None:
    """Write `model/`, and `adapter/` of a model with one, beside their places and swap them in."""
    temporary, adapter = (path.with_name(f".writing-{path.name}") for path in (run.model, run.adapter))
    for path in (temporary, adapter):
        shutil.rmtree(path, ignore_errors=True)
    limit = getattr(predictor.task.config, "max_length_tokens", None) or predictor.tokenizer.max_length_tokens
    try:
        predictor.model = save_model(predictor.model, predictor.tokenizer, temporary, limit, adapter)
        for written, place in ((temporary, run.model), (adapter, run.adapter)):
            shutil.rmtree(place, ignore_errors=True)
            if written.exists():
                written.rename(place)
    except (OSError, SafetensorError) as error:
        raise ResourceError(
            f"the model could not be saved: {error}",
            where=str(run.model),
            fix="free space and run the same command again: the training is kept",
        ) from None


def _prediction_lines(task: Task[Any, Any, Any], answered: Answered) -> Iterator[str]:
    """One line per example of every scored split: its split, id, gold target and own columns beside."""
    for name, predictions in answered.predictions.items():
        examples, rows = answered.examples[name], answered.rows[name]
        for example, row, prediction in zip(examples, rows, predictions, strict=True):
            fields = joined_row(row, prediction, split=name, gold=task.target(example))
            fields.setdefault("id", example.id)
            yield json.dumps(fields, ensure_ascii=False, default=str) + "\n"


def _curves(run: RunDir, primary: str) -> list[Section]:
    lines = run.metrics.read_text(encoding="utf-8").splitlines()
    return [curve_section([json.loads(line) for line in lines], primary)]
