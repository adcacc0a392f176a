"""A decoder for a model that only reads, made of the model itself (Rothe et al. 2020).

Not for: models that have a decoder, or how a translation is written (`translators`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import transformers

from tunewell.core.errors import ModelError
from tunewell.models.tokenizer import NUMBERED_FROM_PAD

if TYPE_CHECKING:
    from tunewell.models.loading import ModelLoader


def spelt_share(tokenizer: Any, texts: Sequence[str]) -> float:
    """The share of `texts` that come back as they were, blanks and ways to compose a character aside."""
    back = (tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) for text in texts)
    same = sum(_bare(one) == _bare(two) for one, two in zip(back, texts, strict=True))
    return same / max(len(texts), 1)


def _bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def with_decoder(loader: ModelLoader, source: Any, target: Any, start_token_id: int | None) -> Any:
    """Encoder and decoder that both begin as the checkpoint; between them, attention that is new.

    `source` and `target` are Hugging Face's tokenizers; where they are two, the decoder has embeddings of its own.
    Raises `ModelError` for an architecture that cannot decode.
    """
    encoder = loader.load(transformers.AutoModel, loader.config())
    config = loader.config()
    config.is_decoder, config.add_cross_attention = True, True
    may_be_new = ["crossattention", "cross_attn", "cls.", "lm_head"]
    has_own_target = target is not source
    if has_own_target:
        config.vocab_size = len(target)
        if config.model_type not in NUMBERED_FROM_PAD:
            config.pad_token_id = target.pad_token_id
        may_be_new.append("embeddings.word_embeddings")
    decoder = loader.load(transformers.AutoModelForCausalLM, config, may_be_new)
    new = loader.new_parameters
    if has_own_target:
        _inherit(decoder, encoder, target, source)
    try:
        model = transformers.EncoderDecoderModel(encoder=encoder, decoder=decoder)
        _try(model)
    except Exception as error:  # each architecture fails in its own way
        raise ModelError(
            f"{loader.config().model_type!r} cannot become a decoder: {str(error).strip() or type(error).__name__}",
            where=loader.name,
            fix="choose another encoder, such as BERT or RoBERTa, or --set model.from_scratch=true",
        ) from None
    loader.new_parameters = [f"decoder.{name}" for name in new]
    model.config.decoder_start_token_id = start_token_id
    model.config.pad_token_id = target.pad_token_id
    model.config.eos_token_id = (
        target.eos_token_id if target.eos_token_id is not None else target.sep_token_id
    )
    model.config.vocab_size = config.vocab_size
    model.config.tie_word_embeddings = (
        False  # of encoder and decoder; the decoder's own are tied by its own config
    )
    model.generation_config = transformers.GenerationConfig()
    return model


@torch.no_grad()
def _try(model: Any) -> None:
    """One forward pass of a few tokens."""
    ids = torch.arange(1, 4)[None]
    model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids), decoder_input_ids=ids, use_cache=False)
    model.train()


@torch.no_grad()
def _inherit(decoder: Any, encoder: Any, target: Any, source: Any) -> None:
    """Each new token begins as the mean of the pieces that the encoder's own vocabulary cuts it into."""
    known = encoder.get_input_embeddings().weight
    table = decoder.get_input_embeddings().weight
    unknown = source.unk_token_id
    for token in range(len(target)):
        text = target.decode([token]).strip()
        pieces = source(text, add_special_tokens=False)["input_ids"] if text else []
        if pieces and unknown not in pieces and token not in target.all_special_ids:
            table[token] = known[pieces].mean(0)
