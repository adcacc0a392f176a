"""Tables with one turn a row, or one exchange: their rows put together, one a conversation.

Not for: rows that hold a whole conversation (`conversation_forms`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.core.errors import DataError, collected
from tunewell.core.examples import Origin, Row
from tunewell.data.columns import LABEL_NAMES
from tunewell.data.conversation_names import pair_among
from tunewell.data.values import as_number

CONVERSATION_NAMES = (
    "conversation_id", "conversationid", "conv_id", "convid", "dialogue_id", "dialogueid", "dialog_id", "dialogid",
    "chat_id", "session_id", "thread_id", "episode_id", "conversation_no", "dialogue_no",
)  # fmt: skip
LOOSE_NAMES = ("conversation", "dialogue", "dialog", "chat", "session", "thread", "episode", "conv", "id",
               "case", "case_id", "call", "call_id", "ticket", "ticket_id", "room_id", "channel_id", "group_id")  # fmt: skip
"""Names that are taken where a conversation is asked for and several rows have the same value."""

SPEAKER_NAMES = (
    "role", "from", "speaker", "author", "sender", "participant", "speaker_id", "speaker_role", "speaker_idx", "caller",
    "sender_type", "sender_role", "author_role", "sent_by",
)  # fmt: skip
_LOOSE_SPEAKERS, _LOOSE_TEXTS = ("user", "who", "name", "username"), ("line", "said")
TEXT_NAMES = ("content", "value", "text", "utterance", "message", "body", "turn_text")
TURN_NAMES = (
    "turn", "turn_id", "turn_no", "turn_number", "turn_index", "turn_idx", "utterance_id", "utterance_idx",
    "utterance_no", "utterance_index", "message_id", "message_index", "position", "order", "seq",
)  # fmt: skip

GATHERED = "messages"
"""The column that the turns are put into."""


def gather_turns(
    columns: Sequence[str], rows: Sequence[Row], *, asked: bool = True
) -> tuple[list[str], list[Row]] | None:
    """One row a conversation, of a table with one turn a row; None for any other table.

    The table must have a column that names the conversation (`conversation_id`, `dialogue_id`, ...; in a `folder` where
    there is such a column), one of what is said (`text`, `utterance`, ...) and one of who speaks or of the number of the
    turn; where a conversation is `asked` for, the first may have a vaguer name, and the last be missing. In place of
    what is said there may be two columns, of what is asked and what is replied. Turns stand in the order of their
    numbers, where there are such, else in that of the file; they need not be neighbours. A row's origin is the line of
    the conversation that comes first in the file, and its `id` is the conversation's. What all turns of a conversation
    share is kept as it is, the rest as lists. Unless a conversation was `asked` for, a table with labels or without a
    conversation of several turns is left as it is. Raises `DataError` for rows that name no conversation, and for a number
    that two turns of a conversation have.
    """
    if not rows:
        return None
    found = _columns(columns, rows if asked else ())
    if found is None:
        return None
    conversation, number = found.conversation, found.number
    if not all(isinstance(row.values.get(said), str | None) for row in rows for said in found.said):
        return None
    if not asked and any(name.strip().lower() in LABEL_NAMES for name in columns):
        return None
    if number is not None and any(as_number(row.values.get(number)) is None for row in rows):
        number = None  # an id that counts nothing
    names = [row.values.get(conversation) for row in rows]
    if len(found.said) > 1 and number is None and len(set(map(str, names))) == len(rows):
        return None  # conversations of one exchange each
    in_files = len({row.origin.file for row in rows}) > 1
    groups: dict[str, list[Row]] = {}
    nameless: list[DataError] = []
    for row in rows:
        name = row.values.get(conversation)
        if name is None or not str(name).strip():
            nameless.append(DataError(f"column {conversation!r} is missing", where=str(row.origin)))
        place = "" if found.folder is None else f"{row.values.get(found.folder)}/"
        place += f"{Path(row.origin.file).name}:" if in_files else ""
        groups.setdefault(f"{place}{name}", []).append(row)
    if not asked and (nameless or len(groups) == len(rows)):
        return None
    if nameless:
        raise collected(
            nameless,
            of=rows[0].origin.file,
            fix="give each turn the name of its conversation, or take it out",
        )
    turns = [_in_order(group, number) for group in groups.values()]
    if {"utterance_idx", "speaker_idx"} <= set(columns):
        turns = [[_with_commas(row, found.said[0]) for row in group] for group in turns]
    used = (conversation, found.speaker, *found.said, "id", GATHERED)
    others = [name for name in columns if name not in used]
    shared = {name for name in others if all(_is_shared(group, name) for group in turns)}
    firsts = [(name, group[0].origin) for name, group in groups.items()]
    gathered = [
        _row(name, group, origin, found, others, shared)
        for group, (name, origin) in zip(turns, firsts, strict=True)
    ]
    return list(dict.fromkeys(["id", conversation, GATHERED, *others])), gathered


@dataclass(frozen=True)
class _Columns:
    """The columns of the conversation, of who speaks, of what is said (or asked and replied), and of the turn's number.

    Conversations in different folders are different, whatever they are called.
    """

    conversation: str
    speaker: str | None
    said: tuple[str, ...]
    number: str | None
    folder: str | None


def _columns(columns: Sequence[str], rows: Sequence[Row]) -> _Columns | None:
    """The columns of a table of turns; None without them. With `rows`, vaguer names will do."""
    lowered = {
        name.strip().casefold().replace(" ", "_").replace("-", "_"): name for name in reversed(columns)
    }
    plain = {name.replace("_", ""): column for name, column in lowered.items()}

    def first(names: Sequence[str]) -> str | None:
        return next((plain[own] for name in names if (own := name.replace("_", "")) in plain), None)

    conversation, number = first(CONVERSATION_NAMES), first(TURN_NAMES)
    speaker, text = first(SPEAKER_NAMES), first(TEXT_NAMES)
    pair = None
    if speaker is None and not {"history", "input"} & lowered.keys():
        pair = pair_among(lowered, loose=bool(rows))
        if text is not None and text not in (pair or ()):
            pair = None  # customer and agent are people's names beside what they say
    if pair is None and rows:
        text = text or first(_LOOSE_TEXTS)
        others = [name for name in _LOOSE_SPEAKERS if lowered.get(name) != text]
        speaker = speaker or first(others)
    if text is None and pair is None:
        return None
    if conversation is None and (speaker or number) and (loose := first(LOOSE_NAMES)) is not None:
        names = [row.values.get(loose) for row in rows]
        scalars = all(isinstance(name, str | int) for name in names)
        conversation = loose if scalars and len(set(names)) < len(names) else None
    if conversation is None or (speaker is None and number is None and pair is None and not rows):
        return None
    said = pair or (str(text),)
    return _Columns(conversation, None if pair else speaker, said, number, first(("folder",)))


def _with_commas(row: Row, said: str) -> Row:
    """The row with the commas that EmpatheticDialogues spells out."""
    text = row.values.get(said)
    return Row({**row.values, said: text.replace("_comma_", ",")}, row.origin) if text else row


def _in_order(group: list[Row], number: str | None) -> list[Row]:
    """The turns of a conversation by their numbers."""
    if number is None:
        return group
    places: dict[float, Row] = {}
    for row in group:
        place = as_number(row.values.get(number)) or 0.0
        if place in places:
            raise DataError(
                f"column {number!r} is {place:g} a second time in this conversation, first in line "
                f"{places[place].origin.line}",
                where=str(row.origin),
                fix="number the turns of each conversation, or take the numbers out",
            )
        places[place] = row
    return [row for _, row in sorted(places.items(), key=lambda pair: pair[0])]


def _is_shared(group: Sequence[Row], name: str) -> bool:
    first = group[0].values.get(name)
    return all(row.values.get(name) == first for row in group)


def _row(
    name: str,
    group: Sequence[Row],
    origin: Origin,
    found: _Columns,
    others: Sequence[str],
    shared: set[str],
) -> Row:
    messages = [message for row in group for message in _messages(row.values, found)]
    if len(found.said) > 1 and not str(messages[-1]["content"] or "").strip():
        messages = messages[:-1]  # a reply that is asked for
    values: dict[str, Any] = {
        "id": name,
        found.conversation: group[0].values[found.conversation],
        GATHERED: messages,
    }
    for column in others:
        values[column] = (
            group[0].values.get(column) if column in shared else [row.values.get(column) for row in group]
        )
    return Row(values, origin)


def _messages(values: Mapping[str, Any], found: _Columns) -> list[dict[str, Any]]:
    """The turn of a row, or the two of an exchange."""
    if len(found.said) > 1:
        return [
            {"role": role, "content": values.get(column)}
            for role, column in zip(("user", "assistant"), found.said, strict=True)
        ]
    text = values.get(found.said[0])
    if found.speaker is None:
        return [{"content": text}]
    key = "role" if found.speaker.lower() in ("role", "from") else "speaker"
    return [{key: values.get(found.speaker), "content": text}]
