"""Is the metric not worse? Whole short runs on paired seeds, each contestant with its own order and dropout."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.processes import Child
from benchmarks.recipe import Json
from benchmarks.session import Session


def compare(session: Session, names: Sequence[str], num_seeds: int, num_epochs: int = 1) -> Json:
    """Train `ours` and `names` on each seed (of head, order and dropout) and score the validation rows."""
    num_steps = num_epochs * (len(session.rows.train) // session.recipe.batch_size)
    scores: dict[str, list[float]] = {name: [] for name in ("ours", *names)}
    for seed in range(1, num_seeds + 1):
        start = session.start_with(seed)
        for name in scores:
            job = session.contestant(name, f"seed-{seed}-{name}", num_steps)
            job = job.changed(start=str(start), recipe=replace(session.recipe, seed=seed), spread=False)
            with Child.training(job) as child:
                child.answer()
                child.ask("finish")
                scores[name].append(float(child.ask("evaluate")["score"]))
    return {
        "num_rows": len(session.rows.train),
        "num_epochs": num_epochs,
        "scores": scores,
        "differences": {name: difference(scores["ours"], scores[name]) for name in names},
    }


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Json:
    """The mean paired difference with its 95% interval by Student's t; no interval from a single seed."""
    from scipy.stats import t

    pairs = [a - b for a, b in zip(ours, theirs, strict=True)]
    mean, count = statistics.fmean(pairs), len(pairs)
    if count < 2:
        return {"mean": mean, "low": None, "high": None, "count": count}
    half = float(t.ppf(0.975, count - 1)) * statistics.stdev(pairs) / math.sqrt(count)
    return {"mean": mean, "low": mean - half, "high": mean + half, "count": count}
