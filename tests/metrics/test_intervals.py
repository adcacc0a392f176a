"""Intervals: what they promise, and that they hold as often as they say."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from tunewell.core.results import Score
from tunewell.metrics.classification import auroc, calibration_table, label_table, log_loss_table
from tunewell.metrics.intervals import intervals, paired_difference
from tunewell.metrics.regression import regression_table, spearman
from tunewell.metrics.resampling import resampled_sums
from tunewell.metrics.tables import PartTable, RankMetric, Scores


def label_scores(
    examples: int = 300, accuracy: float = 0.8, seed: int = 0, groups: int | None = None
) -> Scores:
    """Scores with discrete, continuous and rank metrics; gold labels are the same for every `seed`."""
    gold = np.random.default_rng(99).integers(2, size=examples)
    generator = np.random.default_rng(seed)
    predicted = np.where(generator.random(examples) < accuracy, gold, 1 - gold)
    confidence = generator.uniform(0.5, 1, size=examples)
    score = np.where(predicted == 1, confidence, 1 - confidence)
    return Scores(
        primary="accuracy",
        tables=[
            label_table(gold, predicted, 3),
            calibration_table(confidence, predicted == gold),
            log_loss_table(np.where(predicted == gold, confidence, 1 - confidence)),
        ],
        ranks={"auroc": RankMetric(gold.astype(np.float64), score, auroc)},
        groups=None if groups is None else [f"group {index % groups}" for index in range(examples)],
    )


def number_scores(seed: int = 0) -> Scores:
    gold = np.random.default_rng(99).normal(size=200)
    predicted = gold + np.random.default_rng(seed).normal(size=200)
    return Scores(
        "pearson", [regression_table(gold, predicted)], {"spearman": RankMetric(gold, predicted, spearman)}
    )


@pytest.mark.parametrize("scores", [label_scores(), label_scores(groups=40), number_scores()])
def test_same_seed_same_intervals(scores: Scores) -> None:
    first = intervals(scores, resamples=200, rank_resamples=50)
    assert first == intervals(scores, resamples=200, rank_resamples=50)
    assert first != intervals(scores, resamples=200, rank_resamples=50, seed=1)
    assert {name: score.value for name, score in first.items()} == scores.values()
    assert list(first) == list(scores.values())


def test_intervals_do_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = intervals(label_scores(), resamples=200, rank_resamples=50)
    in_small_chunks = partial(resampled_sums, chunk_bytes=10_000)
    monkeypatch.setattr("tunewell.metrics.intervals.resampled_sums", in_small_chunks)
    for name, score in intervals(label_scores(), resamples=200, rank_resamples=50).items():
        assert (score.low, score.high) == pytest.approx((whole[name].low, whole[name].high), rel=1e-12)


def test_intervals_lie_around_the_value_and_widen_with_confidence() -> None:
    for scores in (label_scores(), number_scores()):
        narrow = intervals(scores, resamples=2000, rank_resamples=500, confidence=0.5)
        wide = intervals(scores, resamples=2000, rank_resamples=500, confidence=0.99)
        for name, score in narrow.items():
            assert wide[name].low < score.low < score.high < wide[name].high  # type: ignore[operator]
            if name != "expected_calibration_error":  # biased, as its docstring says
                assert score.low < score.value < score.high  # type: ignore[operator]


def test_each_example_its_own_group_is_no_group() -> None:
    alone = intervals(label_scores(), resamples=300, rank_resamples=50)
    assert alone == intervals(label_scores(groups=300), resamples=300, rank_resamples=50)


def test_groups_of_like_examples_widen_the_interval() -> None:
    correct = np.repeat(np.random.default_rng(0).random(60) < 0.7, 5).astype(np.int64)
    table = label_table(np.ones_like(correct), correct, 2)
    groups = [str(index // 5) for index in range(300)]
    alone = intervals(Scores("accuracy", [table]), resamples=4000)["accuracy"]
    tied = intervals(Scores("accuracy", [table], groups=groups), resamples=4000)["accuracy"]
    widening = (tied.high - tied.low) / (alone.high - alone.low)  # type: ignore[operator]
    assert widening == pytest.approx(math.sqrt(5), rel=0.1)


def test_rank_metrics_resample_groups_too() -> None:
    gold = np.repeat(np.random.default_rng(0).normal(size=40), 4)
    noise = np.repeat(np.random.default_rng(1).normal(size=40), 4)
    ranks = {"spearman": RankMetric(gold, gold + noise, spearman)}
    groups = [str(index // 4) for index in range(160)]
    alone = intervals(Scores("spearman", [], ranks))["spearman"]
    tied = intervals(Scores("spearman", [], ranks, groups))["spearman"]
    assert (tied.high - tied.low) / (alone.high - alone.low) > 1.5  # type: ignore[operator]


def test_cells_and_single_draws_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for frequent in (0, 12, 10**9):
        one_way = partial(resampled_sums, frequent=frequent)
        monkeypatch.setattr("tunewell.metrics.intervals.resampled_sums", one_way)
        found.append(intervals(Scores("macro_f1", label_scores().tables[:1]), resamples=20_000))
    for name in found[0]:
        lows, highs = ([getattr(scores[name], end) for scores in found] for end in ("low", "high"))
        width = highs[0] - lows[0]
        assert np.ptp(lows) < 0.05 * width
        assert np.ptp(highs) < 0.05 * width


def test_accuracy_has_the_binomial_interval() -> None:
    scores = Scores("accuracy", label_scores(2000).tables[:1])
    score = intervals(scores, resamples=20_000)["accuracy"]
    half = 1.96 * math.sqrt(score.value * (1 - score.value) / 2000)
    assert (score.low, score.high) == pytest.approx((score.value - half, score.value + half), abs=0.002)


def test_intervals_hold_as_often_as_they_say() -> None:
    generator = np.random.default_rng(2024)
    held, rounds, truth = 0, 500, 0.8
    for index in range(rounds):
        predicted = (generator.random(200) < truth).astype(np.int64)
        scores = Scores("accuracy", [label_table(np.ones(200, dtype=np.int64), predicted, 2)])
        score = intervals(scores, resamples=1000, seed=index)["accuracy"]
        assert score.low is not None
        assert score.high is not None
        held += score.low <= truth <= score.high
    assert 0.92 <= held / rounds <= 0.98


def test_undefined_resamples_are_left_out() -> None:
    gold, score = np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.1, 0.4, 0.2, 0.3])
    scores = Scores("auroc", [], {"auroc": RankMetric(gold, score, auroc)})
    found = intervals(scores, rank_resamples=200)["auroc"]
    assert found.value == pytest.approx(2 / 3)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.high <= 1


def test_where_nothing_is_defined_there_is_no_interval() -> None:
    rank = RankMetric(np.ones(5), np.arange(5.0), auroc)
    found = intervals(Scores("auroc", [], {"auroc": rank}), rank_resamples=20)["auroc"]
    assert math.isnan(found.value)
    assert found.low is None
    assert found.high is None


def test_one_example_or_group_has_no_interval() -> None:
    one = Scores("accuracy", [label_table(np.array([1]), np.array([1]), 2)])
    assert intervals(one)["accuracy"] == Score(1.0)
    assert paired_difference(one, one, "accuracy") == Score(0.0)
    assert all(score.low is None for score in intervals(label_scores(groups=1), resamples=10).values())


def test_no_resamples_no_interval() -> None:
    found = intervals(label_scores(), resamples=0, rank_resamples=0)
    assert all(score == Score(score.value) for score in found.values())


def test_no_examples_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one example"):
        intervals(Scores("accuracy", [label_table(np.zeros(0, np.int64), np.zeros(0, np.int64), 2)]))


@pytest.mark.parametrize("scores", [label_scores(), label_scores(groups=40), number_scores()])
def test_a_model_does_not_differ_from_itself(scores: Scores) -> None:
    for metric in scores.values():
        again = paired_difference(scores, scores, metric, resamples=300, rank_resamples=50)
        assert again.value == 0
        shares = () if scores.groups else scores.tables[0].shares
        if metric in shares:  # agreeing on 300 examples does not prove agreement on all
            assert again.low == pytest.approx(-again.high)  # type: ignore[operator]
            assert 0 < again.high < 0.01  # type: ignore[operator]
        else:
            assert again == Score(0.0, 0.0, 0.0)


def test_a_paired_difference_turns_its_sign_with_its_sides() -> None:
    first, second = label_scores(seed=1, accuracy=0.9), label_scores(seed=2)
    for metric in first.values():
        there = paired_difference(first, second, metric, resamples=500, rank_resamples=100)
        back = paired_difference(second, first, metric, resamples=500, rank_resamples=100)
        assert there.value == first.values()[metric] - second.values()[metric]
        wanted = (-there.value, -there.high, -there.low)  # type: ignore[operator]
        assert (back.value, back.low, back.high) == pytest.approx(wanted, abs=1e-12)


def test_pairing_takes_away_what_both_share() -> None:
    gold = np.random.default_rng(0).integers(2, size=500)
    first = np.where(np.random.default_rng(1).random(500) < 0.7, gold, 1 - gold)
    second = first.copy()
    second[:10] = 1 - second[:10]
    one, two = (Scores("accuracy", [label_table(gold, predicted, 2)]) for predicted in (first, second))
    difference = paired_difference(one, two, "accuracy", resamples=5000)
    single = intervals(one, resamples=5000)["accuracy"]
    changed = (first == gold).astype(float) - (second == gold)
    half = 1.96 * changed.std() / math.sqrt(500)
    assert difference.value == pytest.approx(changed.mean())
    assert difference.high - difference.low == pytest.approx(2 * half, rel=0.1)  # type: ignore[operator]
    assert difference.high - difference.low < 0.5 * (single.high - single.low)  # type: ignore[operator]


def test_pairs_that_do_not_fit_are_refused() -> None:
    scores = label_scores()
    with pytest.raises(ValueError, match="same examples"):
        paired_difference(scores, label_scores(200), "accuracy")
    with pytest.raises(ValueError, match="same groups"):
        paired_difference(scores, label_scores(groups=3), "accuracy")
    with pytest.raises(ValueError, match="no metric 'bleu'"):
        paired_difference(scores, scores, "bleu")
    sums = Scores("auroc", [PartTable(np.ones((300, 1)), {"auroc": lambda parts: parts[..., 0]})])
    with pytest.raises(ValueError, match="of ranks on the other"):
        paired_difference(sums, scores, "auroc")


def test_many_examples_and_labels_are_within_reach() -> None:
    generator = np.random.default_rng(0)
    gold = generator.integers(150, size=10_000)
    predicted = np.where(generator.random(10_000) < 0.8, gold, generator.integers(150, size=10_000))
    found = intervals(Scores("macro_f1", [label_table(gold, predicted, 150)]))["macro_f1"]
    assert found.low is not None
    assert found.low < found.value
