"""Texts taken apart and put together again: the ids of Hugging Face's own call, and places that can be trusted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers

from tunewell.models import ModelLoader
from tunewell.models.tokenizer import Tokenizer
from tunewell.testing import FAMILIES

Tiny = Callable[[str], Path]

STRANGE = (
    "Great \N{GRINNING FACE}\N{FAMILY} film!",
    "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d\uff0c\u6211\u559c\u6b22\u3002",
    "e\u0301a\u0308 zero\u200dwidth\ufeff x",
    "  two  blanks\n\tand [SEP] <s>",
)


def _tokenizer(folder: Path) -> Tokenizer:
    return ModelLoader(str(folder)).tokenizer()


@pytest.mark.parametrize("family", FAMILIES)
def test_assembled_texts_are_those_of_hugging_face(family: str, tiny: Tiny, texts: list[str]) -> None:
    ours = _tokenizer(tiny(family))
    reference = transformers.AutoTokenizer.from_pretrained(tiny(family))
    choose = random.Random(0)
    for _ in range(30):
        given = [*choose.choices(texts, k=choose.choice([1, 2]))]
        parts = [ours.pieces(text).ids for text in given]
        window = ours.assemble(*parts)
        wanted = reference(*given)
        assert window.input_ids == wanted["input_ids"]
        assert window.token_type_ids == wanted.get("token_type_ids")
        assert len(window.input_ids) == sum(map(len, parts)) + ours.num_special(len(given) == 2)
        assert window.input_ids[window.first : window.first + len(parts[0])] == parts[0]
        if len(given) == 2:
            assert window.input_ids[window.second : window.second + len(parts[1])] == parts[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_still_a_window(family: str, tiny: Tiny) -> None:
    ours = _tokenizer(tiny(family))
    for window in (ours.assemble([]), ours.assemble([], [])):
        assert window.input_ids
        assert 0 <= ours.no_answer_place(window.input_ids) < len(window.input_ids)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_answer_stands_first_or_where_everything_was_read(
    family: str, tiny: Tiny, texts: list[str]
) -> None:
    ours = _tokenizer(tiny(family))
    window = ours.assemble(ours.pieces(texts[0]).ids, ours.pieces(texts[1]).ids)
    reads_forward = family in ("gpt2", "llama")
    assert ours.no_answer_place(window.input_ids) == (len(window.input_ids) - 1 if reads_forward else 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_words_that_tokens_keep_apart_have_the_ids_of_the_whole_text(
    family: str, tiny: Tiny, texts: list[str]
) -> None:
    ours = _tokenizer(tiny(family))
    for text in texts[:8]:
        words = [match.span() for match in re.finditer(r"\w+", text)]
        found = ours.words(text, words)
        assert len(found) == len(words)
        assert [token for word in found for token in word] == ours.pieces(text).ids


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", STRANGE)
def test_every_word_has_a_token(family: str, text: str, tiny: Tiny) -> None:
    ours = _tokenizer(tiny(family))
    words = [(place, place + 1) for place, character in enumerate(text) if not character.isspace()]
    found = ours.words(text, words)
    assert len(found) == len(words)
    assert all(found)
    assert all(0 <= token < len(ours) for word in found for token in word)


def test_words_without_a_blank_between_them_get_a_token_each(tiny: Tiny) -> None:
    ours = _tokenizer(tiny("xlm-roberta"))  # it has one token for a run of characters that it does not know
    text = "\u8fd9\u90e8\u7535\u5f71"
    assert len(ours.pieces(text).ids) < 1 + len(text)
    assert all(ours.words(text, [(place, place + 1) for place in range(len(text))]))


def test_only_words_that_share_a_token_are_encoded_one_by_one(tiny: Tiny) -> None:
    ours = _tokenizer(tiny("xlm-roberta"))
    text = "the film \u8fd9\u90e8 was great"
    words = [(0, 3), (4, 8), (9, 10), (10, 11), (12, 15), (16, 21)]
    found = ours.words(text, words)
    whole = ours.pieces(text).ids
    assert [token for word in found[:2] for token in word] == whole[: sum(map(len, found[:2]))]
    assert [token for word in found[4:] for token in word] == whole[-sum(map(len, found[4:])) :]


def test_a_tokenizer_without_places_gives_those_of_whole_words(tmp_path: Path, tiny: Tiny) -> None:
    ours = _tokenizer(tiny("bert"))
    fast = ours.pieces("the film was great").ids
    ours._tokenizer = _Slow(ours._tokenizer)
    slow = ours.pieces("the film was great")
    assert slow.ids == fast
    assert set(slow.offsets) == {(0, 3), (4, 8), (9, 12), (13, 18)}
    assert ours.words("the film", [(0, 3), (4, 8)]) == [ours.pieces("the").ids, ours.pieces("film").ids]


class _Slow:
    """A tokenizer that keeps from us where its tokens stand, as those written in Python do."""

    is_fast = False

    def __init__(self, tokenizer: object) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> object:
        return getattr(self._tokenizer, name)
