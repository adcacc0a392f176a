"""Baselines for translation and summaries: the source as it is, and the target of the most similar source seen.

The first is worth having as names and numbers are the same in both languages, and as a summary may well be the text's
own words. The second is what a translator's memory of earlier work offers.
"""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer

from tunewell.core.examples import TranslationExample, TranslationPrediction

_NUM_AT_ONCE = 64
"""Sources compared with all of the memory in one step; this bounds the memory that it takes."""


class CopySource:
    """The source, as it is."""

    def fit(self, examples: Sequence[TranslationExample]) -> None:
        """Learn nothing."""

    def predict(self, examples: Sequence[TranslationExample]) -> list[TranslationPrediction]:
        """One prediction per example, in order."""
        return [TranslationPrediction(example.id, example.source) for example in examples]


class TranslationMemory:
    """The target of the training source that is most similar, by the runs of two to four characters that both have.

    Runs count by how rare they are in the training sources (TF-IDF, cosine). Characters suit every script, and find a
    word in another inflection. The first of equally similar sources is taken, and of one source its first target; the
    first of all where nothing is similar.
    """

    def fit(self, examples: Sequence[TranslationExample]) -> None:
        """Keep every source that has a target; deterministic."""
        memory: dict[str, str] = {}
        for example in examples:
            if example.target is not None:
                memory.setdefault(example.source, example.target)
        self._targets = list(memory.values())
        self._vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
        self._sources = self._vectorizer.fit_transform(memory).T.tocsr()

    def predict(self, examples: Sequence[TranslationExample]) -> list[TranslationPrediction]:
        """One prediction per example, in order."""
        found: list[TranslationPrediction] = []
        for start in range(0, len(examples), _NUM_AT_ONCE):
            part = examples[start : start + _NUM_AT_ONCE]
            similar = self._vectorizer.transform(example.source for example in part) @ self._sources
            nearest = similar.toarray().argmax(axis=1)
            found += [
                TranslationPrediction(example.id, self._targets[place])
                for example, place in zip(part, nearest.tolist(), strict=True)
            ]
        return found
