"""Losses and perplexities are of all tokens together, not means of means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunewell.metrics.intervals import intervals
from tunewell.metrics.likelihoods import likelihood_table
from tunewell.metrics.tables import Scores


def test_every_token_counts_alike() -> None:
    table = likelihood_table(np.array([2.0, 10.0]), np.array([1, 3]), np.array([4, 20]))
    values = Scores("perplexity_per_token", [table]).values()
    assert values == pytest.approx(
        {
            "loss_per_token": 3.0,
            "perplexity_per_token": math.exp(3.0),
            "perplexity_per_character": math.exp(0.5),
        }
    )


def test_characters_may_be_unknown() -> None:
    table = likelihood_table(np.array([2.0]), np.array([1]))
    assert list(table.metrics) == ["loss_per_token", "perplexity_per_token"]


def test_nothing_is_known_of_no_tokens_and_nothing_overflows() -> None:
    empty = Scores("loss_per_token", [likelihood_table(np.zeros(2), np.zeros(2))])
    assert all(math.isnan(value) for value in empty.values().values())
    huge = Scores("loss_per_token", [likelihood_table(np.array([1e6]), np.array([1]))]).values()
    assert huge["perplexity_per_token"] == math.exp(700)


def test_examples_without_a_gold_text_count_for_nothing() -> None:
    one = likelihood_table(np.array([3.0, 0.0]), np.array([2, 0]))
    assert Scores("loss_per_token", [one]).values()["loss_per_token"] == 1.5


def test_intervals() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(5, 30, size=200)
    table = likelihood_table(tokens * rng.gamma(4.0, 1.0, size=200), tokens)
    for score in intervals(Scores("loss_per_token", [table]), resamples=500).values():
        assert score.low is not None
        assert score.high is not None
        assert score.low < score.value < score.high


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one value per example"):
        likelihood_table(np.zeros(2), np.zeros(3))
