"""`python -m benchmarks.sweep`: what is the best that the Hugging Face Trainer can do here? That becomes H2.

First every change on its own against the starting point, in interleaved pairs; then the changes that helped
together, and the best of both is H2. Changes of the recipe are measured and shown, and never chosen. The line to add
to `setups.TUNED` is printed. A change that cannot run here stands in the table with its error.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.contest import Plan, Runner
from benchmarks.data import UnusableError
from benchmarks.options import out_folder, parser, say, wish, write
from benchmarks.pairs import interleave, kept, median_interval
from benchmarks.processes import ChildError, end_on_sigterm
from benchmarks.recipe import Json
from benchmarks.session import Session, opened
from benchmarks.setups import UNTUNED, Setup
from benchmarks.table import machine_lines, ratio_text, table
from tunewell.core.errors import TunewellError

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "random order": {"group_by_length": False},
    "rows in a datasets.Dataset": {"arrow": True},
    "AdamW without fusing": {"optimizer": "adamw_torch"},
    "pad to a multiple of 8": {"pad_to_multiple_of": 8},
    "pad to a multiple of 16": {"pad_to_multiple_of": 16},
    "batch in 2 parts": {"splits": 2},
    "batch in 4 parts": {"splits": 4},
    "1 loader process": {"workers": 1, "persistent_workers": True},
    "2 loader processes": {"workers": 2, "persistent_workers": True},
    "pinned memory": {"pin_memory": True},
    "eager attention": {"attention": "eager"},
    "torch.compile": {"compiled": True},
    "denormal numbers as zero": {"flush_denormal": True},
    "threads bound to cores": {"environment": {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"}},
    "threads that wait actively": {"environment": {"OMP_WAIT_POLICY": "ACTIVE"}},
    "memory kept by malloc": {
        "environment": {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}
    },
}
"""What leaves the recipe as it is."""

RECIPE_CHANGES: Mapping[str, Mapping[str, Any]] = {"bfloat16 autocast": {"bfloat16": True}}
"""What does not; for the record only."""

_QUICK = ("random order", "pad to a multiple of 8")
_GAIN = 1.01
"""The median ratio from which on a change counts as a gain, if its interval lies above 1 too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; the exit code is 2 for what cannot be measured."""
    made = parser("sweep", "The best-tuned HF Trainer on this machine.")
    made.set_defaults(pairs=5)  # four remain, two of each order
    made.add_argument("--segment-seconds", type=float, default=12.0)
    made.add_argument("--steps", type=int, help="steps of a segment, instead of a time")
    made.add_argument("--changes", help="only these, with commas between them; all when absent")
    given = made.parse_args(arguments)
    chosen = [name.strip() for name in given.changes.split(",")] if given.changes else None
    if given.quick:
        given.pairs, given.steps, chosen = 2, given.steps or 1, chosen or list(_QUICK)
    unknown = [name for name in chosen or () if name not in {**CHANGES, **RECIPE_CHANGES}]
    if unknown:
        print(
            f"error: no change {unknown[0]!r}: there are {', '.join([*CHANGES, *RECIPE_CHANGES])}",
            file=sys.stderr,
        )
        return 2
    try:
        with opened(wish(given)) as session:
            result = sweep(given, session, chosen)
    except (UnusableError, ChildError, TunewellError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write(out_folder(given, "sweep"), "sweep", result, markdown(result))
    return 0


def sweep(given: argparse.Namespace, session: Session, chosen: Sequence[str] | None) -> Json:
    """Each change against the starting point, then the gains together."""
    base = UNTUNED if not session.recipe.bfloat16 else UNTUNED.changed(pin_memory=True)
    plan = Plan(given.pairs, given.segment_seconds, given.steps, warmup_steps=1 if given.quick else 5)
    rows: list[Json] = []
    with Runner(session.job("base", base, "base"), plan) as start:

        def against(name: str, setup: Setup, recipe_changed: bool = False) -> Json:
            row = _measured(session, start, name, setup, plan)
            row |= {"recipe_changed": recipe_changed, "setup": setup.differences(base)}
            rows.append(row)
            return row

        for name, change in {**CHANGES, **RECIPE_CHANGES}.items():
            if (chosen is None or name in chosen) and not _idle(change, base, session):
                against(name, base.changed(**change), recipe_changed=name in RECIPE_CHANGES)
        gains = [row for row in rows if _is_gain(row)]
        together = base
        for row in sorted(
            gains, key=lambda row: float(row["ratio"]["median"])
        ):  # the largest gain has the last word
            together = _joined(together, CHANGES[row["name"]])
        if len(gains) > 1:
            against("all gains together", together)
    candidates = [row for row in rows if _is_gain(row)]
    best = max(candidates, key=lambda row: float(row["ratio"]["median"]), default=None)
    return {
        "session": session.describe(),
        "base": base.__dict__,
        "plan": plan.__dict__,
        "rows": rows,
        "best": best["name"] if best else "the starting point",
        "winner": best["setup"] if best else {},
        "line": _line(session, base.changed(**best["setup"]) if best else base),
    }


def _joined(setup: Setup, change: Mapping[str, Any]) -> Setup:
    """`setup` with a change on top; environments add up."""
    environment = {**setup.environment, **change.get("environment", {})}
    return setup.changed(**{**change, "environment": environment})


def _idle(change: Mapping[str, Any], base: Setup, session: Session) -> bool:
    """Whether a change changes nothing here."""
    device = session.wish.device
    if device == "cpu" and "pin_memory" in change:
        return True  # there is nothing to pin for
    if device != "cpu" and ("bfloat16" in change or "flush_denormal" in change):
        return True
    return base.changed(**change) == base


def _measured(session: Session, start: Runner, name: str, setup: Setup, plan: Plan) -> Json:
    say(f"{name}: {plan.num_pairs} pairs")
    place = "sweep-" + "".join(letter if letter.isalnum() else "-" for letter in name)
    try:
        with Runner(session.job(name, setup, place), plan) as runner:
            pairs = interleave(plan.num_pairs, runner.segment, start.segment)
            ratio = median_interval([pair.ratio("examples") for pair in kept(pairs)])
            return {
                "name": name,
                "ratio": ratio.to_json(),
                "warmup_seconds": runner.warmup_seconds,
                "segments": [pair.to_json() for pair in pairs],
            }
    except ChildError as error:
        return {"name": name, "error": str(error).strip().splitlines()[-1][:200]}


def _is_gain(row: Json) -> bool:
    if "ratio" not in row or row["recipe_changed"]:
        return False
    return bool(row["ratio"]["median"] >= _GAIN and row["ratio"]["low"] > 1)


def _line(session: Session, setup: Setup) -> str:
    changed = ", ".join(f"{key}={value!r}" for key, value in setup.differences(Setup()).items())
    about = (
        session.wish.model,
        session.rows.name,
        session.wish.device.split(":")[0],
        time.strftime("%Y-%m-%d"),
    )
    return f"Tuned({', '.join(map(repr, about))}, Setup({changed})),"


def markdown(result: Json) -> str:
    """The page, from the JSON alone."""
    about = result["session"]
    rows = [["change", "times as fast as the starting point", "first steps", "remark"], ["---"] * 4]
    for row in result["rows"]:
        remark = "changes the recipe" if row["recipe_changed"] else ""
        if "error" in row:
            rows.append([row["name"], "", "", f"cannot run here: {row['error']}"])
        else:
            rows.append([row["name"], ratio_text(row["ratio"]), f"{row['warmup_seconds']:.1f} s", remark])
    return (
        "\n\n".join(
            [
                f"# The best-tuned HF Trainer: {about['model']} on {about['data']}, {about['device']}",
                machine_lines(about),
                table(rows),
                f"Starting point: length grouping, fused AdamW, SDPA, no logging, rows in a list. {result['plan']['num_pairs']} "
                f"interleaved pairs, the first thrown away. Best: **{result['best']}**. For `benchmarks/setups.py`:",
                f"```python\n{result['line']}\n```",
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main())
