"""Keep the lower part of a backbone as it is, and count what learns.

Not for: adapters beside frozen layers (`tunewell.models.adapters`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from tunewell.core.errors import ConfigError


@dataclass(frozen=True)
class Learning:
    """How many of a model's parameters gradient descent moves."""

    num_learning: int
    num_parameters: int

    def __str__(self) -> str:
        share = self.num_learning / self.num_parameters
        return f"{_count(self.num_learning)} of {_count(self.num_parameters)} parameters ({share:.2%})"


def learning(model: nn.Module) -> Learning:
    """Counted once each; what peft keeps of a head as it was before training is no part of the model."""
    counted = [parameter for name, parameter in model.named_parameters() if ".original_module." not in name]
    moved = sum(parameter.numel() for parameter in counted if parameter.requires_grad)
    return Learning(moved, sum(parameter.numel() for parameter in counted))


def _count(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,}"


def freeze_lowest(model: nn.Module, num_layers: int) -> None:
    """Freeze the embeddings and the lowest `num_layers` layers; 0 freezes nothing.

    Raises `ConfigError` when the model has fewer layers.
    """
    if not num_layers:
        return
    backbone: nn.Module = model.base_model  # type: ignore[assignment]
    layers = layer_list(backbone)
    if num_layers > len(layers):
        raise ConfigError(
            f"model.freeze_layers: {num_layers} is more than the model's {len(layers)} layers",
            fix=f"choose a number from 0 to {len(layers)}",
        )
    kept = {id(parameter) for layer in layers[num_layers:] for parameter in layer.parameters()}
    in_layers = {id(parameter) for layer in layers for parameter in layer.parameters()}
    for name, parameter in backbone.named_parameters():  # a final norm or a pooler goes on learning
        if id(parameter) in in_layers:
            parameter.requires_grad_(id(parameter) in kept)
        elif isinstance(_owner(backbone, name), nn.Embedding) or "embed" in name:
            parameter.requires_grad_(False)


def layer_list(backbone: nn.Module) -> nn.ModuleList:
    """The backbone's stack of layers: its longest list of modules of one class."""
    stacks = [
        module
        for module in backbone.modules()
        if isinstance(module, nn.ModuleList) and len({type(layer) for layer in module}) == 1
    ]
    if not stacks:
        raise ConfigError("model.freeze_layers: this model has no stack of layers that could be frozen")
    return max(stacks, key=len)


def _owner(model: nn.Module, parameter_name: str) -> nn.Module:
    return model.get_submodule(parameter_name.rpartition(".")[0])
