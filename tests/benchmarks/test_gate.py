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


FACTS: dict[str, object] = {
    "rows_hash": "a",
    "decayed": ["weight"],
    "weight_decay": [0.0, 0.01],
    "learning_rate": [2e-5],
    "betas": [[0.9, 0.999]],
    "epsilon": [1e-8],
    "max_grad_norm": 1.0,
    "num_parameters": 10,
    "num_learning": 10,
    "threads": 1,
}


def test_a_smaller_decay_turns_it_red_though_the_losses_agree(common: list[str]) -> None:
    with opened(wish(parser("train", "").parse_args(common))) as session:
        work = parity.jobs(session, ["H1"], 2, 8)
        work["H1"] = work["H1"].changed(
            recipe=replace(work["H1"].recipe, weight_decay=0.005, adam_beta2=0.99, max_grad_norm=2.0)
        )
        [verdict] = parity.gate(work).verdicts
    assert verdict.problems == (
        "weight decay: [0.0, 0.005] instead of [0.0, 0.01]",
        "betas: [[0.9, 0.99]] instead of [[0.9, 0.999]]",
        "largest gradient norm: 2.0 instead of 1.0",
    )


def test_a_loss_that_is_not_a_number_turns_it_red() -> None:
    verdict = parity._verdict("H1", FACTS, FACTS, [1.0, 1.0], [1.0, float("nan")], 1e-4)
    assert verdict.problems


@pytest.mark.parametrize(
    "changed",
    [
        {"rows_hash": "b"},
        {"decayed": []},
        {"weight_decay": [0.0, 0.02]},
        {"learning_rate": [2.01e-5]},
        {"betas": [[0.9, 0.98]]},
        {"epsilon": [1e-6]},
        {"max_grad_norm": None},
        {"num_parameters": 11},
        {"num_learning": 9},
        {"threads": 2},
    ],
    ids=lambda changed: str(*changed),
)
def test_any_other_fact_turns_it_red(changed: dict[str, object]) -> None:
    assert changed.keys() <= FACTS.keys()
    assert not parity._verdict("H1", FACTS, dict(FACTS), [1.0], [1.0], 1e-4).problems
    assert len(parity._verdict("H1", FACTS, {**FACTS, **changed}, [1.0], [1.0], 1e-4).problems) == 1
