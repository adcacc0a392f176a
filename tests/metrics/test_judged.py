"""Answers judged as given and as they would be; margins from probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunewell.core.examples import AnswerPrediction, Candidate
from tunewell.metrics.judged import judge


def _prediction(answer: str, best: str, share: float, null: float | None) -> AnswerPrediction:
    candidates = (Candidate(best, 0, len(best), share),) if best else ()
    return AnswerPrediction("1", answer, None, None, share, null, candidates)


def test_given_and_best_are_judged_apart() -> None:
    predictions = [_prediction("", "the cat", 0.2, 0.8), _prediction("a dog", "a dog", 0.6, 0.3)]
    judged = judge(predictions, [["cat"], []], "squad2")
    assert judged.exact.tolist() == [0, 0]
    assert judged.best_exact.tolist() == judged.best_f1.tolist() == [1, 0]
    assert judged.has_answer.tolist() == [True, False]
    assert judged.margin == pytest.approx([math.log(0.8 / 0.2), math.log(0.3 / 0.6)])


def test_margins_where_one_side_is_missing() -> None:
    nothing = _prediction("", "", 0.0, 1.0)
    of_baseline = AnswerPrediction("1", "cat", 0, 3, 0.5, 0.25)
    certain = _prediction("cat", "cat", 1.0, 0.0)
    margins = judge([nothing, of_baseline, certain], [[], ["cat"], ["cat"]], "squad2").margin
    assert margins[0] == np.inf
    assert margins[1] == pytest.approx(math.log(0.5))
    assert -1000 < margins[2] < -600
    unasked = judge([_prediction("cat", "cat", 1.0, None)], [["cat"]], "squad1")
    assert not unasked.has_margins
