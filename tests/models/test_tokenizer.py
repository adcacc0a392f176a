"""Token ids are those of Hugging Face's own call, and what is cut off is counted."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers

from tunewell.models import ModelLoader
from tunewell.testing import FAMILIES

Tiny = Callable[[str], Path]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("family", FAMILIES)
def test_ids_are_those_of_hugging_face(family: str, side: str, tiny: Tiny, texts: list[str]) -> None:
    ours = ModelLoader(str(tiny(family))).tokenizer()
    reference = transformers.AutoTokenizer.from_pretrained(tiny(family))
    ours._tokenizer.truncation_side = reference.truncation_side = side
    choose = random.Random(0)
    words = " ".join(texts).split()
    for _ in range(60):
        sizes = [choose.choice([1, 2, 5, 20, 90]) for _ in range(choose.choice([1, 2]))]
        given = tuple(" ".join(choose.choices(words, k=size)) for size in sizes)
        limit = choose.choice([5, 6, 7, 16, 33, 64])
        found = ours.encode(given, limit)
        wanted = reference(*given, truncation=True, max_length=limit, return_offsets_mapping=True)
        assert found.input_ids == wanted["input_ids"]
        assert found.token_type_ids == wanted.get("token_type_ids")
        assert found.offsets == [tuple(span) for span in wanted["offset_mapping"]]
        whole = len(reference(*given)["input_ids"])
        assert found.num_truncated_tokens == whole - len(found.input_ids)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_offsets_are_places_in_the_users_text(family: str, tiny: Tiny) -> None:
    text = "The film \N{GRINNING FACE} was great"
    encoding = ModelLoader(str(tiny(family))).tokenizer().encode((text,))
    assert encoding.offsets is not None
    pieces = [text[start:end].strip() for start, end in encoding.offsets if end > start]
    assert "great" in pieces
    assert "film" in pieces


def test_the_smaller_limit_counts(tiny: Tiny) -> None:
    tokenizer = ModelLoader(str(tiny("bert"))).tokenizer()
    text = ("great " * 300,)
    assert len(tokenizer.encode(text).input_ids) == 64
    assert len(tokenizer.encode(text, 10).input_ids) == 10
    assert len(tokenizer.encode(text, 5000).input_ids) == 64
    assert tokenizer.encode(text).num_truncated_tokens == 300 + 2 - 64


def test_one_encoding_does_not_change_the_next(tiny: Tiny) -> None:
    tokenizer = ModelLoader(str(tiny("bert"))).tokenizer()
    before = tokenizer.encode(("great " * 30,))
    tokenizer.encode(("great " * 300,), 5)
    assert tokenizer.encode(("great " * 30,)) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_an_empty_text_is_at_least_one_token(family: str, tiny: Tiny) -> None:
    tokenizer = ModelLoader(str(tiny(family))).tokenizer()
    for given in (("",), ("", ""), ("", "great")):
        assert len(tokenizer.encode(given).input_ids) >= 1


@pytest.mark.timeout(60)
def test_two_long_texts_fit_into_memory(tiny: Tiny) -> None:
    """The library's own truncation builds every pair of what it cuts off: 10 GB here."""
    tokenizer = ModelLoader(str(tiny("bert"))).tokenizer()
    encoding = tokenizer.encode(("great film " * 10_000, "cold plot " * 10_000))
    assert len(encoding.input_ids) == 64
    assert encoding.num_truncated_tokens == 40_003 - 64


def test_unknown_tokens_can_be_counted(tiny: Tiny) -> None:
    bert = ModelLoader(str(tiny("bert"))).tokenizer()
    assert bert.encode(("\u8fd9 great",)).input_ids.count(bert.unknown_token_id or -1) == 1
    assert ModelLoader(str(tiny("gpt2"))).tokenizer().unknown_token_id is None  # every text can be spelt


def test_a_saved_tokenizer_cuts_where_ours_was_told_to(tiny: Tiny, tmp_path: Path) -> None:
    ModelLoader(str(tiny("bert"))).tokenizer().save(tmp_path, 16)
    reference = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert len(reference("great " * 100, truncation=True)["input_ids"]) == 16
    assert len(reference("great " * 100)["input_ids"]) == 102  # and pads or cuts nothing unasked
