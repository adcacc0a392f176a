"""Drawing the next token so that a text depends on its seed alone, and not on what is written beside it.

The Gumbel-max trick (Gumbel 1954): the likeliest token after noise was added is a draw from the distribution. The noise of
each text comes from a seed of its own and the place in the text. Not for: beam search.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class Sampling:
    """Adds to the scores of each row the noise of its own seed; only the likeliest tokens, by `top_p`, can win.

    `start` is the length that the rows have before anything is written.
    """

    def __init__(self, seeds: Sequence[int], start: int, temperature: float, top_p: float = 1.0) -> None:
        self.seeds = seeds
        self.start = start
        self.temperature = temperature
        self.top_p = top_p

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores `(rows, vocabulary)` with noise; tokens outside the nucleus (Holtzman et al. 2020) get minus infinity."""
        scores = torch.log_softmax(scores.float() / self.temperature, dim=-1)
        if self.top_p < 1:
            ordered, places = scores.sort(dim=-1, descending=True)
            before = ordered.exp().cumsum(-1) - ordered.exp()
            ordered = ordered.masked_fill(before >= self.top_p, -torch.inf)
            scores = torch.full_like(scores, -torch.inf).scatter(-1, places, ordered)
        step = input_ids.shape[1] - self.start
        noise = [np.random.default_rng([seed, step]).gumbel(size=scores.shape[1]) for seed in self.seeds]
        return scores + torch.from_numpy(np.stack(noise)).to(scores)
