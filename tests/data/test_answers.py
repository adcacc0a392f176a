"""Questions read from rows: answers at their places, mended on request, refused with the place and the remedies."""

from __future__ import annotations

from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Answer, Origin, QuestionExample, Row
from tunewell.data import answer_kinds
from tunewell.data.answers import (
    examine,
    main_answer,
    passage_id,
    read_question,
    texts_of,
    with_texts,
)
from tunewell.data.question_columns import Columns, guess_columns

COLUMNS = Columns("question", "context", "answers")
CONTEXT = "Ada met Bob. Bob met Cid, and Cid met Bob again."
BOBS = [8, 13, 38]


def row(answers: Any, **values: Any) -> Row:
    whole = {"id": "q1", "question": "Who?", "context": CONTEXT, "answers": answers, **values}
    return Row(whole, Origin("file.json", 7))


def read(answers: Any, repair: bool = False, **values: Any) -> QuestionExample:
    return read_question(row(answers, **values), COLUMNS, labelled=True, repair=repair)


def refusal(answers: Any, repair: bool = False, **values: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(answers, repair, **values)
    assert str(caught.value).startswith("file.json:7: ")
    return str(caught.value)


@pytest.mark.parametrize(
    "answers",
    [
        {"text": ["Bob", "Cid"], "answer_start": [13, 21]},
        [{"text": "Bob", "answer_start": 13}, {"text": "Cid", "answer_start": 21.0}],
        '{"text": ["Bob", "Cid"], "answer_start": [13, 21]}',
        '[{"text": "Bob", "answer_start": "13"}, {"text": "Cid", "answer_start": 21}]',
    ],
)
def test_every_form_of_answers_is_read(answers: Any) -> None:
    assert read(answers).answers == (Answer("Bob", 13), Answer("Cid", 21))


def test_a_single_text_has_its_start_beside_it() -> None:
    assert read("Bob", answer_start="38").answers == (Answer("Bob", 38),)
    assert read(["Bob"], answer_start=[38]).answers == (Answer("Bob", 38),)
    assert read({"text": "Bob", "answer_start": 38}).answers == (Answer("Bob", 38),)


@pytest.mark.parametrize("answers", ["Bob", ["Bob"], [{"text": "Bob"}], {"text": ["Bob"]}])
def test_without_a_start_the_first_occurrence_is_taken_and_told(answers: Any) -> None:
    example = read(answers)
    assert example.answers == (Answer("Bob", 8, "found"),)
    (finding,) = examine({"train": [example]})
    assert finding.severity == "warning"
    assert "1 answer without answer_start" in finding.message
    assert "1 of them stand in several places" in finding.message
    assert finding.examples == ("file.json:7 'Bob' at 8",)


@pytest.mark.parametrize("answers", [[], "", " ", {"text": [], "answer_start": []}])
@pytest.mark.parametrize("impossible", [None, True, "true", ""])
def test_no_answers_mean_that_there_is_none(answers: Any, impossible: Any) -> None:
    assert read(answers, is_impossible=impossible).answers == ()


def test_is_impossible_stands_for_missing_answers() -> None:
    assert read(None, is_impossible=True).answers == ()
    assert "'answers' is missing" in refusal(None)
    assert "an empty list means" in refusal(None)


def test_contradictions_are_refused() -> None:
    assert "is_impossible is true, and yet there is the answer 'Bob'" in refusal("Bob", is_impossible=True)
    assert "is_impossible is false, and yet there is no answer" in refusal([], is_impossible=False)
    assert "2 texts and 1 answer_start" in refusal({"text": ["Bob", "Cid"], "answer_start": [8]})


@pytest.mark.parametrize(
    "answers",
    [
        3,
        {"answer_start": [3]},
        {"text": [3], "answer_start": [3]},
        [["Bob"]],
        {"text": None},
        [{"answer_start": 3}],
    ],
)
def test_what_is_no_answer_is_refused(answers: Any) -> None:
    assert "'answers'" in refusal(answers)


@pytest.mark.parametrize("start", ["x", 1.5, True, [3], float("nan")])
def test_what_is_no_start_is_refused(start: Any) -> None:
    assert "no whole number" in refusal({"text": ["Bob"], "answer_start": [start]})


def test_blank_and_broken_texts_are_refused() -> None:
    assert "'answers' is blank" in refusal({"text": ["Bob", " "], "answer_start": [8, 0]})
    assert "surrogate" in refusal(["half \ud83d here"])
    assert "'question' is blank" in refusal("Bob", question=" ")
    assert "'context' is blank" in refusal("Bob", context="")
    assert "'context' holds 3" in refusal("Bob", context=3)


def test_an_answer_that_is_elsewhere_is_refused_with_its_places_and_both_remedies() -> None:
    message = refusal({"text": ["Bob"], "answer_start": [15]})
    assert (
        "question q1: answer 'Bob' is not at 15, where 'b m' stands; it occurs at 13 (and 2 more)" in message
    )
    assert "--set task.repair_answer_start=true" in message
    assert "--set data.on_bad_row=drop" in message
    assert "for the context has 48 characters; it occurs at 38" in refusal(
        {"text": ["Bob"], "answer_start": [99]}
    )
    assert "is not at -1" in refusal({"text": ["Ada"], "answer_start": [-1]})


def test_repair_moves_to_the_nearest_occurrence_and_tells() -> None:
    stated = {"text": ["Bob", "Bob", "Cid"], "answer_start": [15, 30, 21]}
    example = read(stated, repair=True)
    assert example.answers == (Answer("Bob", 13, "moved"), Answer("Bob", 38, "moved"), Answer("Cid", 21))
    (finding,) = examine({"train": [example]})
    assert (finding.code, finding.severity) == ("answer-moved", "warning")
    assert "train: 2 answers did not stand at answer_start" in finding.message


def test_an_answer_is_not_looked_for_inside_of_words() -> None:
    context = "In 1914 he was 14 years"
    assert read("14", context=context).answers == (Answer("14", 15, "found"),)
    stated = {"text": ["14"], "answer_start": [4]}
    assert read(stated, repair=True, context=context).answers == (Answer("14", 15, "moved"),)
    assert "it occurs at 15 (and 1 more)" in refusal(stated, context=context)
    inside = {"text": ["14"], "answer_start": [5]}
    assert read(inside, context=context).answers == (Answer("14", 5),)  # the file says so


@pytest.mark.parametrize(
    "printed",
    [
        "{'text': ['Bob'], 'answer_start': array([8])}",
        "{'text': array(['Bob'], dtype=object), 'answer_start': array([8], dtype=int32)}",
        "{'answer_start': [8], 'text': ['Bob']}",
        "[{'text': 'Bob', 'answer_start': 8}]",
    ],
)
def test_printed_python_is_refused_with_the_way_out(printed: str) -> None:
    message = refusal(printed)
    assert "'answers' holds a Python object as it is printed" in message
    assert "JSON lines" in message
    with pytest.raises(ConfigError, match=r"f:1: column 'answers' holds a Python object") as caught:
        guessed([{"question": "Who?", "context": CONTEXT, "answers": printed}])
    assert "to_json" in str(caught.value)


def test_ids_that_repeat_are_told_with_their_places() -> None:
    ids = ["a", "b", "a", "c", "b", "a"]
    examples = [
        read_question(
            Row(row("Bob", answer_start=8, id=name).values, Origin("f", line)), COLUMNS, labelled=True
        )
        for line, name in enumerate(ids, 1)
    ]
    (finding,) = examine({"train": examples, "test": examples[:2]})
    assert (finding.code, finding.severity) == ("repeated-ids", "warning")
    assert finding.message.startswith("train: 2 ids stand on 5 questions")
    assert finding.examples == ("id 'a' at f:1, f:3, f:6", "id 'b' at f:2, f:5")


@pytest.mark.parametrize("repair", [False, True])
def test_an_answer_that_occurs_nowhere_is_always_refused(repair: bool) -> None:
    message = refusal({"text": ["Dan"], "answer_start": [8]}, repair)
    assert "question q1: answer 'Dan' does not occur in the context" in message


def test_unlabelled_rows_need_no_answers_and_may_be_blank() -> None:
    bare = Row({"question": "", "context": " "}, Origin("input", 3))
    example = read_question(bare, COLUMNS, labelled=False)
    assert (example.id, example.question, example.context, example.answers) == ("3", "", " ", None)


def test_questions_on_one_passage_are_tied_together() -> None:
    same = {read("Bob").group_id, read("Ada").group_id, read([]).group_id}
    assert same == {passage_id(CONTEXT)}
    assert read("Bob", context="Bob").group_id not in same


def test_the_answer_to_learn_is_the_most_frequent() -> None:
    answers = [Answer("a", 0), Answer("b", 1), Answer("c", 2), Answer("b", 5)]
    assert main_answer(answers) == Answer("b", 1)
    assert main_answer(answers[:3]) == Answer("a", 0)
    assert texts_of(answers) == ["a", "b", "c"]


def test_questions_without_answer_are_counted() -> None:
    findings = examine(
        {"train": [read("Bob", answer_start=8)], "test": [read([]), read("Ada", answer_start=0, id="q2")]}
    )
    assert [finding.code for finding in findings] == ["no-answer", "no-answer-absent-from-train"]
    assert "test: 1 question of 2 (50.0%)" in findings[0].message
    assert examine({"train": [read("Bob", answer_start=8)]}) == []


# Moving along with a text


def test_answers_move_along_with_the_context() -> None:
    example = read({"text": ["Bob", "Cid"], "answer_start": [38, 21]})
    assert with_texts(example, "Who?", CONTEXT) == example
    moved = with_texts(example, "Whom?", "Well: " + CONTEXT.replace("Cid", "Dan"))
    assert (moved.id, moved.question, moved.answers) == ("q1", "Whom?", (Answer("Bob", 44),))
    assert with_texts(example, "Who?", "nobody").answers == ()
    assert with_texts(read([]), "Who?", "nobody").answers == ()


# Columns


def guessed(sample: list[dict[str, Any]], **named: str) -> Columns | None:
    rows = [Row(values, Origin("f", line)) for line, values in enumerate(sample, 1)]
    return guess_columns(list(sample[0]), rows, named)


def test_columns_of_reading_comprehension_are_known() -> None:
    squad = {"id": "1", "title": "t", "context": CONTEXT, "question": "Who?"}
    assert guessed([{**squad, "answers": {"text": ["Bob"], "answer_start": [8]}}]) == COLUMNS
    assert guessed([{**squad, "answers": [{"text": "Bob", "answer_start": 8}]}]) == COLUMNS
    plain = {"Question": "Who?", "passage": CONTEXT, "answer": "Bob"}
    assert guessed([plain] * 3) == Columns("Question", "passage", "answer")
    chinese = {"question": "\u8c01", "context": "\u5f20\u4e09\u6765\u4e86", "answers": ["\u5f20\u4e09"]}
    assert guessed([chinese]) == COLUMNS
    other = {"q": "Who?", "story": CONTEXT, "a": ["Ada"]}
    assert guessed([other]) is None
    assert guessed([other], question="q", context="story", answers="a") == Columns("q", "story", "a")


@pytest.mark.parametrize(
    "values",
    [
        {"question": "Who met Bob?", "sentence": CONTEXT, "label": "entailment"},
        {"question": "Did Ada meet Bob?", "passage": CONTEXT, "answer": True},
        {"question": "Did Ada meet Bob?", "passage": CONTEXT, "answer": "yes"},
        {"question": "Who met Bob?", "article": CONTEXT, "options": ["Ada", "Dan"], "answer": "A"},
        {"question": "Who met Bob?", "context": CONTEXT, "answer": "A"},
        {"question": "Who met Bob?", "context": CONTEXT, "answers": "Ada", "label": "easy"},
        {"question": "Who met Bob?", "context": CONTEXT, "answers": []},
        {"question": "Who met Bob?", "context": CONTEXT},
        {"question": "Who met Bob?", "answers": ["Ada"]},
    ],
)
def test_other_questions_are_left_to_other_tasks(values: dict[str, Any]) -> None:
    assert guessed([values] * 4) is None


# Kinds


def test_length_classes() -> None:
    words = [answer_kinds.length_class("w " * count, "words") for count in (1, 2, 3, 4, 5, 9, 10, 99)]
    assert words == ["1", "2", "3 to 4", "3 to 4", "5 to 9", "5 to 9", "10+", "10+"]
    assert answer_kinds.length_class("\u5f20 \u4e09", "characters") == "1 to 2"
    assert answer_kinds.length_classes("words") == ["1", "2", "3 to 4", "5 to 9", "10+"]


def test_scripts_without_blanks() -> None:
    chinese, mixed, english = (Answer(text, 0) for text in ("\u5f20\u4e09", "2007\u5e74", "Bob"))
    assert answer_kinds.is_unspaced([chinese, chinese, mixed])
    assert not answer_kinds.is_unspaced([chinese, mixed])
    assert not answer_kinds.is_unspaced([english])
    assert not answer_kinds.is_unspaced([])
