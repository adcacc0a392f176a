"""A small part of the coverage study: enough sets to notice an interval or a test that is badly wrong."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

STUDY = runpy.run_path(str(Path(__file__).with_name("coverage_study.py")))

SETS, RESAMPLES = 200, 300
"""Of 200 sets, a method that holds 95% holds fewer than 180 less than once in 400 times; seeds are fixed."""


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("accuracy 0.97", 100),
        ("macro F1, 3 labels", 350),
        ("multi-label macro F1", 350),
        ("Pearson 0.80", 100),
        ("AUROC 0.80", 100),
        ("accuracy 0.85, groups of 4", 350),
    ],
)
def test_intervals_hold_as_often_as_they_say(name: str, size: int) -> None:
    assert 0.90 <= STUDY["coverage"](name, size, SETS, RESAMPLES)["holds"] <= 0.99


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("accuracy 0.90", 350),
        ("accuracy, models unlike", 350),
        ("macro F1, models unlike", 350),
        ("Pearson 0.80", 100),
        ("AUROC 0.80", 100),
        ("accuracy 0.85, groups of 4", 350),
    ],
)
def test_equal_models_are_seldom_called_different(name: str, size: int) -> None:
    for test, share in STUDY["errors"](name, size, SETS, RESAMPLES).items():
        assert share <= 0.10, test


def test_the_study_notices_a_method_that_is_too_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tunewell.metrics.intervals.share_interval", lambda right, total, _: (right / total,) * 2
    )
    assert STUDY["coverage"]("accuracy 0.70", 100, 100, RESAMPLES)["holds"] < 0.5
