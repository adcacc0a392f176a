"""The saved model: a plain Hugging Face folder that loads with nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from tunewell.models.compute import undo
from tunewell.models.heads import plain
from tunewell.models.tokenizer import Tokenizer


def save_model(model: nn.Module, tokenizer: Tokenizer, folder: Path, max_length_tokens: int) -> None:
    """Write `model` and `tokenizer` in Hugging Face's layout, weights as float32 safetensors.

    The model itself becomes an ordinary one with the same outputs, computed with padding from then on.
    """
    undo(model)
    plain(model)
    model.save_pretrained(folder)  # type: ignore[operator]
    tokenizer.save(folder, max_length_tokens)


def reference_logits(folder: Path, texts: Sequence[tuple[str, ...]]) -> Any:
    """Logits `(texts, labels)` as numpy, by Hugging Face's own classes alone, one padded batch.

    What anyone gets who loads `folder` with `AutoModelForSequenceClassification` and `AutoTokenizer`.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    # One by one and only the ids: tokenizers keeps all that it cuts off, and for two long texts every pair of it.
    rows = [dict(tokenizer(*example, truncation=True)) for example in texts]
    inputs = tokenizer.pad(rows, return_tensors="pt")
    with torch.inference_mode():
        return model(**inputs).logits.numpy()
