"""Dropout whose random mask costs a fraction of PyTorch's on a CPU.

`bernoulli_` draws one random number an element; here one 64-bit draw serves four elements, 16 bits each. So
the probability is rounded to a multiple of 1/65536, and the kept values are scaled by that rounded
probability: the expected value is exact. Deterministic under `torch.manual_seed`. On other devices, and in
`eval`, it is PyTorch's own. Not for: dropout inside attention, which `tunewell.models.attention` applies.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_STEPS = 1 << 16


class Mask:
    """Which of `num_elements` elements are dropped, with probability `p`, drawn from the global generator.

    `scale` is what the kept are multiplied by. Takes 2 bytes an element.
    """

    def __init__(self, num_elements: int, p: float) -> None:
        num_dropped_steps = round(p * _STEPS)
        self._threshold = num_dropped_steps - _STEPS // 2
        self.scale = _STEPS / (_STEPS - num_dropped_steps)
        draws = torch.empty((num_elements + 3) // 4, dtype=torch.int64)
        # without a lower bound, random_ leaves the sign bit at zero
        self._bits = draws.random_(-(1 << 63), None).view(torch.int16)

    def kept(self, start: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """0 for the dropped and 1 for the kept of the elements from `start` on."""
        bits = self._bits[start : start + math.prod(shape)].view(shape)
        # straight into floats: a boolean mask in between costs more than all the rest
        return torch.ge(bits, self._threshold, out=torch.empty(shape, dtype=dtype))


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, p: float) -> Tensor:
        mask = Mask(values.numel(), p)
        ctx.mask = mask
        return mask.kept(0, tuple(values.shape), values.dtype).mul_(values).mul_(mask.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        mask: Mask = ctx.mask
        factors = mask.kept(0, tuple(gradient.shape), gradient.dtype)
        return factors.mul_(gradient).mul_(mask.scale), None


class CheapDropout(nn.Dropout):
    """`nn.Dropout` with the cheap mask, for training on a CPU."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop and scale in training, nothing in `eval`."""
        if not self.training or not is_cheap(self.p, input.device):
            return super().forward(input)
        return _Drop.apply(input, self.p)  # type: ignore[no-any-return, no-untyped-call]


def is_cheap(p: float, device: torch.device) -> bool:
    """Whether the cheap mask applies: on a CPU, for a probability that rounds to neither 0 nor 1."""
    return device.type == "cpu" and 0 < round(p * _STEPS) < _STEPS


Replaced = list[tuple[str, nn.Module]]
"""Full name and original of each replaced leaf, for `restore`. Holds no other module, so no model, alive."""


def replace_dropout(model: nn.Module) -> Replaced:
    """Put a `CheapDropout` in the place of every plain `nn.Dropout` of this model."""
    replaced: Replaced = []
    for name, leaf in list(model.named_modules(remove_duplicate=False)):
        if type(leaf) is nn.Dropout and name:
            cheap = CheapDropout(leaf.p, leaf.inplace)
            cheap.train(leaf.training)
            model.set_submodule(name, cheap)
            replaced.append((name, leaf))
    return replaced


def restore(model: nn.Module, replaced: Replaced) -> None:
    """Put the original leaves back."""
    for name, original in replaced:
        original.train(model.get_submodule(name).training)
        model.set_submodule(name, original)
