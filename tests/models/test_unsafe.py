"""Files that could run code are refused, and an audit hook shows that none of it ran."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Tiny = Callable[[str], Path]

PICKLES = ("pytorch_model.bin", "model.pt", "weights.ckpt")

_PROBE = """
import json, sys
opened = []
def watch(event, arguments):
    if event in ("pickle.find_class", "os.mkdir", "os.system", "subprocess.Popen"):
        opened.append((event, str(arguments)))
    if event in ("open", "import", "exec") and "evil" in str(arguments):
        opened.append((event, str(arguments)))
from tunewell.core.errors import ModelError
from tunewell.models import ModelLoader
import transformers.models.auto.modeling_auto, transformers.models.bert.modeling_bert
sys.addaudithook(watch)
said = {}
for folder in sys.argv[1:]:
    opened.clear()
    try:
        loader = ModelLoader(folder)
        pad = loader.tokenizer().pad_token_id
        loader.sequence_classifier(("a", "b"), "single_label_classification", pad_token_id=pad)
        said[folder] = ["loaded", list(opened)]
    except ModelError as error:
        said[folder] = [f"{error.exit_code} {error}", list(opened)]
print(json.dumps(said))
"""


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


@dataclass
class Attacks:
    """Folders that try something, by name, and the folder that code of theirs would make."""

    root: Path
    good: Path

    def __post_init__(self) -> None:
        self.trap = self.root / "evil-was-here"
        self.pickle = pickle.dumps(Evil(self.trap))
        pickle.loads(self.pickle)  # shown to work first: a test that a dud would pass says nothing
        self.trap.rmdir()

    def folder(self, name: str) -> Path:
        return Path(shutil.copytree(self.good, self.root / name))

    def pickle_alone(self, file_name: str) -> None:
        folder = self.folder(file_name)
        (folder / "model.safetensors").unlink()
        (folder / file_name).write_bytes(self.pickle)

    def pickle_in_disguise(self) -> None:
        (self.folder("disguise") / "model.safetensors").write_bytes(self.pickle)

    def pickle_beside(self) -> None:
        (self.folder("beside") / "pytorch_model.bin").write_bytes(self.pickle)

    def code(self, model_type: str) -> None:
        folder = self.folder(model_type)
        (folder / "evil_code.py").write_text(f"import os\nos.mkdir({str(self.trap)!r})\nclass C: pass\n")
        names = ("AutoConfig", "AutoModel", "AutoModelForSequenceClassification")
        _change(
            folder / "config.json",
            {"model_type": model_type, "auto_map": dict.fromkeys(names, "evil_code.C")},
        )
        _change(
            folder / "tokenizer_config.json",
            {"auto_map": {"AutoTokenizer": ["evil_code.C", "evil_code.C"]}},
        )

    def index_to_a_pickle(self) -> None:
        folder = self.folder("index")
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
        (self.root / "evil.bin").write_bytes(self.pickle)
        names = {"embeddings.word_embeddings.weight": "../evil.bin"}
        index = {"metadata": {"total_size": 1}, "weight_map": names}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    def adapter_to_elsewhere(self) -> None:
        folder = self.folder("adapter")
        settings = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": 2, "target_modules": ["query"]}
        settings["base_model_name_or_path"] = str(self.root / "evil-model")
        (folder / "adapter_config.json").write_text(json.dumps(settings))
        (folder / "adapter_model.bin").write_bytes(self.pickle)
        shutil.copytree(self.good, self.root / "evil-model")


def _change(path: Path, entries: dict[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


@pytest.fixture(scope="module")
def said(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the loader said of each attack; no attack ran anything."""
    attacks = Attacks(tmp_path_factory.mktemp("attacks"), tiny("bert"))
    for name in PICKLES:
        attacks.pickle_alone(name)
    attacks.pickle_in_disguise()
    attacks.pickle_beside()
    attacks.code("wild-type")
    attacks.code("bert")
    attacks.index_to_a_pickle()
    attacks.adapter_to_elsewhere()
    folders = [str(path) for path in attacks.root.iterdir() if path.is_dir() and "evil" not in path.name]
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *folders], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert not attacks.trap.exists()
    answers = json.loads(done.stdout)
    assert [event for _, events in answers.values() for event in events] == []
    return {Path(folder).name: answer for folder, (answer, _) in answers.items()}


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_without_safetensors_is_refused(name: str, said: dict[str, str]) -> None:
    assert said[name].startswith("4 ")
    assert f"the weights are a pickle file ({name}), which can run code when it is opened" in said[name]
    assert "convert them to safetensors" in said[name]


def test_a_pickle_in_disguise_is_refused(said: dict[str, str]) -> None:
    assert said["disguise"].startswith("4 ")
    assert "the model cannot be loaded" in said["disguise"]


def test_a_pickle_beside_good_weights_is_left_alone(said: dict[str, str]) -> None:
    assert said["beside"] == "loaded"


def test_code_that_a_model_needs_is_not_run(said: dict[str, str]) -> None:
    assert said["wild-type"].startswith("4 ")
    assert "needs code that comes with the model, which is never run" in said["wild-type"]


def test_code_that_a_model_does_not_need_is_not_run(said: dict[str, str]) -> None:
    """transformers knows the architecture, so its own class is used."""
    assert said["bert"] == "loaded"


def test_an_index_that_names_a_pickle_is_refused(said: dict[str, str]) -> None:
    """transformers would open it, `use_safetensors=True` or not."""
    assert said["index"].startswith("4 ")
    assert "the index names '../evil.bin', which is no safetensors file of this folder" in said["index"]


def test_an_adapter_that_leads_elsewhere_is_not_followed(said: dict[str, str]) -> None:
    assert said["adapter"].startswith("4 ")
    assert "this folder holds an adapter" in said["adapter"]
