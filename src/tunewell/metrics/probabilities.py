"""From logits to probabilities, on plain arrays.

The same formulas that Hugging Face's pipelines apply to a model's logits. Not for: choosing a label.
"""

from __future__ import annotations

import numpy as np

from tunewell.metrics.tables import FloatArray


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities that sum to 1 over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return result


def logistic(logits: FloatArray) -> FloatArray:
    """Each logit's own probability."""
    result: FloatArray = 1 / (1 + np.exp(-np.clip(logits, -700, 700)))  # beyond, exp overflows
    return result
