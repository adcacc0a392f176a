"""The saved model: a plain Hugging Face folder that loads with nothing of ours, adapters merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from tunewell.models.adapters import is_adapted, merged, save_adapter
from tunewell.models.compute import undo
from tunewell.models.heads import plain
from tunewell.models.probe import padding_matters
from tunewell.models.tokenizer import Tokenizer


def save_model(
    model: nn.Module,
    tokenizer: Tokenizer,
    folder: Path,
    max_length_tokens: int,
    adapter_folder: Path | None = None,
) -> nn.Module:
    """Write `model` and `tokenizer` in Hugging Face's layout, weights as float32 safetensors.

    Adapters are merged into the weights, after peft's own folder was written to `adapter_folder`. Gives the
    model as an ordinary one with the same outputs, computed with padding; `model` itself is used up.
    """
    undo(model)
    plain(model)
    if is_adapted(model):
        if adapter_folder is not None:
            save_adapter(model, adapter_folder)
        model = merged(model)
    model.save_pretrained(folder)  # type: ignore[operator]
    tokenizer.save(folder, max_length_tokens)
    return model


def reference_logits(folder: Path, texts: Sequence[tuple[str, ...]]) -> Any:
    """Logits `(texts, labels)` as numpy, by Hugging Face's own classes alone, one padded batch.

    What anyone gets who loads `folder` with `AutoModelForSequenceClassification` and `AutoTokenizer`; one text
    at a time where padding would change the answers.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    # One by one and only the ids: tokenizers keeps all that it cuts off, and for two long texts every pair of it.
    rows = [dict(tokenizer(*example, truncation=True)) for example in texts]
    with torch.inference_mode():
        parts = [[row] for row in rows] if padding_matters(model) else [rows]
        inputs = [tokenizer.pad(part, return_tensors="pt") for part in parts]
        return torch.cat([model(**part).logits for part in inputs]).numpy()
