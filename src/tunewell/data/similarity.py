"""When two texts count as the same: equal after normalisation, or near by their character 5-grams.

Near means a Jaccard similarity of at least `NEAR` between the sets of 5-grams. Candidates are found with
MinHash signatures (Broder 1997) in bands and then verified exactly, so a reported pair is never wrong; a pair
just at the threshold is missed in about one case of a hundred. Not for: deciding what to say (`checks`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEAR = 0.9
"""Jaccard similarity of 5-gram sets from which two texts are near-duplicates."""

_SHINGLE = 5
_BANDS = 6
_ROWS_PER_BAND = 6
_MAX_SHINGLES = 8_000_000
_MAX_CANDIDATES = 50
_OBVIOUS_ESTIMATE = 0.6  # far below NEAR: 36 minima estimate a similarity of 0.9 to about +-0.05


class NearPair(NamedTuple):
    """Text `second` of one list is near text `first` of another; `similarity` is their Jaccard similarity."""

    first: int
    second: int
    similarity: float


def normalised(text: str) -> str:
    """NFKC, case folded, runs of white space made one blank: equal results mean the same text."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def sampling_rate(num_characters: int) -> int:
    """Of how many 5-grams one is looked at, so that texts of this total length take seconds."""
    return max(1, -(-num_characters // _MAX_SHINGLES))


def signatures(texts: Sequence[str], rate: int) -> NDArray[np.uint64]:
    """MinHash signatures `(texts, 36)` of normalised texts; `rate` must be the same for texts to be compared."""
    padded = [text.ljust(_SHINGLE) for text in texts]
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    result = np.empty((len(texts), _BANDS * _ROWS_PER_BAND), dtype=np.uint64)
    if not len(texts):
        return result
    hashes = np.zeros(len(codes) - _SHINGLE + 1, dtype=np.uint64)
    for offset in range(_SHINGLE):  # unsigned arithmetic wraps, as a polynomial hash wants
        hashes *= np.uint64(0x100000001B3)
        hashes += codes[offset : len(codes) - _SHINGLE + 1 + offset]
    hashes = _mixed(hashes)
    owners = np.repeat(np.arange(len(texts)), lengths)[: len(hashes)]
    ends = np.cumsum(lengths)
    inside = np.arange(len(hashes)) <= (ends - _SHINGLE)[owners]
    if rate > 1:
        sampled = inside & (hashes % np.uint64(rate) == 0)
        # A text without a sampled 5-gram keeps its first one.
        sampled[ends - lengths] = True
        inside = sampled
    hashes, owners = hashes[inside], owners[inside]
    starts = np.searchsorted(owners, np.arange(len(texts)))
    for column in range(result.shape[1]):
        salted = _mixed(hashes ^ np.uint64(0x9E3779B97F4A7C15 * (column + 1) % 2**64))
        result[:, column] = np.minimum.reduceat(salted, starts)
    return result


def near_pairs(
    first: Sequence[str],
    first_signatures: NDArray[np.uint64],
    second: Sequence[str],
    second_signatures: NDArray[np.uint64],
) -> list[NearPair]:
    """For each text of `second` that is near one of `first`, its nearest found, in the order of `second`."""
    if not len(first) or not len(second):
        return []
    pairs = _candidates(first_signatures, second_signatures)
    agreement = np.mean(first_signatures[pairs[:, 0]] == second_signatures[pairs[:, 1]], axis=1)
    pairs = pairs[agreement >= _OBVIOUS_ESTIMATE]
    best: dict[int, NearPair] = {}
    shingles: dict[str, frozenset[str]] = {}
    for left, right in pairs.tolist():
        a, b = first[left], second[right]
        if min(len(a), len(b)) < 0.5 * max(len(a), len(b)):
            continue
        similarity = _jaccard(_shingles(a, shingles), _shingles(b, shingles))
        if similarity >= NEAR and (right not in best or similarity > best[right].similarity):
            best[right] = NearPair(left, right, similarity)
    return [best[right] for right in sorted(best)]


def _candidates(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs (index in first, index in second) that agree in all rows of at least one band."""
    found: list[NDArray[np.int64]] = []
    for band in range(_BANDS):
        rows = slice(band * _ROWS_PER_BAND, (band + 1) * _ROWS_PER_BAND)
        first_keys, second_keys = _band_keys(first[:, rows]), _band_keys(second[:, rows])
        order = np.argsort(first_keys, kind="stable")
        ordered = first_keys[order]
        left = np.searchsorted(ordered, second_keys, side="left")
        # A template shared by thousands of texts would give millions of pairs: a few of them tell as much.
        counts = np.minimum(np.searchsorted(ordered, second_keys, side="right") - left, _MAX_CANDIDATES)
        total = int(counts.sum())
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        firsts = order[np.repeat(left, counts) + within]
        found.append(np.stack([firsts, np.repeat(np.arange(len(second)), counts)], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _band_keys(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    keys = np.zeros(len(rows), dtype=np.uint64)
    for column in range(rows.shape[1]):
        keys = _mixed(keys ^ rows[:, column])
    return keys


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: spreads every bit over the whole word."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _shingles(text: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
    if text not in known:
        padded = text.ljust(_SHINGLE)
        known[text] = frozenset(
            padded[place : place + _SHINGLE] for place in range(len(padded) - _SHINGLE + 1)
        )
    return known[text]


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
