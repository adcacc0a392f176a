"""Files that are written in another way than the training file: other schemes, other columns, other texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunewell.config import load_config
from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Origin, Row
from tunewell.core.labels import LabelSet
from tunewell.core.rows import joined_row, own_columns
from tunewell.dataset import load_dataset
from tunewell.tasks import task_config
from tunewell.tasks.token_classification import TokenClassification, TokenClassificationConfig

TOKENS = [["Anna", "Lee", "saw", "Oslo"], ["Rome", "Oslo", "sleep"]]
IOB2 = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "B-LOC", "O"]]
IOB1 = [["I-PER", "I-PER", "O", "I-LOC"], ["I-LOC", "B-LOC", "O"]]
IOBES = [["B-PER", "E-PER", "O", "S-LOC"], ["S-LOC", "S-LOC", "O"]]
POS = [["PROPN", "PROPN", "VERB", "PROPN"], ["PROPN", "PROPN", "VERB"]]
SPANS = [[[0, 8, "PER"], [13, 17, "LOC"]], [[0, 4, "LOC"], [5, 9, "LOC"]]]
LABELS = LabelSet(("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))


def task(
    scheme: str = "iob2", tokens: str = "tokens", column: str = "tags", **given: Any
) -> TokenClassification:
    config = TokenClassificationConfig(tokens=tokens, column=column, scheme=scheme, **given)  # type: ignore[arg-type]
    return TokenClassification(config, LABELS if scheme != "plain" else LabelSet(("PROPN", "VERB")))


def rows(**columns: Any) -> list[Row]:
    return [
        Row(dict(zip(columns, values, strict=True)), Origin("other.jsonl", line))
        for line, values in enumerate(zip(*columns.values(), strict=True), 1)
    ]


def read(reader: TokenClassification, given: list[Row]) -> list[Any]:
    adapted = reader.adapted(list(given[0].values), given)
    assert adapted.labels == reader.labels
    return [adapted.read(row).tags for row in given]


ALL = {"iob1": IOB1, "iob2": IOB2, "iobes": IOBES}


@pytest.mark.parametrize("learnt", ALL)
@pytest.mark.parametrize("other", ALL)
def test_each_file_is_read_in_its_own_scheme(learnt: str, other: str) -> None:
    given = rows(tokens=TOKENS, tags=ALL[other])
    assert read(task(learnt), given) == [tuple(tags) for tags in IOB2]
    assert read(task(learnt, on_illegal_tag="refuse"), given) == [tuple(tags) for tags in IOB2]


@pytest.mark.parametrize(
    "columns",
    [
        {"words": TOKENS, "ner_tags": IOB2},
        {"tokens": TOKENS, "column_2": POS, "tags": IOB1},
        {"text": [" ".join(tokens) for tokens in TOKENS], "entities": SPANS},
    ],
)
@pytest.mark.parametrize("learnt", [("iob2", "tokens", "tags"), ("spans", "text", "entities")])
def test_columns_that_are_missing_are_guessed(learnt: tuple[str, str, str], columns: dict[str, Any]) -> None:
    reader, given = task(*learnt), rows(**columns)
    assert read(reader, given) == [tuple(tags) for tags in IOB2]
    assert (reader.config.scheme, reader.config.tokens, reader.config.column) == learnt


def test_a_column_that_is_there_stays_the_one_that_is_read() -> None:
    given = rows(words=TOKENS, ner_tags=IOB2, upos=POS)
    assert read(task("plain", column="upos"), given) == [tuple(tags) for tags in POS]


@pytest.mark.parametrize(
    "columns",
    [
        {"words": TOKENS, "pos": POS},
        {"words": TOKENS},
        {"words": TOKENS, "ner_tags": [[3, 4, 0, 1], [1, 1, 0]]},
    ],
)
def test_tags_of_another_kind_are_left_to_the_ordinary_error(columns: dict[str, Any]) -> None:
    reader, given = task(), rows(**columns)
    adapted = reader.adapted(list(columns), given)
    assert adapted == reader
    with pytest.raises(DataError, match="there is no column 'tokens'"):
        adapted.check_columns(list(columns), "other.jsonl")
    assert task("plain").adapted(["words", "tags2"], rows(words=TOKENS, ner_tags=IOB2)) == task("plain")


def test_slips_do_not_change_the_scheme() -> None:
    many = rows(
        tokens=TOKENS * 9, tags=[*IOB2 * 8, ["B-PER", "I-PER", "O", "I-LOC"], ["E-LOC", "B-LOC", "O"]]
    )
    reader = task()
    assert reader.adapted(["tokens", "tags"], many) == reader
    only_outside = rows(tokens=TOKENS, tags=[["O"] * 4, ["O"] * 3])
    assert task("iob1").adapted(["tokens", "tags"], only_outside) == task("iob1")


def test_each_split_is_read_in_its_own_way_and_that_is_said(tmp_path: Path) -> None:
    train = [{"tokens": tokens, "tags": tags} for tokens, tags in zip(TOKENS * 9, IOB2 * 9, strict=True)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in train))
    blocks = ["\n".join(map(" X ".join, zip(*pair, strict=True))) for pair in zip(TOKENS, IOB1, strict=True)]
    (tmp_path / "b.conll").write_text("\n\n".join(blocks) + "\n")
    test = [{"words": tokens, "ner_tags": tags} for tokens, tags in zip(TOKENS, IOBES, strict=True)]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in test))
    data = {"train": "a.jsonl", "validation": "b.conll", "test": "c.jsonl"}
    given = {name: str(tmp_path / file) for name, file in data.items()}
    settings = {"data": given, "model": {"name": "none"}, "training": {"batch_size": 2}}
    dataset = load_dataset(load_config(None, settings, task_config))
    for split in ("validation", "test"):
        assert [example.tags for example in dataset.examples[split]] == [tuple(tags) for tags in IOB2]
    assert (dataset.task.config.scheme, dataset.task.config.tokens) == ("iob2", "tokens")
    beginning = "written in another way than the training data; read with"
    assert f"validation: {beginning} scheme = iob1" in dataset.notes
    assert f"test: {beginning} tokens = words, column = ner_tags, scheme = iobes" in dataset.notes


# Rows that nobody has tagged


@pytest.mark.parametrize(
    ("values", "tokens"),
    [
        ({"words": ["Anna", "Lee"]}, ("Anna", "Lee")),
        ({"text": "Anna Lee."}, ("Anna", "Lee", ".")),
        ({"words": 2, "text": "Anna Lee."}, ("Anna", "Lee", ".")),
        ({"text": "Anna Lee.", "tokens": ["Anna", "Lee."]}, ("Anna", "Lee.")),
    ],
)
def test_unlabelled_rows_have_words_by_other_names(values: dict[str, Any], tokens: tuple[str, ...]) -> None:
    reader = task("iob2", "forms", "tags")
    reader.check_columns(list(values), "other.jsonl", labelled=False)
    assert reader.read(Row(values, Origin("other.jsonl", 1)), labelled=False).tokens == tokens


def answered(reader: TokenClassification, values: dict[str, Any], likeliest: list[str]) -> Any:
    """The prediction for a row when the model finds these tags likeliest."""
    example = reader.read(Row(values, Origin("other.jsonl", 1)), labelled=False)
    outputs = np.full((len(likeliest), len(reader.labels)), np.log(0.05), dtype=np.float32)
    for place, tag in enumerate(likeliest):
        outputs[place, reader.labels.ids[tag]] = np.log(0.8)
    return reader.decode(example, [outputs])


@pytest.mark.parametrize("constrained", [False, True])
def test_blank_words_are_in_no_entity(constrained: bool) -> None:
    values = {"tokens": ["Anna", "", " ", "Lee"]}
    found = answered(task(constrained=constrained), values, ["B-PER", "I-PER", "B-LOC", "B-PER"])
    assert found.tags == ("B-PER", "O", "O", "B-PER")
    assert [entity.text for entity in found.entities] == ["Anna", "Lee"]
    assert found.scores == pytest.approx((0.8, 0.05, 0.05, 0.8))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"tokens": ["Anna", "saw", "Oslo"]}, "Anna saw Oslo"),
        ({"tokens": ["Anna", "saw", "Oslo"], "text": "Another text."}, "Anna saw Oslo"),
        ({"tokens": "Anna saw Oslo"}, "Anna saw Oslo"),
        ({"tokens": ["Anna", "saw", "Oslo"], "text": "\u201cAnna\u201d  saw (Oslo)!"}, None),
        ({"text": "Anna saw Oslo"}, None),
    ],
)
def test_offsets_are_of_a_text_that_the_row_holds(values: dict[str, Any], text: str | None) -> None:
    reader = task()
    found = answered(reader, values, ["B-PER", "O", "B-LOC"])
    assert found.text == text
    row = Row(values, Origin("other.jsonl", 1))
    written = json.loads(json.dumps(joined_row(row, found, split="test", gold=None)))
    assert [entity["text"] for entity in written["entities"]] == ["Anna", "Oslo"]
    for entity in written["entities"]:
        assert written["text"][entity["char_start"] : entity["char_end"]] == entity["text"]
    again = reader.read_prediction("1", written)
    assert again == found
    own = own_columns(written, again)
    assert {name: own.get(name) for name in values} == values
    assert ("text" in own) == ("text" in values)


def test_texts_that_do_not_hold_their_words_are_counted() -> None:
    reader = task()
    texts = ["Anna \u2018Lee\u2019, saw: Oslo.", "Rome and Oslo sleep"]
    examples = [reader.read(row) for row in rows(tokens=TOKENS, tags=IOB2, text=texts)]
    assert [example.text for example in examples] == [texts[0], "Rome Oslo sleep"]
    findings = {finding.code: finding for finding in reader.checks({"test": examples})}
    assert "test: 1 row whose text does not hold the words" in findings["words-not-in-text"].message
    assert findings["words-not-in-text"].examples == ("other.jsonl:2 'Rome Oslo sleep'",)


# Files with two readings


@pytest.mark.parametrize("label", ["label", "class", "category", "sentiment"])
@pytest.mark.parametrize("words", [{"entities": SPANS}, {"words": TOKENS, "tags": IOB2}])
def test_tags_beside_one_label_a_text_must_be_asked_for(words: dict[str, Any], label: str) -> None:
    given = rows(text=[" ".join(tokens) for tokens in TOKENS], **words, **{label: ["pos", "neg"]})
    columns = list(given[0].values)
    with pytest.raises(ConfigError, match=f"two readings.*text, {label}") as caught:
        TokenClassification.infer(columns, given, {})
    for name in ("token-classification", "text-classification"):
        assert f"--task {name}" in str(caught.value)
    for key, value in (("name", "token-classification"), ("column", next(reversed(words)))):
        assert TokenClassification.infer(columns, given, {key: value}) is not None


def test_lists_beside_a_label_without_a_text_have_one_reading() -> None:
    given = rows(tokens=TOKENS, tags=IOB2, label=["pos", "neg"])
    assert TokenClassification.infer(["tokens", "tags", "label"], given, {}) is not None
    numbers = rows(text=["Anna Lee saw Oslo", "Rome Oslo sleep"], entities=SPANS, score=[1, 2])
    assert TokenClassification.infer(["text", "entities", "score"], numbers, {}) is not None
