"""Ways to leave the loop early: a stop that is asked for, and numbers that are not finite."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from tunewell.core.errors import NumericError
from tunewell.training.loop import EvalDone, StepDone


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{n} {name}": value.clone() for n, entry in state.items() for name, value in entry.items()}


@pytest.mark.parametrize("micro_step", range(4))
def test_stop_inside_accumulation_drops_the_unfinished_step(training: Any, micro_step: int) -> None:
    """Asked for in step 3 of micro-batches 0 to 3: what is left is the boundary after step 2 (or, after
    the last micro-batch, after step 3), and going on from there ends in the same bits."""
    run = training(micro_batch_size=2, dropout=0.2)
    compute_loss = run.compute_loss
    calls = 0

    def interrupted(model: nn.Module, batch: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 2 * 4 + micro_step + 1:
            run.runtime.stop.signal = signal.SIGTERM
        return compute_loss(model, batch)

    run.compute_loss = interrupted
    events = run.run()
    boundary = 2 if micro_step < 3 else 3
    assert calls == 2 * 4 + micro_step + 1, "polled before every micro-batch: not one more was begun"
    assert [event.step for event in events if isinstance(event, StepDone)] == list(range(1, boundary + 1))
    assert run.state.step == boundary
    assert all(parameter.grad is None for parameter in run.model.parameters())

    reference = training(micro_batch_size=2, dropout=0.2)
    going = reference.events()
    while reference.state.step < boundary:
        next(going)
    assert same(run.weights(), reference.weights())
    assert same(optimizer_state(run.optimizer), optimizer_state(reference.optimizer))

    run.runtime.stop.signal = None
    run.run()
    list(going)
    assert same(run.weights(), reference.weights())
    assert same(optimizer_state(run.optimizer), optimizer_state(reference.optimizer))
    assert run.state == reference.state


def test_stop_before_the_first_step(training: Any) -> None:
    run = training()
    run.runtime.stop.signal = signal.SIGINT
    before = run.weights()
    assert run.run() == []
    assert same(before, run.weights())
    assert run.state.step == 0


def test_stop_during_an_evaluation_leaves_it_due(training: Any) -> None:
    run = training(num_steps=2, evaluate_every=2)
    evaluate, run.evaluate = run.evaluate, lambda: None
    assert [event.step for event in run.run()] == [1, 2]
    assert (run.state.step, run.state.last_evaluated_step) == (2, 0)
    run.evaluate = evaluate
    (event,) = run.run()
    assert isinstance(event, EvalDone)
    assert event.step == 2


NOT_FINITE = (float("nan"), float("inf"), float("-inf"))


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("micro_step", [0, 3])
def test_loss_that_is_not_finite_is_refused_before_the_step(
    training: Any, value: float, micro_step: int
) -> None:
    run = training(micro_batch_size=2)
    compute_loss = run.compute_loss
    calls = 0

    def poisoned(model: nn.Module, batch: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        bad = calls == 2 * 4 + micro_step + 1
        return compute_loss(model, batch) * (value if bad else 1.0)

    run.compute_loss = poisoned
    events = run.events()
    next(events), next(events)
    weights, state = run.weights(), optimizer_state(run.optimizer)
    with pytest.raises(NumericError) as caught:
        next(events)
    guilty = run.batches.at(2)[micro_step].example_ids
    innocent = {name for batch in run.batches.at(2) for name in batch.example_ids} - set(guilty)
    assert caught.value.exit_code == 6
    assert "loss" in caught.value.what
    assert "step 3" in caught.value.what
    named = set((caught.value.where or "").removeprefix("examples ").split(", "))
    assert named == set(guilty)
    assert not named & innocent
    assert same(weights, run.weights())
    assert same(state, optimizer_state(run.optimizer))
    assert run.state.step == 2


def test_infinite_loss_with_a_finite_gradient_is_refused(training: Any) -> None:
    """A target whose logit is masked out: the loss is infinite, its gradient is not."""
    run = training()
    compute_loss = run.compute_loss
    run.compute_loss = lambda model, batch: compute_loss(model, batch) + float("inf")
    before = run.weights()
    with pytest.raises(NumericError, match="the loss is not finite in step 1"):
        run.run()
    assert same(before, run.weights())


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("max_grad_norm", [None, 1.0])
def test_gradient_that_is_not_finite_is_refused_before_the_step(
    training: Any, value: float, max_grad_norm: float | None
) -> None:
    run = training(max_grad_norm=max_grad_norm)
    run.model.head.weight.register_hook(lambda gradient: gradient * value)
    before = run.weights()
    with pytest.raises(NumericError) as caught:
        run.run()
    assert "gradient" in caught.value.what
    assert "step 1" in caught.value.what
    named = (caught.value.where or "").removeprefix("examples ").split(", ")
    assert set(named) == {name for batch in run.batches.at(0) for name in batch.example_ids}
    assert same(before, run.weights())
    assert optimizer_state(run.optimizer) == {}


def test_a_batch_without_any_target_takes_no_step_into_nan(training: Any, parts: Any) -> None:
    """Nothing to learn from is said like any other loss that is no number."""
    run = training()
    empty = [replace(feature, target=[-100] * len(feature)) for feature in parts.features()]
    run.batches = type(run.batches)(empty, parts.collate(), 8, 8, seed=1)
    before = run.weights()
    with pytest.raises(NumericError):
        run.run()
    assert same(before, run.weights())
