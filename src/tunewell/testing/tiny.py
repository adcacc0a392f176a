"""Tiny random models in real Hugging Face folders, so that a test goes through a user's own doors.

Not for: anything that is compared with a published score.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers


@dataclass(frozen=True)
class Family:
    """How a tiny model of one architecture is made.

    `special_tokens` are in the order of their ids; `dropouts` names every dropout setting of the
    configuration, `extra` what this architecture wants besides the usual sizes.
    """

    tokenizer: str
    learn: Callable[[Sequence[str], Sequence[str], int], Mapping[str, Any]]
    special_tokens: tuple[str, ...]
    dropouts: tuple[str, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


def _word_pieces(texts: Sequence[str], special_tokens: Sequence[str], size: int) -> Mapping[str, Any]:
    """Every character and the most frequent words; the library's own trainer breaks ties by chance."""
    normalizer, words = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    counts = Counter(
        word for text in texts for word, _ in words.pre_tokenize_str(normalizer.normalize_str(text))
    )
    characters = sorted({character for word in counts for character in word})
    frequent = sorted(counts, key=lambda word: (-counts[word], word))
    pieces = [*special_tokens, *characters, *(f"##{character}" for character in characters), *frequent]
    return {"vocab": {piece: index for index, piece in enumerate(list(dict.fromkeys(pieces))[:size])}}


def _byte_pairs(texts: Sequence[str], special_tokens: Sequence[str], size: int) -> Mapping[str, Any]:
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + size,  # every byte has a token, so that every text can be spelt
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    model = _saved_model(learner)
    return {"vocab": model["vocab"], "merges": [tuple(pair) for pair in model["merges"]]}


def _unigrams(texts: Sequence[str], special_tokens: Sequence[str], size: int) -> Mapping[str, Any]:
    unknown = next(token for token in special_tokens if "unk" in token.lower())
    learner = Tokenizer(models.Unigram())
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(special_tokens), unk_token=unknown, show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    vocabulary = [(piece, round(score, 4)) for piece, score in _saved_model(learner)["vocab"]]
    learnt = sorted(vocabulary[len(special_tokens) :], key=lambda entry: (-entry[1], entry[0]))
    return {"vocab": vocabulary[: len(special_tokens)] + learnt}


def _ready_made(texts: Sequence[str], special_tokens: Sequence[str], size: int) -> Mapping[str, Any]:
    """A byte-level tokenizer as a whole, for architectures that have no class of their own for it."""
    learner = Tokenizer(models.BPE(**_byte_pairs(texts, special_tokens, size)))
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learner.decoder = decoders.ByteLevel()
    learner.add_special_tokens(list(special_tokens))
    if "[CLS]" not in special_tokens:
        begin, end = special_tokens
        single, pair = f"{begin} $A", f"{begin} $A {begin}:1 $B:1"
        roles = {"bos_token": begin, "eos_token": end}
    else:
        begin, end = "[CLS]", "[SEP]"
        single, pair = "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"
        roles = {f"{token.strip('[]').lower()}_token": token for token in special_tokens}
    ids = [(token, learner.token_to_id(token)) for token in (begin, end)]
    learner.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=ids)
    return {"tokenizer_object": learner, **roles}


def _saved_model(learner: Tokenizer) -> Any:
    return json.loads(learner.to_str())["model"]


_BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ROBERTA_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_BERT_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
_DISTILBERT_DROPOUTS = ("dropout", "attention_dropout", "seq_classif_dropout")
_ONE_TYPE = {"type_vocab_size": 1}
_NUMBERED_FROM_PAD = ("roberta", "xlm-roberta", "mpnet")
"""Families that give the first token the position after the pad token's id."""

FAMILIES: Mapping[str, Family] = {
    "bert": Family("BertTokenizer", _word_pieces, _BERT_TOKENS, _BERT_DROPOUTS),
    "roberta": Family("RobertaTokenizer", _byte_pairs, _ROBERTA_TOKENS, _BERT_DROPOUTS, _ONE_TYPE),
    "distilbert": Family(
        "DistilBertTokenizer", _word_pieces, _BERT_TOKENS, _DISTILBERT_DROPOUTS, {"hidden_dim": 64}
    ),
    "gpt2": Family(
        "GPT2Tokenizer", _byte_pairs, ("<|endoftext|>",), ("resid_pdrop", "embd_pdrop", "attn_pdrop")
    ),
    "xlm-roberta": Family("XLMRobertaTokenizer", _unigrams, _ROBERTA_TOKENS, _BERT_DROPOUTS, _ONE_TYPE),
    "albert": Family(
        "AlbertTokenizer",
        _unigrams,
        ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"),
        ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob"),
        {"embedding_size": 16},
    ),
    "electra": Family("BertTokenizer", _word_pieces, _BERT_TOKENS, _BERT_DROPOUTS, {"embedding_size": 16}),
    "deberta-v2": Family(
        "DebertaV2Tokenizer",
        _unigrams,
        ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"),
        ("hidden_dropout_prob", "attention_probs_dropout_prob", "pooler_dropout"),
        {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "pooler_hidden_size": 32,
        },
    ),
    "mpnet": Family(
        "MPNetTokenizer",
        _word_pieces,
        ("<s>", "<pad>", "</s>", "[UNK]", "<mask>"),
        ("hidden_dropout_prob", "attention_probs_dropout_prob"),
    ),
    "modernbert": Family(
        "TokenizersBackend",
        _ready_made,
        _BERT_TOKENS,
        ("embedding_dropout", "attention_dropout", "mlp_dropout", "classifier_dropout"),
        {"local_attention": 16, "cls_token_id": 2, "sep_token_id": 3},
    ),
    "llama": Family(
        "TokenizersBackend",
        _ready_made,
        ("<|begin_of_text|>", "<|end_of_text|>"),
        ("attention_dropout",),
        {"num_key_value_heads": 1},
    ),
}
"""The architectures that `tiny_model` can make, by their `model_type`."""


def tiny_model(
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
) -> Path:
    """Write a random model of `family` without a head, and a tokenizer trained on `texts`; return `folder`.

    The same arguments give the same bytes. `vocab_size` is the tokenizer's at most (byte-level families
    have 256 more). The weights are spread wider than a library would start them, so that a tiny model
    tells texts apart.
    """
    made = FAMILIES[family]
    learnt = made.learn(texts, made.special_tokens, vocab_size)
    positions = max_length_tokens + 2 * (family in _NUMBERED_FROM_PAD)
    tokenizer = getattr(transformers, made.tokenizer)(**learnt, model_max_length=max_length_tokens)
    config = transformers.CONFIG_MAPPING[family](
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        num_hidden_layers=num_layers,
        num_attention_heads=2,
        max_position_embeddings=positions,
        initializer_range=0.1,
        **{"intermediate_size": 2 * hidden_size} if family != "gpt2" else {},
        **{f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos")},
        **dict.fromkeys(made.dropouts, dropout),
        **made.extra,
    )
    return save(random_model(transformers.AutoModel, config, seed), tokenizer, folder)


def random_model(kind: Any, config: Any, seed: int) -> Any:
    """A model of one of transformers' `Auto` classes with the weights that `seed` gives; torch's own numbers go on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind.from_config(config)


def save(model: Any, tokenizer: Any, folder: Path) -> Path:
    """Write both as a user has them; return `folder`."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
