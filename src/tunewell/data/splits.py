"""Cut examples into parts or folds: stratified by label, seeded, and never one text on both sides.

Examples with the same text (after `similarity.normalised`) or the same `group_id` form a group, and a group
stays together. Groups are handed out in an order that SHA-256 of the seed and the text gives, so the result
depends neither on the order of the file nor on a library's random generator.

The method is iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011) over groups: rarest label first,
each group to the part that lacks that label most. One label, several labels and numbers (in quantile bins)
are all the same to it. Not for: finding texts that are near but not equal (`checks`).
"""

from __future__ import annotations

import bisect
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Example
from tunewell.data.findings import plural
from tunewell.data.similarity import normalised

E = TypeVar("E", bound=Example)

_MAX_BINS = 10
_MIN_PER_BIN_AND_PART = 5


def text_of(example: Example) -> str:
    """The texts of an example as one: the default key of a group."""
    return "\n".join(getattr(example, "texts", ()))


def target_of(example: Example) -> Any:
    """The target of an example: what parts are stratified by, by default."""
    return getattr(example, "target", None)


def split(
    examples: Sequence[E],
    *,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int,
    key: Callable[[E], str] | None = text_of,
    strata: Callable[[E], Any] | None = target_of,
) -> tuple[list[int], ...]:
    """Indices of the examples of each part, ascending; the parts are disjoint and cover all examples.

    Two fractions carve one part off: `(0.9, 0.1)` when only a validation part is lacking. Every label with at
    least as many groups as there are parts appears in each part, where groups of several labels allow it.
    `key` gives the text that must stay on one side (None: only `group_id` counts), `strata` a label, a tuple of
    labels, a number or None.

    Raises `DataError` when a part would be empty.
    """
    if len(fractions) < 2 or min(fractions) <= 0 or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise ConfigError(
            f"the fractions of a split must be positive and add up to 1, not {list(fractions)}",
            fix="for example 0.8, 0.1 and 0.1",
        )
    groups = _groups(examples, seed, key)
    if len(groups) < len(fractions):
        raise DataError(
            f"{plural(len(examples), 'example')} in {plural(len(groups), 'group')} of the same text or group_id cannot be "
            f"split into {len(fractions)} parts",
            fix="give more examples, or give validation and test files of your own",
        )
    labels = _labels(examples, strata, len(fractions))
    parts = _Parts(groups, labels, fractions)
    parts.spread_every_label()
    parts.hand_out_the_rest()
    parts.fill_empty()
    return tuple(parts.indices(part) for part in range(len(fractions)))


def folds(
    examples: Sequence[E],
    k: int,
    *,
    seed: int,
    key: Callable[[E], str] | None = text_of,
    strata: Callable[[E], Any] | None = target_of,
) -> tuple[list[int], ...]:
    """`k` disjoint lists of indices of nearly equal size that cover all examples; else as `split`."""
    if k < 2:
        raise ConfigError(f"cross-validation needs at least 2 folds, not {k}", fix="5 and 10 are usual")
    return split(examples, fractions=(1 / k,) * k, seed=seed, key=key, strata=strata)


def _groups(examples: Sequence[E], seed: int, key: Callable[[E], str] | None) -> list[list[int]]:
    """Indices that must stay together, in the seeded order of groups."""
    parents = list(range(len(examples)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first_with: dict[tuple[str, str], int] = {}
    digests: list[bytes] = []
    for index, example in enumerate(examples):
        text = normalised(key(example)) if key is not None else example.id
        ties = [("text", text)] if key is not None else []
        if example.group_id is not None:
            ties.append(("group", example.group_id))
        for tie in ties:
            parents[root(index)] = root(first_with.setdefault(tie, index))
        digests.append(hashlib.sha256(f"{seed}\n{text}".encode("utf-8", "surrogatepass")).digest())
    members: dict[int, list[int]] = {}
    for index in range(len(examples)):
        members.setdefault(root(index), []).append(index)
    # The smallest digest stands for its group, so that the order of the file does not matter.
    return sorted(members.values(), key=lambda group: min(digests[index] for index in group))


def _labels(
    examples: Sequence[E], strata: Callable[[E], Any] | None, num_parts: int
) -> list[tuple[str, ...]]:
    """The labels of each example to stratify by; a number becomes its quantile bin."""
    targets = [None if strata is None else strata(example) for example in examples]
    numbers = sorted(target for target in targets if _is_number(target))
    num_bins = max(1, min(_MAX_BINS, len(numbers) // (_MIN_PER_BIN_AND_PART * num_parts)))
    edges = [numbers[len(numbers) * place // num_bins] for place in range(1, num_bins)] if numbers else []
    labels: list[tuple[str, ...]] = []
    for target in targets:
        if _is_number(target):
            labels.append((f"bin {bisect.bisect_right(edges, target)}",))
        elif isinstance(target, (tuple, list)):
            labels.append(tuple(sorted(set(map(str, target)))) or ("no label",))
        else:
            labels.append(("unknown",) if target is None else (str(target),))
    return labels


def _is_number(target: Any) -> TypeGuard[float]:
    return isinstance(target, (int, float)) and not isinstance(target, bool) and not math.isnan(target)


@dataclass
class _Parts:
    """Groups on their way into parts."""

    groups: list[list[int]]
    labels: list[tuple[str, ...]]
    fractions: Sequence[float]

    def __post_init__(self) -> None:
        self.part_of: list[int | None] = [None] * len(self.groups)
        self.sizes = [0] * len(self.fractions)
        self.num_examples = len(self.labels)
        self.counts = [
            Counter(label for index in group for label in self.labels[index]) for group in self.groups
        ]
        self.totals: Counter[str] = Counter()
        self.groups_with: dict[str, list[int]] = {}
        for number, counts in enumerate(self.counts):
            self.totals.update(counts)
            for label in counts:
                self.groups_with.setdefault(label, []).append(number)
        self.have: list[Counter[str]] = [Counter() for _ in self.fractions]
        self.rarest_first = sorted(
            self.groups_with, key=lambda label: (len(self.groups_with[label]), self.totals[label], label)
        )

    def put(self, group: int, part: int) -> None:
        self.part_of[group] = part
        self.sizes[part] += len(self.groups[group])
        self.have[part].update(self.counts[group])

    def spread_every_label(self) -> None:
        """One group of each label to each part, for labels with groups enough; small parts choose first."""
        small_first = sorted(range(len(self.fractions)), key=lambda part: (self.fractions[part], -part))
        for label in self.rarest_first:
            groups = self.groups_with[label]
            if len(groups) < len(self.fractions):
                continue
            for part in small_first:
                free = [group for group in groups if self.part_of[group] is None]
                if free and not self.have[part][label]:
                    self.put(min(free, key=lambda group: len(self.groups[group])), part)

    def hand_out_the_rest(self) -> None:
        debts = [0.0] * len(self.fractions)
        for label in self.rarest_first:
            # What rounding of the labels before owes to a part: at most one example at a time, so that no label
            # pays for another.
            owed = [max(-1.0, min(1.0, debt)) for debt in debts]
            for group in self.groups_with[label]:
                if self.part_of[group] is None:
                    self.put(group, self._part_that_lacks(label, self.counts[group][label], owed))
            for part, fraction in enumerate(self.fractions):
                debts[part] += fraction * self.totals[label] - self.have[part][label]

    def _part_that_lacks(self, label: str, count: int, owed: Sequence[float]) -> int:
        lacking = [  # rounded: 0.1 * 100 - 9 must count as room for one
            round(fraction * self.totals[label] - have[label] + debt, 9)
            for fraction, have, debt in zip(self.fractions, self.have, owed, strict=True)
        ]
        roomy = [part for part, lack in enumerate(lacking) if lack >= count]
        if roomy:  # relative to its size, so that large groups do not all go to the largest part
            return max(roomy, key=lambda part: (lacking[part] / self.fractions[part], -part))
        return max(range(len(lacking)), key=lambda part: (lacking[part], -part))

    def fill_empty(self) -> None:
        """Give an empty part the smallest group of the part with the most groups."""
        for part, size in enumerate(self.sizes):
            if size:
                continue
            num_groups = Counter(self.part_of)
            donor = max(range(len(self.sizes)), key=lambda other: num_groups[other])
            groups = [group for group, owner in enumerate(self.part_of) if owner == donor]
            group = min(groups, key=lambda candidate: len(self.groups[candidate]))
            self.sizes[donor] -= len(self.groups[group])
            self.have[donor].subtract(self.counts[group])
            self.put(group, part)

    def indices(self, part: int) -> list[int]:
        chosen = (group for group, owner in enumerate(self.part_of) if owner == part)
        return sorted(index for group in chosen for index in self.groups[group])
