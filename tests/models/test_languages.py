"""Codes of languages: found, checked, and told to tokenizer and model; never taken in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers

from tunewell.core.errors import ConfigError
from tunewell.models.languages import AskedLanguages, Languages, known_codes, set_languages
from tunewell.models.tokenizer import read_tokenizer
from tunewell.testing import tiny_translator

CODED = {
    "mbart": ("en_XX", "de_DE"),
    "mbart-cc25": ("en_XX", "de_DE"),
    "m2m_100": ("en", "de"),
    "nllb": ("eng_Latn", "deu_Latn"),
}
"""Families that have a mode for each language, and their codes of English and German."""


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Callable[..., Any]:
    made: dict[tuple[str, ...], Path] = {}

    def tokenizer(family: str, *languages: str) -> Any:
        key = (family, *languages)
        if key not in made:
            more = {"languages": languages} if languages else {}
            made[key] = tiny_translator(tmp_path_factory.mktemp(family), family, texts, **more)  # type: ignore[arg-type]
        return read_tokenizer(made[key])

    return tokenizer


@pytest.mark.parametrize("family", CODED)
@pytest.mark.parametrize("given", [("en", "de"), ("eng", "deu"), ("en-XX", "DE_de"), None], ids=str)
def test_a_language_is_known_by_its_usual_names(
    family: str, given: tuple[str, str] | None, tokenizers: Callable[..., Any]
) -> None:
    tokenizer = tokenizers(family)
    source, target = CODED[family]
    found = set_languages(tokenizer, AskedLanguages(*(given or CODED[family])), "tiny")
    assert (tokenizer.src_lang, tokenizer.tgt_lang) == (source, target)
    assert tokenizer.convert_ids_to_tokens([found.forced_first or found.start])[0] in (
        target,
        f"__{target}__",
    )
    assert (found.forced_first is None) == (family == "mbart-cc25")
    both = tokenizer("a", text_target="a")
    assert tokenizer.unk_token_id not in (both["input_ids"][0], both["labels"][0])
    tokenizer("a")
    assert (tokenizer.src_lang, tokenizer.tgt_lang) == (source, target), "it does not forget them"


@pytest.mark.parametrize("family", CODED)
def test_what_is_unknown_or_missing_is_refused_with_the_known_codes(
    family: str, tokenizers: Callable[..., Any]
) -> None:
    tokenizer = tokenizers(family)
    with pytest.raises(ConfigError, match="'xx' is no language that this model's tokenizer knows") as raised:
        set_languages(tokenizer, AskedLanguages("en", "xx"), "tiny")
    assert raised.value.where == "task.target_language"
    assert CODED[family][1] in str(raised.value)
    with pytest.raises(ConfigError, match="is not set") as raised:
        set_languages(tokenizer, AskedLanguages(None, "de"), "tiny")
    assert raised.value.where == "task.source_language"


def test_a_slip_is_told_what_is_near(tokenizers: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="knows: deu_Latn"):
        set_languages(tokenizers("nllb"), AskedLanguages("en", "deu_Lat"), "tiny")


def test_a_language_with_two_scripts_must_be_told(tokenizers: Callable[..., Any]) -> None:
    tokenizer = tokenizers("nllb", "en", "zho_Hans", "zho_Hant")
    with pytest.raises(ConfigError, match=r"'zh' can mean several .*: zho_Hans or zho_Hant"):
        set_languages(tokenizer, AskedLanguages("en", "zh"), "tiny")
    assert set_languages(
        tokenizer, AskedLanguages("en", "zho_Hant"), "tiny"
    ).forced_first == tokenizer.convert_tokens_to_ids("zho_Hant")


@pytest.mark.parametrize("family", ["marian", "t5", "bart", "encoder-decoder"])
def test_other_families_take_any_language(family: str, tokenizers: Callable[..., Any]) -> None:
    tokenizer = tokenizers(family)
    assert known_codes(tokenizer) == {}
    assert set_languages(tokenizer, AskedLanguages("en", "unheard"), "tiny") == Languages()
    assert set_languages(tokenizer, AskedLanguages(None, None), "tiny") == Languages()


def test_a_code_before_the_source(tokenizers: Callable[..., Any]) -> None:
    tokenizer = tokenizers("marian-multilingual")
    german, english = (tokenizer.convert_tokens_to_ids(f">>{code}<<") for code in ("de", "en"))
    found = set_languages(tokenizer, AskedLanguages(None, "deu"), "tiny")
    assert found.taken_apart("the film") == (german, "the film")
    assert found.taken_apart(">>en<< the film") == (english, "the film"), "a source may bring its own"
    assert found.taken_apart(">>en<<the >> film <<") == (english, "the >> film <<")
    assert found.taken_apart(">>xx<< the film") == (german, ">>xx<< the film"), "what is no code is text"
    with pytest.raises(ConfigError, match="is not set"):
        set_languages(tokenizer, AskedLanguages(), "tiny", [">>de<< the film", "the plot"])
    brought = set_languages(tokenizer, AskedLanguages(), "tiny", [">>de<< the film", ">>en<< the plot"])
    assert brought.taken_apart(">>de<< x") == (german, "x")
    with pytest.raises(ConfigError, match="'fr' is no language"):
        set_languages(tokenizer, AskedLanguages(None, "fr"), "tiny")


def test_what_is_settled_goes_into_the_model() -> None:
    model: Any = type("Model", (), {})()
    model.config, model.generation_config = transformers.MBartConfig(), transformers.GenerationConfig()
    Languages(forced_first=7).settle(model)
    assert model.generation_config.forced_bos_token_id == 7
    Languages(start=9).settle(model)
    assert (model.config.decoder_start_token_id, model.generation_config.decoder_start_token_id) == (9, 9)
