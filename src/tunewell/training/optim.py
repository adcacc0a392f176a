"""Parameter groups, optimizers and schedules.

A schedule is a pure function of the step, so nothing of it is ever saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from tunewell.config import TrainingSettings
from tunewell.training.loop import Schedule

WARMUP_FRACTION = 0.1
_WEIGHT_DECAY = {"adamw": 0.01, "adam": 0.0, "sgd": 0.0}


def build_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimizer of `settings` over the parameters that learn; `learning_rate` must be decided."""
    assert settings.learning_rate is not None
    decay = settings.weight_decay
    groups = parameter_groups(model, _WEIGHT_DECAY[settings.optimizer] if decay is None else decay)
    if settings.optimizer == "sgd":
        momentum = 0.9 if settings.momentum is None else settings.momentum
        return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=momentum)
    betas = (
        0.9 if settings.adam_beta1 is None else settings.adam_beta1,
        0.999 if settings.adam_beta2 is None else settings.adam_beta2,
    )
    epsilon = settings.adam_epsilon or 1e-8
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=settings.learning_rate, betas=betas, eps=epsilon, fused=True)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices, which decay, and everything else (biases, norms), which does not."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in learning if parameter.ndim >= 2]
    others = [parameter for parameter in learning if parameter.ndim < 2]
    groups: list[dict[str, object]] = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def build_schedule(settings: TrainingSettings, num_steps: int) -> Schedule:
    """The factor on the peak rate: a linear rise over the warm-up, then the fall that `settings` name."""
    if settings.warmup_steps is not None:
        warmup = settings.warmup_steps
    else:
        fraction = WARMUP_FRACTION if settings.warmup_fraction is None else settings.warmup_fraction
        warmup = round(fraction * num_steps)
    fall: dict[str, Callable[[float], float]] = {
        "linear": lambda progress: 1 - progress,
        "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
        "constant": lambda progress: 1.0,
    }
    shape = fall[settings.schedule]

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return shape((step - warmup) / max(num_steps - warmup, 1))

    return factor
