"""How tags are scored, and what the report shows of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tunewell.core.examples import Origin, Row
from tunewell.core.sections import MarkedTexts, section_from_json
from tunewell.tasks.token_classification import TokenClassification, TokenClassificationConfig

NAMES = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def task(**given: Any) -> TokenClassification:
    named = {"tokens": "tokens", "column": "tags", "scheme": "iob2", "labels": list(NAMES), **given}
    return TokenClassification.new(TokenClassificationConfig(**named))


def rows_of(log_probabilities: Any) -> Any:
    rows = np.asarray(log_probabilities, dtype=np.float32)
    return rows - np.log(np.exp(rows).sum(axis=-1, keepdims=True))


def judged(reader: TokenClassification, gold: list[str], said: list[str]) -> tuple[Any, Any]:
    read = reader.read(Row({"tokens": list("abcdefgh")[: len(gold)], "tags": gold}, Origin("data.jsonl", 1)))
    rows = np.full((len(said), len(reader.labels)), 0.02)
    rows[range(len(said)), [reader.labels.ids[tag] for tag in said]] = 0.9
    return read, reader.decode(read, [rows_of(np.log(rows))])


def test_scores_of_entities_count_spans_and_words() -> None:
    reader = task()
    pairs = [
        judged(reader, ["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "I-PER", "O", "B-PER"]),
        judged(reader, ["O", "I-LOC", "O"], ["O", "B-LOC", "O"]),
    ]
    scores = reader.score(*map(list, zip(*pairs, strict=True)))  # type: ignore[arg-type]
    values = scores.values()
    assert scores.primary == "entity_f1"
    assert values["entity_f1"] == pytest.approx(2 / 3)  # PER and, as conlleval reads it, LOC
    assert values["entity_f1_strict"] == pytest.approx(2 / 5)  # 1 right of 3 predicted and 2 gold
    assert values["token_accuracy"] == pytest.approx(5 / 7)
    assert list(values) == [
        "entity_f1", "entity_precision", "entity_recall", "entity_macro_f1", "entity_f1_strict",
        "entity_precision_strict", "entity_recall_strict", "entity_macro_f1_strict", "token_accuracy",
    ]  # fmt: skip


def test_what_the_report_shows_of_entities() -> None:
    reader = task()
    pairs = [
        judged(reader, ["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "I-PER", "O", "B-LOC"]),
        judged(reader, ["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "O", "O", "B-PER"]),
        judged(reader, ["O", "O", "O"], ["O", "B-LOC", "O"]),
        judged(reader, ["O", "O", "O"], ["O", "O", "O"]),
    ]
    sections = reader.describe(*map(list, zip(*pairs, strict=True)))  # type: ignore[arg-type]
    assert [section.kind for section in sections] == ["table", "bars", "table", "marked", "reliability"]
    assert [section_from_json(section.to_json()) for section in sections]
    table, bars, lengths, texts, reliability = (section.to_json() for section in sections)
    assert table["rows"] == [["LOC", 0.5, 0.5, 0.5, 2, 2], ["PER", 1 / 3, 0.5, pytest.approx(0.4), 2, 3]]
    assert bars["counts"] == {"right": 2, "boundary": 1, "type": 1, "invented": 1}
    assert list(bars["counts"]) == ["right", "boundary", "type", "invented"]
    assert [row[0] for row in lengths["rows"]] == ["1", "2", "3", "4+"]
    assert sum(part["count"] for part in reliability["bins"]) == 14
    assert isinstance(sections[3], MarkedTexts)
    entries = {entry["facts"]["errors"]: entry for entry in texts["entries"]}
    assert list(entries)[2] == "none"
    assert {errors: entry["facts"]["wrong_words"] for errors, entry in entries.items()} == {
        "1 boundary, 1 type": 2, "1 invented": 1, "none": 0,
    }  # fmt: skip
    first = entries["1 boundary, 1 type"]
    assert first["text"] == "a b c d"
    assert [(m["char_start"], m["char_end"], m["label"], m["side"]) for m in first["marks"]] == [
        (0, 3, "PER", "gold"), (6, 7, "LOC", "gold"), (0, 1, "PER", "predicted"), (6, 7, "PER", "predicted"),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [3, 30])
def test_what_the_report_shows_of_plain_tags(count: int) -> None:
    names = [f"T{number:02}" for number in range(count)]
    reader = task(scheme="plain", labels=names)
    pairs = [judged(reader, names[:3], [names[0], names[2], names[2]])] * 2
    sections = reader.describe(*map(list, zip(*pairs, strict=True)))  # type: ignore[arg-type]
    kinds = ["matrix" if count == 3 else "table", "table", "texts", "reliability"]
    assert [section.kind for section in sections] == kinds
    confusions, _, mistakes, _ = (section.to_json() for section in sections)
    if count == 30:
        assert confusions["rows"] == [["T01", "T02", 2, 1.0]]
    assert (
        confusions["shows"]
        == "The most frequent mistake: T01 taken for T02, 2 times, which is 100.0% of all T01."
    )
    assert len(mistakes["entries"]) == 2
    entry = mistakes["entries"][0]
    assert (entry["text"], entry["gold"], entry["predicted"]) == ("a [b] c", "T01", "T02")
    assert entry["origin"] == "data.jsonl:1, token 2"
    scores = reader.score(*map(list, zip(*pairs, strict=True)))  # type: ignore[arg-type]
    assert scores.primary == "accuracy"
    assert scores.values()["accuracy"] == pytest.approx(2 / 3)
