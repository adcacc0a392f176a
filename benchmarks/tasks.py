"""What a benchmark must know of a task: how Tunewell is set up for it, and how a Hugging Face script does it.

A further task is one more entry of `TASKS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from benchmarks.recipe import Json


class TaskEntry(Protocol):
    """One task on both sides."""

    @property
    def auto_class(self) -> str:
        """The class of transformers that has the task's head."""

    @property
    def metric(self) -> str:
        """What `score` gives and Tunewell's own scores call by the same name."""

    @property
    def pipeline(self) -> str:
        """What transformers calls the pipeline that predicts."""

    def settings(self, max_length_tokens: int) -> Json:
        """The `task` group of Tunewell's settings for the files that `data` writes."""

    def label_names(self, rows: Sequence[Json]) -> tuple[str, ...]:
        """The labels in the order of their ids."""

    def encode(
        self, tokenizer: Any, rows: Sequence[Json], label_ids: Mapping[str, int], **tokenizing: Any
    ) -> list[Json]:
        """The rows as the Trainer takes them; `tokenizing` goes to the tokenizer."""

    def collator(self, tokenizer: Any, pad_to_multiple_of: int | None) -> Any:
        """What pads a batch."""

    def score(self, logits: Any, labels: Any) -> float:
        """The metric of the Trainer's predictions."""

    def our_answer(self, prediction: Any) -> tuple[str, Mapping[str, float]]:
        """What was chosen, and the probability of all that could be, from Tunewell's prediction."""

    def their_answer(self, answer: Any) -> tuple[str, Mapping[str, float]]:
        """The same from the pipeline's, called with `top_k=None`."""


@dataclass(frozen=True)
class TextClassification:
    """One label for a text, as in run_glue."""

    auto_class: str = "AutoModelForSequenceClassification"
    metric: str = "accuracy"
    pipeline: str = "text-classification"

    def settings(self, max_length_tokens: int) -> Json:
        """Columns `text` and `label`; the names are said, so that nothing is guessed."""
        return {
            "name": "text-classification",
            "text": "text",
            "label": "label",
            "kind": "single_label",
            "max_length_tokens": max_length_tokens,
        }

    def label_names(self, rows: Sequence[Json]) -> tuple[str, ...]:
        """In Tunewell's order; the ids are compared before anything is measured."""
        from tunewell.core.labels import LabelSet

        return LabelSet.learn(row["label"] for row in rows).names

    def encode(
        self, tokenizer: Any, rows: Sequence[Json], label_ids: Mapping[str, int], **tokenizing: Any
    ) -> list[Json]:
        """Token ids, masks and label of each text."""
        encoded = tokenizer([row["text"] for row in rows], truncation=True, **tokenizing)
        columns = {name: encoded[name] for name in encoded}
        return [
            {**{name: values[place] for name, values in columns.items()}, "label": label_ids[row["label"]]}
            for place, row in enumerate(rows)
        ]

    def collator(self, tokenizer: Any, pad_to_multiple_of: int | None) -> Any:
        """The library's own; it also renames `label` to `labels`."""
        import transformers

        return transformers.DataCollatorWithPadding(tokenizer, pad_to_multiple_of=pad_to_multiple_of)

    def score(self, logits: Any, labels: Any) -> float:
        """The share of right answers."""
        return float((logits.argmax(-1) == labels).mean())

    def our_answer(self, prediction: Any) -> tuple[str, Mapping[str, float]]:
        """The label and every label's probability."""
        return prediction.label, dict(prediction.probabilities)

    def their_answer(self, answer: Any) -> tuple[str, Mapping[str, float]]:
        """The pipeline calls a probability a score, and has the chosen label first."""
        return answer[0]["label"], {entry["label"]: entry["score"] for entry in answer}


TASKS: Mapping[str, TaskEntry] = MappingProxyType({"text-classification": TextClassification()})
"""The tasks that can be measured, by Tunewell's name for them."""
