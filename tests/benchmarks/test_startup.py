"""Short commands: their times and what they import."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import startup
from benchmarks.data import UnusableError


def test_help_and_a_config_error_import_nothing_slow(tmp_path: Path) -> None:
    assert startup._heavy_modules(["--help"]) == []
    data = tmp_path / "rows.csv"
    data.write_text("text,label\na,b\n")
    assert startup._heavy_modules(["train", str(data), "--set", "training.learning_rat=1"]) == []


def test_a_command_that_ends_otherwise_is_no_measurement() -> None:
    assert 0 < startup._command_seconds(["--help"], 0) < 60
    with pytest.raises(UnusableError, match="ended with 0"):
        startup._command_seconds(["--help"], 2)
