"""How a model searches for what it writes, in the words of transformers' `GenerationConfig`.

Not for: writing itself (`written`), or how a text ends and how long it may be (`translators`, `talkers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import transformers

_OTHERS = (
    "begin_suppress_tokens",
    "diversity_penalty",
    "do_sample",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "epsilon_cutoff",
    "eta_cutoff",
    "exponential_decay_length_penalty",
    "forced_eos_token_id",
    "guidance_scale",
    "length_penalty",
    "max_length",
    "min_length",
    "min_new_tokens",
    "min_p",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "penalty_alpha",
    "repetition_penalty",
    "sequence_bias",
    "temperature",
    "top_h",
    "top_k",
    "top_p",
    "typical_p",
)
"""Settings with which a checkpoint was to write other texts, such as summaries of 56 words at least, or drawn replies.

An end that is forced upon a text which reaches the greatest length is among them: it looks as if the text was finished."""


def settle_search(model: Any, search: Mapping[str, Any]) -> None:
    """Let `search` alone say how `model` writes; all else about it gets the library's own values again.

    It is saved with the model, so that whoever loads it gets texts of the same kind.
    """
    usual = transformers.GenerationConfig()
    settings = model.generation_config
    settings.update(**{name: getattr(usual, name, None) for name in _OTHERS})
    settings.update(**search)
