"""How reading comprehension reads files: columns, settings, what is learnt, what is checked."""

from __future__ import annotations

from typing import Any

import pytest

from tunewell.config import task_settings
from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Origin, QuestionExample, Row
from tunewell.tasks.question_answering import QuestionAnswering, QuestionAnsweringConfig

CONTEXT = "Ada met Bob in Rome."


def row(line: int = 4, **values: Any) -> Row:
    whole = {"question": "Who?", "context": CONTEXT, "answers": {"text": ["Bob"], "answer_start": [8]}}
    return Row({**whole, **values}, Origin("data.jsonl", line))


def task(**settings: Any) -> QuestionAnswering:
    return QuestionAnswering.new(QuestionAnsweringConfig(**settings))


def learnt(*rows: Row, **settings: Any) -> QuestionAnswering:
    fresh = task(**settings)
    return fresh.learn({"train": [fresh.read(one) for one in rows]})


def _config_error(**settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        task_settings(settings, "question-answering", lambda name: QuestionAnsweringConfig)
    return str(caught.value)


# Columns


def test_columns_are_inferred_and_said() -> None:
    sample = [row(passage=CONTEXT)]
    reading = QuestionAnswering.infer(list(sample[0].values), sample, {})
    assert reading is not None
    assert reading.settings == {"question": "question", "context": "context", "answers": "answers"}
    assert reading.said == "question = question, context = context, answers = answers"


def test_settings_of_another_task_speak_for_that_task() -> None:
    sample = [row()]
    given = {"text": "question", "label": "context"}
    assert QuestionAnswering.infer(list(sample[0].values), sample, given) is None


def test_a_task_that_is_named_takes_named_columns_and_asks_for_the_others() -> None:
    sample = [Row({"q": "Who?", "context": CONTEXT, "answers": []}, Origin("f", 1))]
    columns = list(sample[0].values)
    named = {"name": "question-answering", "question": "q"}
    reading = QuestionAnswering.infer(columns, sample, named)
    assert reading is not None
    assert reading.settings["question"] == "q"
    with pytest.raises(ConfigError, match="The columns are q, context, answers") as caught:
        QuestionAnswering.infer(columns, sample, {"name": "question-answering"})
    assert "--set task.question=COLUMN" in str(caught.value)


def test_missing_columns_are_refused_with_a_suggestion() -> None:
    with pytest.raises(DataError, match="no column 'question'; the columns are questions, context") as caught:
        task().check_columns(["questions", "context"], "f.csv", labelled=False)
    assert "did you mean 'questions'? Give JSON lines with question and context" in str(caught.value)
    with pytest.raises(DataError, match="no column 'question'; the columns are questions, context") as caught:
        task().check_columns(["questions", "context", "answers"], "f.csv")
    assert "did you mean 'questions'? Set task.question, task.context and task.answers" in str(caught.value)
    with pytest.raises(DataError, match="no column 'q'; the columns are text") as caught:
        task(question="q").check_columns(["text"], "standard input", labelled=False)
    assert "give JSON lines with q and context, or --text QUESTION --text CONTEXT" in str(caught.value)
    assert "train" not in str(caught.value)
    task().check_columns(["question", "context"], "f.csv", labelled=False)
    with pytest.raises(DataError, match="no column 'answers'"):
        task().check_columns(["question", "context"], "f.csv")


# Settings


def test_settings_without_effect_are_refused() -> None:
    assert "must be below 64" in _config_error(max_length_tokens=128)
    task(max_length_tokens=128, overlap_tokens=63)
    assert "max_question_tokens" in _config_error(max_length_tokens=64)
    assert "null_threshold" in _config_error(unanswerable=False, null_threshold=1.0)
    assert "num_alternatives" in _config_error(num_candidates=2)
    assert "different columns" in _config_error(question="text", context="text")


def test_a_threshold_has_no_effect_where_every_question_has_an_answer() -> None:
    with pytest.raises(
        ConfigError, match=r"task\.null_threshold is 2, and every training question has an answer"
    ):
        learnt(row(), null_threshold=2.0)


# What is learnt


def test_whether_answers_may_be_missing_is_learnt() -> None:
    assert learnt(row()).unanswerable is False
    assert learnt(row(), row(answers=[])).unanswerable is True
    assert learnt(row(), unanswerable=True).unanswerable is True
    assert learnt(row(), row(answers=[]), unanswerable=False).unanswerable is False


def test_how_answers_are_scored_is_learnt() -> None:
    chinese = row(context="\u5f20\u4e09\u6765\u4e86", answers=["\u5f20\u4e09"])
    assert learnt(row()).scoring == "words"
    assert learnt(chinese).scoring == "characters"
    assert learnt(chinese, scoring="words").scoring == "words"


def test_nothing_can_be_learnt_without_an_answer() -> None:
    with pytest.raises(DataError, match="no training question has an answer"):
        learnt(row(answers=[]))


def test_what_was_learnt_is_saved() -> None:
    known = learnt(row(), row(answers=[]))
    assert QuestionAnswering.from_json(known.config, known.to_json()) == known
    assert known.to_json() == {"unanswerable": True, "scoring": "words", "threshold": None}


# The rest of the seam


def test_repair_is_a_setting() -> None:
    wrong = row(answers={"text": ["Bob"], "answer_start": [5]})
    with pytest.raises(DataError, match=r"data\.jsonl:4: question 4: answer 'Bob' is not at 5"):
        task().read(wrong)
    repairing = task(repair_answer_start=True)
    example = repairing.read(wrong)
    assert example.answers is not None
    assert [answer.char_start for answer in example.answers] == [8]
    (finding,) = repairing.checks({"train": [example]})
    assert finding.code == "answer-moved"


def test_targets_and_strata() -> None:
    fresh = task()
    twice = fresh.read(row(answers={"text": ["Bob", "Bob", "Ada"], "answer_start": [8, 8, 0]}))
    none = fresh.read(row(answers=[]))
    bare = fresh.read(row(), labelled=False)
    assert [fresh.target(example) for example in (twice, none, bare)] == [["Bob", "Ada"], [], None]
    assert [fresh.stratum(example) for example in (twice, none, bare)] == ["answer", "no answer", None]
    assert learnt(row()).stratum(twice) is None


def test_texts_change_with_their_answers() -> None:
    fresh = task()
    example = fresh.read(row())
    assert fresh.with_texts(example, fresh.texts(example)) == example
    changed = fresh.with_texts(example, ("Whom?", "So Ada met Bob."))
    assert isinstance(changed, QuestionExample)
    assert fresh.texts(changed) == ("Whom?", "So Ada met Bob.")
    assert fresh.target(changed) == ["Bob"]
    assert changed.answers is not None
    assert changed.answers[0].char_start == 11
