"""Saves checkpoints in a process that may be killed meanwhile; run through tests/runs/processes.py."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunewell.training.checkpoint import Checkpoints
from tunewell.training.loop import TrainState

BOUNDARIES = (
    "os:fsync",
    "os:open",
    "os:rename",
    "os:replace",
    "os:mkdir",
    "os:unlink",
    "os:rmdir",
    "pathlib:Path.write_text",
    "tunewell.training.checkpoint:save_file",
)
"""Every way in which a save touches the disk."""


def new_parts(optimizer: str = "adamw") -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))
    if optimizer == "sgd":
        return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    kind = torch.optim.AdamW if optimizer == "adamw" else torch.optim.Adam
    return model, kind(model.parameters(), lr=0.01, fused=True)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> None:
    """One step whose gradient hangs on `number` alone."""
    torch.manual_seed(number)
    model(torch.randn(4, 6)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


NUM_STEPS, BEST_STEP = 4, 1


def prepare(folder: Path, again: bool) -> None:
    """Checkpoints of all steps but the last; with `again`, of the last one too, before its evaluation."""
    model, optimizer = new_parts()
    for number in range(1, NUM_STEPS + again):
        step(model, optimizer, number)
        Checkpoints(folder).save(model, optimizer, TrainState(step=number, best_step=BEST_STEP))


def save(folder: str, point: Mapping[str, Any]) -> None:
    """Save the last step into a folder made by `prepare`, with the fault `point`."""
    faults = runpy.run_path(str(Path(__file__).parents[1] / "runs/processes.py"))["faults"]
    model, optimizer = new_parts()
    for number in range(1, NUM_STEPS + 1):
        step(model, optimizer, number)
    state = TrainState(step=NUM_STEPS, last_evaluated_step=NUM_STEPS, best_step=BEST_STEP)
    with faults([point]):
        Checkpoints(Path(folder)).save(model, optimizer, state)
