"""The columns of files that people have: GLUE's, and those of the usual classification sets."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tunewell.core.examples import Origin, Row
from tunewell.data.columns import guess_target, guess_texts, kind_of_target

DRAW = random.Random(0)
WORDS = [
    "good",
    "bad",
    "film",
    "story",
    "time",
    "actor",
    "plot",
    "nice",
    "awful",
    "slow",
    "fast",
    "bright",
    "dark",
    "tea",
    "cup",
]

Cell = Callable[[int], str]


def prose(index: int) -> str:
    return " ".join(DRAW.choice(WORDS) for _ in range(DRAW.randint(5, 12)))


def one_of(*values: str) -> Cell:
    return lambda index: values[index % len(values)]


NUMBER: Cell = str
FLAG = one_of("0", "1")


@pytest.mark.parametrize(
    ("columns", "texts", "target"),
    [
        ({"Class Index": one_of("1", "2"), "Title": prose, "Description": prose}, ["Title", "Description"], "Class Index"),
        (
            {"index": NUMBER, "genre": one_of("fiction", "travel"), "sentence1": prose, "sentence2": prose,
             "gold_label": one_of("a", "b", "c")},
            ["sentence1", "sentence2"], "gold_label",
        ),
        (
            {"id": NUMBER, "qid1": NUMBER, "qid2": NUMBER, "question1": prose, "question2": prose, "is_duplicate": FLAG},
            ["question1", "question2"], "is_duplicate",
        ),
        (
            {"Quality": FLAG, "#1 ID": NUMBER, "#2 ID": NUMBER, "#1 String": prose, "#2 String": prose},
            ["#1 String", "#2 String"], "Quality",
        ),
        (
            {"genre": one_of("main"), "source1": one_of("none"), "source2": one_of("none"), "sentence1": prose,
             "sentence2": prose, "score": one_of("1.5", "2.0", "4.25")},
            ["sentence1", "sentence2"], "score",
        ),
        (
            {"id": NUMBER, "comment_text": prose, "toxic": FLAG, "insult": FLAG, "note": one_of("")},
            ["comment_text"], ["toxic", "insult"],
        ),
        ({"review": prose, "sentiment": one_of("positive", "negative")}, ["review"], "sentiment"),
    ],
)  # fmt: skip
def test_known_files_are_read_without_asking(
    columns: dict[str, Cell], texts: list[str], target: str | list[str]
) -> None:
    rows = [
        Row({name: cell(index) for name, cell in columns.items()}, Origin("f", index + 2))
        for index in range(60)
    ]
    assert guess_texts(list(columns), rows, taken=()) == texts
    assert guess_target(list(columns), rows, taken=texts) == target


def test_numbered_classes_stay_classes() -> None:
    assert kind_of_target([str(number) for number in range(60)], "|").kind == "single_label"
    assert kind_of_target([str(number * number) for number in range(60)], "|").kind == "regression"
