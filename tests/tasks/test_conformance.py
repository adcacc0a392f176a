"""Every built-in task keeps the promises of the seam, with every family of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tunewell.tasks import TASKS
from tunewell.testing import FAMILIES, check_task


@dataclass(frozen=True)
class Case:
    """One way to use a task: its settings, how a text becomes a record, and what must be refused."""

    task: str
    settings: dict[str, Any]
    record: Callable[[int, str], dict[str, Any]]
    refused: Sequence[dict[str, Any]]
    weighted: bool = False


def _tone(text: str) -> str:
    return "bad" if any(word in text for word in ("dull", "cold", "clumsy")) else "good"


CASES = {
    "single label": Case(
        "text-classification",
        {"text": "text", "label": "label", "kind": "single_label"},
        lambda index, text: {"text": text, "label": "none" if index % 5 == 0 else _tone(text)},
        [{"label": "goood"}, {"label": None}, {"text": " "}, {"text": 3}],
    ),
    "weighted labels": Case(
        "text-classification",
        {
            "text": "text",
            "label": "label",
            "kind": "single_label",
            "class_weights": "balanced",
            "label_smoothing": 0.1,
        },
        lambda index, text: {"text": text, "label": "none" if index % 5 == 0 else _tone(text)},
        [{"label": "goood"}],
        weighted=True,
    ),
    "several labels": Case(
        "text-classification",
        {"text": "text", "label": "label", "kind": "multi_label"},
        lambda index, text: {"text": text, "label": [_tone(text), f"third {index % 3}"][: index % 3]},
        [{"label": ["good", "unheard of"]}, {"label": None}],
    ),
    "pairs": Case(
        "text-classification",
        {"text": ["premise", "hypothesis"], "label": "label", "kind": "single_label"},
        lambda index, text: {
            "premise": text,
            "hypothesis": text[4:14] * (index % 3 + 1),
            "label": _tone(text),
        },
        [{"label": "unheard of"}, {"hypothesis": None}, {"premise": ""}],
    ),
    "values": Case(
        "text-classification",
        {"text": "text", "label": "label", "kind": "regression"},
        lambda index, text: {"text": text, "label": 100 + index / 3},
        [{"label": "many"}, {"label": float("nan")}],
    ),
}


def test_every_task_has_a_case() -> None:
    assert {case.task for case in CASES.values()} == set(TASKS)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_task_keeps_its_promises(
    case: Case, family: str, tiny: Callable[[str], Path], texts: list[str], tmp_path: Path
) -> None:
    rows = [case.record(index, text) for index, text in enumerate(texts[::4] + texts[1::4])]
    check_task(
        case.task,
        case.settings,
        rows,
        tiny(family),
        tmp_path,
        refused=case.refused,
        weighted=case.weighted,
    )
