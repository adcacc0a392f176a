"""From predictions to scores with intervals, for the model and for its baselines on the same examples."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest

from tunewell.config import EvaluationSettings
from tunewell.core.examples import LabelPrediction, Origin, TextExample
from tunewell.core.labels import LabelSet
from tunewell.core.results import RunScores
from tunewell.core.sections import Headline, Lines, Table
from tunewell.scoring import baseline_answers, curve_section, run_scores, score_sections, split_scores
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig

SETTINGS = EvaluationSettings(resamples=200, rank_resamples=100)
WORDS = {"good": "warm clever great", "bad": "dull cold clumsy"}


def examples(labels: Sequence[str], start: int = 0) -> list[TextExample]:
    return [
        TextExample(str(n), Origin("f.csv", n), (f"film {n} was {WORDS[label]}",), label)
        for n, label in enumerate(labels, start=start)
    ]


def predictions(
    given: Sequence[TextExample], labels: Sequence[str], sure: float = 0.9
) -> list[LabelPrediction]:
    other = {"good": "bad", "bad": "good"}
    return [
        LabelPrediction(example.id, label, {label: sure, other[label]: 1 - sure})
        for example, label in zip(given, labels, strict=True)
    ]


@pytest.fixture
def task() -> TextClassification:
    config = TextClassificationConfig(text="text", label="label", kind="single_label")
    return TextClassification(config, LabelSet(("bad", "good")))


@pytest.fixture
def splits() -> dict[str, list[TextExample]]:
    return {
        "validation": examples(["good", "bad"] * 5, 100),
        "test": examples(["good", "bad", "bad"] * 8, 200),
    }


@pytest.fixture
def scores(task: TextClassification, splits: dict[str, list[TextExample]]) -> RunScores:
    ours = {name: predictions(part, [str(e.target) for e in part]) for name, part in splits.items()}
    baselines = baseline_answers(task, None, examples(["good", "bad", "bad"] * 10), splits)
    return run_scores(task, splits, ours, baselines, SETTINGS)


def test_the_split_that_chose_says_so_and_the_test_split_is_the_headline(scores: RunScores) -> None:
    assert {name: part.selected_on for name, part in scores.splits.items()} == {
        "validation": True,
        "test": False,
    }
    assert {name: part.num_examples for name, part in scores.splits.items()} == {"validation": 10, "test": 24}
    assert (scores.task, scores.primary, scores.headline_split) == ("text-classification", "accuracy", "test")
    assert scores.headline.value == 1


def test_every_score_lies_in_its_interval(scores: RunScores) -> None:
    every = [
        *scores.splits.values(),
        *(part for by_split in scores.baselines.values() for part in by_split.values()),
    ]
    for part in every:
        for score in part.scores.values():
            if score.low is not None and score.high is not None:
                assert score.low <= score.high


def test_baselines_are_scored_on_the_same_examples_and_compared_in_pairs(scores: RunScores) -> None:
    assert scores.baselines.keys() == scores.differences.keys() == {"majority", "tfidf"}
    majority = scores.baselines["majority"]
    assert majority["test"].scores["accuracy"].value == pytest.approx(2 / 3)
    assert majority["validation"].scores["accuracy"].value == pytest.approx(1 / 2)
    assert scores.differences["majority"].value == pytest.approx(1 / 3)
    low = scores.differences["majority"].low
    assert low is not None
    assert low > 0
    assert scores.differences["tfidf"].value == pytest.approx(0)


def test_without_baselines_and_without_a_test_split(task: TextClassification) -> None:
    validation = examples(["good", "bad"] * 5)
    found = run_scores(
        task, {"validation": validation}, {"validation": predictions(validation, ["good"] * 10)}, {}, SETTINGS
    )
    assert (found.headline_split, found.headline.value) == ("validation", 0.5)
    assert found.baselines == found.differences == {}
    headline = score_sections(found)[0]
    assert isinstance(headline, Headline)
    assert "too good" in headline.note


def test_the_order_of_the_examples_does_not_matter(task: TextClassification) -> None:
    given = examples(["good", "bad", "bad", "good", "bad"])
    answered = predictions(given, ["good", "good", "bad", "bad", "bad"])
    forward = split_scores(task.score(given, answered), SETTINGS)
    backward = split_scores(task.score(given[::-1], answered[::-1]), SETTINGS)
    for name, score in forward.scores.items():
        assert score.value == pytest.approx(backward.scores[name].value, nan_ok=True)


def test_sections_hold_what_the_scores_say(scores: RunScores) -> None:
    headline, table = score_sections(scores)
    assert isinstance(headline, Headline)
    assert isinstance(table, Table)
    assert (headline.split, headline.num_examples, headline.score) == ("test", 24, scores.headline)
    assert headline.baselines["majority"] == scores.baselines["majority"]["test"].scores["accuracy"]
    assert len(table.rows) == sum(len(part.scores) for part in scores.splits.values())
    for metric, split, value, low, high in table.rows:
        score = scores.splits[str(split)].scores[str(metric)]
        assert (value, low, high) == (score.value, score.low, score.high)


def test_a_score_that_is_not_defined_stays_out_of_json(task: TextClassification) -> None:
    one = examples(["good"])
    found = run_scores(task, {"test": one}, {"test": predictions(one, ["good"])}, {}, SETTINGS)
    assert math.isnan(found.splits["test"].scores["auroc"].value)
    written = json.dumps(
        [found.to_json(), [section.to_json() for section in score_sections(found)]], allow_nan=False
    )
    assert '"auroc"' in written


def test_curves_come_from_the_lines_of_the_metrics_file() -> None:
    entries: list[dict[str, Any]] = [
        {"event": "step", "step": 1, "loss": 0.7, "learning_rate": 0.1},
        {"event": "evaluation", "step": 2, "validation_accuracy": 0.5},
        {"event": "step", "step": 3, "loss": 0.6, "learning_rate": 0.2},
    ]
    section = curve_section(entries, "accuracy")
    assert isinstance(section, Lines)
    assert section.panels["training loss"]["loss"] == [(1, 0.7), (3, 0.6)]
    assert section.panels["validation accuracy"]["accuracy"] == [(2, 0.5)]
    assert section.panels["learning rate"]["rate"] == [(1, 0.1), (3, 0.2)]
