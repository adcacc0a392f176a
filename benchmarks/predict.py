"""`python -m benchmarks.predict`: prediction against transformers' `pipeline`, as it comes and best-tuned."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import memory, plot
from benchmarks.data import UnusableError
from benchmarks.options import out_folder, parser, say, wish, write
from benchmarks.pairs import Pair, interleave, kept, median_interval, quartiles, rate
from benchmarks.predictors import Answers, Pipe
from benchmarks.processes import Child, ChildError, end_on_sigterm, thread_environment
from benchmarks.recipe import Json
from benchmarks.session import Session, opened
from benchmarks.table import machine_lines, memory_text, ratio_text, table
from tunewell.core.errors import TunewellError

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-2}
"""Of every label's probability. The pipeline computes wholly in bfloat16 where ours autocasts."""

BATCH_SIZES = (1, 4, 8, 16, 32, 64, 128)
"""The tuned pipeline has the best of these, sorted by length or not."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; the exit code is 1 when the answers differ and 2 for what cannot be measured."""
    made = parser("predict", __doc__ or "")
    made.add_argument("--texts", type=int, default=872, help="texts of the validation file to answer")
    given = made.parse_args(arguments)
    if given.quick:
        given.pairs, given.texts = 2, min(given.texts, 64)
    wanted = wish(given)
    wanted = type(wanted)(**{**wanted.__dict__, "num_validation": given.texts, "num_rows": given.rows or 320})
    try:
        with opened(wanted) as session:
            result = measure(given, session)
    except (UnusableError, ChildError, TunewellError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    same = all(not found["problems"] for found in result["parity"].values())
    drawing = None
    if same:
        about = result["session"]
        rows = [(row["name"], row["ratio"]) for row in result["rows"] if "ratio" in row]
        drawing = plot.ratios(f"Predicting {about['model']} on {about['data']}, {about['device']}", rows)
    write(out_folder(given, "predict"), "predict", result, markdown(result), drawing)
    return 0 if same else 1


def start(session: Session, pipe: Pipe | None, place: str) -> Child:
    """A process that predicts: Tunewell's without a `pipe`. Its first answer is to be read."""
    job = session.job("ours", None, place)
    Path(job.scratch).mkdir(parents=True, exist_ok=True)
    values = {"train": job.to_json(), "pipe": pipe.to_json() if pipe else None}
    return Child("predict", values, Path(job.scratch) / "log", thread_environment(job.threads))


def measure(given: argparse.Namespace, session: Session) -> Json:
    """Sweep the pipeline's settings, compare the answers, then pairs with the default and with the best."""
    half = session.recipe.bfloat16
    sizes = BATCH_SIZES if not given.quick else (1, 16)
    swept = sweep(session, [Pipe(size, order, half) for size in sizes for order in (False, True)])
    best = Pipe(**min(swept, key=lambda found: float(found["seconds"]))["pipe"])
    rivals = {"pipeline, default": Pipe(), "pipeline, best-tuned": best}
    result: Json = {
        "session": session.describe(),
        "sweep": swept,
        "pipes": {name: pipe.to_json() for name, pipe in rivals.items()},
        "num_texts": len(session.rows.validation),
        "num_pairs": given.pairs,
        "parity": {},
        "segments": {},
        "rows": [],
    }
    with start(session, None, "ours") as ours:
        ours.answer()
        answers = ours.ask("pass", tell=True)["answers"]
        own: list[Json] = []
        compared: list[Json] = []
        for name, pipe in rivals.items():
            with start(session, pipe, name.replace(", ", "-")) as child:
                child.answer()
                theirs = child.ask("pass", tell=True)["answers"]
                result["parity"][name] = agreement(answers, theirs, pipe.bfloat16 or half)
                if result["parity"][name]["problems"]:
                    continue
                say(f"{name}: {given.pairs} pairs")
                pairs = interleave(given.pairs, partial(ours.ask, "pass"), partial(child.ask, "pass"))
                result["segments"][name] = [pair.to_json() for pair in pairs]
                compared.append(row(name, [pair.theirs for pair in kept(pairs)], peak(child), pairs))
                own += [pair.ours for pair in kept(pairs)]
        if own:
            result["rows"] = [row("ours", own, peak(ours), None), *compared]
    return result


def sweep(session: Session, pipes: Sequence[Pipe]) -> list[Json]:
    """Two passes of each setting, the better one counts."""
    found = []
    for number, pipe in enumerate(pipes):
        with start(session, pipe, f"sweep-{number}") as child:
            child.answer()
            seconds = min(float(child.ask("pass")["seconds"]) for _ in range(2))
        say(
            f"pipeline with batch size {pipe.batch_size}{', sorted' * pipe.sorted_by_length}: {seconds:.2f} s"
        )
        found.append({"pipe": pipe.to_json(), "seconds": seconds})
    return found


def agreement(ours: Answers, theirs: Answers, half: bool) -> Json:
    """Whether the chosen labels are equal and the probabilities of each label as near as they must be.

    Another label may be chosen only in a tie: where our probabilities of the two lie within the tolerance of each
    other. What is not a number agrees with nothing.
    """
    tolerance = TOLERANCE["bfloat16" if half else "float32"]
    largest, num_labels, num_ties, num_sets = 0.0, 0, 0, 0
    for (label, own), (other, their) in zip(ours, theirs, strict=True):
        if not {label, other} <= own.keys() == their.keys():
            num_sets += 1
            continue
        for name in own:
            distance = abs(own[name] - their[name])
            largest = math.inf if math.isnan(distance) else max(largest, distance)
        if label != other:
            tied = abs(own[label] - own[other]) <= tolerance
            num_ties, num_labels = num_ties + tied, num_labels + (not tied)
    problems = []
    if num_sets:
        problems.append(f"{num_sets} of {len(ours)} answers are over other labels")
    if num_labels:
        problems.append(f"{num_labels} of {len(ours)} labels differ")
    if not largest <= tolerance:
        problems.append(f"a probability differs by {largest:.1e}; allowed: {tolerance:.0e}")
    return {
        "largest_difference": largest,
        "num_ties": num_ties,
        "tolerance": tolerance,
        "problems": problems,
    }


def peak(child: Child) -> Json:
    """Peak memory since the process began, and on an accelerator in one more pass."""
    child.ask("memory")
    child.ask("pass")
    return {**memory.high_water(child), "device_bytes": child.ask("memory")["device_bytes"]}


def row(name: str, segments: Sequence[Json], taken: Json, pairs: Sequence[Pair] | None) -> Json:
    """The table's figures of one contestant."""
    first, median, third = quartiles([rate(segment, "examples") for segment in segments])
    made: Json = {"name": name, "first": first, "median": median, "third": third, "memory": taken}
    if pairs is not None:
        made["ratio"] = median_interval([pair.ratio("examples") for pair in kept(pairs)]).to_json()
    return made


def markdown(result: Json) -> str:
    """The page, from the JSON alone."""
    about = result["session"]
    parts = [
        f"# Prediction speed: {about['model']} on {about['data']}, {about['device']}",
        machine_lines(about),
        "\n".join(_agreement_line(name, found) for name, found in result["parity"].items()),
    ]
    if result["rows"]:
        rows = [
            ["contestant", "texts/s (quartiles)", "ours is faster by (interval)", "peak memory"],
            ["---"] * 4,
        ]
        for entry in result["rows"]:
            rates = f"{entry['median']:.1f} ({entry['first']:.1f} to {entry['third']:.1f})"
            ratio = ratio_text(entry["ratio"]) if "ratio" in entry else ""
            rows.append([entry["name"], rates, ratio, memory_text(entry["memory"])])
        parts.append(table(rows))
        parts.append(_legend(result))
    return "\n\n".join(parts) + "\n"


def _agreement_line(name: str, found: Mapping[str, object]) -> str:
    problems = found["problems"]
    if problems:
        assert isinstance(problems, list)
        return f"- {name}: **refused: {'; '.join(problems)}**"
    ties = f" but for {found['num_ties']} ties" if found["num_ties"] else ""
    return f"- {name}: the same labels{ties}; largest difference of a probability {found['largest_difference']:.1e}"


def _legend(result: Json) -> str:
    best = result["pipes"]["pipeline, best-tuned"]
    order = "sorted by length" if best["sorted_by_length"] else "in the given order"
    return (
        f"{result['num_texts']} texts, tokenising included; medians of {result['num_pairs']} interleaved pairs, the "
        f"first thrown away. Best-tuned: batch size {best['batch_size']}, {order} (best of {len(result['sweep'])} tried)."
    )


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main())
