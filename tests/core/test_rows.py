"""A stored row gives back what was read, whatever the columns are called."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tunewell.core.examples import LabelPrediction, Origin, Row
from tunewell.core.rows import joined_row, own_columns

PREDICTION = LabelPrediction("7", "good", {"good": 0.75, "bad": 0.25})


@pytest.mark.parametrize(
    "values",
    [
        {"text": "a", "label": "good"},
        {"text": "a", "label": "good", "input_label": "x"},
        {"text": "a", "input_label": "good"},
        {"text": "a", "label": "good", "input_label": "x", "input_input_label": "y"},
        {"split": "mine", "gold": 3, "line": "l", "probabilities": [1], "id": "k"},
    ],
)
def test_columns_come_back(values: dict[str, Any]) -> None:
    stored = joined_row(Row(values, Origin("f.csv", 7)), PREDICTION, split="test", gold="good")
    assert stored["label"] == "good"
    assert (stored["line"], stored["split"], stored["gold"]) == (7, "test", "good")
    own = own_columns(stored, PREDICTION)
    if (
        "label" not in values and "input_label" in values
    ):  # then nothing but the settings can tell which of the two it was
        assert own.pop("label") == values["input_label"]
    assert {name: own[name] for name in values} == values


def test_what_json_cannot_say_is_null() -> None:
    stored = joined_row(Row({"text": "a", "x": math.nan}, Origin("f.csv", 7)), PREDICTION)
    assert stored["x"] is None
