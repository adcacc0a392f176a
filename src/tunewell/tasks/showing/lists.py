"""How many examples a list shows, and how counts are put in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

TEXTS_SHOWN = 200
"""How many texts each list of examples holds."""

Entry: TypeAlias = Mapping[str, str | float]
"""One example in a list: what is known of it, by name."""


def counted(count: int, unit: str) -> str:
    """`1 entity`, `2,000 entities`."""
    return f"{count:,} {unit if count == 1 else plural(unit)}"


def plural(unit: str) -> str:
    """`words`, `entities`."""
    return f"{unit[:-1]}ies" if unit.endswith("y") else f"{unit}s"


def cut_short(total: int) -> str:
    """The end of a sentence on a list that has not room for all; empty where it has."""
    return f"; the first {TEXTS_SHOWN} are listed" if total > TEXTS_SHOWN else ""
