"""Answers to questions: tables of exact match and F1, and when a model had better say "no answer".

A question's *margin* is what the model gives "no answer" minus what it gives its best answer; a threshold makes
it answer where the margin is at most the threshold. `best_f1` and `best_exact_match` are the scores at the best of
all thresholds, as SQuAD v2.0's script has them (Rajpurkar, Jia and Liang 2018).

Two things differ from that script, so that the threshold which is given always yields the score which is given.
Questions with equal margins are answered all or none; the script tries places between them. And where it is
best never to answer while some margins are 0 or less, the threshold lies below them all; the script says 0.

Not for: how well one text agrees with another (`answer_texts`).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from tunewell.metrics.answer_texts import Scoring, exact_match, f1
from tunewell.metrics.ranks import runs_of_equals
from tunewell.metrics.tables import (
    BoolArray,
    FloatArray,
    IntArray,
    Metric,
    PartTable,
    RankMetric,
    check_same_length,
    ratio,
)

__all__ = [
    "Scoring",
    "answer_table",
    "best_score",
    "best_threshold",
    "exact_match",
    "f1",
    "threshold_curve",
]

MAX_CURVE_POINTS = 200
"""A chart shows no more."""


_HAS, _NO, _EXACT_HAS, _EXACT_NO, _F1_HAS, _F1_NO = range(6)


def answer_table(exact: FloatArray, f1: FloatArray, has_answer: BoolArray) -> PartTable:
    """Exact match and F1 of all questions, and of those with and those without an answer, where there are both.

    `exact` and `f1` `(examples,)` in 0..1 are those of the answers given. On questions without an answer the two
    agree, hence one `no_answer_accuracy`. The metrics of one kind are NaN, not 0, where sums hold no question of it:
    nothing is known of it from such a resample.
    """
    check_same_length(exact=exact, f1=f1, has_answer=has_answer)
    has = has_answer.astype(np.float64)
    columns = [has, 1 - has, exact * has, exact * (1 - has), f1 * has, f1 * (1 - has)]
    metrics: dict[str, Metric] = {
        "exact_match": partial(_overall, _EXACT_HAS, _EXACT_NO),
        "f1": partial(_overall, _F1_HAS, _F1_NO),
    }
    if has_answer.any() and not has_answer.all():
        metrics["has_answer_exact_match"] = partial(_within, _EXACT_HAS, _HAS)
        metrics["has_answer_f1"] = partial(_within, _F1_HAS, _HAS)
        metrics["no_answer_accuracy"] = partial(_within, _EXACT_NO, _NO)
    return PartTable(np.stack(columns, axis=1), metrics, shares=("exact_match",))


def _overall(with_answer: int, without: int, sums: FloatArray) -> FloatArray:
    return ratio(sums[..., with_answer] + sums[..., without], sums[..., _HAS] + sums[..., _NO])


def _within(scores: int, questions: int, sums: FloatArray) -> FloatArray:
    count = sums[..., questions]
    values: FloatArray = np.divide(
        sums[..., scores], count, out=np.full(np.shape(count), np.nan), where=count != 0
    )
    return values


def best_threshold(
    margin: FloatArray, score_if_answered: FloatArray, has_answer: BoolArray
) -> tuple[float, float]:
    """The threshold with the best mean score, and that score in 0..1; the lowest such threshold if several.

    `margin` `(examples,)`: see above. `score_if_answered` `(examples,)` is the exact match or the F1 of the
    answer that the model would give, 0 for one to a question without an answer. Thresholds are margins of questions;
    where never answering is best, 0, or a number below all margins if any is 0 or less. Raises `ValueError` for
    no examples or a margin that is NaN.
    """
    thresholds, scores = _sweep(margin, score_if_answered, has_answer)
    best = int(scores.argmax())
    return float(thresholds[best]), float(scores[best])


def threshold_curve(
    margin: FloatArray,
    score_if_answered: FloatArray,
    has_answer: BoolArray,
    *,
    max_points: int = MAX_CURVE_POINTS,
) -> list[tuple[float, float]]:
    """Mean score against threshold, from never answering to always; arguments as for `best_threshold`.

    Of more than `max_points` (3 or more), about equally many questions lie between those that are kept; the ends
    and the best always are.
    """
    thresholds, scores = _sweep(margin, score_if_answered, has_answer)
    kept = set(range(len(scores)))
    if len(scores) > max_points:
        kept = set(np.linspace(0, len(scores) - 1, max_points - 1).astype(int).tolist())
        kept.add(int(scores.argmax()))
    return [(float(thresholds[place]), float(scores[place])) for place in sorted(kept)]


def _sweep(
    margin: FloatArray, score_if_answered: FloatArray, has_answer: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Every threshold that matters, ascending, and the mean score at each."""
    check_same_length(margin=margin, score_if_answered=score_if_answered, has_answer=has_answer)
    if len(margin) == 0 or np.isnan(margin).any():
        raise ValueError("a threshold needs at least one question, and margins that are numbers")
    order, ends = _order_and_ends(margin)
    gains = np.cumsum((score_if_answered - ~has_answer)[order])[ends]
    lowest = float(margin.min())
    never = 0.0 if lowest > 0 else float(np.nextafter(lowest, -np.inf))
    scores = np.count_nonzero(~has_answer) + np.append(0.0, gains)
    return np.append(never, margin[order[ends]]), scores / len(margin)


def _order_and_ends(margin: FloatArray) -> tuple[IntArray, IntArray]:
    """The order that sorts the margins, and where each run of equal ones ends in it."""
    order, starts = runs_of_equals(margin)
    return order, np.append(starts[1:], len(margin)) - 1


def best_score(margin: FloatArray, score_if_answered: FloatArray, has_answer: BoolArray) -> RankMetric:
    """`best_f1` or `best_exact_match`: the score that `best_threshold` finds, ready to be resampled.

    Each resample looks for its own best threshold. Arguments as there. The metric is NaN where a margin is.
    """
    check_same_length(margin=margin, score_if_answered=score_if_answered, has_answer=has_answer)
    coded = np.where(has_answer, score_if_answered, score_if_answered - 2)
    return RankMetric(coded.astype(np.float64), margin.astype(np.float64), _best, _weighted_best)


def _decoded(coded: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What answering gains over not answering, and whether not answering is right, from the one number of both.

    The number is the score in 0..1 if there is an answer, and the score less 2 if there is none.
    """
    without = (coded < 0).astype(np.float64)
    return coded + without, without


def _best(coded: FloatArray, margin: FloatArray) -> float:
    return float(_weighted_best(coded, margin, np.ones((1, len(coded))))[0])


def _weighted_best(coded: FloatArray, margin: FloatArray, weights: FloatArray) -> FloatArray:
    """The best score `(rows,)` when each question counts as often as `weights` `(rows, examples)` say."""
    if len(margin) == 0 or np.isnan(margin).any():
        return np.full(len(weights), np.nan)
    gain, without = _decoded(coded)
    order, ends = _order_and_ends(margin)
    reached = np.cumsum(weights[:, order] * gain[order], axis=1)[:, ends]
    best = np.maximum(reached.max(axis=1, initial=0.0), 0.0) + weights @ without
    total = weights.sum(axis=1)
    values: FloatArray = np.divide(best, total, out=np.full(len(weights), np.nan), where=total != 0)
    return values
