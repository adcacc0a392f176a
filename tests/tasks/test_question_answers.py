"""From logits to answers: exact slices, probabilities, the threshold of "no answer", scores and sections."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewell.core.examples import Answer, AnswerPrediction, Origin, QuestionExample
from tunewell.core.sections import Lines, MarkedTexts, Reliability, Table, section_from_json
from tunewell.data.spans import Found, WindowAnswers
from tunewell.models import ModelLoader
from tunewell.predictor import Predictor
from tunewell.runtime import Runtime
from tunewell.tasks.question_answering import QuestionAnswering, QuestionAnsweringConfig

CONTEXT = "Ada met Bob in Rome."
ADA, BOB, ROME = (0, 3), (8, 11), (15, 19)


def task(unanswerable: bool = True, **given_settings: Any) -> QuestionAnswering:
    return QuestionAnswering(QuestionAnsweringConfig(**given_settings), unanswerable, "words")


def question(answer: str | None = "Bob", example_id: str = "q", context: str = CONTEXT) -> QuestionExample:
    answers = () if answer is None else (Answer(answer, context.index(answer)),)
    return QuestionExample(
        example_id, Origin("f", 1), "Who?", context, answers, group_id="p" + example_id[-1]
    )


def window(no_answer: float, *found: tuple[tuple[int, int], float]) -> WindowAnswers:
    return WindowAnswers([Found(*span, score) for span, score in found], no_answer)


def decoded(outputs: Sequence[WindowAnswers], **given_settings: Any) -> AnswerPrediction:
    return task(**given_settings).decode(question(), outputs)


# Decoding


def test_the_best_of_all_windows_is_the_answer() -> None:
    windows = [window(9.0, (ADA, 1.0), (BOB, 2.0)), window(-1.0, (ROME, 4.0), (BOB, 3.0))]
    prediction = decoded(windows, num_alternatives=2)
    assert (prediction.answer, prediction.char_start, prediction.char_end) == ("Rome", 15, 19)
    assert [candidate.answer for candidate in prediction.candidates] == ["Rome", "Bob"]
    total = sum(math.exp(score) for score in (4.0, 3.0, 1.0, -1.0))
    assert prediction.score == pytest.approx(math.exp(4.0) / total)
    assert prediction.no_answer_score == pytest.approx(math.exp(-1.0) / total)


def test_without_unanswerable_questions_there_is_always_an_answer() -> None:
    prediction = decoded([window(99.0, (ADA, 1.0), (BOB, 2.0))], unanswerable=False)
    assert (prediction.answer, prediction.no_answer_score) == ("Bob", None)
    assert sum(candidate.score for candidate in prediction.candidates) == pytest.approx(1.0)


@pytest.mark.parametrize(("threshold", "answer"), [(None, ""), (0.5, ""), (1.5, "Bob"), (-9.0, "")])
def test_no_answer_must_be_ahead_by_the_threshold(threshold: float | None, answer: str) -> None:
    prediction = decoded([window(3.0, (BOB, 2.0))], null_threshold=threshold)
    assert prediction.answer == answer
    chosen = prediction.candidates[0].score if answer else prediction.no_answer_score
    assert prediction.score == chosen
    assert (prediction.char_start is None) == (answer == "")


def test_one_text_in_two_places_is_two_candidates() -> None:
    context = "Bob and Bob"
    outputs = [window(-9.0, ((0, 3), 1.0), ((8, 11), 1.0))]
    prediction = task().decode(question("Bob", context=context), outputs)
    assert [(c.answer, c.char_start) for c in prediction.candidates] == [("Bob", 0), ("Bob", 8)]


@pytest.mark.parametrize("unanswerable", [True, False])
def test_a_context_without_words_gets_no_answer(unanswerable: bool) -> None:
    prediction = task(unanswerable).decode(question(None, context=" "), [window(-3.0)])
    assert (prediction.answer, prediction.char_start, prediction.candidates) == ("", None, ())
    assert prediction.score == (1.0 if unanswerable else 0.0)


# Exact slices on any text, through a real model


@pytest.fixture(scope="module")
def predictor(tiny: Callable[[str], Path]) -> Callable[[str], Predictor]:
    made: dict[str, Predictor] = {}

    def of(family: str) -> Predictor:
        if family not in made:
            loader, asked = ModelLoader(str(tiny(family))), task()
            made[family] = Predictor(asked, asked.build_model(loader).eval(), loader.tokenizer(), Runtime())
        return made[family]

    return of


STRANGE = "ab \t\n\u3000\u0301\u0308\u200b\u200d\ufeff\u0627\u05d0\u8fd9\u30ab\ufb01\u00df\u0130\U0001f600\U0001f468."


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "albert"])
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(context=st.text(STRANGE, max_size=120))
def test_answers_are_exact_slices(family: str, predictor: Callable[[str], Predictor], context: str) -> None:
    example = QuestionExample("q", Origin("f", 1), "what \U0001f600?", context)
    answering = predictor(family)
    answering.task = task(False)
    (prediction,) = answering.predict([example])
    if prediction.char_start is None:
        assert (prediction.answer, prediction.candidates) == ("", ())
    else:
        assert prediction.answer == context[prediction.char_start : prediction.char_end]
    for candidate in prediction.candidates:
        assert candidate.answer == context[candidate.char_start : candidate.char_end]
        assert candidate.answer == candidate.answer.strip() != ""


def test_an_answer_has_at_most_so_many_tokens(predictor: Callable[[str], Predictor]) -> None:
    answering = predictor("bert")
    answering.task = task(False, max_answer_tokens=2, num_alternatives=20)
    context = "the film was dull indeed"
    (prediction,) = answering.predict([QuestionExample("q", Origin("f", 1), "what?", context)])
    tokens = answering.tokenizer.pieces(context).offsets
    for candidate in prediction.candidates:
        assert sum(candidate.char_start <= start < candidate.char_end for start, _ in tokens) <= 2
    assert len(prediction.candidates) == 2 * len(tokens) - 1


# The threshold


def _asked() -> tuple[list[QuestionExample], list[list[WindowAnswers]]]:
    """Four questions; margins -2, 1, 2 and 5, of which the third and the last have no answer."""
    examples = [question("Bob", "a1"), question("Bob", "a2"), question(None, "b3"), question(None, "b4")]
    margins = (-2.0, 1.0, 2.0, 5.0)
    return examples, [[window(margin, (BOB, 0.0), (ADA, -3.0))] for margin in margins]


def test_the_threshold_is_tuned_between_margins_and_saved() -> None:
    examples, outputs = _asked()
    tuned = task().calibrate(examples, outputs)
    assert tuned.threshold == pytest.approx(1.5)
    again = QuestionAnswering.from_json(tuned.config, json.loads(json.dumps(tuned.to_json())))
    answers = [again.decode(example, own).answer for example, own in zip(examples, outputs, strict=True)]
    assert answers == ["Bob", "Bob", "", ""]
    untuned = [task().decode(example, own).answer for example, own in zip(examples, outputs, strict=True)]
    assert untuned == ["Bob", "", "", ""]


def test_a_threshold_that_was_given_or_is_not_needed_is_not_tuned() -> None:
    examples, outputs = _asked()
    assert task(null_threshold=0.5).calibrate(examples, outputs).threshold is None
    assert task(unanswerable=False).calibrate(examples, outputs).threshold is None
    assert task().calibrate([], []).threshold is None


def test_questions_without_candidates_do_not_spoil_the_threshold() -> None:
    examples, outputs = _asked()
    blank = question(None, "c5", context=" ")
    tuned = task().calibrate([*examples, blank], [*outputs, [window(0.0)]])
    assert tuned.threshold == pytest.approx(1.5)


# Scores and sections


def test_scores_are_by_passage_and_survive_a_round_trip() -> None:
    examples, outputs = _asked()
    asking = task()
    predictions = [asking.decode(example, own) for example, own in zip(examples, outputs, strict=True)]
    scores = asking.score(examples, predictions)
    values = scores.values()
    assert scores.primary == "f1"
    assert scores.groups == ["p1", "p2", "p3", "p4"]
    assert values["f1"] == values["exact_match"] == 0.75
    assert values["has_answer_f1"] == 0.5
    assert values["no_answer_accuracy"] == 1.0
    assert values["best_f1"] == values["best_exact_match"] == 1.0
    stored = [json.loads(json.dumps(prediction.to_json())) for prediction in predictions]
    again = [asking.read_prediction(e.id, fields) for e, fields in zip(examples, stored, strict=True)]
    assert again == predictions
    assert asking.score(examples, again).values() == values
    assert [asking.answer(prediction) for prediction in again] == ["Bob", "", "", ""]


def test_answers_without_blanks_are_scored_by_characters() -> None:
    context = "\u5f20\u4e09\u6765\u4e86\u3002"
    example = question("\u5f20\u4e09", context=context)
    prediction = replace(decoded([window(-9.0, (BOB, 1.0))]), answer="\u5f20")
    asking = replace(task(False), scoring="characters")
    assert asking.score([example], [prediction]).values()["f1"] == pytest.approx(2 / 3)
    assert task(False).score([example], [prediction]).values()["f1"] == 0.0


def test_the_report_shows_passages_kinds_and_the_threshold() -> None:
    examples, outputs = _asked()
    tuned = task().calibrate(examples, outputs)
    outputs[2] = [window(-3.0, (ROME, 4.0))]
    predictions = [tuned.decode(example, own) for example, own in zip(examples, outputs, strict=True)]
    sections = tuned.describe(examples, predictions)
    for section in sections:
        assert (
            section_from_json(json.loads(json.dumps(section.to_json(), allow_nan=False))).title
            == section.title
        )
    tables = [section for section in sections if isinstance(section, Table)]
    assert [table.columns[0] for table in tables] == [
        "Answerability",
        "Question word",
        "Length of the gold answer in words",
    ]
    assert tables[0].rows == [["has an answer", 2, 1.0, 1.0], ["no answer", 2, 0.5, 0.5]]
    assert tables[1].rows == [["who", 4, 0.75, 0.75]]
    assert tables[2].rows == [["1", 2, 1.0, 1.0]]
    (curve,) = (section for section in sections if isinstance(section, Lines))
    assert curve.marks == {"chosen": tuned.threshold}
    assert any(isinstance(section, Reliability) for section in sections)
    mistakes, doubts = (section for section in sections if isinstance(section, MarkedTexts))
    (entry,) = mistakes.entries
    assert (entry.text, entry.facts["gold"], entry.facts["predicted"]) == (CONTEXT, "no answer", "Rome")
    assert [(mark.char_start, mark.char_end, mark.side) for mark in entry.marks] == [(15, 19, "predicted")]
    assert len(doubts.entries) == 4
    right = next(entry for entry in doubts.entries if entry.facts["predicted"] == "Bob")
    assert [mark.side for mark in right.marks] == ["gold", "predicted"]


def test_a_report_without_unanswerable_questions_has_no_threshold() -> None:
    example = question("Bob")
    prediction = task(False).decode(example, [window(1.0, (BOB, 2.0))])
    sections = task(False).describe([example], [prediction])
    assert not any(isinstance(section, Lines) for section in sections)
    assert "Answerability" not in {section.columns[0] for section in sections if isinstance(section, Table)}


# The loss


def test_the_loss_is_the_cross_entropy_over_each_windows_positions(
    predictor: Callable[[str], Predictor],
) -> None:
    import torch

    from tunewell.models.compute import token_logits

    answering, asking = predictor("bert"), task()
    examples = [question("Bob", "1"), question(None, "2"), question("Rome", "3", "x " * 40 + CONTEXT)]
    features = [f for example in examples for f in asking.encode(example, answering.tokenizer)]
    batch = asking.collate(features)
    assert batch.labels is not None
    assert batch.num_targets == 2 * len(features) == batch.labels.numel()
    logits = token_logits(answering.model, batch).double().detach().numpy()
    wanted, at = 0.0, 0
    for feature in features:
        own = logits[at : at + len(feature.positions)]
        at += len(own)
        for side, place in enumerate(feature.target):
            wanted -= own[place, side] - np.log(np.exp(own[:, side]).sum())
    with torch.no_grad():
        assert asking.loss(answering.model, batch).item() == pytest.approx(wanted, rel=1e-5)
