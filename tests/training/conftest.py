"""Small raw modules on ragged data, and what every test of the loop needs around them."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tunewell.data.batches import Batch, TrainingBatches
from tunewell.data.features import Feature
from tunewell.runtime import Runtime
from tunewell.training.loop import Evaluation, LoopSettings, TrainState, train

IGNORE_INDEX = -100


class Tagger(nn.Module):
    """One of three classes for every token; raw PyTorch, nothing of ours."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.hidden = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(8, 3)

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.head(self.dropout(self.norm(torch.tanh(self.hidden(self.embedding(input_ids))))))


def new_tagger(dropout: float = 0.0, dtype: torch.dtype = torch.float32) -> Tagger:
    torch.manual_seed(7)
    return Tagger(dropout).to(dtype)


def ragged_features(number: int = 24) -> list[Feature]:
    """Sequences of 1 to 9 tokens, about a third of which are no target; some have no target at all."""
    generator = torch.Generator().manual_seed(3)
    features = []
    for index in range(number):
        length = int(torch.randint(1, 10, (), generator=generator))
        tokens = torch.randint(0, 20, (length,), generator=generator).tolist()
        labels = torch.randint(0, 3, (length,), generator=generator)
        labels[torch.rand(length, generator=generator) < 0.3] = IGNORE_INDEX
        features.append(Feature(f"row {index}", tokens, target=labels.tolist()))
    return features


def collate_tags(weights: Sequence[float] = (1.0, 1.0, 1.0)) -> Callable[[Sequence[Feature]], Batch]:
    def collate(features: Sequence[Feature]) -> Batch:
        labels = [label for feature in features for label in feature.target]
        num_targets = sum(weights[label] for label in labels if label != IGNORE_INDEX)
        return Batch.of(features, torch.tensor(labels), num_targets)

    return collate


def summed_loss(weights: Sequence[float] = (1.0, 1.0, 1.0)) -> Callable[[nn.Module, Batch], Tensor]:
    def compute_loss(model: nn.Module, batch: Batch) -> Tensor:
        logits = model(batch.input_ids)
        weight = torch.tensor(weights, dtype=logits.dtype)
        return functional.cross_entropy(logits, batch.labels, weight, reduction="sum")

    return compute_loss


def tag_batches(micro_batch_size: int = 8, weights: Sequence[float] = (1.0, 1.0, 1.0)) -> TrainingBatches:
    return TrainingBatches(ragged_features(), collate_tags(weights), 8, micro_batch_size, seed=5)


class Training:
    """One training of a raw module, with every part open to a test."""

    def __init__(self, *, dropout: float = 0.0, micro_batch_size: int = 8, **settings: Any) -> None:
        self.model: nn.Module = new_tagger(dropout)
        self.batches: Any = tag_batches(micro_batch_size)
        self.compute_loss = summed_loss()
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.schedule: Callable[[int], float] = lambda step: 1.0
        self.settings = LoopSettings(**{"num_steps": 6, "evaluate_every": 3, **settings})
        self.runtime = Runtime()
        self.state = TrainState()
        self.scores: Iterator[float] = iter(float(number) for number in range(1000))
        self.evaluate: Callable[[], Evaluation | None] = lambda: Evaluation(next(self.scores))

    def events(self, **settings: Any) -> Iterator[Any]:
        return train(
            self.model,
            self.compute_loss,
            self.batches,
            self.optimizer,
            self.schedule,
            settings=replace(self.settings, **settings),
            runtime=self.runtime,
            state=self.state,
            evaluate=self.evaluate,
        )

    def run(self, **settings: Any) -> list[Any]:
        return list(self.events(**settings))

    def weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}


@pytest.fixture
def training() -> type[Training]:
    """The class, so that a test makes as many as it compares."""
    return Training


@pytest.fixture
def parts() -> Any:
    """The raw module and its data by name, for tests that put them together themselves."""

    class Parts:
        tagger, features, collate = new_tagger, ragged_features, collate_tags
        loss, batches = summed_loss, tag_batches

    return Parts


@pytest.fixture(scope="session")
def processes() -> Iterator[Any]:
    """Runs functions of a script in processes that can be killed; see tests/runs/processes.py."""
    script = Path(__file__).parents[1] / "runs/processes.py"
    with runpy.run_path(str(script))["Processes"]() as started:
        yield started
