"""A tiny random text classifier of every architecture that transformers can make one of.

Without files or a tokenizer, in memory: for the question which families can be computed without padding.
Not for: tests of what a user does, which start from a folder (`tunewell.testing.tiny_model`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import transformers
from torch import nn
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

MAX_LENGTH_TOKENS = 40
VOCAB_SIZE = 99

_NO_CHANCE = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout", "hidden_dropout",
    "activation_dropout", "classifier_dropout", "layerdrop", "dropout_rate", "resid_pdrop", "embd_pdrop",
    "attn_pdrop", "residual_dropout", "router_jitter_noise", "input_jitter_noise",
    "lsh_attention_probs_dropout_prob", "local_attention_probs_dropout_prob",
)  # fmt: skip

_SIZES: Mapping[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "word_embed_proj_dim", "embed_dim"), 32),
    **dict.fromkeys(("embedding_size", "emb_dim", "shape_embed_dim", "pronunciation_embed_dim"), 16),
    **dict.fromkeys(("intermediate_size", "d_ff", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim"), 48),
    **dict.fromkeys(("ffn_hidden_size", "hidden_dim", "dff", "d_inner"), 48),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 16),
    **dict.fromkeys(("num_attention_heads", "encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("num_heads", "num_experts", "num_local_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("num_hidden_layers", "num_layers", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_decoder_layers", "num_key_value_heads", "num_experts_per_tok"), 2),
    **dict.fromkeys(("head_dim", "d_head", "d_kv", "v_head_dim"), 8),
    **dict.fromkeys(("qk_nope_head_dim", "qk_rope_head_dim", "rotary_dim"), 4),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank"), 16),
    **dict.fromkeys(("n_group", "topk_group", "first_k_dense_replace"), 1),
    **dict.fromkeys(("entity_vocab_size", "shape_vocab_size", "pronunciation_vocab_size"), VOCAB_SIZE),
    "max_position_embeddings": MAX_LENGTH_TOKENS + 4,
    "max_2d_position_embeddings": 8,
    "vocab_size": VOCAB_SIZE,
    "partial_rotary_factor": 0.5,
    "pad_token_id": 0,
    "eos_token_id": 2,
    "bos_token_id": 3,
    **dict.fromkeys(_NO_CHANCE, 0.0),
}
"""Small sizes, by every name that architectures have for them; a configuration takes those that it knows."""

_MIXED = {"layer_types": ["linear_attention", "full_attention"]}
_LINEAR = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
_LATENT: Mapping[str, Any] = {"head_dim": 4, "num_key_value_heads": 4, "partial_rotary_factor": 1.0}
_GEMMA: Mapping[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": VOCAB_SIZE,
}
_EXTRA: Mapping[str, Mapping[str, Any]] = {
    "axk1": _LATENT,
    "axk2": _LATENT,
    "albert": {"embedding_size": 16},
    "big_bird": {"attention_type": "original_full"},
    "bigbird_pegasus": {"attention_type": "original_full"},
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 8},
    "deepseek_v2": _LATENT,
    "deepseek_v3": _LATENT,
    "ctrl": {"dff": 48},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": {
            kind: {"rope_type": "default", "rope_theta": 1e4}
            for kind in ("sliding_attention", "full_attention")
        },
    },
    "convbert": {"embedding_size": 32},
    "esmc": {"num_key_value_heads": 4},
    "falcon": {"new_decoder_architecture": False},
    "flaubert": {"emb_dim": 32},
    "funnel": {"block_sizes": [1, 1], "num_decoder_layers": 1},
    "gemma3_text": {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"]},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 6},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "lilt": {"hidden_size": 48, "channel_shrink_ratio": 4},
    "longformer": {"attention_window": 8},
    "markuplm": {"xpath_unit_hidden_size": 8},
    "minicpm3": _LATENT,
    "minimax": _MIXED,
    "ministral": {"sliding_window": 6},
    "mistral": {"sliding_window": 6},
    "mistral4": _LATENT,
    "mobilebert": {"embedding_size": 16, "intra_bottleneck_size": 32},
    "modernbert": {"local_attention": 6, "global_attn_every_n_layers": 2},
    "modernbert-decoder": {"local_attention": 6, "global_attn_every_n_layers": 2},
    "mt5": {"decoder_start_token_id": 0},
    "olmo3": {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"]},
    "phi3": {"sliding_window": 6},
    "qwen2": {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1},
    "qwen3_5_text": {**_MIXED, **_LINEAR},
    "qwen3_next": {**_MIXED, **_LINEAR},
    "reformer": {"axial_pos_embds": False, "hash_seed": 0},
    "roformer": {"embedding_size": 32},
    "squeezebert": {"embedding_size": 32},
    "starcoder2": {"sliding_window": 6},
    "t5": {"decoder_start_token_id": 0},
    "t5gemma": dict.fromkeys(("encoder", "decoder"), _GEMMA),
    "umt5": {"decoder_start_token_id": 0},
    "xlm": {"emb_dim": 32},
    "zamba": {"num_hidden_layers": 6, "layer_types": ["mamba", "hybrid"] * 3},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}
"""What an architecture wants besides, and windows that are shorter than a text."""

NOT_FOR_TEXT: Mapping[str, str] = {
    **dict.fromkeys(("gemma3", "qwen3_5", "modernvbert", "ultravbert", "t5gemma2"), "reads images, too"),
    **dict.fromkeys(("layoutlmv2", "layoutlmv3"), "reads pictures of pages"),
    "tapas": "reads tables",
    **dict.fromkeys(("perceiver", "zamba2"), "has no small size"),
}
"""Architectures that transformers lists as text classifiers and that are none for us."""


def architectures() -> Iterator[str]:
    """The `model_type` of every architecture with a head for classifying texts."""
    return (name for name in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES if name not in NOT_FOR_TEXT)


def tiny_classifier(model_type: str, **settings: Any) -> Any:
    """A random model of two layers and three labels, with nothing random in training, its weights spread wide.

    `settings` are added to its configuration.
    """
    class_name = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES[model_type]
    chosen = {**_known(model_type), **_EXTRA.get(model_type, {}), **settings}
    config = transformers.CONFIG_MAPPING[model_type](num_labels=3, **chosen)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, class_name)(config)
        for parameter in model.parameters():  # a small random head hides differences
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.1)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.eval()


def _known(model_type: str) -> dict[str, Any]:
    """Those of our sizes that this configuration has a field for, under its own names."""
    config_class = transformers.CONFIG_MAPPING[model_type]
    own_names = getattr(config_class, "attribute_map", {})
    fields = set(inspect.signature(config_class.__init__).parameters)
    fields |= set(getattr(config_class, "__dataclass_fields__", {}))
    sizes = {own_names.get(name, name): size for name, size in _SIZES.items()}
    return {name: size for name, size in sizes.items() if name in fields}
