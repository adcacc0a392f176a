"""Tables in which the turns of a conversation stand in several rows or columns, made into one row a conversation.

Understood are one turn a row (`turn_tables`), messages that name the one they answer (OASST), trees of these, histories
that grow from row to row with candidates (PersonaChat), the two sides in columns of their own (Blended Skill Talk), and
replies that are judged (KTO), of which the bad ones are left out.
Not for: rows that hold a whole conversation in one column (`conversation_forms`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.core.errors import DataError
from tunewell.core.examples import Row
from tunewell.data import turn_tables
from tunewell.data.columns import LABEL_NAMES
from tunewell.data.marked_turns import SPEAKER
from tunewell.data.turn_tables import GATHERED, TEXT_NAMES
from tunewell.data.values import as_number

_ROLE_NAMES = ("role", "speaker", "author", "from")
_THREADS = (
    ("message_id", "parent_id"),
    ("id", "parent_id"),
    ("message_id", "reply_to"),
    ("id", "reply_to"),
    ("id", "reply-to"),
)
"""Columns of a message's own name and of that which it answers."""

_JUDGED = {"kto_tag": ("messages", "conversations"), "label": ("completion",)}
"""Columns of a verdict on the reply, each beside one of these columns."""

_MARKED = re.compile(r"\s*[-*<>\[\d]")
"""Lines that begin so are hardly words that are said."""

_PERSONAS = ("personality", "persona", "personas", "your_persona")

Table = tuple[list[str], list[Row]]


def gather_turns(columns: Sequence[str], rows: Sequence[Row], *, asked: bool = True) -> Table | None:
    """One row a conversation, its turns under `messages`; None for a table of any other form.

    Unless a conversation was `asked` for, only what is unmistakable is put together. Raises `DataError`; see
    `turn_tables.gather_turns`.
    """
    if not rows or GATHERED in columns:
        return None
    first = rows[0].values
    if isinstance(first.get("prompt"), Mapping) and "replies" in first["prompt"]:
        return _each(rows, _of_tree)
    if {"free_messages", "guided_messages"} <= set(columns):
        return _each(rows, _of_sides)
    if _has_candidates(first):
        return _each(rows, _of_candidates)
    if {"history", "candidates"} <= set(columns) and isinstance(first["history"], list):
        return _each(_longest(rows, columns), _of_candidates)
    judged = judging_column(columns, rows)
    if asked and judged is not None and (kept := _approved(rows, judged)):
        return list(columns), kept
    named = _thread_columns(columns)
    if named is not None and (asked or not any(name.strip().lower() in LABEL_NAMES for name in columns)):
        return _threads(rows, *named)
    if asked and list(columns) == ["text"] and (found := _of_lines(rows)) is not None:
        return found
    if asked and len(columns) > 1 and [str(place) for place in range(len(columns))] == list(columns):
        return _each(rows, _of_numbered)  # a JSON list of texts
    return turn_tables.gather_turns(columns, rows, asked=asked)


def judging_column(columns: Sequence[str], rows: Sequence[Row]) -> str | None:
    """The column that says of each reply whether it is a good one, as KTO's data have it; None without."""
    for name, beside in _JUDGED.items():
        is_there = name in columns and any(other in columns for other in beside)
        if is_there and all(_verdict(row, name) is not None for row in rows):
            return name
    return None


def _verdict(row: Row, column: str) -> bool | None:
    said = str(row.values.get(column)).casefold()
    return {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}.get(said)


def _approved(rows: Sequence[Row], judged: str) -> list[Row]:
    """The rows with a good reply; empty where that is all, or the one row is a bad one. Raises `DataError` without any."""
    kept = [row for row in rows if _verdict(row, judged)]
    if not kept and len(rows) > 1:
        raise DataError(
            f"column {judged!r} is false in every row: there is no good reply to learn",
            where=rows[0].origin.file,
            fix=f"take the column {judged!r} out if it says something else",
        )
    return kept if len(kept) < len(rows) else []


def _each(rows: Sequence[Row], turns_of: Any) -> Table:
    """The rows with the turns that `turns_of` finds in each in place of the columns that it read."""
    made: list[Row] = []
    for row in rows:
        messages, used = turns_of(row.values)
        rest = {name: value for name, value in row.values.items() if name not in used}
        made.append(Row({**rest, GATHERED: messages}, row.origin))
    return list(dict.fromkeys(name for row in made for name in row.values)), made


def _persona(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sentences of the assistant's persona as what the system says."""
    lines = next((values[name] for name in _PERSONAS if values.get(name)), None)
    lines = [lines] if isinstance(lines, str) else lines
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        return []
    return [{"role": "system", "content": "\n".join(lines)}]


def _alternating(texts: Sequence[Any]) -> list[dict[str, Any]]:
    """Messages of which the last is the assistant's."""
    roles = ("assistant", "user")
    return [
        {"role": roles[(len(texts) - 1 - place) % 2], "content": text} for place, text in enumerate(texts)
    ]


def _has_candidates(values: Mapping[str, Any]) -> bool:
    utterances = values.get("utterances")
    return (
        isinstance(utterances, list)
        and len(utterances) > 0
        and all(isinstance(part, Mapping) and {"history", "candidates"} <= part.keys() for part in utterances)
    )


def _of_candidates(values: Mapping[str, Any]) -> tuple[list[dict[str, Any]], set[str]]:
    """The longest history and the last of its candidates, which is the true reply."""
    exchanges = values["utterances"] if _has_candidates(values) else [values]
    last = max(exchanges, key=lambda part: len(part.get("history") or []))
    candidates = last.get("candidates")
    reply = candidates[-1:] if isinstance(candidates, list) else [candidates]
    history = [
        text for text in last.get("history") or [] if text != "__ SILENCE __" and text != "__SILENCE__"
    ]
    messages = _alternating([*history, *reply])
    return [*_persona(values), *messages], {*_PERSONAS, "utterances", "history", "candidates"}


def _longest(rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """Of the rows of a conversation that with the longest history."""
    name = next((name for name in columns if name.lower() in turn_tables.CONVERSATION_NAMES), None)
    if name is None:
        return list(rows)
    best: dict[str, Row] = {}
    for row in rows:
        key = str(row.values.get(name))
        if key not in best or len(row.values.get("history") or []) > len(best[key].values["history"] or []):
            best[key] = row
    return list(best.values())


def _of_sides(values: Mapping[str, Any]) -> tuple[list[dict[str, Any]], set[str]]:
    """What stood before, and then the two sides by turns; the guided one answers."""
    before = values.get("previous_utterance") or []
    said = [before] if isinstance(before, str) else list(before)
    for free, guided in zip(values["free_messages"] or [], values["guided_messages"] or [], strict=False):
        said += [free, guided]
    used = {"previous_utterance", "free_messages", "guided_messages"}
    return _alternating(said), used


def _of_numbered(values: Mapping[str, Any]) -> tuple[list[Any], set[str]]:
    return list(values.values()), set(values)


def _of_lines(rows: Sequence[Row]) -> Table | None:
    """Lines of text with a conversation each, its turns parted by tabs, or with a turn each and blank lines between."""
    lines = [(row, row.values["text"]) for row in rows if isinstance(row.values.get("text"), str)]
    said = [(row, text) for row, text in lines if text.strip()]
    if len(lines) != len(rows) or not said:
        return None
    if all("\t" in text.strip() for _, text in said):
        parted = [(row, [part.strip() for part in text.strip().split("\t")]) for row, text in said]
        return [GATHERED], [Row({GATHERED: turns}, row.origin) for row, turns in parted]
    marked = sum(_MARKED.match(text) is not None or SPEAKER.match(text) is not None for _, text in said)
    if 2 * marked > len(said):
        return None  # they say more than turns: who speaks, it seems, in a way that is not known
    groups: list[list[Row]] = [[]]
    for row, text in lines:
        if text.strip():
            groups[-1].append(row)
        elif groups[-1]:
            groups.append([])
    groups = [group for group in groups if group]
    if len(groups) < 2 or not all(len(group) > 1 for group in groups):
        return None
    made = [Row({GATHERED: [row.values["text"] for row in group]}, group[0].origin) for group in groups]
    return [GATHERED], made


def _of_tree(values: Mapping[str, Any]) -> tuple[list[dict[str, Any]], set[str]]:
    """From the first message of a tree the best reply to each: that with the lowest `rank`, else the first in the file."""
    node = values["prompt"]
    messages = []
    while isinstance(node, Mapping):
        messages.append({"role": node.get("role"), "content": node.get("text")})
        node = _best([reply for reply in node.get("replies") or [] if isinstance(reply, Mapping)])
    return messages, {"prompt"}


def _best(replies: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    kept = [reply for reply in replies if reply.get("deleted") not in (True, "True", "true")]
    ranked = [
        (rank, place)
        for place, reply in enumerate(kept)
        if (rank := as_number(reply.get("rank"))) is not None
    ]
    if ranked:
        return kept[min(ranked)[1]]
    return kept[0] if kept else None


def _thread_columns(columns: Sequence[str]) -> tuple[str, str, str, str] | None:
    """The columns of a message's name, of that which it answers, of who speaks and of what is said."""
    role = next((name for name in _ROLE_NAMES if name in columns), None)
    said = next((name for name in TEXT_NAMES if name in columns), None)
    for own, parent in _THREADS:
        if own in columns and parent in columns and role is not None and said is not None:
            return own, parent, role, said
    return None


def _threads(rows: Sequence[Row], own: str, parent: str, role: str, said: str) -> Table:
    """One row for each message that answers none, with the best reply to each after it."""
    names = {str(row.values.get(own)) for row in rows}
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        answers.setdefault(str(row.values.get(parent)), []).append(row.values)
    made = []
    for row in rows:
        if str(row.values.get(parent)) in names:
            continue
        node: Mapping[str, Any] | None = row.values
        messages: list[dict[str, Any]] = []
        while node is not None:
            messages.append({"role": node.get(role), "content": node.get(said)})
            if len(messages) > len(rows):
                raise DataError("the messages answer each other in a ring", where=str(row.origin))
            node = _best(answers.get(str(node.get(own)), []))
        made.append(Row({"id": str(row.values.get(own)), GATHERED: messages}, row.origin))
    if not made:
        raise DataError(
            f"every row answers another (column {parent!r}): no conversation begins",
            where=str(rows[0].origin),
        )
    return ["id", GATHERED], made
