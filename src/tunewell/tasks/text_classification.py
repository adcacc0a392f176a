"""Text classification: one label, several labels, or a number, for a text or a pair of texts.

Sentiment, topics, intents, entailment, similarity. A text longer than the model can read is cut at its end,
and how many were cut is reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

from pydantic import model_validator

from tunewell.config import TaskSettings, require, setting
from tunewell.core.errors import DataError
from tunewell.core.examples import LabelPrediction, LabelsPrediction, Row, TextExample, ValuePrediction
from tunewell.core.labels import LabelSet, label_weights
from tunewell.core.sections import Section
from tunewell.data import columns as guessing
from tunewell.data import labelled as reading
from tunewell.data import values
from tunewell.data.features import Feature
from tunewell.tasks.base import Baseline, Outputs, Reading, Task
from tunewell.tasks.showing import texts as showing

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tunewell.data.batches import Batch
    from tunewell.metrics.tables import Scores
    from tunewell.models import ModelLoader, Tokenizer

TextPrediction = LabelPrediction | LabelsPrediction | ValuePrediction
Kind = Literal["single_label", "multi_label", "regression"]

_PROBLEM_TYPES = {
    "single_label": "single_label_classification",
    "multi_label": "multi_label_classification",
    "regression": "regression",
}


class TextClassificationConfig(TaskSettings):
    """The settings of text classification; what is absent is inferred from the training file."""

    name: Literal["text-classification"] = setting("text-classification", "the task")
    text: str | list[str] | None = setting(None, "the text column, or the two columns of a pair")
    label: str | list[str] | None = setting(None, "the label column, or several columns of 0 and 1")
    kind: Kind | None = setting(None, "one label a text, several, or a real number")
    labels: list[str] | None = setting(None, "the label names; learnt from the data when absent")
    label_separator: str = setting("|", "what stands between several labels in one value")
    max_length_tokens: int | None = setting(
        None, "cut longer texts; what the model can read, at most 512, when absent", unit="tokens", at_least=3
    )
    class_weights: Literal["none", "balanced"] | dict[str, float] = setting(
        "none", "how much a target of each label counts; `balanced`: inversely to its frequency"
    )
    label_smoothing: float = setting(0.0, "share of a target spread over all labels", at_least=0, below=1)

    @model_validator(mode="after")
    def _refuse_settings_without_effect(self) -> TextClassificationConfig:
        if self.kind in ("multi_label", "regression"):
            require(self.label_smoothing == 0, "label_smoothing", f"has no effect when kind is {self.kind}")
            require(self.class_weights == "none", "class_weights", f"has no effect when kind is {self.kind}")
        if isinstance(self.class_weights, dict):
            positive = all(weight > 0 for weight in self.class_weights.values())
            require(positive, "class_weights", "weights must be above 0")
        if isinstance(self.text, list):
            require(1 <= len(self.text) <= 2, "text", "takes one column or the two of a pair")
        if self.text is not None and self.label is not None:
            both = sorted(set(self.text_columns) & set(self.label_columns))
            require(not both, "label", f"{', '.join(map(repr, both))} cannot be text and label at once")
        if self.labels is not None:
            require(self.kind != "regression", "labels", "has no effect when kind is regression")
            distinct = len(set(self.labels)) == len(self.labels) >= 2
            require(distinct, "labels", "takes two or more different names")
        return self

    @property
    def text_columns(self) -> list[str]:
        """The text columns as a list."""
        return [self.text] if isinstance(self.text, str) else list(self.text or ())

    @property
    def label_columns(self) -> list[str]:
        """The label columns as a list."""
        return [self.label] if isinstance(self.label, str) else list(self.label or ())


@final
@dataclass(frozen=True)
class TextClassification(Task[TextExample, TextPrediction, TextClassificationConfig]):
    """The task. `labels` is empty for regression, `value_range` (mean, deviation) is None otherwise."""

    config: TextClassificationConfig
    labels: LabelSet = field(default_factory=lambda: LabelSet(()))
    label_weights: tuple[float, ...] | None = None
    value_range: tuple[float, float] | None = None
    thresholds: tuple[float, ...] | None = None

    name: ClassVar[str] = "text-classification"
    Config: ClassVar[type[TaskSettings]] = TextClassificationConfig

    # What the data look like

    @classmethod
    def infer(cls, columns: Sequence[str], sample: Sequence[Row], given: Mapping[str, Any]) -> Reading | None:
        """Text and label columns, and the kind of label, where there is one sensible reading."""
        separator = given.get("label_separator", cls.Config.model_fields["label_separator"].default)
        found = guessing.guess(columns, sample, given, separator)
        if found is None:
            return None
        return Reading({"text": found.text, "label": found.label, "kind": found.kind}, found.said)

    @classmethod
    def new(cls, config: TextClassificationConfig) -> Self:
        """A task that knows its columns; labels come with `learn`, or from the settings."""
        return cls(config, LabelSet(tuple(config.labels or ())))

    def check_columns(self, columns: Sequence[str], name: str, *, labelled: bool = True) -> None:
        """Every column that is read must be there; plain text needs no column for a single text."""
        wanted = [] if self._reads_plain_text(columns) else self.config.text_columns
        wanted = wanted + (self.config.label_columns if labelled else [])
        guessing.require_columns(columns, wanted, name, ("task.text", "task.label"))

    def _reads_plain_text(self, columns: Sequence[str]) -> bool:
        return list(columns) == ["text"] and len(self.config.text_columns) == 1

    def read(self, row: Row, *, labelled: bool = True) -> TextExample:
        """With `labelled`, texts that are not blank and a target that the task knows; else texts alone."""
        columns = ["text"] if self._reads_plain_text(list(row.values)) else self.config.text_columns
        example = reading.read_texts(row, columns, labelled=labelled)
        return replace(example, target=self._target(row)) if labelled else example

    def _target(self, row: Row) -> str | tuple[str, ...] | float:
        columns, known = self.config.label_columns, self.labels.ids
        if self.config.kind == "regression":
            return values.real(row, columns[0])
        if self.config.kind == "single_label":
            return reading.read_label(row, columns[0], known)
        return reading.read_labels(row, columns, self.config.label_separator, known)

    def learn(self, examples: Mapping[str, Sequence[TextExample]]) -> Self:
        """The label set of all splits together, label weights and value range of the training split."""
        train = [example.target for example in examples["train"]]
        if self.config.kind == "regression":
            mean = math.fsum(train) / len(train)  # type: ignore[arg-type]
            variance = math.fsum((value - mean) ** 2 for value in train) / len(train)  # type: ignore[operator]
            if variance == 0:
                raise DataError(f"every training value is {mean:g}: there is nothing to learn")
            return replace(self, value_range=(mean, math.sqrt(variance)))
        labels = self.labels
        if not len(labels):
            everywhere = (example.target for split in examples.values() for example in split)
            if self.config.kind == "single_label":
                labels = LabelSet.learn(everywhere)  # type: ignore[arg-type]
            elif len(self.config.label_columns) > 1:
                labels = LabelSet(tuple(self.config.label_columns))
            else:
                labels = LabelSet.learn(name for names in everywhere for name in names)  # type: ignore[union-attr]
        return replace(
            self, labels=labels, label_weights=label_weights(self.config.class_weights, labels, train)
        )

    @classmethod
    def from_json(cls, config: TextClassificationConfig, learnt: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        optional = {
            name: tuple(learnt[name]) if learnt[name] is not None else None
            for name in ("label_weights", "value_range", "thresholds")
        }
        return cls(config, LabelSet(tuple(learnt["labels"])), **optional)

    def to_json(self) -> dict[str, Any]:
        """Labels in the order of their ids, and what was learnt beside them."""
        return {
            "labels": list(self.labels.names),
            "label_weights": self.label_weights,
            "value_range": self.value_range,
            "thresholds": self.thresholds,
        }

    # From examples to the loss

    def encode(self, example: TextExample, tokenizer: Tokenizer) -> list[Feature]:
        """One window, cut at the end; the target as an id, a row of 0 and 1, or a number."""
        encoding = tokenizer.encode(example.texts, self.config.max_length_tokens)
        target: Any = example.target
        if isinstance(target, str):
            target = self.labels.ids[target]
        elif isinstance(target, tuple):
            target = [float(name in target) for name in self.labels.names]
        return [
            Feature(
                example.id, encoding.input_ids, encoding.token_type_ids, target, encoding.num_truncated_tokens
            )
        ]

    def collate(self, features: Sequence[Feature]) -> Batch:
        """Labels: ids `(sequences,)`, flags `(sequences, labels)` or values `(sequences,)`."""
        import torch

        from tunewell.data.batches import Batch

        if any(feature.target is None for feature in features):
            return Batch.of(features)
        targets = [feature.target for feature in features]
        if self.config.kind == "single_label":
            weights = self.label_weights
            num_targets = float(sum(weights[t] for t in targets) if weights else len(targets))
            return Batch.of(features, torch.tensor(targets), num_targets)
        num_targets = float(len(targets) * max(len(self.labels), 1))
        return Batch.of(features, torch.tensor(targets, dtype=torch.float32), num_targets)

    def build_model(self, loader: ModelLoader) -> nn.Module:
        """A sequence classifier with one output a label, or one for a value."""
        return loader.sequence_classifier(
            self.labels.names or ("value",),
            _PROBLEM_TYPES[str(self.config.kind)],
            pad_token_id=loader.tokenizer().pad_token_id,
            output_range=self.value_range,
        )

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy, binary cross-entropy, or squared error in standard units; summed."""
        import torch
        from torch.nn import functional

        from tunewell.models.compute import sequence_logits

        assert batch.labels is not None
        logits = sequence_logits(model, batch)
        if self.config.kind == "single_label":
            weight = torch.tensor(self.label_weights, device=logits.device) if self.label_weights else None
            return functional.cross_entropy(
                logits, batch.labels, weight, reduction="sum", label_smoothing=self.config.label_smoothing
            )
        if self.config.kind == "multi_label":
            return functional.binary_cross_entropy_with_logits(logits, batch.labels, reduction="sum")
        assert self.value_range is not None
        return (((logits[:, 0] - batch.labels) / self.value_range[1]) ** 2).sum()

    # From outputs to a verdict

    def predict(self, model: nn.Module, batch: Batch, tokenizer: Tokenizer) -> Outputs:
        """One row of logits a text, in float64."""
        from tunewell.models.compute import sequence_logits

        return list(sequence_logits(model, batch).double().cpu().numpy())

    def calibrate(self, examples: Sequence[TextExample], outputs: Sequence[Outputs]) -> Self:
        """For several labels a text: the threshold of each label that gives it the best F1."""
        if self.config.kind != "multi_label" or not examples:
            return self
        import numpy as np

        from tunewell.metrics.multilabel import tune_thresholds

        probabilities = np.array([_probabilities(rows[0], several=True) for rows in outputs])
        tuned = tune_thresholds(self._array(example.target for example in examples), probabilities)
        return replace(self, thresholds=tuple(float(threshold) for threshold in tuned))

    def decode(self, example: TextExample, outputs: Outputs) -> TextPrediction:
        """Probabilities by label name and the label or labels they speak for, or the value."""
        logits = outputs[0]
        if self.config.kind == "regression":
            return ValuePrediction(example.id, float(logits[0]))
        several = self.config.kind == "multi_label"
        probabilities = _probabilities(logits, several)
        by_name = dict(zip(self.labels.names, map(float, probabilities), strict=True))
        if not several:
            return LabelPrediction(example.id, self.labels.names[int(probabilities.argmax())], by_name)
        thresholds = self.thresholds or (0.5,) * len(self.labels)
        pairs = zip(by_name.items(), thresholds, strict=True)
        chosen = tuple(name for (name, probability), threshold in pairs if probability >= threshold)
        return LabelsPrediction(example.id, chosen, by_name)

    def read_prediction(self, example_id: str, fields: Mapping[str, Any]) -> TextPrediction:
        """A label, labels or a value, by the kind of the task."""
        if self.config.kind == "regression":
            return ValuePrediction(example_id, float(fields["value"]))
        if self.config.kind == "multi_label":
            return LabelsPrediction(example_id, tuple(fields["labels"]), dict(fields["probabilities"]))
        return LabelPrediction(example_id, fields["label"], dict(fields["probabilities"]))

    def score(self, examples: Sequence[TextExample], predictions: Sequence[TextPrediction]) -> Scores:
        """Accuracy first for one label, macro F1 for several, Pearson's correlation for values."""
        import numpy as np

        from tunewell.metrics import classification, multilabel, regression
        from tunewell.metrics.tables import RankMetric, Scores

        gold, predicted = self._array(e.target for e in examples), self._array(map(self.answer, predictions))
        if self.config.kind == "regression":
            order = RankMetric(gold, predicted, regression.spearman, regression.weighted_spearman)
            return Scores("pearson", [regression.regression_table(gold, predicted)], {"spearman": order})
        if self.config.kind == "multi_label":
            return Scores("macro_f1", [multilabel.multilabel_table(gold, predicted)], {})
        confidence = np.array([p.probabilities[p.label] for p in predictions])  # type: ignore[union-attr]
        tables = [
            classification.label_table(gold, predicted, len(self.labels)),
            classification.calibration_table(confidence, gold == predicted),
        ]
        ranks = {}
        if len(self.labels) == 2:
            second = [p.probabilities.get(self.labels.names[1], 0.0) for p in predictions]  # type: ignore[union-attr]
            ranks["auroc"] = RankMetric(
                gold.astype(float), np.array(second), classification.auroc, classification.weighted_auroc
            )
        return Scores("accuracy", tables, ranks)

    def describe(
        self, examples: Sequence[TextExample], predictions: Sequence[TextPrediction]
    ) -> list[Section]:
        """Which label is taken for which, reliability, and the examples worth reading; or how far values are off."""
        if self.config.kind == "regression":
            return showing.values(examples, predictions)  # type: ignore[arg-type]
        show: Any = showing.one_label if self.config.kind == "single_label" else showing.several_labels
        gold, predicted = self._array(e.target for e in examples), self._array(map(self.answer, predictions))
        return show(examples, predictions, gold, predicted, self.labels.names)  # type: ignore[no-any-return]

    # What the rooms above need to stay free of task names

    def texts(self, example: TextExample) -> tuple[str, ...]:
        """The text or the pair."""
        return example.texts

    def with_texts(self, example: TextExample, texts: Sequence[str]) -> TextExample:
        """A target belongs to the whole text, so it stays."""
        return replace(example, texts=tuple(texts))

    def target(self, example: TextExample) -> Any:
        """The gold label, labels or value."""
        return list(example.target) if isinstance(example.target, tuple) else example.target

    def input_columns(self) -> list[str]:
        """The text column, or the two of a pair."""
        return self.config.text_columns

    def stratum(self, example: TextExample) -> Any:
        """Splits keep the shares of labels, or the spread of values."""
        return example.target

    def baselines(self, tokenizer: Tokenizer) -> Mapping[str, Callable[[], Baseline]]:
        """The constant answer, and a linear model on words."""
        from tunewell.baselines.texts import Constant, TfidfLinear

        constant = {"single_label": "majority", "multi_label": "frequent labels", "regression": "mean"}
        return {constant[str(self.config.kind)]: Constant, "tfidf": TfidfLinear}

    def artefact_difference(
        self, folder: Path, examples: Sequence[TextExample], predictions: Sequence[TextPrediction]
    ) -> float | None:
        """Largest difference in probability (or, for values, relative to their spread)."""
        from tunewell.models.artefact import reference_logits

        largest = 0.0
        rows = reference_logits(folder, [example.texts for example in examples])
        for row, prediction in zip(rows, predictions, strict=True):
            if isinstance(prediction, ValuePrediction):
                assert self.value_range is not None
                difference = abs(float(row[0]) - prediction.value) / max(
                    self.value_range[1], abs(prediction.value)
                )
            else:
                wanted = list(prediction.probabilities.values())
                ours = _probabilities(row.astype(float), isinstance(prediction, LabelsPrediction))
                difference = float(abs(ours - wanted).max())
            largest = max(largest, difference)
        return largest

    def _array(self, targets: Iterable[Any]) -> Any:
        """Targets as ids `(examples,)`, flags `(examples, labels)` or values `(examples,)`."""
        import numpy as np

        if self.config.kind == "regression":
            return np.array(list(targets), np.float64)
        if self.config.kind == "multi_label":
            return np.array([[name in own for name in self.labels.names] for own in targets], dtype=bool)
        return np.array([self.labels.ids[name] for name in targets], np.int64)


def _probabilities(logits: Any, several: bool) -> Any:
    """Logistic function of each logit, or softmax over them; float64."""
    from tunewell.metrics.probabilities import logistic, softmax

    return logistic(logits) if several else softmax(logits)
