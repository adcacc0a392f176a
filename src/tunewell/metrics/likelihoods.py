"""How likely a model finds the gold text: loss and perplexity per token, and per character.

Perplexities per token depend on how a tokenizer cuts: compare models that cut alike by them, others by the perplexity
per character, whose unit is everybody's. Lower is better. Not for: texts that a model wrote (`translations`, `replies`).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from tunewell.metrics.tables import FloatArray, IntArray, Metric, PartTable, check_same_length

_LARGEST = 700.0
"""The logarithm of a perplexity is cut here, just below what a float can hold."""

_LOSS, _TOKENS, _CHARACTERS = range(3)


def likelihood_table(
    loss: FloatArray, num_tokens: IntArray | FloatArray, num_characters: IntArray | FloatArray | None = None
) -> PartTable:
    """`loss_per_token` (nats), `perplexity_per_token` and, with characters, `perplexity_per_character`.

    `loss` `(examples,)` is minus the natural logarithm of the probability of each gold text, `num_tokens` how many
    tokens that is the sum over, ends of texts included, and `num_characters` how long the texts are for a reader. An
    example without a gold text has 0 in all. The metrics are NaN where there are no tokens or characters at all,
    and e^700 where they would be more.
    """
    columns = [loss, num_tokens]
    metrics: dict[str, Metric] = {
        "loss_per_token": partial(_mean_loss, _TOKENS),
        "perplexity_per_token": partial(_perplexity, _TOKENS),
    }
    if num_characters is not None:
        columns.append(num_characters)
        metrics["perplexity_per_character"] = partial(_perplexity, _CHARACTERS)
    check_same_length(**dict(zip(("loss", "num_tokens", "num_characters"), columns, strict=False)))
    own_units = dict.fromkeys(("loss_per_token", "perplexity_per_token"), _TOKENS)
    return PartTable(np.stack(columns, axis=1).astype(np.float64), metrics, own_units=own_units)


def _mean_loss(units: int, sums: FloatArray) -> FloatArray:
    number = sums[..., units]
    values: FloatArray = np.divide(
        sums[..., _LOSS], number, out=np.full(np.shape(number), np.nan), where=number != 0
    )
    return values


def _perplexity(units: int, sums: FloatArray) -> FloatArray:
    values: FloatArray = np.exp(np.minimum(_mean_loss(units, sums), _LARGEST))
    return values
