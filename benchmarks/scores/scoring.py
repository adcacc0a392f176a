"""The same scorer for both: seqeval for entities, counting for parts of speech, EM and F1 for answers, sacreBLEU."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.recipe import Json
from benchmarks.scores.data import DataSet, Pair, Question, Sentence
from tunewell.metrics.answers import Scoring, exact_match, f1
from tunewell.metrics.tables import Scores
from tunewell.metrics.translations import bleu_tokenizer_for, signatures, translation_tables


def score(data: DataSet, predictions: Sequence[Json]) -> Json:
    """By name, over every word, question or pair of the test file: shares of 1, but for translations."""
    gold: list[Any] = data.read(data.file("test"))
    if data.scoring == "entities":
        return entity_scores(gold, predictions)
    if data.scoring == "tags":
        return {"accuracy": _accuracy(gold, predictions)}
    if data.scoring == "bleu":
        assert data.languages is not None
        return translation_scores(gold, predictions, data.languages[1])
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


def translation_scores(gold: Sequence[Pair], predictions: Sequence[Json], language: str) -> Json:
    """BLEU, chrF2, chrF++ and TER of the whole file (0 to 100), and sacreBLEU's signature of BLEU."""
    golds = [pair.target for pair in gold]
    tokenizer = bleu_tokenizer_for(language, golds)
    written = [prediction["translation"] for prediction in predictions]
    found = Scores("bleu", translation_tables(written, golds, bleu_tokenizer=tokenizer)).values()
    return {**found, "bleu_signature": signatures(tokenizer)["bleu"]}
