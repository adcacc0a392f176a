"""The loop. One for all tasks, and for any `nn.Module`.

A generator and not callbacks: the order of things is the order of the lines, and whoever calls it decides in
an ordinary `for` what to log and what to save. It knows no task, no file and no console.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from tunewell.core.errors import NumericError, ResourceError
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

    def at(self, step: int, num_halvings: int = 0) -> Sequence[Targets]:
        """Those of `step`, counted from 0, their size halved `num_halvings` times; the same at every call."""


_MOST_HALVINGS = 40
"""More than any micro-batch can be halved."""

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
    """Where training stands: all that a resumed run needs beside weights and optimizer state.

    `num_halvings` counts how often memory was short and the micro-batches were halved.
    """

    step: int = 0
    last_evaluated_step: int = 0
    best_step: int = 0
    best_score: float | None = None
    evaluations_since_best: int = 0
    num_halvings: int = 0


@dataclass(frozen=True)
class Evaluation:
    """`score` (higher is better; minus a loss) decides, `values` are for the record; `metric` names the one behind it."""

    score: float
    values: Mapping[str, float] = field(default_factory=dict)
    metric: str = ""


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
    dropped, when `runtime.stop` is set. A step that memory is too short for begins again in micro-batches of
    half the size, and so do those after it. Raises `NumericError` before a step that is not finite is taken,
    `ResourceError` when the smallest micro-batch does not fit.
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
        micro_batches = batches.at(state.step, state.num_halvings)
        num_targets = runtime.total(sum(batch.num_targets for batch in micro_batches))
        losses: list[Tensor] = []
        with runtime.short_of_memory() as shortage:
            for micro_step, batch in enumerate(micro_batches):
                if runtime.stop:
                    optimizer.zero_grad(set_to_none=True)
                    return
                runtime.seed(settings.seed, state.step, micro_step)
                with runtime.autocast():
                    loss = compute_loss(model, batch.to(runtime.device)) / num_targets
                loss.backward()  # type: ignore[no-untyped-call]
                losses.append(loss.detach())
        if shortage:
            loss = torch.empty(0)  # lets go of what the failed one holds
            optimizer.zero_grad(set_to_none=True)
            runtime.release()
            state.num_halvings = _halved(batches, state, micro_batches[len(losses)])
            continue

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


def _halved(batches: Batches, state: TrainState, too_large: Targets) -> int:
    """How often to halve so that the step falls into more micro-batches than before."""
    before = len(batches.at(state.step, state.num_halvings))
    tries = 0 if len(too_large.example_ids) == 1 else _MOST_HALVINGS
    for num_halvings in range(state.num_halvings + 1, state.num_halvings + tries):
        if len(batches.at(state.step, num_halvings)) > before:
            return num_halvings
    raise ResourceError(
        f"memory is too short for step {state.step + 1}, in the smallest micro-batch",
        where=_named(too_large.example_ids),
        fix="free memory, shorten the texts, or choose a smaller model; what was saved is intact",
    )


def _named(example_ids: Sequence[str]) -> str | None:
    more = " ..." if len(example_ids) > 20 else ""
    return f"examples {', '.join(example_ids[:20])}{more}" if example_ids else None


def _not_finite(step: int, batches: Sequence[Targets], losses: Sequence[Tensor]) -> NumericError:
    guilty = [batch for batch, loss in zip(batches, losses, strict=True) if not torch.isfinite(loss)]
    what = "loss" if guilty else "gradient"
    ids = [example_id for batch in guilty or batches for example_id in batch.example_ids]
    return NumericError(
        f"the {what} is not finite in step {step + 1}; the step was not taken",
        where=_named(ids),
        fix="lower training.learning_rate, or look at these examples; the last checkpoint is intact",
    )
