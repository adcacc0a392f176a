"""Which column holds a conversation, or which ones what is asked and what is replied, said only where there is no doubt.

The setting that comes of it is one column, or a list: the columns of what is asked, and last that of the reply. Not for:
reading a row (`conversations`), or tables with one turn a row, which are put together before (`turn_tables`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Row
from tunewell.data.columns import LABEL_NAMES
from tunewell.data.conversation_forms import HISTORY_NAMES, message_keys, spelt
from tunewell.data.conversation_roles import ROLES, Unreadable
from tunewell.data.multi_turn_lines import END_OF_UTTERANCE

MESSAGE_NAMES = (
    "messages",
    "conversations",
    "conversation",
    "dialogue",
    "dialog",
    "chat",
    "turns",
    "utterances",
)
"""What a column of conversations is called, the likeliest first."""

_OF_TEXTS = ("dialogue", "dialog", "turns", "utterances", "messages", "conversations", "conversation")
"""Under these names a list of texts is a conversation."""

_PAIRS = (
    ("instruction", "output"),
    ("instruction", "response"),
    ("prompt", "response"),
    ("prompt", "completion"),
)
"""Names of what is asked and what is replied that leave no doubt."""

_MORE_PAIRS = (
    ("question", "answer"), ("question", "response"), ("query", "response"), ("query", "answer"),
    ("query", "reply"), ("context", "response"), ("message", "response"), ("message", "reply"), ("post", "reply"),
    ("user", "assistant"), ("human", "assistant"), ("user", "bot"), ("input", "output"), ("input", "response"),
    ("input", "target"), ("q", "a"), ("source", "target"),
)  # fmt: skip
"""Names that are taken where the user says that the task is dialogue."""

_BETWEEN = {"instruction": ("input", "context"), "prompt": ("input",)}
"""Columns that say more of what is asked, by its name."""

_JUDGED = {"chosen", "rejected", *LABEL_NAMES}
_PROMPTS = ("prompt", "text", "instruction", "question", "query", "input")
_SAMPLE_ROWS = 200

Column = str | list[str]


def guess_column(
    columns: Sequence[str], rows: Sequence[Row], given: str | Sequence[str] | None = None
) -> Column | None:
    """The column or columns, when the rows are unmistakably conversations; what is `given` is taken.

    So they are with lists of messages, lists of texts or marked turns under the name of conversations, or pairs of
    columns such as `prompt` and `response`. Raises `ConfigError` for messages that are printed Python objects.
    """
    if given is not None:
        return given if isinstance(given, str) else list(given)
    sample = rows[:_SAMPLE_ROWS]
    if not sample:
        return None
    lowered = _lowered(columns)
    if {"chosen", "rejected"} <= lowered.keys():
        return None
    named = [lowered[name] for name in MESSAGE_NAMES if name in lowered]
    for column in named:
        if (found := _whole(column, sample)) is not None:
            labelled_turns = found == "messages" and _has_labels_of_turns(column, columns, sample)
            return None if labelled_turns else column
    others = [name for name in columns if name not in named and _whole(name, sample) == "messages"]
    if len(others) == 1:
        return others[0]
    if others or lowered.keys() & _JUDGED:
        return None
    marked = [name for name in columns if _are_marked(name, sample)]
    if len(marked) == 1:
        return marked[0]
    return None if marked else _pair(lowered, sample, _PAIRS)


def asked_column(
    columns: Sequence[str], rows: Sequence[Row], given: str | Sequence[str] | None = None
) -> Column:
    """The column or columns where the user says that there are conversations; raises `ConfigError` in doubt."""
    found = guess_column(columns, rows, given)
    if found is not None:
        return found
    sample, lowered = rows[:_SAMPLE_ROWS], _lowered(columns)
    whole = [name for name in columns if _whole(name, sample) is not None or _are_marked(name, sample)]
    named = [lowered[name] for name in MESSAGE_NAMES if lowered.get(name) in whole]
    if named or len(whole) == 1:
        return (named or whole)[0]
    pair = None if whole else _pair(lowered, sample, (*_PAIRS, *_MORE_PAIRS))
    if pair is not None:
        return pair
    could = f"; it could be {' or '.join(whole[:4])}" if whole else ""
    raise ConfigError(
        f"which column holds the conversation{could}? The columns are {', '.join(columns)}",
        fix="--set task.messages=COLUMN, or --set 'task.messages=[ASKED,REPLY]' for what is asked and what is replied",
    )


def column_for(columns: Iterable[str], column: str | Sequence[str]) -> str | Sequence[str]:
    """Where the conversation stands among other columns than those of training, such as a line of text; else `column`.

    Only what the names say is known: a conversation's name goes before a prompt's.
    """
    present = {str(name).casefold(): str(name) for name in columns}
    wanted = (column,) if isinstance(column, str) else column[:-1]
    if not present or any(name in present.values() for name in wanted):
        return column
    return next((present[name] for name in (*MESSAGE_NAMES, *_PROMPTS) if name in present), column)


def _lowered(columns: Sequence[str]) -> dict[str, str]:
    return {name.strip().casefold(): name for name in reversed(columns)}


def _whole(column: str, rows: Sequence[Row]) -> str | None:
    """What the values of a column are: `messages`, lists of texts or pairs (`texts`), `marked` texts; None otherwise."""
    present = [value for row in rows if (value := row.values.get(column)) is not None]
    first = next(iter(present), None)
    if isinstance(first, str) and column.strip().casefold() in MESSAGE_NAMES:
        if _are_marked(column, rows):
            return "marked"
        try:
            present = [spelt(value, labelled=True) for value in present if isinstance(value, str)]
        except Unreadable as fault:
            origin = next(row.origin for row in rows if row.values.get(column) is not None)
            raise ConfigError(f"column {column!r}: {fault}", where=str(origin)) from None
    kinds = [_kind(value, column.strip().casefold()) for value in present if value not in ([], ())]
    if not kinds or kinds[0] is None or 10 * kinds.count(kinds[0]) < 9 * len(kinds):
        return None
    return kinds[0]


def _kind(value: Any, name: str) -> str | None:
    if isinstance(value, Mapping):
        lists = {key: entries for key, entries in value.items() if isinstance(entries, list)}
        role, text = message_keys(lists)
        return "messages" if text is not None and (role is not None or name in MESSAGE_NAMES) else None
    if not isinstance(value, list | tuple):
        return None
    if all(isinstance(element, str) for element in value):
        return "texts" if name in _OF_TEXTS else None
    if all(isinstance(element, Mapping) for element in value):
        return "messages" if all(_is_message(element, name) for element in value) else None
    pairs = all(
        isinstance(element, list | tuple)
        and len(element) == 2
        and all(isinstance(side, str) for side in element)
        for element in value
    )
    return "texts" if pairs and name in _OF_TEXTS else None


def _is_message(element: Mapping[str, Any], name: str) -> bool:
    """Whether an object says who speaks and what; under the name of conversations, other objects may be turns too."""
    role, text = message_keys(element)
    if role is not None and text is not None and isinstance(element[role], str) and role != "name":
        return True
    sides = {ROLES.get(str(key).casefold()) for key in element}
    return name in MESSAGE_NAMES and (
        text is not None or bool(sides - {None}) or {"input", "output"} <= element.keys()
    )


def _has_labels_of_turns(column: str, columns: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether each turn has a label of its own, so that turns are to be classified."""
    labels = [name for name in columns if name.strip().casefold() in LABEL_NAMES]

    def fits(row: Row, name: str) -> bool:
        turns, own = row.values.get(column), row.values.get(name)
        return isinstance(turns, list) and isinstance(own, list) and len(turns) == len(own)

    return any(all(fits(row, name) for row in rows) for name in labels)


def _are_marked(column: str, rows: Sequence[Row]) -> bool:
    """Whether nearly all values are texts in which turns are marked."""
    present = [value for row in rows if (value := row.values.get(column)) is not None]
    marked = sum(isinstance(value, str) and END_OF_UTTERANCE in value for value in present)
    return marked > 0 and 10 * marked >= 9 * len(present)


def _pair(
    lowered: Mapping[str, str], rows: Sequence[Row], pairs: Sequence[tuple[str, str]]
) -> list[str] | None:
    """The first of the pairs that the columns have, with what says more of what is asked between the two."""
    for asked, reply in pairs:
        if asked not in lowered or reply not in lowered:
            continue
        if not all(_is_said(row.values.get(lowered[name])) for row in rows for name in (asked, reply)):
            continue
        if not any(row.values.get(lowered[reply]) for row in rows):
            continue
        history = [lowered[name] for name in HISTORY_NAMES if name in lowered]
        more = [lowered[name] for name in _BETWEEN.get(asked, ()) if name in lowered]
        return [*history, lowered[asked], *more, lowered[reply]]
    return None


def _is_said(value: Any) -> bool:
    return value is None or isinstance(value, str) or _kind(value, "messages") is not None
