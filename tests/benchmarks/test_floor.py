"""Operations of a known model, and the rate of matrix products."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from benchmarks.floor import Shape, measure, utilisation
from torch import nn

from tunewell.models import ModelLoader
from tunewell.models.freezing import layer_list

MINILM = {"model_type": "bert", "num_hidden_layers": 6, "hidden_size": 384, "intermediate_size": 1536}


def test_minilm() -> None:
    shape = Shape.of(MINILM)
    assert shape.matmul_parameters == 6 * 12 * 384**2 == 10_616_832
    # ten sequences of 20 tokens: 6 * parameters * 200, and 12 * 6 * 384 * 10 * 400 for attention
    assert shape.training_operations(200, 4000) == 6 * 10_616_832 * 200 + 110_592_000


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_the_count_is_that_of_the_layers_real_matrices(family: str, tiny: Callable[[str], Path]) -> None:
    folder = tiny(family)
    model = ModelLoader(str(folder)).sequence_classifier(
        ("a", "b"), "single_label_classification", pad_token_id=0
    )
    backbone = model.base_model
    assert isinstance(backbone, nn.Module)
    linear = [m for layer in layer_list(backbone) for m in layer.modules() if isinstance(m, nn.Linear)]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert Shape.of(config).matmul_parameters == sum(layer.weight.numel() for layer in linear)


def test_a_family_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="mamba"):
        Shape.of({**MINILM, "model_type": "mamba"})


def test_utilisation_is_the_floor_over_the_rate() -> None:
    shape = Shape.of(MINILM)
    segment = {"seconds": 2.0, "tokens": 200, "squared_tokens": 4000}
    rate = shape.training_operations(200, 4000) / 2
    assert utilisation(shape, segment, rate) == pytest.approx(1.0)
    assert utilisation(shape, segment, 4 * rate) == pytest.approx(0.25)


def test_the_rate_covers_both_backward_forms_of_every_shape() -> None:
    found = measure({"tokens": 64, "hidden": 32, "intermediate": 128}, torch.float32, "cpu", seconds=0.02)
    assert len(found["by_shape"]) == 9
    assert min(found["by_shape"].values()) <= found["rate"] <= max(found["by_shape"].values())
