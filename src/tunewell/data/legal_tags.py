"""The likeliest row of IOB2 tags that is a legal one.

Not for: what is legal in files, or what tags mean (`tunewell.core.tags`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def likeliest_legal(rows: NDArray[np.floating], names: Sequence[str]) -> NDArray[np.int64]:
    """The row of tags with the greatest sum in which each I-X follows B-X or I-X (Viterbi's algorithm).

    `rows` `(words, tags)` has the log-probability of each of the tags `names`; the result `(words,)` their places.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    inside = np.array([name.startswith("I-") for name in names])
    same = np.array([[one[1:] == other[1:] != "" for other in names] for one in names])
    allowed = ~inside[None, :] | same
    cost = np.where(allowed, 0.0, -np.inf)  # from the row's tag to the column's
    best = np.where(inside, -np.inf, rows[0].astype(np.float64))
    before = np.zeros(rows.shape, dtype=np.int64)
    for place in range(1, len(rows)):
        reached = best[:, None] + cost
        before[place] = reached.argmax(axis=0)
        best = reached.max(axis=0) + rows[place]
    chosen = [int(best.argmax())]
    for place in range(len(rows) - 1, 0, -1):
        chosen.append(int(before[place, chosen[-1]]))
    return np.array(chosen[::-1])
