"""Baselines for questions on passages: never an answer, and the words that stand where the question's words are.

The second is in the spirit of the sliding window that SQuAD's and MCTest's authors measured first (Richardson,
Burges and Renshaw 2013; Rajpurkar et al. 2016): no grammar and nothing learnt but how rare each word is. It works
for any language that is written with blanks, and for Chinese by characters.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from tunewell.core.examples import AnswerPrediction, QuestionExample
from tunewell.core.questions import question_word

MAX_WORDS = 6
MAX_IDEOGRAPHS = 12
"""An answer is no longer than this, in words or in ideographs."""

_CJK = "\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['’.,-][^\W_{_CJK}]+)*")
_IDEOGRAPH = re.compile(rf"[{_CJK}]")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|[。！？；]|\n")
_UNITS = frozenset("年月日号时点分秒个万亿元人岁米")
"""After digits, these belong to the number."""

_FREQUENT = 0.04
"""A word in more than this share of the sentences says too little to begin or end an answer."""

_COUNTED = {"when", "how many", "wann", "wie viele", "quand", "combien", "cuándo", "cuánto", "何时", "多少"}
"""Question words that ask for a number or a date."""


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    word: str
    """In lower case."""
    shape: str
    """`number`, `name` (it begins with a capital), `ideograph` or `word`."""
    joined: bool
    """Whether nothing but a blank stands between it and the token before."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Tokens `first` to `last`, both included, of one sentence."""

    first: int
    last: int


class NoAnswer:
    """Always "no answer", with the share of such questions in the training examples as its probability.

    Only sensible where some questions have none.
    """

    def fit(self, examples: Sequence[QuestionExample]) -> None:
        """Count the questions without an answer."""
        self._share = sum(not example.answers for example in examples) / len(examples)

    def predict(self, examples: Sequence[QuestionExample]) -> list[AnswerPrediction]:
        """The same for each example."""
        return [
            AnswerPrediction(example.id, "", None, None, self._share, self._share) for example in examples
        ]


class SlidingWindow:
    """In the sentence most like the question, the piece that stands closest to the words of both.

    Words count by how rare they are in the training passages. The piece is a run of names or numbers, as the
    question word asks, that the question lacks; without any, the run of other words closest to those of the
    question. It always answers; where training questions may lack an answer, `no_answer_score` is the share of
    the question's words, by weight, that the sentence lacks.
    """

    def fit(self, examples: Sequence[QuestionExample]) -> None:
        """Count in how many sentences of the training passages each word occurs; deterministic."""
        sentences = [
            sentence
            for context in dict.fromkeys(example.context for example in examples)
            for sentence in _sentences(context)
        ]
        self._frequency = Counter(term for sentence in sentences for term in set(_terms(sentence)))
        self._num_sentences = len(sentences)
        self._seen_small = frozenset(
            token.word for sentence in sentences for token in sentence if token.shape == "word"
        )
        self._unanswerable = any(example.answers == () for example in examples)

    def predict(self, examples: Sequence[QuestionExample]) -> list[AnswerPrediction]:
        """One prediction per example, in order: an exact slice of the context, empty if that has no words."""
        return [self._answer(example) for example in examples]

    def _answer(self, example: QuestionExample) -> AnswerPrediction:
        asked = _tokens(example.question)
        terms = set(_terms(asked))
        best: tuple[_Token, ...] = ()
        most = -1.0
        for sentence in _sentences(example.context):
            found = sum(self._rarity(term) for term in sorted(terms.intersection(_terms(sentence))))
            if found > most:
                best, most = sentence, found
        all_of_it = sum(self._rarity(term) for term in sorted(terms))
        share = min(1.0, most / all_of_it) if best and all_of_it else 0.0
        null = 1 - share if self._unanswerable else None
        if not best:
            return AnswerPrediction(example.id, "", None, None, 0.0, null)
        span = self._piece(best, {token.word for token in asked}, question_word(example.question))
        start, end = best[span.first].start, best[span.last].end
        return AnswerPrediction(example.id, example.context[start:end], start, end, share, null)

    def _rarity(self, term: str) -> float:
        return math.log((1 + self._num_sentences) / (1 + self._frequency[term])) + 0.1

    def _piece(self, sentence: tuple[_Token, ...], asked: set[str], word: str) -> _Span:
        """The piece of the sentence to answer with; the whole of it, cut short, if the question says it all."""
        is_number = [self._is_number(sentence, place, asked) for place in range(len(sentence))]
        is_name = [self._is_name(sentence, place, asked) for place in range(len(sentence))]
        numbers = list(_runs(is_number))
        dated = list(_runs(map(max, is_number, is_name)))
        names = [span for span in dated if not any(is_number[span.first : span.last + 1])]
        if word in ("when", "wann", "quand", "cuándo"):
            numbers = [span for span in dated if any(is_number[span.first : span.last + 1])]
        others = list(_runs(token.word not in asked for token in sentence))
        ideographs = sum(token.shape == "ideograph" for token in sentence) > len(sentence) / 2
        choices = [numbers] if word in _COUNTED else [] if ideographs else [names]
        weights = [self._rarity(token.word) if token.word in asked else 0.0 for token in sentence]
        for spans in [*choices, others, [_Span(0, len(sentence) - 1)]]:
            pieces = [piece for span in spans for piece in _pieces(sentence, span)]
            if spans is others:
                pieces = [kept for piece in pieces if (kept := self._trimmed(sentence, piece))]
            if pieces:
                nearest = max(pieces, key=lambda piece: (_nearness(piece, weights), -piece.first))
                return _shortened(sentence, nearest, weights)
        raise AssertionError("a sentence has at least one token")

    def _is_name(self, sentence: tuple[_Token, ...], place: int, asked: set[str]) -> bool:
        """A capital at the start of a sentence says nothing of a word that is seen without elsewhere."""
        token = sentence[place]
        known = place == 0 and token.word in self._seen_small
        return token.shape == "name" and token.word not in asked and not known

    def _is_number(self, sentence: tuple[_Token, ...], place: int, asked: set[str]) -> bool:
        token = sentence[place]
        unit = token.word in _UNITS and place > 0 and sentence[place - 1].shape == "number"
        return token.word not in asked and (token.shape == "number" or (unit and token.joined))

    def _trimmed(self, sentence: tuple[_Token, ...], span: _Span) -> _Span | None:
        """The span without frequent words at its ends; None if nothing else is in it."""
        telling = [
            place
            for place in range(span.first, span.last + 1)
            if self._frequency[sentence[place].word] <= _FREQUENT * self._num_sentences
            or sentence[place].shape == "ideograph"
        ]
        return _Span(telling[0], telling[-1]) if telling else None


def _tokens(text: str, begin: int = 0) -> tuple[_Token, ...]:
    """The words of a text, ideographs one by one; places count from `begin` characters before it."""
    found: list[_Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        shape = (
            "ideograph"
            if _IDEOGRAPH.match(token)
            else "number"
            if any(map(str.isdigit, token))
            else "name"
            if token[0].isupper()
            else "word"
        )
        joined = bool(found) and not text[end : match.start()].strip()
        end = match.end()
        found.append(_Token(begin + match.start(), begin + end, token.lower(), shape, joined))
    return tuple(found)


@lru_cache(maxsize=4096)
def _sentences(context: str) -> tuple[tuple[_Token, ...], ...]:
    """The words of each sentence that has any."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(context))]
    ends = [*starts[1:], len(context)]
    sentences = [_tokens(context[start:end], start) for start, end in zip(starts, ends, strict=True)]
    return tuple(sentence for sentence in sentences if sentence)


@lru_cache(maxsize=2**15)
def _terms(tokens: tuple[_Token, ...]) -> tuple[str, ...]:
    """The words, and for ideographs also each pair of neighbours, which says more than one alone."""
    pairs = (
        first.word + second.word
        for first, second in pairwise(tokens)
        if first.shape == second.shape == "ideograph" and second.joined
    )
    return tuple(sorted({*(token.word for token in tokens), *pairs}))


def _runs(wanted: Iterable[bool]) -> Iterator[_Span]:
    """Each longest run of tokens that are wanted."""
    first: int | None = None
    place = -1
    for place, is_wanted in enumerate(wanted):
        if is_wanted and first is None:
            first = place
        elif not is_wanted and first is not None:
            yield _Span(first, place - 1)
            first = None
    if first is not None:
        yield _Span(first, place)


def _pieces(sentence: tuple[_Token, ...], span: _Span) -> Iterator[_Span]:
    """The span cut where punctuation stands."""
    first = span.first
    for place in range(span.first + 1, span.last + 1):
        if not sentence[place].joined:
            yield _Span(first, place - 1)
            first = place
    yield _Span(first, span.last)


def _nearness(span: _Span, weights: Sequence[float]) -> float:
    """How close the words of the question are, the rare ones first."""
    return sum(
        weight / (span.first - place if place < span.first else place - span.last)
        for place, weight in enumerate(weights)
        if weight and not span.first <= place <= span.last
    )


def _shortened(sentence: tuple[_Token, ...], span: _Span, weights: Sequence[float]) -> _Span:
    """At most so many words, from the side where the question's words are closer."""
    ideographs = any(token.shape == "ideograph" for token in sentence[span.first : span.last + 1])
    length = min(MAX_IDEOGRAPHS if ideographs else MAX_WORDS, span.last - span.first + 1)
    before = _Span(span.first, span.first + length - 1)
    after = _Span(span.last - length + 1, span.last)
    outside = [
        weight if not span.first <= place <= span.last else 0.0 for place, weight in enumerate(weights)
    ]
    return before if _nearness(before, outside) >= _nearness(after, outside) else after
