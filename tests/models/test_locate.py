"""What a model is called to others, and which files make it the same model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewell.models.locate import fingerprint, public_name

Tiny = Callable[[str], Path]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_changed_byte_makes_it_another_model(name: str, tiny: Tiny, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tiny("bert"), tmp_path / "model"))
    before = fingerprint(copied)
    assert before == fingerprint(tiny("bert")), "the place does not matter"
    content = bytearray((copied / name).read_bytes())
    content[-1] ^= 1
    (copied / name).write_bytes(content)
    assert fingerprint(copied) != before, "nor is an old answer remembered"
    content[-1] ^= 1
    (copied / name).write_bytes(content)
    assert fingerprint(copied) == before


def test_files_that_no_model_is_made_of(tiny: Tiny, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tiny("bert"), tmp_path / "model"))
    before = fingerprint(copied)
    (copied / "README.md").write_text("words")
    (copied / "trainer_state.json").write_text("{}")
    assert fingerprint(copied) == before
    (copied / "model-00002-of-00002.safetensors").write_bytes(b"more weights")
    assert fingerprint(copied) != before


def test_a_pack_is_called_as_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert public_name("minilm") == "sentence-transformers/all-MiniLM-L6-v2"
    assert public_name("google-bert/bert-base-uncased") == "google-bert/bert-base-uncased"
    assert public_name("models/mine") == "models/mine"
    (tmp_path / "minilm").mkdir()
    assert public_name("minilm") == "minilm", "a folder of that name goes first, as in `locate`"
