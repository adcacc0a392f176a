"""Tables with one turn a row: their rows put together, one a conversation.

Not for: rows that hold a whole conversation (`conversation_forms`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.core.errors import DataError, collected
from tunewell.core.examples import Origin, Row
from tunewell.data.columns import LABEL_NAMES
from tunewell.data.values import as_number

CONVERSATION_NAMES = (
    "conversation_id", "conversationid", "conv_id", "convid", "dialogue_id", "dialogueid", "dialog_id", "dialogid",
    "chat_id", "session_id", "thread_id", "episode_id", "conversation_no", "dialogue_no",
)  # fmt: skip
LOOSE_NAMES = ("conversation", "dialogue", "dialog", "chat", "session", "thread", "episode", "conv", "id")
"""Names that are taken where a conversation is asked for and several rows have the same value."""

SPEAKER_NAMES = (
    "role", "from", "speaker", "author", "sender", "participant", "speaker_id", "speaker_role", "speaker_idx", "caller",
)  # fmt: skip
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

    The table must have a column that names the conversation (`conversation_id`, `dialogue_id`, ...), one of what is said
    (`text`, `utterance`, ...) and one of who speaks or of the number of the turn; where a conversation is `asked` for,
    the first may have a vaguer name, and the last be missing. Turns stand in the order of their
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
    conversation, speaker, said, number = found
    if not all(isinstance(row.values.get(said), str | None) for row in rows):
        return None
    if not asked and any(name.strip().lower() in LABEL_NAMES for name in columns):
        return None
    if number is not None and any(as_number(row.values.get(number)) is None for row in rows):
        number = None  # an id that counts nothing
    groups: dict[str, list[Row]] = {}
    nameless: list[DataError] = []
    for row in rows:
        name = row.values.get(conversation)
        if name is None or not str(name).strip():
            nameless.append(DataError(f"column {conversation!r} is missing", where=str(row.origin)))
        groups.setdefault(str(name), []).append(row)
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
        turns = [[_with_commas(row, said) for row in group] for group in turns]
    others = [name for name in columns if name not in (conversation, speaker, said, "id", GATHERED)]
    shared = {name for name in others if all(_is_shared(group, name) for group in turns)}
    firsts = [group[0] for group in groups.values()]
    gathered = [
        _row(group, first.origin, found, others, shared) for group, first in zip(turns, firsts, strict=True)
    ]
    return list(dict.fromkeys(["id", conversation, GATHERED, *others])), gathered


def _columns(columns: Sequence[str], rows: Sequence[Row]) -> tuple[str, str | None, str, str | None] | None:
    """The columns of the conversation, of who speaks, of what is said and of the turn's number; None without them.

    With `rows`, vaguer names will do.
    """
    lowered = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(columns)}

    def first(names: Sequence[str]) -> str | None:
        return next((lowered[name] for name in names if name in lowered), None)

    conversation, said = first(CONVERSATION_NAMES), first(TEXT_NAMES)
    speaker, number = first(SPEAKER_NAMES), first(TURN_NAMES)
    if said is None:
        return None
    if conversation is None and (speaker or number) and (loose := first(LOOSE_NAMES)) is not None:
        names = [row.values.get(loose) for row in rows]
        scalars = all(isinstance(name, str | int) for name in names)
        conversation = loose if scalars and len(set(names)) < len(names) else None
    if conversation is None or (speaker is None and number is None and not rows):
        return None
    return conversation, speaker, said, number


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
    group: Sequence[Row],
    origin: Origin,
    found: tuple[str, str | None, str, str | None],
    others: Sequence[str],
    shared: set[str],
) -> Row:
    conversation, speaker, said, _ = found
    messages = [_message(row.values, speaker, said) for row in group]
    name = group[0].values[conversation]
    values: dict[str, Any] = {"id": str(name), conversation: name, GATHERED: messages}
    for name in others:
        values[name] = (
            group[0].values.get(name) if name in shared else [row.values.get(name) for row in group]
        )
    return Row(values, origin)


def _message(values: Mapping[str, Any], speaker: str | None, said: str) -> dict[str, Any]:
    text = values.get(said)
    if speaker is None:
        return {"content": text}
    name = values.get(speaker)
    return {"role" if speaker.lower() in ("role", "from") else "speaker": name, "content": text}
