"""Label names and their ids.

Not for: reading labels from a file (`tunewell.data`) or deciding what kind of label a column holds
(the task does that).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tunewell.core.errors import ConfigError

_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")

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
        if all(_WHOLE_NUMBER.fullmatch(name) for name in distinct):
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


def label_weights(
    chosen: str | Mapping[str, float], labels: LabelSet, targets: Sequence[object]
) -> tuple[float, ...] | None:
    """How much a target of each label counts; None when all count the same.

    `chosen` is `none`, a mapping of names to weights (1 where a name is absent), or `balanced`: the mean count
    of the labels among `targets` divided by the label's own. Raises `ConfigError` for an unknown name.
    """
    if chosen == "none":
        return None
    if isinstance(chosen, Mapping):
        unknown = sorted(set(chosen) - set(labels.names))
        if unknown:
            raise ConfigError(
                f"task.class_weights names the label {unknown[0]!r}, which the data do not have"
            )
        return tuple(float(chosen.get(name, 1.0)) for name in labels.names)
    counts = Counter(targets)
    return tuple(len(targets) / (len(labels) * max(counts[name], 1)) for name in labels.names)
