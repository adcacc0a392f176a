"""Which column holds a conversation, or which ones what is asked and what is replied, said only where there is no doubt.

The setting that comes of it is one column, or a list: the columns of what is asked, and last that of the reply. Not for:
reading a row (`conversations`), or tables with one turn a row, which are put together before (`turn_tables`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Row
from tunewell.data.columns import LABEL_NAMES
from tunewell.data.conversation_forms import (
    HISTORY_NAMES,
    are_said_by_sides,
    spelt,
    turns_of,
)
from tunewell.data.conversation_messages import lifted, message_keys
from tunewell.data.conversation_names import MESSAGE_NAMES, MORE_PAIRS, PAIRS, by_name, pair_among
from tunewell.data.conversation_roles import Unreadable, role_named, side_of
from tunewell.data.marked_turns import marked_turns, transcript_turns
from tunewell.data.multi_turn_lines import END_OF_UTTERANCE, SENTENCE_ENDS

_OF_TEXTS = ("dialogue", "dialog", "turns", "utterances", "messages", "conversations", "conversation")
"""Under these names a list of texts is a conversation."""

_BETWEEN = {"instruction": ("input", "context"), "prompt": ("input",)}
"""Columns that say more of what is asked, by its name."""

_SUMMARIES = {"summary", "summaries", "highlights", "abstract"}
"""Columns beside which a transcript is rather a text to be summarised."""

_JUDGED = {"chosen", "rejected", *LABEL_NAMES}
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
    lowered = by_name(columns)
    if {"chosen", "rejected"} <= lowered.keys():
        return None
    both = [name for pair in PAIRS if set(pair) <= lowered.keys() for name in pair]
    if both and all(_whole(lowered[name], sample) == "messages" for name in both[:2]):
        return [lowered[name] for name in both[:2]]
    named = [lowered[name] for name in MESSAGE_NAMES if name in lowered]
    for column in named:
        if (found := _whole(column, sample)) is not None:
            if found == "marked" and lowered.keys() & _SUMMARIES and not _are_marked(column, sample):
                return None
            labelled_turns = found == "messages" and _has_labels_of_turns(column, columns, sample)
            return None if labelled_turns else column
    if named and set(columns) <= {named[0], "id"}:
        _refuse_empty(named[0], sample)
    others = [name for name in columns if name not in named and _whole(name, sample) == "messages"]
    if len(others) == 1:
        return others[0]
    if others or lowered.keys() & _JUDGED:
        return None
    pairs = PAIRS if not _has_texts("context", lowered, sample) else (*PAIRS, ("context", "response"))
    if (pair := _pair(lowered, sample, pairs)) is not None:
        return pair
    marked = [name for name in columns if _are_marked(name, sample)]
    return marked[0] if len(marked) == 1 else None


def _refuse_empty(column: str, rows: Sequence[Row]) -> None:
    """Raise `ConfigError` where no row of the column of conversations holds a turn."""
    if all(row.values.get(column) in (None, [], "", "[]") for row in rows):
        raise ConfigError(
            f"the conversations are empty: column {column!r} holds no turns",
            where=str(rows[0].origin),
            fix="give a file with turns in it",
        )


def _has_texts(name: str, lowered: Mapping[str, str], rows: Sequence[Row]) -> bool:
    """Whether there is a column of that name with lists of texts."""
    first = rows[0].values.get(lowered.get(name, ""))
    return isinstance(first, list) and len(first) > 0 and all(isinstance(text, str) for text in first)


def asked_column(
    columns: Sequence[str], rows: Sequence[Row], given: str | Sequence[str] | None = None
) -> Column:
    """The column or columns where the user says that there are conversations; raises `ConfigError` in doubt."""
    found = guess_column(columns, rows, given)
    if found is not None:
        return found
    sample, lowered = rows[:_SAMPLE_ROWS], by_name(columns)
    if (chosen := _chosen(lowered, sample)) is not None:
        return chosen
    whole = [name for name in columns if _whole(name, sample) is not None or _are_marked(name, sample)]
    named = [lowered[name] for name in MESSAGE_NAMES if lowered.get(name) in whole]
    if named or len(whole) == 1:
        return (named or whole)[0]
    pair = None if whole else _pair(lowered, sample, (*PAIRS, *MORE_PAIRS))
    if pair is None and not whole:
        pair = _other_pair(columns, lowered, sample)
    if pair is not None:
        return pair
    loose = [name for name in columns if _are_texts(name, sample)]
    if not whole and len(loose) == 1:
        return loose[0]
    for name in (lowered[name] for name in MESSAGE_NAMES if name in lowered):
        _refuse_empty(name, sample)
    could = f"; it could be {' or '.join(whole[:4])}" if whole else ""
    raise ConfigError(
        f"which column holds the conversation{could}? The columns are {', '.join(columns)}",
        fix="--set task.messages=COLUMN, or --set 'task.messages=[ASKED,REPLY]' for what is asked and what is replied"
        + _hint(columns, sample),
    )


def _other_pair(columns: Sequence[str], lowered: Mapping[str, str], rows: Sequence[Row]) -> list[str] | None:
    """The columns of the two sides, or the only two of texts in their order; None where the names are texts themselves."""
    wordy = [name for name in columns if _is_wordy(name, rows)]
    sides = pair_among({name: column for name, column in lowered.items() if column in wordy})
    if sides is not None:
        return list(sides)
    return wordy if len(wordy) == 2 and not any(map(_is_said_itself, wordy)) else None


def _is_said_itself(name: str) -> bool:
    """Whether what should name a column reads as words of a conversation."""
    return " " in name.strip() or name.strip().endswith(SENTENCE_ENDS)


def _is_wordy(column: str, rows: Sequence[Row]) -> bool:
    """Whether nearly all of the values are texts, and half of them more than a word or a number."""
    present = [value for row in rows if (value := row.values.get(column)) is not None]
    texts = [value.strip() for value in present if isinstance(value, str)]
    several = sum(len(text.split()) > 1 or (len(text) > 2 and not text.isascii()) for text in texts)
    return bool(texts) and 10 * len(texts) >= 9 * len(present) and 2 * several >= len(texts)


def is_by_order(column: str | Sequence[str]) -> bool:
    """Whether it is only by their order that these columns are taken for what is asked and what is replied."""
    return not isinstance(column, str) and len(column) == 2 and pair_among(by_name(column)) != tuple(column)


def _chosen(lowered: Mapping[str, str], rows: Sequence[Row]) -> Column | None:
    """Of preferences the chosen conversation, or where that is a reply alone, with its prompt before it."""
    if not {"chosen", "rejected"} <= lowered.keys() or not rows:
        return None
    column = lowered["chosen"]
    value = next((row.values[column] for row in rows if row.values.get(column)), None)
    turns = [] if value is None or not isinstance(value, str | list) else turns_of(value)
    if len(turns) > 1:
        return column
    prompt = next((lowered[name] for name in ("prompt", "question", "instruction") if name in lowered), None)
    return None if prompt is None else [prompt, column]


def _are_texts(column: str, rows: Sequence[Row]) -> bool:
    """Whether a column of any name holds lists of several texts, or transcripts."""
    present = [value for row in rows if (value := row.values.get(column)) is not None]

    def holds(value: Any) -> bool:
        if isinstance(value, str):
            return transcript_turns(value) is not None
        return isinstance(value, list) and len(value) > 1 and all(isinstance(text, str) for text in value)

    return bool(present) and 10 * sum(map(holds, present)) >= 9 * len(present)


def _hint(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """What else may be the matter with lines of text, and with a table that seems to have no header."""
    if list(columns) == ["text"] and any("+++$+++" in str(row.values.get("text")) for row in rows):
        return "; Cornell's lines have their order in another file: give the utterances.jsonl of ConvoKit, which holds both"
    if list(columns) == ["text"]:
        return (
            "; lines of text are a conversation each with __eou__ between turns, or a turn each where they begin with which "
            "of two speaks (User: ...)"
        )
    if len(columns) == 2 and any(map(_is_said_itself, columns)) and rows:
        return "; if the first line is no header: --set 'data.column_names=[prompt,response]'"
    return ""


def _whole(column: str, rows: Sequence[Row]) -> str | None:
    """What the values of a column are: `messages`, lists of texts or pairs (`texts`), `marked` texts; None otherwise."""
    present = [value for row in rows if (value := row.values.get(column)) is not None]
    first = next(iter(present), None)
    if isinstance(first, str) and column.strip().casefold() in MESSAGE_NAMES:
        if _are_marked(column, rows) or all(
            isinstance(value, str) and len(turns_of(value)) > 1 for value in present
        ):
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
        is_named = name in (*MESSAGE_NAMES, "utterance")  # as the Hub has Cornell's movies
        return "messages" if text is not None and (role is not None or is_named) else None
    if not isinstance(value, list | tuple):
        return None
    if all(isinstance(element, str) for element in value):
        return "texts" if name in _OF_TEXTS else None
    if all(isinstance(element, Mapping) for element in value):
        return "messages" if all(_is_message(element, name) for element in value) else None
    if len(value) and are_said_by_sides(value):
        return "messages"
    if name in MESSAGE_NAMES and all(isinstance(element, list) for element in value):
        parts = [part for element in value for part in element]
        if all(isinstance(part, Mapping) and _is_message(part, name) for part in parts):
            return "messages"
    pairs = all(
        isinstance(element, list | tuple)
        and len(element) == 2
        and all(isinstance(side, str) for side in element)
        for element in value
    )
    return "texts" if pairs and name in _OF_TEXTS else None


def _is_message(element: Mapping[str, Any], name: str) -> bool:
    """Whether an object says who speaks and what; under the name of conversations, other objects may be turns too."""
    element = lifted(element)
    role, text = message_keys(element)
    if role is not None and text is not None and isinstance(element[role], str) and role != "name":
        return True
    sides = {side_of(str(key)) for key in element} - {None}
    is_side = len(sides) > 1 or any(role_named(str(key)) for key in element)
    return name in MESSAGE_NAMES and (text is not None or is_side)


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
    marked = sum(
        isinstance(value, str) and (END_OF_UTTERANCE in value or marked_turns(value) is not None)
        for value in present
    )
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
        history = [lowered[name] for name in HISTORY_NAMES if name in lowered and name != asked]
        more = [lowered[name] for name in _BETWEEN.get(asked, ()) if name in lowered]
        return [*history, lowered[asked], *more, lowered[reply]]
    return None


def _is_said(value: Any) -> bool:
    return value is None or isinstance(value, str) or _kind(value, "messages") is not None
