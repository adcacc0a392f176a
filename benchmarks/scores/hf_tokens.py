"""Token classification by the Trainer, as run_ner does it: the first sub-token of a word carries its tag."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import transformers

from benchmarks.recipe import Json
from benchmarks.scores.contest import Outcome, Wish
from benchmarks.scores.data import Sentence
from benchmarks.scores.hf_train import load, logits, train

IGNORED = -100
"""The target that the loss passes over."""


def compete(wish: Wish) -> Outcome:
    """Train on the training file and tag the words of the test file."""
    started = time.monotonic()
    sentences: list[Any] = wish.data.read(wish.data.file("train"))
    names = sorted({tag for sentence in sentences for tag in sentence.tags})
    tokenizer, model = load(wish, "AutoModelForTokenClassification", names)
    features, _ = encode(tokenizer, sentences, names)
    collator = transformers.DataCollatorForTokenClassification(tokenizer)
    trainer, facts = train(wish, tokenizer, model, features, collator)
    fitted = time.monotonic()
    tests: list[Any] = wish.data.read(wish.data.file("test"))
    features, places = encode(tokenizer, tests)
    missing = "O" if wish.data.scoring == "entities" else ""
    tags = [
        [missing if place is None else names[int(scores[place].argmax())] for place in of_words]
        for (scores,), of_words in zip(logits(trainer, features), places, strict=True)
    ]
    lost = sum(place is None for of_words in places for place in of_words)
    return Outcome(
        [{"tags": found} for found in tags],
        {"fit": fitted - started, "predict": time.monotonic() - fitted},
        {**facts, "train_examples": len(sentences), "test_words_without_a_token": lost},
    )


def encode(
    tokenizer: Any, sentences: Sequence[Sentence], names: Sequence[str] | None = None
) -> tuple[list[Json], list[list[int | None]]]:
    """Features, with targets where `names` are given, and the place of each word's first sub-token.

    A sentence is cut at the model's maximum; the place of a word that was cut off, or that the tokenizer
    makes nothing of, is None.
    """
    encoded = tokenizer(
        [list(sentence.words) for sentence in sentences], is_split_into_words=True, truncation=True
    )
    features: list[Json] = []
    places: list[list[int | None]] = []
    for row, sentence in enumerate(sentences):
        first: dict[int, int] = {}
        for place, word in enumerate(encoded.word_ids(row)):
            if word is not None:
                first.setdefault(word, place)
        feature = {key: encoded[key][row] for key in encoded}
        if names is not None:
            targets = [IGNORED] * len(feature["input_ids"])
            for word, place in first.items():
                targets[place] = names.index(sentence.tags[word])
            feature["labels"] = targets
        features.append(feature)
        places.append([first.get(word) for word in range(len(sentence.words))])
    return features, places
