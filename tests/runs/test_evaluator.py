"""What chooses the checkpoint: the primary metric, turned round where lower is better."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tunewell.metrics.likelihoods import likelihood_table
from tunewell.metrics.replies import ranking_table
from tunewell.metrics.tables import Scores
from tunewell.runs.fitting import _evaluator
from tunewell.runtime import Runtime
from tunewell.training.loop import TrainState, record


def scores(primary: str, loss: float) -> Scores:
    tables = [likelihood_table(np.array([loss]), np.array([1])), ranking_table(np.array([2]), np.array([10]))]
    return Scores(primary, tables)


def evaluator(*found: Scores) -> Any:
    """The loop's, over a predictor whose answers score as `found`, one evaluation after the other."""
    waiting = iter(found)
    task = SimpleNamespace(score=lambda examples, predictions: next(waiting))
    brief = SimpleNamespace(calibrated=lambda examples: (task, []), task=task, runtime=Runtime())
    return _evaluator(SimpleNamespace(in_training=lambda: brief), [])  # type: ignore[arg-type]


def test_the_lower_perplexity_is_kept() -> None:
    state = TrainState()
    evaluate = evaluator(*(scores("loss_per_token", loss) for loss in (4.0, 2.0, 3.0)))
    best = []
    for step in (1, 2, 3):
        state.step = step
        best.append(record(state, evaluate()))
    assert best == [True, True, False]
    assert (state.best_step, state.best_score) == (2, -2.0)


@pytest.mark.parametrize(("primary", "score"), [("loss_per_token", -2.0), ("mrr", 0.5)])
def test_the_record_has_the_values_themselves(primary: str, score: float) -> None:
    evaluation = evaluator(scores(primary, 2.0))()
    assert (evaluation.score, evaluation.metric) == (score, primary)
    assert evaluation.values["loss_per_token"] == 2.0
