"""Conversations as windows of tokens, each reply learnt once, with as much of what was said before it as fits.

What does not fit is cut from the oldest turn on, and counted; a system turn is kept. Not for: the form in which turns
are written (`talkers`), or what becomes of the windows (the task).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunewell.core.examples import Turn
from tunewell.models.talkers import ChatTokenizer


@dataclass(frozen=True)
class Window:
    """Part of a conversation: token ids, the spans of the replies that are learnt here, and how many tokens were cut.

    `num_characters` is the length of these replies' texts, as far as they were not cut.
    """

    ids: list[int]
    spans: list[tuple[int, int]]
    num_cut_tokens: int = 0
    num_characters: int = 0


def reply_windows(
    tokenizer: ChatTokenizer, turns: Sequence[Turn], wanted: Sequence[int], limit: int
) -> list[Window]:
    """Windows of at most `limit` tokens in which each of the `wanted` turns, in order, is learnt once.

    A window holds as many replies as fit without cutting more than the first of them needs; one only, where the chat
    template writes a reply in another way once more is said after it.
    """
    num_system = num_system_turns(turns)
    windows: list[Window] = []
    place, first = 0, num_system
    while place < len(wanted):
        first, last = _first_kept(tokenizer, turns, wanted[place], first, num_system, limit), place
        while (
            tokenizer.keeps_earlier
            and last + 1 < len(wanted)
            and _fits(tokenizer, turns, num_system, first, wanted[last + 1], limit)
        ):
            last += 1
        kept = [*turns[:num_system], *turns[first : wanted[last] + 1]]
        moved = first - num_system
        dropped = turns[num_system:first]
        if dropped and dropped[0].role == "assistant" and tokenizer.leaves_out_first_reply:
            dropped = dropped[1:]
        num_cut = len(tokenizer.conversation(dropped).ids) if dropped else 0
        replies = [index - moved for index in wanted[place : last + 1]]
        windows.append(_window(tokenizer, kept, replies, limit, num_cut))
        place = last + 1
        if first > num_system and turns[first].role != "user":
            first -= 1  # the next window goes on from here, as if it had looked from the beginning
    return windows


def prompt_window(tokenizer: ChatTokenizer, turns: Sequence[Turn], limit: int) -> Window:
    """What was said, as far as it fits into `limit` tokens, and the beginning of the reply."""
    whole = tokenizer.prompt(turns)
    if len(whole) <= limit:
        return Window(whole, [])
    ids = tokenizer.prompt(newest_turns(turns, lambda kept: len(tokenizer.prompt(kept)) <= limit))
    return Window(ids[-limit:], [], len(whole) - min(len(ids), limit))


def newest_turns(turns: Sequence[Turn], fits: Callable[[Sequence[Turn]], bool]) -> Sequence[Turn]:
    """As many of the newest turns as `fits` allows, after the system turn; the last one stays in any case."""
    num_system = first = num_system_turns(turns)
    kept = turns
    while first < len(turns) - 1 and not fits(kept):
        first += _step(turns, first)
        kept = [*turns[:num_system], *turns[first:]]
    return kept


def num_system_turns(turns: Sequence[Turn]) -> int:
    """How many turns are the system's; they stand first."""
    return sum(turn.role == "system" for turn in turns)


def _first_kept(
    tokenizer: ChatTokenizer, turns: Sequence[Turn], reply: int, first: int, num_system: int, limit: int
) -> int:
    """The oldest turn, from `first` on, from which the conversation up to `reply` fits; at the latest the turn before it."""
    while first < reply - 1 and not _fits(tokenizer, turns, num_system, first, reply, limit):
        first += min(_step(turns, first), reply - 1 - first)
    return first


def _step(turns: Sequence[Turn], first: int) -> int:
    """A user's turn goes together with the reply to it, so that what is left begins with a user's turn."""
    return 2 if turns[first].role == "user" and first + 2 < len(turns) else 1


def _fits(
    tokenizer: ChatTokenizer, turns: Sequence[Turn], num_system: int, first: int, last: int, limit: int
) -> bool:
    return len(tokenizer.conversation([*turns[:num_system], *turns[first : last + 1]]).ids) <= limit


def _window(
    tokenizer: ChatTokenizer, turns: Sequence[Turn], wanted: Sequence[int], limit: int, num_cut: int
) -> Window:
    """One window; of a turn and a reply that do not fit together, half the room each is kept at most."""
    written = tokenizer.conversation(turns, wanted)
    ids, spans = written.ids, [written.spans[place] for place in wanted]
    num_characters = sum(len(turns[place].text.strip()) for place in wanted)
    excess = len(ids) - limit
    if excess <= 0:
        return Window(ids, spans, num_cut, num_characters)
    start, end = spans[-1]
    reply = ids[start:end][: max(limit // 2, limit - start)]
    before = ids[:start][-(limit - len(reply)) :]
    if len(reply) < end - start:
        num_characters = len(tokenizer.decode(reply))
    return Window(
        [*before, *reply], [(len(before), len(before) + len(reply))], num_cut + excess, num_characters
    )
