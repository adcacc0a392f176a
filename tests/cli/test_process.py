"""What only a process of its own shows: start-up, pipes, terminals that cannot spell, streams that are closed."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tunewell.cli import run

COMMAND = [sys.executable, "-c", "from tunewell.cli import main; main()"]
HEAVY = ("torch", "transformers", "datasets", "sklearn", "scipy", "pandas", "peft")
# `SPEED.md` allows 0.4 s and 0.7 s; twice that, counted in seconds of the processor, does not fail by chance.
HELP_SECONDS, ERROR_SECONDS = 0.8, 1.4

LIGHT = """
import contextlib, io, json, sys
from tunewell.cli import run
for arguments, code in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        got = run(arguments)
    heavy = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
    print(json.dumps([arguments, got == code, heavy, said.getvalue()]))
"""


def process(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=120, check=False, **more)


def test_help_and_errors_of_settings_and_data_import_nothing_heavy(work: Path, trained: Path) -> None:
    (work / "bad.csv").write_text("text,label\na\n")
    (work / "labels.csv").write_text("text,label\n" + "a film,good\n" * 40)
    (work / "bad.yaml").write_text("data: {train: x.csv}\ntraining: {lr: 1}\n")
    cases: list[tuple[list[str], int]] = [
        (["--help"], 0),
        (["--version"], 0),
        (["train", "--help"], 0),
        (["predict", "--help"], 0),
        (["nope"], 2),
        (["train", "reviews.csv", "--set", "training.learning_rate=-1"], 2),
        (["train", "reviews.csv", "--task", "nope"], 2),
        (["train", "bad.yaml"], 2),
        (["train", "none.csv"], 3),
        (["train", "bad.csv"], 3),
        (["train", "labels.csv"], 3),
        (["train", "reviews.csv", "--folds", "0"], 2),
        (["predict", str(trained)], 2),
        (["init", "text-classification"], 0),
        (["runs", str(trained.parent)], 0),
        (["models"], 0),
        (["report", str(trained)], 0),
    ]
    script = [sys.executable, "-c", LIGHT, json.dumps(cases), json.dumps(HEAVY)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=True)
    for arguments, as_expected, heavy, said in map(json.loads, done.stdout.splitlines()):
        assert as_expected, (arguments, said)
        assert not heavy, arguments


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [(["--help"], HELP_SECONDS), (["train", "x.csv", "--set", "training.lr=1"], ERROR_SECONDS)],
)
def test_start_up_is_quick(arguments: list[str], bound: float) -> None:
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process(*arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) <= bound


def test_a_reader_that_leaves_is_no_fault(trained: Path, work: Path) -> None:
    (work / "many.csv").write_text("text\n" + "".join(f"the film number {n}\n" for n in range(800)))
    with subprocess.Popen(
        [*COMMAND, "predict", str(trained), "many.csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert json.loads(child.stdout.readline())["text"] == "the film number 0"
        child.stdout.close()
        assert (child.stderr.read(), child.wait(timeout=60)) == (b"", 0)


def test_a_reader_that_never_reads_is_no_fault() -> None:
    for verb in ("--help", "runs"):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*COMMAND, verb], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_behind_standard_output() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 5
    assert b"No space left" in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_closed_streams(work: Path) -> None:
    for redirection, code in ((">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)):
        script = f'exec "$0" -c "$1" --help {redirection}'
        assert subprocess.run(["sh", "-c", script, *COMMAND[::2]], timeout=60, check=False).returncode == code
    script = 'exec "$0" -c "$1" train none.csv 2>&-'
    assert subprocess.run(["sh", "-c", script, *COMMAND[::2]], timeout=60, check=False).returncode == 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_terminals_that_cannot_spell(work: Path, encoding: str) -> None:
    (work / "好.csv").write_text("text,label\na\n")
    done = process("train", "好.csv", env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 3
    shown = "好.csv:2" if encoding == "utf-8" else "\\u597d.csv:2"
    assert f"error: {shown}: " in done.stderr.decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_predictions_are_json_in_any_encoding(trained: Path, encoding: str) -> None:
    text = "naïve 好 🙂"
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with redirect_stdout(stream):
        assert run(["predict", str(trained), "--text", text]) == 0
    written = stream.buffer.getvalue()  # type: ignore[attr-defined]
    assert json.loads(written.decode(encoding))["text"] == text
    assert ("好".encode() in written) == (encoding == "utf-8")


def test_a_python_call_gives_what_the_command_gives(
    tunewell: Callable[..., Any], trained: Path, work: Path, quick: list[str]
) -> None:
    import tunewell as package

    settings = {
        "training.batch_size": 8,
        "training.threads": 1,
        "evaluation.resamples": 100,
        "evaluation.rank_resamples": 100,
    }
    run = package.fit("reviews.csv", model=quick[1], epochs=1, device="cpu", output="out", settings=settings)
    assert run.scores == package.load(trained).scores
    assert [p.to_json() for p in run.predict(["a film"])] == [
        {key: row[key] for key in ("label", "probabilities")}
        for row in tunewell("predict", trained, "--text", "a film").rows
    ]
    assert [entry["folder"] for entry in json.loads(tunewell("runs", work, "--json").out)] == [
        str(work / "out")
    ]
