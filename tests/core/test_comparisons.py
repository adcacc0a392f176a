"""The verdict of a pair, and its way to JSON and back."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from tunewell.core.comparisons import Agreement, PairResult
from tunewell.core.results import Score
from tunewell.core.sections import Compared, section_from_json


def pair(**changes: Any) -> PairResult:
    fields: dict[str, Any] = {
        "run": "b",
        "against": "a",
        "difference": Score(0.02, 0.01, 0.03),
        "p_values": {"McNemar, mid-p": 0.01, "approximate randomisation": 0.012},
        "test": "McNemar, mid-p",
        "corrected_p_value": 0.01,
        "smallest_shown": 0.015,
        "num_differing": 40,
        "agreement": Agreement(80, 8, 4, 8),
    }
    return PairResult(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "better"),
        ({"lower_is_better": True}, "worse"),
        ({"difference": Score(-0.02)}, "worse"),
        ({"corrected_p_value": 0.05}, "better"),
        ({"corrected_p_value": 0.0503}, "no difference shown"),
        ({"corrected_p_value": math.nan}, "not tested"),
    ],
)
def test_only_the_corrected_p_value_decides(changes: dict[str, Any], verdict: str) -> None:
    assert pair(**changes).verdict == verdict
    assert pair(**changes).p_value == 0.01


def test_json_and_back() -> None:
    for result in (pair(), pair(agreement=None)):
        assert PairResult.from_json(json.loads(json.dumps(result.to_json()))) == result
    nothing = pair(corrected_p_value=math.nan, p_values={"McNemar, mid-p": math.nan}, smallest_shown=math.nan)
    written = json.dumps(nothing.to_json(), allow_nan=False)
    assert math.isnan(PairResult.from_json(json.loads(written)).corrected_p_value)


def test_a_section_of_pairs_comes_back() -> None:
    section = Compared(
        "t", "n", "accuracy", "test", 100, "a", {"a": Score(0.8), "b": Score(math.nan)}, [pair()]
    )
    again = section_from_json(json.loads(json.dumps(section.to_json(), allow_nan=False)))
    assert isinstance(again, Compared)
    assert again.pairs == section.pairs
    assert (again.scores["a"], again.reference) == (Score(0.8), "a")
    assert math.isnan(again.scores["b"].value)
