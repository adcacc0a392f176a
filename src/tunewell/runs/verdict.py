"""What is left to do when training is over: the answers, the scores, the saved model, the report."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError

from tunewell.config import RunConfig
from tunewell.core.errors import Interrupted, ModelError, ResourceError
from tunewell.core.examples import Example, Prediction, Row
from tunewell.core.results import RunScores
from tunewell.core.rows import joined_row
from tunewell.core.sections import Bars, Facts, Notices, Section, Table
from tunewell.dataset import Dataset
from tunewell.models.artefact import save_model
from tunewell.predictor import Predictor, task_to_json
from tunewell.report.card import model_card
from tunewell.report.files import redraw
from tunewell.run_dir import RunDir, write_json, write_text
from tunewell.runs.fitting import Fitted, TokenCounts
from tunewell.runtime import Runtime
from tunewell.scoring import baseline_answers, curve_section, run_scores, score_sections
from tunewell.tasks.base import Task

TOLERANCE = 1e-5
"""How far the saved model's answers may be from those that were scored."""

_CHECKED = 32
_LABELS_SHOWN = 40


@dataclass(frozen=True)
class HeldOut:
    """Test answers that were given elsewhere: by the models of cross-validation, to rows unseen by them."""

    examples: Sequence[Example]
    rows: Sequence[Row]
    predictions: Sequence[Prediction]
    baselines: Mapping[str, Sequence[Prediction]]


def conclude(
    config: RunConfig, dataset: Dataset, run: RunDir, fitted: Fitted, held_out: HeldOut | None = None
) -> None:
    """Answer, score, save, check and report; every file is replaced as a whole, so it can be done again.

    `held_out` takes the place of a test split that the dataset does not have.
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
    check_artefact(run, predictor, validation, predictions["validation"])

    _leave_if_stopped(predictor)
    wanted = config.evaluation.baselines
    baselines = baseline_answers(predictor.task, dataset.examples["train"], scored) if wanted else {}
    if held_out is not None:
        scored["test"], rows["test"] = held_out.examples, held_out.rows
        predictions["test"] = list(held_out.predictions)
        for name, answers in baselines.items():
            answers["test"] = held_out.baselines[name]
    _leave_if_stopped(predictor)
    scores = run_scores(predictor.task, scored, predictions, baselines, config.evaluation)
    _write_results(config, dataset, run, fitted, Answered(scored, rows, predictions, scores))


def _leave_if_stopped(predictor: Predictor) -> None:
    """Between long pieces of work that cannot be left halfway; all of it can be done again."""
    if predictor.runtime.stop:
        raise Interrupted("stopped while scoring")


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
    headline = scores.headline_split
    card = model_card(
        base_model=config.model.name,
        data_name=dataset.name,
        scores=scores,
        label_names=list(task.to_json().get("labels", [])),
    )
    write_text(run.model / "README.md", card)
    write_json(run.scores, scores.to_json())
    write_text(run.predictions, "".join(_prediction_lines(task, answered)))
    sections = [
        *score_sections(scores),
        *task.describe(answered.examples[headline], answered.predictions[headline]),
        *_curves(run, scores.primary),
        *_data_sections(dataset, fitted),
        _settings_section(config, fitted),
    ]
    write_json(run.sections, [section.to_json() for section in sections])
    redraw(run)


def check_artefact(
    run: RunDir, predictor: Predictor, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> None:
    """Raise `ModelError` when the saved model, read by Hugging Face alone, answers differently."""
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


def _data_sections(dataset: Dataset, fitted: Fitted) -> list[Section]:
    columns = ["split", "examples", "longest (tokens)", "mean (tokens)", "cut", "unknown tokens"]
    rows: list[list[str | int | float | None]] = [
        [
            name,
            len(dataset.examples[name]),
            max(count.lengths),
            round(sum(count.lengths) / len(count.lengths), 1),
            count.num_truncated,
            f"{count.unknown_share:.2%}",
        ]
        for name, count in fitted.token_counts.items()
    ]
    sections: list[Section] = [
        Table(
            "The data", "Sizes and lengths as the model reads them, special tokens included.", columns, rows
        )
    ]
    sections += [_lengths_section(fitted.token_counts["train"])]
    shares = _target_counts(dataset)
    if shares:
        sections.append(
            Bars("Labels in the training data", "How many examples carry each label.", "examples", shares)
        )
    lines = [*dataset.notes, *(f"{finding.severity}: {finding.message}" for finding in dataset.findings)]
    sections.append(
        Notices("What was noticed in the data", "Said while the data were read and checked.", lines)
    )
    return sections


def _lengths_section(count: TokenCounts) -> Section:
    """How many texts have which length, in at most 12 bars."""
    width = max(1, -(-max(count.lengths) // 12))
    bins = Counter((length - 1) // width for length in count.lengths)
    bars = {
        f"{place * width + 1}-{(place + 1) * width}": float(bins.get(place, 0))
        for place in range(max(bins) + 1)
    }
    return Bars("Lengths of the training texts", "In tokens of this model.", "texts", bars)


def _target_counts(dataset: Dataset) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for example in dataset.examples["train"]:
        target = dataset.task.target(example)
        if isinstance(target, str):
            counts[target] += 1
        elif isinstance(target, list):
            counts.update(map(str, target))
    return {name: float(number) for name, number in counts.most_common(_LABELS_SHOWN)}


def _settings_section(config: RunConfig, fitted: Fitted) -> Section:
    facts = {
        f"{group}.{key}": json.dumps(value, ensure_ascii=False)
        for group, values in config.model_dump().items()
        for key, value in values.items()
        if value is not None
    }
    versions = {name: importlib.metadata.version(name) for name in ("tunewell", "torch", "transformers")}
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}"
    return Facts(
        "Settings and versions",
        "As in config.yaml, which starts the same run again.",
        {"what learns": str(fitted.learning), **facts, **versions, "machine": machine},
    )
