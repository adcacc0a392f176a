"""The loop. One for all tasks, and for any `nn.Module`.

A generator and not callbacks: the order of things is the order of the lines, and whoever calls it decides in
an ordinary `for` what to log and what to save. It knows no task, no file and no console.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from tunewell.core.errors import NumericError
from tunewell.runtime import Runtime


class Targets(Protocol):
    """All that the loop asks of a batch."""

    @property
    def num_targets(self) -> float:
        """What the summed loss is divided by."""

    @property
    def example_ids(self) -> tuple[str, ...]:
        """Named when a number is not finite."""

    def to(self, device: torch.device) -> Any:
        """The same batch on `device`."""


class Batches(Protocol):
    """The micro-batches of each optimizer step."""

    def at(self, step: int) -> Sequence[Targets]:
        """Those of `step`, counted from 0; the same whenever they are asked for."""


Schedule = Callable[[int], float]
"""From the step, counted from 0, to the factor on the peak learning rate."""


@dataclass(frozen=True)
class LoopSettings:
    """When to evaluate, when to stop, where to clip. Numbers are optimizer steps."""

    num_steps: int
    evaluate_every: int
    seed: int = 0
    max_grad_norm: float | None = None
    patience: int | None = None

    def evaluation_due(self, step: int) -> bool:
        """After every `evaluate_every` steps, and at the end."""
        return step > 0 and (step % self.evaluate_every == 0 or step == self.num_steps)


@dataclass
class TrainState:
    """Where training stands: all that a resumed run needs beside weights and optimizer state."""

    step: int = 0
    last_evaluated_step: int = 0
    best_step: int = 0
    best_score: float | None = None
    evaluations_since_best: int = 0


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found: `score` (higher is better) decides, `values` are for the record."""

    score: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepDone:
    """One optimizer step. `loss` (mean over targets) and `grad_norm` are scalars, left on their device."""

    step: int
    loss: Tensor
    grad_norm: Tensor
    learning_rate: float
    num_targets: float


@dataclass(frozen=True)
class EvalDone:
    """One evaluation, after `step` steps."""

    step: int
    evaluation: Evaluation
    is_best: bool


def train(
    model: nn.Module,
    compute_loss: Callable[[nn.Module, Any], Tensor],
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    *,
    settings: LoopSettings,
    runtime: Runtime,
    state: TrainState,
    evaluate: Callable[[], Evaluation | None],
) -> Iterator[StepDone | EvalDone]:
    """Train until done, yielding after each optimizer step and after each evaluation.

    `compute_loss(model, batch)` gives the *sum* of the loss over the batch's targets. `evaluate` gives None
    when a stop was asked for meanwhile. Returns early, at a step boundary and with the unfinished step
    dropped, when `runtime.stop` is set. Raises `NumericError` before a step that is not finite is taken.
    """
    peak_rates = [group["lr"] for group in optimizer.param_groups]
    while True:
        if settings.evaluation_due(state.step) and state.last_evaluated_step < state.step:
            evaluation = evaluate()
            if evaluation is None:
                return
            is_best = record(state, evaluation)
            yield EvalDone(state.step, evaluation, is_best)
        worn_out = settings.patience is not None and state.evaluations_since_best >= settings.patience
        if state.step >= settings.num_steps or worn_out:
            return

        model.train()
        micro_batches = batches.at(state.step)
        num_targets = runtime.total(sum(batch.num_targets for batch in micro_batches))
        losses = []
        for micro_step, batch in enumerate(micro_batches):
            if runtime.stop:
                optimizer.zero_grad(set_to_none=True)
                return
            runtime.seed(settings.seed, state.step, micro_step)
            with runtime.autocast():
                loss = compute_loss(model, batch.to(runtime.device)) / num_targets
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())

        factor = schedule(state.step)
        for group, peak in zip(optimizer.param_groups, peak_rates, strict=True):
            group["lr"] = peak * factor
        limit = float("inf") if settings.max_grad_norm is None else settings.max_grad_norm
        grad_norm = nn.utils.clip_grad_norm_(model.parameters(), limit)
        mean_loss = torch.stack(losses).sum()
        if not torch.isfinite(mean_loss + grad_norm):  # an infinite loss can have a finite gradient
            raise _not_finite(state.step, micro_batches, losses)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        state.step += 1
        yield StepDone(state.step, mean_loss, grad_norm, optimizer.param_groups[0]["lr"], num_targets)


def record(state: TrainState, evaluation: Evaluation) -> bool:
    """Enter an evaluation into `state`; whether it is the best so far (the earlier one on a tie)."""
    state.last_evaluated_step = state.step
    best, score = state.best_score, evaluation.score
    is_best = best is None or score > best or (math.isnan(best) and not math.isnan(score))
    if is_best:
        state.best_step, state.best_score, state.evaluations_since_best = state.step, score, 0
    else:
        state.evaluations_since_best += 1
    return is_best


def _not_finite(step: int, batches: Sequence[Targets], losses: Sequence[Tensor]) -> NumericError:
    guilty = [batch for batch, loss in zip(batches, losses, strict=True) if not torch.isfinite(loss)]
    what = "loss" if guilty else "gradient"
    ids = [example_id for batch in guilty or batches for example_id in batch.example_ids]
    return NumericError(
        f"the {what} is not finite in step {step + 1}; the step was not taken",
        where=f"examples {', '.join(ids[:20])}" + (" ..." if len(ids) > 20 else "") if ids else None,
        fix="lower training.learning_rate, or look at these examples; the last checkpoint is intact",
    )


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
        if isinstance(self.inputs, Mapping):
            return Pair(
                {name: value.to(device) for name, value in self.inputs.items()}, self.labels.to(device)
            )
        return Pair(self.inputs.to(device), self.labels.to(device))


class PairBatches:
    """Any re-iterable of `(inputs, labels)`, a `DataLoader` for instance, as one micro-batch a step.

    Iterated from its start again whenever it ends; a resumed run passes over the steps that are done. A
    `DataLoader` that shuffles needs a `generator` with a seed of its own for the same order in every run.
    """

    def __init__(self, pairs: Iterable[tuple[Any, Tensor]]) -> None:
        self._pairs = pairs
        self._iterator = iter(pairs)
        self._next_step = 0

    def at(self, step: int) -> list[Pair]:
        """The next pair; steps are asked for in order."""
        if step < self._next_step:
            raise ValueError(f"step {step} has gone by; the iterable is at step {self._next_step}")
        while True:
            inputs, labels = self._take()
            self._next_step += 1
            if self._next_step > step:
                return [Pair(inputs, labels)]

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
