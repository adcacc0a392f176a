"""The textbook's door to the loop: any `nn.Module`, a loss function, and an iterable of `(inputs, labels)`.

Not for: the tasks of this package, whose batches come from `tunewell.data.batches`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Pair:
    """A batch of the textbook kind: inputs and labels, any tensors (or mappings of tensors)."""

    inputs: Any
    labels: Tensor
    example_ids: tuple[str, ...] = ()

    @property
    def num_targets(self) -> float:
        """One target a label."""
        return float(self.labels.numel())

    def to(self, device: torch.device) -> Pair:
        """Inputs and labels on `device`."""
        return Pair(_each(self.inputs, lambda tensor: tensor.to(device)), self.labels.to(device))

    def split(self, num_halvings: int) -> list[Pair]:
        """The same rows (the first axis of every tensor) in pieces that are halved `num_halvings` times.

        Whole where there is nothing to halve, or where the tensors do not agree on the number of rows.
        """
        tensors = self.inputs.values() if isinstance(self.inputs, Mapping) else [self.inputs]
        if not num_halvings or self.labels.ndim == 0:
            return [self]
        if any(tensor.ndim == 0 or len(tensor) != len(self.labels) for tensor in tensors):
            return [self]
        size = max(1, math.ceil(len(self.labels) / 2**num_halvings))
        starts = range(0, len(self.labels), size)
        return [
            Pair(
                _each(self.inputs, lambda tensor, start=start: tensor[start : start + size]),  # type: ignore[misc]
                self.labels[start : start + size],
            )
            for start in starts
        ]


class PairBatches:
    """Any re-iterable of `(inputs, labels)`, a `DataLoader` for instance, as one micro-batch a step.

    Iterated from its start again whenever it ends; a resumed run passes over the steps that are done. A
    `DataLoader` that shuffles needs a `generator` with a seed of its own for the same order in every run.

    `splittable` allows a pair to be computed in halves when memory is short. It is for losses that are a sum, or
    a plain mean over the labels, and for tensors whose first axis counts rows: a mean with class weights or with
    `ignore_index` divides each half by a number of its own.
    """

    def __init__(self, pairs: Iterable[tuple[Any, Tensor]], splittable: bool = False) -> None:
        self._pairs = pairs
        self._splittable = splittable
        self._iterator = iter(pairs)
        self._num_taken = 0
        self._current: Pair | None = None

    def at(self, step: int, num_halvings: int = 0) -> list[Pair]:
        """The pair of `step`, the same one as long as it is asked for; steps are asked for in order."""
        if step < self._num_taken - 1:
            raise ValueError(f"step {step} has gone by; the iterable is at step {self._num_taken}")
        while self._current is None or self._num_taken <= step:
            self._current = Pair(*self._take())
            self._num_taken += 1
        return self._current.split(num_halvings if self._splittable else 0)

    def _take(self) -> tuple[Any, Tensor]:
        pair = next(self._iterator, None)
        if pair is None:
            self._iterator = iter(self._pairs)
            pair = next(self._iterator, None)
        if pair is None:
            raise ValueError(
                "no pair is left; give a list or a DataLoader that is not empty, not a generator"
            )
        return pair


def from_loss_fn(
    loss_fn: Callable[[Tensor, Tensor], Tensor], reduction: str = "mean"
) -> Callable[[nn.Module, Pair], Tensor]:
    """A textbook `loss_fn(outputs, labels)` as the summed loss that `train` wants.

    `reduction` says what `loss_fn` returns: the `mean` over labels, as PyTorch's losses do, or the `sum`.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', not {reduction!r}")

    def compute_loss(model: nn.Module, pair: Pair) -> Tensor:
        outputs = model(**pair.inputs) if isinstance(pair.inputs, Mapping) else model(pair.inputs)
        loss = loss_fn(getattr(outputs, "logits", outputs), pair.labels)
        return loss * pair.num_targets if reduction == "mean" else loss

    return compute_loss


def _each(inputs: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """`change` done to a tensor, or to every value of a mapping."""
    if isinstance(inputs, Mapping):
        return {name: change(value) for name, value in inputs.items()}
    return change(inputs)
