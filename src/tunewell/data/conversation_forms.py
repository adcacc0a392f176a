"""The forms in which a row holds a conversation: its turns as they are stated, with who says them where that is said.

Understood are lists of turns (`conversation_messages`), also as lists by key, lists of pairs that begin with who speaks,
a text whose turns `__eou__` or other marks part (`marked_turns`), a text that is one turn, and several columns of which
the last holds the reply.

Not for: the roles of speakers (`conversation_roles`), which column it is (`conversation_columns`), or tables in which
several rows or columns make a conversation (`conversation_rows`).
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.core.examples import Row
from tunewell.data.conversation_messages import messages_by_turn, shown, turns_of_list
from tunewell.data.conversation_roles import Role, Stated, Unreadable, role_named, roles_of
from tunewell.data.conversation_rows import gather_turns as gather_turns  # tables are more forms
from tunewell.data.marked_turns import marked_turns, transcript_turns
from tunewell.data.multi_turn_lines import END_OF_UTTERANCE, turns_in

HISTORY_NAMES = ("history",)
_PRINTED = re.compile(r"\s*\[\s*(?:\{\s*)?['\"]")
_PRINTED_TOKEN = re.compile(r"""\s+|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s'"]""", re.DOTALL)


def stated_turns(row: Row, column: str | Sequence[str], *, labelled: bool) -> list[Stated]:
    """The turns of a row, in their order, each with its role or speaker where one is known.

    Of several columns the last holds the reply, and those before it what is asked: texts make one turn, each below the
    other, and a list (`history`) holds turns that came before. Without `labelled` the reply may be missing. Raises
    `Unreadable`.
    """
    if isinstance(column, str):
        value = row.values.get(column)
        if value is None:
            raise Unreadable(f"column {column!r} is missing")
        value = spelt(value, labelled=labelled) if isinstance(value, str) else value
        turns = turns_of(value)
        if labelled and len(turns) == 1 and isinstance(value, str):
            return transcript_turns(value) or turns
        return turns
    *asked, reply = column
    stated = _asked(row, asked)
    answer = row.values.get(reply)
    if answer is None and labelled:
        raise Unreadable(f"column {reply!r}, of the reply, is missing")
    if answer is None or (answer == "" and not labelled):
        return stated
    if isinstance(answer, str):
        return [*stated, Stated("assistant", answer)]
    return [*stated, *_with_roles(turns_of(answer), "assistant")]


def _asked(row: Row, columns: Sequence[str]) -> list[Stated]:
    """The turns before the reply: those that came before, then one of all texts."""
    texts: list[str] = []
    listed: list[Any] = []
    for name in columns:
        value = row.values.get(name)
        if isinstance(value, str) and name.casefold() in HISTORY_NAMES:
            value = spelt(value, labelled=True) if value.strip() else []
        is_told = isinstance(value, str) and name.casefold() in HISTORY_NAMES and _transcript(value)
        if (
            isinstance(value, str)
            and not is_told
            and END_OF_UTTERANCE not in value
            and not marked_turns(value)
        ):
            texts.append(value)
        elif value is not None and value != []:
            listed.append(value)
    if len(listed) > 1:
        raise Unreadable(f"two of the columns {', '.join(columns)} hold several turns")
    if not texts and not listed:
        raise Unreadable(
            f"{'one of the columns' if len(columns) > 1 else 'column'} {', '.join(columns)} is missing"
        )
    turns = [
        turn for value in listed for turn in _with_roles(turns_of(value), "assistant" if texts else "user")
    ]
    said = "\n".join(text for text in texts if text.strip())
    return [*turns, Stated("user", said)] if texts else turns


def _with_roles(turns: Sequence[Stated], last: Role) -> list[Stated]:
    return [Stated(role, turn.text) for role, turn in zip(roles_of(turns, last), turns, strict=True)]


def turns_of(value: Any) -> list[Stated]:
    """The turns that one value holds. Raises `Unreadable`."""
    if isinstance(value, str):
        if END_OF_UTTERANCE in value:
            return [Stated(None, text) for text in turns_in(value)]
        return marked_turns(value) or _transcript(value) or [Stated(None, value)]
    if isinstance(value, Mapping):
        value = messages_by_turn(value)
    if not isinstance(value, list | tuple):
        raise Unreadable(f"{shown(value)} is no conversation: a list of turns, or a text, is expected")
    if not value:
        raise Unreadable("the conversation has no turns")
    if are_said_by_sides(value):
        return [Stated(name, text, is_role=False) for name, text in value]
    return turns_of_list(value)


def spelt(value: str, *, labelled: bool) -> Any:
    """What a cell of a table spells: a list of turns as JSON or as Python and NumPy print it, or else just its text.

    Raises `Unreadable` when `labelled` for a list that is printed and cannot be read back, for it was cut short.
    """
    if value.lstrip()[:1] != "[":
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = _printed(value) if _PRINTED.match(value) else None
        if found is None and labelled and _PRINTED.match(value):
            raise Unreadable(
                f"{shown(value)} is a list as Python prints it, and cannot be read back: export the data as JSON lines "
                "instead"
            ) from None
    is_list = isinstance(found, list) and found and all(isinstance(part, dict | list | str) for part in found)
    return found if is_list else value


def _printed(value: str) -> Any:
    """The list that a text spells in Python; NumPy's, too, which puts no commas between its elements."""
    tokens = _PRINTED_TOKEN.findall(value)
    if "".join(tokens) != value:
        return None
    kept = [token for token in tokens if not token.isspace()]
    parted: list[str] = []
    for token in kept:
        if parted and parted[-1][-1] in "'\"}]" and token[0] in "'\"{[":
            parted.append(",")
        parted.append(token)
    try:
        return ast.literal_eval(" ".join(parted))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def are_said_by_sides(value: Sequence[Any]) -> bool:
    """Whether all elements are pairs of who speaks and what is said, and no exchanges: each first one names a side."""
    pairs = [pair for pair in value if isinstance(pair, list | tuple) and len(pair) == 2]
    if len(pairs) != len(value) or not all(isinstance(side, str) for pair in pairs for side in pair):
        return False
    roles = {role_named(pair[0]) for pair in pairs}
    return None not in roles and len(roles) > 1


def _transcript(text: str) -> list[Stated] | None:
    """The turns of a transcript, where what begins its lines is unmistakably who speaks.

    So it is with names of user and assistant, and where two names, and no others, begin lines again and again.
    """
    turns = transcript_turns(text)
    names = Counter((turn.name or "").casefold() for turn in turns or ())
    sides = {role_named(name) for name in names} - {"system"}
    often = len(names) == 2 and min(names.values()) > 1
    return turns if sides == {"user", "assistant"} or often else None
