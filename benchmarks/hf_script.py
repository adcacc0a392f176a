"""The script that a user of the Trainer would write, after run_glue: the other side of `benchmarks.startup`.

    python -m benchmarks.hf_script MODEL TRAIN.jsonl VALIDATION.jsonl OUTPUT_FOLDER [--device cpu] [--epochs 1]

Reads, tokenises, trains, evaluates, and saves the model and the scores. Prints a line after the first step. Imports
nothing of ours, so that it starts as fast as it can.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import datasets
import transformers


class FirstStep(transformers.TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Says when the first optimizer step is done."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 1:
            print(f"first step {time.time()}", flush=True)


def main() -> None:
    """One run from files to a saved model."""
    parser = argparse.ArgumentParser()
    for name in ("model", "train", "validation", "output"):
        parser.add_argument(name)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=float, default=1.0)
    given = parser.parse_args()
    files = {"train": given.train, "validation": given.validation}
    raw = datasets.load_dataset("json", data_files=files, cache_dir=f"{given.output}/cache")
    names = sorted(set(raw["train"]["label"]))
    tokenizer = transformers.AutoTokenizer.from_pretrained(given.model)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        given.model, num_labels=len(names)
    )

    def encode(rows: Any) -> Any:
        encoded = tokenizer(rows["text"], truncation=True, max_length=128)
        return {**encoded, "label": [names.index(label) for label in rows["label"]]}

    encoded = raw.map(encode, batched=True)
    trainer = transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            output_dir=given.output,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=32,
            learning_rate=2e-5,
            num_train_epochs=given.epochs,
            use_cpu=given.device == "cpu",
            bf16=given.device != "cpu",
        ),
        train_dataset=encoded["train"],
        eval_dataset=encoded["validation"],
        processing_class=tokenizer,  # pads each batch to its longest
        compute_metrics=lambda found: {
            "accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())
        },
        callbacks=[FirstStep()],
    )
    trainer.train()
    scores = trainer.evaluate()
    trainer.save_model(given.output)
    Path(given.output, "scores.json").write_text(json.dumps(scores), encoding="utf-8")


if __name__ == "__main__":
    main()
