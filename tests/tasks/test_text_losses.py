"""The sums that training is made of, against PyTorch's own means; and regression in the user's unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from tunewell.core.examples import Origin, Row, TextExample
from tunewell.data.batches import Batch
from tunewell.models import ModelLoader
from tunewell.models.heads import plain
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig

FAMILIES = ("bert", "roberta", "distilbert", "gpt2")
WITH_BIAS = ("bert", "roberta", "distilbert")


class Made:
    """A task that has learnt from `labels`, a model for it, and the batch of all examples."""

    def __init__(self, folder: Path, texts: list[str], targets: list[Any], **settings: Any) -> None:
        task = TextClassification.new(TextClassificationConfig(text="text", label="label", **settings))
        rows = [
            Row({"text": text, "label": value}, Origin("t.csv", line))
            for line, (text, value) in enumerate(zip(texts, targets, strict=True), 2)
        ]
        self.examples: list[TextExample] = [task.read(row) for row in rows]
        self.task = task.learn({"train": self.examples})
        loader = ModelLoader(str(folder))
        tokenizer = loader.tokenizer()
        self.model: Any = self.task.build_model(loader).eval()
        self.features = [f for example in self.examples for f in self.task.encode(example, tokenizer)]
        self.batch: Batch = self.task.collate(self.features)

    def mean_loss(self) -> torch.Tensor:
        return self.task.loss(self.model, self.batch) / self.batch.num_targets

    def logits(self) -> torch.Tensor:
        with torch.no_grad():
            return torch.tensor([list(row) for row in self.task.predict(self.model, self.batch, None)])

    def values(self) -> torch.Tensor:
        return self.logits()[:, 0]

    def train(self, steps: int, rate: float) -> None:
        self.model.eval()  # no dropout: what is compared is the arithmetic
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate, weight_decay=0.0)
        for _ in range(steps):
            optimizer.zero_grad()
            self.mean_loss().backward()
            optimizer.step()


LABELS = ["a", "b", "a", "c", "a", "a", "b", "a"]


def ids(made: Made) -> torch.Tensor:
    return torch.tensor([made.task.labels.ids[str(example.target)] for example in made.examples])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", ["none", "balanced", {"a": 0.5, "c": 3.0}])
def test_the_mean_is_the_weighted_mean_of_pytorch(
    weights: Any, smoothing: float, tiny: Callable[[str], Path], texts: list[str]
) -> None:
    made = Made(
        tiny("bert"),
        texts[:8],
        LABELS,
        kind="single_label",
        class_weights=weights,
        label_smoothing=smoothing,
    )
    table = {"none": None, "balanced": [8 / 15, 8 / 6, 8 / 3]}.get(str(weights), [0.5, 1.0, 3.0])
    weight = None if table is None else torch.tensor(table, dtype=torch.float64)
    wanted = functional.cross_entropy(made.logits(), ids(made), weight, label_smoothing=smoothing)
    assert made.mean_loss().item() == pytest.approx(wanted.item(), rel=1e-5)
    counted = 8 if table is None else sum(table[index] for index in ids(made).tolist())
    assert made.batch.num_targets == pytest.approx(counted)


def test_balanced_weights_of_all_training_targets_add_up_to_their_number(
    tiny: Callable[[str], Path], texts: list[str]
) -> None:
    made = Made(tiny("bert"), texts[:8], LABELS, kind="single_label", class_weights="balanced")
    assert made.batch.num_targets == pytest.approx(8)


def test_several_labels_are_a_mean_over_texts_and_labels(
    tiny: Callable[[str], Path], texts: list[str]
) -> None:
    made = Made(tiny("bert"), texts[:4], ["a|b", "", "c", "a"], kind="multi_label")
    flags = torch.tensor([[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]], dtype=torch.float64)
    wanted = functional.binary_cross_entropy_with_logits(made.logits(), flags)
    assert made.mean_loss().item() == pytest.approx(wanted.item(), rel=1e-5)
    assert made.batch.num_targets == 12


def test_values_are_squared_errors_in_standard_units(tiny: Callable[[str], Path], texts: list[str]) -> None:
    targets = [10.0, 30.0, 20.0, 40.0]
    made = Made(tiny("bert"), texts[:4], targets, kind="regression")
    deviation = torch.tensor(targets, dtype=torch.float64).std(correction=0)
    wanted = ((made.values() - torch.tensor(targets, dtype=torch.float64)) / deviation).square().mean()
    assert made.mean_loss().item() == pytest.approx(wanted.item(), rel=1e-5)


# Regression in the unit of its targets

STANDARD = [-1.5, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, -0.5]


@pytest.mark.parametrize("family", WITH_BIAS)
def test_a_new_head_answers_around_the_mean(
    family: str, tiny: Callable[[str], Path], texts: list[str]
) -> None:
    made = Made(tiny(family), texts[:8], [5000 + 20 * x for x in STANDARD], kind="regression")
    assert made.values().tolist() == pytest.approx([5000] * 8, abs=3 * 20)


@pytest.mark.parametrize("family", WITH_BIAS)
def test_training_does_not_depend_on_the_unit(
    family: str, tiny: Callable[[str], Path], texts: list[str]
) -> None:
    """Degrees Fahrenheit instead of Celsius give the same answers, in Fahrenheit."""
    one = Made(tiny(family), texts[:8], STANDARD, kind="regression")
    other = Made(tiny(family), texts[:8], [32 + 1.8 * x for x in STANDARD], kind="regression")
    for made in (one, other):
        made.train(steps=8, rate=1e-2)
    assert other.values().tolist() == pytest.approx((32 + 1.8 * one.values()).tolist(), abs=5e-3)
    assert other.mean_loss().item() == pytest.approx(one.mean_loss().item(), rel=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_folded_model_gives_the_same_answers(
    family: str, tiny: Callable[[str], Path], texts: list[str]
) -> None:
    made = Made(tiny(family), texts[:8], [100 + x for x in STANDARD], kind="regression")
    made.train(steps=2, rate=1e-2)
    before, names = made.values(), {name for name, _ in made.model.named_parameters()}
    assert any("parametrizations" in name for name in names)
    plain(made.model)
    assert made.values().tolist() == before.tolist()
    assert not any("parametrizations" in name for name, _ in made.model.named_parameters())


@pytest.mark.parametrize(("mean", "deviation"), [(1e5, 3e4), (1e5, 1.0), (-1e-4, 1e-5)])
@pytest.mark.parametrize("family", WITH_BIAS)
def test_targets_of_any_size_are_learnt(
    family: str, mean: float, deviation: float, tiny: Callable[[str], Path], texts: list[str]
) -> None:
    targets = [mean + deviation * x for x in STANDARD]
    made = Made(tiny(family), texts[:8], targets, kind="regression")
    made.train(steps=60, rate=3e-3)
    assert made.mean_loss().item() < 0.3


def test_a_head_without_a_bias_learns_large_targets(tiny: Callable[[str], Path], texts: list[str]) -> None:
    """GPT-2's head has to take the mean from the features, so the spread must not be tiny beside it."""
    made = Made(tiny("gpt2"), texts[:8], [1e5 + 3e4 * x for x in STANDARD], kind="regression")
    made.train(steps=80, rate=3e-3)
    assert made.mean_loss().item() < 0.3


# Thresholds


def test_thresholds_are_tuned_saved_and_used(tiny: Callable[[str], Path], texts: list[str]) -> None:
    made = Made(tiny("bert"), texts[:6], ["a|b", "a", "", "a", "b", ""], kind="multi_label")
    logits = {"a|b": (-1.0, -3.0), "a": (-2.0, -6.0), "": (-4.0, -6.0), "b": (-5.0, -3.5)}
    outputs = [
        [torch.tensor(logits["|".join(example.target)]).double().numpy()]  # type: ignore[arg-type]
        for example in made.examples
    ]

    def decoded(task: TextClassification) -> list[Any]:
        pairs = zip(made.examples, outputs, strict=True)
        return [task.decode(example, rows).to_json()["labels"] for example, rows in pairs]

    assert decoded(made.task) == [[]] * 6  # nothing reaches one half
    tuned = made.task.calibrate(made.examples, outputs)
    gold = [list(example.target) for example in made.examples]  # type: ignore[arg-type]
    assert decoded(tuned) == gold
    again = TextClassification.from_json(tuned.config, tuned.to_json())
    assert again == tuned
    assert decoded(again) == gold
    assert replace(tuned, thresholds=None) == made.task


def test_one_label_has_nothing_to_calibrate(tiny: Callable[[str], Path], texts: list[str]) -> None:
    made = Made(tiny("bert"), texts[:8], LABELS, kind="single_label")
    assert made.task.calibrate(made.examples, [[row] for row in made.logits().numpy()]) is made.task
