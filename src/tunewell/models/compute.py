"""Run a model on a ragged batch. The one place that decides how a batch is laid out for a family."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn


class Ragged(Protocol):
    """Several sequences; what `tunewell.data.batches.Batch` offers a model."""

    def padded(self, pad_token_id: int) -> dict[str, Tensor]:
        """The keyword arguments of a padded forward pass."""


def sequence_logits(model: nn.Module, batch: Ragged) -> Tensor:
    """Logits of shape `(sequences, labels)` in float32, from the padded view of the batch."""
    pad_token_id = model.config.get_text_config().pad_token_id  # type: ignore[union-attr, operator]
    logits: Tensor = model(**batch.padded(int(pad_token_id or 0))).logits
    return logits.float()
