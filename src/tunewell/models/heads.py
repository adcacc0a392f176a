"""A regression head in the unit of its targets.

A head that must print prices would need huge weights, and gradient descent takes small steps. Here the last
linear layer is trained in standard units and seen from outside in the user's: `weight = scale * original`
and `bias = mean + scale * original`. `plain` folds both into an ordinary layer before the model is saved.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class _Affine(nn.Module):
    """`original -> shift + scale * original`."""

    def __init__(self, shift: float, scale: float) -> None:
        super().__init__()
        self.shift, self.scale = shift, scale

    def forward(self, original: Tensor) -> Tensor:
        return self.shift + self.scale * original


def scale_output(model: nn.Module, mean: float, deviation: float) -> None:
    """Let a new head answer around `mean` with spread `deviation`, both in the targets' unit."""
    layer = output_layer(model)
    if layer.bias is None:  # GPT-2 and Llama classifiers: the features must carry the mean as well
        scale = math.hypot(mean, deviation)
    else:
        scale = deviation
        parametrize.register_parametrization(layer, "bias", _Affine(mean, scale), unsafe=True)
        with torch.no_grad():
            layer.parametrizations["bias"].original.zero_()  # type: ignore[index, union-attr]
    parametrize.register_parametrization(layer, "weight", _Affine(0.0, scale), unsafe=True)


def plain(model: nn.Module) -> None:
    """Fold every parametrised layer into an ordinary one that gives the same outputs.

    Not by `remove_parametrizations`: torch 2.13 takes the properties off the layer's class, which a copy of
    the layer (peft keeps one of the head) shares. And the layers are asked for their own parts, because
    peft's wrapper around a head answers for what is inside as well.
    """
    layers = [module for module in model.modules() if "parametrizations" in module._modules]
    for layer in layers:
        folded = {
            name: nn.Parameter(getattr(layer, name).detach(), bool(parts.original.requires_grad))
            for name, parts in layer.parametrizations.items()  # type: ignore[union-attr, operator]
        }
        del layer.parametrizations
        layer.__class__ = type(layer).__bases__[0]
        for name, parameter in folded.items():
            layer.register_parameter(name, parameter)


def output_layer(model: nn.Module) -> nn.Linear:
    """The last linear layer outside the backbone, which gives the logits."""
    backbone = {id(module) for module in model.base_model.modules()}  # type: ignore[union-attr]
    outside = [
        module for module in model.modules() if isinstance(module, nn.Linear) and id(module) not in backbone
    ]
    return outside[-1]
