"""Keep the lower part of a backbone as it is."""

from __future__ import annotations

from torch import nn

from tunewell.core.errors import ConfigError


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
