"""What a model says, in one form for all heads. Not for: what it means (the task) or running it (`compute`)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def logits_of(output: Any) -> Tensor:
    """Logits `(sequences, labels)`, or `(sequences, longest, labels)` of a head that reads every token.

    Of a head that looks for the start and the end of an answer these are the two labels.
    """
    if "logits" in output:
        return output["logits"]  # type: ignore[no-any-return]
    return torch.stack([output.start_logits, output.end_logits], dim=-1)


def own_logits(output: Any, attention_mask: Tensor) -> Tensor:
    """The logits without those of padding: `(sequences, labels)`, or `(tokens, labels)`."""
    logits = logits_of(output)
    return logits[attention_mask.bool()] if logits.ndim == 3 else logits
