"""LoRA: small trained matrices beside frozen linear layers. The only door to peft.

Attached to a loaded model before it is prepared for computing, saved as a folder that peft reads alone, and
merged into ordinary weights. A new head, and whatever else starts from random numbers, is trained in full and saved in
the adapter; of a model that writes, whose head came with it, the rows of new tokens. Not for: freezing layers
(`tunewell.models.freezing`).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from tunewell.config import ModelSettings
from tunewell.core.errors import ConfigError
from tunewell.models.adapter_card import adapter_card

ALL_LINEAR = "all-linear"
"""As the only target: every linear layer of the backbone."""

TARGETS: Mapping[str, tuple[str, ...]] = {
    "albert": ("query", "value"),
    "camembert": ("query", "value"),
    "distilbert": ("q_lin", "v_lin"),
    "m2m_100": ("q_proj", "v_proj"),
    "marian": ("q_proj", "v_proj"),
    "mbart": ("q_proj", "v_proj"),
    "modernbert": ("Wqkv",),
    "mpnet": ("q", "v"),
    "pegasus": ("q_proj", "v_proj"),
}
"""What attention's queries and values are called, for families that peft 0.21 has no entry for."""

_TASK_TYPES = {
    "ForSequenceClassification": "SEQ_CLS",
    "ForTokenClassification": "TOKEN_CLS",
    "ForQuestionAnswering": "QUESTION_ANS",
    "ForSeq2SeqLM": "SEQ_2_SEQ_LM",
    "ForCausalLM": "CAUSAL_LM",
}
"""How the auto class of a head ends, and what peft calls its task; peft stores it so that others pick the right class."""


@dataclass(frozen=True)
class Lora:
    """The settings of an adapter, complete. Its output is multiplied by `alpha / rank`."""

    rank: int
    alpha: float
    dropout: float
    targets: tuple[str, ...]

    @classmethod
    def of(cls, settings: ModelSettings) -> Lora | None:
        """Those of settled settings; None when all weights are to learn."""
        if settings.lora_rank is None:
            return None
        assert settings.lora_alpha is not None
        assert settings.lora_dropout is not None
        assert settings.lora_targets is not None
        return cls(
            settings.lora_rank, settings.lora_alpha, settings.lora_dropout, tuple(settings.lora_targets)
        )


def default_targets(model_type: str) -> tuple[str, ...]:
    """The names of the layers that get an adapter in a family: queries and values where they are known."""
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN

    found = TARGETS.get(model_type) or KNOWN.get(model_type)
    return tuple(found) if found and not isinstance(found, str) else (ALL_LINEAR,)


def attach(
    model: Any,
    lora: Lora,
    *,
    base_name: str,
    revision: str | None = None,
    new_parameters: Sequence[str] = (),
    new_token_ids: Sequence[int] = (),
    seed: int = 0,
) -> nn.Module:
    """`model` with adapters, as a `PeftModel`; only they, a new head and what else is new can learn.

    `new_parameters` are full names of parameters that started from random numbers. `new_token_ids` are rows
    of the input embedding, and of the head of a model that writes, that were appended for tokens of the user's.
    `base_name` is what the saved adapter will call the model that it belongs to. Raises `ConfigError` for targets that
    the model does not have.
    """
    import peft

    in_full = _modules_in_full(model, new_parameters)
    linear = _linear_layers(model, in_full)
    others = [
        name for name, _ in model.named_modules() if name not in linear and not _is_inside_any(name, in_full)
    ]
    targets = _targets(lora.targets, linear, others)
    chosen = [module for name, module in linear.items() if _matches(name, targets)]
    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        modules_to_save=list(in_full) or None,  # peft adds to the list
        trainable_token_indices={name: list(new_token_ids) for name in _token_tables(model)}
        if new_token_ids
        else None,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in chosen),  # GPT-2's weights lie transposed
        task_type=_task_type(model),
    )
    torch.manual_seed(seed)  # as a new head, an adapter must not depend on what ran before
    with warnings.catch_warnings():
        # peft 0.21 reads an attribute that transformers 5 has renamed; nothing that a user could mend
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        try:
            adapted = peft.get_peft_model(model, config)
        except ValueError as error:  # a layer of a kind that it cannot stand beside
            raise ConfigError(
                f"LoRA cannot be attached to this model: {' '.join(str(error).split())[:200]}",
                fix="choose model.lora_targets by name, or train without model.lora_rank",
            ) from None
    settled = adapted.peft_config["default"]
    settled.base_model_name_or_path, settled.revision = base_name, revision
    settled.modules_to_save = in_full or None  # without the names of heads that this model does not have
    return adapted  # type: ignore[no-any-return]


def is_adapted(model: nn.Module) -> bool:
    """Whether `attach` made it."""
    return hasattr(model, "peft_config") and hasattr(model, "merge_and_unload")


def save_adapter(model: Any, folder: Path) -> None:
    """Write peft's folder: the adapter's weights with the head's, its configuration, and a card."""
    # "auto" would ask the Hub whether the vocabulary has grown; new tokens are saved by their rows
    model.save_pretrained(folder, save_embedding_layers=False)
    path = folder / "adapter_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for name in ("target_modules", "modules_to_save"):
        if isinstance(settings[name], list):
            settings[name].sort()  # a set's order changes from process to process
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    base = model.get_base_model()
    card = adapter_card(base, settings, auto_class=f"AutoModel{_class_ending(base)}")
    (folder / "README.md").write_text(card, encoding="utf-8")


def merged(model: Any) -> nn.Module:
    """The ordinary model with the adapters added to its weights; `model` itself is used up."""
    return model.merge_and_unload()  # type: ignore[no-any-return]


def _modules_in_full(model: Any, new_parameters: Sequence[str]) -> list[str]:
    """Names of the modules that are trained in full: a new head outside the backbone, and all others that are new.

    A model that writes has learnt its head, which it often shares with the embeddings; both stay as they are.
    """
    written = _written_head(model)
    names = set()
    if written is None:
        backbone = model.base_model
        names = {
            name
            for name, child in model.named_children()
            if child is not backbone and any(True for _ in child.parameters())
        }
    for parameter in new_parameters:
        owner = parameter.rpartition(".")[0]
        holds_head = written is not None and _is_inside(written, owner)  # its bias, which starts from zeros
        if owner and not holds_head and not _is_inside_any(owner, names):
            names.add(owner)
    return sorted(names)


def _written_head(model: Any) -> str | None:
    """The name of the layer that gives the logits of a vocabulary; None where there is none."""
    head = model.get_output_embeddings()
    return None if head is None else _name_of(model, head)


def _linear_layers(model: nn.Module, in_full: Sequence[str]) -> dict[str, nn.Module]:
    """The linear layers that an adapter can stand beside, by full name."""
    excluded = [*in_full, *([head] if (head := _written_head(model)) is not None else [])]
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and not _is_inside_any(name, excluded)
    }


def _targets(wanted: Sequence[str], linear: Mapping[str, nn.Module], others: Iterable[str]) -> list[str]:
    """`wanted` with `all-linear` spelt out; raises `ConfigError` for what matches nothing.

    `others` are the names of the modules that no adapter can stand beside.
    """
    endings = sorted({name.rpartition(".")[2] for name in linear})
    if list(wanted) == [ALL_LINEAR]:
        shared = any(_matches(name, endings) for name in others)  # CTRL's linear "0" and its layer "0"
        return sorted(linear) if shared else endings
    unknown = [target for target in wanted if not any(_matches(name, [target]) for name in linear)]
    if unknown:
        raise ConfigError(
            f"model.lora_targets: no linear layer of this model's backbone is called {', '.join(unknown)}",
            fix=f"choose from {', '.join(endings)}, or {ALL_LINEAR} alone for all of them; "
            f"a longer ending such as {_longer_ending(linear)} picks fewer",
        )
    return list(wanted)


def _longer_ending(linear: Mapping[str, nn.Module]) -> str:
    return ".".join(next(iter(linear)).split(".")[-2:])


def _matches(name: str, targets: Sequence[str]) -> bool:
    """peft's own rule for a list of names."""
    return any(name == target or name.endswith("." + target) for target in targets)


def _is_inside(name: str, outer: str) -> bool:
    return name == outer or name.startswith(outer + ".")


def _is_inside_any(name: str, outer: Iterable[str]) -> bool:
    return any(_is_inside(name, one) for one in outer)


def _token_tables(model: Any) -> list[str]:
    """The names of the modules that have a row for each token: the embedding, and the head where it has rows of its own."""
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    shared = head is None or head.weight is embedding.weight
    return [_name_of(model, module) for module in ([embedding] if shared else [embedding, head])]


def _name_of(model: nn.Module, wanted: nn.Module) -> str:
    return next(str(name) for name, module in model.named_modules() if module is wanted)


def _task_type(model: nn.Module) -> str | None:
    return _TASK_TYPES.get(_class_ending(model))


def _class_ending(model: Any) -> str:
    """The part of an auto class's name that says which head it has; empty where it is none of ours."""
    if model.get_output_embeddings() is not None:
        return "ForSeq2SeqLM" if model.config.is_encoder_decoder else "ForCausalLM"
    name = type(model).__name__
    return next((ending for ending in _TASK_TYPES if name.endswith(ending)), "")
