"""Conversations as windows of tokens, each reply learnt once, with as much of what was said before it as fits.

What does not fit is cut from the oldest turn on, and counted; a system turn is kept. Not for: the form in which turns
are written (`talkers`), or what becomes of the windows (the task).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewell.core.examples import Turn
from tunewell.models.talkers import ChatTokenizer


@dataclass(frozen=True)
class Window:
    """Part of a conversation: token ids, the spans of the replies that are learnt here, and how many tokens were cut."""

    ids: list[int]
    spans: list[tuple[int, int]]
    num_cut_tokens: int = 0


def reply_windows(
    tokenizer: ChatTokenizer, turns: Sequence[Turn], wanted: Sequence[int], limit: int
) -> list[Window]:
    """Windows of at most `limit` tokens in which each of the `wanted` turns, in order, is learnt once.

    A window holds as many replies as fit without cutting more than the first of them needs.
    """
    num_system = sum(turn.role == "system" for turn in turns)
    windows: list[Window] = []
    place = 0
    while place < len(wanted):
        first, last = _first_kept(tokenizer, turns, wanted[place], num_system, limit), place
        while last + 1 < len(wanted) and _fits(tokenizer, turns, num_system, first, wanted[last + 1], limit):
            last += 1
        kept = [*turns[:num_system], *turns[first : wanted[last] + 1]]
        moved = first - num_system
        windows.append(_window(tokenizer, kept, [index - moved for index in wanted[place : last + 1]], limit))
        if moved:
            cut = len(tokenizer.conversation(turns[num_system:first]).ids)
            windows[-1] = Window(windows[-1].ids, windows[-1].spans, windows[-1].num_cut_tokens + cut)
        place = last + 1
    return windows


def prompt_window(tokenizer: ChatTokenizer, turns: Sequence[Turn], limit: int) -> Window:
    """What was said, as far as it fits into `limit` tokens, and the beginning of the reply."""
    num_system = sum(turn.role == "system" for turn in turns)
    first = num_system
    whole = ids = tokenizer.prompt(turns)
    while len(ids) > limit and first < len(turns) - 1:
        first += _step(turns, first)
        ids = tokenizer.prompt([*turns[:num_system], *turns[first:]])
    return Window(ids[-limit:], [], len(whole) - min(len(ids), limit))


def _first_kept(
    tokenizer: ChatTokenizer, turns: Sequence[Turn], reply: int, num_system: int, limit: int
) -> int:
    """The oldest turn from which the conversation up to `reply` fits; at the latest the turn before it."""
    first = num_system
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


def _window(tokenizer: ChatTokenizer, turns: Sequence[Turn], wanted: Sequence[int], limit: int) -> Window:
    """One window; of a turn and a reply that do not fit together, half the room each is kept at most."""
    written = tokenizer.conversation(turns, wanted)
    ids, spans = written.ids, [written.spans[place] for place in wanted if place in written.spans]
    excess = len(ids) - limit
    if excess <= 0:
        return Window(ids, spans)
    start, end = spans[-1] if spans else (len(ids), len(ids))
    reply = ids[start:end][: max(limit // 2, limit - start)]
    before = ids[:start][-(limit - len(reply)) :]
    return Window([*before, *reply], [(len(before), len(before) + len(reply))], excess)
