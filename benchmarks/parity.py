"""The gate before any speed: do all contestants compute the same thing?

All read one fixed list of batches with dropout off, and every step's loss must agree. A few steps cannot show how much
decays, so what each side's real optimizer holds is compared too, exactly, and so are the token ids of every row and the
names of the parameters that decay. Whoever fails stands in no table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from benchmarks import models
from benchmarks.processes import Child
from benchmarks.recipe import Job, Json
from benchmarks.session import Session

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-3}
"""Largest difference of a step's loss, relative to the other's."""


EXACT: Mapping[str, str] = MappingProxyType(
    {
        "weight_decay": "weight decay",
        "learning_rate": "first learning rate",
        "betas": "betas",
        "epsilon": "epsilon",
        "max_grad_norm": "largest gradient norm",
        "num_parameters": "number of parameters",
        "num_learning": "number of parameters that learn",
        "threads": "number of threads",
    }
)
"""Facts that must be equal in all, and what they are called."""


@dataclass(frozen=True)
class Verdict:
    """What the gate found of one contestant, compared with ours."""

    name: str
    largest_difference: float
    at_step: int
    problems: tuple[str, ...]
    losses: Sequence[float]


@dataclass(frozen=True)
class Gate:
    """The gate's result; `ours` are our losses."""

    tolerance: float
    num_steps: int
    batch_size: int
    ours: Sequence[float]
    verdicts: Sequence[Verdict] = field(default_factory=tuple)

    @property
    def green(self) -> bool:
        """Whether everyone computes the same."""
        return not any(verdict.problems for verdict in self.verdicts)

    def to_json(self) -> Json:
        """Everything, the losses included."""
        return {
            "green": self.green,
            "tolerance": self.tolerance,
            "num_steps": self.num_steps,
            "batch_size": self.batch_size,
            "losses": {"ours": list(self.ours), **{v.name: list(v.losses) for v in self.verdicts}},
            "contestants": {
                v.name: {
                    "largest_difference": v.largest_difference,
                    "at_step": v.at_step,
                    "problems": list(v.problems),
                }
                for v in self.verdicts
            },
        }


def jobs(session: Session, names: Sequence[str], num_steps: int, batch_size: int) -> dict[str, Job]:
    """The contestants' jobs for the gate: no dropout, a whole schedule of `num_steps`, every loss told.

    bfloat16 of a setup stays: it changes the recipe, and the gate shall say so.
    """
    start = models.without_dropout(session.start, session.folder / "start-without-dropout")
    recipe = replace(session.recipe, batch_size=batch_size)
    return {
        name: session.contestant(name, f"parity-{name}", num_steps).changed(
            start=str(start), recipe=recipe, report_losses=True
        )
        for name in ("ours", *names)
    }


def gate(work: Mapping[str, Job]) -> Gate:
    """Let `ours` and then everyone else take the same steps, and compare."""
    own = work["ours"]
    facts, losses = _run(own)
    tolerance = TOLERANCE["bfloat16" if own.recipe.bfloat16 else "float32"]
    verdicts = []
    for name, job in work.items():
        if name != "ours":
            theirs, their_losses = _run(job.changed(order=facts["order"]))
            verdicts.append(_verdict(name, facts, theirs, losses, their_losses, tolerance))
    return Gate(tolerance, own.num_steps, own.recipe.batch_size, losses, verdicts)


def _run(job: Job) -> tuple[Json, list[float]]:
    with Child.training(job) as child:
        facts = child.answer()
        return facts, child.ask("finish")["losses"]


def _verdict(
    name: str,
    facts: Json,
    theirs: Json,
    losses: Sequence[float],
    their_losses: Sequence[float],
    tolerance: float,
) -> Verdict:
    problems = []
    if facts["rows_hash"] != theirs["rows_hash"]:
        problems.append("other token ids or labels")
    if facts["decayed"] != theirs["decayed"]:
        differing = sorted(set(facts["decayed"]) ^ set(theirs["decayed"]))
        problems.append(f"other parameters decay: {', '.join(differing[:5])}")
    problems += [
        f"{words}: {theirs[key]} instead of {facts[key]}"
        for key, words in EXACT.items()
        if facts[key] != theirs[key]
    ]
    if len(losses) != len(their_losses):
        problems.append(f"{len(their_losses)} losses instead of {len(losses)}")
    differences = [relative(a, b) for a, b in zip(losses, their_losses, strict=False)] or [math.inf]
    largest = max(differences)
    if not largest <= tolerance:
        problems.append(f"the loss differs by {largest:.1e}, relatively; allowed: {tolerance:.0e}")
    return Verdict(name, largest, differences.index(largest) + 1, tuple(problems), their_losses)


def relative(ours: float, theirs: float) -> float:
    """The difference in parts of theirs; infinite where one is not a number."""
    found = abs(ours - theirs) / max(abs(theirs), 1e-12)
    return math.inf if math.isnan(found) else found
