"""Baselines for examples with one target a text (or pair): a label, several labels, or a number."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from tunewell.core.examples import (
    LabelPrediction,
    LabelsPrediction,
    Prediction,
    TextExample,
    ValuePrediction,
)

_SPACELESS = 0.08
"""Texts with fewer blanks per character than this are cut into characters, not words (Chinese, Japanese)."""


class Constant:
    """Always the same answer: the most frequent label, the labels that most examples have, or the mean."""

    def fit(self, examples: Sequence[TextExample]) -> None:
        """Count the targets."""
        targets = [example.target for example in examples]
        if isinstance(targets[0], str):
            self._shares = _shares(Counter(targets), len(targets))
        elif isinstance(targets[0], tuple):
            self._shares = _shares(Counter(name for names in targets for name in names), len(targets))  # type: ignore[union-attr]
        self._targets = targets

    def predict(self, examples: Sequence[TextExample]) -> list[Prediction]:
        """The same prediction for each example."""
        first = self._targets[0]
        make: Callable[[str], Prediction]
        if isinstance(first, str):
            label = max(self._shares, key=lambda name: (self._shares[name], name))
            make = lambda example_id: LabelPrediction(example_id, label, self._shares)  # noqa: E731
        elif isinstance(first, tuple):
            labels = tuple(name for name, share in self._shares.items() if share >= 0.5)
            make = lambda example_id: LabelsPrediction(example_id, labels, self._shares)  # noqa: E731
        else:
            mean = float(np.mean(self._targets))  # type: ignore[arg-type]
            make = lambda example_id: ValuePrediction(example_id, mean)  # noqa: E731
        return [make(example.id) for example in examples]


class TfidfLinear:
    """A linear model on TF-IDF weights of words and word pairs: logistic regression, or ridge for numbers.

    For a pair, both texts' weights stand side by side with their product, so that shared words count.
    """

    def fit(self, examples: Sequence[TextExample]) -> None:
        """Learn the vocabulary and the weights; deterministic."""
        self._vectorizer = _vectorizer(examples)
        self._vectorizer.fit([text for example in examples for text in example.texts])
        features = self._features(examples)
        targets: list[Any] = [example.target for example in examples]
        if isinstance(targets[0], str):
            self._model = _logistic(features, targets)
        elif isinstance(targets[0], tuple):
            names = sorted({name for target in targets for name in target})
            self._models = {
                name: _one_label(features, np.array([name in target for target in targets])) for name in names
            }
        else:
            self._model = Ridge(alpha=1.0, solver="sparse_cg").fit(features, targets)
        self._first = targets[0]

    def predict(self, examples: Sequence[TextExample]) -> list[Prediction]:
        """One prediction per example, in order."""
        features = self._features(examples)
        if isinstance(self._first, str):
            names = [str(name) for name in self._model.classes_]
            rows = self._model.predict_proba(features)
            return [
                LabelPrediction(
                    example.id, names[int(row.argmax())], dict(zip(names, map(float, row), strict=True))
                )
                for example, row in zip(examples, rows, strict=True)
            ]
        if isinstance(self._first, tuple):
            columns = {name: model(features) for name, model in self._models.items()}
            return [
                LabelsPrediction(
                    example.id,
                    tuple(name for name, column in columns.items() if column[index] >= 0.5),
                    {name: float(column[index]) for name, column in columns.items()},
                )
                for index, example in enumerate(examples)
            ]
        values = self._model.predict(features)
        return [ValuePrediction(example.id, float(v)) for example, v in zip(examples, values, strict=True)]

    def _features(self, examples: Sequence[TextExample]) -> Any:
        sides = [self._vectorizer.transform(side) for side in zip(*(e.texts for e in examples), strict=True)]
        if len(sides) == 1:
            return sides[0]
        return hstack([*sides, sides[0].multiply(sides[1])], format="csr")


def _shares(counts: Counter[Any], total: int) -> dict[str, float]:
    return {str(name): count / total for name, count in sorted(counts.items())}


def _one_label(features: Any, has_label: Any) -> Callable[[Any], Any]:
    """The probability of one label; a constant where the training data know only one answer."""
    if has_label.all() or not has_label.any():
        return lambda rows: np.full(rows.shape[0], float(has_label[0]))
    model = _logistic(features, has_label)
    return lambda rows: model.predict_proba(rows)[:, 1]


def _logistic(features: Any, targets: Any) -> LogisticRegression:
    """Fitted until it hardly moves; with many labels the last digits would cost minutes and change no answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=10.0, max_iter=100, tol=1e-3).fit(features, targets)


def _vectorizer(examples: Sequence[TextExample]) -> TfidfVectorizer:
    sample = "".join(text for example in examples[:1000] for text in example.texts)
    blanks = sum(character.isspace() for character in sample) / max(len(sample), 1)
    if blanks < _SPACELESS:
        return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=1)
    return TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", ngram_range=(1, 2), sublinear_tf=True)
