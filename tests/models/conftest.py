"""What tests of computing without padding share: ragged batches, and all that comes out of a model for one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tunewell.data.batches import Batch
from tunewell.models.compute import sequence_logits

MAX_LENGTH = 36
LENGTHS = (7, 1, MAX_LENGTH, 20, 19, 7, 3)
"""With a one-token text, the longest possible, equal ones and similar ones."""

Found = dict[str, torch.Tensor | None]


class Checks:
    """Functions on models with three labels and a vocabulary of 99 tokens."""

    @staticmethod
    def batch_for(model: Any, lengths: tuple[int, ...] = LENGTHS, seed: int = 1) -> Batch:
        """Random tokens that avoid special ids; each text ends with id 2, which BART and T5 take as its end."""
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randint(5, 99, (sum(lengths),), generator=generator)
        ends = torch.tensor(lengths).cumsum(0) - 1
        if model.config.is_encoder_decoder:
            tokens[ends] = 2
        types = None
        if model.config.model_type in ("bert", "electra", "albert", "mobilebert"):
            types = torch.randint(2, (sum(lengths),), generator=generator)
        labels = torch.randint(3, (len(lengths),), generator=generator)
        return Batch(tokens, torch.tensor(lengths), types, labels)

    @staticmethod
    def singles(batch: Batch) -> list[Batch]:
        """Each text as a batch of its own, so without any padding."""
        lengths = batch.lengths.tolist()
        types = batch.token_type_ids
        rows = zip(
            batch.input_ids.split(lengths),
            lengths,
            [None] * len(lengths) if types is None else types.split(lengths),
            batch.labels,
            strict=True,
        )
        return [Batch(ids, torch.tensor([size]), kinds, label[None]) for ids, size, kinds, label in rows]

    @staticmethod
    def loss_of(model: Any, batch: Batch) -> torch.Tensor:
        """Summed cross-entropy."""
        return nn.functional.cross_entropy(sequence_logits(model, batch), batch.labels, reduction="sum")

    @classmethod
    def everything(cls, model: Any, batch: Batch, *, parts: list[Batch] | None = None) -> Found:
        """Logits, loss and every parameter's gradient, in training mode; of `parts` one after another."""
        parts = [batch] if parts is None else parts
        model.train()
        model.zero_grad()
        losses = [cls.loss_of(model, part) for part in parts]
        torch.stack(losses).sum().backward()
        found: Found = {name: parameter.grad for name, parameter in model.named_parameters()}
        found["loss"] = torch.stack(losses).sum().detach()
        found["logits of training"] = torch.cat([sequence_logits(model, part).detach() for part in parts])
        model.eval()
        with torch.inference_mode():
            found["logits"] = torch.cat([sequence_logits(model, part) for part in parts]).clone()
        return found

    @staticmethod
    def assert_same(ours: Found, theirs: Found, tolerance: float) -> None:
        """Equal within `tolerance` of the largest value (for a gradient: of all gradients)."""
        scale = max(float(grad.abs().max()) for grad in theirs.values() if grad is not None)
        assert ours.keys() == theirs.keys()
        for name, expected in theirs.items():
            mine = ours[name]
            if expected is None:
                assert mine is None or not mine.any(), name
            else:
                size = max(float(expected.abs().max()), 1e-3 * scale)
                found = torch.zeros_like(expected) if mine is None else mine
                assert float((found - expected).abs().max()) <= tolerance * size, name


@pytest.fixture(scope="session")
def checks() -> type[Checks]:
    return Checks
