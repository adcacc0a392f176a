"""The real data sets of tagged words, read through the task."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tunewell.core.tags import spans
from tunewell.data.sources import read
from tunewell.dataset import choose_task, read_examples
from tunewell.tasks.token_classification import TokenClassification

DATA = os.environ.get("TUNEWELL_DATA")
REAL = [
    ("btc", {}, ["iob2", 3, {"train": 7141, "validation": 3368, "test": 4376}]),
    ("weibo_ner", {}, ["iob2", 8, {"train": 1895, "validation": 389, "test": 418}]),
]


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize(("name", "given", "wanted"), REAL)
def test_real_entities(name: str, given: dict[str, Any], wanted: list[Any]) -> None:
    sources = read(f"{DATA}/{name}")
    chosen, said = choose_task(given, sources["train"])
    assert isinstance(chosen, TokenClassification)
    examples = {split: read_examples(chosen, source, "fail")[0] for split, source in sources.items()}
    counts = {split: sum(len(spans(e.tags)) for e in part) for split, part in examples.items()}  # type: ignore[attr-defined]
    assert [chosen.config.scheme, said.count(f"{wanted[1]} types") * wanted[1], counts] == wanted
    if name == "weibo_ner":
        text = examples["train"][0].text  # type: ignore[attr-defined]
        assert text.startswith("\u79d1\u6280\u5168\u65b9\u4f4d\u8d44\u8baf\u667a\u80fd\uff0c\u5feb\u6377")
        warned = [f for f in chosen.checks(examples) if f.code == "illegal-tags"]  # type: ignore[arg-type]
        assert any(f.message.startswith("train: ") for f in warned)


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
def test_real_parts_of_speech() -> None:
    sources = read(f"{DATA}/ud_english_ewt")
    chosen, said = choose_task({}, sources["train"])
    assert "upos: parts of speech, 17 tags (or xpos: --set task.column=xpos)" in said
    examples = read_examples(chosen, sources["test"], "fail")[0]
    assert sum(len(example.words) for example in examples) == 25094  # type: ignore[attr-defined]
    texts = [source.values["text"] for source in sources["test"].rows]
    assert [example.text for example in examples] == texts  # type: ignore[attr-defined]
    number, _ = choose_task({"name": "token-classification", "column": "feats.Number"}, sources["test"])
    tags = {tag for e in read_examples(number, sources["test"], "fail")[0] for tag in e.tags}  # type: ignore[attr-defined]
    assert {"Sing", "Plur", "_"} <= tags
