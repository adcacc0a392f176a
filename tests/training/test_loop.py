"""The order of things in the loop: evaluation, patience, the best step, and that evaluation disturbs nothing."""

from __future__ import annotations

import ast
import copy
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tunewell.runtime import Runtime
from tunewell.training import loop
from tunewell.training.loop import EvalDone, Evaluation, LoopSettings, StepDone, TrainState, train

LINES_OF_THE_LOOP = 70
"""`train` fits on one screen, its signature and docstring included."""

LINES_OF_THE_FILE = 216


def order(events: list[Any]) -> list[str]:
    """`s1 s2 e2 ...`: steps and evaluations as they came."""
    return [f"{'s' if isinstance(event, StepDone) else 'e'}{event.step}" for event in events]


def test_evaluates_when_due_and_at_the_end(training: Any) -> None:
    events = training(num_steps=7, evaluate_every=3).run()
    assert order(events) == ["s1", "s2", "s3", "e3", "s4", "s5", "s6", "e6", "s7", "e7"]


def test_evaluates_once_when_the_end_is_due_anyway(training: Any) -> None:
    assert order(training(num_steps=4, evaluate_every=2).run()) == ["s1", "s2", "e2", "s3", "s4", "e4"]


def test_evaluates_at_the_end_when_it_never_falls_due_before(training: Any) -> None:
    assert order(training(num_steps=2, evaluate_every=50).run()) == ["s1", "s2", "e2"]


@pytest.mark.parametrize("num_events", range(11))
def test_left_anywhere_and_entered_again_nothing_is_skipped_or_done_twice(
    training: Any, num_events: int
) -> None:
    """Also right after a step and before its evaluation, and right after both."""
    run = training(num_steps=7, evaluate_every=3)
    events = run.events()
    first = [next(events) for _ in range(num_events)]
    events.close()
    saved, weights = copy.deepcopy(run.state), run.weights()

    resumed = training(num_steps=7, evaluate_every=3)
    resumed.model.load_state_dict(weights)
    resumed.optimizer.load_state_dict(run.optimizer.state_dict())
    resumed.state = saved
    resumed.scores = run.scores
    assert order(first + resumed.run()) == order(training(num_steps=7, evaluate_every=3).run())

    whole = training(num_steps=7, evaluate_every=3)
    whole.run()
    assert all(torch.equal(whole.weights()[name], tensor) for name, tensor in resumed.weights().items())
    assert resumed.state == whole.state


def test_a_finished_training_does_nothing_more(training: Any) -> None:
    run = training()
    run.run()
    weights = run.weights()
    assert run.run() == []
    assert all(torch.equal(weights[name], tensor) for name, tensor in run.weights().items())


def test_the_caller_sees_the_step_before_its_evaluation_begins(training: Any) -> None:
    """So that a checkpoint can be saved between the two."""
    run = training(num_steps=3, evaluate_every=3)
    asked = []
    run.evaluate = lambda: asked.append(run.state.step) or Evaluation(1.0)
    for event in run.events():
        if isinstance(event, StepDone):
            assert asked == []
            assert run.state.last_evaluated_step == 0
    assert asked == [3]


def test_best_step_and_ties(training: Any) -> None:
    """The earlier of two equal scores is the best; `evaluations_since_best` counts from it."""
    run = training(num_steps=5, evaluate_every=1)
    run.scores = iter([0.5, 0.7, 0.7, 0.6, 0.7])
    best = [event.is_best for event in run.run() if isinstance(event, EvalDone)]
    assert best == [True, True, False, False, False]
    assert run.state == TrainState(
        step=5, last_evaluated_step=5, best_step=2, best_score=0.7, evaluations_since_best=3
    )


def test_a_score_that_is_not_a_number_never_bars_a_better_one(training: Any) -> None:
    run = training(num_steps=4, evaluate_every=1)
    run.scores = iter([float("nan"), 0.1, float("nan"), 0.2])
    best = [event.is_best for event in run.run() if isinstance(event, EvalDone)]
    assert best == [True, True, False, True]
    assert (run.state.best_step, run.state.best_score) == (4, 0.2)


def test_patience_stops_and_stays_stopped(training: Any) -> None:
    run = training(num_steps=50, evaluate_every=2, patience=2)
    run.scores = iter([0.5, 0.6, 0.6, 0.1, 0.9])
    assert order(run.run())[-2:] == ["s8", "e8"]
    assert run.state.best_step == 4
    assert run.run() == [], "resumed, it must not go on either"


def test_patience_starts_again_with_every_better_score(training: Any) -> None:
    run = training(num_steps=10, evaluate_every=1, patience=2)
    run.scores = iter([0.1, 0.0, 0.2, 0.1, 0.3, 0.3, 0.3, 0.9])
    assert order(run.run())[-1] == "e7"


def test_the_schedule_scales_every_group_and_is_reported(training: Any) -> None:
    run = training(num_steps=4, evaluate_every=4)
    first, *others = run.model.parameters()
    run.optimizer = torch.optim.SGD([{"params": [first], "lr": 0.2}, {"params": others, "lr": 0.4}])
    run.schedule = lambda step: (step + 1) / 4
    seen = []
    for event in run.events():
        if isinstance(event, StepDone):
            rates = [group["lr"] for group in run.optimizer.param_groups]
            seen.append((event.learning_rate, rates))
    assert seen == [(0.2 * n / 4, [0.2 * n / 4, 0.4 * n / 4]) for n in (1, 2, 3, 4)]


def test_clips_to_the_norm_and_reports_what_it_was(training: Any) -> None:
    def move(limit: float | None) -> tuple[float, float]:
        run = training(num_steps=1, evaluate_every=9, max_grad_norm=limit)
        run.optimizer = torch.optim.SGD(run.model.parameters(), lr=1.0)
        before = nn.utils.parameters_to_vector(run.model.parameters()).detach()
        (event, _) = run.run()
        after = nn.utils.parameters_to_vector(run.model.parameters()).detach()
        return float(event.grad_norm), float((after - before).norm())

    norm, moved = move(None)
    assert moved == pytest.approx(norm, rel=1e-5)
    assert move(norm / 3) == pytest.approx((norm, norm / 3), rel=1e-4)


def test_randomness_hangs_on_nothing_but_the_position(training: Any) -> None:
    """Dropout of a step is the same whatever was drawn before, and differs between steps and micro-steps."""
    states = []
    for noise in (0, 1, 17):
        run = training(dropout=0.5, micro_batch_size=4, num_steps=2)
        compute_loss, seen = run.compute_loss, []

        def spy(model: nn.Module, batch: Any, compute: Any = compute_loss, seen: Any = seen) -> Any:
            seen.append(torch.get_rng_state())
            return compute(model, batch)

        run.compute_loss = spy
        torch.manual_seed(noise)
        torch.rand(noise)
        for event in run.events():
            torch.rand(noise + event.step)
        states.append(seen)
    assert len(states[0]) == 4
    assert all(
        torch.equal(one, other) for seen in states[1:] for one, other in zip(states[0], seen, strict=True)
    )
    distinct = {state.numpy().tobytes() for state in states[0]}
    assert len(distinct) == 4


def test_seed_and_rank_change_the_randomness() -> None:
    def draw(seed: int, rank: int) -> list[float]:
        Runtime(rank=rank).seed(seed, 3, 1)
        return torch.rand(4).tolist()

    assert draw(1, 0) == draw(1, 0)
    assert len({tuple(draw(seed, rank)) for seed in (1, 2, 2**32 - 1) for rank in (0, 1)}) == 6


def test_evaluation_changes_no_bit_of_training(training: Any) -> None:
    """Neither its random numbers, nor the mode it leaves the model in, nor how often it is done."""

    def disturb(run: Any) -> Evaluation:
        run.model.eval()
        torch.rand(1000)
        with torch.inference_mode():
            run.compute_loss(run.model, run.batches.at(0)[0])
        return Evaluation(next(run.scores))

    def weights(evaluate_every: int) -> dict[str, torch.Tensor]:
        run = training(dropout=0.3, micro_batch_size=4, evaluate_every=evaluate_every)
        run.evaluate = lambda: disturb(run)
        run.run()
        return run.weights()

    often, once = weights(1), weights(1000)
    assert all(torch.equal(often[name], once[name]) for name in once)


def test_trains_in_training_mode_even_when_handed_a_model_in_eval_mode(training: Any) -> None:
    run = training(dropout=0.3)
    run.model.eval()
    modes = []
    compute_loss = run.compute_loss
    run.compute_loss = lambda model, batch: modes.append(model.training) or compute_loss(model, batch)
    run.run()
    assert set(modes) == {True}


def test_gradients_left_over_from_elsewhere_do_not_count(training: Any) -> None:
    """A step zeroes after itself; each one starts from nothing, however the last one ended."""
    run = training()
    for event in run.events():
        assert isinstance(event, EvalDone) or all(p.grad is None for p in run.model.parameters())


def test_the_loop_knows_no_task_no_file_and_no_console() -> None:
    source = Path(inspect.getsourcefile(loop) or "").read_text(encoding="utf-8")
    tree = ast.parse(source)
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    standard = {"__future__", "collections.abc", "dataclasses", "math", "typing"}
    assert imported <= standard | {"torch", "tunewell.core.errors", "tunewell.runtime"}
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "__import__", "exec", "eval"}


def test_the_loop_fits_on_one_screen() -> None:
    assert len(inspect.getsource(train).splitlines()) <= LINES_OF_THE_LOOP
    assert len(inspect.getsource(loop).splitlines()) <= LINES_OF_THE_FILE


@pytest.mark.parametrize(
    ("step", "due"), [(0, False), (1, False), (2, True), (3, False), (4, True), (5, True), (6, True)]
)
def test_evaluation_due(step: int, due: bool) -> None:
    assert LoopSettings(num_steps=5, evaluate_every=2).evaluation_due(step) is due
