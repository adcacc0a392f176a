"""The page on model families says what the probe says today."""

from __future__ import annotations

import runpy
from pathlib import Path

FAMILIES = runpy.run_path(str(Path(__file__).parents[1] / "scripts/families.py"))


def test_the_table_is_that_of_today() -> None:
    text = FAMILIES["PAGE"].read_text(encoding="utf-8")
    assert text == FAMILIES["page"](text), "run: .venv/bin/python scripts/families.py --write"


def test_an_outdated_table_is_noticed() -> None:
    text = FAMILIES["PAGE"].read_text(encoding="utf-8")
    marks = (FAMILIES["BEGIN"], FAMILIES["END"])
    assert [text.count(mark) for mark in marks] == [1, 1]
    row = "| MPNet | `microsoft/mpnet-base`, `sentence-transformers/all-mpnet-base-v2` | with padding |"
    assert row in text
    before, _, rest = text.partition(marks[0])
    assert before.strip()
    assert rest.index(row) < rest.index(marks[1])
