"""Who is the assistant in a whole file, where its speakers have names of their own: the same one in all conversations.

Not for: the roles in one conversation (`conversation_roles`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Row
from tunewell.data.conversation_columns import guess_column, is_by_order
from tunewell.data.conversation_forms import stated_turns
from tunewell.data.conversation_roles import Unreadable, answering_system, role_named
from tunewell.data.conversation_rows import judging_column

_MOST = 0.9
"""A name is the file's where so large a share of the conversations has it."""

_CLEAR = 0.6
"""So large a share of the conversations tells two speakers apart."""

EACH_LAST = "assistant = who speaks last in each"
"""What is said where names differ from conversation to conversation."""


def assistant_among(
    rows: Sequence[Row], column: str | Sequence[str], given: str | None = None
) -> tuple[str | None, str]:
    """The name of the speaker who is the assistant, and what is said of it; None and nothing where the roles are known.

    Of two unknown names that all but a few conversations share, who speaks last in clearly more is the assistant, or
    where that is about even, who begins fewer; a system that answers is it, too. One shared name alone (a desk that talks
    with many people) is it where it speaks last in most. What is `given` is taken. Raises `ConfigError` where nothing tells
    the two apart, and for a name that nobody has.
    """
    found = list(_conversations(rows, column)) if isinstance(column, str) else []
    if given is not None:
        _check_given(given, found, rows)
        return given, f"assistant = {given}"
    unknown = [own for names in found if (own := _two_unknown(names))]
    if 2 * len(unknown) <= len(found):
        answering = Counter(name for names in found if (name := answering_system(names)) is not None)
        name = answering.most_common(1)[0][0] if answering.total() >= _MOST * len(found) > 0 else None
        return (None, "") if name is None else (name, f"assistant = {name}")
    counts = Counter(name for names in unknown for name in dict.fromkeys(names))
    shared = [name for name, count in counts.most_common(2) if count >= _MOST * len(unknown)]
    last = Counter(names[-1] for names in unknown)
    first = Counter(names[0] for names in unknown)
    if len(shared) == 2:
        chosen = _of_two(shared, first, last, len(unknown))
        if chosen is None:
            one, other = shared
            raise ConfigError(
                f"which of two speakers is the assistant, {one!r} or {other!r}? They speak last in {last[one]} and "
                f"{last[other]} conversations, and first in {first[one]} and {first[other]}",
                where=rows[0].origin.file,
                fix=f"--set task.assistant={one}; with task.replies=all it may be either",
            )
        return chosen, f"assistant = {chosen}"
    if len(shared) == 1 and 2 * last[shared[0]] > len(unknown):
        return shared[0], f"assistant = {shared[0]}"
    return None, EACH_LAST


def _of_two(names: Sequence[str], first: Counter[str], last: Counter[str], number: int) -> str | None:
    """The one of two speakers that speaks last in clearly more conversations, or else begins clearly fewer."""
    ends = max(names, key=lambda name: last[name])
    if last[ends] >= _CLEAR * number:
        return ends
    begins = max(names, key=lambda name: first[name])
    return next(name for name in names if name != begins) if first[begins] >= _CLEAR * number else None


def found_settings(
    columns: Sequence[str], rows: Sequence[Row], column: str | list[str], given: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """The settings of a file whose column was found, and the sentence that says them; see `assistant_among`."""
    assistant = given.get("assistant")  # not yet checked: it may be a number
    name, who = assistant_among(rows, column, None if assistant is None else str(assistant))
    said = [f"messages = {column if isinstance(column, str) else ' + '.join(column)}", who]
    if given.get("messages") is None and is_by_order(column):
        said.append("asked and replied in the order of the columns")
    if (judged := judging_column(columns, rows)) is not None:
        said.append(f"without the replies that {judged} calls bad")
    settings: dict[str, Any] = {"messages": column}
    return settings if name is None else {**settings, "assistant": name}, ", ".join(filter(None, said))


def other_settings(
    columns: Sequence[str], rows: Sequence[Row], column: str | Sequence[str], assistant: str | None
) -> dict[str, Any]:
    """What is otherwise in another file than that of training: the column, and who is the assistant."""
    changes: dict[str, Any] = {}
    if not all(name in columns for name in ([column] if isinstance(column, str) else column)):
        found = guess_column(columns, rows, None)
        changes = {} if found is None else {"messages": found}
    column = changes.get("messages", column)
    if assistant is None or not _has_speaker(rows, column, assistant):
        try:
            name, who = assistant_among(rows, column)
        except ConfigError:
            name, who = None, EACH_LAST
        changes |= {"assistant": name} if who else {}  # roles that are known need no name
    return changes


def _has_speaker(rows: Sequence[Row], column: str | Sequence[str], name: str) -> bool:
    plain = name.strip().casefold()
    return isinstance(column, str) and any(plain in names for names in _conversations(rows, column))


def _check_given(given: str, found: Sequence[Sequence[str]], rows: Sequence[Row]) -> None:
    names = Counter(name for own in found for name in dict.fromkeys(own))
    if not names:
        raise ConfigError(
            f"the turns name no speakers, so that {given!r} has no effect",
            where="task.assistant",
            fix="leave it out",
        )
    if given.strip().casefold() not in names:
        raise ConfigError(
            f"no speaker is called {given!r}; the speakers are {', '.join(name for name, _ in names.most_common(6))}",
            where=rows[0].origin.file,
            fix="--set task.assistant=NAME, with one of these, or leave it out",
        )


def _conversations(rows: Sequence[Row], column: str) -> Iterator[list[str]]:
    """Who speaks, turn by turn and in lower case, in each row whose turns all have names."""
    for row in rows:
        try:
            turns = stated_turns(row, column, labelled=True)
        except Unreadable:
            continue
        names = [(turn.name or "").strip().casefold() for turn in turns]
        if names and all(names):
            yield names


def _two_unknown(names: Sequence[str]) -> list[str]:
    """Who speaks, without the system, where two of unknown names do; else nobody."""
    said = [name for name in names if role_named(name) != "system"]
    return said if len(set(said)) == 2 and not any(map(role_named, said)) else []
