"""Tables of answers' scores, and the threshold of "no answer"."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.metrics.answers import (
    answer_table,
    best_score,
    best_threshold,
    threshold_curve,
)
from tunewell.metrics.intervals import intervals, paired_difference
from tunewell.metrics.shares import outcomes
from tunewell.metrics.significance import randomisation_test
from tunewell.metrics.tables import BoolArray, FloatArray, RankMetric, Scores

OFFICIAL: list[Any] = json.loads(
    Path(__file__).with_name("data").joinpath("official_answer_scores.json").read_text(encoding="utf-8")
)["thresholds"]

QUESTIONS = st.lists(
    st.tuples(st.integers(-4, 6), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans(), st.integers(0, 3)),
    min_size=1,
    max_size=15,
)


def arrays(
    rows: list[tuple[float, float, bool, int]],
) -> tuple[FloatArray, FloatArray, BoolArray, FloatArray]:
    """Questions without an answer score 0 if answered."""
    margin, score, has, counts = (np.array(column) for column in zip(*rows, strict=True))
    return margin.astype(float), np.where(has, score, 0.0), has.astype(bool), counts.astype(float)


def score_at(threshold: float, margin: FloatArray, score: FloatArray, has: BoolArray) -> float:
    """The mean score when a question is answered where its margin is at most the threshold."""
    return float(np.where(margin <= threshold, score, ~has).mean())


def random_questions(count: int, seed: int) -> tuple[FloatArray, FloatArray, BoolArray]:
    """A model that is surer of no answer where there is none."""
    generator = np.random.default_rng(seed)
    has = generator.random(count) < 0.6
    margin = generator.normal(size=count) - 1.5 * has
    return margin, np.where(has, generator.choice([0, 0.5, 1.0], size=count, p=[0.2, 0.2, 0.6]), 0.0), has


def test_table_by_hand() -> None:
    exact = np.array([1.0, 0.0, 1.0, 0.0])
    table = answer_table(exact, np.array([1.0, 0.5, 1.0, 0.0]), np.array([True, True, False, False]))
    sums = table.parts.sum(axis=0)
    assert {name: float(metric(sums)) for name, metric in table.metrics.items()} == {
        "exact_match": 0.5,
        "f1": 0.625,
        "has_answer_exact_match": 0.5,
        "has_answer_f1": 0.75,
        "no_answer_accuracy": 0.5,
    }
    assert outcomes(table, "exact_match").tolist() == [True, False, True, False]
    assert list(table.shares) == ["exact_match"]


def test_a_resample_without_a_kind_of_question_says_nothing_of_it() -> None:
    exact = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    has = np.array([False, True, True, True, True, True])  # about a third of all resamples lack the first
    table = answer_table(exact, exact, has)
    empty = np.zeros((2, table.parts.shape[1]))
    for name in ("has_answer_exact_match", "has_answer_f1", "no_answer_accuracy"):
        assert np.isnan(table.metrics[name](empty)).all()
    found = intervals(Scores("f1", [table]), resamples=500)
    assert (found["no_answer_accuracy"].low, found["no_answer_accuracy"].high) == (1.0, 1.0)
    turned = intervals(Scores("f1", [answer_table(exact, exact, ~has)]), resamples=500)
    assert (turned["has_answer_f1"].low, turned["has_answer_f1"].high) == (1.0, 1.0)
    scores = Scores("f1", [table])
    difference = paired_difference(scores, scores, "no_answer_accuracy", resamples=500)
    assert (difference.value, difference.low, difference.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("has", [True, False])
def test_one_kind_of_question_alone(has: bool) -> None:
    table = answer_table(np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array([has, has]))
    assert list(table.metrics) == ["exact_match", "f1"]


def test_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="exact"):
        answer_table(np.ones(2), np.ones(3), np.ones(2, dtype=bool))
    with pytest.raises(ValueError, match="margin"):
        best_threshold(np.ones(2), np.ones(3), np.ones(2, dtype=bool))


@given(QUESTIONS)
@settings(deadline=None)
def test_table_is_a_plain_mean(rows: list[tuple[float, float, bool, int]]) -> None:
    _, f1, has, _ = arrays(rows)
    exact = np.floor(f1)
    table = answer_table(exact, f1, has)
    found = {name: float(metric(table.parts.sum(axis=0))) for name, metric in table.metrics.items()}
    assert found["exact_match"] == pytest.approx(exact.mean())
    assert found["f1"] == pytest.approx(f1.mean())
    assert ("no_answer_accuracy" in found) == (0 < has.sum() < len(has))
    if "no_answer_accuracy" in found:
        assert found["has_answer_f1"] == pytest.approx(f1[has].mean())
        assert found["has_answer_exact_match"] == pytest.approx(exact[has].mean())
        assert found["no_answer_accuracy"] == pytest.approx(exact[~has].mean())


def test_official_thresholds() -> None:
    """No two probabilities are equal there, and none is 0."""
    never = 0
    for probabilities, scores, has, threshold, best in OFFICIAL:
        given_answer = best_threshold(np.array(probabilities), np.array(scores), np.array(has))
        assert given_answer == (threshold, pytest.approx(best, abs=1e-12))
        never += threshold == 0.0
    assert 0 < never < len(OFFICIAL)


@given(QUESTIONS)
@settings(max_examples=1000, deadline=None)
def test_the_threshold_gives_the_best_score(rows: list[tuple[float, float, bool, int]]) -> None:
    margin, score, has, _ = arrays(rows)
    threshold, best = best_threshold(margin, score, has)
    assert score_at(threshold, margin, score, has) == pytest.approx(best)
    everywhere = [score_at(place, margin, score, has) for place in np.arange(-5, 7.5, 0.5)]
    assert best == pytest.approx(max(everywhere))
    assert best_score(margin, score, has).compute(
        best_score(margin, score, has).gold, margin
    ) == pytest.approx(best)


@given(QUESTIONS)
@settings(max_examples=300, deadline=None)
def test_weights_are_repeats(rows: list[tuple[float, float, bool, int]]) -> None:
    margin, score, has, counts = arrays(rows)
    rank = best_score(margin, score, has)
    weights = np.stack([counts, np.ones(len(rows)), 3 - counts])
    slow = RankMetric(rank.gold, rank.predicted, rank.compute).weighted(weights)
    known = weights.sum(axis=1) > 0
    assert rank.weighted(weights)[known] == pytest.approx(slow[known])
    assert np.isnan(rank.weighted(weights)[~known]).all()


@given(QUESTIONS)
@settings(deadline=None)
def test_only_the_order_of_margins_matters(rows: list[tuple[float, float, bool, int]]) -> None:
    margin, score, has, _ = arrays(rows)
    rank = best_score(margin, score, has)
    assert rank.compute(rank.gold, np.exp(margin) * 100) == pytest.approx(rank.compute(rank.gold, margin))


def test_an_empty_text_that_is_right_counts_as_right() -> None:
    """A model may have nothing to give even if it must answer: a score of 1 without an answer there."""
    margin, score, has = np.array([0.2, 0.4]), np.array([1.0, 1.0]), np.array([False, True])
    assert best_threshold(margin, score, has) == (0.4, 1.0)
    rank = best_score(margin, score, has)
    assert rank.compute(rank.gold, rank.predicted) == 1.0


def test_what_cannot_be_swept() -> None:
    empty = np.empty(0)
    with pytest.raises(ValueError, match="at least one question"):
        best_threshold(empty, empty, empty.astype(bool))
    with pytest.raises(ValueError, match="numbers"):
        best_threshold(np.array([np.nan]), np.ones(1), np.array([True]))
    rank = best_score(np.array([np.nan]), np.ones(1), np.array([True]))
    assert np.isnan(rank.compute(rank.gold, rank.predicted))


@pytest.mark.parametrize("count", [1, 50, 199, 200, 5000])
def test_curve(count: int) -> None:
    margin, score, has = random_questions(count, seed=count)
    curve = threshold_curve(margin, score, has)
    assert len(curve) == min(count + 1, len(curve), 200)
    assert len(curve) >= min(count + 1, 190)
    places = [threshold for threshold, _ in curve]
    assert places == sorted(set(places))
    for threshold, value in curve:
        assert value == pytest.approx(score_at(threshold, margin, score, has))
    assert curve[0][1] == pytest.approx((~has).mean())
    assert curve[-1][1] == pytest.approx(score.mean())
    threshold, best = best_threshold(margin, score, has)
    assert (threshold, best) in [(place, pytest.approx(value)) for place, value in curve]


def test_with_intervals_and_tests_of_two_models() -> None:
    def scores(seed: int) -> Scores:
        generator = np.random.default_rng(seed)
        margin, score, has = random_questions(400, seed=5)
        margin = margin + generator.normal(size=400) * (seed - 6) * 3
        answered = np.where(margin <= 0, score, ~has)
        table = answer_table(np.floor(answered), answered, has)
        return Scores(
            "f1",
            [table],
            {"best_f1": best_score(margin, score, has)},
            groups=[str(number // 4) for number in range(400)],
        )

    first, second = scores(6), scores(7)
    found = intervals(first, resamples=500, rank_resamples=200)
    for name, value in found.items():
        assert value.low is not None
        assert value.high is not None
        assert value.low < value.value < value.high, name
    difference = paired_difference(first, second, "best_f1", rank_resamples=200)
    assert difference.low is not None
    assert difference.low > 0
    assert randomisation_test(first, second, "best_f1", rank_rounds=200) < 0.05
    assert paired_difference(first, first, "best_f1", rank_resamples=50).value == 0.0
