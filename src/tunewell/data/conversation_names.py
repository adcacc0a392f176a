"""What columns of conversations are called: the one that holds it all, or those of what is asked and what is replied.

Not for: what messages call their keys (`conversation_messages`), or what must stand in a column (`conversation_columns`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tunewell.data.conversation_roles import side_of

MESSAGE_NAMES = (
    "messages",
    "conversations",
    "conversation",
    "dialogue",
    "dialog",
    "chat",
    "turns",
    "utterances",
    "log",
)
"""What a column of conversations is called, the likeliest first."""

PAIRS = (
    ("instruction", "output"),
    ("instruction", "response"),
    ("prompt", "response"),
    ("prompt", "completion"),
    ("history", "response"),
    ("user", "assistant"),
    ("human", "assistant"),
)
"""Names of what is asked and what is replied that leave no doubt."""

MORE_PAIRS = (
    ("question", "answer"), ("question", "response"), ("query", "response"), ("query", "answer"),
    ("query", "reply"), ("context", "response"), ("message", "response"), ("message", "reply"), ("post", "reply"),
    ("utterance", "reply"), ("text", "reply"), ("user", "bot"), ("human", "ai"), ("human", "bot"),
    ("customer", "agent"), ("request", "response"), ("input", "output"), ("input", "response"),
    ("user_message", "bot_response"), ("input", "target"), ("input_text", "target_text"), ("q", "a"),
    ("source", "target"), ("src", "tgt"), ("问题", "答案"), ("提问", "回答"), ("问", "答"),
)  # fmt: skip
"""Names that are taken where the user says that the task is dialogue."""

_PROMPTS = ("prompt", "text", "instruction", "question", "query", "input")


def by_name(columns: Sequence[str]) -> dict[str, str]:
    """The columns by their names in lower case; of two alike the first."""
    return {name.strip().casefold(): name for name in reversed(columns)}


def pair_among(columns: Mapping[str, str], *, loose: bool = True) -> tuple[str, str] | None:
    """The first pair of what is asked and what is replied that the columns have, as the file writes it.

    Unless `loose`, only names that leave no doubt count; else, at last, one column of each side will do, and no more.
    """
    for asked, reply in (*PAIRS, *MORE_PAIRS) if loose else PAIRS:
        if asked in columns and reply in columns:
            return columns[asked], columns[reply]
    sides = {
        "user": [name for name in columns if side_of(name) == "user"],
        "assistant": [name for name in columns if side_of(name) == "assistant"],
    }
    if loose and all(len(names) == 1 for names in sides.values()):
        return columns[sides["user"][0]], columns[sides["assistant"][0]]
    return None


def dialogue_hint(columns: Sequence[str]) -> str:
    """What else to set where columns may be what is asked and what is replied; empty where they may not."""
    named = by_name(columns)
    if {"chosen", "rejected"} <= named.keys():
        return f"; or, to learn what is {named['chosen']}: --task dialogue"
    pair = pair_among(named)
    return "" if pair is None else f"; or, if {pair[1]} is the reply to {pair[0]}: --task dialogue"


def column_for(columns: Iterable[str], column: str | Sequence[str]) -> str | Sequence[str]:
    """Where the conversation stands among other columns than those of training, such as a line of text; else `column`.

    Only what the names say is known: a conversation's name goes before a prompt's.
    """
    present = {str(name).casefold(): str(name) for name in columns}
    wanted = (column,) if isinstance(column, str) else column[:-1]
    if not present or any(name in present.values() for name in wanted):
        return column
    return next((present[name] for name in (*MESSAGE_NAMES, *_PROMPTS) if name in present), column)
