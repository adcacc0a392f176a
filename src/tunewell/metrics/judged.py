"""Every answer to a question judged: as it was given, and as it would be if an answer were always given.

Not for: how two texts are compared (`answer_texts`), or what is made of the numbers (`answers`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.core.examples import AnswerPrediction
from tunewell.metrics.answer_texts import Scoring, exact_match, f1
from tunewell.metrics.tables import BoolArray, FloatArray

_TINY = 1e-300


@dataclass(frozen=True)
class Judged:
    """Arrays `(examples,)`: how right the answers are that were given, and how right the best pieces would be.

    `margin` is how far "no answer" is above the best piece, in logits: infinite where there is no piece, NaN where
    the model was not to say that there is no answer.
    """

    exact: FloatArray
    f1: FloatArray
    has_answer: BoolArray
    best_exact: FloatArray
    best_f1: FloatArray
    margin: FloatArray

    @property
    def has_margins(self) -> bool:
        """Whether "no answer" was weighed everywhere."""
        return not bool(np.isnan(self.margin).any())


def judge(
    predictions: Sequence[AnswerPrediction], golds: Sequence[Sequence[str]], scoring: Scoring
) -> Judged:
    """Each prediction against the gold answers, of which a question without an answer has none."""
    pairs = list(zip(predictions, golds, strict=True))
    best = [
        (prediction.candidates[0].answer if prediction.candidates else prediction.answer, gold)
        for prediction, gold in pairs
    ]
    return Judged(
        exact=np.array(
            [exact_match(prediction.answer, gold, scoring) for prediction, gold in pairs], np.float64
        ),
        f1=np.array([f1(prediction.answer, gold, scoring) for prediction, gold in pairs], np.float64),
        has_answer=np.array([bool(gold) for gold in golds], np.bool_),
        best_exact=np.array([exact_match(answer, gold, scoring) for answer, gold in best], np.float64),
        best_f1=np.array([f1(answer, gold, scoring) for answer, gold in best], np.float64),
        margin=np.array([_margin(prediction) for prediction in predictions], np.float64),
    )


def _margin(prediction: AnswerPrediction) -> float:
    """From the probabilities, whose ratio is what the logits differ by."""
    if prediction.no_answer_score is None:
        return math.nan
    if not prediction.candidates and not prediction.answer:
        return math.inf
    best = prediction.candidates[0].score if prediction.candidates else prediction.score
    return math.log(max(prediction.no_answer_score, _TINY)) - math.log(max(best, _TINY))
