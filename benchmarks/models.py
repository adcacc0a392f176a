"""The models of the benchmarks, and the folder with a head that every contestant starts from.

A further model is one line in `MODELS`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import torch

from benchmarks.data import UnusableError
from tunewell.models import ModelLoader, packs

WEIGHTS = "model.safetensors"


def _minilm() -> Path:
    return packs.get("minilm")


def _bert_base_random() -> Path:
    """BERT-base's shape with random weights and MiniLM's vocabulary, which is BERT's: speed needs no more."""
    import transformers

    folder = packs.cache_folder() / "benchmarks" / "bert-base-random"
    if (folder / WEIGHTS).is_file():
        return folder
    fresh = folder.with_name(f".{folder.name}-{os.getpid()}")
    torch.manual_seed(0)
    transformers.BertModel(transformers.BertConfig()).save_pretrained(fresh)
    for path in _minilm().iterdir():
        if path.name not in (WEIGHTS, "config.json"):
            shutil.copy(path, fresh)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder


MODELS: Mapping[str, Callable[[], Path]] = MappingProxyType(
    {"minilm": _minilm, "bert-base-random": _bert_base_random}
)
"""By name: what gives the model's folder, made or fetched at the first use."""


def find(name: str) -> Path:
    """The folder of a model of the table, or of any model folder. Raises `UnusableError`."""
    if name in MODELS:
        return MODELS[name]()
    if (Path(name) / "config.json").is_file():
        return Path(name)
    raise UnusableError(f"no model {name!r}: there are {', '.join(MODELS)}, or give a model folder")


def max_length(folder: Path) -> int:
    """The most tokens that the model reads."""
    return ModelLoader(str(folder)).tokenizer().max_length_tokens


def write_start(
    model: Path, folder: Path, auto_class: str, label_names: Sequence[str], *, seed: int = 0
) -> Path:
    """Write `model` with a new head, drawn by `seed`, as a plain Hugging Face folder: one start for all."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(model)
    config.num_labels = len(label_names)
    config.id2label = dict(enumerate(label_names))
    config.label2id = {name: index for index, name in enumerate(label_names)}
    torch.manual_seed(seed)
    built = getattr(transformers, auto_class).from_pretrained(model, config=config, dtype=torch.float32)
    built.save_pretrained(folder)
    for path in model.iterdir():
        if path.is_file() and not path.name.endswith(".safetensors") and path.name != "config.json":
            shutil.copy(path, folder)
    return folder


def without_dropout(start: Path, folder: Path) -> Path:
    """The same start with every dropout set to 0; the weights are the same file."""
    folder.mkdir(parents=True)
    for path in start.iterdir():
        if path.name != "config.json":
            (folder / path.name).symlink_to(path.resolve())
    config = json.loads((start / "config.json").read_text(encoding="utf-8"))
    quiet = {key: 0.0 if is_dropout(key, value) else value for key, value in config.items()}
    (folder / "config.json").write_text(json.dumps(quiet, indent=2) + "\n", encoding="utf-8")
    return folder


def is_dropout(key: str, value: object) -> bool:
    """Whether an entry of a configuration is a dropout probability."""
    return "drop" in key and isinstance(value, float)
