"""What the tests of the fault table share: rows as lines, how a failure must look, a run from nothing of a second."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

DROP = ("--set", "data.on_bad_row=drop")

SCRATCH = (
    *("--epochs", "1", "--device", "cpu"),
    *("--set", "training.batch_size=8", "--set", "training.threads=1"),
    *("--set", "evaluation.resamples=100", "--set", "evaluation.rank_resamples=100"),
    *("--set", "model.from_scratch=true", "--set", "model.hidden_size=16", "--set", "model.num_layers=1"),
    *("--set", "model.num_heads=2", "--set", "model.vocab_size=300"),
)
"""Options of a model that starts from nothing."""


def as_lines(rows: Iterable[dict[str, Any]]) -> str:
    """`rows` as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def refused(outcome: Any, *parts: str, code: int = 3) -> None:
    """The command failed with `code`, said all of `parts` and what to do, and showed no traceback."""
    assert outcome.code == code, outcome.err
    for part in (*parts, "fix: "):
        assert part in outcome.err
    assert "Traceback" not in outcome.err


def dry_run(tunewell: Callable[..., Any], work: Path, files: dict[str, str | bytes], *options: str) -> Any:
    """Writes `files` and gives what `train --dry-run` says of the first; it may write nothing."""
    for name, content in files.items():
        (work / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    before = sorted(work.rglob("*"))
    outcome = tunewell("train", next(iter(files)), *SCRATCH, "--dry-run", *options)
    assert sorted(work.rglob("*")) == before
    assert "Traceback" not in outcome.err
    return outcome
