"""Small Transformers that start from nothing, with a vocabulary learnt from the training texts.

For language pairs and conversations that no checkpoint knows, and for the question what pretraining is worth. The
architectures are ordinary ones of transformers, so a saved model loads without tunewell: Marian's (Vaswani et al. 2017
with sinusoidal positions and one embedding for source, target and output) to translate, GPT-2's to converse. Not for:
loading what somebody trained (`loading`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tokenizers
import transformers
from tokenizers import decoders, normalizers, pre_tokenizers, processors, trainers
from torch import nn

from tunewell.config import ModelSettings

END, UNKNOWN, PAD = "</s>", "<unk>", "<pad>"

_POSITIONS = 512
"""The longest text that such a model can read or write, in tokens."""


@dataclass(frozen=True)
class Scratch:
    """The sizes of a model: width, layers a side, heads, width between, most tokens of the vocabulary, dropout."""

    hidden_size: int
    num_layers: int
    num_heads: int
    feedforward_size: int
    vocab_size: int
    dropout: float

    @classmethod
    def of(cls, settings: ModelSettings) -> Scratch | None:
        """Those of settled settings; None where a pretrained model is loaded."""
        if not settings.from_scratch:
            return None
        names = ("hidden_size", "num_layers", "num_heads", "feedforward_size", "vocab_size", "dropout")
        return cls(**{name: getattr(settings, name) for name in names})


def learn_tokenizer(texts: Iterable[str], vocab_size: int, special_tokens: Sequence[str] = ()) -> Any:
    """Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019) of at most `vocab_size` tokens, learnt from `texts`.

    Every text can be spelt, and is given back to the letter, save for Unicode's normal form (NFC) and blanks at its
    ends. `</s>` comes first and ends every text, `<pad>` last, `special_tokens` after the first. Without such, what is
    typed like a mark is spelt like other text. The same texts give the same vocabulary.
    """
    learner = tokenizers.Tokenizer(tokenizers.models.BPE())
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    # the blank that the first word got is taken off again
    learner.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    first = [END, UNKNOWN, *special_tokens]
    trainer = trainers.BpeTrainer(
        vocab_size=max(vocab_size, len(first) + 257) - 1,
        min_frequency=2,
        special_tokens=first,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    learner.add_special_tokens([PAD])
    end = (END, learner.token_to_id(END))
    learner.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", pair=f"$A $B {END}", special_tokens=[end]
    )
    return transformers.TokenizersBackend(
        tokenizer_object=learner,
        eos_token=END,
        unk_token=UNKNOWN,
        pad_token=PAD,
        additional_special_tokens=list(special_tokens),
        split_special_tokens=not special_tokens,  # a chat's own marks are written as text
        model_max_length=_POSITIONS,
        clean_up_tokenization_spaces=False,
    )


def new_translator(sizes: Scratch, tokenizer: Any) -> nn.Module:
    """Encoder and decoder of `num_layers` layers each, random; the random numbers are torch's next ones."""
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    config = transformers.MarianConfig(
        vocab_size=len(tokenizer),
        d_model=sizes.hidden_size,
        encoder_layers=sizes.num_layers,
        decoder_layers=sizes.num_layers,
        encoder_attention_heads=sizes.num_heads,
        decoder_attention_heads=sizes.num_heads,
        encoder_ffn_dim=sizes.feedforward_size,
        decoder_ffn_dim=sizes.feedforward_size,
        max_position_embeddings=_POSITIONS,
        activation_function="relu",
        dropout=sizes.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        scale_embedding=True,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        eos_token_id=end,
        forced_eos_token_id=None,
        pad_token_id=pad,
        decoder_start_token_id=pad,
        bos_token_id=None,
    )
    return transformers.MarianMTModel(config)  # type: ignore[no-any-return]


def new_talker(sizes: Scratch, tokenizer: Any) -> nn.Module:
    """A causal model of `num_layers` layers, random; the random numbers are torch's next ones."""
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=sizes.hidden_size,
        n_layer=sizes.num_layers,
        n_head=sizes.num_heads,
        n_inner=sizes.feedforward_size,
        n_positions=_POSITIONS,
        resid_pdrop=sizes.dropout,
        embd_pdrop=sizes.dropout,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return transformers.GPT2LMHeadModel(config)  # type: ignore[no-any-return]
