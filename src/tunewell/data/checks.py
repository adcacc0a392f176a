"""The data doctor: what is suspicious about examples that can all be read.

`examine` runs every check and returns findings, worst first; nothing is changed and nothing is raised. A task
adds its own checks. Not for: rows that cannot be read (`sources`), or deciding whether to go on: a caller
stops at findings of severity `error`, or where `overlap_share` is above a threshold that the user set.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from tunewell.core.examples import Example
from tunewell.data import similarity
from tunewell.data.findings import SHOWN, Finding, place_and_text, plural, snippet, worst_first
from tunewell.data.label_checks import examine_labels, target_of
from tunewell.data.similarity import normalised

__all__ = ["Finding", "examine", "overlap_share"]

MAX_TEXTS_FOR_NEAR = 200_000
"""With more texts the search for near-duplicates is left out, and a finding says so."""

E = TypeVar("E", bound=Example)

# Line separators, direction marks and the like; joiners are part of emoji and of several scripts.
_JOINERS = "\u200c\u200d"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ORDINARY = frozenset("\n\r\t" + _JOINERS + "\ufe0e\ufe0f")


@dataclass
class _Split(Generic[E]):
    """One split with its texts, normalised once for all checks; `index_of` finds a text's first example."""

    name: str
    examples: Sequence[E]
    texts: list[str]
    normal: list[str] = field(init=False)
    index_of: dict[str, int] = field(init=False)
    distinct: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.normal = [normalised(text) for text in self.texts]
        self.index_of = {}
        for index, text in enumerate(self.normal):
            if text:
                self.index_of.setdefault(text, index)
        self.distinct = list(self.index_of)

    def show(self, index: int) -> str:
        return place_and_text(self.examples[index], self.texts[index])


def examine(
    splits: Mapping[str, Sequence[E]], text_of: Callable[[E], str], *, batch_size: int | None = None
) -> list[Finding]:
    """Every finding on these splits, errors first.

    `text_of` gives the text of an example (both texts of a pair, joined); `batch_size` is the number of
    examples of one optimizer step, for the check that training has at least one full batch.
    """
    prepared = [_prepare(name, examples, text_of) for name, examples in splits.items()]
    findings = examine_labels(splits)
    for split in prepared:
        findings += _blank(split)
        findings += _odd_characters(split)
        findings += _duplicates(split)
        if batch_size is not None and split.name == "train" and len(split.examples) < batch_size:
            num_rows = plural(len(split.examples), "example")
            message = f"train: {num_rows}, fewer than one batch of {batch_size}"
            findings.append(Finding("fewer-than-a-batch", "warning", message))
    findings += _overlaps(prepared)
    return worst_first(findings)


def overlap_share(
    splits: Mapping[str, Sequence[E]], text_of: Callable[[E], str], *, near: bool = True
) -> dict[tuple[str, str], float]:
    """For each pair of splits, the share of the second's examples whose text also stands in the first.

    The same text after normalisation counts, and with `near` also a near-duplicate (up to 200,000 texts).
    """
    prepared = [_prepare(name, examples, text_of) for name, examples in splits.items()]
    signatures = _signatures(prepared) if near else None
    shares: dict[tuple[str, str], float] = {}
    for first, second in combinations(prepared, 2):
        shared = {text for text in second.distinct if text in first.index_of}
        if signatures is not None:
            shared |= {second.distinct[pair.second] for pair in _near(first, second, signatures)}
        count = sum(text in shared for text in second.normal)
        shares[first.name, second.name] = count / max(1, len(second.examples))
    return shares


def _prepare(name: str, examples: Sequence[E], text_of: Callable[[E], str]) -> _Split[E]:
    return _Split(name, examples, [text_of(example) for example in examples])


def _blank(split: _Split[E]) -> list[Finding]:
    places = [index for index, text in enumerate(split.normal) if not _visible(text)]
    if not places:
        return []
    shown = tuple(split.show(index) for index in places[:SHOWN])
    return [Finding("blank-text", "warning", f"{split.name}: {plural(len(places), 'blank text')}", shown)]


def _visible(text: str) -> bool:
    return any(not character.isspace() and unicodedata.category(character)[0] != "C" for character in text)


def _odd_characters(split: _Split[E]) -> list[Finding]:
    """Characters that cannot be seen or that stand for lost ones, by kind, with the first places."""
    kinds: dict[str, list[tuple[int, int]]] = {}
    odd_of: dict[str, str | None] = {}
    for index, text in enumerate(split.texts):
        if text.isascii() and text.isprintable():
            continue
        for character in set(text):
            if character not in odd_of:
                odd_of[character] = _oddity(character)
            kind = odd_of[character]
            if kind is not None:
                kinds.setdefault(kind, []).append((index, text.count(character)))
    findings = []
    for kind, found in sorted(kinds.items()):
        rows = list(dict.fromkeys(index for index, _ in found))
        total = sum(count for _, count in found)
        lost = kind.startswith("U+FFFD")
        findings.append(
            Finding(
                "lost-characters" if lost else "invisible-characters",
                "warning" if lost else "info",
                f"{split.name}: {plural(total, 'character')} of the kind {kind}, in {plural(len(rows), 'text')}",
                tuple(
                    f"{split.examples[row].origin} {_around(split.texts[row], kind)}" for row in rows[:SHOWN]
                ),
            )
        )
    return findings


def _oddity(character: str) -> str | None:
    """What is odd about a character, in words; None for the others."""
    if character == "\ufffd":
        return "U+FFFD (stands for bytes that were lost in a conversion)"
    if character in _ORDINARY:
        return None
    if character in _BIDI:
        return "direction mark"
    category = unicodedata.category(character)
    if category == "Cf":
        return "zero-width or format character"
    if category == "Cs":
        return "half of a surrogate pair"
    return "control character" if category == "Cc" or character in "\u2028\u2029" else None


def _around(text: str, kind: str) -> str:
    place = next(index for index, character in enumerate(text) if _oddity(character) == kind)
    start = max(0, place - 20)
    return f"at character {place + 1}: {snippet(text[start : place + 20])}"


def _duplicates(split: _Split[E]) -> list[Finding]:
    """Exact repeats, and the same text with different targets."""
    by_text: dict[str, list[int]] = {}
    for index, text in enumerate(split.texts):
        by_text.setdefault(text, []).append(index)
    repeated = [places for text, places in by_text.items() if len(places) > 1 and text.strip()]
    findings = []
    if repeated:
        surplus = sum(len(places) - 1 for places in repeated)
        message = (
            f"{split.name}: {plural(surplus, 'example')} ({_percent(surplus, len(split.texts))}) repeat the text "
            f"of an earlier one"
        )
        severity: Literal["warning", "info"] = "warning" if surplus >= 0.05 * len(split.texts) else "info"
        shown = tuple(
            f"{split.show(p[1])} = line {split.examples[p[0]].origin.line}" for p in repeated[:SHOWN]
        )
        findings.append(Finding("duplicates", severity, message, shown))
    by_normal: dict[str, list[int]] = {}
    for index, text in enumerate(split.normal):
        if text:
            by_normal.setdefault(text, []).append(index)
    torn = [places for places in by_normal.values() if len(places) > 1 and _disagree(split, places)]
    if torn:
        message = f"{split.name}: {plural(len(torn), 'text')} with several different targets"
        shown = tuple(_contradiction(split, places) for places in torn[:SHOWN])
        findings.append(Finding("contradictions", "warning", message, shown))
    return findings


def _disagree(split: _Split[E], places: Sequence[int]) -> bool:
    return len({_comparable(target_of(split.examples[index])) for index in places} - {None}) > 1


def _comparable(target: Any) -> Any:
    return tuple(sorted(map(str, target))) if isinstance(target, (tuple, list)) else target


def _contradiction(split: _Split[E], places: Sequence[int]) -> str:
    lines = {
        repr(target_of(split.examples[index])): split.examples[index].origin.line
        for index in reversed(places)
    }
    said = ", ".join(f"{target} on line {line}" for target, line in list(lines.items())[::-1][:4])
    return f"{split.show(places[0])}: {said}"


def _overlaps(prepared: Sequence[_Split[E]]) -> list[Finding]:
    findings: list[Finding] = []
    signatures = _signatures(prepared)
    if signatures is None and len(prepared) > 1:
        message = (
            f"more than {MAX_TEXTS_FOR_NEAR:,} texts: near-duplicates between splits were not looked for"
        )
        findings.append(Finding("near-overlap-skipped", "info", message))
    for first, second in combinations(prepared, 2):
        shared = [text for text in second.distinct if text in first.index_of]
        if shared:
            findings.append(_exact_overlap(first, second, shared))
        if signatures is not None:
            pairs = _near(first, second, signatures)
            if pairs:
                findings.append(_near_overlap(first, second, pairs))
    return findings


def _signatures(prepared: Sequence[_Split[E]]) -> dict[str, NDArray[np.uint64]] | None:
    if len(prepared) < 2 or sum(len(split.distinct) for split in prepared) > MAX_TEXTS_FOR_NEAR:
        return None
    rate = similarity.sampling_rate(sum(len(text) for split in prepared for text in split.distinct))
    return {split.name: similarity.signatures(split.distinct, rate) for split in prepared}


def _near(
    first: _Split[E], second: _Split[E], signatures: Mapping[str, NDArray[np.uint64]]
) -> list[similarity.NearPair]:
    """Near-duplicates of texts of `second` that do not stand in `first` exactly."""
    new = [place for place, text in enumerate(second.distinct) if text not in first.index_of]
    texts = [second.distinct[place] for place in new]
    pairs = similarity.near_pairs(first.distinct, signatures[first.name], texts, signatures[second.name][new])
    return [similarity.NearPair(pair.first, new[pair.second], pair.similarity) for pair in pairs]


def _exact_overlap(first: _Split[E], second: _Split[E], shared: Sequence[str]) -> Finding:
    texts = set(shared)
    count = sum(text in texts for text in second.normal)
    shown = tuple(
        f"{second.show(second.index_of[text])} = {first.examples[first.index_of[text]].origin}"
        for text in shared[:SHOWN]
    )
    have = "has" if count == 1 else "have"
    message = (
        f"{plural(count, 'example')} of {second.name} ({_percent(count, len(second.texts))}) {have} a text that is "
        f"also in {first.name}"
    )
    return Finding("overlap", "warning", message, shown)


def _near_overlap(first: _Split[E], second: _Split[E], pairs: Sequence[similarity.NearPair]) -> Finding:
    shown = tuple(
        f"{second.show(second.index_of[second.distinct[pair.second]])} ~ "
        f"{first.show(first.index_of[first.distinct[pair.first]])} ({pair.similarity:.2f})"
        for pair in pairs[:SHOWN]
    )
    message = (
        f"{plural(len(pairs), 'text')} of {second.name} ({_percent(len(pairs), len(second.texts))}) are nearly the "
        f"same as one in {first.name}"
    )
    return Finding("near-overlap", "warning", message, shown)


def _percent(count: int, total: int) -> str:
    return f"{100 * count / max(1, total):.1f}%"
