"""Texts to token ids, with nothing cut off silently.

A thin face on a Hugging Face tokenizer. `encode` gives the same ids as calling it with `truncation=True`, and also
says how many tokens were cut. Tasks that read long texts in windows take a text apart with `pieces` or `words` and
put each window together with `assemble`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

NUMBERED_FROM_PAD = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer")
"""Families that give the first token the position after the pad token's id."""


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


@dataclass(frozen=True, slots=True)
class Pieces:
    """Token ids of a text without special tokens, and the half-open character span of each.

    A tokenizer that cannot tell gives the span of all that stands between two blanks.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A window as the model reads it: special tokens added; `first` and `second` are where the texts begin."""

    input_ids: list[int]
    token_type_ids: list[int] | None
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class _Layout:
    """What stands before, between and after the texts of a window: token ids, each with its token type.

    `types` are the token types of the texts' own tokens.
    """

    before: list[tuple[int, int]]
    between: list[tuple[int, int]]
    after: list[tuple[int, int]]
    types: tuple[int, int]


class Tokenizer:
    """Encodes texts for one model; `max_length_tokens` is the most the model can read at once.

    `target` is the Hugging Face tokenizer of what a model writes.
    """

    def __init__(self, tokenizer: Any, max_length_tokens: int) -> None:
        self._tokenizer = self.target = tokenizer
        self.max_length_tokens = max_length_tokens
        self._has_types = "token_type_ids" in tokenizer.model_input_names
        if tokenizer.is_fast:
            tokenizer.backend_tokenizer.no_truncation()
            tokenizer.backend_tokenizer.no_padding()
            tokenizer.backend_tokenizer.encode_special_tokens = tokenizer.split_special_tokens

    @property
    def hf(self) -> Any:
        """The Hugging Face tokenizer itself, for who must know more of it."""
        return self._tokenizer

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

    has_decoder = False
    """Whether what is read and what is written are two texts, each with a side of the model of its own."""

    def __len__(self) -> int:
        return len(self._tokenizer)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of what a model wrote, without special tokens and blanks at its ends."""
        text = self.target.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return str(text).strip()

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

    def pieces(self, text: str) -> Pieces:
        """A text of any length as token ids with their places."""
        if self._tokenizer.is_fast:
            encoded = self._tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
            return Pieces(encoded.ids, encoded.offsets)
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for chunk in re.finditer(r"\S+", text):
            own = self._tokenizer.encode(chunk.group(), add_special_tokens=False)
            ids += own
            offsets += [chunk.span()] * len(own)
        return Pieces(ids, offsets)

    def words(self, text: str, words: Sequence[tuple[int, int]]) -> list[list[int]]:
        """The token ids of each of `words`, half-open character spans in order; none is empty.

        They are those of the whole text, as its own tokenizer would cut it, up to what stands before the first word.
        Words that share a token, as characters of Chinese may, are encoded one by one.
        """
        pieces = self.pieces(text)
        found: list[list[int]] = [[] for _ in words]
        sharing: set[int] = set()
        place = 0
        for token, (start, end) in zip(pieces.ids, pieces.offsets, strict=True):
            while place < len(words) and words[place][1] <= start:
                place += 1
            last = place
            while last < len(words) and words[last][0] < end:
                last += 1
            if last > place + 1:
                sharing.update(range(place, last))
            elif last > place:
                found[place].append(token)
            elif place and found[place - 1]:  # a blank of its own, or what belongs to no word
                found[place - 1].append(token)
        return [
            own if own and number not in sharing else self._word(text, *span)
            for number, (own, span) in enumerate(zip(found, words, strict=True))
        ]

    def _word(self, text: str, start: int, end: int) -> list[int]:
        """A word by itself, with the blank before it, which some tokenizers make part of a word."""
        blank = start > 0 and text[start - 1].isspace()
        pieces = self.pieces(text[start - blank : end])
        ids = [
            i
            for i, (first, last) in zip(pieces.ids, pieces.offsets, strict=True)
            if last > blank or not first
        ]
        return ids or [self._some_token]

    @property
    def _some_token(self) -> int:
        """What stands for something that the tokenizer turns into no token at all."""
        names = ("unk_token_id", "bos_token_id", "eos_token_id")
        ids = (getattr(self._tokenizer, name) for name in names)
        return next((int(token) for token in ids if token is not None), self.pad_token_id)

    def num_special(self, pair: bool) -> int:
        """How many special tokens a window of one text, or of two, has."""
        layout = self._pair_layout if pair else self._single_layout
        return len(layout.before) + len(layout.between) + len(layout.after)

    def assemble(self, first: Sequence[int], second: Sequence[int] | None = None) -> Assembled:
        """Token ids of one text, or of two, with the special tokens that the model wants around them; never empty."""
        layout = self._single_layout if second is None else self._pair_layout
        parts = [
            *layout.before,
            *((token, layout.types[0]) for token in first),
            *layout.between,
            *((token, layout.types[1]) for token in second or ()),
            *layout.after,
        ] or [(self._some_token, 0)]
        place = len(layout.before)
        return Assembled(
            [token for token, _ in parts],
            [kind for _, kind in parts] if self._has_types else None,
            place,
            place + len(first) + len(layout.between),
        )

    def no_answer_place(self, input_ids: Sequence[int]) -> int:
        """The token that stands for "no answer here": the classification token, else the last.

        A model that reads from left to right knows of question and context at the last token alone.
        """
        token = self._tokenizer.cls_token_id
        return list(input_ids).index(token) if token in input_ids else len(input_ids) - 1

    @cached_property
    def _single_layout(self) -> _Layout:
        return self._layout("a")

    @cached_property
    def _pair_layout(self) -> _Layout:
        return self._layout("a", "a")

    def _layout(self, *texts: str) -> _Layout:
        """What the tokenizer puts around `texts`, seen from an example."""
        encoded = self._tokenizer(*texts, return_special_tokens_mask=True)
        ids = encoded["input_ids"]
        types = encoded.get("token_type_ids", [0] * len(ids))
        own = [place for place, special in enumerate(encoded["special_tokens_mask"]) if not special]
        middle = len(own) // len(texts)
        first, second = own[:middle], own[middle:]
        tokens = list(zip(ids, types, strict=True))
        end = first[-1] + 1
        return _Layout(
            tokens[: first[0]],
            tokens[end : second[0]] if second else [],
            tokens[(second or first)[-1] + 1 :],
            (types[first[0]], types[(second or first)[0]]),
        )

    def save(self, folder: Path, max_length_tokens: int) -> None:
        """Write the tokenizer's files; it will cut texts where ours was told to."""
        self._tokenizer.model_max_length = min(max_length_tokens, self.max_length_tokens)
        self._tokenizer.save_pretrained(folder)


def read_tokenizer(folder: Path) -> Any:
    """The Hugging Face tokenizer of a folder; no code that comes with it is run."""
    import transformers

    with warnings.catch_warnings():  # Marian's works without it, a few marks of punctuation aside
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
        return transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


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
