"""What is left to do when training is over: the answers, the scores, the saved model, the report."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from tunewell.config import RunConfig
from tunewell.core.errors import ModelError
from tunewell.core.examples import Example, Prediction, Row
from tunewell.core.results import RunScores
from tunewell.core.sections import Bars, Facts, Notices, Section, Table
from tunewell.dataset import Dataset
from tunewell.models.artefact import save_model
from tunewell.predictor import Predictor, task_to_json
from tunewell.report.card import model_card
from tunewell.report.page import render
from tunewell.run_dir import RunDir, write_json, write_text
from tunewell.runs.fitting import Fitted, TokenCounts
from tunewell.runtime import Runtime
from tunewell.scoring import curve_section, run_scores, score_sections

TOLERANCE = 1e-5
"""How far the saved model's answers may be from those that were scored."""

_CHECKED = 32
_LABELS_SHOWN = 40


def conclude(config: RunConfig, dataset: Dataset, run: RunDir, fitted: Fitted) -> RunScores:
    """Answer, score, save, check and report; every file is replaced as a whole, so it can be done again."""
    predictor = fitted.predictor
    validation = dataset.examples["validation"]
    predictor.task = predictor.task.calibrate(validation, predictor.outputs(validation))
    predictions = {name: list(predictor.predict(dataset.examples[name])) for name in ("validation", "test")}
    scores = run_scores(predictor.task, dataset.examples, predictions, config.evaluation)
    headline = scores.headline_split

    write_json(run.task, task_to_json(predictor.task))
    _save(run, predictor, config, scores, dataset)
    check_artefact(run, predictor, dataset.examples[headline], predictions[headline])
    write_json(run.scores, scores.to_json())
    write_text(run.predictions, "".join(_prediction_lines(predictor, dataset, predictions)))
    sections = [
        *score_sections(scores),
        *predictor.task.describe(dataset.examples[headline], predictions[headline]),
        *_curves(run, scores.primary),
        *_data_sections(dataset, fitted),
        _settings_section(config),
    ]
    write_json(run.sections, [section.to_json() for section in sections])
    write_report(run, sections)
    return scores


def write_report(run: RunDir, sections: Sequence[Section]) -> None:
    """Draw `report.html` from sections."""
    title = f"{run.path.resolve().name}"
    write_text(run.report, render(title, f"tunewell {importlib.metadata.version('tunewell')}", sections))


def joined_row(row: Row, prediction: Prediction) -> dict[str, Any]:
    """The input's own columns and its line, with the prediction's fields beside them.

    A column whose name the prediction needs, `label` above all, is kept as `input_label`.
    """
    fields = prediction.to_json()
    taken = {"line", *fields}
    own = {f"input_{name}" if name in taken else name: value for name, value in row.values.items()}
    return {**own, "line": row.origin.line, **fields}


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


def _save(run: RunDir, predictor: Predictor, config: RunConfig, scores: RunScores, dataset: Dataset) -> None:
    """Write `model/` beside its place and swap it in."""
    temporary = run.model.with_name(".writing-model")
    shutil.rmtree(temporary, ignore_errors=True)
    limit = getattr(predictor.task.config, "max_length_tokens", None) or predictor.tokenizer.max_length_tokens
    save_model(predictor.model, predictor.tokenizer, temporary, limit)
    card = model_card(
        base_model=config.model.name,
        data_name=dataset.name,
        scores=scores,
        label_names=_label_names(predictor),
    )
    write_text(temporary / "README.md", card)
    shutil.rmtree(run.model, ignore_errors=True)
    temporary.rename(run.model)


def _label_names(predictor: Predictor) -> list[str]:
    return list(predictor.task.to_json().get("labels", []))


def _prediction_lines(
    predictor: Predictor, dataset: Dataset, predictions: Mapping[str, Sequence[Prediction]]
) -> Iterator[str]:
    """One line per example of every scored split: its split, id, gold target and own columns beside."""
    for name, part in predictions.items():
        for example, row, prediction in zip(dataset.examples[name], dataset.rows[name], part, strict=True):
            gold = {"split": name, "id": example.id, "gold": predictor.task.target(example)}
            fields = {**joined_row(row, prediction), **gold}
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


def _settings_section(config: RunConfig) -> Section:
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
        {**facts, **versions, "machine": machine},
    )
