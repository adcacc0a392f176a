"""The command line in this process, small files of reviews, and one run that tests read and do not change."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tunewell.cli import run

QUICK = (
    *("--epochs", "1", "--device", "cpu"),
    *("--set", "training.batch_size=8", "--set", "training.threads=1"),
    *("--set", "evaluation.resamples=100", "--set", "evaluation.rank_resamples=100"),
)
Table = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, object]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def command(*arguments: object) -> Outcome:
    """`tunewell ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return Outcome(code, out.getvalue(), err.getvalue())


def write(path: Path, rows: Table, columns: tuple[str, str] = ("text", "label")) -> Path:
    """`rows` in the format that the ending of `path` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            file.writelines(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
        elif path.suffix == ".tsv":
            file.writelines("\t".join(row) + "\n" for row in [columns, *rows])
        else:
            csv.writer(file).writerows([columns, *rows])
    return path


@pytest.fixture(scope="session")
def tunewell() -> Callable[..., Outcome]:
    return command


@pytest.fixture(scope="session")
def write_table() -> Callable[..., Path]:
    return write


@pytest.fixture(scope="session")
def reviews(texts: list[str]) -> list[tuple[str, str]]:
    """48 texts, each with its label."""
    return list(zip(texts, ["good", "bad"] * 24, strict=True))


@pytest.fixture(scope="session")
def quick(tiny: Callable[[str], Path]) -> list[str]:
    """Options of a run of a second."""
    return ["--model", str(tiny("bert")), *QUICK]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reviews: Table) -> Path:
    """The working folder, with `reviews.csv` in it."""
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "reviews.csv", reviews).parent


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, quick: list[str], reviews: Table) -> Path:
    """A finished run on the reviews."""
    folder = tmp_path_factory.mktemp("trained")
    data = write(folder / "reviews.csv", reviews)
    outcome = command("train", data, *quick, "--output", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder / "run"


@pytest.fixture(scope="session")
def trained_on_pairs(tmp_path_factory: pytest.TempPathFactory, quick: list[str], reviews: Table) -> Path:
    """A finished run on pairs of texts."""
    folder = tmp_path_factory.mktemp("pairs")
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["premise", "hypothesis", "label"])
        writer.writerows((text, text[::-1], label) for text, label in reviews)
    outcome = command("train", folder / "pairs.csv", *quick, "--output", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder / "run"


@pytest.fixture
def check(tunewell: Callable[..., Any], work: Path, quick: list[str]) -> Callable[..., Any]:
    """Writes a file and gives what `train --dry-run` says of it."""

    def checked(name: str, content: str | bytes, *options: str) -> Any:
        (work / name).write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        )
        before = sorted(work.rglob("*"))
        outcome = tunewell("train", name, *quick, "--dry-run", *options)
        assert sorted(work.rglob("*")) == before
        assert "Traceback" not in outcome.err
        if outcome.code:
            assert outcome.out == ""
            assert "error: " in outcome.err
        return outcome

    return checked


@pytest.fixture(scope="session")
def table(reviews: Table) -> str:
    """48 good rows as CSV, on lines 2 to 49."""
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in reviews)


@pytest.fixture(scope="session")
def lines(reviews: Table) -> str:
    """The same as JSON lines, on lines 1 to 48."""
    return "".join(f'{{"text": "{text}", "label": "{label}"}}\n' for text, label in reviews)
