"""Every architecture that transformers has a text classifier of: flat or padded, its numbers are its own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tunewell.models.compute import prepare
from tunewell.models.probe import plan_of
from tunewell.testing.zoo import MAX_LENGTH_TOKENS, NOT_FOR_TEXT, architectures, tiny_classifier

LENGTHS = (7, 1, MAX_LENGTH_TOKENS, 20, 19, 7, 3, MAX_LENGTH_TOKENS, 33)
"""Together far more tokens than a tiny model's table of positions has rows."""

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert as a decoder": ("bert", {"is_decoder": True}),
    "bert in chunks": ("bert", {"chunk_size_feed_forward": 1}),
    "distilbert with sines": ("distilbert", {"sinusoidal_pos_embds": True}),
    "esm with rotation": ("esm", {"position_embedding_type": "rotary"}),
    "gpt2 unscaled": ("gpt2", {"scale_attn_weights": False}),
    "gpt2 scaled by layer": ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
    "gpt_bigcode with all keys": ("gpt_bigcode", {"multi_query": False}),
    "llama, positions stretched": (
        "llama",
        {
            "rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4},
            "max_position_embeddings": 16,
        },
    ),
    "llama, positions interpolated": (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "yarn",
                "factor": 4.0,
                "rope_theta": 1e4,
                "original_max_position_embeddings": 11,
            }
        },
    ),
    "gemma3 both ways": ("gemma3_text", {"use_bidirectional_attention": True}),
    "modernbert by its first token": ("modernbert", {"classifier_pooling": "cls"}),
    "modernbert by its mean": ("modernbert", {"classifier_pooling": "mean"}),
    "opt, norm last": ("opt", {"do_layer_norm_before": False}),
}


def _check(model_type: str, settings: dict[str, Any], checks: Any) -> None:
    model = tiny_classifier(model_type, **settings)
    lengths = LENGTHS if model_type != "canine" else [length for length in LENGTHS if length > 3]
    batch = checks.batch_for(model, lengths)
    expected = checks.everything(model, batch)
    reason = prepare(model)
    plan = plan_of(model)
    assert plan is not None
    if reason is not None:  # a clause that completes "computed with padding: ..."
        assert re.fullmatch(r"[a-z][\w ,'()-]{20,150}", reason)
        assert "could not be computed" not in reason
    if plan.least_length is not None:
        untouched = tiny_classifier(model_type, **settings)
        expected = checks.everything(untouched, batch, parts=checks.singles(batch))
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)


@pytest.mark.parametrize("model_type", architectures())
def test_any_architecture_keeps_its_numbers(model_type: str, checks: Any) -> None:
    _check(model_type, {}, checks)


@pytest.mark.parametrize(("model_type", "settings"), VARIANTS.values(), ids=VARIANTS)
def test_any_configuration_keeps_its_numbers(model_type: str, settings: dict[str, Any], checks: Any) -> None:
    _check(model_type, settings, checks)


def test_few_are_left_out() -> None:
    assert len(list(architectures())) > 110
    assert len(NOT_FOR_TEXT) < 12
