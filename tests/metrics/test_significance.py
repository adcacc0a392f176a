"""Paired tests: against enumeration, with groups, for ranks; and what several tests do to each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewell.metrics.classification import auroc, label_table, weighted_auroc
from tunewell.metrics.regression import regression_table, spearman, weighted_spearman
from tunewell.metrics.shares import mcnemar
from tunewell.metrics.significance import holm, randomisation_test, smallest_shown
from tunewell.metrics.tables import RankMetric, Scores


def label_models(size: int, seed: int, accuracies: tuple[float, float] = (0.8, 0.6)) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    gold = generator.integers(3, size=size)
    return [gold, *(np.where(generator.random(size) < a, gold, (gold + 1) % 3) for a in accuracies)]


def of_labels(gold: np.ndarray, model: np.ndarray, groups: list[str] | None = None) -> Scores:
    return Scores("macro_f1", [label_table(gold, model, 3)], groups=groups)


def of_numbers(gold: np.ndarray, model: np.ndarray) -> Scores:
    rank = RankMetric(gold, model, spearman, weighted_spearman)
    return Scores("pearson", [regression_table(gold, model)], {"spearman": rank})


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy", "mcc"])
def test_randomisation_approaches_full_enumeration(metric: str) -> None:
    gold, first, second = label_models(12, 3)
    one, two = of_labels(gold, first), of_labels(gold, second)
    seen = abs(one.values()[metric] - two.values()[metric])
    differences = []
    for exchanged in itertools.product((False, True), repeat=12):
        coins = np.array(exchanged)
        mixed = np.where(coins, second, first), np.where(coins, first, second)
        values = [of_labels(gold, model).values()[metric] for model in mixed]
        differences.append(abs(values[0] - values[1]))
    exact = np.mean(np.array(differences) >= seen - 1e-12)
    assert randomisation_test(one, two, metric, rounds=40_000) == pytest.approx(exact, abs=0.012)


def test_groups_are_exchanged_as_a_whole() -> None:
    gold, first, second = label_models(12, 5)
    groups = [str(index // 2) for index in range(12)]
    one, two = of_labels(gold, first, groups), of_labels(gold, second, groups)
    seen = abs(one.values()["macro_f1"] - two.values()["macro_f1"])
    differences = []
    for exchanged in itertools.product((False, True), repeat=6):
        coins = np.repeat(exchanged, 2)
        mixed = np.where(coins, second, first), np.where(coins, first, second)
        values = [of_labels(gold, model).values()["macro_f1"] for model in mixed]
        differences.append(abs(values[0] - values[1]))
    exact = np.mean(np.array(differences) >= seen - 1e-12)
    assert randomisation_test(one, two, "macro_f1", rounds=40_000) == pytest.approx(exact, abs=0.012)


@pytest.mark.parametrize("metric", ["pearson", "rmse", "r2", "spearman"])
def test_exchanging_parts_is_exchanging_predictions(metric: str) -> None:
    generator = np.random.default_rng(0)
    gold = generator.normal(size=10) + 50
    first, second = gold + generator.normal(size=(2, 10))
    one, two = of_numbers(gold, first), of_numbers(gold, second)
    if metric == "pearson":  # it takes no notice of the scale, so exchanging starts from a common one
        first, second = ((model - model.mean()) / model.std() for model in (first, second))
    if metric == "spearman":
        first, second = (model.argsort().argsort() + 1.0 for model in (first, second))
    seen = abs(one.values()[metric] - two.values()[metric])
    differences = []
    for exchanged in itertools.product((False, True), repeat=10):
        coins = np.array(exchanged)
        mixed = np.where(coins, second, first), np.where(coins, first, second)
        values = [of_numbers(gold, model).values()[metric] for model in mixed]
        differences.append(abs(values[0] - values[1]))
    exact = np.mean(np.array(differences) >= seen - 1e-12)
    found = randomisation_test(one, two, metric, rounds=20_000, rank_rounds=20_000)
    assert found == pytest.approx(exact, abs=0.015)


@pytest.mark.parametrize("metric", ["pearson", "spearman", "auroc"])
def test_the_scale_of_predictions_does_not_matter_where_the_metric_does_not_see_it(metric: str) -> None:
    generator = np.random.default_rng(1)
    gold = generator.normal(size=200)
    first, second = gold + generator.normal(size=(2, 200))

    def scores(model: np.ndarray) -> Scores:
        if metric != "auroc":
            return of_numbers(gold, model)
        return Scores("auroc", [], {"auroc": RankMetric((gold > 0) * 1.0, model, auroc, weighted_auroc)})

    plain = randomisation_test(scores(first), scores(second), metric)
    scaled = randomisation_test(scores(first), scores(0.1 * second + 7), metric)
    assert scaled == pytest.approx(plain, abs=0.01)


def test_a_rank_metric_without_a_weighted_form_gives_the_same() -> None:
    generator = np.random.default_rng(2)
    gold = (generator.random(60) < 0.5) * 1.0
    first, second = gold + generator.normal(size=(2, 60))
    found = []
    for fast in (weighted_auroc, None):
        one, two = (Scores("auroc", [], {"auroc": RankMetric(gold, m, auroc, fast)}) for m in (first, second))
        found.append(randomisation_test(one, two, "auroc", rank_rounds=300))
    assert found[0] == found[1]


def test_randomisation_of_accuracy_is_the_exact_mcnemar_test() -> None:
    gold, first, second = label_models(300, 7, (0.8, 0.74))
    one, two = of_labels(gold, first), of_labels(gold, second)
    only = [int(((a == gold) & (b != gold)).sum()) for a, b in ((first, second), (second, first))]
    seen = math.comb(sum(only), min(only)) / 2 ** sum(only)
    exact = mcnemar(*only) + seen
    assert randomisation_test(one, two, "accuracy", rounds=40_000) == pytest.approx(exact, abs=0.01)


def test_clear_and_absent_differences() -> None:
    gold, first, second = label_models(500, 0, (0.9, 0.5))
    one, two = of_labels(gold, first), of_labels(gold, second)
    assert randomisation_test(one, two, "macro_f1", rounds=999) == 1 / 1000
    assert randomisation_test(one, one, "macro_f1", rounds=99) == 1
    there, back = (randomisation_test(*pair, "macro_f1", rounds=5000) for pair in ((one, two), (two, one)))
    assert there == back
    assert randomisation_test(one, two, "macro_f1", rounds=500, seed=1) == randomisation_test(
        one, two, "macro_f1", rounds=500, seed=1
    )


def test_what_is_undefined_stays_undefined() -> None:
    rank = RankMetric(np.ones(5), np.arange(5.0), auroc, weighted_auroc)
    scores = Scores("auroc", [], {"auroc": rank})
    assert math.isnan(randomisation_test(scores, scores, "auroc", rank_rounds=20))


def test_other_examples_are_refused() -> None:
    gold, first, second = label_models(20, 0)
    with pytest.raises(ValueError, match="same examples"):
        randomisation_test(of_labels(gold, first), of_labels(gold[1:], second[1:]), "macro_f1")


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    found = holm([0.01, math.nan, 0.03])
    assert (found[0], found[2]) == pytest.approx((0.02, 0.03))
    assert math.isnan(found[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_corrects_upwards_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(p <= c <= min(1, p * len(p_values)) + 1e-12 for p, c in zip(p_values, corrected, strict=True))
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    assert [corrected[index] for index in order] == sorted(corrected)


def test_the_smallest_difference_is_shown_four_times_in_five() -> None:
    generator = np.random.default_rng(0)
    difference = smallest_shown(0.02)
    seen = generator.normal(difference, 0.02, size=100_000)
    assert np.mean(seen / 0.02 > 1.96) == pytest.approx(0.8, abs=0.01)
    assert smallest_shown(0.02, num_tests=3) > difference
