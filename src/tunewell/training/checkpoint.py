"""Checkpoints that are whole or absent: atomic, hashed, and free of pickle.

A checkpoint is a folder `step-00000120` with the model's and the optimizer's tensors, the training state and
a manifest of sizes and SHA-256 hashes. Of the model it holds what learns and the buffers; frozen parameters
come from the model that is given to `restore`, and the run's identity vouches that they are the same. It is
written beside its final place, flushed to the disk, and renamed; only then does `LATEST` point to it, and only
then are older ones removed, never the best. A reader takes nothing whose manifest does not hold.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tunewell.core.errors import ModelError, ResourceError
from tunewell.training.loop import TrainState

KEPT = 2
"""How many of the newest checkpoints are kept, beside the best."""

PAUSE_SECONDS = 1.0
"""How long a save waits before its second attempt."""

_PREFIX = "step-"
_SEPARATOR = "|"


@dataclass(frozen=True)
class Found:
    """The newest checkpoint that holds, and what was wrong with newer ones."""

    folder: Path
    state: TrainState
    warnings: tuple[str, ...]


class Checkpoints:
    """The checkpoints of one run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, state: TrainState) -> Path:
        """Write a checkpoint for `state.step`; the earlier ones stay until it is safe.

        Raises `ResourceError` when the disk does not take it at the second attempt either; nothing that was
        there is lost.
        """
        final = self.folder / f"{_PREFIX}{state.step:08d}"
        tensors = _contiguous(learning_tensors(model)), optimizer_tensors(model, optimizer)
        for attempts_left in (1, 0):
            try:
                self._write(final, *tensors, state)
                break
            except (OSError, SafetensorError) as error:
                if not attempts_left:
                    needed = sum(tensor.nbytes for part in tensors for tensor in part.values())
                    raise _disk_error(final, needed, error) from None
                time.sleep(PAUSE_SECONDS)
        self._prune(state)
        return final

    def _write(
        self, final: Path, weights: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], state: TrainState
    ) -> None:
        temporary = self.folder / f".writing-{os.getpid()}-{final.name}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._clear_leftovers()
            temporary.mkdir()
            save_file(dict(weights), temporary / "model.safetensors")
            save_file(dict(optimizer), temporary / "optimizer.safetensors")
            _write_json(temporary / "state.json", asdict(state))
            _write_manifest(temporary)
            self._replace(temporary, final)
            _write_text_atomically(self.folder / "LATEST", final.name + "\n")
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def latest(self) -> Found | None:
        """The newest checkpoint whose hashes hold; None when there is none at all.

        Raises `ModelError`, and deletes nothing, when there are checkpoints and all are damaged.
        """
        try:
            self._clear_leftovers()
        except OSError as error:
            raise ResourceError(
                f"cannot be tidied up: {error.strerror}", where=str(self.folder), fix="look at its rights"
            ) from None
        warnings: list[str] = []
        for folder in reversed(self._folders()):
            problem = verify(folder)
            if problem is None:
                state = TrainState(**json.loads((folder / "state.json").read_text(encoding="utf-8")))
                return Found(folder, state, tuple(warnings))
            warnings.append(f"checkpoint {folder.name} is damaged ({problem}) and was passed over")
        if warnings:
            raise ModelError(
                "every checkpoint of this run is damaged: " + "; ".join(warnings),
                where=str(self.folder),
                fix="nothing was deleted; restore a copy, or start anew with --fresh",
            )
        return None

    def restore(self, found: Found, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Put the checkpoint's tensors into `model` and `optimizer`."""
        self.restore_model(found.folder, model)
        load_optimizer_tensors(model, optimizer, load_file(found.folder / "optimizer.safetensors"))

    def restore_model(self, folder: Path, model: nn.Module) -> None:
        """Put the weights of one checkpoint into `model`: all that learn, and no others."""
        try:
            tensors = load_file(folder / "model.safetensors")
            odd = sorted(tensors.keys() ^ learning_tensors(model).keys())
            if odd:
                raise RuntimeError(f"{len(odd)} tensors are in one of them alone, such as {odd[0]}")
            model.load_state_dict(tensors, strict=False)
        except (RuntimeError, SafetensorError, OSError) as error:
            raise ModelError(f"the checkpoint does not fit the model: {error}", where=str(folder)) from None

    def at(self, step: int) -> Path:
        """The verified checkpoint folder of `step`; raises `ModelError` when it is gone or damaged."""
        folder = self.folder / f"{_PREFIX}{step:08d}"
        problem = verify(folder)
        if problem is not None:
            raise ModelError(f"the checkpoint cannot be used: {problem}", where=str(folder))
        return folder

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(
            path for path in self.folder.iterdir() if path.name.startswith(_PREFIX) and path.is_dir()
        )

    def _replace(self, temporary: Path, final: Path) -> None:
        """Rename into place; a folder of the same step (a damaged one, or saved before its evaluation) yields."""
        old = self.folder / f".old-{os.getpid()}-{final.name}"
        if final.exists():
            os.rename(final, old)
        os.rename(temporary, final)
        _flush(self.folder)
        shutil.rmtree(old, ignore_errors=True)

    def _prune(self, state: TrainState) -> None:
        best = f"{_PREFIX}{state.best_step:08d}"
        current = f"{_PREFIX}{state.step:08d}"
        folders = self._folders()
        kept = {folder.name for folder in folders[-KEPT:]} | {best, current, self._best_of(folders[-KEPT:])}
        for folder in folders:
            if folder.name not in kept:
                doomed = self.folder / f".pruned-{folder.name}"  # half deleted, it must not pass for damaged
                try:
                    os.rename(folder, doomed)
                except OSError:
                    continue  # the new checkpoint is safe; the old one goes another time
                shutil.rmtree(doomed, ignore_errors=True)

    def _best_of(self, folders: list[Path]) -> str:
        """The best checkpoint by the state of the older of the kept, which may have to stand in one day."""
        try:
            state = json.loads((folders[0] / "state.json").read_text(encoding="utf-8"))
            return f"{_PREFIX}{state['best_step']:08d}"
        except (OSError, ValueError, KeyError):
            return ""

    def _clear_leftovers(self) -> None:
        for path in [*self.folder.glob(".writing-*"), *self.folder.glob(".pruned-*")]:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
        for old in self.folder.glob(".old-*"):  # a save that was killed between its two renames
            final = self.folder / old.name.split("-", 2)[2]
            if final.exists():
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.rename(old, final)


def verify(folder: Path) -> str | None:
    """What is wrong with a checkpoint folder; None when its manifest holds."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        for name, entry in manifest["files"].items():
            path = folder / name
            if path.stat().st_size != entry["bytes"]:
                return f"{name} has {path.stat().st_size} bytes instead of {entry['bytes']}"
            if _sha256(path) != entry["sha256"]:
                return f"{name} has another SHA-256 than when it was written"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"its manifest or a file cannot be read: {error}"
    return None


def learning_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's state without its frozen parameters."""
    frozen = {
        name
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if not parameter.requires_grad
    }
    return {name: tensor for name, tensor in model.state_dict().items() if name not in frozen}


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as flat tensors named `parameter|entry`."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        f"{names[id(parameter)]}{_SEPARATOR}{entry}": value.contiguous()
        for parameter, entries in optimizer.state.items()
        for entry, value in entries.items()
        if isinstance(value, Tensor)
    }


def load_optimizer_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """The reverse of `optimizer_tensors`, into a new optimizer over the same model."""
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        name, _, entry = key.rpartition(_SEPARATOR)
        parameter = parameters[name]
        # a fused optimizer keeps its step counter beside the parameter, and both as they were saved
        optimizer.state[parameter][entry] = value.to(parameter.device)


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies where tensors share memory (tied weights), which safetensors refuses to store twice."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        shared = tensor.data_ptr() in seen and tensor.numel() > 0
        seen.add(tensor.data_ptr())
        result[name] = tensor.clone() if shared else tensor.contiguous()
    return result


def _write_manifest(folder: Path) -> None:
    files: dict[str, Any] = {}
    for path in sorted(folder.iterdir()):
        _flush(path)
        files[path.name] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
    _write_json(folder / "manifest.json", {"schema": 1, "files": files})
    _flush(folder / "manifest.json")
    _flush(folder)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _write_text_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    _flush(temporary)
    os.replace(temporary, path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    """Wait until a file's, or a folder's, content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _disk_error(path: Path, needed: int, error: Exception) -> ResourceError:
    full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    reason = "the disk is full" if full else str(error)
    try:
        free = f"{shutil.disk_usage(path.parent).free / 1e6:,.1f} MB"
    except OSError:
        free = "an unknown amount"
    return ResourceError(
        f"the checkpoint could not be written: {reason}; it needs {needed / 1e6:,.1f} MB and {free} is free",
        where=str(path),
        fix="free space or choose another folder with --output; the earlier checkpoint is intact, run again",
    )
