"""Optimizers equal to plain torch steps, and schedules at their corners."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from tunewell.config import TrainingSettings
from tunewell.core.errors import ConfigError
from tunewell.training.optim import build_optimizer, build_schedule, parameter_groups

RATE = 0.05


def settings(**values: Any) -> TrainingSettings:
    return TrainingSettings(**{"learning_rate": RATE, **values})


def named_groups(model: nn.Module, weight_decay: float) -> list[set[str]]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [
        {names[id(parameter)] for parameter in group["params"]}
        for group in parameter_groups(model, weight_decay)
    ]  # type: ignore[attr-defined]


def test_only_matrices_decay(parts: Any) -> None:
    matrices, others = named_groups(parts.tagger(), 0.1)
    assert matrices == {"embedding.weight", "hidden.weight", "head.weight"}
    assert others == {"hidden.bias", "norm.weight", "norm.bias", "head.bias"}
    assert [group["weight_decay"] for group in parameter_groups(parts.tagger(), 0.1)] == [0.1, 0.0]


def test_frozen_parameters_are_left_out(parts: Any) -> None:
    model = parts.tagger()
    model.embedding.weight.requires_grad_(False)
    for parameter in (model.hidden.bias, model.norm.weight, model.norm.bias, model.head.bias):
        parameter.requires_grad_(False)
    assert named_groups(model, 0.1) == [{"hidden.weight", "head.weight"}], "no empty group"


def test_tied_parameters_are_stepped_once() -> None:
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False))
    model[1].weight = model[0].weight
    (group,) = parameter_groups(model, 0.1)
    assert len(group["params"]) == 1  # type: ignore[arg-type]


OPTIMIZERS: dict[str, tuple[dict[str, Any], Any]] = {
    "adamw": ({}, lambda groups: torch.optim.AdamW(groups(0.01), lr=RATE)),
    "adamw with everything": (
        {
            "optimizer": "adamw",
            "weight_decay": 0.2,
            "adam_beta1": 0.0,
            "adam_beta2": 0.9,
            "adam_epsilon": 1e-3,
        },
        lambda groups: torch.optim.AdamW(groups(0.2), lr=RATE, betas=(0.0, 0.9), eps=1e-3),
    ),
    "adam": ({"optimizer": "adam"}, lambda groups: torch.optim.Adam(groups(0.0), lr=RATE)),
    "adam with decay": (
        {"optimizer": "adam", "weight_decay": 0.1},
        lambda groups: torch.optim.Adam(groups(0.1), lr=RATE),
    ),
    "sgd": ({"optimizer": "sgd"}, lambda groups: torch.optim.SGD(groups(0.0), lr=RATE, momentum=0.9)),
    "sgd without momentum": (
        {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.1},
        lambda groups: torch.optim.SGD(groups(0.1), lr=RATE),
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_equal_plain_torch(parts: Any, name: str) -> None:
    """Five steps on the same gradients, against torch's own class with groups written out by hand."""
    values, make = OPTIMIZERS[name]
    ours = parts.tagger(dtype=torch.float64)
    theirs = copy.deepcopy(ours)

    def groups(decay: float) -> list[dict[str, Any]]:
        by_name = dict(theirs.named_parameters())
        decaying = [by_name[name] for name in ("embedding.weight", "hidden.weight", "head.weight")]
        other = [by_name[name] for name in ("hidden.bias", "norm.weight", "norm.bias", "head.bias")]
        return [{"params": decaying, "weight_decay": decay}, {"params": other, "weight_decay": 0.0}]

    pairs = ((ours, build_optimizer(ours, settings(**values))), (theirs, make(groups)))
    batches, compute_loss = parts.batches(), parts.loss()
    for step in range(5):
        (batch,) = batches.at(step)
        for model, optimizer in pairs:
            compute_loss(model, batch).backward()
            optimizer.step()
            optimizer.zero_grad()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer": "adamw", "momentum": 0.9},
        {"optimizer": "sgd", "adam_beta1": 0.9},
        {"warmup_steps": 3, "warmup_fraction": 0.1},
    ],
)
def test_settings_without_effect_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, ValueError)):
        settings(**values)


# Schedules. Step 0 is the first; a factor is what its rate is, as a share of the peak.


def factors(num_steps: int, **values: Any) -> list[float]:
    schedule = build_schedule(settings(**values), num_steps)
    return [schedule(step) for step in range(num_steps)]


def test_linear_rises_over_the_warm_up_and_falls_to_just_above_nothing() -> None:
    assert factors(8, warmup_steps=3) == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1, 4 / 5, 3 / 5, 2 / 5, 1 / 5])


def test_cosine() -> None:
    found = factors(10, schedule="cosine", warmup_steps=2)
    assert found[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert found[6] == pytest.approx(0.5)
    assert found[9] == pytest.approx(0.5 * (1 + math.cos(math.pi * 7 / 8)))


def test_constant() -> None:
    assert factors(5, schedule="constant", warmup_steps=2) == pytest.approx([1 / 3, 2 / 3, 1, 1, 1])


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("warmup_steps", [0, 1, 7])
def test_every_step_learns_and_none_exceeds_the_peak(schedule: str, warmup_steps: int) -> None:
    found = factors(20, schedule=schedule, warmup_steps=warmup_steps)
    assert all(0 < factor <= 1 for factor in found)
    assert found[warmup_steps] == 1, "the first step after the warm-up has the peak rate"
    assert found[:warmup_steps] == sorted(found[:warmup_steps])
    assert found[warmup_steps:] == sorted(found[warmup_steps:], reverse=True)


def test_warm_up_as_a_share_of_the_steps() -> None:
    assert factors(40, warmup_fraction=0.25) == factors(40, warmup_steps=10)
    assert factors(40) == factors(40, warmup_steps=4), "a tenth when nothing is said"
    assert factors(40, warmup_fraction=0.0) == factors(40, warmup_steps=0)


def test_degenerate_lengths() -> None:
    assert factors(1, warmup_steps=0) == [1]
    assert factors(1) == [1]
    assert factors(2, warmup_steps=5) == pytest.approx([1 / 6, 2 / 6]), "a warm-up that never ends"


def theirs(make: Any, warmup_steps: int, num_steps: int, count: int) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, warmup_steps, num_steps)
    found = []
    for _ in range(count):
        found.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return found


MAKERS = {"linear": get_linear_schedule_with_warmup, "cosine": get_cosine_schedule_with_warmup}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("warmup_steps", "num_steps"), [(0, 10), (3, 10), (10, 100), (99, 100)])
def test_equals_transformers_from_the_peak_on(name: str, warmup_steps: int, num_steps: int) -> None:
    """After the warm-up the two are the same step by step. Within it transformers gives `step / warmup`, so
    that its first step has the rate 0 and changes nothing; ours gives `(step + 1) / (warmup + 1)`."""
    ours = factors(num_steps, schedule=name, warmup_steps=warmup_steps)
    reference = theirs(MAKERS[name], warmup_steps, num_steps, num_steps)
    assert ours[warmup_steps:] == pytest.approx(reference[warmup_steps:], abs=1e-12)
    if warmup_steps:
        assert reference[0] == 0
        assert ours[0] > 0


@pytest.mark.parametrize(("warmup_steps", "num_steps"), [(0, 10), (3, 10), (10, 100)])
def test_is_transformers_with_one_step_more_that_is_left_out(warmup_steps: int, num_steps: int) -> None:
    """The documented off-by-one, exactly: one warm-up step more, of which the first, with rate 0, is skipped."""
    reference = theirs(get_linear_schedule_with_warmup, warmup_steps + 1, num_steps + 1, num_steps + 1)
    assert reference[0] == 0
    assert factors(num_steps, warmup_steps=warmup_steps) == pytest.approx(reference[1:], abs=1e-12)
