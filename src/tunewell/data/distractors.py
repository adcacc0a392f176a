"""False replies among which the true one is to be found, drawn by a seed, the same for every model.

Not for: ranking them (the task), or what comes of it (`tunewell.metrics.replies`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

_SEED = 0


def pool(replies: Sequence[str], most: int) -> tuple[str, ...]:
    """At most `most` different ones of `replies`, drawn from all of them and in their order."""
    distinct = list(dict.fromkeys(replies))
    chosen = np.random.default_rng(_SEED).permutation(len(distinct))[:most]
    return tuple(distinct[place] for place in sorted(chosen))


def draw(pool: Sequence[str], gold: str, example_id: str, count: int) -> list[str]:
    """`count` of the pool's replies for one example, or as many as there are, none of them the true one.

    Which they are follows from the example's id alone.
    """
    digest = hashlib.sha256(example_id.encode()).digest()
    order = np.random.default_rng([_SEED, int.from_bytes(digest[:8], "big")]).permutation(len(pool))
    same = " ".join(gold.split()).casefold()
    others = (pool[place] for place in order if " ".join(pool[place].split()).casefold() != same)
    return [reply for reply, _ in zip(others, range(count), strict=False)]
