"""Conversations as turns, with the reply of the data and the model's side by side.

Long turns are cut, and of long conversations the earlier turns left out; both are counted where they stood. Not for
listing, searching or filtering: that is `texts.py`.
"""

from __future__ import annotations

from dataclasses import replace

from tunewell.core.sections import Conversation, Conversations
from tunewell.report.rewrites import kept, parted
from tunewell.report.texts import Block, Piece, TextsView, Written, listing

MAX_ENTRIES = 200
MAX_TURNS = 7
"""Odd, so that what is left of a long conversation begins with the user."""

MAX_CHARACTERS = 800
NAMES = {
    "system": "System",
    "user": "User",
    "assistant": "Assistant",
    "earlier": "",
    "reference": "Reply in the data",
    "reply": "The model's reply",
}


def conversations_view(section: Conversations, max_bytes: int) -> TextsView:
    """The first entries, `MAX_ENTRIES` at most, within about `max_bytes` of page."""
    shown = section.entries[:MAX_ENTRIES]
    view = listing(map(written, shown), [entry.facts for entry in shown], (), max_bytes, NAMES)
    return replace(view, num_entries=len(section.entries))


def written(entry: Conversation) -> Written:
    """The last `MAX_TURNS` turns, system turns besides, and the replies, as blocks."""
    told = [turn for turn in entry.turns if turn.role == "system"]
    turns = [turn for turn in entry.turns if turn.role != "system"]
    num_earlier = len(turns) - MAX_TURNS if len(turns) > MAX_TURNS + 1 else 0
    said: list[tuple[str, str]] = [(turn.role, turn.text) for turn in (*told, *turns[num_earlier:])]
    said += [
        (kind, text)
        for kind, text in (("reference", entry.reference), ("reply", entry.reply))
        if text is not None
    ]
    blocks = [Block(kind, parted(text, [], "", MAX_CHARACTERS)) for kind, text in said]
    if num_earlier:
        left_out = Piece("gap", f"[… {num_earlier:,} earlier turns left out]")
        blocks.insert(len(told), Block("earlier", [left_out]))
    return Written([], any(kept(text, MAX_CHARACTERS) < len(text) for _, text in said), blocks)
