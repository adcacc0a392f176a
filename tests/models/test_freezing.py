"""Freezing keeps exactly the embeddings and the lowest layers, whatever a family calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError
from tunewell.models import ModelLoader
from tunewell.models.freezing import freeze_lowest

Tiny = Callable[[str], Path]

# family: prefixes of the embeddings, prefix of the layers
PLACES = {
    "bert": (("bert.embeddings.",), "bert.encoder.layer."),
    "roberta": (("roberta.embeddings.",), "roberta.encoder.layer."),
    "distilbert": (("distilbert.embeddings.",), "distilbert.transformer.layer."),
    "gpt2": (("transformer.wte.", "transformer.wpe."), "transformer.h."),
    "xlm-roberta": (("roberta.embeddings.",), "roberta.encoder.layer."),
    "electra": (("electra.embeddings.", "electra.embeddings_project."), "electra.encoder.layer."),
    "mpnet": (("mpnet.embeddings.", "mpnet.encoder.relative_attention_bias."), "mpnet.encoder.layer."),
    "modernbert": (("model.embeddings.",), "model.layers."),
    "llama": (("model.embed_tokens.",), "model.layers."),
}


def classifier(folder: Path) -> Any:
    return ModelLoader(str(folder)).sequence_classifier(
        ("a", "b"), "single_label_classification", pad_token_id=0
    )


@pytest.mark.parametrize("num_layers", [0, 1, 2])
@pytest.mark.parametrize("family", PLACES)
def test_exactly_the_lowest_layers_are_kept(family: str, num_layers: int, tiny: Tiny) -> None:
    model = classifier(tiny(family))
    freeze_lowest(model, num_layers)
    embeddings, layers = PLACES[family]
    kept = (*embeddings, *(f"{layers}{index}." for index in range(num_layers))) if num_layers else ()
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if name.startswith(kept or ("-",))}
    assert bool(frozen) == bool(num_layers)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_what_is_frozen_gets_no_gradient(family: str, tiny: Tiny) -> None:
    import torch

    model = classifier(tiny(family))
    freeze_lowest(model, 1)
    model(input_ids=torch.tensor([[7, 8, 9]])).logits.sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad or parameter.grad is None, name


def test_more_layers_than_there_are(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match=r"model\.freeze_layers: 3 is more than the model's 2 layers"):
        freeze_lowest(classifier(tiny("bert")), 3)
