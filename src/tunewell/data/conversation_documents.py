"""JSON that holds conversations and no table of records: lists of messages, objects by id, lists under a name of their own.

Each gives records that a table can be made of. Not for: the forms of a record (`conversation_forms`), or decoding JSON
(`json_documents`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_LISTS = ("conversations", "dialogues", "dialogs", "dialogue", "chats", "threads", "episodes", "examples", "rows",
          "items")  # fmt: skip
"""Members of an object that may hold its records."""

_ROWS_SHARE = 0.8

_SAID = ("content", "value", "text", "utterance", "message")
_TURNS = (
    "messages",
    "conversations",
    "conversation",
    "dialogue",
    "dialog",
    "turns",
    "utterances",
    "log",
    "content",
)


def as_record(value: object, *, of_texts: bool = False) -> dict[str, Any] | None:
    """A list of messages, or where no table has lists for rows `of_texts`, as a record with the column `messages`.

    None for any other value.
    """
    if is_messages(value):
        return {"messages": value}
    are_texts = isinstance(value, list) and len(value) > 1 and all(isinstance(part, str) for part in value)
    return {"messages": value} if of_texts and are_texts else None


def is_messages(value: object) -> bool:
    """Whether a value is a list of objects that hold texts, which no table has for a row."""
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(part, Mapping) and any(name in part for name in _SAID) for part in value)
    )


def texts_as_records(records: Sequence[object]) -> list[object] | None:
    """Lists of texts that are no rows of a table, for they differ in length, as records with the column `messages`.

    Where most have one length, they are rows of a table, and the others are bad ones.
    """
    lists = [record for record in records if isinstance(record, list) and record]
    if not lists or len(lists) < len(records):
        return None
    if not all(isinstance(text, str) for record in lists for text in record):
        return None
    lengths = Counter(map(len, lists))
    are_rows = lengths.most_common(1)[0][1] > _ROWS_SHARE * len(lists) or min(lengths) < 2
    return None if are_rows else [{"messages": record} for record in lists]


def records_of(members: Mapping[str, object]) -> list[object] | None:
    """The records of an object that holds conversations by their ids, or in a list under a name; None for any other."""
    lists = [value for name, value in members.items() if name in _LISTS and isinstance(value, list)]
    if len(lists) == 1 and lists[0]:
        found = lists[0]
        if all(isinstance(part, Mapping) for part in found) and not is_messages(found):
            return list(found)
        if all(isinstance(part, list) and _is_conversation(part) for part in found):
            return [{"messages": part} for part in found]
    if not members or not all(_is_conversation(value) for value in members.values()):
        return None
    texts = [value for value in members.values() if isinstance(value, list) and not is_messages(value)]
    if texts and len({len(value) for value in texts}) == 1:
        return None  # these may be the columns of a table
    return [
        {"id": name, **value} if isinstance(value, Mapping) else {"id": name, "messages": value}
        for name, value in members.items()
    ]


def _is_conversation(value: object) -> bool:
    """Whether a value is a list of messages or of texts, or an object that holds such under the name of a conversation."""
    if isinstance(value, list):
        return is_messages(value) or (len(value) > 0 and all(isinstance(part, str) for part in value))
    if not isinstance(value, Mapping):
        return False
    return any(_is_conversation(value.get(name)) for name in _TURNS if isinstance(value.get(name), list))
