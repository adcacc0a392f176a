"""The same scorer for both: seqeval for entities, counting for parts of speech, EM and F1 for answers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.recipe import Json
from benchmarks.scores.data import DataSet, Question, Sentence
from tunewell.metrics.answers import Scoring, exact_match, f1


def score(data: DataSet, predictions: Sequence[Json]) -> Json:
    """Shares of 1 by name, over every word or question of the test file."""
    gold: list[Any] = data.read(data.file("test"))
    if data.scoring == "entities":
        return entity_scores(gold, predictions)
    if data.scoring == "tags":
        return {"accuracy": _accuracy(gold, predictions)}
    return answer_scores(gold, predictions, data.scoring)


def _accuracy(gold: Sequence[Sentence], predictions: Sequence[Json]) -> float:
    return statistics.fmean(
        said == tag
        for sentence, prediction in zip(gold, predictions, strict=True)
        for said, tag in zip(prediction["tags"], sentence.tags, strict=True)
    )


def entity_scores(gold: Sequence[Sentence], predictions: Sequence[Json]) -> Json:
    """Whole entities of the right type: seqeval's default reading, and its strict one of IOB2."""
    from seqeval.metrics import f1_score, precision_score, recall_score
    from seqeval.scheme import IOB2

    tags = [list(sentence.tags) for sentence in gold]
    said = [prediction["tags"] for prediction in predictions]
    return {
        "entity_f1": float(f1_score(tags, said, zero_division=0)),
        "entity_precision": float(precision_score(tags, said, zero_division=0)),
        "entity_recall": float(recall_score(tags, said, zero_division=0)),
        "entity_f1_strict": float(f1_score(tags, said, mode="strict", scheme=IOB2, zero_division=0)),
        "token_accuracy": _accuracy(gold, predictions),
    }


def answer_scores(gold: Sequence[Question], predictions: Sequence[Json], scoring: Scoring) -> Json:
    """Exact match and token F1, and apart for questions with and without an answer where there are both."""
    by_id = {prediction["id"]: prediction["answer"] for prediction in predictions}
    exact, shared, answerable = [], [], []
    for question in gold:
        golds = [text for text, _ in question.answers] or [""]
        exact.append(exact_match(by_id[question.id], golds, scoring))
        shared.append(f1(by_id[question.id], golds, scoring))
        answerable.append(bool(question.answers))
    scores: Json = {"exact_match": statistics.fmean(exact), "f1": statistics.fmean(shared)}
    if not all(answerable) and any(answerable):
        kinds = list(zip(exact, shared, answerable, strict=True))
        scores["has_answer_exact_match"] = statistics.fmean(em for em, _, has in kinds if has)
        scores["has_answer_f1"] = statistics.fmean(part for _, part, has in kinds if has)
        scores["no_answer_accuracy"] = statistics.fmean(em for em, _, has in kinds if not has)
    return scores
