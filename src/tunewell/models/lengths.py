"""How long a text may be that a model writes, by the longest of training. Not for: how much it can read (`loading`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

_LOOKED_AT = 50
_FACTOR, _MORE = 1.2, 8


def longest_of(texts: Iterable[str], num_tokens: Callable[[str], int]) -> int:
    """The most tokens of a text, looked for among those of the most characters."""
    return max(map(num_tokens, sorted(texts, key=len)[-_LOOKED_AT:]))


def with_room(longest: int) -> int:
    """A fifth and a few tokens more than the longest text of training has."""
    return math.ceil(_FACTOR * longest) + _MORE
