"""A tag for each word: the share of words that are right, and averaged F1 over tags.

For parts of speech and other tags that each stand for themselves. Sentences are sequences of tags, gold and
predicted word by word; parts are kept by sentence, since the words of one are not independent. Not for:
entities, where most words are outside and a high share of right words says little (`entities`).
The formulas over counts are in `counts`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunewell.metrics import counts
from tunewell.metrics.counts import LabelRow, label_rows
from tunewell.metrics.tables import FloatArray, IntArray, PartTable


def token_table(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], tags: Sequence[str]
) -> PartTable:
    """Accuracy over words, and F1 of each declared tag averaged plainly and by how often the tag is gold.

    Raises `ValueError` for sentences of different lengths and for a tag that is not among `tags`.
    """
    return PartTable(
        _counts(gold, predicted, tags),
        {
            "accuracy": counts.micro_recall,
            "macro_f1": counts.macro_f1,
            "weighted_f1": counts.weighted_f1,
        },
    )


def per_tag(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], tags: Sequence[str]
) -> list[LabelRow]:
    """One row per tag, in the order of `tags`: precision, recall, F1, gold and predicted words."""
    return label_rows(_counts(gold, predicted, tags).sum(axis=0), tags)


def _counts(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], tags: Sequence[str]
) -> FloatArray:
    """Count vectors `(sentences, 3 * tags)`."""
    lengths = [len(sentence) for sentence in gold]
    if lengths != [len(sentence) for sentence in predicted]:
        raise ValueError("gold and predicted sentences differ in their number, or in their numbers of words")
    if not tags:
        raise ValueError("no tags are declared")
    ids = {name: index for index, name in enumerate(tags)}
    true, said = _ids(gold, ids), _ids(predicted, ids)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    right = true == said
    width = 3 * len(tags)
    cells = np.concatenate(
        [
            rows * width + true,
            rows * width + len(tags) + said,
            rows[right] * width + 2 * len(tags) + true[right],
        ]
    )
    return np.bincount(cells, minlength=len(lengths) * width).reshape(len(lengths), width).astype(np.float64)


def _ids(sentences: Sequence[Sequence[str]], ids: dict[str, int]) -> IntArray:
    try:
        return np.array([ids[tag] for sentence in sentences for tag in sentence], dtype=np.int64)
    except KeyError as error:
        raise ValueError(f"the tag {error.args[0]!r} is not among the declared {', '.join(ids)}") from None
