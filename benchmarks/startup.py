"""`python -m benchmarks.startup`: the other clock, from a cold shell to an answer.

`tunewell --help` and a config error; from the shell to the first optimizer step and to the written result, against a
script with the Trainer that does the same. Tunewell's run also scores baselines, resamples intervals and writes its
report. "Cold" means a new process; files are in the system's cache after the first pair, which is thrown away.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import data, machine, models
from benchmarks.data import UnusableError
from benchmarks.options import out_folder, parser, say, write
from benchmarks.pairs import Spread, interleave, kept, median_interval, quartiles
from benchmarks.processes import ROOT, end_on_sigterm, thread_environment
from benchmarks.recipe import Json, Recipe
from benchmarks.session import FOLDER_PREFIX
from benchmarks.table import ratio_text, table
from tunewell.core.errors import TunewellError
from tunewell.runtime import physical_cores

_TUNEWELL = [sys.executable, "-c", "from tunewell.cli import main; main()"]
"""What the installed command runs, with the Python that measures."""

_HEAVY = ("torch", "transformers", "datasets", "sklearn", "scipy", "pandas")
_FIRST_STEP_POLL_SECONDS = 0.005


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; the exit code is 2 for what cannot be measured."""
    made = parser("startup", "Start-up times, from a cold shell.")
    given = made.parse_args(arguments)
    if given.quick:
        given.pairs = min(given.pairs, 2)
    rows = given.rows or (320 if given.quick else 640)
    threads = given.threads or physical_cores()
    os.environ.update(thread_environment(threads))
    try:
        model = models.find(given.model)
        with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as scratch:
            folder = Path(scratch)
            data.prepare(
                given.data,
                given.task,
                folder / "rows",
                batch_size=Recipe.batch_size,
                num_rows=rows,
                num_validation=160,
            )
            result = measure(given, model, folder, threads)
    except (UnusableError, TunewellError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    result |= {"num_rows": rows, "threads": threads, "model": Path(given.model).name, "data": given.data}
    write(out_folder(given, "startup"), "startup", result, markdown(result))
    return 0


def measure(given: argparse.Namespace, model: Path, folder: Path, threads: int) -> Json:
    """Times of short commands, and of whole runs in pairs."""
    short: Json = {}
    wrong = ["train", str(folder / "rows/train.jsonl"), "--set", "training.learning_rat=1"]
    for name, words, code in (("tunewell --help", ["--help"], 0), ("a config error", wrong, 2)):
        say(f"{name}: {given.pairs + 1} times")
        short[name] = {
            "seconds": [_command_seconds(words, code) for _ in range(given.pairs + 1)],
            "heavy_modules": _heavy_modules(words),
        }
    number = iter(range(10**6))

    def ours() -> Json:
        return _run_ours(model, folder, folder / f"ours-{next(number)}", given.device, threads)

    def theirs() -> Json:
        return _run_theirs(model, folder, folder / f"hf-{next(number)}", given.device)

    say(f"whole runs: {given.pairs} pairs")
    pairs = interleave(given.pairs, ours, theirs)
    return {
        "machine": machine.describe(given.device),
        "short": short,
        "num_pairs": given.pairs,
        "runs": [pair.to_json() for pair in pairs],
        "summary": {
            key: {
                "ours": quartiles([pair.ours[key] for pair in kept(pairs)]),
                "theirs": quartiles([pair.theirs[key] for pair in kept(pairs)]),
                "ratio": _ratio([(pair.ours[key], pair.theirs[key]) for pair in kept(pairs)]).to_json(),
            }
            for key in ("first_step_seconds", "whole_seconds")
        },
    }


def _ratio(times: Sequence[tuple[float, float]]) -> Spread:
    return median_interval([ours / theirs for ours, theirs in times])


def _command_seconds(words: Sequence[str], code: int) -> float:
    started = time.perf_counter()
    done = subprocess.run([*_TUNEWELL, *words], capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode != code:
        raise UnusableError(
            f"tunewell {' '.join(words)} ended with {done.returncode}: {done.stderr.decode()}"
        )
    return seconds


def _heavy_modules(words: Sequence[str]) -> list[str]:
    """Which of the slow imports a command makes."""
    program = (
        "import json, sys\nfrom tunewell.cli import run\nrun(json.loads(sys.argv[1]))\n"
        "print('heavy', json.dumps([name for name in json.loads(sys.argv[2]) if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(list(words)), json.dumps(_HEAVY)],
        capture_output=True,
        check=True,
        text=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1].removeprefix("heavy "))
    return found


def _run_ours(model: Path, folder: Path, output: Path, device: str, threads: int) -> Json:
    rows = folder / "rows"
    words = ["train", str(rows / "train.jsonl"), "--validation", str(rows / "validation.jsonl")]
    words += ["--test", str(rows / "validation.jsonl"), "--model", str(model), "--output", str(output)]
    words += ["--epochs", "1", "--device", device, "--set", "training.log_every_steps=1"]
    words += ["--set", f"training.threads={threads}", "--set", "task.max_length_tokens=128"]
    words += ["--set", "training.learning_rate=2e-5", "--task", "text-classification"]
    log = folder / f"{output.name}.log"
    return _timed([*_TUNEWELL, *words], log, lambda: _logged(output / "metrics.jsonl"))


def _run_theirs(model: Path, folder: Path, output: Path, device: str) -> Json:
    rows = folder / "rows"
    words = [sys.executable, "-m", "benchmarks.hf_script", str(model)]
    words += [str(rows / "train.jsonl"), str(rows / "validation.jsonl"), str(output), "--device", device]
    log = folder / f"{output.name}.log"
    return _timed(words, log, lambda: b"first step" in log.read_bytes())


def _logged(metrics: Path) -> bool:
    return metrics.exists() and metrics.stat().st_size > 0


def _timed(words: Sequence[str], log: Path, first_step_done: Callable[[], bool]) -> Json:
    """Run a command to its end, and notice its first step by what it has written."""
    with log.open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT)
        first = None
        while process.poll() is None:
            if first is None and first_step_done():
                first = time.perf_counter() - started
            time.sleep(_FIRST_STEP_POLL_SECONDS if first is None else 0.02)
        whole = time.perf_counter() - started
    if process.returncode or first is None:
        raise UnusableError(f"{words[2]} failed: {log.read_text(errors='replace')[-2000:]}")
    return {"first_step_seconds": first, "whole_seconds": whole}


def markdown(result: Json) -> str:
    """The page, from the JSON alone."""
    about: Mapping[str, object] = result["machine"]
    rows = [["command", "seconds, median (quartiles)", "slow imports"], ["---"] * 3]
    for name, found in result["short"].items():
        rows.append(
            [name, _times(quartiles(found["seconds"][1:])), ", ".join(found["heavy_modules"]) or "none"]
        )
    runs = [["from a cold shell", "Tunewell", "HF script", "ours takes (interval)"], ["---"] * 4]
    words = {
        "first_step_seconds": "to the first optimizer step",
        "whole_seconds": "to the written result",
    }
    for key, text in words.items():
        found = result["summary"][key]
        runs.append([text, _times(found["ours"]), _times(found["theirs"]), ratio_text(found["ratio"])])
    return (
        "\n\n".join(
            [
                f"# Start-up: {result['model']} on {result['num_rows']} rows of {result['data']}",
                f"- {about['date']}; {about['processor']}; {result['threads']} threads; load average "
                f"{about['load_average']} at the start; source `{str(about['source_sha256'])[:12]}`.",
                table(rows),
                table(runs),
                f"Seconds; {result['num_pairs']} interleaved pairs, the first thrown away. Tunewell's result includes "
                "baselines, intervals and the report; the script's is a saved model and its accuracy.",
            ]
        )
        + "\n"
    )


def _times(values: Sequence[float]) -> str:
    first, median, third = values
    return f"{median:.2f} ({first:.2f} to {third:.2f})"


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main())
