"""Deciding what the settings left open, and what makes a run the same run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewell.config import RunConfig
from tunewell.core.errors import ConfigError
from tunewell.dataset import Dataset
from tunewell.models.locate import hidden_size, locate, read_config
from tunewell.run_dir import RunDir
from tunewell.runtime import Runtime

_MICRO_BATCH_TOKENS = {"cpu": 4096}
_MANY_MICRO_BATCH_TOKENS = 32768
"""A whole batch of short texts runs at once, which is fastest without padding; long texts must fit memory."""

_NOT_IDENTITY = ("output", "training.device", "training.threads", "training.log_every_steps")


def settle(config: RunConfig, dataset: Dataset, runtime: Runtime) -> RunConfig:
    """The settings with everything decided; they reload to the same run."""
    training: dict[str, Any] = {}
    if config.training.learning_rate is None:
        folder = locate(config.model.name, config.model.revision)
        training["learning_rate"] = default_rate(config.training.optimizer, hidden_size(read_config(folder)))
    if config.training.micro_batch_size is None:
        training["micro_batch_size"] = config.training.batch_size
    if config.training.micro_batch_tokens is None:
        budget = _MICRO_BATCH_TOKENS.get(runtime.device.type, _MANY_MICRO_BATCH_TOKENS)
        training["micro_batch_tokens"] = budget
    return config.model_copy(
        update={
            "task": dataset.task.config.model_dump(),
            "training": config.training.model_copy(update=training),
        }
    )


def default_rate(optimizer: str, width: int) -> float:
    """The peak rate when nobody chose one: narrow models bear, and need, a higher one."""
    if optimizer == "sgd":
        return 0.01
    if width >= 1024:
        return 2e-5
    return 5e-5 if width >= 768 else 1e-4


def identity(config: RunConfig, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """What must be equal for a run to be the same: flat setting names and data hashes to values."""
    flat: dict[str, Any] = {}
    for group, values in config.model_dump().items():
        for key, value in values.items():
            flat[f"{group}.{key}"] = value
    kept = {
        key: value
        for key, value in flat.items()
        if key not in _NOT_IDENTITY and key.split(".")[0] not in _NOT_IDENTITY
    }
    for name, digest in fingerprints.items():
        kept[f"content of data.{name}"] = digest
    return json.loads(json.dumps(kept))  # type: ignore[no-any-return]  # as it reads back from the manifest


def run_folder(config: RunConfig, dataset: Dataset, same: Mapping[str, Any]) -> RunDir:
    """The folder that the settings name, or `<data name>-<8 hex of the identity>`."""
    if config.output.folder is not None:
        return RunDir(Path(config.output.folder))
    digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
    return RunDir(Path(config.output.parent) / f"{dataset.name}-{digest[:8]}")


def check_same(run: RunDir, same: Mapping[str, Any]) -> None:
    """Raise `ConfigError` that lists the differing keys when the folder holds another run."""
    before: Mapping[str, Any] = run.read_manifest().get("identity", {})
    keys = [key for key in {**before, **same} if before.get(key) != same.get(key)]
    if keys:
        shown = "; ".join(
            f"{key}: {_short(before.get(key))} before, {_short(same.get(key))} now" for key in keys[:8]
        )
        raise ConfigError(
            f"this folder holds another run ({shown})",
            where=str(run.path),
            fix="choose another --output, undo the change, or start anew with --fresh",
        )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:12] + "..."
