"""The contestants: ways to set the Hugging Face Trainer up, and which of them is the best-tuned one.

What all have in common (rate, decay, batch, clipping) is in `recipe`. Here is only what costs or saves time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Setup:
    """One Trainer, by what differs from another.

    `max_length_padding` pads every row to the recipe's maximum when it is tokenised, as run_glue does; else a batch
    is padded to its longest row, rounded up to `pad_to_multiple_of`. `arrow` keeps the rows in a `datasets.Dataset`,
    as the documentation does, instead of a list. `splits` cuts a batch into that many forward passes. `defaults`
    leaves logging and progress bar as the Trainer has them. `environment` is that of the process.
    """

    max_length_padding: bool = False
    group_by_length: bool = False
    arrow: bool = False
    defaults: bool = False
    optimizer: str = "adamw_torch_fused"
    attention: str = "sdpa"
    pad_to_multiple_of: int | None = None
    splits: int = 1
    workers: int = 0
    persistent_workers: bool = False
    pin_memory: bool = False
    compiled: bool = False
    bfloat16: bool = False
    flush_denormal: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def changed(self, **values: Any) -> Setup:
        """The same setup with some of it changed."""
        return replace(self, **values)

    def differences(self, other: Setup) -> dict[str, Any]:
        """What this setup has that `other` has otherwise."""
        theirs = asdict(other)
        return {key: value for key, value in asdict(self).items() if value != theirs[key]}


H0 = Setup(max_length_padding=True, arrow=True, defaults=True, pin_memory=True)
"""run_glue's documented arguments, all else as the Trainer has it."""

H1 = Setup(arrow=True, defaults=True, pin_memory=True)
"""The same with dynamic padding (`DataCollatorWithPadding`)."""

UNTUNED = Setup(group_by_length=True)
"""Where the search for H2 begins: length grouping, fused AdamW, no logging, rows in memory."""


@dataclass(frozen=True)
class Tuned:
    """What a sweep found best: H2 of one model and data set on one kind of device."""

    model: str
    data: str
    device: str
    date: str
    setup: Setup


TUNED: tuple[Tuned, ...] = (
    Tuned(
        "minilm",
        "sst2_sentences",
        "cpu",
        "2026-11-23",
        Setup(group_by_length=True, environment={"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"}),
    ),
)
"""One line for each `python -m benchmarks.sweep`, which prints it; the newest last."""


def best_tuned(model: str, data: str, device: str) -> tuple[Setup, str]:
    """H2 for a measurement, and where it comes from: its own sweep, else the same model's, else none."""
    for same_data in (True, False):
        for found in reversed(TUNED):
            if found.model == model and found.device == device and (found.data == data or not same_data):
                return found.setup, f"sweep of {found.date} on {found.model}, {found.data}, {found.device}"
    return UNTUNED, "not swept for this model and device: length grouping, fused AdamW, no logging"


def contestant(name: str, model: str, data: str, device: str) -> tuple[Setup | None, str]:
    """The Trainer's setup of a contestant, None for ours, and a sentence that says what it is."""
    if name == "H2":
        setup, origin = best_tuned(model, data, device)
        return setup, f"best-tuned HF Trainer ({origin})"
    if name not in CONTESTANTS:
        raise ValueError(f"no contestant {name!r}; there are {', '.join([*CONTESTANTS, 'H2'])}")
    return CONTESTANTS[name]


CONTESTANTS: Mapping[str, tuple[Setup | None, str]] = {
    "ours": (None, "Tunewell"),
    "AA": (None, "Tunewell once more, in a process of its own: what the measurement itself adds"),
    "H0": (H0, "HF Trainer with run_glue's documented arguments: padded to the maximum length"),
    "H1": (H1, "HF Trainer with dynamic padding, defaults otherwise"),
}
"""All but H2, which depends on model, data and device."""
