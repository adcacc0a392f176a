"""The containers refuse what cannot be scored."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tunewell.metrics.classification import auroc, label_table
from tunewell.metrics.tables import PartTable, RankMetric, Scores, ratio

IDS = np.array([0, 1, 1])


def total(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0]


def test_values_are_those_of_all_tables_and_ranks() -> None:
    rank = RankMetric(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3]), auroc)
    extra = PartTable(np.array([[1.0], [2.0], [4.0]]), {"total": total})
    scores = Scores("accuracy", [label_table(IDS, IDS, 2), extra], {"auroc": rank})
    values = scores.values()
    assert scores.num_examples == 3
    assert values["accuracy"] == 1
    assert values["total"] == 7
    assert values["auroc"] == 1
    assert all(type(value) is float for value in values.values())


def test_scores_may_hold_ranks_alone() -> None:
    rank = RankMetric(np.array([0.0, 1.0]), np.array([0.1, 0.2]), auroc)
    assert Scores("auroc", [], {"auroc": rank}).num_examples == 2


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Scores("accuracy", []), "at least one table"),
        (lambda: Scores("accuracy", [label_table(IDS[:0], IDS[:0], 2)]), "at least one example"),
        (lambda: Scores("f2", [label_table(IDS, IDS, 2)]), "'f2' is not among"),
        (
            lambda: Scores("accuracy", [label_table(IDS, IDS, 2)] * 2),
            "more than one metric is called accuracy",
        ),
        (lambda: Scores("accuracy", [label_table(IDS, IDS, 2)], groups=["a"]), "number of examples"),
        (
            lambda: Scores("total", [PartTable(np.ones((2, 1)), {"total": total}), label_table(IDS, IDS, 2)]),
            "number of examples",
        ),
        (lambda: PartTable(np.ones(3), {}), "must be"),
        (lambda: PartTable(np.ones((3, 0)), {}), "must be"),
        (lambda: RankMetric(np.ones(3), np.ones(2), auroc), "must be"),
    ],
)
def test_what_cannot_be_scored_is_refused(build, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        build()


def test_ratio_is_zero_over_zero_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ratio(np.array([1.0, 3.0]), np.array([0.0, 2.0])).tolist() == [0.0, 1.5]
        assert ratio(np.float64(1.0), 0) == 0  # type: ignore[arg-type]


def test_shares_must_be_metrics() -> None:
    with pytest.raises(ValueError, match="no metrics: right"):
        PartTable(np.ones((2, 1)), {"total": total}, shares=("right",))


def test_a_metric_is_found_in_its_table_or_among_the_ranks() -> None:
    rank = RankMetric(np.array([0.0, 1.0]), np.array([0.1, 0.2]), auroc)
    table = PartTable(np.ones((2, 1)), {"total": total})
    scores = Scores("total", [table], {"auroc": rank})
    assert scores.source("total") is table
    assert scores.source("auroc") is rank
    assert scores.names == ["total", "auroc"]
    with pytest.raises(ValueError, match="no metric 'f1' among total, auroc"):
        scores.source("f1")
