"""Conversations: a row read into turns by user and assistant, and what is worth knowing of many conversations.

Not for: the forms that a conversation has in files (`conversation_forms`), which column it stands in
(`conversation_columns`), or how turns are written as tokens (the task).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from tunewell.core.errors import DataError
from tunewell.core.examples import DialogueExample, Row, Turn
from tunewell.data import values
from tunewell.data.conversation_forms import stated_turns
from tunewell.data.conversation_messages import text_of
from tunewell.data.conversation_names import column_for
from tunewell.data.conversation_roles import Role, Stated, Unreadable, roles_of
from tunewell.data.findings import SHOWN, Finding, place_and_text, plural
from tunewell.data.similarity import normalised

SYSTEM_NAMES = ("system", "system_prompt", "systeminstruction", "system_instruction", "system_message")
"""Columns that may hold what stands before a conversation."""

LONG_TURNS, LONG_CHARACTERS = 100, 20_000
"""A conversation of more turns, or more characters, is long: lines that should part it may be missing."""

REPEATED_SHARE, REPEATED_TIMES = 0.01, 10
"""A reply that is so large a share of all, and occurs so often, is one that a model learns to give to everything."""

# One row


def read_conversation(
    row: Row,
    column: str | Sequence[str],
    *,
    labelled: bool,
    system: str | None = None,
    assistant: str | None = None,
) -> DialogueExample:
    """One row, checked.

    When `labelled`, there must be a reply of the assistant's to something that was said; what the user says after the
    last reply is left out and counted, and no turn may be blank. Without `labelled` a reply is asked for to what the user says last,
    which may be blank, unless the assistant speaks last; a row without the column may hold the conversation in another
    one (see `conversation_names.column_for`). The conversation's own system turns stand before those of a column
    `system`, and these before the `system` text that is given; blank ones say nothing and are left out. Where the file
    names speakers and no roles, what one says in several turns on end is one turn. The speaker called `assistant` is
    that, in this and all other conversations. Raises `DataError`; turns are counted
    from 1 in messages.
    """
    found = column if labelled else column_for(row.values, column)
    try:
        stated = stated_turns(row, found, labelled=labelled)
        roles = roles_of(stated, "assistant" if labelled else "user", assistant)
        joined = _joined(stated, roles)
        _check_order(joined)
        _check_characters(joined)
        turns = _checked_replies(joined) if labelled else joined
        if all(turn.role == "system" for turn in turns):
            raise Unreadable("there are system turns alone")
        if not labelled and len(turns) == 1 and turns[0].role == "assistant":
            raise Unreadable("the only turn is the assistant's: there is nothing to reply to")
        if labelled and not all(turn.is_learnt for turn in stated):
            number = next(place for place, turn in enumerate(stated, start=1) if not turn.is_learnt)
            raise Unreadable(
                f"turn {number} has weight 0, which says not to learn it, and every reply is learnt: cut the conversation "
                "before it, or take the weight out"
            )
        own = [turn for turn in turns if turn.role != "system" or turn.text.strip()]
        if own[0].role != "system" and (before := _system_text(row, found) or system or "").strip():
            own.insert(0, Turn("system", before))
    except Unreadable as fault:
        named = found if isinstance(found, str) else " + ".join(found)
        what = str(fault) if f"column {named!r}" in str(fault) else f"{fault} (column {named!r})"
        raise DataError(what, where=str(row.origin), fix=values.MEND_OR_DROP) from None
    return DialogueExample(
        values.row_id(row),
        row.origin,
        tuple(own),
        num_left_out=len(joined) - len(turns),
        num_joined=len(stated) - len(joined),
    )


def reply_places(turns: Sequence[Turn], replies: Literal["assistant", "all"]) -> list[int]:
    """The places, from 0, of the turns that are learnt; a system turn never is.

    `assistant`: the assistant's turns that something stands before; `all`: what user and assistant say, but the first.
    """
    said = [place for place, turn in enumerate(turns) if turn.role != "system"]
    if replies == "all":
        return said[1:]
    return [place for place in said if place and turns[place].role == "assistant"]


def as_text(turns: Sequence[Turn]) -> str:
    """What was said as one text, for a model that reads it as a whole: a line a turn, each after its role."""
    return "\n".join(f"{turn.role}: {turn.text}" for turn in turns)


def _joined(stated: Sequence[Stated], roles: Sequence[Role]) -> list[Turn]:
    """The turns; where speakers have names and no roles, people go on speaking, and their turns on end are one."""
    free = all(turn.name is not None and not turn.is_role for turn in stated)
    turns: list[Turn] = []
    for role, turn in zip(roles, stated, strict=True):
        if free and turns and turns[-1].role == role != "system":
            turns[-1] = Turn(role, f"{turns[-1].text}\n{turn.text}")
        else:
            turns.append(Turn(role, turn.text))
    return turns


def _check_order(turns: Sequence[Turn]) -> None:
    """Raise `Unreadable` where user and assistant do not take turns after the system turns."""
    for number, (before, turn) in enumerate(pairwise(turns), start=1):
        if turn.role == "system" != before.role:
            raise Unreadable(f"turn {number + 1} is by system, which may speak at the beginning alone")
        if turn.role == before.role != "system":
            raise Unreadable(
                f"turns {number} and {number + 1} are both by {turn.role}, where they take turns"
            )


def _check_characters(turns: Sequence[Turn]) -> None:
    """Raise `Unreadable` for text that cannot be written, as bad escapes in JSON make it."""
    for number, turn in enumerate(turns, start=1):
        if not turn.text.isascii() and any("\ud800" <= character <= "\udfff" for character in turn.text):
            raise Unreadable(f"turn {number} holds half of a surrogate pair")


def _checked_replies(turns: list[Turn]) -> list[Turn]:
    """The turns up to the last reply; raises `Unreadable` where nothing can be learnt of them."""
    ends = [place for place, turn in enumerate(turns, start=1) if turn.role == "assistant"]
    if not ends:
        raise Unreadable("no turn is by the assistant: there is no reply to learn")
    if ends[-1] == 1:
        raise Unreadable("the only reply stands first: nothing was said before it")
    for number, turn in enumerate(turns[: ends[-1]], start=1):
        if turn.role != "system" and not turn.text.strip():
            raise Unreadable(f"turn {number} is blank")
    return turns[: ends[-1]]


def _system_text(row: Row, column: str | Sequence[str]) -> str | None:
    """What the row's own column says to the system; one that holds no text says nothing."""
    used = (column,) if isinstance(column, str) else column
    lowered = {str(name).casefold(): name for name in row.values if name not in used}
    found = [(name, row.values[lowered[name]]) for name in SYSTEM_NAMES if name in lowered]
    texts = [
        text_of(said, f"column {name!r}")
        for name, said in found
        if (isinstance(said, Mapping) and said.keys() & {"parts", "text", "content"})
        or (isinstance(said, str | list) and said)
    ]
    said = [text for text in texts if text.strip()]
    return values.text(Row({"system": said[0]}, row.origin), "system") if said else None


# Many rows


def examine(
    splits: Mapping[str, Sequence[DialogueExample]], replies: Literal["assistant", "all"]
) -> list[Finding]:
    """The data doctor on conversations: one reply over and over, very long ones, turns left out or joined."""
    findings: list[Finding] = []
    for name, examples in splits.items():
        places = [reply_places(example.turns, replies) for example in examples]
        texts = [
            (example, example.turns[place].text)
            for example, own in zip(examples, places, strict=True)
            for place in own
        ]
        findings += _repeated(name, texts)
        findings += _long(name, examples)
        findings += _changed(name, examples)
        num_single = sum(len(own) == 1 for own in places)
        if name == "train" and examples and 2 * num_single > len(examples):
            of = "all" if num_single == len(examples) else f"{num_single:,} of"
            message = f"{name}: {of} {plural(len(examples), 'conversation')} have one reply only; longer ones are hardly learnt"
            findings.append(Finding("single-replies", "info", message))
    return findings


def _changed(name: str, examples: Sequence[DialogueExample]) -> list[Finding]:
    """What is said of turns that were left out or joined."""
    findings = []
    cut = [example for example in examples if example.num_left_out]
    if cut:
        number = sum(example.num_left_out for example in cut)
        message = (
            f"{name}: {plural(len(cut), 'conversation')} end{'s' * (len(cut) == 1)} with the user's words; what is said after "
            f"the last reply is left out, {plural(number, 'turn')} in all"
        )
        shown = tuple(str(example.origin) for example in cut[:SHOWN])
        findings.append(Finding("turns-left-out", "warning", message, shown))
    number = sum(example.num_joined for example in examples)
    if number:
        message = f"{name}: {plural(number, 'turn')} of the speaker of the turn before {'was' if number == 1 else 'were'} joined to it"
        findings.append(Finding("joined-turns", "info", message))
    return findings


def _repeated(name: str, texts: Sequence[tuple[DialogueExample, str]]) -> list[Finding]:
    """What is said of the most frequent reply."""
    counts = Counter(normalised(text) for _, text in texts)
    if not counts:
        return []
    reply, count = counts.most_common(1)[0]
    shown = tuple(place_and_text(example, text) for example, text in texts if normalised(text) == reply)[
        :SHOWN
    ]
    if name == "train" and len(counts) == 1 and count > 1:
        message = f"train: all {count:,} replies are the same: there is nothing to learn"
        return [Finding("one-class", "error", message, shown)]
    if count < REPEATED_TIMES or count < REPEATED_SHARE * len(texts):
        return []
    message = (
        f"{name}: one reply is given {count:,} times, {count / len(texts):.1%} of all; a model learns to give it to "
        "everything"
    )
    return [Finding("repeated-reply", "warning", message, shown)]


def _long(name: str, examples: Sequence[DialogueExample]) -> list[Finding]:
    found = []
    for example in examples:
        num_characters = sum(len(turn.text) for turn in example.turns)
        if len(example.turns) > LONG_TURNS or num_characters > LONG_CHARACTERS:
            found.append((example, num_characters))
    if not found:
        return []
    conversations = "1 conversation is" if len(found) == 1 else f"{len(found):,} conversations are"
    message = (
        f"{name}: {conversations} very long, with more than {LONG_TURNS} turns or {LONG_CHARACTERS:,} characters; "
        "the oldest turns may not fit what the model reads"
    )
    shown = tuple(
        f"{example.origin} {plural(len(example.turns), 'turn')}, {plural(count, 'character')}"
        for example, count in found[:SHOWN]
    )
    return [Finding("long-conversations", "info", message, shown)]
