"""Texts to token ids, with nothing cut off silently.

A thin face on a Hugging Face tokenizer that gives the same ids as calling it with `truncation=True`, and
also says how many tokens were cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Encoding:
    """Token ids of one text or pair, special tokens included.

    `token_type_ids` is None for models that have none. `offsets` holds the half-open character span of each
    token in its own text, (0, 0) for special tokens, and is None for tokenizers that cannot tell.
    """

    input_ids: list[int]
    token_type_ids: list[int] | None
    offsets: list[tuple[int, int]] | None
    num_truncated_tokens: int


class Tokenizer:
    """Encodes texts for one model; `max_length_tokens` is the most the model can read at once."""

    def __init__(self, tokenizer: Any, max_length_tokens: int) -> None:
        self._tokenizer = tokenizer
        self.max_length_tokens = max_length_tokens
        self._has_types = "token_type_ids" in tokenizer.model_input_names
        if tokenizer.is_fast:
            tokenizer.backend_tokenizer.no_truncation()
            tokenizer.backend_tokenizer.no_padding()

    @property
    def pad_token_id(self) -> int:
        """The id that fills a padded view; its value never reaches an output."""
        return int(self._tokenizer.pad_token_id or 0)

    @property
    def unknown_token_id(self) -> int | None:
        """The id of tokens that the vocabulary lacks; None where every text can be spelt."""
        unknown = self._tokenizer.unk_token_id
        special = {self._tokenizer.eos_token_id, self._tokenizer.bos_token_id}
        return None if unknown is None or unknown in special else int(unknown)

    def __len__(self) -> int:
        return len(self._tokenizer)

    def encode(self, texts: tuple[str, ...], max_length_tokens: int | None = None) -> Encoding:
        """One text or a pair, cut to `max_length_tokens` (longest first) and never empty."""
        limit = min(max_length_tokens or self.max_length_tokens, self.max_length_tokens)
        encoding = self._fast(texts, limit) if self._tokenizer.is_fast else self._slow(texts, limit)
        return encoding if encoding.input_ids else self._one_token(encoding)

    def _fast(self, texts: tuple[str, ...], limit: int) -> Encoding:
        full = self._tokenizer.backend_tokenizer.encode(*texts)
        types = full.type_ids if self._has_types else None
        if len(full) <= limit:
            return Encoding(full.ids, types, full.offsets, 0)
        # Not by the library's own truncation, which also builds every pair of what it cuts off: two long
        # texts take all memory (tokenizers 0.23).
        kept = _kept(full.sequence_ids, limit, from_left=self._tokenizer.truncation_side == "left")
        return Encoding(
            [full.ids[place] for place in kept],
            None if types is None else [types[place] for place in kept],
            [full.offsets[place] for place in kept],
            len(full) - len(kept),
        )

    def _slow(self, texts: tuple[str, ...], limit: int) -> Encoding:
        num_full = len(self._tokenizer(*texts)["input_ids"])
        cut = self._tokenizer(*texts, truncation="longest_first", max_length=limit)
        types = cut["token_type_ids"] if self._has_types else None
        return Encoding(cut["input_ids"], types, None, num_full - len(cut["input_ids"]))

    def _one_token(self, encoding: Encoding) -> Encoding:
        """GPT-2 turns an empty text into no token at all; a model needs one to read from."""
        tokens = (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id, self.pad_token_id)
        first = next(token for token in tokens if token is not None)
        return Encoding([first], [0] if self._has_types else None, [(0, 0)], encoding.num_truncated_tokens)

    def save(self, folder: Path, max_length_tokens: int) -> None:
        """Write the tokenizer's files; it will cut texts where ours was told to."""
        self._tokenizer.model_max_length = min(max_length_tokens, self.max_length_tokens)
        self._tokenizer.save_pretrained(folder)


def _kept(sequence_ids: list[int | None], limit: int, *, from_left: bool) -> list[int]:
    """The places that stay: every special token, and of the texts what "longest first" leaves.

    `sequence_ids` says for each token which text it is of, None for special tokens.
    """
    special = [place for place, text in enumerate(sequence_ids) if text is None]
    of_text = [[place for place, text in enumerate(sequence_ids) if text == wanted] for wanted in (0, 1)]
    room = max(limit - len(special), 0)
    shorter, longer = sorted(map(len, of_text))
    shorter = min(shorter, room // 2)
    longer = min(longer, room - shorter)
    first_is_longer = len(of_text[0]) > len(of_text[1])
    sizes = (longer, shorter) if first_is_longer else (shorter, longer)
    for places, size in zip(of_text, sizes, strict=True):
        special += places[len(places) - size :] if from_left else places[:size]
    return sorted(special)
