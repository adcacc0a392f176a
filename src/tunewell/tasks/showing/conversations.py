"""What is shown of replies in conversations: how surprising, how ranked, how dull, how odd, and those worth reading."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from tunewell.core.examples import DialogueExample, ReplyPrediction
from tunewell.core.sections import Bars, Conversation, Conversations, Section, Table
from tunewell.tasks.showing.lists import TEXTS_SHOWN, counted, cut_short
from tunewell.tasks.showing.outputs import (
    REACHED_LIMIT,
    classes_of,
    length_of,
    odd_table,
    quote,
    said_of,
    unit_of,
)

ODDITIES = ("repeats itself", "repeats the turn before it", "wrong script", REACHED_LIMIT, "empty")
_AS_REPLY = {"copies the source": "repeats the turn before it"}
_FREQUENT = 20
_DULL = 0.1
"""A reply given to more than this share of conversations is called out."""

_TURNS = ((1, "1"), (3, "2 to 3"), (5, "4 to 5"), (9, "6 to 9"), (19, "10 to 19"))
_MOST_TURNS = "20 or more"
_LARGEST_EXPONENT = 700.0
Told = tuple[DialogueExample, ReplyPrediction]


def conversation_sections(
    examples: Sequence[DialogueExample], predictions: Sequence[ReplyPrediction]
) -> list[Section]:
    """Scores by turns, ranks, oddities, the model's favourite replies, their lengths, and what is worth reading.

    What nobody asked the model (a reply, a rank) has no section.
    """
    pairs = list(zip(examples, predictions, strict=True))
    oddities = [_oddities(*pair) for pair in pairs]
    sections: list[Section] = [_scores_by_turns(pairs)]
    if any(prediction.gold_rank is not None for prediction in predictions):
        sections.append(_ranks(predictions))
    written = [(pair, odd) for pair, odd in zip(pairs, oddities, strict=True) if pair[1].reply is not None]
    if written:
        sections += [
            odd_table(
                "replies",
                ODDITIES,
                [odd for _, odd in written],
                [quote(prediction.reply or "", example.origin) for (example, prediction), _ in written],
                "Signs that a reply is no reply, whatever its score. Some have more than one.",
            ),
            _frequent_replies([pair for pair, _ in written]),
            _reply_lengths([pair for pair, _ in written]),
        ]
    return sections + _lists(pairs, oddities)


def _oddities(example: DialogueExample, prediction: ReplyPrediction) -> list[str]:
    """What is odd about the reply; that it is shorter or longer than the gold one is not."""
    from tunewell.metrics.oddities import odd_output

    if prediction.reply is None:
        return []
    last = example.history[-1].text if example.history else ""
    found = [_AS_REPLY.get(name, name) for name in odd_output(last, example.reply, prediction.reply)]
    return [name for name in found if name in ODDITIES] + [REACHED_LIMIT] * prediction.reached_limit


def _num_turns(example: DialogueExample) -> int:
    """Turns before the reply; what `system` says is no turn."""
    return sum(turn.role != "system" for turn in example.history)


def _loss(prediction: ReplyPrediction) -> float | None:
    """Nats per token of the gold replies, within what `math.exp` takes; None where they are not known."""
    if prediction.gold_loss is None or not prediction.num_gold_tokens:
        return None
    return min(prediction.gold_loss / prediction.num_gold_tokens, _LARGEST_EXPONENT)


def _perplexity(predictions: Sequence[ReplyPrediction]) -> float | None:
    """Of all their gold tokens together."""
    known = [
        (p.gold_loss, p.num_gold_tokens) for p in predictions if p.gold_loss is not None and p.num_gold_tokens
    ]
    if not known:
        return None
    loss = math.fsum(loss for loss, _ in known) / sum(count for _, count in known)
    return math.exp(min(loss, _LARGEST_EXPONENT))


def _first_share(predictions: Sequence[ReplyPrediction]) -> float | None:
    """How often the gold reply is ranked first."""
    ranks = [p.gold_rank for p in predictions if p.gold_rank is not None]
    return sum(rank == 1 for rank in ranks) / len(ranks) if ranks else None


def _scores_by_turns(pairs: Sequence[Told]) -> Table:
    names = [*(name for _, name in _TURNS), _MOST_TURNS]
    classes: dict[str, list[ReplyPrediction]] = {name: [] for name in names}
    for example, prediction in pairs:
        turns = _num_turns(example)
        classes[next((name for most, name in _TURNS if turns <= most), _MOST_TURNS)].append(prediction)
    ranked = any(prediction.gold_rank is not None for _, prediction in pairs)
    rows: list[list[str | int | float | None]] = [
        [name, len(found), _perplexity(found), *([_first_share(found)] if ranked else [])]
        for name, found in classes.items()
        if found
    ]
    every = _perplexity([prediction for _, prediction in pairs])
    return Table(
        "Scores by number of turns before the reply",
        "Perplexity: among how many equally likely tokens the model would waver, on average, at each token of the gold "
        "replies, the earlier ones of a conversation too; lower is better."
        + (" Recall at 1: how often it ranks the gold reply first." if ranked else ""),
        ["turns", "conversations", "perplexity_per_token", *(["recall_at_1"] if ranked else [])],
        rows,
        shows=""
        if every is None
        else f"Of all conversations together the perplexity is {every:.3g} per token.",
    )


def _ranks(predictions: Sequence[ReplyPrediction]) -> Bars:
    ranks = [p.gold_rank for p in predictions if p.gold_rank is not None]
    sizes = [p.num_ranked for p in predictions if p.num_ranked is not None]
    most = max([*sizes, *ranks])
    counts = {str(rank): float(ranks.count(rank)) for rank in range(1, most + 1)}
    return Bars(
        "Where it ranks the gold reply",
        f"Among {most} candidates, the replies of other conversations besides; 1 is the likeliest. By chance all ranks "
        "would be as frequent.",
        "times",
        counts,
        total=float(len(ranks)),
        shows=f"First in {ranks.count(1):,} of {len(ranks):,} conversations ({ranks.count(1) / len(ranks):.1%}); by "
        f"chance it would be {1 / most:.1%}.",
    )


def _frequent_replies(pairs: Sequence[Told]) -> Table:
    """The replies that the model gives most often: dull models give few of them to everything."""
    ours = Counter(" ".join((prediction.reply or "").split()) for _, prediction in pairs)
    theirs = Counter(" ".join(example.reply.split()) for example, _ in pairs if example.reply is not None)
    rows: list[list[str | int | float | None]] = [
        [reply or "(nothing)", count, count / len(pairs), theirs[reply]]
        for reply, count in ours.most_common(_FREQUENT)
    ]
    favourite, count = ours.most_common(1)[0]
    shows = (
        f"{counted(len(ours), 'different reply')} in {counted(len(pairs), 'conversation')}; the data have "
        f"{len(theirs):,}. "
    )
    if count > 1 and count / len(pairs) > _DULL:
        shows += (
            f"The most frequent is given to {count / len(pairs):.1%} of the conversations, in the data to "
            f"{theirs[favourite] / len(pairs):.1%}."
        )
    else:
        shows += f"None is given to more than {counted(count, 'conversation')}."
    return Table(
        "Most frequent replies",
        "A dull model answers everything with the same few sentences. The last column says how often the data do so.",
        ["reply", "times", "share", "times_in_the_data"],
        rows,
        shows=shows,
    )


def _reply_lengths(pairs: Sequence[Told]) -> Table:
    ours = [prediction.reply or "" for _, prediction in pairs]
    theirs = [example.reply for example, _ in pairs if example.reply is not None]
    unit = unit_of(theirs or ours)
    counts = [[length_of(text, unit) for text in texts] for texts in (ours, theirs)]
    shares: list[Mapping[str, float]] = [
        {name: len(places) / len(lengths) for name, places in classes_of(lengths, unit)} for lengths in counts
    ]
    names = [name for name, _ in classes_of([*counts[0], *counts[1]], unit)]
    means = [sum(lengths) / len(lengths) for lengths in counts if lengths]
    return Table(
        "Lengths of the replies",
        "How many of the model's replies, and of those in the data, are so long.",
        [unit, "share_of_the_model_replies", "share_of_the_replies_in_the_data"],
        [[name, *(share.get(name, 0.0) for share in shares)] for name in names],
        shows=f"The model's replies have {means[0]:.1f} {unit} on average"
        + (f", those in the data {means[1]:.1f}." if len(means) > 1 else "."),
    )


def _lists(pairs: Sequence[Told], oddities: Sequence[Sequence[str]]) -> list[Section]:
    """Ranked worst and best, the most surprising, and the odd ones; a list that can't be made is left out."""
    entries = [_entry(*pair, odd) for pair, odd in zip(pairs, oddities, strict=True)]
    losses = [_loss(prediction) for _, prediction in pairs]
    ranks = [prediction.gold_rank for _, prediction in pairs]
    by_loss = sorted(
        (place for place, loss in enumerate(losses) if loss is not None),
        key=lambda place: -(losses[place] or 0.0),
    )
    sections: list[Section] = []

    def add(title: str, note: str, places: Sequence[int], shows: str) -> None:
        sections.append(
            Conversations(title, note, [entries[place] for place in places[:TEXTS_SHOWN]], shows=shows)
        )

    odd = [place for place, found in enumerate(oddities) if found]
    if any(prediction.reply is not None for _, prediction in pairs):
        add(
            "Replies that look odd",
            "Repeated, empty, cut off, or in another script than the gold reply.",
            odd,
            f"{len(odd):,} of {counted(len(pairs), 'conversation')}{cut_short(len(odd))}.",
        )
    if any(rank is not None for rank in ranks):
        passed = sorted(
            (place for place, rank in enumerate(ranks) if rank is not None and rank > 1),
            key=lambda place: (-(ranks[place] or 0), -(losses[place] or 0.0)),
        )
        first = sorted(
            (place for place, rank in enumerate(ranks) if rank == 1), key=lambda place: losses[place] or 0.0
        )
        add(
            "Gold replies ranked worst",
            "The reply of the data is taken for less likely than others. Many a reply fits more than one conversation.",
            passed,
            f"In {len(passed):,} of {counted(len(pairs), 'conversation')} another reply is ranked before the "
            f"gold one{cut_short(len(passed))}.",
        )
        add(
            "Gold replies ranked best",
            "Ranked first; the least surprising come first.",
            first,
            f"{len(first):,} of {counted(len(pairs), 'conversation')}{cut_short(len(first))}.",
        )
    if by_loss:
        worst = math.exp(losses[by_loss[0]] or 0.0)
        add(
            "Most surprising replies",
            "Conversations whose gold replies, the earlier ones too, have the highest perplexity per token first: rare "
            "words, another language, broken data.",
            by_loss,
            f"The most surprising has a perplexity of {worst:,.4g} per token.",
        )
    return sections


def _entry(example: DialogueExample, prediction: ReplyPrediction, oddities: Sequence[str]) -> Conversation:
    facts: dict[str, str | float] = {}
    loss = _loss(prediction)
    if loss is not None:
        facts["perplexity_per_token"] = math.exp(loss)
    if prediction.gold_rank is not None:
        facts["gold_rank"] = prediction.gold_rank
    if prediction.reply is not None:
        facts["oddities"] = said_of(oddities)
    facts["origin"] = str(example.origin)
    return Conversation(list(example.history), example.reply, prediction.reply, facts)
