"""Replies of a conversation: is the right one found among others, and how much variety is in those written?

`recall_at_1` and `mrr` ask a model to rank the gold reply among distractors, as Lowe et al. (2015) do. Distinct-1 and
distinct-2 (Li et al. 2016) are shares of different words, and pairs of words, among all that were written: they fall
as more is written, so compare them on equal examples alone. Not for: likelihoods (`likelihoods`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tunewell.metrics.tables import FloatArray, IntArray, PartTable, check_same_length, ratio
from tunewell.metrics.words import words


def ranking_table(rank: IntArray | FloatArray, num_ranked: IntArray | FloatArray) -> PartTable:
    """`recall_at_1`, how often the gold reply comes first, and `mrr`, the mean of 1 / rank.

    `rank` `(examples,)` is the gold reply's place among `num_ranked` candidates, 1 for the likeliest; NaN where nothing
    was ranked, and such examples count for nothing. Raises `ValueError` for a rank that is none of 1..num_ranked.
    """
    check_same_length(rank=rank, num_ranked=num_ranked)
    places = np.asarray(rank, dtype=np.float64)
    ranked = ~np.isnan(places)
    beyond = ranked & ~((places >= 1) & (places <= num_ranked))
    if beyond.any():
        first = int(np.flatnonzero(beyond)[0])
        raise ValueError(f"rank {places[first]:g} of {num_ranked[first]:g} candidates, in place {first}")
    reciprocal = np.divide(1.0, places, out=np.zeros(len(places)), where=ranked)
    columns = [ranked.astype(np.float64), (places == 1).astype(np.float64), reciprocal]
    return PartTable(
        np.stack(columns, axis=1),
        {
            "recall_at_1": lambda sums: ratio(sums[..., 1], sums[..., 0]),
            "mrr": lambda sums: ratio(sums[..., 2], sums[..., 0]),
        },
        shares=("recall_at_1",) if ranked.all() else (),
    )


def reply_totals(predicted: Sequence[str]) -> dict[str, float]:
    """`distinct_1` and `distinct_2` in 0..1, and `mean_reply_words`, of all replies together.

    No resample gives them: one with the same reply twice has less variety by that alone. So they are for
    `Scores.totals`. Words are those of `words`, pairs stand within one reply; 0 where there are none.
    """
    cut = [words(reply) for reply in predicted]
    singles = [word for reply in cut for word in reply]
    pairs = [pair for reply in cut for pair in pairwise(reply)]
    return {
        "distinct_1": len(set(singles)) / max(len(singles), 1),
        "distinct_2": len(set(pairs)) / max(len(pairs), 1),
        "mean_reply_words": len(singles) / max(len(cut), 1),
    }
