"""Models that read one text and write another: their tokenizers, their languages, and where they start from.

Three beginnings: a checkpoint that translates or summarises (Marian, T5, mBART, M2M100, NLLB, BART, ...); an encoder such as
BERT for both sides, with new attention between them (Rothe et al. 2020); nothing at all (`scratch`). Not for:
computing with them (`written`), or which codes of languages a tokenizer knows (`languages`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers
from torch import nn

from tunewell.core.errors import ConfigError, ModelError
from tunewell.models.decoders import spelt_share, with_decoder
from tunewell.models.languages import AskedLanguages, Languages, set_languages
from tunewell.models.lengths import longest_of, with_room
from tunewell.models.scratch import learn_tokenizer, new_translator
from tunewell.models.search import settle_search
from tunewell.models.tokenizer import Encoding, Tokenizer, read_tokenizer

if TYPE_CHECKING:
    from tunewell.models.loading import ModelLoader

TARGET_FOLDER = "target_tokenizer"
"""Where, in a model's folder, the target's tokenizer lies if it is not the source's."""

TARGET_VOCAB_SIZE = 4000
"""The most tokens of a vocabulary that is learnt for the target alone."""

_SPELT_SHARE = 0.95
"""A vocabulary that gives back fewer of the targets to the letter is not fit to write them."""

_SAMPLE = 2000
_DEFAULT_POSITIONS = 510


@dataclass(frozen=True)
class Writing:
    """How a translation is to be written; None where it follows from the model or the training data.

    `wanted_source_tokens` are read where the model can, and more than usual were wanted. `search` is what is said of it in the words of transformers' `GenerationConfig`; it is saved with the model, so that
    whoever loads it gets the same translations.
    """

    languages: AskedLanguages = field(default_factory=AskedLanguages)
    from_encoder: bool = False
    max_target_tokens: int | None = None
    wanted_source_tokens: int = 0
    search: Mapping[str, Any] = field(default_factory=dict)


class PairTokenizer(Tokenizer):
    """Two sides: texts are read with one tokenizer and written with another, or with another mode of the same.

    `start_token_id` is what the decoder is given before its first token; it is no part of a target. `longest_target` is
    the number of tokens of the longest training target; None where a saved model's own limit holds. `most_target_tokens`
    is what the decoder can write at all.
    """

    has_decoder = True

    def __init__(
        self,
        tokenizer: Any,
        max_length_tokens: int,
        target: Any = None,
        *,
        start_token_id: int | None = None,
        languages: Languages | None = None,
    ) -> None:
        super().__init__(tokenizer, max_length_tokens)
        if target is not None:
            self.target = target
        self.languages = languages if languages is not None else Languages()
        self.start_token_id = start_token_id if self.languages.start is None else self.languages.start
        self.longest_target: int | None = None
        self.most_target_tokens = _DEFAULT_POSITIONS

    @property
    def has_own_target(self) -> bool:
        """Whether the two sides have vocabularies of their own."""
        return self.target is not self._tokenizer

    def encode(self, texts: tuple[str, ...], max_length_tokens: int | None = None) -> Encoding:
        """A source, with the code of its translation's language before it where the model reads one there."""
        code, text = self.languages.taken_apart(texts[0])
        limit = min(max_length_tokens or self.max_length_tokens, self.max_length_tokens)
        if code is None:
            return super().encode((text, *texts[1:]), limit)
        found = super().encode((text, *texts[1:]), max(1, limit - 1))
        return replace(found, input_ids=[code, *found.input_ids], offsets=None)

    def encode_newest(self, text: str, max_length_tokens: int) -> tuple[list[int], int]:
        """The tokens of a source whose beginning is cut where it is too long, and how many were."""
        encoded = self.hf(text, return_special_tokens_mask=True, verbose=False)
        ids, special = list(encoded["input_ids"]), list(encoded["special_tokens_mask"])
        if self.languages.before_source is not None:
            ids, special = [self.languages.before_source, *ids], [1, *special]
        num_cut = max(0, len(ids) - min(max_length_tokens, self.max_length_tokens))
        first = next((place for place, mark in enumerate(special) if not mark), len(ids))
        return ids[:first] + ids[first + num_cut :], num_cut

    def encode_target(self, text: str, max_length_tokens: int) -> tuple[list[int], int]:
        """The tokens that a decoder is to write, end included, and how many were cut off.

        What the decoder is given to begin with is none of them, at whichever end the tokenizer puts it.
        """
        ids = list(self.target(text_target=text, verbose=False)["input_ids"])
        if len(ids) > 1 and ids[0] == self.start_token_id:
            ids = ids[1:]
        if len(ids) > 1 and ids[-1] == self.languages.start:
            ids = ids[:-1]
        num_cut = max(0, len(ids) - max_length_tokens)
        return ids[: len(ids) - num_cut], num_cut

    def is_cut(self, ids: Sequence[int]) -> bool:
        """Whether what a decoder wrote was ended by the greatest length, and not by an end token."""
        return not ids or ids[-1] not in (self.target.eos_token_id, self.target.sep_token_id)

    def save(self, folder: Path, max_length_tokens: int) -> None:
        """Write the tokenizer's files, the target's into a folder of their own where they are two."""
        super().save(folder, max_length_tokens)
        if self.has_own_target:
            self.target.save_pretrained(folder / TARGET_FOLDER)


def pair_tokenizer(loader: ModelLoader, pairs: Sequence[tuple[str, str]], writing: Writing) -> PairTokenizer:
    """The tokenizer of both sides; `pairs` are the training texts, none for a model that was saved by tunewell.

    Raises `ConfigError` for languages that the tokenizer does not know, `ModelError` for a model that cannot write.
    """
    if loader.scratch is not None:
        if writing.from_encoder:
            raise ConfigError(
                "has no effect with model.from_scratch, which has a decoder",
                where="task.decoder",
                fix="leave it out",
            )
        texts = (text for pair in pairs for text in pair)
        learnt = learn_tokenizer(texts, loader.scratch.vocab_size)
        made = PairTokenizer(learnt, learnt.model_max_length, start_token_id=learnt.pad_token_id)
    else:
        made = _loaded(loader, pairs, writing)
        made.most_target_tokens = _positions(loader.config(), writing)
    if pairs:
        targets = (target for _, target in pairs)
        made.longest_target = longest_of(targets, lambda text: len(made.encode_target(text, 1_000_000)[0]))
    loader.made_tokenizer = made
    return made


def _loaded(loader: ModelLoader, pairs: Sequence[tuple[str, str]], writing: Writing) -> PairTokenizer:
    own, config = loader.tokenizer(writing.wanted_source_tokens), loader.config()
    if not config.is_encoder_decoder:
        return _of_encoder(loader, own, [target for _, target in pairs], writing)
    if writing.from_encoder and pairs:
        loader.notes.append("task.decoder=from-encoder has no effect: this model has a decoder")
    start, folder = _start(config), loader.folder / TARGET_FOLDER
    if folder.is_dir():
        return PairTokenizer(own.hf, own.max_length_tokens, read_tokenizer(folder), start_token_id=start)
    sources = [source for source, _ in pairs]
    languages = set_languages(own.hf, writing.languages, loader.name, sources)
    return PairTokenizer(own.hf, own.max_length_tokens, start_token_id=start, languages=languages)


def _of_encoder(
    loader: ModelLoader, own: Tokenizer, targets: Sequence[str], writing: Writing
) -> PairTokenizer:
    """For a decoder that is to be made of an encoder: its own tokenizer where it can spell the targets."""
    config = loader.config()
    reads_only = type(config) in transformers.AutoModelForMaskedLM._model_mapping
    if not reads_only or not writing.from_encoder:
        raise ModelError(
            f"{config.model_type!r} reads texts and does not write them"
            if reads_only
            else f"{config.model_type!r} goes on with a text, and has no encoder to read another with",
            where=loader.name,
            fix=("--set task.decoder=from-encoder starts a decoder from it, too; or " if reads_only else "")
            + "choose a model that translates, such as Helsinki-NLP/opus-mt-en-de; or --set model.from_scratch=true",
        )
    if loader.lora is not None:
        raise ConfigError(
            "adapters change what a model can do already, and this decoder's attention to the source is new",
            where="model.lora_rank",
            fix="leave it out; the model that is saved can then be trained further with it",
        )
    sample = targets[:: max(1, len(targets) // _SAMPLE)][:_SAMPLE]
    share = spelt_share(own.hf, sample)
    if share >= _SPELT_SHARE:
        start = own.hf.cls_token_id if own.hf.cls_token_id is not None else own.hf.bos_token_id
        return PairTokenizer(own.hf, own.max_length_tokens, start_token_id=start)
    learnt = learn_tokenizer(targets, TARGET_VOCAB_SIZE)
    loader.notes.append(
        f"the model's own vocabulary gives back {share:.0%} of the targets to the letter (capitals, accents or script "
        f"are lost in others): {len(learnt):,} tokens were learnt from the training targets"
    )
    return PairTokenizer(own.hf, own.max_length_tokens, learnt, start_token_id=learnt.eos_token_id)


def _start(config: Any) -> int | None:
    """What the decoder is given to begin with."""
    names = ("decoder_start_token_id", "bos_token_id")
    found = next((value for name in names if (value := getattr(config, name, None)) is not None), None)
    return None if found is None else int(found)


def read_back(folder: Path, writing: Writing) -> PairTokenizer:
    """The tokenizer of a model that was saved, from its folder alone."""
    from tunewell.models.loading import ModelLoader

    return pair_tokenizer(ModelLoader(str(folder)), (), writing)


def translator(loader: ModelLoader, writing: Writing) -> nn.Module:
    """The model, ready to be computed; its `generation_config` says how it starts, ends, searches and how long it writes.

    `pair_tokenizer` must have been asked before.
    """
    made = loader.made_tokenizer
    assert isinstance(made, PairTokenizer)
    if loader.scratch is not None:
        model: Any = loader.new(lambda sizes: new_translator(sizes, made.hf))
    elif loader.config().is_encoder_decoder:
        model = loader.load(transformers.AutoModelForSeq2SeqLM, loader.config())
    else:
        model = with_decoder(loader, made.hf, made.target, made.start_token_id)
    _settle_generation(model, made, writing)
    return loader.ready(model, told=False)


def _settle_generation(model: Any, made: PairTokenizer, writing: Writing) -> None:
    """Write into the model's own place for it how it starts, ends, searches, and how long it may write."""
    settings, target, config = model.generation_config, made.target, model.config
    settings.pad_token_id = config.pad_token_id if config.pad_token_id is not None else target.pad_token_id
    if settings.eos_token_id is None:
        settings.eos_token_id = config.eos_token_id
    settings.decoder_start_token_id = config.decoder_start_token_id = made.start_token_id
    made.languages.settle(model)
    if target.pad_token_id not in (None, target.eos_token_id):  # it fills what has ended and is never written
        settings.suppress_tokens = sorted({*(settings.suppress_tokens or ()), target.pad_token_id})
    limit = writing.max_target_tokens
    if limit is None and made.longest_target is not None:
        limit = with_room(made.longest_target)
    if limit is None:
        limit = settings.max_new_tokens or made.most_target_tokens
    settle_search(model, writing.search)
    settings.max_new_tokens = min(limit, made.most_target_tokens)


def _positions(config: Any, writing: Writing) -> int:
    """The most tokens that the decoder can write; what is asked for, where it has no limit, as T5's."""
    decoder = getattr(config, "decoder", None)
    found = getattr(decoder if hasattr(decoder, "to_dict") else config, "max_position_embeddings", None)
    return int(found) - 2 if found and found > 2 else max(_DEFAULT_POSITIONS, writing.max_target_tokens or 0)
