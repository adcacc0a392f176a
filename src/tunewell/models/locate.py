"""From a model's name to a local folder whose files are safe to load. No torch, no transformers.

A name is a model pack (`minilm`), a local folder, or a Hub id. Only safetensors weights are taken, and no
code that comes with a model is ever run.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from tunewell.core.errors import ModelError
from tunewell.models import packs

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors", "*.spm", "*.jinja"]
_MADE_OF = (
    "*.safetensors",
    "config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "*.model",
    "*.spm",
    "*_tokens*.json",
    "target_tokenizer/*",
)
"""The files that decide what a model computes: weights, architecture, tokenizer, and the target's where it has its own."""

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def locate(name: str, revision: str | None = None) -> Path:
    """The local folder of the model called `name`, downloaded from the Hub where it has to be.

    Raises `ModelError` for a name that leads nowhere and for a folder without safetensors weights.
    """
    folder = Path(name).expanduser()
    if name in packs.PACKS and not folder.is_dir():
        return packs.locate(name)
    if folder.is_dir():
        _check_weights(folder)
        return folder
    if folder.is_absolute() or name.startswith((".", "~")) or not _HUB_ID.match(name):
        raise ModelError(f"no model folder {name!r}", fix=_known_names(name))
    return _download(name, revision)


def public_name(name: str) -> str:
    """What others call the model: a pack's origin on the Hub, else the name as the user gave it."""
    if name in packs.PACKS and not Path(name).expanduser().is_dir():
        return packs.PACKS[name].source
    return name


def fingerprint(folder: Path) -> str:
    """SHA-256 of a model folder's weights, configuration and tokenizer; each file is read once a process."""
    files = sorted({path for pattern in _MADE_OF for path in folder.glob(pattern) if path.is_file()})
    digest = hashlib.sha256()
    for path in files:
        stat = path.stat()
        digest.update(
            f"{path.relative_to(folder).as_posix()} {_sha256(path, stat.st_size, stat.st_mtime_ns)}\n".encode()
        )
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _sha256(path: Path, num_bytes: int, changed_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a model folder."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            "no config.json here", where=str(folder), fix="give a folder that holds a model"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {error}", where=str(path)) from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelError("config.json names no `model_type`", where=str(path))
    return config


def hidden_size(config: dict[str, Any]) -> int:
    """Width of the model, under the names that families use; 768 where none is found."""
    for key in ("hidden_size", "n_embd", "dim", "d_model"):
        if isinstance(config.get(key), int):
            return int(config[key])
    return 768


def _check_weights(folder: Path) -> None:
    if (folder / "adapter_config.json").exists():  # transformers would follow it to another model
        raise ModelError(
            "this folder holds an adapter, which changes another model, and no whole model",
            where=str(folder / "adapter_config.json"),
            fix="merge the adapter into its model and save that, with merge_and_unload() of peft",
        )
    if any(folder.glob("*.safetensors")):
        for index in folder.glob("*.safetensors.index.json"):
            _check_index(index)
        return
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
    if pickles:
        raise ModelError(
            f"the weights are a pickle file ({pickles[0]}), which can run code when it is opened",
            where=str(folder),
            fix="convert them to safetensors where you trust them, with save_pretrained() of transformers",
        )
    raise ModelError(
        "no *.safetensors weights here", where=str(folder), fix="give a folder that holds a model"
    )


def _check_index(path: Path) -> None:
    """transformers opens whatever file an index of shards names, pickles and other folders' files too."""
    try:
        shards = set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"no index of weight files: {error!r}", where=str(path)) from None
    for shard in shards:
        if not isinstance(shard, str) or Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise ModelError(
                f"the index names {shard!r}, which is no safetensors file of this folder", where=str(path)
            )
        if not (path.parent / shard).is_file():
            raise ModelError(
                f"{shard} is missing", where=str(path.parent), fix="download or copy the model again"
            )


def _download(name: str, revision: str | None) -> Path:
    """The Hub's files of one model, from the cache where they are already there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=_WANTED))
    except LocalEntryNotFoundError:
        raise ModelError(
            f"model {name!r} is not in the local cache and the Hub cannot be reached",
            fix=f"go online once, or {_known_names(name)}",
        ) from None
    except RepositoryNotFoundError:
        raise ModelError(f"the Hub has no model {name!r}", fix=_known_names(name)) from None
    except Exception as error:  # the network client's errors are of its own kinds, and its name changes
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"model {name!r} could not be downloaded: {reason}", fix=_known_names(name)
        ) from None
    _check_weights(folder)
    return folder


def _known_names(name: str) -> str:
    near = difflib.get_close_matches(name, packs.PACKS, n=1)
    known = near[0] if near else next(iter(packs.PACKS))
    return f"use a model pack (`--model {known}`), an existing folder, or a Hub id such as google-bert/bert-base-uncased"
