"""Who says what in a conversation: the names that files give the two sides, and what follows where they give none.

Not for: where the turns stand in a row (`conversation_forms`), or whether they may stand so (`conversations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]

ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer", "system_prompt"), "system"),
    **dict.fromkeys(
        (
            "user", "usr", "human", "prompter", "customer", "client", "seeker", "visitor", "caller", "patient",
            "questioner", "asker", "guest", "inquirer",
        ),
        "user",
    ),
    **dict.fromkeys(
        (
            "assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "agent", "ai", "machine", "operator", "helper",
            "wizard", "advisor", "support", "doctor", "therapist", "claude", "bard", "bing", "llm",
        ),
        "assistant",
    ),
}  # fmt: skip
"""The names of the three roles that files are known to use, in lower case."""

_TOOLS = {
    "tool", "function", "tool_call", "tool_calls", "tool_response", "tool_result", "function_call",
    "function_response", "observation", "ipython", "function-call",
}  # fmt: skip


class Unreadable(ValueError):
    """What is wrong with a conversation, as a sentence without its place."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A turn as the file has it: who speaks, where it says so, and the text.

    `is_role` says that the name stands where a role is due (`role`, `from`), and not merely a speaker's name.
    """

    name: str | None
    text: str
    is_role: bool = True


def roles_of(turns: Sequence[Stated], last: Role) -> list[Role]:
    """The role of each turn.

    Known names say it. Two speakers of other names, or none at all, get their roles from the end: who speaks last is
    `last`. Raises `Unreadable` for turns of tools, for names of which the role cannot be known, and for more than two
    speakers.
    """
    if all(turn.name is None for turn in turns):
        from_end: tuple[Role, Role] = (last, _other(last))
        return [from_end[(len(turns) - 1 - place) % 2] for place in range(len(turns))]
    names = []
    for place, turn in enumerate(turns, start=1):
        if turn.name is None or not turn.name.strip():
            raise Unreadable(f"turn {place} does not say who speaks, and others do")
        name = turn.name.strip().casefold()
        if name in _TOOLS:
            raise Unreadable(
                f"turn {place} is by {turn.name!r}: calls of tools and what they return cannot be learnt"
            )
        names.append(name)
    known = _known(turns, names, last)
    return [known[name] for name in names]


def _known(turns: Sequence[Stated], names: Sequence[str], last: Role) -> dict[str, Role]:
    """The role behind each name of a conversation."""
    known = {name: ROLES[name] for name in names if name in ROLES}
    if not any(turn.is_role for turn in turns) and _system_answers(names, known):
        known["system"] = "assistant"
    unknown = list(dict.fromkeys(name for name in names if name not in known))
    sides = {role for role in known.values() if role != "system"}
    if not unknown:
        return known
    shown = ", ".join(repr(name) for name in unknown[:4]) + (", ..." if len(unknown) > 4 else "")
    if sides and any(turn.is_role for turn in turns):
        raise Unreadable(
            f"{shown} is no role that is known: system, user (human), assistant (gpt, bot, model)"
        )
    if len(unknown) + len(sides) > 2:
        number = len(unknown) + len(sides)
        raise Unreadable(
            f"{number} speakers ({shown}{' and others' * bool(sides)}), where two can be told apart"
        )
    if sides:
        return {**known, unknown[0]: _other(sides.pop())}
    last_name = next(name for name in reversed(names) if name in unknown)
    return {**known, **{name: last if name == last_name else _other(last) for name in unknown}}


def _system_answers(names: Sequence[str], known: dict[str, Role]) -> bool:
    """Whether `system` is the side that answers, as in data of task-oriented dialogue: it speaks after the user."""
    if "system" not in names or "assistant" in known.values():
        return False
    first_other = next((place for place, name in enumerate(names) if name != "system"), len(names))
    return "system" in names[first_other:]


def _other(role: Role) -> Role:
    return "user" if role == "assistant" else "assistant"
