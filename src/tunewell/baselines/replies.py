"""A baseline for conversations: a trigram model of replies, blind to what was said before them.

It counts the model's own tokens, so that its perplexity per token is that of the same text in the same pieces. Smoothed
after Kneser and Ney (1995), interpolated (Chen and Goodman 1999), with a uniform distribution below the single tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from tunewell.core.examples import DialogueExample, ReplyPrediction

_LEAST_DISCOUNT, _GREATEST_DISCOUNT = 0.1, 0.9
"""What is taken from each count stays between these, for few counts make the estimate nought or all."""


def no_candidates(_: DialogueExample) -> Sequence[str]:
    """No other replies: nothing is ranked."""
    return ()


class NGramReplies:
    """Every reply by the two tokens before each of its own; it writes the most frequent training reply.

    `tokens` gives the ids of a text's tokens, each from 0 to `vocab_size` - 1. `replies` says which turns are learnt:
    the assistant's, or all but the first (system turns never). `candidates` gives the replies that are ranked with the
    gold one, without that.
    """

    def __init__(
        self,
        tokens: Callable[[str], Sequence[int]],
        vocab_size: int,
        *,
        replies: Literal["assistant", "all"] = "assistant",
        candidates: Callable[[DialogueExample], Sequence[str]] = no_candidates,
    ) -> None:
        self._tokens = tokens
        self._end = vocab_size
        self._begin = vocab_size + 1
        self._replies = replies
        self._candidates = candidates

    def fit(self, examples: Sequence[DialogueExample]) -> None:
        """Count the tokens of all replies; deterministic. Without any reply, every token is as likely as another."""
        replies = [reply for example in examples for reply in self._targets(example)]
        self._frequent = Counter(replies).most_common(1)[0][0] if replies else ""
        base = self._begin + 1
        trigrams, counts = np.unique(self._trigrams(replies), return_counts=True)
        # After a begin symbol stands always the same, another begin symbol, so that number of different neighbours
        # says nothing there: its real counts do.
        weights = np.where(trigrams // base % base == self._begin, counts, 1)
        pairs, inverse = np.unique(trigrams % base**2, return_inverse=True)
        pair_counts = np.bincount(inverse, weights, minlength=len(pairs))
        singles, single_counts = np.unique(pairs % base, return_counts=True)
        self._levels = [
            _Level.of(codes, found, base)
            for codes, found in ((singles, single_counts), (pairs, pair_counts), (trigrams, counts))
        ]

    def predict(self, examples: Sequence[DialogueExample]) -> list[ReplyPrediction]:
        """One prediction per example, in order.

        The loss is the sum over all replies of the conversation, an end symbol after each; None where it has none.
        Ranks go by the mean over a reply's tokens, and the gold reply stands behind candidates that are as likely.
        """
        loss = cache(self._loss)
        return [self._answer(example, loss) for example in examples]

    def probabilities(self, history: Sequence[int]) -> list[float]:
        """How likely each token is after those of `history`, that begin a reply; the end of the reply is the last."""
        before = [self._begin, self._begin, *history][-2:]
        context = (before[0] * (self._begin + 1) + before[1]) * (self._begin + 1)
        found: list[float] = self._chances(context + np.arange(self._end + 1)).tolist()
        return found

    def _answer(self, example: DialogueExample, loss: Callable[[str], tuple[float, int]]) -> ReplyPrediction:
        targets = self._targets(example)
        if not targets:
            return ReplyPrediction(example.id, self._frequent)
        losses, nums_tokens = zip(*map(loss, targets), strict=True)
        ends = self._replies == "all" or example.reply is not None
        others = self._candidates(example) if ends else ()
        means = [summed / num_tokens for summed, num_tokens in map(loss, others)]
        gold = losses[-1] / nums_tokens[-1]
        return ReplyPrediction(
            example.id,
            self._frequent,
            gold_loss=sum(losses),
            num_gold_tokens=sum(nums_tokens),
            num_gold_characters=sum(len(target.strip()) for target in targets),
            gold_rank=1 + sum(mean <= gold for mean in means) if means else None,
            num_ranked=1 + len(means) if means else None,
        )

    def _targets(self, example: DialogueExample) -> list[str]:
        said = [turn for turn in example.turns if turn.role != "system"]
        if self._replies == "all":
            return [turn.text for turn in said[1:]]
        return [turn.text for turn in said if turn.role == "assistant"]

    def _loss(self, reply: str) -> tuple[float, int]:
        """Minus the logarithm of the reply's probability, and the number of its tokens, its end included."""
        chances = self._chances(self._trigrams([reply]))
        return -float(np.log(chances).sum()), len(chances)

    def _trigrams(self, replies: Sequence[str]) -> Any:
        """Each token, and each end, with the two before it, as one number."""
        base = self._begin + 1
        ids = np.fromiter(
            (
                token
                for reply in replies
                for token in (self._begin, self._begin, *self._tokens(reply), self._end)
            ),
            dtype=np.int64,
        )
        codes = (ids[:-2] * base + ids[1:-1]) * base + ids[2:]
        return codes[ids[2:] != self._begin]

    def _chances(self, trigrams: Any) -> Any:
        chances = np.full(len(trigrams), 1 / (self._end + 1))
        for length, level in enumerate(self._levels, 1):
            chances = level.mixed(trigrams % (self._begin + 1) ** length, chances)
        return chances


@dataclass(frozen=True)
class _Level:
    """The counts of all runs of one length. A run is a number: its context times `base`, plus its last token."""

    codes: Any
    counts: Any
    contexts: Any
    totals: Any
    """Of each context, the sum of the counts after it."""
    kinds: Any
    """Of each context, how many different tokens come after it."""
    discount: float
    base: int

    @classmethod
    def of(cls, codes: Any, counts: Any, base: int) -> _Level:
        """From runs, ascending, and their counts."""
        contexts, inverse, kinds = np.unique(codes // base, return_inverse=True, return_counts=True)
        totals = np.bincount(inverse, counts, minlength=len(contexts))
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        estimate = once / (once + 2 * twice) if once else 0.0
        discount = min(max(estimate, _LEAST_DISCOUNT), _GREATEST_DISCOUNT)
        return cls(codes, counts, contexts, totals, kinds, discount, base)

    def mixed(self, codes: Any, lower: Any) -> Any:
        """The probability of each run's last token, where `lower` is what a shorter context says of it."""
        counts = _found(codes, self.codes, self.counts)
        totals = _found(codes // self.base, self.contexts, self.totals)
        kinds = _found(codes // self.base, self.contexts, self.kinds)
        seen = np.maximum(counts - self.discount, 0) + self.discount * kinds * lower
        return np.where(totals > 0, seen / np.maximum(totals, 1), lower)


def _found(wanted: Any, known: Any, values: Any) -> Any:
    """The value of each wanted number among known ones, which ascend; 0 for one that is not there."""
    if not len(known):
        return np.zeros(len(wanted))
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[places] == wanted, values[places], 0)
