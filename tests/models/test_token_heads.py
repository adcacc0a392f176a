"""Heads that read every token: alone, together, and as transformers reads them back, the logits are the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tunewell.core.errors import ModelError
from tunewell.data.batches import Batch
from tunewell.data.features import Feature
from tunewell.models import ModelLoader, Tokenizer
from tunewell.models.artefact import reference_token_logits, save_model
from tunewell.models.compute import token_logits
from tunewell.testing import FAMILIES

Tiny = Callable[[str], Path]
HEADS = ("token-classification", "question-answering")
LABELS = ("O", "B-place", "I-place")


def _model(loader: ModelLoader, head: str) -> nn.Module:
    pad = loader.tokenizer().pad_token_id
    if head == "question-answering":
        return loader.question_answerer(pad_token_id=pad).eval()
    return loader.token_classifier(LABELS, pad_token_id=pad).eval()


def _features(tokenizer: Tokenizer, texts: list[str], head: str) -> list[Feature]:
    """Every other token of a text is read, and of the longest none."""
    features = []
    for number, text in enumerate(texts):
        ids = tokenizer.pieces(text).ids
        window = tokenizer.assemble(ids, ids if head == "question-answering" else None)
        start = window.second if head == "question-answering" else window.first
        places = range(start, start + len(ids), 2) if number else ()
        features.append(Feature(str(number), window.input_ids, window.token_type_ids, positions=places))
    return features


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_company_does_not_matter_and_transformers_agrees(
    family: str, head: str, tiny: Tiny, texts: list[str], tmp_path: Path
) -> None:
    loader = ModelLoader(str(tiny(family)), seed=3)
    tokenizer, model = loader.tokenizer(), _model(loader, head)
    features = _features(tokenizer, [f"{texts[2]} {texts[3]}", *texts[3:9]], head)
    with torch.no_grad():
        together = token_logits(model, Batch.of(features))
        alone = [token_logits(model, Batch.of([feature])) for feature in features]
    assert together.shape == (sum(len(f.positions) for f in features), 2 if head == HEADS[1] else 3)
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=2e-6)

    save_model(model, tokenizer, tmp_path / "model", 64)
    types = [f.token_type_ids or () for f in features] if features[0].token_type_ids else None
    rows = reference_token_logits(tmp_path / "model", head, [f.input_ids for f in features], types)
    wanted = np.concatenate([row[list(f.positions)] for row, f in zip(rows, features, strict=True)])
    np.testing.assert_allclose(together.numpy(), wanted, rtol=0, atol=2e-6)
    again = ModelLoader(str(tmp_path / "model"))
    _model(again, head)
    assert again.new_parameters == []


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_add_up(family: str, head: str, tiny: Tiny, texts: list[str]) -> None:
    loader = ModelLoader(str(tiny(family)))
    tokenizer, model = loader.tokenizer(), _model(loader, head)
    features = _features(tokenizer, texts[:6], head)

    def gradients(parts: list[list[Feature]]) -> dict[str, torch.Tensor]:
        model.zero_grad()
        for part in parts:
            token_logits(model, Batch.of(part)).pow(2).sum().backward()
        return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}

    whole, summed = gradients([features]), gradients([[feature] for feature in features])
    assert whole.keys() == summed.keys()
    for name, gradient in whole.items():
        scale = max(1.0, float(gradient.abs().max()))
        torch.testing.assert_close(gradient / scale, summed[name] / scale, rtol=0, atol=1e-5)


def test_a_family_without_the_head_is_refused_with_a_reason(tmp_path: Path, tiny: Tiny) -> None:
    folder = shutil.copytree(tiny("bert"), tmp_path / "other")
    described = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**described, "model_type": "vit"}))
    loader = ModelLoader(str(folder))
    with pytest.raises(ModelError, match="has no head for this task"):
        loader.question_answerer(pad_token_id=0)
    with pytest.raises(ModelError, match="has no head for this task"):
        loader.token_classifier(LABELS, pad_token_id=0)
