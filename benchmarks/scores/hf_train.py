"""The Trainer's loop with the arguments of its example scripts, and its logits without any memory of padding."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import transformers

from benchmarks.recipe import Json
from benchmarks.scores.contest import Wish

EVALUATION_BATCH = 32


def load(wish: Wish, auto_class: str, label_names: Sequence[str] | None = None) -> tuple[Any, Any]:
    """Tokenizer and model with a new head drawn by the seed, in float32."""
    transformers.set_seed(wish.seed)
    named = (
        {}
        if label_names is None
        else {
            "num_labels": len(label_names),
            "id2label": dict(enumerate(label_names)),
            "label2id": {name: index for index, name in enumerate(label_names)},
        }
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(wish.model)
    model = getattr(transformers, auto_class).from_pretrained(wish.model, dtype=torch.float32, **named)
    return tokenizer, model


def arguments(wish: Wish, made: Any = transformers.TrainingArguments, **more: Any) -> Any:
    """The documented recipe: AdamW and its defaults, a linear schedule without warm-up, one look at the end.

    `made` is the class of arguments that the Trainer takes, `more` are further ones. Rows of like length share a batch, which saves time; batches are padded to their longest row.
    """
    return made(
        output_dir=str(wish.scratch),
        num_train_epochs=wish.epochs,
        max_steps=-1 if wish.max_steps is None else wish.max_steps,
        per_device_train_batch_size=wish.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH,
        learning_rate=wish.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=int(wish.optimizing.get("warmup_steps", 0)),
        adam_beta2=wish.optimizing.get("adam_beta2", 0.999),
        weight_decay=wish.optimizing.get("weight_decay", 0.0),
        train_sampling_strategy="group_by_length",
        seed=wish.seed,
        use_cpu=True,
        save_strategy="no",
        eval_strategy="no",
        logging_steps=50,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        **more,
    )


def train(
    wish: Wish,
    tokenizer: Any,
    model: Any,
    features: list[Json],
    collator: Any,
    made: Any = transformers.Trainer,
    args: Any = None,
) -> tuple[Any, Json]:
    """Train to the end; the trainer, and what is to be known of it. `made` is its class, `args` its arguments."""
    trainer = made(
        model=model,
        args=args if args is not None else arguments(wish),
        train_dataset=features,
        data_collator=collator,
        processing_class=tokenizer,
    )
    started, cpu_started = time.monotonic(), time.process_time()
    done = trainer.train()
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu_started
    facts = {
        "train_features": len(features),
        "train_tokens": sum(len(feature["input_ids"]) for feature in features),
        "steps": done.global_step,
        "train_seconds": seconds,
        "train_cpu_seconds": cpu_seconds,
        "train_loss": done.training_loss,
        "features_per_second": done.global_step * wish.batch_size / seconds,
    }
    return trainer, facts


def logits(trainer: transformers.Trainer, features: Sequence[Json]) -> list[tuple[np.ndarray, ...]]:
    """The model's outputs for each feature, of the feature's own length; the longest are computed first.

    Each output is `(tokens, ...)`: one for words, those of start and end for answers.
    """
    order = sorted(range(len(features)), key=lambda index: -len(features[index]["input_ids"]))
    trainer.args.train_sampling_strategy = "sequential"  # grouping by length shuffles what is predicted, too
    outputs = trainer.predict([features[index] for index in order]).predictions
    parts = outputs if isinstance(outputs, tuple) else (outputs,)
    found: dict[int, tuple[np.ndarray, ...]] = {}
    for place, index in enumerate(order):
        length = len(features[index]["input_ids"])
        found[index] = tuple(part[place, :length] for part in parts)
    return [found[index] for index in range(len(features))]
