"""The data doctor on targets: twins, mixtures, classes that are missing, rare or alone.

Called by `checks.examine`. Label names are compared and counted here, never changed.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.core.examples import Example, TranslationExample
from tunewell.data.findings import SHOWN, Finding, plural

TOO_RARE = 2
"""A label with fewer training examples cannot be both learnt and validated."""

RARE = 5
"""A label with fewer training examples is worth knowing of."""

_NAMES_SHOWN = 10
_WHOLE_NUMBER = re.compile(r"[+-]?\d+")
_REAL_NUMBER = re.compile(r"[+-]?\d+\.\d*")

Splits = Mapping[str, Sequence[Example]]


def target_of(example: Example) -> Any:
    """A label, several, a number, or None where it is not known, and of a text to be written, which is no label."""
    return None if isinstance(example, TranslationExample) else getattr(example, "target", None)


def examine_labels(splits: Splits) -> list[Finding]:
    """All findings about targets."""
    counts = {split: _count(examples) for split, examples in splits.items()}
    return [
        *_missing_targets(splits),
        *_twins(counts),
        *_mixed_types(splits, counts),
        *_single_class(splits, counts),
        *_absent_from_train(splits, counts),
        *_rare(counts),
    ]


def _labels(target: Any) -> tuple[str, ...]:
    """Label names of a target; none for a regression target."""
    if isinstance(target, (tuple, list)):
        return tuple(str(label) for label in target)
    if target is None or (isinstance(target, float) and not isinstance(target, bool)):
        return ()
    return (str(target),)


def _count(examples: Sequence[Example]) -> Counter[str]:
    return Counter(label for example in examples for label in _labels(target_of(example)))


def _listed(names: Sequence[str], counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{name!r} ({counts[name]:,})" for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{listed} and {more} more" if more > 0 else listed


def _missing_targets(splits: Splits) -> list[Finding]:
    findings = []
    for split, examples in splits.items():
        bad = [example for example in examples if _is_no_target(target_of(example))]
        if bad:
            findings.append(
                Finding(
                    "empty-labels",
                    "error",
                    f"{split}: {plural(len(bad), 'example')} with an empty label or NaN",
                    tuple(f"{example.origin} {target_of(example)!r}" for example in bad[:SHOWN]),
                )
            )
    return findings


def _is_no_target(target: Any) -> bool:
    if isinstance(target, float):
        return not math.isfinite(target)
    return any(not label.strip() or label.strip().lower() == "nan" for label in _labels(target))


def _twins(counts: Mapping[str, Counter[str]]) -> list[Finding]:
    total = sum(counts.values(), Counter[str]())
    alike: dict[str, list[str]] = {}
    for label in sorted(total):
        alike.setdefault(" ".join(label.casefold().split()), []).append(label)
    return [
        Finding(
            "label-twins",
            "warning",
            f"labels that differ only in case or blanks: {_listed(names, total)}; they count as different labels",
        )
        for names in alike.values()
        if len(names) > 1
    ]


def _mixed_types(splits: Splits, counts: Mapping[str, Counter[str]]) -> list[Finding]:
    types: Counter[str] = Counter()
    for examples in splits.values():
        for example in examples:
            target = target_of(example)
            values = target if isinstance(target, (tuple, list)) else () if target is None else (target,)
            types.update("text" if isinstance(value, str) else "number" for value in values)
    findings = []
    if len(types) > 1:
        listed = " and ".join(f"{plural(count, kind)}" for kind, count in sorted(types.items()))
        findings.append(Finding("mixed-label-types", "error", f"labels are both {listed}"))
    total = sum(counts.values(), Counter[str]())
    same_number: dict[float, list[str]] = {}
    for label in sorted(total):
        stripped = label.strip()
        if _WHOLE_NUMBER.fullmatch(stripped) or _REAL_NUMBER.fullmatch(stripped):
            same_number.setdefault(float(stripped), []).append(label)
    for names in same_number.values():
        if len({name.strip() for name in names}) > 1:
            message = f"labels that are one number written in several ways: {_listed(names, total)}"
            findings.append(Finding("mixed-label-types", "warning", message))
    numeric = [name for names in same_number.values() for name in names]
    words = [name for name in sorted(total) if name not in set(numeric)]
    if numeric and words:
        message = f"labels mix numbers and words: {_listed(numeric, total)} and {_listed(words, total)}"
        findings.append(Finding("mixed-label-types", "warning", message))
    return findings


def _single_class(splits: Splits, counts: Mapping[str, Counter[str]]) -> list[Finding]:
    train = splits.get("train", ())
    targets = [target_of(example) for example in train if target_of(example) is not None]
    if not targets:
        return []
    numbers = [target for target in targets if isinstance(target, float)]
    if numbers and len(set(numbers)) == 1 and len(numbers) == len(targets):
        return [
            Finding("one-class", "error", f"train: every target is {numbers[0]}: there is nothing to learn")
        ]
    labels = list(counts["train"])
    is_multi = any(isinstance(target, (tuple, list)) for target in targets)
    everywhere = len(set(map(repr, targets))) == 1 if is_multi else len(labels) == 1
    if everywhere and not numbers:
        return [
            Finding("one-class", "error", f"train: every label is {targets[0]!r}: there is nothing to learn")
        ]
    return []


def _absent_from_train(splits: Splits, counts: Mapping[str, Counter[str]]) -> list[Finding]:
    findings = []
    known = counts.get("train")
    for split, found in counts.items():
        if split == "train" or not known:
            continue
        absent = sorted(found.keys() - known.keys())
        if absent:
            places = [
                f"{example.origin} {target_of(example)!r}"
                for example in splits[split]
                if any(label not in known for label in _labels(target_of(example)))
            ]
            message = f"{split}: labels that no training example has: {_listed(absent, found)}"
            findings.append(Finding("label-absent-from-train", "warning", message, tuple(places[:SHOWN])))
    return findings


def _rare(counts: Mapping[str, Counter[str]]) -> list[Finding]:
    train = counts.get("train", Counter())
    if len(train) < 2:
        return []
    lonely = sorted(label for label, count in train.items() if count < TOO_RARE)
    few = sorted(label for label, count in train.items() if TOO_RARE <= count < RARE)
    findings = []
    if lonely:
        message = f"train: labels with fewer than {TOO_RARE} examples: {_listed(lonely, train)}"
        findings.append(Finding("rare-label", "warning", message))
    if few:
        message = f"train: labels with fewer than {RARE} examples: {_listed(few, train)}"
        findings.append(Finding("rare-label", "info", message))
    return findings
