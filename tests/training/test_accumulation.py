"""Batch 8 = 4x2 = 2x4 = 1x8 on ragged data: loss, gradient and weights, with and without class weights.

The naive loop divides each micro-batch by its own number of targets, a mean of means, and fails here.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunewell.core.examples import Origin, TextExample
from tunewell.data.batches import TrainingBatches
from tunewell.models import ModelLoader
from tunewell.runtime import Runtime
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig
from tunewell.testing import tiny_model
from tunewell.training.loop import LoopSettings, StepDone, TrainState, train

SPLITS = (8, 4, 2, 1, 3)
"""Sizes of the micro-batches of a batch of 8; 3 leaves a smaller last one."""

WEIGHTS = {"equal": (1.0, 1.0, 1.0), "weighted": (0.2, 1.0, 3.5)}
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}

Result = tuple[list[float], list[float], dict[str, Tensor]]


def steps(
    model: nn.Module, compute_loss: Any, batches: Any, optimizer: torch.optim.Optimizer, num_steps: int = 5
) -> Result:
    """Losses, gradient norms and weights after `num_steps` steps."""
    events = train(
        model,
        compute_loss,
        batches,
        optimizer,
        lambda step: 1.0,
        settings=LoopSettings(num_steps=num_steps, evaluate_every=num_steps + 1, max_grad_norm=1.0),
        runtime=Runtime(),
        state=TrainState(last_evaluated_step=num_steps),
        evaluate=lambda: None,
    )
    done = [event for event in events if isinstance(event, StepDone)]
    assert len(done) == num_steps
    return (
        [float(event.loss) for event in done],
        [float(event.grad_norm) for event in done],
        {name: tensor.detach().clone() for name, tensor in model.state_dict().items()},
    )


def assert_same(one: Result, other: Result, tolerance: float) -> None:
    assert one[0] == pytest.approx(other[0], abs=tolerance, rel=tolerance)
    assert one[1] == pytest.approx(other[1], abs=tolerance, rel=tolerance)
    for name, tensor in one[2].items():
        torch.testing.assert_close(other[2][name], tensor, atol=tolerance, rtol=0, msg=name)


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_raw_module(parts: Any, dtype: torch.dtype, weights: tuple[float, ...]) -> None:
    def result(micro_batch_size: int) -> Result:
        model = parts.tagger(dtype=dtype)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
        return steps(model, parts.loss(weights), parts.batches(micro_batch_size, weights), optimizer)

    whole = result(8)
    for size in SPLITS[1:]:
        assert_same(whole, result(size), TOLERANCE[dtype])


def test_adamw_in_float64(parts: Any) -> None:
    """AdamW divides by the gradient's size and so magnifies rounding; float64 leaves room for that."""

    def result(micro_batch_size: int) -> Result:
        model = parts.tagger(dtype=torch.float64)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
        return steps(model, parts.loss(), parts.batches(micro_batch_size), optimizer)

    whole = result(8)
    for size in SPLITS[1:]:
        assert_same(whole, result(size), 1e-12)


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_equals_the_mean_over_the_full_batch(parts: Any, weights: tuple[float, ...]) -> None:
    """PyTorch's own weighted mean over all targets, and its gradient, from one flat batch."""
    model = parts.tagger(dtype=torch.float64)
    batches = parts.batches(8, weights)
    (batch,) = batches.at(0)
    weight = torch.tensor(weights, dtype=torch.float64)
    mean = functional.cross_entropy(model(batch.input_ids), batch.labels, weight, reduction="mean")
    mean.backward()
    expected = mean.item()
    gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])

    for size in SPLITS:
        model = parts.tagger(dtype=torch.float64)
        before = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        losses, norms, _ = steps(
            model, parts.loss(weights), parts.batches(size, weights), optimizer, num_steps=1
        )
        after = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
        assert losses[0] == pytest.approx(expected, abs=1e-14)
        assert norms[0] == pytest.approx(float(gradient.norm()), abs=1e-14)
        clip = min(1.0, 1.0 / (float(gradient.norm()) + 1e-6))
        torch.testing.assert_close(before - after, gradient * clip, atol=1e-14, rtol=0)


def test_the_mean_of_means_is_something_else(parts: Any) -> None:
    """Guards the tests above: on this data the naive average is wrong by far more than their tolerance."""
    model, compute_loss = parts.tagger(dtype=torch.float64), parts.loss()
    micro_batches = [batch for batch in parts.batches(2).at(0) if batch.num_targets]
    sums = [compute_loss(model, batch).item() for batch in micro_batches]
    counts = [batch.num_targets for batch in micro_batches]
    naive = sum(s / c for s, c in zip(sums, counts, strict=True)) / len(sums)
    assert abs(naive - sum(sums) / sum(counts)) > 1e-3


TEXTS = [
    "a fine film",
    "dull , far too long and without a single idea that holds",
    "good",
    "the second half of this film is bad , and so is the first half",
    "lovely music",
    "not good at all",
    "fine",
    "a film that moved me to tears twice before the end",
    "bad",
    "good acting and bad light",
    "so so",
]
LABELS = ["good", "bad", "good", "bad", "good", "bad", "good", "good", "bad", "so", "so"]


def classifier(folder: Any, class_weights: str) -> tuple[Any, Any, list[Any]]:
    """A tiny BERT without dropout, its task, and the features of `TEXTS`."""
    config = TextClassificationConfig(
        text="text", label="label", kind="single_label", class_weights=class_weights
    )
    examples = [
        TextExample(str(n), Origin("t", n), texts=(text,), target=label)
        for n, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))
    ]
    task = TextClassification.new(config).learn({"train": examples})
    loader = ModelLoader(str(folder), seed=1)
    tokenizer = task.build_tokenizer(loader, examples)
    model = task.build_model(loader)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return task, model, [feature for example in examples for feature in task.encode(example, tokenizer)]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tiny_model(tmp_path_factory.mktemp("model"), "bert", TEXTS)


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_bert_through_the_task(bert: Any, class_weights: str) -> None:
    def result(size: int) -> Result:
        task, model, features = classifier(bert, class_weights)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        return steps(model, task.loss, TrainingBatches(features, task.collate, 8, size, seed=2), optimizer)

    whole = result(8)
    for size in SPLITS[1:]:
        assert_same(whole, result(size), 1e-6)


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_bert_in_float64(bert: Any, class_weights: str) -> None:
    """With a loss of our own: the task's logits are float32 by design."""

    def result(size: int) -> Result:
        task, model, features = classifier(bert, class_weights)
        weight = torch.tensor(task.label_weights or (1.0, 1.0, 1.0), dtype=torch.float64)

        def compute_loss(model: nn.Module, batch: Any) -> Tensor:
            logits = model(**batch.padded(0)).logits
            return functional.cross_entropy(logits, batch.labels, weight, reduction="sum")

        optimizer = torch.optim.AdamW(model.double().parameters(), lr=1e-3, fused=True)
        return steps(model, compute_loss, TrainingBatches(features, task.collate, 8, size, seed=2), optimizer)

    whole = result(8)
    for size in SPLITS[1:]:
        assert_same(whole, result(size), 1e-12)


def test_halved_batches_are_the_same_rows_in_more_pieces(parts: Any) -> None:
    batches = parts.batches(8, WEIGHTS["weighted"])
    for num_halvings, most in ((0, 8), (1, 4), (2, 2), (3, 1), (30, 1)):
        halved = batches.at(1, num_halvings)
        assert max(len(batch) for batch in halved) == most
        assert sum(batch.num_targets for batch in halved) == pytest.approx(batches.at(1)[0].num_targets)
        assert [name for batch in halved for name in batch.example_ids] == list(batches.at(1)[0].example_ids)
