"""Which columns token classification takes for what, what it leaves to others, and the scheme it sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Origin, Row
from tunewell.tasks import TASKS, task_class
from tunewell.tasks.base import Reading
from tunewell.tasks.token_classification import TokenClassification

WORDS = [["Anna", "Lee", "saw", "Oslo"], ["Rome", "sleeps"], ["Oslo", "saw", "her"]]
IOB1 = [["I-PER", "I-PER", "O", "I-LOC"], ["I-LOC", "O"], ["I-LOC", "O", "O"]]
IOB2 = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"], ["B-LOC", "O", "O"]]
IOBES = [["B-PER", "E-PER", "O", "S-LOC"], ["S-LOC", "O"], ["S-LOC", "O", "O"]]
POS = [["PROPN", "PROPN", "VERB", "PROPN"], ["PROPN", "VERB"], ["PROPN", "VERB", "PRON"]]
NUMBERS = [[1, 2, 0, 3], [3, 0], [3, 0, 0]]
TEXTS = [" ".join(words) for words in WORDS]
SPANS = [[{"start": 0, "end": 8, "label": "PER"}], [], [{"start": 0, "end": 4, "label": "LOC"}]]


def infer(given: dict[str, Any] | None = None, **columns: Sequence[Any]) -> Reading | None:
    rows = [
        Row(dict(zip(columns, values, strict=True)), Origin("data.jsonl", line))
        for line, values in enumerate(zip(*columns.values(), strict=True), 1)
    ]
    return TokenClassification.infer(list(columns), rows, given or {})


def settings(given: dict[str, Any] | None = None, **columns: Sequence[Any]) -> tuple[Any, Any, Any]:
    reading = infer(given, **columns)
    assert reading is not None
    return reading.settings["tokens"], reading.settings["column"], reading.settings["scheme"]


@pytest.mark.parametrize(
    ("tags", "scheme"), [(IOB1, "iob1"), (IOB2, "iob2"), (IOBES, "iobes"), (POS, "plain")]
)
def test_the_scheme_is_read_off_the_tags(tags: Any, scheme: str) -> None:
    assert settings(tokens=WORDS, tags=tags) == ("tokens", "tags", scheme)


def test_the_scheme_comes_from_all_rows() -> None:
    late = [["O", "O", "O", "O"], ["O", "O"], ["S-LOC", "O", "O"]]
    assert settings(tokens=WORDS, tags=late)[2] == "iobes"


@pytest.mark.parametrize(
    ("tokens", "tags"),
    [
        ("tokens", "ner_tags"),
        ("words", "labels"),
        ("Tokens", "NER"),
        ("sentence", "tags"),
        ("text", "bio_tags"),
    ],
)
def test_usual_names_are_known(tokens: str, tags: str) -> None:
    assert settings(**{"id": "abc", tokens: WORDS, tags: IOB2}) == (tokens, tags, "iob2")


def test_one_of_several_columns_is_taken_and_the_others_named() -> None:
    reading = infer(tokens=WORDS, column_2=POS, pos_tags=POS, tags=IOB2, ner_tags=IOB2)
    assert reading is not None
    assert reading.settings["column"] == "ner_tags"
    assert reading.said == (
        "tokens = tokens, tags = ner_tags: entities in IOB2, 2 types "
        "(or tags, pos_tags, column_2: --set task.column=tags)"
    )
    conllu = {
        "id": "abc",
        "text": TEXTS,
        "tokens": WORDS,
        "lemma": WORDS,
        "upos": POS,
        "xpos": POS,
        "feats": POS,
    }
    reading = infer(**conllu)
    assert reading is not None
    assert reading.settings == {"tokens": "tokens", "column": "upos", "scheme": "plain"}
    assert (
        reading.said
        == "tokens = tokens, tags = upos: parts of speech, 3 tags (or xpos: --set task.column=xpos)"
    )
    assert settings({"column": "xpos"}, **conllu) == ("tokens", "xpos", "plain")
    assert settings({"column": "feats.Case"}, **conllu) == ("tokens", "feats.Case", "plain")


def test_a_text_with_spans() -> None:
    reading = infer(text=TEXTS, entities=SPANS)
    assert reading is not None
    assert reading.settings == {"tokens": "text", "column": "entities", "scheme": "spans"}
    assert reading.said == "tokens = text, tags = entities: entities as spans of characters, 2 types"
    doccano = [[[0, 8, "PER"]], [], [[0, 4, "LOC"]]]
    assert settings(id=range(3), text=TEXTS, label=doccano) == ("text", "label", "spans")
    assert settings({"column": "marks"}, text=TEXTS, marks=SPANS) == ("text", "marks", "spans")
    assert settings({"tokens": "body"}, body=TEXTS, entities=SPANS) == ("body", "entities", "spans")


def test_numbers_need_names() -> None:
    with pytest.raises(ConfigError, match=r"numbers") as caught:
        infer(tokens=WORDS, ner_tags=NUMBERS)
    assert "task.labels" in str(caught.value)
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    assert settings({"labels": names}, tokens=WORDS, ner_tags=NUMBERS) == ("tokens", "ner_tags", "iob2")
    assert settings({"scheme": "plain"}, tokens=WORDS, ner_tags=NUMBERS)[2] == "plain"


def test_what_the_user_says_is_taken() -> None:
    given = {"tokens": "w", "column": "t", "scheme": "iob1"}
    assert settings(given, w=WORDS, t=IOB2, tokens=WORDS, tags=POS) == ("w", "t", "iob1")


@pytest.mark.parametrize(
    "columns",
    [
        {"text": TEXTS, "label": ["a", "b", "a"]},
        {"text": TEXTS, "labels": [["a", "b"], [], ["c"]]},
        {"text": TEXTS, "labels": [[0, 1, 0], [1, 1, 0], [0, 0, 0]]},
        {"text": TEXTS, "entities": [[], [], []]},
        {"text": TEXTS, "entities": [["Oslo"], [], ["Rome"]]},
        {"tokens": WORDS, "label": ["a", "b", "a"]},
        {"tokens": WORDS, "labels": [["a"], [], ["b"]]},
        {"tokens": WORDS},
        {"sentence": TEXTS, "tags": ["x|y", "x", ""]},
        {"context": TEXTS, "question": TEXTS, "answers": [{"text": [], "answer_start": []}] * 3},
        {"x": [1, 2, 3], "y": [4.0, 5.0, 6.0]},
    ],
)
def test_files_of_another_kind_are_not_claimed(columns: dict[str, Any]) -> None:
    assert infer(**columns) is None


def test_a_setting_of_another_task_speaks_for_that_one() -> None:
    assert infer({"text": "text", "label": "tags"}, text=TEXTS, tokens=WORDS, tags=POS) is None
    named = {"name": "token-classification", "text": "text"}
    assert infer(named, text=TEXTS, tokens=WORDS, tags=POS) is not None  # and the setting is refused later


def test_a_stray_number_does_not_make_the_tags_numbers() -> None:
    """It is told of with its place when the row is read."""
    stray = [[*IOB2[0][:3], 3], *IOB2[1:]]
    assert settings(tokens=WORDS, tags=stray) == ("tokens", "tags", "iob2")


def test_it_is_asked_before_text_classification() -> None:
    """Which would take a column of spans for several labels."""
    names = list(TASKS)
    assert names.index("token-classification") < names.index("text-classification")
    assert task_class("token-classification") is TokenClassification
