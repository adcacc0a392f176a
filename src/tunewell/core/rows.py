"""A row of `predictions.jsonl`: the input's own columns with the prediction beside them, and back again.

Not for: what a row means (a task's `read` and `read_prediction`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunewell.core.examples import Prediction, Row

_OURS = ("line", "split", "gold")
_PREFIX = "input_"


def joined_row(row: Row, prediction: Prediction, **more: Any) -> dict[str, Any]:
    """The input's own columns and its line, with the prediction's fields, and `more`, beside them.

    A column whose name one of these needs, `label` above all, is kept as `input_label`.
    """
    fields = {**prediction.to_json(), **more}
    taken = {"line", *fields}
    own: dict[str, Any] = {}
    for name, value in row.values.items():
        kept = name
        while kept in taken or (kept != name and kept in row.values):
            kept = f"{_PREFIX}{kept}"
        own[kept] = (
            None if isinstance(value, float) and not math.isfinite(value) else value
        )  # JSON has no NaN
    return {**own, "line": row.origin.line, **fields}


def own_columns(fields: Mapping[str, Any], prediction: Prediction) -> dict[str, Any]:
    """The input's columns of a row that `joined_row` made for `prediction`.

    A renamed column is there by both names: only a task's settings can tell `input_label`, which was `label`,
    from a column that was called so.
    """
    taken = {*_OURS, *prediction.to_json()}
    own = {name: value for name, value in fields.items() if name not in taken}
    for name in taken:
        kept = f"{_PREFIX}{name}"
        while kept in own:
            own[name], kept = own[kept], f"{_PREFIX}{kept}"
    return own
