"""Tiny random models that write text, in real Hugging Face folders: translators and models of one language.

Beside `tiny_model`, whose models have no head: these have one, the settings of generation and the family's own
tokenizer class, with its own files, so that a test meets what a downloaded model brings. Not for: anything that is
compared with a published score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers

from tunewell.testing import two_sided
from tunewell.testing.tiny import random_model, save, tiny_model

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A chat template as many models have it; its marks are `CHATML_TOKENS`."""

CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")


@dataclass(frozen=True)
class _Sizes:
    """How large the model is to be; what is not said follows from it."""

    vocab_size: int
    hidden_size: int
    num_layers: int
    max_length_tokens: int
    dropout: float


@dataclass(frozen=True)
class _Translator:
    """How a tiny model of one family is made.

    `start`, `first` and `last` say which token a decoder is given to begin with, and which it must write first and last;
    None where the family forces none, and `start` None where it is the language that is written.
    """

    tokenizer: Callable[[two_sided.Corpus], Any]
    config: Callable[[_Sizes], Any]
    start: str | None
    first: str | None = None
    last: str | None = None


def _bart_like(model_type: str, **more: Any) -> Callable[[_Sizes], Any]:
    def config(sizes: _Sizes) -> Any:
        halves = {
            f"{half}_{name}": value
            for half in ("encoder", "decoder")
            for name, value in {
                "layers": sizes.num_layers,
                "ffn_dim": 2 * sizes.hidden_size,
                "attention_heads": 2,
                "layerdrop": 0.0,
            }.items()
        }
        dropouts = dict.fromkeys(("dropout", "attention_dropout", "activation_dropout"), sizes.dropout)
        return transformers.CONFIG_MAPPING[model_type](
            vocab_size=sizes.vocab_size,
            d_model=sizes.hidden_size,
            max_position_embeddings=sizes.max_length_tokens,
            init_std=0.1,
            **halves,
            **dropouts,
            **more,
        )

    return config


def _norms(before: bool) -> dict[str, bool]:
    """Settings that the library itself no longer reads; the files of BART and mBART have them, and converters read them."""
    return {"normalize_before": before, "add_final_layer_norm": before, "normalize_embedding": True}


def _t5_config(sizes: _Sizes) -> Any:
    return transformers.T5Config(
        vocab_size=sizes.vocab_size,
        d_model=sizes.hidden_size,
        d_kv=sizes.hidden_size // 2,
        d_ff=2 * sizes.hidden_size,
        num_layers=sizes.num_layers,
        num_heads=2,
        dropout_rate=sizes.dropout,
    )


def _bert_halves(sizes: _Sizes) -> Any:
    halves = [
        transformers.BertConfig(
            vocab_size=sizes.vocab_size,
            hidden_size=sizes.hidden_size,
            intermediate_size=2 * sizes.hidden_size,
            num_hidden_layers=sizes.num_layers,
            num_attention_heads=2,
            max_position_embeddings=sizes.max_length_tokens,
            initializer_range=0.1,
            hidden_dropout_prob=sizes.dropout,
            attention_probs_dropout_prob=sizes.dropout,
        )
        for _ in range(2)
    ]
    return transformers.EncoderDecoderConfig.from_encoder_decoder_configs(*halves)


_MARIAN = _bart_like("marian", activation_function="swish", scale_embedding=True)
_M2M_100 = _bart_like("m2m_100", activation_function="relu", scale_embedding=True)
_MBART = _bart_like("mbart", activation_function="relu", scale_embedding=True, **_norms(True))
_BART = _bart_like("bart", activation_function="gelu", **_norms(False))

TRANSLATORS: Mapping[str, _Translator] = {
    "marian": _Translator(two_sided.marian_tokenizer, _MARIAN, "<pad>", last="</s>"),
    "marian-multilingual": _Translator(
        two_sided.multilingual_marian_tokenizer, _MARIAN, "<pad>", last="</s>"
    ),
    "t5": _Translator(two_sided.t5_tokenizer, _t5_config, "<pad>"),
    "mbart": _Translator(two_sided.mbart50_tokenizer, _MBART, "</s>", last="</s>"),
    "mbart-cc25": _Translator(two_sided.mbart_tokenizer, _MBART, None),
    "m2m_100": _Translator(two_sided.m2m_100_tokenizer, _M2M_100, "</s>"),
    "nllb": _Translator(two_sided.nllb_tokenizer, _M2M_100, "</s>"),
    "bart": _Translator(two_sided.bart_tokenizer, _BART, "</s>", "<s>", "</s>"),
    "encoder-decoder": _Translator(two_sided.bert_tokenizer, _bert_halves, "[CLS]"),
}
"""The translators that `tiny_translator` can make. `mbart` is that of 50 languages, `mbart-cc25` that of 25;
`marian-multilingual` writes the language that a code before the source asks for, `nllb` has the model of `m2m_100` with a
tokenizer of its own, and `encoder-decoder` is two BERTs."""


def tiny_translator(
    folder: Path,
    family: str,
    texts: Sequence[str],
    *,
    target_texts: Sequence[str] | None = None,
    seed: int = 0,
    dropout: float = 0.1,
    num_layers: int = 2,
    hidden_size: int = 32,
    vocab_size: int = 200,
    max_length_tokens: int = 64,
    languages: Sequence[str] = ("en", "de"),
) -> Path:
    """Write a random translator of `family` (one of `TRANSLATORS`), its tokenizer trained on `texts`; return `folder`.

    The same arguments give the same bytes. `target_texts` are those of the other language, where they are to be told
    apart: Marian has a SentencePiece model for each side. `vocab_size` counts what is learnt, without the language
    codes; byte-level families have 256 more. `languages` are two-letter codes: those that `nllb` and
    `marian-multilingual` know, whose class knows none by itself; `mbart-cc25` begins with the second.
    """
    made = TRANSLATORS[family]
    folder.mkdir(parents=True, exist_ok=True)
    target = texts if target_texts is None else target_texts
    settings = {"model_max_length": max_length_tokens}
    tokenizer = made.tokenizer(two_sided.Corpus(folder, texts, target, vocab_size, languages, settings))
    num_ids = len(tokenizer) + getattr(tokenizer, "num_madeup_words", 0)
    config = made.config(_Sizes(num_ids, hidden_size, num_layers, max_length_tokens, dropout))
    start = tokenizer.convert_tokens_to_ids(made.start or _code(languages[1], tokenizer.lang_code_to_id))
    roles = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("pad", "bos", "eos")}
    if family == "encoder-decoder":
        roles.update(bos_token_id=tokenizer.cls_token_id, eos_token_id=tokenizer.sep_token_id)
    for name, value in {**roles, "decoder_start_token_id": start}.items():
        setattr(config, name, value)
    forced = {
        f"forced_{role}_token_id": None if token is None else tokenizer.convert_tokens_to_ids(token)
        for role, token in (("bos", made.first), ("eos", made.last))
    }
    model = random_model(transformers.AutoModelForSeq2SeqLM, config, seed)
    model.generation_config = transformers.GenerationConfig(
        **roles,
        **forced,
        decoder_start_token_id=start,
        bad_words_ids=[[start]] if made.start == "<pad>" and made.last else None,
        max_length=max_length_tokens,
    )
    return save(model, tokenizer, folder)


def tiny_causal(
    folder: Path,
    family: str,
    texts: Sequence[str],
    *,
    seed: int = 0,
    dropout: float = 0.1,
    num_layers: int = 2,
    hidden_size: int = 32,
    vocab_size: int = 200,
    max_length_tokens: int = 64,
    tied: bool | None = None,
    chat_template: str | None = None,
    special_tokens: Sequence[str] = (),
) -> Path:
    """Write a random language model of `family`, `gpt2` or `llama`, with a tokenizer trained on `texts`; return `folder`.

    The same arguments give the same bytes. `tied` says whether the head shares the embeddings; the default is the
    family's. `chat_template` becomes the tokenizer's own, and `special_tokens`, which it may write, follow those of the
    family. Neither family has a pad token.
    """
    tiny_model(
        folder,
        family,
        texts,
        seed=seed,
        dropout=dropout,
        num_layers=num_layers,
        hidden_size=hidden_size,
        vocab_size=vocab_size,
        max_length_tokens=max_length_tokens,
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    config = transformers.AutoConfig.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": list(special_tokens)})
    tokenizer.chat_template = chat_template
    config.vocab_size = len(tokenizer)
    if tied is not None:
        config.tie_word_embeddings = tied
    return save(random_model(transformers.AutoModelForCausalLM, config, seed), tokenizer, folder)


def _code(language: str, known: Mapping[str, int]) -> str:
    """The family's code of a two-letter language: `de_DE` of `de`."""
    return next(code for code in known if code == language or code.startswith(f"{language}_"))
