"""Converted translators: the same numbers and the same texts as transformers, family by family."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tunewell.core.errors import ConfigError, ModelError
from tunewell.data.batches import Batch
from tunewell.data.features import Feature
from tunewell.models import ModelLoader
from tunewell.models.ctranslate import Translator, convert, largest_gap
from tunewell.models.languages import AskedLanguages
from tunewell.models.scratch import Scratch
from tunewell.models.translators import Writing, pair_tokenizer, translator
from tunewell.models.written import target_losses, write
from tunewell.testing.writers import tiny_translator

SOURCES = ["the film was great", "a dog swims in the water", "the plot was dull indeed and long", "two men"]
TARGETS = ["der film war toll", "ein hund schwimmt im wasser", "die handlung war wirklich lang", "zwei"]
PAIRS = list(zip(SOURCES, TARGETS, strict=True)) * 6
LANGUAGES = {
    "marian-multilingual": ("en", "de"),
    "mbart": ("en_XX", "de_DE"),
    "mbart-cc25": ("en_XX", "de_DE"),
    "m2m_100": ("en", "de"),
    "nllb": ("eng_Latn", "deu_Latn"),
}
FAMILIES = ["marian", "t5", "bart", *LANGUAGES]
GREEDY: dict[str, Any] = {"num_beams": 1, "do_sample": False}
BEAMS: dict[str, Any] = {"num_beams": 3, "do_sample": False, "length_penalty": 1.0, "early_stopping": False}
CPU = torch.device("cpu")


def made(loader: ModelLoader, family: str = "") -> tuple[Any, Batch]:
    """A model and four sources for it."""
    writing = Writing(AskedLanguages(*LANGUAGES.get(family, ())))
    tokenizer = pair_tokenizer(loader, PAIRS, writing)
    model = translator(loader, writing).eval()
    features = [Feature(text, tokenizer.encode((text,)).input_ids) for text in SOURCES]
    return model, Batch.of(features)


def of_family(folder: Path, family: str) -> tuple[Any, Batch]:
    """A tiny random model of a family."""
    path = tiny_translator(folder / family, family, SOURCES * 6, target_texts=TARGETS * 6)
    return made(ModelLoader(str(path)), family)


def moved(model: Any) -> Any:
    """The model after some training: every weight is another, that of <pad> too."""
    with torch.no_grad():
        torch.manual_seed(1)
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_answers_as_transformers_has_it(tmp_path: Path, family: str) -> None:
    model, batch = of_family(tmp_path, family)
    engine = convert(moved(model), CPU, 1)
    assert largest_gap(model, engine, batch) < 1e-4
    assert write(engine, batch, GREEDY) == write(model, batch, GREEDY)


@pytest.mark.parametrize("family", ["t5", "bart", "mbart", "m2m_100"])
def test_beams(tmp_path: Path, family: str) -> None:
    """The settings of the search arrive: each of them changes what is written, and as it does in transformers."""
    model, batch = of_family(tmp_path, family)
    engine = convert(model, CPU, 1)
    assert write(engine, batch, BEAMS) == write(model, batch, BEAMS)
    short = {**BEAMS, "max_new_tokens": 5}
    assert write(engine, batch, short) == write(model, batch, short)
    assert max(map(len, write(engine, batch, short))) <= 5
    once = {**GREEDY, "no_repeat_ngram_size": 2}
    assert write(engine, batch, once) == write(model, batch, once) != write(model, batch, GREEDY)


def test_from_scratch_starts_from_its_own_pad(tmp_path: Path) -> None:
    """CTranslate2 takes Marian's start for zeros; it is a row of the output, too, and training moves it."""
    sizes = Scratch(32, 2, 2, 64, 300, 0.1)
    model, batch = made(ModelLoader("", scratch=sizes))
    pad = model.config.pad_token_id
    assert pad == model.config.vocab_size - 1
    engine = convert(moved(model), CPU, 1)
    assert model.get_input_embeddings().weight[pad].abs().max() > 0.01
    assert largest_gap(model, engine, batch) < 1e-4
    rows = write(engine, batch, GREEDY)
    assert rows == write(model, batch, GREEDY)
    assert pad not in {token for row in rows for token in row}


def test_nothing_is_written_where_the_end_comes_first(tmp_path: Path) -> None:
    """CTranslate2 alone would write one token at least."""
    model, batch = of_family(tmp_path, "marian")
    with torch.no_grad():
        model.final_logits_bias[0, model.config.eos_token_id] = 100.0
    end = model.config.eos_token_id
    assert write(model, batch, GREEDY) == [[end]] * 4
    assert write(convert(model, CPU, 1), batch, GREEDY) == [[end]] * 4


def test_another_model_is_found_out(tmp_path: Path) -> None:
    model, batch = of_family(tmp_path, "t5")
    engine = convert(model, CPU, 1)
    assert largest_gap(moved(model), engine, batch) > 1e-3


def test_the_model_is_as_it_was(tmp_path: Path) -> None:
    model, batch = of_family(tmp_path, "bart")
    before = write(model, batch, GREEDY)
    convert(model, CPU, 1)
    assert write(model, batch, GREEDY) == before


def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    model, batch = of_family(tmp_path, "encoder-decoder")
    with pytest.raises(ModelError, match="no translators of the family 'encoder-decoder'"):
        convert(model, CPU, 1)
    model, batch = of_family(tmp_path, "t5")
    with pytest.raises(ModelError, match="does not compute on mps"):
        convert(model, torch.device("mps"), 1)
    engine: Translator = convert(model, CPU, 1)
    with pytest.raises(ModelError, match="encoder_no_repeat_ngram_size"):
        write(engine, batch, {**GREEDY, "encoder_no_repeat_ngram_size": 2})
    with pytest.raises(ModelError, match="does not judge"):
        target_losses(engine, Batch.of([Feature("a", [3, 4], target_ids=[5, 1])]))
    model.config.dense_act_fn = "unheard of"
    with pytest.raises(ModelError, match=r"cannot take this model: .*unheard of"):
        convert(model, CPU, 1)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = of_family(tmp_path, "t5")
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        convert(model, CPU, 1)
    assert caught.value.fix == "pip install 'tunewell[ctranslate2]'"
