"""Conversations as features, and replies written, ranked and scored.

Not for: how likely the gold replies are (`dialogue`), or the form in which turns are written (`tunewell.models.talkers`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tunewell.core.examples import DialogueExample, ReplyPrediction, Turn
from tunewell.data import distractors
from tunewell.data.features import Asked, Feature

if TYPE_CHECKING:
    from torch import nn

    from tunewell.data.batches import Batch
    from tunewell.metrics.tables import Scores

_TOKENS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a reply is asked for: token ids, and those of the gold reply, its end included; none where nobody knows it.

    `place` is its place in the batch.
    """

    place: int
    example_id: str
    ids: Sequence[int]
    gold: Sequence[int]


@dataclass(frozen=True, slots=True)
class Search:
    """How to write a reply: at temperature 0 the likeliest token each time, else drawn with a seed.

    It ends at its own end token, or before the first of the texts in `stop`.
    """

    temperature: float
    top_p: float
    seed: int
    stop: tuple[str, ...] = ()

    def saved(self) -> dict[str, Any]:
        """In the words of transformers' `GenerationConfig`, for whoever loads the model; it knows no seed."""
        if self.temperature == 0:
            return {"num_beams": 1, "do_sample": False}
        return {
            "num_beams": 1,
            "do_sample": True,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": 0,
        }

    def ended(self, text: str) -> str:
        """`text` up to the first of the texts that end it."""
        places = [place for stop in self.stop if (place := text.find(stop)) >= 0]
        return text[: min(places)].rstrip() if places else text


# Features


def conversation_features(
    example: DialogueExample, wanted: Sequence[int], tokenizer: Any, limit: int
) -> list[Feature]:
    """Windows of at most `limit` tokens in which each of the `wanted` turns is learnt once; the last asks for a reply."""
    from tunewell.models.histories import num_system_turns

    if tokenizer.has_decoder:
        return pair_features(example, wanted, tokenizer, limit)
    limit = min(limit, tokenizer.max_length_tokens)
    if tokenizer.leaves_out_first_reply:
        first = num_system_turns(example.turns)
        wanted = [place for place in wanted if place != first or example.turns[place].role != "assistant"]
    if example.reply is None or not wanted:
        return [prompt_feature(example, tokenizer, limit)]
    return reply_features(example, wanted, tokenizer, limit)


def reply_features(
    example: DialogueExample, wanted: Sequence[int], tokenizer: Any, limit: int
) -> list[Feature]:
    """Windows for a causal model in which each of the `wanted` turns is learnt once; the last asks for the last of them."""
    from tunewell.models.histories import prompt_window, reply_windows

    features: list[Feature] = []
    windows = reply_windows(tokenizer, example.turns, wanted, limit)
    for window in windows:
        places = [place for start, end in window.spans for place in range(start, end)]
        features.append(
            Feature(
                example.id,
                window.ids,
                target=[window.ids[place] for place in places],
                num_truncated_tokens=window.num_cut_tokens,
                positions=[place - 1 for place in places],  # the token before it is read to tell it
                num_target_characters=window.num_characters,
            )
        )
    asked = prompt_window(tokenizer, example.turns[: wanted[-1]], min(limit, tokenizer.most_prompt_tokens))
    gold = windows[-1].ids[slice(*windows[-1].spans[-1])]
    num_cut = max(asked.num_cut_tokens, features[-1].num_truncated_tokens)
    last = replace(features[-1], asked=Asked(asked.ids, gold), num_truncated_tokens=num_cut)
    return [*features[:-1], last]


def prompt_feature(example: DialogueExample, tokenizer: Any, limit: int) -> Feature:
    """A window that asks a causal model for a reply that nobody knows."""
    from tunewell.models.histories import prompt_window

    asked = prompt_window(tokenizer, example.history, min(limit, tokenizer.most_prompt_tokens))
    return Feature(example.id, asked.ids, num_truncated_tokens=asked.num_cut_tokens, asked=Asked(asked.ids))


def pair_features(
    example: DialogueExample, wanted: Sequence[int], tokenizer: Any, limit: int
) -> list[Feature]:
    """For an encoder with a decoder: a window for each of the `wanted` turns, of what was said before it.

    The last asks for the last; the only one does where none is wanted, and none is known.
    """
    places: Sequence[int | None] = wanted if example.reply is not None and wanted else [None]
    features = []
    for place in places:
        read, num_cut = _newest(tokenizer, example.history if place is None else example.turns[:place], limit)
        ids, num_lost, num_characters = [], 0, 0
        if place is not None:
            text = example.turns[place].text
            ids, num_lost = tokenizer.encode_target(text, tokenizer.most_target_tokens)
            num_characters = len(tokenizer.decode(ids) if num_lost else text.strip())
        features.append(
            Feature(
                example.id,
                read,
                num_truncated_tokens=num_cut + num_lost,
                target_ids=ids,
                num_target_characters=num_characters,
            )
        )
    last = features[-1]
    return [*features[:-1], replace(last, asked=Asked(last.input_ids, last.target_ids))]


def _newest(tokenizer: Any, turns: Sequence[Turn], limit: int) -> tuple[list[int], int]:
    """What was said as an encoder reads it, without the oldest turns that do not fit, and how many tokens these are."""
    from tunewell.data.conversations import as_text
    from tunewell.models.histories import newest_turns

    def fits(kept: Sequence[Turn]) -> bool:
        num_cut: int = tokenizer.encode_newest(as_text(kept), limit)[1]
        return num_cut == 0

    whole, num_cut = tokenizer.encode_newest(as_text(turns), limit)
    if num_cut == 0:
        return whole, 0
    ids, _ = tokenizer.encode_newest(as_text(newest_turns(turns, fits)), limit)
    return ids, len(whole) + num_cut - len(ids)


# Writing and ranking


def prompts_of(batch: Batch) -> list[Prompt]:
    """The prompts of a batch, in order; sequences that ask for no reply have none."""
    return [
        Prompt(place, batch.example_ids[place], asked.prompt_ids, asked.gold_ids)
        for place, asked in enumerate(batch.asked)
        if asked is not None
    ]


def replies(
    model: nn.Module, prompts: Sequence[Prompt], tokenizer: Any, search: Search
) -> list[tuple[str, bool]]:
    """The text of each reply, and whether the greatest length ended it."""
    from tunewell.data.batches import Batch
    from tunewell.models.sampling import Sampling
    from tunewell.models.written import write

    batch = Batch.of([Feature(prompt.example_id, prompt.ids) for prompt in prompts]).to(_device(model))
    processors: list[Any] = []
    if search.temperature > 0:
        seeds = [_seed(prompt.example_id, search.seed) for prompt in prompts]
        start = 1 if tokenizer.has_decoder else int(batch.lengths.max())
        processors.append(Sampling(seeds, start, search.temperature, search.top_p))
    settings: dict[str, Any] = dict.fromkeys(("temperature", "top_p", "top_k"))
    settings |= {"num_beams": 1, "do_sample": False}  # `Sampling` draws, by seeds
    if search.stop:
        settings |= {"stop_strings": list(search.stop), "tokenizer": tokenizer.hf}
    rows = write(model, batch, settings, processors)
    texts = [tokenizer.decode(row) for row in rows]
    ended = [search.ended(text) for text in texts]
    return [
        (end, tokenizer.is_cut(row) and end == text)
        for row, text, end in zip(rows, texts, ended, strict=True)
    ]


def reply_ids(text: str, tokenizer: Any) -> list[int]:
    """The tokens of a reply, its end included, as the model is to write them."""
    if tokenizer.has_decoder:
        ids: list[int] = tokenizer.encode_target(text, tokenizer.most_target_tokens)[0]
        return ids
    found: list[int] = tokenizer.reply_ids(text)
    return found


def false_replies(pool: Sequence[str], prompt: Prompt, tokenizer: Any, count: int) -> list[str]:
    """`count` replies of the pool for a prompt, or as many as there are; none that looks to the model like the gold one.

    Two texts may have the same tokens, and of a very long reply only the beginning is read.
    """
    gold = list(prompt.gold)
    drawn = distractors.draw(pool, tokenizer.decode(gold), prompt.example_id, count + 1)
    return [text for text in drawn if not gold or reply_ids(text, tokenizer)[: len(gold)] != gold][:count]


def _seed(example_id: str, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}:{example_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def gold_ranks(
    model: nn.Module,
    prompts: Sequence[Prompt],
    false: Sequence[Sequence[str]],
    tokenizer: Any,
    losses_of: Callable[[nn.Module, Batch], Any],
    collate: Callable[[Sequence[Feature]], Batch],
) -> list[int | None]:
    """The place of each gold reply among it and its `false` ones, by mean log-probability a token; None without either.

    Of equals the gold one stands last. `losses_of` gives the losses `(targets,)` of a batch that `collate` made.
    """
    import torch

    from tunewell.data.batches import by_token_budget
    from tunewell.models.written import sums_by_sequence

    features: list[Feature] = []
    owners: list[int] = []
    for place, (prompt, texts) in enumerate(zip(prompts, false, strict=True)):
        if not prompt.gold or not texts:
            continue
        for candidate in [list(prompt.gold), *(reply_ids(text, tokenizer) for text in texts)]:
            features.append(candidate_feature(prompt, candidate, tokenizer))
            owners.append(place)
    means = [0.0] * len(features)
    for group in by_token_budget([feature.size for feature in features], _TOKENS_AT_ONCE):
        batch = collate([features[index] for index in group]).to(_device(model))
        counts = batch.num_positions if batch.target_ids is None else batch.target_lengths
        assert counts is not None
        with torch.inference_mode():
            sums = sums_by_sequence(losses_of(model, batch).double(), counts) / counts
        for index, mean in zip(group, sums.tolist(), strict=True):
            means[index] = mean
    scored: list[list[float]] = [[] for _ in prompts]
    for owner, mean in zip(owners, means, strict=True):
        scored[owner].append(mean)
    return [1 + sum(mean <= own[0] for mean in own[1:]) if own else None for own in scored]


def candidate_feature(prompt: Prompt, candidate: list[int], tokenizer: Any) -> Feature:
    """One candidate after its prompt, which is the same for all; of a candidate that does not fit, the beginning."""
    if tokenizer.has_decoder:
        return Feature(prompt.example_id, prompt.ids, target_ids=candidate)
    candidate = candidate[: tokenizer.max_length_tokens - len(prompt.ids)]
    places = range(len(prompt.ids) - 1, len(prompt.ids) + len(candidate) - 1)
    return Feature(prompt.example_id, [*prompt.ids, *candidate], target=candidate, positions=list(places))


def scores(examples: Sequence[DialogueExample], predictions: Sequence[ReplyPrediction]) -> Scores:
    """What is known of the predictions: likelihoods, ranks, and replies beside the gold ones."""
    import numpy as np

    from tunewell.metrics import replies
    from tunewell.metrics.likelihoods import likelihood_table
    from tunewell.metrics.tables import Scores
    from tunewell.metrics.translations import bleu_tokenizer_for, translation_tables

    losses = np.array([prediction.gold_loss or 0.0 for prediction in predictions])
    counts = np.array([prediction.num_gold_tokens or 0 for prediction in predictions], float)
    characters = np.array([prediction.num_gold_characters or 0 for prediction in predictions], float)
    tables = [likelihood_table(losses, counts, characters)]
    ranks = [prediction.gold_rank for prediction in predictions]
    if any(rank is not None for rank in ranks):
        ranked = [prediction.num_ranked or 1 for prediction in predictions]
        of = np.array([np.nan if rank is None else rank for rank in ranks], float)
        tables.append(replies.ranking_table(of, np.array(ranked, float)))
    totals: dict[str, float] = {}
    if all(prediction.reply is not None for prediction in predictions):
        written = [prediction.reply or "" for prediction in predictions]
        golds = [example.reply or "" for example in examples]
        cut = bleu_tokenizer_for(None, golds[:1000])
        tables += translation_tables(written, golds, bleu_tokenizer=cut, with_ter=False)
        totals = dict(replies.reply_totals(written))
    return Scores("perplexity_per_token", tables, totals=totals)


def _device(model: Any) -> Any:
    return next(model.parameters()).device
