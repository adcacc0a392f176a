"""Label names and their ids.

Not for: reading labels from a file (`tunewell.data`) or deciding what kind of label a column holds
(the task does that).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

IGNORE_INDEX = -100
"""The label id of a position that is not a target; the value PyTorch's losses skip by default."""


@dataclass(frozen=True)
class LabelSet:
    """An ordered set of label names; the id of a name is its place."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"label names repeat: {self.names}")

    @classmethod
    def learn(cls, names: Iterable[str]) -> LabelSet:
        """The distinct names, in numeric order when all are whole numbers and in text order otherwise."""
        distinct = set(names)
        if all(name.lstrip("-").isdecimal() for name in distinct):
            return cls(tuple(sorted(distinct, key=lambda name: (int(name), name))))
        return cls(tuple(sorted(distinct)))

    @cached_property
    def ids(self) -> dict[str, int]:
        """Name to id."""
        return {name: index for index, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.ids
