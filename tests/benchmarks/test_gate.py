"""The parity gate: green when all compute the same, red when one learns at another rate or decays other parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks import parity
from benchmarks.options import parser, wish
from benchmarks.parity import relative
from benchmarks.session import opened

from .conftest import Measured

pytestmark = pytest.mark.timeout(900)  # a dozen processes that import torch; minutes on a busy machine


def test_everyone_computes_the_same(measured: Measured) -> None:
    found = measured.result["parity"]
    assert found["green"]
    assert set(found["contestants"]) == {"H0", "H1", "H2"}
    assert all(len(losses) == 6 for losses in found["losses"].values())
    assert len(set(found["losses"]["ours"])) == 6


def test_another_learning_rate_turns_it_red(common: list[str]) -> None:
    with opened(wish(parser("train", "").parse_args(common))) as session:
        work = parity.jobs(session, ["H1"], 6, 8)
        work["H1"] = work["H1"].changed(
            recipe=replace(work["H1"].recipe, learning_rate=1e-3, weight_decay=0.0)
        )
        gate = parity.gate(work)
    assert not gate.green
    [verdict] = gate.verdicts
    assert gate.tolerance < verdict.largest_difference < 1
    assert relative(gate.ours[0], verdict.losses[0]) < gate.tolerance  # the first loss is before any step
    told = " ".join(verdict.problems)
    assert "loss differs" in told
    assert "other parameters decay" in told


def test_a_loss_that_is_not_a_number_turns_it_red() -> None:
    facts = {"rows_hash": "a", "decayed": [], "threads": 1}
    verdict = parity._verdict("H1", facts, facts, [1.0, 1.0], [1.0, float("nan")], 1e-4)
    assert verdict.problems


@pytest.mark.parametrize("changed", [{"rows_hash": "b"}, {"threads": 2}])
def test_other_rows_or_threads_turn_it_red(changed: dict[str, object]) -> None:
    facts = {"rows_hash": "a", "decayed": [], "threads": 1}
    assert not parity._verdict("H1", facts, facts, [1.0], [1.0], 1e-4).problems
    assert parity._verdict("H1", facts, {**facts, **changed}, [1.0], [1.0], 1e-4).problems
