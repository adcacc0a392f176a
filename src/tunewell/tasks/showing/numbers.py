"""Predicted numbers against gold ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tunewell.core.sections import Scatter, Section, Texts
from tunewell.tasks.showing.lists import TEXTS_SHOWN, Entry

_Z = 1.959964
"""The normal quantile of a 95% interval."""


def numbers(entries: Sequence[Entry]) -> list[Section]:
    """Predicted against gold numbers, and where they are farthest apart.

    An entry has `text`, `gold`, `predicted`, `error` (predicted minus gold) and `origin`.
    """
    points = [(float(entry["gold"]), float(entry["predicted"])) for entry in entries]
    errors = [float(entry["error"]) for entry in entries]
    ranked = sorted(entries, key=lambda entry: -abs(float(entry["error"])))
    return [
        Scatter(
            "Predicted against gold",
            "Each dot is an example. On the diagonal the prediction is right; above it too high, below it too low.",
            "value",
            points,
            shows=_off(errors) if errors else "",
        ),
        Texts(
            "Largest errors",
            "Where the prediction is farthest from the gold value. The error is predicted minus gold.",
            ranked[:TEXTS_SHOWN],
        ),
    ]


def _off(errors: Sequence[float]) -> str:
    """How far off predictions are, and whether more to one side than chance would have it."""
    middle = sorted(map(abs, errors))[len(errors) // 2]
    mean = math.fsum(errors) / len(errors)
    spread = math.sqrt(math.fsum((error - mean) ** 2 for error in errors) / len(errors))
    said = f"Half of the predictions are within {middle:.3g} of the gold value"
    if abs(mean) <= _Z * spread / math.sqrt(len(errors)):
        return f"{said}, with no lean to either side."
    return f"{said}; on average they are {abs(mean):.2g} too {'high' if mean > 0 else 'low'}."
