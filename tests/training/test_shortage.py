"""Too little memory halves the micro-batch and changes nothing else; see `shortage.py`, which is run once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is set through /proc")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    script = Path(__file__).with_name("shortage.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_training_goes_on_in_halves_with_the_same_numbers(found: dict[str, Any], where: str) -> None:
    whole, short = found[where]["whole"], found[where]["short"]
    assert whole["num_halvings"] == 0
    assert whole["reached"] == ["backward"] * 3
    assert short["reached"][0] == where  # the place where memory ran out
    assert short["num_halvings"] >= 1
    assert len(short["reached"]) == short["num_halvings"] + 3 * 2 ** short["num_halvings"]  # it is remembered
    for ours, wanted in zip(short["steps"], whole["steps"], strict=True):
        assert ours == pytest.approx(wanted, rel=1e-5)
    assert short["weights"] == pytest.approx(whole["weights"], abs=1e-6)


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_the_recorded_halving_gives_the_same_bits(found: dict[str, Any], where: str) -> None:
    short, again = found[where]["short"], found[where]["again"]
    assert again["num_halvings"] == short["num_halvings"]
    assert again["steps"] == short["steps"]
    assert again["weights"] == short["weights"]


def test_a_row_that_does_not_fit_ends_the_run_with_a_remedy(found: dict[str, Any]) -> None:
    assert found["one row"]["exit_code"] == 5
    assert "memory is too short for step 1, in the smallest micro-batch" in found["one row"]["error"]
    assert "fix:" in found["one row"]["error"]


def test_prediction_goes_on_in_smaller_batches(found: dict[str, Any]) -> None:
    assert found["prediction"]["after"] < found["prediction"]["before"]
    assert found["prediction"]["difference"] < 1e-5
