"""Which columns text classification takes for what, and when it asks instead of guessing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Origin, Row
from tunewell.tasks.base import Reading
from tunewell.tasks.text_classification import TextClassification

PROSE = [
    f"{start} that nobody could have told before it came number {n}"
    for n, start in enumerate(("A story", "Some music", "The weather", "An answer", "One more", "Fine words"))
]
OTHER = [text.upper() + "?" for text in PROSE]


def infer(given: dict[str, Any] | None = None, **columns: Sequence[Any]) -> Reading | None:
    names = list(columns)
    rows = [
        Row(dict(zip(names, values, strict=True)), Origin("data.csv", line))
        for line, values in enumerate(zip(*columns.values(), strict=True), 2)
    ]
    return TextClassification.infer(names, rows, given or {})


def settings(given: dict[str, Any] | None = None, **columns: Sequence[Any]) -> tuple[Any, Any, Any]:
    reading = infer(given, **columns)
    assert reading is not None
    return reading.settings["text"], reading.settings["label"], reading.settings["kind"]


LABELS = ["a", "b", "a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("text", "label"),
    [("text", "label"), ("sentence", "label"), ("review", "sentiment"), ("Text", "Class"), ("body", "stars")],
)
def test_usual_names_are_known(text: str, label: str) -> None:
    assert settings(**{text: PROSE, label: LABELS}) == (text, label, "single_label")
    assert settings(**{label: LABELS, text: PROSE}) == (text, label, "single_label")


@pytest.mark.parametrize(
    "pair",
    [
        ("sentence1", "sentence2"),
        ("sentence_A", "sentence_B"),
        ("question1", "question2"),
        ("premise", "hypothesis"),
        ("question", "sentence"),
    ],
)
def test_pairs_are_known(pair: tuple[str, str]) -> None:
    columns = {"id": range(6), pair[0]: PROSE, pair[1]: OTHER, "label": LABELS}
    assert settings(**columns) == (list(pair), "label", "single_label")


def test_an_id_column_is_neither_text_nor_label() -> None:
    assert settings(idx=range(6), sentence=PROSE, label=[0, 1, 0, 1, 1, 0]) == (
        "sentence",
        "label",
        "single_label",
    )


def test_the_reading_is_said_aloud() -> None:
    reading = infer(text=PROSE, label=LABELS)
    assert reading is not None
    assert reading.said == "text = text, label = label: 2 classes"


def test_two_possible_labels_are_asked_for() -> None:
    """SICK has a score and a judgement; both are sensible."""
    judgements = ["NEUTRAL", "ENTAILMENT", "NEUTRAL", "CONTRADICTION", "NEUTRAL", "ENTAILMENT"]
    sick = {
        "pair_ID": range(12),
        "sentence_A": PROSE + [f"{text} again" for text in PROSE],
        "sentence_B": OTHER + [f"{text} again" for text in OTHER],
        "relatedness_score": [1.5, 4.9, 3.3, 2.0, 5.0, 3.1] * 2,
        "entailment_judgment": judgements * 2,
    }
    with pytest.raises(ConfigError) as caught:
        infer(**sick)
    assert "relatedness_score" in str(caught.value)
    assert "entailment_judgment" in str(caught.value)
    assert "task.label" in str(caught.value)
    pair = ["sentence_A", "sentence_B"]
    chosen = settings({"label": "entailment_judgment"}, **sick)
    assert chosen == (pair, "entailment_judgment", "single_label")
    assert settings({"label": "relatedness_score"}, **sick) == (pair, "relatedness_score", "regression")


def test_two_possible_texts_are_asked_for() -> None:
    with pytest.raises(ConfigError) as caught:
        infer(abstract=PROSE, conclusion=OTHER, label=LABELS)
    assert "abstract" in str(caught.value)
    assert "conclusion" in str(caught.value)
    assert "task.text" in str(caught.value)
    given = settings({"text": "conclusion", "label": "label"}, abstract=PROSE, conclusion=OTHER, label=LABELS)
    assert given == ("conclusion", "label", "single_label")


def test_several_columns_of_flags_are_several_labels() -> None:
    flags = {"toxic": [0, 1, 0, 1, 0, 0], "rude": ["1", "0", "0", "1", "1", "0"]}
    assert settings(text=PROSE, **flags) == ("text", ["toxic", "rude"], "multi_label")


def test_a_separator_or_lists_are_several_labels() -> None:
    joined = ["a|b", "a", "", "b|c", "c", "a"]
    assert settings(text=PROSE, labels=joined) == ("text", "labels", "multi_label")
    assert settings(text=PROSE, labels=[["a"], [], ["b", "a"], [], ["c"], ["a"]])[2] == "multi_label"
    semicolons = [value.replace("|", ";") for value in joined]
    assert settings(text=PROSE, labels=semicolons)[2] == "single_label"
    assert settings({"label_separator": ";"}, text=PROSE, labels=semicolons)[2] == "multi_label"


def test_real_numbers_are_a_regression_and_few_whole_numbers_are_labels() -> None:
    assert settings(text=PROSE, score=["0.5", "1.25", "3", "4", "2.5", "1"])[2] == "regression"
    assert settings(text=PROSE, stars=["1", "2", "3", "4", "5", "1"])[2] == "single_label"
    assert settings(text=PROSE, label=["0.0", "1.0", "0.0", "1.0", "1.0", "0.0"])[2] == "single_label"


def test_nan_does_not_make_labels_a_regression() -> None:
    assert settings(text=PROSE, label=[0.0, 1.0, float("nan"), 1.0, 0.0, 1.0])[2] == "single_label"


def test_what_the_user_says_is_taken() -> None:
    given = {"text": "note", "label": "mark", "kind": "single_label"}
    columns = {"note": PROSE, "remark": OTHER, "mark": [1.5, 2.5, 1.5, 2.5, 1.5, 2.5]}
    assert settings(given, **columns) == ("note", "mark", "single_label")


def test_files_of_another_kind_are_not_claimed() -> None:
    assert infer(x=[1, 2, 3], y=[4.0, 5.0, 6.0]) is None
    assert infer(text=PROSE) is None
