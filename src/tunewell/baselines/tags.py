"""Baselines for examples with a tag for each word: what a table of words, or of names, can do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from tunewell.core.examples import TaggedExample, TagsPrediction
from tunewell.core.tags import OUTSIDE, Span, detect_scheme, entities_of, spans, tags_of

_ENDING = 3
"""So many last letters of a word that was not seen say what it might be."""

_EVERYTHING = ("any word",)


class MostFrequentTag:
    """Each word gets the tag that it had most often in training.

    A word that was not seen is looked up in lower case, then by its shape (capitalised, all capitals, with a
    digit, other) and last three letters, then by its shape alone. A tag's score is its share among the
    training words that decided.
    """

    def fit(self, examples: Sequence[TaggedExample]) -> None:
        """Count the tags; deterministic. Raises `ValueError` for an example without tags, and for no words."""
        seen = Counter(
            pair for tokens, tags in _labelled(examples) for pair in zip(tokens, tags, strict=True)
        )
        if not seen:
            raise ValueError("no words to learn from")
        tallies: defaultdict[Hashable, Counter[str]] = defaultdict(Counter)
        for (word, tag), count in seen.items():
            exact, lower, *guesses = _keys(word)
            tallies[exact][tag] += count
            tallies[lower][tag] += count
            # Each word once, for a word that was never seen is more like the rare ones than like "the".
            for key in guesses:
                tallies[key][tag] += 1
        self._best = {key: _most_frequent(tally) for key, tally in tallies.items()}
        self._of_entities = detect_scheme(example.tags or () for example in examples) is not None

    def predict(self, examples: Sequence[TaggedExample]) -> list[TagsPrediction]:
        """One prediction per example, in order, with entities where the tags are of entities."""
        known: dict[str, tuple[str, float]] = {}
        predictions = []
        for example in examples:
            tokens = example.tokens
            for word in tokens:
                if word not in known:
                    known[word] = next(self._best[key] for key in _keys(word) if key in self._best)
            tags = tuple(known[word][0] for word in tokens)
            scores = tuple(known[word][1] for word in tokens)
            entities = entities_of(example, tags, scores) if self._of_entities else ()
            predictions.append(TagsPrediction(example.id, tokens, tags, scores, entities))
        return predictions


def _keys(word: str) -> tuple[Hashable, ...]:
    """Where to look a word up, the surest place first."""
    lower, shape = word.lower(), _shape(word)
    return ("word", word), ("lower", lower), (shape, lower[-_ENDING:]), (shape,), _EVERYTHING


def _shape(word: str) -> str:
    if any(character.isdigit() for character in word):
        return "with a digit"
    if word.isupper() and len(word) > 1:
        return "all capitals"
    return "capitalised" if word[:1].isupper() else "other"


def _most_frequent(tally: Mapping[str, int]) -> tuple[str, float]:
    """The most frequent name and its share; of equals the first in text order."""
    name = min(tally, key=lambda name: (-tally[name], name))
    return name, tally[name] / sum(tally.values())


class Gazetteer:
    """Finds the training mentions again: the longest match from the left, with its most frequent type.

    Only mentions that are an entity in more than half of the places where the longest match finds them in
    training are kept ("May" might not be). An entity word's score is the share of those places where the
    mention is of that type, a word outside has the share of training words outside matches that are outside.
    For IOB2 tags of entities only.
    """

    def fit(self, examples: Sequence[TaggedExample]) -> None:
        """Collect and sift the mentions; deterministic. Raises `ValueError` for an example without tags."""
        sentences = [(tokens, tags, spans(tags)) for tokens, tags in _labelled(examples)]
        self._types: dict[tuple[str, ...], tuple[str, float]] = {}
        places: Counter[tuple[str, ...]] = Counter()
        tallies: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        mentions = {tokens[first:end] for tokens, _, found in sentences for _, first, end in found}
        self._learn_lengths(mentions)
        for tokens, _, found in sentences:
            types = {(first, end): kind for kind, first, end in found}
            for first, end in self._matches(tokens, mentions):
                mention = tokens[first:end]
                places[mention] += 1
                if (first, end) in types:
                    tallies[mention][types[first, end]] += 1
        for mention, tally in tallies.items():
            if 2 * tally.total() > places[mention]:
                kind, share = _most_frequent(tally)
                self._types[mention] = kind, share * tally.total() / places[mention]
        self._outside = self._share_outside(sentences)

    def predict(self, examples: Sequence[TaggedExample]) -> list[TagsPrediction]:
        """One prediction per example, in order."""
        predictions = []
        for example in examples:
            tokens = example.tokens
            found: list[Span] = []
            scores = [self._outside] * len(tokens)
            for first, end in self._matches(tokens, self._types):
                kind, share = self._types[tokens[first:end]]
                found.append((kind, first, end))
                scores[first:end] = [share] * (end - first)
            tags = tags_of(found, len(tokens))
            entities = entities_of(example, tags, scores)
            predictions.append(TagsPrediction(example.id, tokens, tags, tuple(scores), entities))
        return predictions

    def _learn_lengths(self, mentions: Iterable[tuple[str, ...]]) -> None:
        """How long the mentions that begin with a word can be, the longest first."""
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for mention in mentions:
            lengths[mention[0]].add(len(mention))
        self._lengths = {word: sorted(numbers, reverse=True) for word, numbers in lengths.items()}

    def _matches(
        self, tokens: tuple[str, ...], mentions: Mapping[tuple[str, ...], object] | set[tuple[str, ...]]
    ) -> Iterator[tuple[int, int]]:
        place = 0
        while place < len(tokens):
            for length in self._lengths.get(tokens[place], ()):
                if place + length <= len(tokens) and tokens[place : place + length] in mentions:
                    yield place, place + length
                    place += length
                    break
            else:
                place += 1

    def _share_outside(
        self, sentences: Sequence[tuple[tuple[str, ...], tuple[str, ...], Sequence[Span]]]
    ) -> float:
        words = outside = 0
        for tokens, tags, _ in sentences:
            matched = {
                place for first, end in self._matches(tokens, self._types) for place in range(first, end)
            }
            left = [tag for place, tag in enumerate(tags) if place not in matched]
            words += len(left)
            outside += left.count(OUTSIDE)
        return outside / words if words else 1.0


def _labelled(examples: Sequence[TaggedExample]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for example in examples:
        if example.tags is None:
            raise ValueError(f"the example {example.id!r} has no tags to learn from")
        yield example.tokens, example.tags
