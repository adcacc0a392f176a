"""How well an answer to a question agrees with the gold answers: exact match and F1, three ways of scoring.

- `squad1`: as SQuAD v1.1 is scored. Both texts in lower case, without ASCII punctuation and the articles a, an and
  the; F1 over the words that remain, however often each occurs (Rajpurkar et al. 2016).
- `squad2`: as SQuAD v2.0 is. The same, but gold answers of which nothing remains do not count, and where either
  side has no words F1 is 1 if neither has and 0 otherwise (Rajpurkar, Jia and Liang 2018).
- `characters`: as CMRC 2018 is (Cui et al. 2019), for Chinese. Each ideograph is a segment, and so is each word of
  what stands between; F1 by the longest run of segments that both have. Its list of punctuation is its own:
  ASCII full stops and commas, blanks and `…` stay.

The best of the gold answers counts. Without any, which only v2.0 knows, an answer is right when nothing of it
remains; so it is in all three. The script for CMRC finds words in Latin letters with NLTK; the rules here agree
with its Treebank tokenizer where a Chinese text has use for them (`tests/metrics/test_answer_texts.py`).

Not for: tables of scores and thresholds (`answers`).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

Scoring: TypeAlias = Literal["squad1", "squad2", "characters"]

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:an?|the)\b")

_DROPPED = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
_NO_CHINESE_PUNCTUATION = str.maketrans("", "", _DROPPED)
_SEGMENT = re.compile(r"([\u4e00-\u9fa5])")
_ALONE = (
    r"[\]\[(){}<>?!;@#$%&\"«»„‘\u2012-\u2015]|''|\.\.+|,(?!\d)"
    r"|(?<=[^.])\.(?=[\])}>\"'»\s]*$)"  # the last full stop
    r"|(?<!\w)'(?!(?:re|ve|ll|[mtsdn])\b)(?=\w)"  # an apostrophe before a word
)
_WORD_END = rf"(?=\s|$|{_ALONE})"
_CLITIC = rf"(?<=[^'\s])(?:n't|'(?:s|m|d|ll|re|ve)?){_WORD_END}"
_WORD = re.compile(rf"{_ALONE}|{_CLITIC}|(?:(?!{_ALONE}|{_CLITIC})\S)+")


def exact_match(prediction: str, golds: Sequence[str], scoring: Scoring) -> float:
    """1.0 if the prediction is one of the gold answers but for what `scoring` ignores, else 0.0."""
    normal = _without_punctuation if scoring == "characters" else _normalised
    given = normal(prediction)
    return float(any(given == normal(gold) for gold in _counted(golds, scoring)))


def f1(prediction: str, golds: Sequence[str], scoring: Scoring) -> float:
    """The harmonic mean of precision and recall against the gold answer that fits best, in 0..1."""
    if not golds:
        return exact_match(prediction, golds, scoring)
    score: Callable[[str, str], float] = {
        "squad1": lambda one, two: _word_f1(_normalised(one).split(), _normalised(two).split()),
        "squad2": _squad2_f1,
        "characters": lambda one, two: _run_f1(_segments(one), _segments(two)),
    }[scoring]
    return max(score(prediction, gold) for gold in _counted(golds, scoring))


def _counted(golds: Sequence[str], scoring: Scoring) -> Sequence[str]:
    """The gold answers that count; an empty one where there is none."""
    if scoring == "squad2":
        golds = [gold for gold in golds if _normalised(gold)]
    return golds or [""]


@lru_cache(maxsize=2**16)
def _normalised(text: str) -> str:
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def _word_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    return _harmonic((Counter(predicted) & Counter(gold)).total(), len(predicted), len(gold))


def _squad2_f1(prediction: str, gold: str) -> float:
    one, two = _normalised(prediction).split(), _normalised(gold).split()
    return _word_f1(one, two) if one and two else float(one == two)


def _harmonic(shared: int, predicted: int, gold: int) -> float:
    """F1 from how many are shared, of how many on either side; 0 where none is."""
    if shared == 0:
        return 0.0
    precision, recall = shared / predicted, shared / gold
    return 2 * precision * recall / (precision + recall)


@lru_cache(maxsize=2**16)
def _without_punctuation(text: str) -> str:
    return text.lower().strip().translate(_NO_CHINESE_PUNCTUATION)


@lru_cache(maxsize=2**16)
def _segments(text: str) -> tuple[str, ...]:
    """Each ideograph, and each word of what stands between."""
    pieces = _SEGMENT.split(_without_punctuation(text))
    return tuple(
        segment
        for index, piece in enumerate(pieces)
        for segment in ([piece] if index % 2 else _WORD.findall(piece))
    )


def _run_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    return _harmonic(_longest_shared_run(predicted, gold), len(predicted), len(gold))


def _longest_shared_run(one: Sequence[str], two: Sequence[str]) -> int:
    """The length of the longest run of neighbours that stands in both."""
    longest = 0
    before = [0] * (len(two) + 1)  # how long a run ends here and at the last segment of `one`
    for segment in one:
        now = [0] + [before[place] + 1 if segment == other else 0 for place, other in enumerate(two)]
        longest = max(longest, *now)
        before = now
    return longest
