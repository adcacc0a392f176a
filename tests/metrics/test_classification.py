"""Every metric of one label per example against scikit-learn."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from tunewell.metrics.classification import (
    auroc,
    calibration_table,
    confusion,
    label_table,
    log_loss_table,
    per_label,
    reliability,
)
from tunewell.metrics.tables import PartTable


def values(table: PartTable) -> dict[str, float]:
    sums = table.parts.sum(axis=0)
    return {name: float(metric(sums)) for name, metric in table.metrics.items()}


def expected(gold: np.ndarray, predicted: np.ndarray, num_labels: int) -> dict[str, float]:
    labels = list(range(num_labels))
    options = {"labels": labels, "zero_division": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a single label
        return {
            "accuracy": reference.accuracy_score(gold, predicted),
            "macro_f1": reference.f1_score(gold, predicted, average="macro", **options),
            "micro_f1": reference.f1_score(gold, predicted, average="micro", **options),
            "weighted_f1": reference.f1_score(gold, predicted, average="weighted", **options),
            "macro_precision": reference.precision_score(gold, predicted, average="macro", **options),
            "macro_recall": reference.recall_score(gold, predicted, average="macro", **options),
            "mcc": reference.matthews_corrcoef(gold, predicted),
        }


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Ids of few of the declared labels, so that labels absent, never predicted or alone are common."""
    num_labels = draw(st.integers(1, 6))
    used = st.integers(0, draw(st.integers(0, num_labels - 1)))
    pairs = draw(st.lists(st.tuples(used, st.integers(0, num_labels - 1)), min_size=1, max_size=30))
    gold, predicted = np.array(pairs).T
    return (gold, predicted, num_labels) if draw(st.booleans()) else (predicted, gold, num_labels)


@given(labelled())
@settings(deadline=None)
def test_label_table_equals_scikit_learn(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    assert values(label_table(*case)) == pytest.approx(expected(*case), abs=1e-12)


@pytest.mark.parametrize("num_labels", [2, 4, 150])
def test_label_table_equals_scikit_learn_on_many(num_labels: int) -> None:
    generator = np.random.default_rng(num_labels)
    gold = generator.integers(num_labels, size=3000)
    predicted = np.where(generator.random(3000) < 0.7, gold, generator.integers(num_labels, size=3000))
    case = (gold, predicted, num_labels)
    assert values(label_table(*case)) == pytest.approx(expected(*case), rel=1e-12)


def test_metrics_are_vectorised_over_leading_axes() -> None:
    table = label_table(np.array([0, 1, 2, 2]), np.array([0, 2, 2, 1]), 4)
    sums = np.stack([np.zeros(12), table.parts.sum(axis=0), table.parts[0]]).reshape(3, 1, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for metric in table.metrics.values():
            together = metric(sums)
            assert together.shape == (3, 1)
            assert together[0, 0] == 0
            assert together[1, 0] == metric(sums[1, 0])


@given(labelled())
@settings(deadline=None)
def test_confusion_and_rows_equal_scikit_learn(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    gold, predicted, num_labels = case
    labels = list(range(num_labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = reference.confusion_matrix(gold, predicted, labels=labels)
    assert confusion(gold, predicted, num_labels).tolist() == matrix.tolist()
    columns = reference.precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
    for row, *wanted in zip(
        per_label(gold, predicted, [f"label {i}" for i in labels]), *columns, strict=True
    ):
        assert [row.precision, row.recall, row.f1, row.support] == pytest.approx(wanted, abs=1e-12)
        assert row.predicted == (predicted == int(row.name.split()[1])).sum()


@pytest.mark.parametrize("bad", [[0, -1], [0, 2]])
def test_ids_outside_the_label_set_are_refused(bad: list[int]) -> None:
    with pytest.raises(ValueError, match=r"gold ids must be 0\.\.1"):
        label_table(np.array(bad), np.array([0, 1]), 2)


def test_narrow_integer_types_do_not_overflow() -> None:
    ids = np.full(3, 200, dtype=np.uint8)
    assert values(label_table(ids, ids, 201))["accuracy"] == 1  # type: ignore[arg-type]
    assert confusion(ids, ids, 201)[200, 200] == 3  # type: ignore[arg-type]


def test_log_loss_equals_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), size=50)
    gold = generator.integers(4, size=50)
    probabilities[0] = np.eye(4)[(gold[0] + 1) % 4]
    wanted = reference.log_loss(gold, probabilities, labels=[0, 1, 2, 3])
    own = values(log_loss_table(probabilities[np.arange(50), gold]))
    assert own["log_loss"] == pytest.approx(wanted, rel=1e-9)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), st.integers(1, 20))
@settings(deadline=None)
def test_calibration_is_the_textbook_loop(pairs: list[tuple[float, bool]], num_bins: int) -> None:
    confidence = np.array([pair[0] for pair in pairs])
    correct = np.array([pair[1] for pair in pairs])
    edges = np.linspace(0, 1, num_bins + 1)
    error = 0.0
    bins = reliability(confidence, correct, num_bins)
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = (confidence > low) & (confidence <= high) | ((index == 0) & (confidence == 0))
        assert (bins[index].low, bins[index].high, bins[index].count) == (low, high, inside.sum())
        if inside.any():
            error += abs(confidence[inside].mean() - correct[inside].mean()) * inside.mean()
            assert bins[index].confidence == pytest.approx(confidence[inside].mean())
            assert bins[index].accuracy == pytest.approx(correct[inside].mean())
        else:
            assert bins[index].confidence is None
            assert bins[index].accuracy is None
    own = values(calibration_table(confidence, correct, num_bins))["expected_calibration_error"]
    assert own == pytest.approx(error, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=40))
@settings(deadline=None)
def test_auroc_equals_scikit_learn_with_ties(pairs: list[tuple[int, int]]) -> None:
    gold, score = np.array(pairs, dtype=np.float64).T
    if gold.min() == gold.max():
        assert math.isnan(auroc(gold, score))
    else:
        assert auroc(gold, score) == pytest.approx(reference.roc_auc_score(gold, score), abs=1e-12)


def test_auroc_does_not_hide_a_nan() -> None:
    assert math.isnan(auroc(np.array([0.0, 1.0]), np.array([0.5, np.nan])))
