"""ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004): how many words, pairs of words and words in order a summary shares.

The F-measure of each text, averaged plainly, without stemming: for texts in ASCII what the `rouge-score` package gives
with `use_stemmer=False`. That package throws away every character but a-z and 0-9, so it cuts "für" in two and sees
nothing in a Chinese text; here words are those of `words`, which keeps letters of all scripts and takes each
character of an unspaced script as a word.

Not for: translations, for which the field has better measures (`translations`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from tunewell.metrics.tables import FloatArray, PartTable, ratio
from tunewell.metrics.words import longest_common_length, words


def rouge_table(predicted: Sequence[str], gold: Sequence[str]) -> PartTable:
    """`rouge1`, `rouge2` and `rougeL` in 0..1. Raises `ValueError` for different numbers of texts."""
    if len(predicted) != len(gold):
        raise ValueError(f"{len(predicted)} predicted texts for {len(gold)} gold ones")
    rows = [[1.0, *_scores(words(one), words(two))] for one, two in zip(predicted, gold, strict=True)]
    names = ("rouge1", "rouge2", "rougeL")
    return PartTable(
        np.array(rows, dtype=np.float64).reshape(len(rows), 4),
        {name: partial(_mean, column) for column, name in enumerate(names, start=1)},
    )


def _mean(column: int, sums: FloatArray) -> FloatArray:
    return ratio(sums[..., column], sums[..., 0])


def _scores(predicted: Sequence[str], gold: Sequence[str]) -> tuple[float, float, float]:
    """The F-measures of one text."""
    return (
        _overlap_f(predicted, gold),
        _overlap_f(_pairs(predicted), _pairs(gold)),
        _f_measure(longest_common_length(predicted, gold), len(predicted), len(gold)),
    )


def _pairs(items: Sequence[str]) -> list[tuple[str, str]]:
    return list(pairwise(items))


def _overlap_f(
    predicted: Sequence[str] | Sequence[tuple[str, str]], gold: Sequence[str] | Sequence[tuple[str, str]]
) -> float:
    shared = (Counter[object](predicted) & Counter[object](gold)).total()
    return _f_measure(shared, len(predicted), len(gold))


def _f_measure(shared: int, num_predicted: int, num_gold: int) -> float:
    """The harmonic mean of precision and recall; 0 where nothing is shared."""
    return 2 * shared / (num_predicted + num_gold) if shared else 0.0
