"""Tokenizers of two sides, and where a translator starts from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tunewell.core.errors import ConfigError, ModelError
from tunewell.models.adapters import Lora
from tunewell.models.artefact import save_model
from tunewell.models.decoders import spelt_share
from tunewell.models.languages import AskedLanguages
from tunewell.models.loading import ModelLoader
from tunewell.models.locate import fingerprint
from tunewell.models.scratch import Scratch
from tunewell.models.translators import (
    TARGET_FOLDER,
    PairTokenizer,
    Writing,
    pair_tokenizer,
    read_back,
    translator,
)
from tunewell.testing import TRANSLATORS, tiny_causal

GERMAN = [
    f"{noun} war {tone}" for noun in ("FILM", "HANDLUNG") for tone in ("gro\u00dfartig", "\u00f6de", "warm")
]
ENGLISH = [f"the {noun} was {tone}" for noun in ("film", "plot") for tone in ("great", "dull", "warm")]
PAIRS = list(zip(ENGLISH, GERMAN, strict=True))
LANGUAGES = Writing(AskedLanguages("en", "de"))
FROM_ENCODER = Writing(from_encoder=True)

ENDS = {"encoder-decoder": "[SEP]"}
FIRST = {"mbart": "de_DE", "m2m_100": "__de__", "nllb": "deu_Latn", "bart": "<s>"}


@pytest.mark.parametrize("family", TRANSLATORS)
def test_a_target_is_what_the_decoder_writes(family: str, translators: Callable[[str], Path]) -> None:
    made = pair_tokenizer(ModelLoader(str(translators(family))), PAIRS, LANGUAGES)
    ids, num_cut = made.encode_target(GERMAN[1], 100)
    assert num_cut == 0
    tokens = made.hf.convert_ids_to_tokens(ids)
    assert tokens[-1] == ENDS.get(family, "</s>"), "not a language behind it"
    special = [token for token in tokens[:-1] if token in made.hf.all_special_tokens and token != "<unk>"]
    assert special == ([FIRST[family]] if family in FIRST else [])
    assert made.decode(ids) == ("film war ode" if family == "encoder-decoder" else GERMAN[1])
    assert not made.is_cut(ids)
    assert made.is_cut(ids[:-1])
    assert made.is_cut([])
    assert made.encode_target(GERMAN[1], 3) == (ids[:3], len(ids) - 3)
    assert made.longest_target == max(len(made.encode_target(text, 100)[0]) for text in GERMAN)


@pytest.mark.parametrize("family", TRANSLATORS)
def test_the_newest_of_a_source_stays(family: str, translators: Callable[[str], Path]) -> None:
    made = pair_tokenizer(ModelLoader(str(translators(family))), PAIRS, LANGUAGES)
    whole = list(made.hf("the film was great the plot was dull")["input_ids"])
    if made.languages.before_source is not None:
        whole = [made.languages.before_source, *whole]
    assert made.encode_newest("the film was great the plot was dull", 60) == (whole, 0)
    ids, num_cut = made.encode_newest("the film was great the plot was dull", 8)
    assert (len(ids), num_cut) == (8, len(whole) - 8)
    assert ids[-5:] == whole[-5:]
    special = set(made.hf.all_special_ids) - {made.hf.unk_token_id}
    assert [token for token in ids if token in special] == [token for token in whole if token in special]


def test_the_code_of_the_language_stands_before_the_source(translators: Callable[[str], Path]) -> None:
    made = pair_tokenizer(ModelLoader(str(translators("marian-multilingual"))), PAIRS, LANGUAGES)
    code = made.hf.convert_tokens_to_ids(">>de<<")
    theirs = made.hf(">>de<< the film was great")["input_ids"]
    assert made.encode(("the film was great",)).input_ids == theirs
    assert made.encode((">>de<< the film was great",)).input_ids == theirs
    cut = made.encode(("the film was great",), 6)
    assert cut.input_ids[0] == code
    assert (len(cut.input_ids), cut.num_truncated_tokens) == (6, len(theirs) - 6)
    marked = made.encode(("a << b",)).input_ids
    assert marked == [code, *made.hf("a << b")["input_ids"]], "all up to << would be taken for a code"


# Beginnings


@pytest.mark.parametrize("family", TRANSLATORS)
def test_how_a_translator_writes_is_saved_with_it(
    family: str, translators: Callable[[str], Path], tmp_path: Path
) -> None:
    writing = Writing(AskedLanguages("en", "de"), search={"num_beams": 3, "no_repeat_ngram_size": 2})
    loader = ModelLoader(str(translators(family)))
    made = pair_tokenizer(loader, PAIRS, writing)
    save_model(translator(loader, writing), made, tmp_path, 32)
    settings = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path).generation_config
    assert made.longest_target is not None
    assert settings.max_new_tokens == min(
        made.most_target_tokens, int(-(-1.2 * made.longest_target // 1)) + 8
    )
    assert (settings.num_beams, settings.no_repeat_ngram_size) == (3, 2)
    assert settings.decoder_start_token_id == made.start_token_id
    assert made.hf.pad_token_id in settings.suppress_tokens
    first = FIRST.get(family)
    assert settings.forced_bos_token_id == (made.hf.convert_tokens_to_ids(first) if first else None)
    assert settings.forced_eos_token_id is None
    again = read_back(tmp_path, writing)
    assert again.encode_target(GERMAN[0], 99) == made.encode_target(GERMAN[0], 99)
    assert again.encode((ENGLISH[0],)) == made.encode((ENGLISH[0],))
    loaded = ModelLoader(str(tmp_path))
    pair_tokenizer(loaded, (), writing)
    same: Any = translator(loaded, writing)
    assert same.generation_config.max_new_tokens == settings.max_new_tokens, "the saved limit holds"


def test_settings_for_other_texts_are_taken_back(translators: Callable[[str], Path], tmp_path: Path) -> None:
    """A checkpoint that wrote long summaries must not be made to write long translations."""
    model: Any = transformers.AutoModelForSeq2SeqLM.from_pretrained(translators("bart"))
    summaries = {
        "min_length": 56,
        "max_length": 142,
        "length_penalty": 2.0,
        "num_beams": 4,
        "early_stopping": True,
    }
    model.generation_config.update(**summaries, repetition_penalty=2.0, no_repeat_ngram_size=3)
    model.save_pretrained(tmp_path / "base")
    transformers.AutoTokenizer.from_pretrained(translators("bart")).save_pretrained(tmp_path / "base")
    loader = ModelLoader(str(tmp_path / "base"))
    writing = Writing(search={"num_beams": 1})
    made = pair_tokenizer(loader, PAIRS, writing)
    save_model(translator(loader, writing), made, tmp_path / "model", 32)
    saved = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "model").generation_config
    usual = transformers.GenerationConfig()
    for name in (*summaries.keys() - {"num_beams"}, "repetition_penalty", "no_repeat_ngram_size"):
        assert getattr(saved, name) == getattr(usual, name), name
    assert saved.num_beams == 1


@pytest.mark.parametrize("family", ["bert", "electra", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("targets", ["read", "strange"])
def test_an_encoder_gets_a_decoder_that_can_spell(
    family: str, targets: str, tiny: Callable[[str], Path], texts: list[str], tmp_path: Path
) -> None:
    """With its own vocabulary where that spells the targets, else with one that is learnt from them."""
    pairs = [(text, text if targets == "read" else f"\u00d6DE {text.upper()} \u96fb\u5f71") for text in texts]
    loader = ModelLoader(str(tiny(family)))
    made = pair_tokenizer(loader, pairs, FROM_ENCODER)
    assert made.has_own_target == (targets == "strange" and family != "roberta")
    assert made.decode(made.encode_target(pairs[0][1], 99)[0]) == pairs[0][1]
    assert bool(loader.notes) == made.has_own_target
    model: Any = translator(loader, FROM_ENCODER).eval()
    assert loader.new_parameters
    assert all(name.startswith("decoder.") for name in loader.new_parameters)
    ids = torch.tensor([made.encode((texts[0],)).input_ids])
    with torch.inference_mode():
        written = model.generate(input_ids=ids)
    assert written[0, 0] == made.start_token_id
    save_model(model, made, tmp_path, 32)
    assert (tmp_path / TARGET_FOLDER).is_dir() == made.has_own_target
    again = ModelLoader(str(tmp_path))
    same = pair_tokenizer(again, (), FROM_ENCODER)
    assert same.encode_target(pairs[1][1], 99) == made.encode_target(pairs[1][1], 99)
    with torch.inference_mode():
        assert torch.equal(translator(again, FROM_ENCODER).eval().generate(input_ids=ids), written)  # type: ignore[operator]
    assert again.new_parameters == []


def test_small_letters_alone_do_not_spell_capitals(tiny: Callable[[str], Path]) -> None:
    hf = ModelLoader(str(tiny("bert"))).tokenizer().hf
    assert spelt_share(hf, ["the film was great", "the  plot, was dull"]) == 0.5, "it knows no comma"
    assert spelt_share(hf, ["The film was great"]) == 0
    cased = ModelLoader(str(tiny("roberta"))).tokenizer().hf
    assert spelt_share(cased, ["Der FILM war gro\u00dfartig", "o\u0308de"]) == 1


def test_who_cannot_write_is_refused(tiny: Callable[[str], Path], texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'bert' reads texts (.|\n)* task.decoder=from-encoder"):
        pair_tokenizer(ModelLoader(str(tiny("bert"))), PAIRS, Writing())
    causal = tiny_causal(tmp_path, "gpt2", texts)
    for writing in (Writing(), FROM_ENCODER):
        with pytest.raises(ModelError, match="'gpt2' goes on with a text, and has no encoder"):
            pair_tokenizer(ModelLoader(str(causal)), PAIRS, writing)
    loader = ModelLoader(str(tiny("albert")))
    pair_tokenizer(loader, [(text, text) for text in texts], FROM_ENCODER)
    with pytest.raises(ModelError, match="'albert' has no head"):
        translator(loader, FROM_ENCODER)
    with pytest.raises(ConfigError, match="adapters change what a model can do already"):
        pair_tokenizer(
            ModelLoader(str(tiny("bert")), lora=Lora(2, 4.0, 0.0, ("query",))), PAIRS, FROM_ENCODER
        )
    with pytest.raises(ConfigError, match=r"no effect with model\.from_scratch"):
        pair_tokenizer(ModelLoader("", scratch=Scratch(16, 1, 2, 32, 300, 0.0)), PAIRS, FROM_ENCODER)


def _of_family(folder: Path, config: Any, tiny: Callable[[str], Path]) -> Path:
    """A checkpoint without a head, with the tokenizer of the tiny RoBERTa."""
    shutil.copytree(tiny("roberta"), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    config.vocab_size = transformers.AutoConfig.from_pretrained(folder).vocab_size
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


def test_who_cannot_become_a_decoder_is_refused(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder = _of_family(tmp_path / "xlm", transformers.XLMConfig(emb_dim=32, n_layers=1, n_heads=2), tiny)
    loader = ModelLoader(str(folder))
    pair_tokenizer(loader, PAIRS, FROM_ENCODER)
    with pytest.raises(ModelError, match="'xlm' cannot become a decoder"):
        translator(loader, FROM_ENCODER)


def test_a_new_heads_bias_is_nought(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    """transformers makes that of data2vec of whatever stands in memory."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.Data2VecTextConfig(**sizes, max_position_embeddings=66, pad_token_id=1)
    folder = _of_family(tmp_path / "data2vec", config, tiny)
    for _ in range(3):
        loader = ModelLoader(str(folder))
        made = pair_tokenizer(loader, PAIRS, FROM_ENCODER)
        del_later = [torch.full((len(made),), 7.0) for _ in range(200)]
        del del_later
        model: Any = translator(loader, FROM_ENCODER)
        biases = [
            parameter
            for name, parameter in model.named_parameters()
            if name in loader.new_parameters and name.endswith("bias")
        ]
        assert biases
        assert not any(parameter.any() for parameter in biases)


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_longer_texts_are_read_and_written_where_they_are_wanted(
    family: str, translators: Callable[[str], Path], tmp_path: Path
) -> None:
    """T5 has no limit of its own; BART has, and it holds."""
    folder = shutil.copytree(translators(family), tmp_path / "model")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "model_max_length": 10**6}))
    wanted = Writing(max_target_tokens=900, wanted_source_tokens=2000)
    found = [pair_tokenizer(ModelLoader(str(folder)), PAIRS, writing) for writing in (Writing(), wanted)]
    limits = [(made.max_length_tokens, made.most_target_tokens) for made in found]
    if family == "t5":
        assert limits == [(512, 510), (2000, 900)]
    else:
        assert limits[0] == limits[1] < (512, 510)


def test_a_decoder_that_is_there_is_kept(translators: Callable[[str], Path]) -> None:
    loader = ModelLoader(str(translators("t5")))
    assert isinstance(pair_tokenizer(loader, PAIRS, FROM_ENCODER), PairTokenizer)
    assert loader.notes == ["task.decoder=from-encoder has no effect: this model has a decoder"]


def test_the_targets_tokenizer_is_part_of_a_model(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    loader = ModelLoader(str(tiny("bert")))
    made = pair_tokenizer(loader, PAIRS, FROM_ENCODER)
    save_model(translator(loader, FROM_ENCODER), made, tmp_path, 32)
    before = fingerprint(tmp_path)
    path = tmp_path / TARGET_FOLDER / "tokenizer.json"
    path.write_text(path.read_text() + "\n")
    assert fingerprint(tmp_path) != before
