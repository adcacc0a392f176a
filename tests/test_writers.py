"""Tiny models that write: real folders, loaded and used through the library's own doors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tunewell.testing import CHATML, CHATML_TOKENS, TRANSLATORS, tiny_causal, tiny_translator

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")

ENGLISH = [
    f"the {noun} was {word}" for noun in ("film", "plot", "cast") for word in ("great", "dull", "warm")
]
GERMAN = [f"{noun} war {word}" for noun in ("FILM", "HANDLUNG") for word in ("gro\u00dfartig", "\u00f6de")]

SIDES: dict[str, tuple[list[str], list[str]]] = {
    "marian": (["</s>"], ["</s>"]),
    "marian-multilingual": (["</s>"], ["</s>"]),
    "t5": (["</s>"], ["</s>"]),
    "mbart": (["en_XX", "</s>"], ["de_DE", "</s>"]),
    "mbart-cc25": (["</s>", "en_XX"], ["</s>", "de_DE"]),
    "m2m_100": (["__en__", "</s>"], ["__de__", "</s>"]),
    "nllb": (["eng_Latn", "</s>"], ["deu_Latn", "</s>"]),
    "bart": (["<s>", "</s>"], ["<s>", "</s>"]),
    "encoder-decoder": (["[CLS]", "[SEP]"], ["[CLS]", "[SEP]"]),
}
"""The special tokens of a source and of a target."""

CODES = {"mbart": ("en_XX", "de_DE"), "mbart-cc25": ("en_XX", "de_DE"), "m2m_100": ("en", "de")}
CODES["nllb"] = ("eng_Latn", "deu_Latn")
START = dict.fromkeys(("marian", "marian-multilingual", "t5"), "<pad>")
START |= {"mbart-cc25": "de_DE", "encoder-decoder": "[CLS]"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("translators")
    return {
        family: tiny_translator(made / family, family, ENGLISH, target_texts=GERMAN) for family in TRANSLATORS
    }


def loaded(folder: Path) -> tuple[Any, Any]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if folder.name in CODES:
        tokenizer.src_lang, tokenizer.tgt_lang = CODES[folder.name]
    return tokenizer, transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()


def assert_same_files(one: Path, other: Path) -> None:
    assert {path.name for path in one.iterdir()} == {path.name for path in other.iterdir()}
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name


@pytest.mark.parametrize("family", TRANSLATORS)
def test_a_translator_reads_and_writes_as_its_family_does(family: str, folders: dict[str, Path]) -> None:
    tokenizer, model = loaded(folders[family])
    special = set(tokenizer.all_special_tokens)
    both = tokenizer(ENGLISH[0], text_target=GERMAN[0])
    tokens = [tokenizer.convert_ids_to_tokens(both[side]) for side in ("input_ids", "labels")]
    assert tuple([token for token in side if token in special] for side in tokens) == SIDES[family]
    written = tokenizer.decode(both["labels"], skip_special_tokens=True).strip()
    assert written == _as_read(family, GERMAN[0])
    start = tokenizer.convert_tokens_to_ids(START.get(family, "</s>"))
    assert {model.config.decoder_start_token_id, model.generation_config.decoder_start_token_id} == {start}
    assert model.get_input_embeddings().num_embeddings - len(tokenizer) == 8 * (family == "m2m_100")


def _as_read(family: str, text: str) -> str:
    """BERT's tokens have small letters alone."""
    return text.lower() if family == "encoder-decoder" else text


@pytest.mark.parametrize("family", TRANSLATORS)
def test_a_translator_writes_within_its_limits(family: str, folders: dict[str, Path]) -> None:
    tokenizer, model = loaded(folders[family])
    batch = tokenizer(ENGLISH[:3], return_tensors="pt", padding=True)
    code = {"mbart": "de_DE", "m2m_100": "__de__", "nllb": "deu_Latn"}.get(family)
    forced = {} if code is None else {"forced_bos_token_id": tokenizer.convert_tokens_to_ids(code)}
    with torch.inference_mode():
        written = model.generate(**batch, num_beams=2, max_new_tokens=6, max_length=None, **forced)
    assert written.shape[0] == 3
    assert 1 < written.shape[1] <= 7
    assert set(written[:, 0].tolist()) == {model.config.decoder_start_token_id}
    if forced:
        assert set(written[:, 1].tolist()) == set(forced.values())


@pytest.mark.parametrize("family", TRANSLATORS)
def test_the_same_arguments_give_the_same_translator(
    family: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    again = tiny_translator(tmp_path / "again", family, ENGLISH, target_texts=GERMAN)
    assert_same_files(again, folders[family])
    other = tiny_translator(tmp_path / "other", family, ENGLISH, target_texts=GERMAN, seed=1)
    weights = "model.safetensors"
    assert (again / weights).read_bytes() != (other / weights).read_bytes()


@pytest.mark.parametrize("family", ["marian", "t5", "encoder-decoder"])
def test_a_translator_has_the_sizes_that_are_asked_for(family: str, tmp_path: Path) -> None:
    folder = tiny_translator(
        tmp_path, family, ENGLISH, num_layers=1, hidden_size=16, dropout=0.25, max_length_tokens=20
    )
    tokenizer, model = loaded(folder)
    assert tokenizer.model_max_length == 20
    assert model.get_input_embeddings().embedding_dim == 16
    assert model.get_encoder().config.num_hidden_layers == 1
    rates = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates <= {0.25}
    assert "0.25" in (folder / "config.json").read_text()


def test_marian_cuts_each_language_with_its_own_pieces(folders: dict[str, Path]) -> None:
    tokenizer, _ = loaded(folders["marian"])
    as_target = tokenizer(text_target=GERMAN[1]).input_ids
    assert as_target != tokenizer(GERMAN[1]).input_ids
    assert tokenizer.unk_token_id not in as_target


def test_only_languages_that_are_named_are_known(tmp_path: Path) -> None:
    marian = loaded(tiny_translator(tmp_path / "m", "marian-multilingual", ENGLISH, languages=("en", "fr")))[
        0
    ]
    assert marian.supported_language_codes == [">>en<<", ">>fr<<"]
    nllb = tiny_translator(tmp_path / "n", "nllb", ENGLISH, languages=("fr", "zho_Hant"))
    known = [str(token) for token in transformers.AutoTokenizer.from_pretrained(nllb).extra_special_tokens]
    assert known == ["fra_Latn", "zho_Hant"]


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_language_model_has_a_head(family: str, tied: bool, tmp_path: Path) -> None:
    folder = tiny_causal(tmp_path / "one", family, ENGLISH, tied=tied)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert (model.get_input_embeddings().weight is model.get_output_embeddings().weight) is tied
    assert tokenizer.chat_template is None
    assert tokenizer.pad_token is None
    batch = tokenizer(ENGLISH[0], return_tensors="pt")
    with torch.inference_mode():
        written = model.generate(**batch, max_new_tokens=4)
    assert written.shape[1] > batch["input_ids"].shape[1]
    assert_same_files(tiny_causal(tmp_path / "again", family, ENGLISH, tied=tied), folder)


def test_a_chat_template_is_the_tokenizers_own(tmp_path: Path) -> None:
    folder = tiny_causal(tmp_path, "llama", ENGLISH, chat_template=CHATML, special_tokens=CHATML_TOKENS)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    messages = [{"role": "user", "content": "the film"}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    marks = [token for token in tokenizer.convert_ids_to_tokens(ids) if token in CHATML_TOKENS]
    assert marks == ["<|im_start|>", "<|im_end|>", "<|im_start|>"]
    assert model.get_input_embeddings().num_embeddings == len(tokenizer)
