"""Ranks of replies, and totals that no resample gives."""

from __future__ import annotations

import numpy as np
import pytest

from tunewell.metrics.intervals import intervals, paired_difference
from tunewell.metrics.replies import ranking_table, reply_totals
from tunewell.metrics.significance import randomisation_test
from tunewell.metrics.tables import Scores


def test_recall_and_mean_reciprocal_rank() -> None:
    table = ranking_table(np.array([1, 2, 4, 1]), np.full(4, 10))
    assert Scores("mrr", [table]).values() == {"recall_at_1": 0.5, "mrr": pytest.approx(2.75 / 4)}
    assert table.shares == ("recall_at_1",)


def test_what_was_not_ranked_counts_for_nothing() -> None:
    table = ranking_table(np.array([1, np.nan, 2]), np.array([10, np.nan, 10]))
    assert Scores("mrr", [table]).values() == {"recall_at_1": 0.5, "mrr": 0.75}
    assert table.shares == ()


@pytest.mark.parametrize("rank", [0, 11, -1])
def test_ranks_that_are_none(rank: int) -> None:
    with pytest.raises(ValueError, match=f"rank {rank} of 10 candidates, in place 1"):
        ranking_table(np.array([1, rank]), np.array([10, 10]))


def test_distinct_words_and_pairs() -> None:
    found = reply_totals(["I do not know.", "I do, I do!", ""])
    assert found == {"distinct_1": 4 / 8, "distinct_2": 4 / 6, "mean_reply_words": pytest.approx(8 / 3)}
    assert reply_totals(["我不知道", "我知道"])["distinct_1"] == 4 / 7
    assert reply_totals(["", "..."]) == {"distinct_1": 0.0, "distinct_2": 0.0, "mean_reply_words": 0.0}


def test_totals_are_reported_and_never_resampled() -> None:
    table = ranking_table(np.array([1, 2, 3]), np.full(3, 10))
    scores = Scores("mrr", [table], totals=reply_totals(["a b", "a"]))
    assert scores.names == ["recall_at_1", "mrr", "distinct_1", "distinct_2", "mean_reply_words"]
    found = intervals(scores, resamples=50)
    assert list(found) == scores.names
    assert (found["distinct_1"].value, found["distinct_1"].low, found["distinct_1"].high) == (
        2 / 3,
        None,
        None,
    )
    assert found["mrr"].low is not None
    for test in (paired_difference, randomisation_test):
        with pytest.raises(ValueError, match="distinct_1 is a number of the whole split"):
            test(scores, scores, "distinct_1")


def test_totals_that_cannot_be() -> None:
    table = ranking_table(np.array([1, 2]), np.full(2, 10))
    with pytest.raises(ValueError, match="more than one metric is called mrr"):
        Scores("mrr", [table], totals={"mrr": 1.0})
    with pytest.raises(ValueError, match="'distinct_1' is a total"):
        Scores("distinct_1", [table], totals={"distinct_1": 1.0})
