"""Deciding what the settings left open, and what makes a run the same run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewell.config import FROM_SCRATCH, SCRATCH_SIZES, ModelSettings, RunConfig
from tunewell.core.errors import ConfigError
from tunewell.dataset import Dataset
from tunewell.models.adapters import default_targets
from tunewell.models.locate import fingerprint, hidden_size, locate, read_config
from tunewell.run_dir import RunDir
from tunewell.runtime import Runtime

_MICRO_BATCH_TOKENS = {"cpu": 4096}
_MANY_MICRO_BATCH_TOKENS = 32768
"""A whole batch of short texts runs at once, which is fastest without padding; long texts must fit memory."""

_RATE_FROM_SCRATCH = 1e-3
"""Random weights have farther to go than pretrained ones."""

_NOT_IDENTITY = ("output", "training.device", "training.threads", "training.log_every_steps")


def settle(config: RunConfig, dataset: Dataset, runtime: Runtime) -> RunConfig:
    """The settings with everything decided; they reload to the same run."""
    training: dict[str, Any] = {}
    described = _described(config.model)
    has_lora = config.model.lora_rank is not None
    if config.training.learning_rate is None:
        training["learning_rate"] = (
            _RATE_FROM_SCRATCH
            if config.model.from_scratch and config.training.optimizer != "sgd"
            else default_rate(config.training.optimizer, hidden_size(described), has_lora)
        )
    if config.training.micro_batch_size is None:
        training["micro_batch_size"] = config.training.batch_size
    if config.training.micro_batch_tokens is None:
        budget = _MICRO_BATCH_TOKENS.get(runtime.device.type, _MANY_MICRO_BATCH_TOKENS)
        training["micro_batch_tokens"] = budget
    return config.model_copy(
        update={
            "task": dataset.task.config.model_dump(),
            "training": config.training.model_copy(update=training),
            "model": config.model.model_copy(
                update={**_lora(config.model, described["model_type"]), **_sizes(config.model)}
            ),
        }
    )


def _described(model: ModelSettings) -> dict[str, Any]:
    """What is known of the model before it is loaded, or made."""
    if model.from_scratch:
        return {"model_type": FROM_SCRATCH, "hidden_size": model.hidden_size or SCRATCH_SIZES["hidden_size"]}
    return read_config(locate(model.name, model.revision))


def _sizes(model: ModelSettings) -> dict[str, Any]:
    """What the settings of a model from nothing left open."""
    if not model.from_scratch:
        return {}
    decided = dict(SCRATCH_SIZES)
    if model.hidden_size is not None:
        decided["feedforward_size"] = 2 * model.hidden_size
    absent = {name: size for name, size in decided.items() if getattr(model, name) is None}
    return {"name": FROM_SCRATCH, **absent}


def _lora(model: ModelSettings, model_type: str) -> dict[str, Any]:
    """What the settings of an adapter left open."""
    if model.lora_rank is None:
        return {}
    decided = {
        "lora_alpha": 2.0 * model.lora_rank,
        "lora_dropout": 0.0,
        "lora_targets": list(default_targets(model_type)),
    }
    return {name: value for name, value in decided.items() if getattr(model, name) is None}


def default_rate(optimizer: str, width: int, has_lora: bool = False) -> float:
    """The peak rate when nobody chose one: narrow models bear, and need, a higher one.

    An adapter starts from nothing and has few parameters: ten times the rate, as the field does; narrow models
    did better with twenty (docs/lab-log.md).
    """
    if optimizer == "sgd":
        return 0.1 if has_lora else 0.01
    if width >= 1024:
        return 2e-4 if has_lora else 2e-5
    if width >= 768:
        return 5e-4 if has_lora else 5e-5
    return 2e-3 if has_lora else 1e-4


def identity(config: RunConfig, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """What must be equal for a run to be the same: flat setting names, data and model hashes to values.

    The model's files are part of it because a checkpoint holds only what learns, not what is frozen.
    """
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
    if not config.model.from_scratch:
        kept["content of model.name"] = fingerprint(locate(config.model.name, config.model.revision))
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
