"""`make bench`: the standard set, one measurement after another, with a word beforehand on how long it takes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import predict, startup, train
from benchmarks.options import say
from benchmarks.processes import end_on_sigterm


@dataclass(frozen=True)
class Entry:
    """One measurement. `minutes` is about what it takes on 2 cores, worked out from its settings."""

    name: str
    command: Callable[[Sequence[str]], int]
    arguments: tuple[str, ...]
    minutes: int


_SHORTER = ("--segment-seconds", "20", "--parity-batch-size", "8", "--warmup-steps", "3")

STANDARD: Sequence[Entry] = (
    Entry("startup", startup.main, ("--model", "minilm", "--data", "sst2_sentences"), 11),
    Entry("train-minilm-sst2_sentences", train.main, ("--model", "minilm", "--data", "sst2_sentences"), 33),
    Entry("train-minilm-ag_news", train.main, ("--model", "minilm", "--data", "ag_news"), 33),
    Entry(
        "predict-minilm-sst2_sentences", predict.main, ("--model", "minilm", "--data", "sst2_sentences"), 11
    ),
    Entry(
        "train-bert-base-random-sst2_sentences",
        train.main,
        ("--model", "bert-base-random", "--data", "sst2_sentences", *_SHORTER),
        48,
    ),
    Entry(
        "train-bert-base-random-ag_news",
        train.main,
        ("--model", "bert-base-random", "--data", "ag_news", *_SHORTER),
        53,
    ),
)
"""In the order in which they run: the quick ones first."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the set; the exit code is the first that is not 0."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.standard", description=__doc__)
    made.add_argument("--only", default="", help="only measurements whose name holds this")
    made.add_argument("--device", default="cpu")
    made.add_argument("--quick", action="store_true", help="a smoke run: everything once, nothing to quote")
    made.add_argument("--list", action="store_true", help="say what would run, and how long, and leave")
    made.add_argument("--out", type=Path, default=Path("runs/benchmarks") / time.strftime("%Y%m%d-%H%M%S"))
    given = made.parse_args(arguments)
    chosen = [entry for entry in STANDARD if given.only in entry.name]
    minutes = (
        "a few minutes each" if given.quick else f"about {sum(entry.minutes for entry in chosen)} minutes"
    )
    say(f"{len(chosen)} measurements, {minutes} on 2 quiet cores; results go to {given.out}")
    for entry in chosen:
        say(f"  {entry.name}" + ("" if given.quick else f": about {entry.minutes} minutes"))
    codes = []
    for entry in chosen if not given.list else ():
        say(entry.name)
        more = ["--quick"] * given.quick + ["--device", given.device, "--out", str(given.out / entry.name)]
        codes.append(entry.command([*entry.arguments, *more]))
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main())
