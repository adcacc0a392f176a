"""Models that start from nothing: what their vocabulary can spell, and that others can load them."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.models.loading import ModelLoader
from tunewell.models.scratch import Scratch, learn_tokenizer, new_talker, new_translator
from tunewell.models.tokenizer import Tokenizer, read_tokenizer

TEXTS = [
    f"the {noun} was {tone}, \u00fcberhaupt" for noun in ("film", "plot") for tone in ("great", "dull")
] * 5
SIZES = Scratch(hidden_size=16, num_layers=1, num_heads=2, feedforward_size=32, vocab_size=300, dropout=0.1)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return learn_tokenizer(TEXTS, 320, ["<|user|>"])


def test_its_special_tokens_have_their_places(tokenizer: Any) -> None:
    assert tokenizer.convert_ids_to_tokens([0, 1, 2]) == ["</s>", "<unk>", "<|user|>"]
    assert tokenizer.pad_token_id == len(tokenizer) - 1
    assert len(tokenizer) <= 320
    assert tokenizer("the film")["input_ids"][-1] == tokenizer.eos_token_id


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(deadline=None)
def test_every_text_comes_back(tokenizer: Any, text: str) -> None:
    if any(str(token) in text for token in tokenizer.all_special_tokens):
        return
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    back = tokenizer.decode(ids, skip_special_tokens=True)
    assert back.strip() == unicodedata.normalize("NFC", text).strip()
    assert not back.startswith(" "), "the blank that the first word got is taken off again"


def test_what_is_typed_like_a_mark_is_text(tmp_path: Path) -> None:
    """Or a translator would be taught to stop where a text speaks of `</s>`; so it is after loading, too."""
    made = learn_tokenizer(["press </s> then <pad> and <unk>"] * 5, 300)
    made.save_pretrained(tmp_path)
    text = "press <pad> then </s> and <unk> now"
    for hf in (made, read_tokenizer(tmp_path)):
        tokenizer = Tokenizer(hf, 100)
        for ids in (
            hf(text)["input_ids"],
            tokenizer.encode((text,)).input_ids,
            [*tokenizer.pieces(text).ids, 0],
        ):
            assert not set(ids[:-1]) & set(hf.all_special_ids)
            assert ids[-1] == hf.eos_token_id
            assert tokenizer.decode(ids) == text


def test_the_same_texts_give_the_same_vocabulary(tokenizer: Any) -> None:
    again = learn_tokenizer(iter(TEXTS), 320, ["<|user|>"])
    assert again.get_vocab() == tokenizer.get_vocab()
    assert again.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


@pytest.mark.parametrize("make", [new_translator, new_talker])
def test_a_seed_gives_one_model_that_loads_without_us(make: Any, tokenizer: Any, tmp_path: Path) -> None:
    loader = ModelLoader("none", seed=4, scratch=SIZES)
    one, other = (loader.new(lambda sizes: make(sizes, tokenizer)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert loader.new_parameters == [name for name, _ in one.named_parameters()]
    one.save_pretrained(tmp_path)  # type: ignore[operator]
    tokenizer.save_pretrained(tmp_path)
    auto = {
        new_translator: transformers.AutoModelForSeq2SeqLM,
        new_talker: transformers.AutoModelForCausalLM,
    }[make]
    read, info = auto.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()), info
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), read.parameters(), strict=True))
    assert transformers.AutoTokenizer.from_pretrained(tmp_path)("the film") == tokenizer("the film")
