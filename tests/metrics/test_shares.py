"""Shares of right examples: intervals and McNemar's test against closed forms, tables and other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tunewell.metrics.classification import label_table
from tunewell.metrics.intervals import intervals, paired_difference
from tunewell.metrics.multilabel import multilabel_table
from tunewell.metrics.shares import mcnemar, outcomes, share_difference, share_interval
from tunewell.metrics.tables import Scores


def flags(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Two models' outcomes: both right, only the first, only the second, neither."""
    first = np.repeat([True, True, False, False], counts)
    return first, np.repeat([True, False, True, False], counts)


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(pair: tuple[int, int]) -> None:
    right, total = pair
    wanted = stats.binomtest(right, total).proportion_ci(method="wilson")
    assert share_interval(right, total) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_wilson_covers_as_its_docstring_says() -> None:
    for total, least, most in ((100, 0.927, 0.979), (350, 0.937, 0.972)):
        ends = np.array([share_interval(right, total) for right in range(total + 1)])
        held = [
            stats.binom.pmf(np.arange(total + 1), total, share)[
                (ends[:, 0] <= share) & (share <= ends[:, 1])
            ].sum()
            for share in np.linspace(0.5, 0.985, 500)
        ]
        assert least - 0.001 < min(held)
        assert max(held) < most + 0.001


@pytest.mark.parametrize("right", [0, 50])
def test_all_or_none_right_has_a_width(right: int) -> None:
    gold = np.ones(50, dtype=np.int64)
    scores = Scores("accuracy", [label_table(gold, np.full(50, right // 50), 2)])
    score = intervals(scores, resamples=200)["accuracy"]
    assert score.value in (0.0, 1.0)
    assert score.low is not None
    assert score.high is not None
    assert 0.05 < score.high - score.low < 0.08
    assert score.low <= score.value <= score.high


def test_tied_examples_are_no_independent_shares() -> None:
    table = label_table(np.ones(60, np.int64), np.repeat([1, 0, 1], 20), 2)
    alone = intervals(Scores("accuracy", [table]), resamples=2000)["accuracy"]
    tied = intervals(Scores("accuracy", [table], groups=[str(i // 5) for i in range(60)]), resamples=2000)[
        "accuracy"
    ]
    assert (alone.low, alone.high) == pytest.approx(share_interval(40, 60))
    assert tied.high - tied.low > 1.5 * (alone.high - alone.low)  # type: ignore[operator]


@pytest.mark.parametrize("table", ["labels", "flags"])
def test_a_share_is_the_mean_of_its_outcomes(table: str) -> None:
    generator = np.random.default_rng(0)
    if table == "labels":
        gold, predicted = generator.integers(4, size=(2, 5000))
        found = label_table(gold, predicted, 4)
        right = gold == predicted
    else:
        gold, predicted = generator.random((2, 5000, 3)) < 0.5
        found = multilabel_table(gold, predicted)
        right = (gold == predicted).all(axis=1)
    assert found.shares
    for name in found.shares:
        assert (outcomes(found, name) == right).all()
        assert found.metrics[name](found.parts.sum(axis=0)) == pytest.approx(right.mean())


def test_the_difference_of_shares_by_hand() -> None:
    # Bonett & Price (2012): (b + 1) / (n + 2) and (c + 1) / (n + 2), then Wald.
    first, second = flags(59, 6, 16, 80)
    one, two, total = 7 / 163, 17 / 163, 163
    half = stats.norm.ppf(0.975) * math.sqrt((one + two - (one - two) ** 2) / total)
    low, high, error = share_difference(first, second)
    assert (low, high) == pytest.approx((one - two - half, one - two + half))
    assert error == pytest.approx(half / stats.norm.ppf(0.975))
    assert share_difference(second, first)[:2] == pytest.approx((-high, -low))


def test_agreeing_on_every_example_proves_little_with_few() -> None:
    widths = []
    for total in (20, 200, 2000):
        low, high, _ = share_difference(*flags(total, 0, 0, 0))
        assert low == pytest.approx(-high)
        widths.append(high - low)
    assert widths[0] > 0.2
    assert widths == sorted(widths, reverse=True)
    assert widths[2] < 0.01


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mid_p_is_the_exact_test_less_half_of_what_was_seen(one: int, two: int) -> None:
    if one + two == 0:
        assert mcnemar(0, 0) == 1
        return
    exact = stats.binomtest(one, one + two).pvalue
    seen = stats.binom.pmf(min(one, two), one + two, 0.5)
    wanted = 1 - seen / 2 if one == two else exact - seen
    assert mcnemar(one, two) == pytest.approx(wanted, abs=1e-12)
    assert mcnemar(one, two) == mcnemar(two, one)
    assert 0 < mcnemar(one, two) <= 1


def test_mcnemar_as_published() -> None:
    # Fagerland, Lydersen & Laake (2013), airway hyper-responsiveness: 7 children only before, 1 only after.
    assert mcnemar(1, 7) == pytest.approx(0.0391, abs=5e-5)


def test_a_paired_difference_of_accuracies_is_that_of_shares() -> None:
    gold = np.random.default_rng(0).integers(2, size=400)
    models = [np.where(np.random.default_rng(seed).random(400) < 0.8, gold, 1 - gold) for seed in (1, 2)]
    one, two = (Scores("accuracy", [label_table(gold, model, 2)]) for model in models)
    found = paired_difference(one, two, "accuracy")
    low, high, _ = share_difference(models[0] == gold, models[1] == gold)
    assert (found.low, found.high) == (low, high)
    assert found.value == one.values()["accuracy"] - two.values()["accuracy"]
