"""Which columns are source and target: what is claimed, what is left to other tasks, what is asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, TunewellError
from tunewell.core.examples import Origin, Row
from tunewell.data.sources import SourceSettings, read
from tunewell.data.translation_columns import (
    PairColumns,
    asked_columns,
    elsewhere,
    guess_columns,
    source_column,
)
from tunewell.tasks import task_class

DATA = os.environ.get("TUNEWELL_DATA")

PROSE = [
    f"{start} that nobody saw, number {n}" for n, start in enumerate(("A dog", "A cat", "Two men", "One car"))
]
OTHER = [
    f"{start}, den keiner sah, Nummer {n}" for n, start in enumerate(("Hund", "Kater", "Herren", "Wagen"))
]
CHINESE = ["我已经起来了", "你用跑的", "嗨", "两个男人"]
WORDS = [["A", "dog"], ["A", "cat"], ["Two"], ["One"]]
LABELS = ["a", "b", "a", "b"]


def rows_of(columns: dict[str, Sequence[Any]], file: str = "data.tsv") -> list[Row]:
    return [
        Row(dict(zip(columns, values, strict=True)), Origin(file, line))
        for line, values in enumerate(zip(*columns.values(), strict=True), 2)
    ]


def guess(columns: dict[str, Sequence[Any]], file: str = "data.tsv", **given: Any) -> PairColumns | None:
    return guess_columns(list(columns), rows_of(columns, file), given)


def asked(columns: dict[str, Sequence[Any]], **given: Any) -> PairColumns:
    return asked_columns(list(columns), rows_of(columns), given)


def objects(**texts: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(zip(texts, values, strict=True)) for values in zip(*texts.values(), strict=True)]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"en": PROSE, "zh": CHINESE, "attribution": PROSE}, ("en", "zh", "en", "zh")),
        ({"de": OTHER, "en": PROSE}, ("de", "en", "de", "en")),
        ({"zh_CN": CHINESE, "deu_Latn": OTHER}, ("zh_CN", "deu_Latn", "zh_CN", "deu_Latn")),
        ({"id": PROSE, "EN": OTHER}, ("id", "EN", "id", "EN")),  # Indonesian
        ({"id": ["a1", "a2", "a3", "a4"], "de": OTHER, "en": PROSE}, ("de", "en", "de", "en")),
        (
            {"id": LABELS, "translation": objects(de=OTHER, en=PROSE)},
            ("translation.de", "translation.en", "de", "en"),
        ),
        ({"source": PROSE, "target": OTHER}, ("source", "target", None, None)),
        ({"Src": PROSE, "Tgt": CHINESE}, ("Src", "Tgt", None, None)),
        ({"document": PROSE, "summary": OTHER, "id": range(4)}, ("document", "summary", None, None)),
        ({"article": PROSE, "highlights": OTHER, "id": LABELS}, ("article", "highlights", None, None)),
        ({"id": LABELS, "dialogue": PROSE, "summary": OTHER}, ("dialogue", "summary", None, None)),
    ],
)
def test_unmistakable(columns: dict[str, Sequence[Any]], found: tuple[str | None, ...]) -> None:
    assert guess(columns) == PairColumns(*found)  # type: ignore[arg-type]
    assert asked(columns) == PairColumns(*found)  # type: ignore[arg-type]
    for name in ("token-classification", "question-answering"):
        assert task_class(name).infer(list(columns), rows_of(columns), {}) is None


OF_OTHERS: list[dict[str, Sequence[Any]]] = [
    {"text": PROSE, "label": LABELS},
    {"sentence": PROSE},
    {"premise": PROSE, "hypothesis": OTHER, "label": LABELS},
    {"sentence1": PROSE, "sentence2": OTHER, "score": [1.5, 2.5, 3.5, 4.5]},
    {"en": PROSE, "de": OTHER, "score": ["0.1", "0.2", "0.7", "0.4"]},
    {"en": PROSE, "de": OTHER, "label": LABELS},
    {"text": PROSE, "summary": OTHER, "stars": ["1", "2", "3", "4"]},
    {"text": PROSE, "source": OTHER, "target": PROSE},
    {"source": ["web", "web", "paper", "web"], "target": LABELS},
    {"source": PROSE, "target": ["very good", "very bad", "very good", "very bad"]},
    {"tokens": WORDS, "tags": WORDS},
    {"text": PROSE, "no": ["1", "2", "3", "4"], "is": ["0", "1", "1", "0"]},
    {"question": PROSE, "context": OTHER, "answers": [{"text": ["A"], "answer_start": [0]}] * 4},
    {"question": PROSE, "document": OTHER, "summary": PROSE},
    {"messages": [[{"role": "user", "content": "Hi"}]] * 4},
    {"input": PROSE, "output": OTHER},
    {"text": PROSE, "translation": OTHER},
    {"translation": [{"text": "a b", "mark": "c d"}] * 4},
    {"question": PROSE, "answer": OTHER},
    {"en": PROSE},
    {"title": PROSE, "description": OTHER, "class": LABELS},
]


@pytest.mark.parametrize("columns", OF_OTHERS, ids=lambda columns: "-".join(columns))
def test_what_may_be_something_else(columns: dict[str, Sequence[Any]]) -> None:
    assert guess(columns) is None


def test_more_than_two_languages_are_asked() -> None:
    three = {"en": PROSE, "de": OTHER, "zh": CHINESE}
    inside = {"translation": objects(**three)}
    for columns, before in ((three, ""), (inside, "translation.")):
        for attempt in (guess, asked):
            with pytest.raises(ConfigError, match="There are en, de, zh") as caught:
                attempt(columns)
            assert "--set task.source_language=en --set task.target_language=de" in str(caught.value)
            with pytest.raises(ConfigError, match="There are en, de, zh"):
                attempt(columns, source_language="de")
            with pytest.raises(ConfigError, match="'fr' is none of en, de, zh") as caught:
                attempt(columns, source_language="de", target_language="fr")
            assert caught.value.where == "task.target_language"
            found = attempt(columns, source_language="de", target_language="zh_CN")
            assert found == PairColumns(f"{before}de", f"{before}zh", "de", "zh_CN")


def test_the_file_that_was_named_is_the_source_whatever_lies_beside_it() -> None:
    three = {"en": PROSE, "de": OTHER, "fr": OTHER}
    found = PairColumns("en", "fr", "en", "fr")
    assert guess(three, file="data/train.en+de+fr", target_language="fr") == found
    for attempt in ({"target_language": "en"}, {}):
        with pytest.raises(ConfigError, match="There are en, de, fr"):
            guess(three, file="data/train.en+de+fr", **attempt)
    with pytest.raises(ConfigError, match="There are en, de, fr") as caught:
        guess(three, file="data/train.de,en,fr", target_language="fr")
    assert caught.value.fix is not None
    assert "task.target_language=fr" in caught.value.fix, "what was set stays"
    assert "task.source_language=en" in caught.value.fix


def test_languages_choose_the_direction() -> None:
    pair = {"en": PROSE, "de": OTHER}
    turned = PairColumns("de", "en", "de", "en")
    assert guess(pair, source_language="de") == turned
    assert guess(pair, target_language="en") == turned
    assert guess(pair, source="de") == turned
    assert guess(pair, source_language="deu_Latn", target_language="eng_Latn") == PairColumns(
        "de", "en", "deu_Latn", "eng_Latn"
    )
    british = {"en_GB": PROSE, "en_US": OTHER, "de": OTHER}
    with pytest.raises(ConfigError, match="'en' could be en_GB or en_US"):
        guess(british, source_language="en", target_language="de")
    plain = guess({"source": PROSE, "target": OTHER}, source_language="en", target_language="de")
    assert plain == PairColumns("source", "target", "en", "de")


def test_parallel_files_without_a_direction_are_asked() -> None:
    pair = {"de": OTHER, "en": PROSE}
    with pytest.raises(ConfigError, match="which language is translated into which"):
        guess(pair, file="data/train.de,en.gz")
    assert guess(pair, file="data/train.de+en.gz") == PairColumns("de", "en", "de", "en")
    assert guess(pair, file="data/train.de,en", source_language="en") == PairColumns("en", "de", "en", "de")


def test_objects_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="one language alone, 'en'"):
        guess({"translation": objects(en=PROSE)})
    with pytest.raises(ConfigError, match="no language"):
        guess({"translation": [{}] * 4})
    with pytest.raises(ConfigError, match="as it is printed") as caught:
        guess({"translation": ["{'en': 'a', 'de': 'b'}"] * 4})
    assert "to_json" in str(caught.value)
    mixed = [*objects(en=PROSE, de=OTHER)[:3], "text"]
    assert guess({"translation": mixed}) == PairColumns("translation.en", "translation.de", "en", "de")


def test_what_the_user_says() -> None:
    columns = {"id": range(4), "english": PROSE, "deutsch": OTHER, "kind": LABELS}
    assert asked(columns) == PairColumns("english", "deutsch", None, None)
    assert asked(columns, source="deutsch") == PairColumns("deutsch", "english", None, None)
    assert guess(columns) is None
    assert guess(columns, source="english", target="deutsch") == PairColumns("english", "deutsch", None, None)
    assert asked({"input": PROSE, "output": OTHER, "more": PROSE}) == PairColumns(
        "input", "output", None, None
    )
    assert asked({"translation": [{"x": "a b", "y": "c d"}] * 4}).source == "translation.x"
    with pytest.raises(ConfigError, match="The columns are a, b, c") as caught:
        asked({"a": PROSE, "b": OTHER, "c": CHINESE})
    assert "task.source=COLUMN" in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be both"):
        asked(columns, source="english", target="english")


def test_other_files() -> None:
    learnt = PairColumns("translation.en", "translation.de", "en", "de")
    lines = {"de": OTHER, "en": PROSE}
    assert elsewhere(list(lines), rows_of(lines), learnt) == PairColumns("en", "de", "en", "de")
    same = {"translation": objects(en=PROSE, de=OTHER)}
    assert elsewhere(list(same), rows_of(same), learnt) == learnt
    for lacking in ({"en": PROSE, "fr": OTHER}, {"text": PROSE}):
        assert elsewhere(list(lacking), rows_of(lacking), learnt) == learnt
    assert source_column(["translation"], learnt) == "translation.en"
    assert source_column(["id", "en"], learnt) == "en"
    assert source_column(["text"], learnt) == "text"
    assert source_column(["de"], learnt) is None
    assert source_column(["en"], PairColumns("source", "target", None, None)) is None
    assert source_column(["eng"], PairColumns("source", "target", "en_XX", "de_DE")) == "eng"


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize(
    ("name", "expected"),
    [("multi30k_en_de", ("en", "de", "en", "de")), ("tatoeba_en_zh", ("en", "zh", "en", "zh"))],
)
def test_real_translations(name: str, expected: tuple[str, ...]) -> None:
    source = read(str(Path(str(DATA), name)))["train"]
    assert guess_columns(source.columns, source.rows, {}) == PairColumns(*expected)
    for task in ("token-classification", "question-answering"):
        assert task_class(task).infer(source.columns, source.rows, {}) is None
    with pytest.raises(ConfigError, match=r"It could be en, "):  # it asks, and claims nothing
        task_class("text-classification").infer(source.columns, source.rows, {})


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
def test_real_files_of_other_tasks() -> None:
    seen = 0
    for path in sorted(Path(str(DATA)).glob("*/*")):
        if path.parent.name in ("multi30k_en_de", "tatoeba_en_zh"):
            continue
        try:
            tables = read(str(path), SourceSettings(on_bad_row="drop", limit=2000))
        except TunewellError:
            continue
        for source in tables.values():
            seen += 1
            assert guess_columns(source.columns, source.rows, {}) is None, path
    assert seen >= 30


def test_english_names_of_languages_are_languages() -> None:
    columns = {"English": PROSE, "German": OTHER}
    assert guess(columns) == PairColumns("English", "German", "en", "de")
    backwards = guess(columns, source_language="de", target_language="en")
    assert backwards == PairColumns("German", "English", "de", "en")
    assert source_column(["id", "English"], PairColumns("en", "de", "en", "de")) == "English"


@pytest.mark.parametrize("texts", [["dog"] * 4, ["!", "?", "...", "1"]])
def test_lines_of_parallel_files_need_no_words(texts: list[str]) -> None:
    columns = {"en": texts, "de": texts}
    assert guess(columns) is None
    assert guess(columns, "words.en+de") == PairColumns("en", "de", "en", "de")
    sides = {"source": texts, "target": texts}
    assert guess(sides, "words.source+target") == PairColumns("source", "target", None, None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Two young men are outside.", "Zwei junge Männer in Wirklichkeit draußen."),
        ("Hi there!", "你好。"),
        ("Go.", "Va !"),
    ],
)
def test_a_pair_in_the_place_of_the_names_is_not_lost(first: str, second: str) -> None:
    columns = {first: PROSE, second: OTHER}
    for find in (guess, asked):
        with pytest.raises(ConfigError, match=r"reads as if it were texts") as caught:
            find(columns)
        assert "data.column_names=[source,target]" in str(caught.value.fix)
    assert guess({"a text": PROSE, "its label.": LABELS}) is None


def test_a_column_that_is_not_there_is_told_of_as_such() -> None:
    with pytest.raises(ConfigError, match=r"no column 'foo'; the columns are en, de") as caught:
        guess({"en": PROSE, "de": OTHER}, source="foo")
    assert caught.value.where == "task.source"
    with pytest.raises(ConfigError, match=r"no column 'foo'"):
        asked({"first": PROSE, "second": OTHER, "third": OTHER}, target="foo")


def test_one_language_cannot_be_both() -> None:
    with pytest.raises(ConfigError, match=r"'en' is the language of the source already") as caught:
        guess({"en": PROSE, "de": OTHER}, source_language="en", target_language="en")
    assert caught.value.where == "task.target_language"


def test_tabs_in_a_plain_text_file_are_pointed_at() -> None:
    with pytest.raises(ConfigError) as caught:
        asked({"text": [f"{one}\t{two}" for one, two in zip(PROSE, OTHER, strict=True)]})
    assert "data.format=tsv" in str(caught.value.fix)


def test_the_source_of_a_file_without_targets_may_be_called_so_or_lie_in_an_object() -> None:
    learnt = PairColumns("en", "de", "en", "de")
    assert source_column(["id", "source"], learnt) == "source"
    assert source_column(["translation"], learnt) == "translation.en"
    assert source_column(["translation"], PairColumns("translation.de", "translation.en", "de", "en")) == (
        "translation.de"
    )
    assert source_column(["id", "label"], learnt) is None
