"""`python -m benchmarks.train`: training speed, memory and, if wanted, quality against the Hugging Face Trainer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from benchmarks import parity, plot, quality
from benchmarks.contest import Plan, contest, summarise
from benchmarks.data import UnusableError
from benchmarks.options import names, out_folder, parser, say, wish, write
from benchmarks.pairs import NUM_PAIRS
from benchmarks.processes import ChildError, end_on_sigterm
from benchmarks.recipe import Json
from benchmarks.session import Session, opened
from benchmarks.setups import contestant
from benchmarks.table import markdown
from benchmarks.tasks import TASKS
from tunewell.core.errors import TunewellError

GATE_STEPS = 50


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked as far as it goes without data."""
    made = parser("train", __doc__ or "")
    made.add_argument("--contestants", default="ours,H0,H1,H2", help="ours, H0, H1, H2, AA (ours once more)")
    made.add_argument("--segment-seconds", type=float, default=30.0, help="about how long a segment takes")
    made.add_argument("--steps", type=int, help="steps of a segment, instead of a time")
    made.add_argument("--warmup-steps", type=int, default=5, help="steps that are thrown away first")
    made.add_argument("--parity-steps", type=int, default=GATE_STEPS)
    made.add_argument(
        "--parity-batch-size", type=int, help="rows of a step of the gate; as in training when absent"
    )
    made.add_argument("--metric-seeds", type=int, default=0, help="also train to the end on so many seeds")
    made.add_argument("--metric-rows", type=int, default=3200, help="training rows of these runs")
    made.add_argument("--metric-contestants", default="H2", help="who trains to the end beside ours")
    given = made.parse_args(arguments)
    if given.quick:
        given.pairs, given.steps, given.warmup_steps = min(given.pairs, 2), given.steps or 2, 1
        given.parity_steps, given.parity_batch_size = min(given.parity_steps, 5), 8
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; the exit code is 1 for a red gate and 2 for what cannot be measured at all."""
    given = options(arguments)
    try:
        with opened(wish(given)) as session:
            result = measure(given, session)
        if given.metric_seeds and result["parity"]["green"]:
            result["quality"] = measure_quality(given)
    except (UnusableError, ChildError, TunewellError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    drawing = None
    if "summary" in result:
        about = result["session"]
        rows = [
            (row["name"], row["ratios"]["examples"]) for row in result["summary"]["rows"] if "ratios" in row
        ]
        drawing = plot.ratios(f"Training {about['model']} on {about['data']}, {about['device']}", rows)
    write(out_folder(given, "train"), "train", result, markdown(result), drawing)
    return 0 if result["parity"]["green"] else 1


def measure(given: argparse.Namespace, session: Session) -> Json:
    """The gate, and when it is green the contest."""
    rivals = [name for name in names(given.contestants) if name != "ours"]
    device = session.wish.device.split(":")[0]
    described = {name: contestant(name, session.wish.model, session.rows.name, device) for name in rivals}
    result: Json = {
        "session": session.describe(),
        "metric": TASKS[session.wish.task].metric,
        "contestants": {
            name: {"description": text, "setup": setup.__dict__ if setup else None}
            for name, (setup, text) in described.items()
        },
    }
    batch_size = given.parity_batch_size or session.recipe.batch_size
    say(f"parity gate: {given.parity_steps} steps of {batch_size} rows for ours, {', '.join(rivals)}")
    gate = parity.gate(parity.jobs(session, rivals, given.parity_steps, batch_size))
    result["parity"] = gate.to_json()
    if not gate.green:
        return result
    plan = Plan(given.pairs, given.segment_seconds, given.steps, given.warmup_steps)
    if given.pairs < NUM_PAIRS:  # a smoke run
        plan = replace(plan, product_seconds=0.3)
    jobs = [(name, session.contestant(name, name)) for name in rivals]
    result |= contest(session, jobs, plan, say)
    result["summary"] = summarise(result, session)
    return result


def measure_quality(given: argparse.Namespace) -> Json:
    """Whole runs on fewer rows, of ours and of those that were asked for."""
    fewer = argparse.Namespace(**{**vars(given), "rows": given.metric_rows if not given.quick else 64})
    rivals = names(given.metric_contestants)
    say(f"metric: {given.metric_seeds} seeds of ours, {', '.join(rivals)} on {fewer.rows} rows")
    with opened(wish(fewer)) as session:
        return quality.compare(session, rivals, given.metric_seeds)


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main())
