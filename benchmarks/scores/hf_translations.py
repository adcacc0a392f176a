"""Translation by the Seq2SeqTrainer, as run_translation does it: teacher forcing, then a beam search.

A model that starts from nothing is Tunewell's own, with the tokenizer that Tunewell would learn: it is saved first, and
loaded as any model folder is, so that both contestants start from the same weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import transformers

from benchmarks.recipe import Json
from benchmarks.scores.contest import Outcome, Wish
from benchmarks.scores.data import Pair
from benchmarks.scores.hf_train import arguments, load, train

MOST_SOURCE_TOKENS = 256
ROOM = 1.2, 8
"""How much longer than the longest target of training a translation may be: a factor, and tokens. Tunewell's own."""


def compete(wish: Wish) -> Outcome:
    """Train on the training file and write a translation of each source of the test file."""
    started = time.monotonic()
    pairs: list[Any] = wish.data.read(wish.data.file("train"))
    if wish.sizes is not None:
        save_start(wish, pairs, wish.model)
    tokenizer, model = load(wish, "AutoModelForSeq2SeqLM")
    prepared = time.monotonic()
    features = encode(tokenizer, pairs)
    collator = transformers.DataCollatorForSeq2Seq(tokenizer, model=model)
    args = arguments(
        wish,
        transformers.Seq2SeqTrainingArguments,
        label_smoothing_factor=wish.label_smoothing,
        predict_with_generate=True,
    )
    trainer, facts = train(wish, tokenizer, model, features, collator, transformers.Seq2SeqTrainer, args)
    fitted = time.monotonic()
    tests: list[Any] = wish.data.read(wish.data.file("test"))
    factor, more = ROOM
    longest = max(len(feature["labels"]) for feature in features)
    most = math.ceil(factor * longest) + more
    translations = translate(trainer, tokenizer, [pair.source for pair in tests], wish.num_beams, most)
    examples = num_seen(facts["steps"], len(pairs), wish.batch_size)
    return Outcome(
        [{"translation": text} for text in translations],
        {
            "start": prepared - started,
            "fit": fitted - started,
            "predict": time.monotonic() - fitted,
        },
        {
            **facts,
            "train_examples": len(pairs),
            "examples_per_second": examples / facts["train_seconds"],
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "most_new_tokens": most,
        },
    )


def save_start(wish: Wish, pairs: Sequence[Pair], folder: Path) -> None:
    """Write the model from which Tunewell starts with this seed, these sizes and these training texts."""
    from tunewell.models.artefact import save_model
    from tunewell.models.languages import AskedLanguages
    from tunewell.models.loading import ModelLoader
    from tunewell.models.scratch import Scratch
    from tunewell.models.translators import Writing, pair_tokenizer, translator

    assert wish.sizes is not None
    assert wish.data.languages is not None
    loader = ModelLoader("from-scratch", seed=wish.seed, scratch=Scratch(**wish.sizes))
    writing = Writing(AskedLanguages(*wish.data.languages))
    tokenizer = pair_tokenizer(loader, [(pair.source, pair.target) for pair in pairs], writing)
    save_model(translator(loader, writing), tokenizer, folder, MOST_SOURCE_TOKENS)


def encode(tokenizer: Any, pairs: Sequence[Pair]) -> list[Json]:
    """Features: `labels` are the target's tokens with the end, which `text_target` cuts as the target's language."""
    found = tokenizer(
        [pair.source for pair in pairs],
        text_target=[pair.target for pair in pairs],
        truncation=True,
        max_length=MOST_SOURCE_TOKENS,
    )
    names = ("input_ids", "attention_mask", "labels")
    return [{name: found[name][row] for name in names} for row in range(len(pairs))]


def num_seen(steps: int, num_examples: int, batch_size: int) -> int:
    """How many examples went through so many steps: the last batch of an epoch holds what is left."""
    epochs, more = divmod(steps, math.ceil(num_examples / batch_size))
    return epochs * num_examples + min(more * batch_size, num_examples)


def translate(trainer: Any, tokenizer: Any, sources: Sequence[str], num_beams: int, most: int) -> list[str]:
    """What the model writes for each source with the Trainer's `predict`; the longest sources go first."""
    encoded = tokenizer(list(sources), truncation=True, max_length=MOST_SOURCE_TOKENS)
    order = sorted(range(len(sources)), key=lambda index: -len(encoded["input_ids"][index]))
    features = [{name: encoded[name][index] for name in ("input_ids", "attention_mask")} for index in order]
    trainer.data_collator = transformers.DataCollatorWithPadding(tokenizer)  # there are no labels
    trainer.args.train_sampling_strategy = "sequential"  # grouping by length shuffles what is predicted, too
    rows = trainer.predict(
        features, num_beams=num_beams, max_new_tokens=most, early_stopping=False
    ).predictions
    rows[rows < 0] = tokenizer.pad_token_id  # what the Trainer fills the rows of different batches with
    texts = tokenizer.batch_decode(rows, skip_special_tokens=True)
    found = dict(zip(order, texts, strict=True))
    return [found[index].strip() for index in range(len(sources))]
