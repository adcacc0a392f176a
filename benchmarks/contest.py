"""The measurement itself: every contestant against ours, in interleaved pairs, within one run."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import machine, memory
from benchmarks.floor import utilisation
from benchmarks.pairs import NUM_PAIRS, Pair, interleave, kept, median_interval, quartiles, rate
from benchmarks.processes import Child
from benchmarks.recipe import Job, Json
from benchmarks.session import Session

Say = Callable[[str], None]
_PAUSE_SECONDS = 0.3
"""Between segments, until the other's threads have gone to sleep."""


@dataclass(frozen=True)
class Plan:
    """How long to measure. `steps` fixes the steps of a segment; else about `segment_seconds` are taken.

    `product_seconds` is how long the rate of matrix products is looked at, each time.
    """

    num_pairs: int = NUM_PAIRS
    segment_seconds: float = 30.0
    steps: int | None = None
    warmup_steps: int = 5
    min_steps: int = 4
    product_seconds: float = 3.0


class Runner:
    """A contestant in its process, warmed up, with the number of steps of its segments settled."""

    def __init__(self, job: Job, plan: Plan) -> None:
        self.child = Child.training(job)
        try:
            started = time.monotonic()
            self.facts = self.child.answer()
            self.loading_seconds = time.monotonic() - started
            warm = self.child.ask("steps", steps=plan.warmup_steps)
            self.warmup_seconds = warm["seconds"]
            self.steps = plan.steps or self._steps(plan)
        except BaseException:
            self.child.close()
            raise

    def _steps(self, plan: Plan) -> int:
        trial = self.child.ask("steps", steps=plan.min_steps)
        seconds_per_step = float(trial["seconds"]) / plan.min_steps
        return max(plan.min_steps, math.ceil(plan.segment_seconds / seconds_per_step))

    def segment(self) -> Json:
        """A timed stretch of whole steps."""
        time.sleep(_PAUSE_SECONDS)
        return self.child.ask("steps", steps=self.steps)

    def describe(self, plan: Plan) -> Json:
        """What was settled before the first segment, and the memory that its steps take."""
        return {
            "loading_seconds": self.loading_seconds,
            "warmup_steps": plan.warmup_steps,
            "warmup_seconds": self.warmup_seconds,
            "segment_steps": self.steps,
            "facts": {key: value for key, value in self.facts.items() if key not in ("order", "decayed")},
            "memory": memory.peak(self.child, min(self.steps, 20)),
        }

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *details: object) -> None:
        self.child.close()


def contest(session: Session, rivals: Sequence[tuple[str, Job]], plan: Plan, say: Say) -> Json:
    """Measure each rival in pairs with ours; the rate of the model's matrix products before, between and after."""
    rates: list[Json] = []
    comparisons: dict[str, Json] = {}
    with session.gemm() as gemm, Runner(session.contestant("ours", "ours"), plan) as ours:
        gemm.answer()

        def products() -> None:
            rates.append(gemm.ask("measure", seconds=plan.product_seconds))

        products()
        own = {"description": "Tunewell"}
        for name, job in rivals:
            with Runner(job, plan) as runner:
                say(f"{name}: {plan.num_pairs} pairs, segments of {ours.steps} and {runner.steps} steps")
                pairs = interleave(plan.num_pairs, ours.segment, runner.segment)
                comparisons[name] = {
                    **runner.describe(plan),
                    "segments": [pair.to_json() for pair in pairs],
                    "load_average": machine.load(),
                }
                say(f"{name}: ours / {name} = {_ratios(pairs)['examples']['median']:.2f}")
            products()
        own.update(ours.describe(plan))
    return {"ours": own, "comparisons": comparisons, "gemm": rates, "plan": plan.__dict__}


def summarise(result: Json, session: Session) -> Json:
    """The figures of the table, from the raw segments alone."""
    rate_of_products = statistics.median(entry["rate"] for entry in result["gemm"])
    own_segments: list[Json] = []
    rows: list[Json] = []
    for name, comparison in result["comparisons"].items():
        pairs = [
            Pair(entry["order"].startswith("ours"), entry["ours"], entry["theirs"])
            for entry in comparison["segments"]
        ]
        own_segments += [pair.ours for pair in kept(pairs)]
        rows.append(
            {
                "name": name,
                **_rates([pair.theirs for pair in kept(pairs)], session, rate_of_products),
                "memory": comparison["memory"],
                "ratios": _ratios(pairs),
                "memory_ratio": _memory_ratio(result["ours"]["memory"], comparison["memory"]),
            }
        )
    if own_segments:
        rows.insert(
            0,
            {
                "name": "ours",
                **_rates(own_segments, session, rate_of_products),
                "memory": result["ours"]["memory"],
            },
        )
    return {"gemm_rate": rate_of_products, "rows": rows}


def _ratios(pairs: Sequence[Pair]) -> Json:
    return {
        unit: median_interval([pair.ratio(unit) for pair in kept(pairs)]).to_json()
        for unit in ("examples", "tokens")
    }


def _rates(segments: Sequence[Json], session: Session, rate_of_products: float) -> Json:
    values = {
        unit: quartiles([rate(segment, unit) for segment in segments]) for unit in ("examples", "tokens")
    }
    used = [utilisation(session.shape, segment, rate_of_products) for segment in segments]
    return {
        **{
            f"{unit}_per_second": dict(zip(("first", "median", "third"), v, strict=True))
            for unit, v in values.items()
        },
        "utilisation": statistics.median(used),
    }


def _memory_ratio(ours: Json, theirs: Json) -> float:
    key = "peak_bytes" if ours["device_bytes"] is None else "device_bytes"
    return float(ours[key] / theirs[key])
