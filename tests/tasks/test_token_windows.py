"""Every word of a text of any length gets its target and its prediction exactly once; what is decoded from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Origin, Row, TaggedExample
from tunewell.core.tags import illegal
from tunewell.models import ModelLoader, Tokenizer
from tunewell.predictor import Predictor
from tunewell.runtime import Runtime
from tunewell.tasks.token_classification import TokenClassification, TokenClassificationConfig

WORDS = ("film", "plot", "cast", "scores", "endings", "\u7535", "dialogue", "unheard-of", "\U0001f600")
NAMES = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def task(**given: Any) -> TokenClassification:
    named = {"tokens": "tokens", "column": "tags", "scheme": "iob2", "labels": list(NAMES), **given}
    return TokenClassification.new(TokenClassificationConfig(**named))


def example(num_words: int, **given: Any) -> TaggedExample:
    """The tag of a word follows from the word, so that a target in the wrong place is seen."""
    tokens = [WORDS[(index * index) % len(WORDS)] for index in range(num_words)]
    tags = [NAMES[WORDS.index(token) % len(NAMES)] for token in tokens]
    return task(**given).read(Row({"tokens": tokens, "tags": tags}, Origin("data.jsonl", 1)))


@pytest.fixture(scope="module", params=["bert", "gpt2", "xlm-roberta"])
def tokenizer(request: pytest.FixtureRequest, tiny: Callable[[str], Path]) -> Tokenizer:
    return ModelLoader(str(tiny(request.param))).tokenizer()


@pytest.mark.parametrize(
    "given", [{}, {"max_length_tokens": 24}, {"overlap_tokens": 0}, {"overlap_tokens": 20}]
)
def test_each_word_of_a_long_text_is_owned_once(tokenizer: Tokenizer, given: dict[str, Any]) -> None:
    long = example(3000)
    reader = task(**given)
    features = reader.encode(long, tokenizer)
    limit = min(given.get("max_length_tokens", 10**6), tokenizer.max_length_tokens)
    assert len(features) > 10
    assert all(len(feature) <= limit for feature in features)
    assert sum(feature.num_truncated_tokens for feature in features) == 0
    assert tuple(span for feature in features for span in feature.offsets) == long.words
    tags = [NAMES[tag] for feature in features for tag in feature.target]
    assert tuple(tags) == long.tags
    ids = tokenizer.words(long.text, long.words)
    firsts = [feature.input_ids[place] for feature in features for place in feature.positions]
    assert firsts == [own[0] for own in ids]


def test_every_word_is_predicted_and_learnt_from(tiny: Callable[[str], Path]) -> None:
    loader = ModelLoader(str(tiny("bert")))
    reader, long = task(), example(3000)
    model = reader.build_model(loader).eval()
    predictor = Predictor(reader, model, loader.tokenizer(), Runtime(), batch_tokens=256)
    (prediction,) = predictor.predict([long])
    assert prediction.tokens == long.tokens  # type: ignore[attr-defined]
    assert len(prediction.tags) == len(prediction.scores) == 3000  # type: ignore[attr-defined]
    batch = reader.collate(reader.encode(long, loader.tokenizer()))
    assert batch.num_targets == 3000
    assert reader.score([long], [prediction]).values()["token_accuracy"] < 1  # type: ignore[list-item]


def test_a_word_that_no_window_holds_is_cut_and_counted(tiny: Callable[[str], Path]) -> None:
    tokenizer = ModelLoader(str(tiny("gpt2"))).tokenizer()
    tokens = ["film", "x" * 2000, "plot"]
    read = task().read(Row({"tokens": tokens, "tags": ["O", "B-PER", "O"]}, Origin("data.jsonl", 1)))
    features = task().encode(read, tokenizer)
    assert [tag for feature in features for tag in feature.target] == [0, 3, 0]
    assert all(len(feature) <= tokenizer.max_length_tokens for feature in features)
    cut = sum(feature.num_truncated_tokens for feature in features)
    lengths = [len(own) for own in tokenizer.words(read.text, read.words)]
    assert cut == lengths[1] - (tokenizer.max_length_tokens - tokenizer.num_special(False)) > 0


def test_windows_cannot_share_all_they_hold(tokenizer: Tokenizer) -> None:
    with pytest.raises(ConfigError, match="cannot share 500"):
        task(overlap_tokens=500).encode(example(3), tokenizer)


def test_the_loss_is_that_of_the_words_alone(tiny: Callable[[str], Path]) -> None:
    loader = ModelLoader(str(tiny("bert")))
    reader = task()
    model = reader.build_model(loader).eval()
    read = example(6)
    (feature,) = reader.encode(read, loader.tokenizer())
    logits = model(input_ids=torch.tensor([list(feature.input_ids)])).logits[0].double()
    rows = logits[list(feature.positions)].log_softmax(dim=-1)
    wanted = -sum(rows[index, NAMES.index(tag)].item() for index, tag in enumerate(read.tags or ()))
    loss = reader.loss(model, reader.collate([feature]))
    assert loss.item() == pytest.approx(wanted, rel=1e-5)


def test_texts_without_words_are_answered(tiny: Callable[[str], Path]) -> None:
    loader = ModelLoader(str(tiny("gpt2")))
    reader = task()
    blank = reader.read(Row({"text": " \u200b"}, Origin("lines.txt", 1)), labelled=False)
    predictor = Predictor(reader, reader.build_model(loader).eval(), loader.tokenizer(), Runtime())
    (alone,) = predictor.predict([blank])
    assert alone.to_json() == {"tokens": [], "tags": [], "scores": [], "entities": []}
    among = list(predictor.predict([example(4), blank, example(2)]))
    assert [len(prediction.to_json()["tokens"]) for prediction in among] == [4, 0, 2]


# From outputs to tags


def rows_of(log_probabilities: Any) -> Any:
    rows = np.asarray(log_probabilities, dtype=np.float32)
    return rows - np.log(np.exp(rows).sum(axis=-1, keepdims=True))


ROWS = st.integers(0, 12).flatmap(
    lambda count: arrays.arrays(
        np.float32, (count, len(NAMES)), elements=st.floats(-30, 30, width=32, allow_nan=False)
    )
)


def total(rows: Any, tags: tuple[str, ...]) -> float:
    return float(sum(rows[index, NAMES.index(tag)] for index, tag in enumerate(tags)))


@settings(deadline=None, max_examples=300)
@given(ROWS, st.integers(0, 12))
def test_constrained_answers_are_legal_and_no_legal_ones_are_likelier(scores: Any, cut: int) -> None:
    rows = rows_of(scores)
    read = example(len(rows)) if len(rows) else TaggedExample("1", Origin("data.jsonl", 1), "", ())
    parts = [rows[:cut], rows[cut:]]
    legal = task(constrained=True).decode(read, parts)
    free = task().decode(read, parts)
    assert illegal(legal.tags) == []
    assert all(0 <= score <= 1 for score in legal.scores)
    assert total(rows, legal.tags) <= total(rows, free.tags) + 1e-3
    if not illegal(free.tags):
        assert total(rows, legal.tags) == pytest.approx(total(rows, free.tags), abs=1e-3)
    if len(rows) <= 4:
        best = max(total(rows, tags) for tags in _all_legal(len(rows)))
        assert total(rows, legal.tags) == pytest.approx(best, abs=1e-3)


def _all_legal(count: int) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [()]
    for _ in range(count):
        found = [(*tags, tag) for tags in found for tag in NAMES]
    return [tags for tags in found if not illegal(tags)]


def test_entities_are_slices_of_the_users_text() -> None:
    text = "\u6211\u5728\u5317\u4eac \U0001f468\u200d\U0001f469 Ann\u00ad Lee!"
    read = task(tokens="text").read(Row({"text": text}, Origin("data.jsonl", 1)), labelled=False)
    assert read.tokens == (
        "\u6211",
        "\u5728",
        "\u5317",
        "\u4eac",
        "\U0001f468\u200d\U0001f469",
        "Ann",
        "Lee",
        "!",
    )
    tags = ["O", "O", "B-LOC", "I-LOC", "O", "I-PER", "I-PER", "O"]
    probabilities = np.full((8, 5), 0.05)
    probabilities[range(8), [NAMES.index(tag) for tag in tags]] = [0.8] * 6 + [0.6, 0.8]
    prediction = task().decode(read, [rows_of(np.log(probabilities))])
    assert list(prediction.tags) == tags
    place, person = prediction.entities
    assert (place.text, place.label, text[place.char_start : place.char_end]) == (
        "\u5317\u4eac",
        "LOC",
        place.text,
    )
    assert (person.text, person.label) == ("Ann\u00ad Lee", "PER")
    assert text[person.char_start : person.char_end] == person.text
    assert person.score == pytest.approx((0.8 + 0.75) / 2)
    plain = task(scheme="plain").decode(read, [rows_of(np.log(probabilities))])
    assert plain.entities == ()
