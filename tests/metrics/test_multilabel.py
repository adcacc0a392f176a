"""Several labels per example, against scikit-learn and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from tunewell.metrics.multilabel import multilabel_table, per_label, tune_thresholds


@st.composite
def label_matrices(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    examples, labels = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    shares = draw(st.tuples(*[st.sampled_from([0.0, 0.1, 0.5, 1.0])] * 2))
    return tuple(generator.random((examples, labels)) < share for share in shares)


@given(label_matrices())
@settings(deadline=None)
def test_multilabel_table_equals_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    gold, predicted = case
    table = multilabel_table(gold, predicted)
    sums = table.parts.sum(axis=0)
    own = {name: float(metric(sums)) for name, metric in table.metrics.items()}
    wanted = {
        "macro_f1": reference.f1_score(gold, predicted, average="macro", zero_division=0),
        "micro_f1": reference.f1_score(gold, predicted, average="micro", zero_division=0),
        "samples_f1": reference.f1_score(gold, predicted, average="samples", zero_division=0),
        "subset_accuracy": reference.accuracy_score(gold, predicted),
        "hamming_loss": reference.hamming_loss(gold, predicted),
    }
    assert own == pytest.approx(wanted, abs=1e-12)
    for metric in table.metrics.values():
        assert metric(np.zeros((2, table.parts.shape[1]))).tolist() == [0, 0]


@given(label_matrices())
@settings(deadline=None)
def test_rows_equal_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    gold, predicted = case
    names = [str(index) for index in range(gold.shape[1])]
    columns = reference.precision_recall_fscore_support(gold, predicted, zero_division=0)
    for row, *wanted in zip(per_label(gold, predicted, names), *columns, strict=True):
        assert [row.precision, row.recall, row.f1, row.support] == pytest.approx(wanted, abs=1e-12)
        assert row.predicted == predicted[:, int(row.name)].sum()


def test_only_boolean_matrices_of_one_shape_are_taken() -> None:
    gold = np.zeros((2, 3), dtype=bool)
    with pytest.raises(ValueError, match="must be"):
        multilabel_table(gold, gold[:, :2])
    with pytest.raises(ValueError, match="booleans"):
        multilabel_table(gold, gold.astype(np.int64))
    with pytest.raises(ValueError, match="label names"):
        per_label(gold, gold, ["a"])
    with pytest.raises(ValueError, match="must be"):
        tune_thresholds(gold, np.zeros((2, 2)))


def f1(gold: np.ndarray, predicted: np.ndarray) -> float:
    return float(2 * (gold & predicted).sum() / max(1, gold.sum() + predicted.sum()))


@given(st.integers(1, 15), st.sampled_from([3, 10, 1000]), st.integers(0, 2**32))
@settings(deadline=None)
def test_thresholds_are_the_best_and_the_nearest_to_half(examples: int, levels: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    gold = generator.random((examples, 4)) < 0.4
    probabilities = generator.integers(levels + 1, size=(examples, 4)) / levels
    for label, threshold in enumerate(tune_thresholds(gold, probabilities)):
        truth, column = gold[:, label], probabilities[:, label]
        if not truth.any():
            assert threshold == 0.5
            continue
        distinct = np.unique(np.append(column, 0.0))
        candidates = (distinct[1:] + distinct[:-1]) / 2
        if column.min() == 0:
            candidates = np.append(candidates, 0.0)  # the only one that predicts all
        scores = np.array([f1(truth, column >= candidate) for candidate in candidates])
        best = candidates[scores == scores.max()]
        assert f1(truth, column >= threshold) == scores.max()
        assert abs(threshold - 0.5) == pytest.approx(np.abs(best - 0.5).min(), abs=1e-12)


def test_neighbouring_floats_are_still_cut_apart() -> None:
    for low in (0.3, np.nextafter(0.3, 1)):
        high = np.nextafter(low, 1)
        threshold = tune_thresholds(np.array([[True], [False]]), np.array([[high], [low]]))[0]
        assert low < threshold <= high


def test_thresholds_without_examples_are_the_default() -> None:
    assert tune_thresholds(np.zeros((0, 2), dtype=bool), np.zeros((0, 2))).tolist() == [0.5, 0.5]
