"""What a model for reading comprehension must beat: never an answer, and words near the question's words."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewell.samples
from tunewell.baselines.passages import MAX_IDEOGRAPHS, MAX_WORDS, NoAnswer, SlidingWindow
from tunewell.core.examples import Answer, Origin, QuestionExample
from tunewell.data.sources import read
from tunewell.metrics.answer_texts import Scoring, f1

DATA = os.environ.get("TUNEWELL_DATA")
BARGE = (
    "The motor barge Minerva has carried books to the lakes since 1959. From May to October she visits 26 "
    "jetties. The librarian, Marit Ekdahl, goes round on skis in winter. The most stolen book repairs engines."
)
WOMBAT = "尤金袋鼠分布在澳洲南部岛屿及西岸地区。它最初于1628年5月3日被发现，体重约8公斤。农民认为它是害虫。"


def asked(
    question: str, context: str = BARGE, answers: tuple[Answer, ...] | None = None, name: str = "q"
) -> QuestionExample:
    return QuestionExample(name, Origin("f.json", 1), question=question, context=context, answers=answers)


def loaded(path: str, limit: int | None = None) -> list[QuestionExample]:
    found = read(path)
    rows = found["test" if "test" in found else "train"].rows[:limit]
    return [
        asked(
            row.values["question"],
            row.values["context"],
            tuple(Answer(*pair) for pair in zip(*row.values["answers"].values(), strict=True)),
            row.values["id"],
        )
        for row in rows
    ]


SAMPLE = loaded(str(Path(str(tunewell.samples.__file__)).parent / "passages"))
TRAINING = [
    asked("Who?", BARGE, (Answer("Marit Ekdahl", 115),)),
    asked("谁？", WOMBAT, (Answer("农民", 42),)),
    *SAMPLE,
]


@pytest.fixture(scope="module")
def fitted() -> SlidingWindow:
    model = SlidingWindow()
    model.fit(TRAINING)
    return model


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who is the librarian?", "Marit Ekdahl"),
        ("Which motor barge has carried books?", "Minerva"),
        ("Since when has the barge carried books?", "1959"),
        ("How many jetties does she visit?", "26"),
        ("What is the most stolen book on?", "repairs engines"),
    ],
)
def test_english(fitted: SlidingWindow, question: str, answer: str) -> None:
    [prediction] = fitted.predict([asked(question)])
    assert prediction.answer == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("尤金袋鼠分布在哪些地区？", "澳洲南部岛屿及西岸"),
        ("它最初是何时被发现的？", "1628年5月3日"),
        ("它的体重约多少公斤？", "8"),
        ("谁认为它是害虫？", "农民"),
    ],
)
def test_chinese(fitted: SlidingWindow, question: str, answer: str) -> None:
    [prediction] = fitted.predict([asked(question, WOMBAT)])
    assert prediction.answer == answer


def test_an_answer_is_a_short_slice_of_the_context(fitted: SlidingWindow) -> None:
    for example, prediction in zip(SAMPLE, fitted.predict(SAMPLE), strict=True):
        assert prediction.example_id == example.id
        assert prediction.answer
        assert prediction.char_start is not None
        assert example.context[prediction.char_start : prediction.char_end] == prediction.answer
        assert len(prediction.answer.split()) <= MAX_WORDS
        assert prediction.no_answer_score == pytest.approx(1 - prediction.score)
        assert 0 <= prediction.score <= 1
    long = "鼠" + "的一是在不了有和人这中大为上个国我以要他" + "。"
    [prediction] = fitted.predict([asked("鼠？", long)])
    assert prediction.answer == long[1 : 1 + MAX_IDEOGRAPHS]


def test_the_same_again(fitted: SlidingWindow) -> None:
    again = SlidingWindow()
    again.fit(TRAINING)
    assert again.predict(SAMPLE) == fitted.predict(SAMPLE)
    assert again.predict(SAMPLE[::-1]) == fitted.predict(SAMPLE)[::-1]


def test_where_every_question_has_an_answer_there_is_no_score_of_none() -> None:
    model = SlidingWindow()
    model.fit([example for example in TRAINING if example.answers])
    assert {prediction.no_answer_score for prediction in model.predict(SAMPLE)} == {None}


TEXTS = st.text("aB é1.,:!?\n'-。，谁北京年… ", max_size=40) | st.text(max_size=20)


@given(TEXTS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_any_text(question: str, context: str) -> None:
    model = SlidingWindow()
    example = asked(question, context, ())
    model.fit([example])
    [prediction] = model.predict([example])
    has_words = any(character.isalnum() for character in context)
    assert bool(prediction.answer) == has_words
    assert (prediction.char_start is None) == (not prediction.answer)
    if prediction.answer:
        assert context[prediction.char_start : prediction.char_end] == prediction.answer
    assert 0 <= prediction.score <= 1


def test_never_an_answer() -> None:
    model = NoAnswer()
    model.fit(TRAINING)
    share = sum(not example.answers for example in TRAINING) / len(TRAINING)
    assert 0.2 < share < 0.3
    predictions = model.predict(SAMPLE)
    assert [prediction.example_id for prediction in predictions] == [example.id for example in SAMPLE]
    for prediction in predictions:
        assert (prediction.answer, prediction.char_start, prediction.char_end) == ("", None, None)
        assert prediction.score == prediction.no_answer_score == share
        assert prediction.to_json()["answer"] == ""


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize(
    ("train", "test", "scoring", "at_least"),
    [
        ("squad_v1/train.json.gz", "squad_v1/dev.json.gz", "squad1", 0.28),
        ("cmrc2018/cmrc2018_dev.json.gz", "cmrc2018/cmrc2018_trial.json.gz", "characters", 0.17),
    ],
)
def test_real_questions(train: str, test: str, scoring: Scoring, at_least: float) -> None:
    """Well above a piece from anywhere in the passage; SQuAD's authors had F1 0.20 with such a baseline."""
    model = SlidingWindow()
    start = time.perf_counter()
    model.fit(loaded(str(Path(str(DATA), train))))
    examples = loaded(str(Path(str(DATA), test)))
    predictions = model.predict(examples)
    assert time.perf_counter() - start < 20
    pairs = zip(examples, predictions, strict=True)
    scores = [f1(found.answer, [a.text for a in example.answers or ()], scoring) for example, found in pairs]
    assert np.mean(scores) > at_least
