"""Tokenizers of the translators' families, learnt from a few texts and in the families' own forms.

Not for: the weights beside them; see `tunewell.testing.writers`.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers.models.mbart import tokenization_mbart
from transformers.models.mbart50 import tokenization_mbart50

from tunewell.testing.tiny import FAMILIES

_NLLB_CODES = {
    "de": "deu_Latn",
    "en": "eng_Latn",
    "es": "spa_Latn",
    "fr": "fra_Latn",
    "ru": "rus_Cyrl",
    "zh": "zho_Hans",
}
_SHARED_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
"""What the families that come from fairseq have first, in the order of their ids."""


@dataclass(frozen=True)
class Corpus:
    """What a tokenizer is made from."""

    folder: Path
    source: Sequence[str]
    target: Sequence[str]
    vocab_size: int
    languages: Sequence[str]
    settings: Mapping[str, Any]

    @property
    def texts(self) -> list[str]:
        """Both sides; one alone where they are the same."""
        return list(self.source) if self.source is self.target else [*self.source, *self.target]

    def learn(self, like: str, special_tokens: Sequence[str]) -> dict[str, Any]:
        """The vocabulary of both sides, as a family of `FAMILIES` learns it."""
        return dict(FAMILIES[like].learn(self.texts, special_tokens, self.vocab_size))


def _pieces(texts: Sequence[str], size: int) -> tuple[bytes, dict[str, float]]:
    """A SentencePiece model, and its pieces with their scores, without those that stand for no text."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        vocab_size=size,
        hard_vocab_limit=False,
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
    )
    learnt = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    return written.getvalue(), {learnt.id_to_piece(n): learnt.get_score(n) for n in range(3, len(learnt))}


def _write_ids(path: Path, pieces: Sequence[str]) -> str:
    ids = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    path.write_text(json.dumps(ids, indent=2), encoding="utf-8")
    return str(path)


def marian_tokenizer(corpus: Corpus, codes: Sequence[str] = ()) -> Any:
    """Two SentencePiece models and one vocabulary for both, the pad token at its end."""
    files, pieces = {}, ["</s>", "<unk>"]
    for side, texts in (("source", corpus.source), ("target", corpus.target)):
        proto, learnt = _pieces(texts, corpus.vocab_size)
        path = corpus.folder / f"{side}.spm"
        path.write_bytes(proto)
        files[f"{side}_spm"] = str(path)
        pieces += learnt
    files["vocab"] = _write_ids(corpus.folder / "vocab.json", [*pieces, *codes, "<pad>"])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
        return transformers.MarianTokenizer(**files, **corpus.settings)


def multilingual_marian_tokenizer(corpus: Corpus) -> Any:
    """With a code for each language that it may write, as `>>de<<`."""
    return marian_tokenizer(corpus, [f">>{code}<<" for code in corpus.languages])


def m2m_100_tokenizer(corpus: Corpus) -> Any:
    """Its languages are those that the class knows, whatever the vocabulary has."""
    proto, pieces = _pieces(corpus.texts, corpus.vocab_size)
    path = corpus.folder / "sentencepiece.bpe.model"
    path.write_bytes(proto)
    vocabulary = _write_ids(corpus.folder / "vocab.json", [*_SHARED_TOKENS, *pieces])
    made = transformers.M2M100Tokenizer(vocabulary, str(path), **corpus.settings)
    made.add_special_tokens({"additional_special_tokens": list(made.lang_token_to_id)})
    return made


def t5_tokenizer(corpus: Corpus) -> Any:
    """With two of the marks that stand for gaps."""
    vocabulary = _unigrams(corpus, ("<pad>", "</s>", "<unk>"), ("<extra_id_1>", "<extra_id_0>"))
    return transformers.T5Tokenizer(vocab=vocabulary, extra_ids=2, **corpus.settings)


def mbart_tokenizer(corpus: Corpus) -> Any:
    """That of 25 languages, whose codes stand behind the text."""
    vocabulary = _unigrams(corpus, _SHARED_TOKENS, (*tokenization_mbart.FAIRSEQ_LANGUAGE_CODES, "<mask>"))
    return transformers.MBartTokenizer(vocab=vocabulary, **corpus.settings)


def mbart50_tokenizer(corpus: Corpus) -> Any:
    """That of 50 languages, whose codes stand before the text."""
    vocabulary = _unigrams(corpus, _SHARED_TOKENS, (*tokenization_mbart50.FAIRSEQ_LANGUAGE_CODES, "<mask>"))
    return transformers.MBart50Tokenizer(vocab=vocabulary, bos_token="<s>", **corpus.settings)


def _unigrams(corpus: Corpus, first: Sequence[str], last: Sequence[str]) -> list[tuple[str, float]]:
    """What SentencePiece learns, between special tokens; the library's own trainer breaks ties by chance."""
    _, learnt = _pieces(corpus.texts, corpus.vocab_size)
    return [*((token, 0.0) for token in first), *learnt.items(), *((token, 0.0) for token in last)]


def nllb_tokenizer(corpus: Corpus) -> Any:
    """Byte pairs without bytes; it knows the languages of the corpus and no others."""
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=corpus.vocab_size, special_tokens=list(_SHARED_TOKENS), show_progress=False
    )
    learner.train_from_iterator(corpus.texts, trainer)
    learnt = json.loads(learner.to_str())["model"]
    codes = [_NLLB_CODES.get(code, code) for code in corpus.languages]
    ids = dict(learnt["vocab"])
    for token in (*codes, "<mask>"):
        ids[token] = len(ids)
    merges = [tuple(pair) for pair in learnt["merges"]]
    return transformers.NllbTokenizer(vocab=ids, merges=merges, extra_special_tokens=codes, **corpus.settings)


def bart_tokenizer(corpus: Corpus) -> Any:
    """Byte pairs, as RoBERTa has them."""
    learnt = corpus.learn("roberta", FAMILIES["roberta"].special_tokens)
    return transformers.BartTokenizer(**learnt, **corpus.settings)


def bert_tokenizer(corpus: Corpus) -> Any:
    """Word pieces, both sides in one vocabulary."""
    learnt = corpus.learn("bert", FAMILIES["bert"].special_tokens)
    return transformers.BertTokenizer(**learnt, **corpus.settings)
