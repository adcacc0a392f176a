"""Tiny models with adapters; read through runpy by the tests of adapters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

from tunewell.data.batches import Batch
from tunewell.models import ModelLoader
from tunewell.models.adapters import Lora, default_targets
from tunewell.models.compute import sequence_logits

LABELS = ("a", "b", "c")

# family: what gets an adapter by default, the modules of the head
PLACES = {
    "bert": ({"query", "value"}, {"classifier"}),
    "roberta": ({"query", "value"}, {"classifier"}),
    "distilbert": ({"q_lin", "v_lin"}, {"pre_classifier", "classifier"}),
    "gpt2": ({"c_attn"}, {"score"}),
    "xlm-roberta": ({"query", "value"}, {"classifier"}),
    "albert": ({"query", "value"}, {"classifier"}),
    "electra": ({"query", "value"}, {"classifier"}),
    "deberta-v2": ({"query_proj", "value_proj"}, {"pooler", "classifier"}),
    "mpnet": ({"q", "v"}, {"classifier"}),
    "modernbert": ({"Wqkv"}, {"head", "classifier"}),
    "llama": ({"q_proj", "v_proj"}, {"score"}),
}
FLAT = sorted(PLACES.keys() - {"deberta-v2", "mpnet"})


def loaded(
    folder: Path, *targets: str, dropout: float = 0.0, lora: bool = True, **more: Any
) -> tuple[Any, ModelLoader]:
    """A classifier with adapters, prepared, in `eval` mode, and its loader."""
    family = json.loads((folder / "config.json").read_text())["model_type"]
    settings = Lora(4, 8.0, dropout, targets or default_targets(family)) if lora else None
    loader = ModelLoader(str(folder), seed=3, lora=settings)
    arguments = {"pad_token_id": loader.tokenizer().pad_token_id, **more}
    head = (
        (LABELS, "single_label_classification") if "output_range" not in more else (("value",), "regression")
    )
    model = loader.sequence_classifier(*head, **arguments)
    return model.eval(), loader


def shaken(model: Any) -> Any:
    """`model` as after training: everything that learns has moved, so no adapter is zero."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return model


def batch(model: Any) -> Batch:
    """Three texts of different lengths, none with a token that a family treats apart."""
    lengths = (5, 9, 2)
    vocabulary = model.config.get_text_config().vocab_size
    tokens = torch.randint(6, vocabulary, (sum(lengths),), generator=torch.Generator().manual_seed(1))
    return Batch(tokens, torch.tensor(lengths), None, torch.tensor([0, 2, 1]))


def logits(model: Any, texts: Batch) -> torch.Tensor:
    with torch.inference_mode():
        return sequence_logits(model, texts).clone()


def of_peft(base: Path, adapter: Path, loader: ModelLoader, texts: Batch) -> torch.Tensor:
    """What somebody gets who has the base model, the adapter, and peft; nothing of ours."""
    pad_token_id = loader.tokenizer().pad_token_id
    auto = transformers.AutoModelForSequenceClassification
    model = auto.from_pretrained(base, num_labels=len(LABELS), pad_token_id=pad_token_id)
    return padded_logits(peft.PeftModel.from_pretrained(model, adapter).eval(), texts, pad_token_id)


def padded_logits(model: Any, texts: Batch, pad_token_id: int) -> torch.Tensor:
    with torch.inference_mode():
        return model(**texts.padded(pad_token_id)).logits  # type: ignore[no-any-return]
