"""From predictions to numbers with their uncertainty: the model's scores, the baselines', the differences.

Knows a task only through the seam. Not for: predicting (`tunewell.predictor`) or files (`tunewell.runs`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.config import EvaluationSettings
from tunewell.core.examples import Example, Prediction
from tunewell.core.results import RunScores, Score, SplitScores
from tunewell.core.sections import Headline, Lines, Section, Table
from tunewell.metrics.intervals import intervals, paired_difference
from tunewell.metrics.tables import Scores
from tunewell.models import Tokenizer
from tunewell.tasks.base import Task

AnyTask = Task[Any, Any, Any]


def split_scores(scores: Scores, settings: EvaluationSettings, *, selected_on: bool = False) -> SplitScores:
    """Every metric of one split with its 95% interval."""
    found = intervals(scores, resamples=settings.resamples, rank_resamples=settings.rank_resamples)
    return SplitScores(scores.num_examples, found, selected_on)


Answers = Mapping[str, Sequence[Prediction]]
"""One prediction per example, by split."""


def baseline_answers(
    task: AnyTask, tokenizer: Tokenizer, train: Sequence[Example], splits: Mapping[str, Sequence[Example]]
) -> dict[str, dict[str, Sequence[Prediction]]]:
    """Each of the task's baselines, fitted on `train` and asked about every split; `tokenizer` is the model's."""
    answers: dict[str, dict[str, Sequence[Prediction]]] = {}
    for name, make in task.baselines(tokenizer).items():
        baseline = make()
        baseline.fit(train)
        answers[name] = {split: baseline.predict(examples) for split, examples in splits.items()}
    return answers


def run_scores(
    task: AnyTask,
    splits: Mapping[str, Sequence[Example]],
    predictions: Answers,
    baselines: Mapping[str, Answers],
    settings: EvaluationSettings,
) -> RunScores:
    """The scores of a run and of its baselines on the splits of `predictions`.

    The validation split chose the checkpoint (and thresholds), so its scores say so.
    """
    ours = {name: task.score(splits[name], predictions[name]) for name in predictions}
    result = RunScores(
        task=task.name,
        primary=next(iter(ours.values())).primary,
        splits={
            name: split_scores(scores, settings, selected_on=name == "validation")
            for name, scores in ours.items()
        },
    )
    headline = result.headline_split
    baseline_scores: dict[str, dict[str, SplitScores]] = {}
    differences: dict[str, Score] = {}
    for name, answers in baselines.items():
        theirs = {split: task.score(splits[split], answers[split]) for split in answers}
        baseline_scores[name] = {split: split_scores(scores, settings) for split, scores in theirs.items()}
        differences[name] = paired_difference(
            ours[headline],
            theirs[headline],
            result.primary,
            resamples=settings.resamples,
            rank_resamples=settings.rank_resamples,
        )
    return RunScores(result.task, result.primary, result.splits, baseline_scores, differences)


def score_sections(scores: RunScores) -> list[Section]:
    """The headline and the table of all metrics."""
    split = scores.headline_split
    baselines = {
        name: splits[split].scores[scores.primary]
        for name, splits in scores.baselines.items()
        if split in splits
    }
    caution = "" if split == "test" else " This split chose the checkpoint, so the score is too good."
    rows: list[list[str | int | float | None]] = [
        [metric, name, None if math.isnan(score.value) else score.value, score.low, score.high]
        for name, part in sorted(scores.splits.items(), key=lambda item: item[0] != split)
        for metric, score in part.scores.items()
    ]
    return [
        Headline(
            "How good is it?",
            f"The 95% intervals say how far scores would move with other {split} examples.{caution}",
            scores.primary,
            split,
            scores.splits[split].num_examples,
            scores.headline,
            baselines,
            dict(scores.differences),
        ),
        Table(
            "All metrics",
            "Value and 95% interval. The validation split chose the checkpoint; believe the test split.",
            ["metric", "split", "value", "low", "high"],
            rows,
        ),
    ]


def curve_section(entries: Sequence[Mapping[str, Any]], primary: str) -> Section:
    """Loss, validation score and learning rate over the steps, from the lines of `metrics.jsonl`."""
    steps = [entry for entry in entries if entry["event"] == "step"]
    evaluations = [entry for entry in entries if entry["event"] == "evaluation"]
    key = f"validation_{primary}"
    kept = next((entry["step"] for entry in reversed(evaluations) if entry.get("is_best")), None)
    shows = ""
    if kept is not None:
        last = evaluations[-1]["step"]
        shows = f"The weights of step {kept} of {last} were kept: they were the best on validation."
        if kept == last and len(evaluations) > 1:
            shows += " They came last, so more epochs may do better."
        elif kept <= last / 2:
            shows += " What came after them was no better, so fewer epochs would do."
    return Lines(
        "Learning curves",
        "The loss is the mean over the targets of one step's batch, as it came; the score is of the validation split.",
        "step",
        {
            "training loss": {"loss": [(entry["step"], entry["loss"]) for entry in steps]},
            f"validation {primary}": {
                primary: [(entry["step"], entry[key]) for entry in evaluations if entry[key] is not None]
            },
            "learning rate": {"rate": [(entry["step"], entry["learning_rate"]) for entry in steps]},
        },
        marks={} if kept is None else {"kept": kept},
        shows=shows,
    )
