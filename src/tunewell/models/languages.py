"""The languages of a translator: the codes that its tokenizer knows, and what it is told to begin with.

Some families have a mode for each side and a code among the tokens (mBART, M2M100, NLLB), some read the code as text
before the source (Marian), most know nothing of languages. Tokenizers take codes that they do not know without a word,
so they are checked here. Not for: languages that only the scores care about (`tunewell.metrics.translations`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewell.core.errors import ConfigError
from tunewell.core.languages import alike

_SPECIAL = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}")
"""A special token that is the code of a language, as NLLB has them."""

_BEFORE_TEXT = re.compile(r"\s*>>([^<>]+)<<\s*")
"""A code as Marian reads it before the source."""


@dataclass(frozen=True)
class AskedLanguages:
    """What a user wants read and written, None where nothing was said; `settings` are what the task calls the two."""

    source: str | None = None
    target: str | None = None
    settings: tuple[str, str] = ("source_language", "target_language")


@dataclass(frozen=True)
class Languages:
    """What a translator must be told of its languages; None where the family has no such thing.

    `forced_first` is the token id that a decoder must write first, `start` the one that it is given to begin with,
    `before_source` the one that stands before a source, unless another of `marks` (codes with their ids) does.
    """

    forced_first: int | None = None
    start: int | None = None
    before_source: int | None = None
    marks: Mapping[str, int] = field(default_factory=dict)

    def settle(self, model: Any) -> None:
        """Write it into the model's configuration and generation settings."""
        if self.forced_first is not None:
            model.generation_config.forced_bos_token_id = self.forced_first
        if self.start is not None:
            model.generation_config.decoder_start_token_id = self.start
            model.config.decoder_start_token_id = self.start

    def taken_apart(self, source: str) -> tuple[int | None, str]:
        """The id of the code that is to stand before the source, and the source without it.

        Marian's tokenizer takes all up to the last `<<` of a text that begins with `>>` for a code.
        """
        found = _BEFORE_TEXT.match(source)
        own = self.marks.get(found[1]) if found else None
        return (self.before_source, source) if found is None or own is None else (own, source[found.end() :])


def known_codes(tokenizer: Any) -> dict[str, int]:
    """The codes of languages that a tokenizer can be set to, with their token ids; empty for families without."""
    if not hasattr(tokenizer, "src_lang"):
        return {}
    listed = getattr(tokenizer, "lang_code_to_id", None)
    if listed:
        return {str(code): int(token) for code, token in sorted(listed.items())}
    special = sorted(str(token) for token in tokenizer.all_special_tokens)
    return {code: tokenizer.convert_tokens_to_ids(code) for code in special if _SPECIAL.fullmatch(code)}


def set_languages(
    tokenizer: Any, asked: AskedLanguages, model_name: str, texts: Sequence[str] = ()
) -> Languages:
    """Tell `tokenizer` its languages, where it has any; what the model must be told.

    A code such as `de` stands for that of the same language (`de_DE`, `deu_Latn`) where there is one only. `texts` are
    sources of training, which may bring their codes along. Raises `ConfigError` with the known codes for one that is
    missing or not among them.
    """
    marks = [str(token) for token in getattr(tokenizer, "supported_language_codes", None) or ()]
    if marks:
        return _before_text(tokenizer, marks, asked, model_name, texts)
    ids = known_codes(tokenizer)
    if not ids:
        return Languages()
    tokenizer.src_lang = _code(asked.source, asked.settings[0], list(ids), model_name)
    tokenizer.tgt_lang = code = _code(asked.target, asked.settings[1], list(ids), model_name)
    if tokenizer(text_target="a")["input_ids"][0] == ids[code]:
        return Languages(forced_first=ids[code])
    return Languages(
        start=ids[code]
    )  # mBART's first form ends a text with its code, and starts a translation with it


def _before_text(
    tokenizer: Any, marks: Sequence[str], asked: AskedLanguages, model_name: str, texts: Sequence[str]
) -> Languages:
    found = {mark: _BEFORE_TEXT.fullmatch(mark) for mark in sorted(marks)}
    ids = {code[1]: int(tokenizer.convert_tokens_to_ids(mark)) for mark, code in found.items() if code}
    own = Languages(marks=ids)
    if asked.target is None and all(own.taken_apart(text)[0] is not None for text in texts):
        return own
    code = _code(asked.target, asked.settings[1], list(ids), model_name)
    return Languages(before_source=ids[code], marks=ids)


def _code(given: str | None, setting: str, codes: Sequence[str], model_name: str) -> str:
    meant = alike(given, codes) if given else []
    if len(meant) == 1:
        return meant[0]
    near = meant or difflib.get_close_matches(given or "", codes, n=3, cutoff=0.5)
    problem = (
        "can mean several languages of this model"
        if meant
        else "is no language that this model's tokenizer knows"
    )
    what = f"{given!r} {problem}" if given else "is not set, and this model must be told"
    raise ConfigError(
        what + (f": {' or '.join(near)}?" if near else ""),
        where=f"task.{setting}",
        fix=f"--set task.{setting}=, one of the codes that {model_name} knows: {', '.join(codes)}",
    )
