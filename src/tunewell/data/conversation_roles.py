"""Who says what in a conversation: the names that files give the two sides, and what follows where they give none.

Not for: where the turns stand in a row (`conversation_forms`), or whether they may stand so (`conversations`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]

ROLES: dict[str, Role] = {
    **dict.fromkeys(("system", "developer", "system_prompt", "sys", "系统"), "system"),
    **dict.fromkeys(
        (
            "user", "usr", "human", "prompter", "customer", "client", "seeker", "visitor", "caller", "patient",
            "questioner", "asker", "guest", "inquirer", "driver", "用户", "顾客", "客户",
        ),
        "user",
    ),
    **dict.fromkeys(
        (
            "assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "agent", "ai", "machine", "operator", "helper",
            "wizard", "advisor", "support", "doctor", "therapist", "claude", "bard", "bing", "llm",
            "客服", "助手", "机器人",
        ),
        "assistant",
    ),
}  # fmt: skip
"""The names of the three roles that files are known to use, in lower case."""

_SIDES: dict[str, Role] = {
    **dict.fromkeys(
        ("input", "prompt", "question", "query", "request", "q", "问题", "提问", "问"), "user",
    ),
    **dict.fromkeys(
        ("output", "response", "answer", "completion", "reply", "a", "答案", "回答", "回复", "答"), "assistant",
    ),
}  # fmt: skip
"""What is asked and what is replied, where both stand in one object."""

_COUNTED = re.compile(r"\d+[_ -]")
_SAID = re.compile(r"[_ -]?(?:utterance|message|text|response|reply|turn|input|query|utt|msg|says)\Z")

_TOOLS = {
    "tool", "function", "tool_call", "tool_calls", "tool_response", "tool_result", "function_call",
    "function_response", "observation", "ipython", "function-call",
}  # fmt: skip


class Unreadable(ValueError):
    """What is wrong with a conversation, as a sentence without its place."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A turn as the file has it: who speaks, where it says so, and the text.

    `is_role` says that the name stands where a role is due (`role`, `from`), and not merely a speaker's name. `is_learnt` is
    false for a reply that the file says not to learn.
    """

    name: str | None
    text: str
    is_role: bool = True
    is_learnt: bool = True


def role_named(name: str) -> Role | None:
    """The role that a name is known to mean; a number before it (`0_Wizard`) is none of the name."""
    plain = name.strip().casefold()
    return ROLES.get(plain) or ROLES.get(_COUNTED.sub("", plain, count=1))


def side_of(key: str) -> Role | None:
    """The side whose words stand under a key or in a column: `user`, `bot_response`, `question`; None for others."""
    plain = key.strip().casefold()
    return ROLES.get(plain) or _SIDES.get(plain) or ROLES.get(_SAID.sub("", plain))


def roles_of(turns: Sequence[Stated], last: Role, assistant: str | None = None) -> list[Role]:
    """The role of each turn.

    The speaker called `assistant` is the assistant; other known names say their roles. Two speakers of unknown names,
    or none at all, get their roles from the end: who speaks last is `last`. Raises `Unreadable` for turns of tools, for
    names of which the role cannot be known, and for more than two speakers.
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
    known = _known(turns, names, last, None if assistant is None else assistant.strip().casefold())
    return [known[name] for name in names]


def _known(
    turns: Sequence[Stated], names: Sequence[str], last: Role, assistant: str | None
) -> dict[str, Role]:
    """The role behind each name of a conversation."""
    known = {name: role for name in names if (role := role_named(name)) is not None}
    is_prompt = "assistant" in known.values() and known.get(str(assistant)) == "system"
    if assistant is not None and assistant in names and not is_prompt:
        known = {name: "user" if role == "assistant" else role for name, role in known.items()}
        known[assistant] = "assistant"
    elif (answering := answering_system(names)) is not None:
        known[answering] = "assistant"
    unknown = list(dict.fromkeys(name for name in names if name not in known))
    sides = {role for role in known.values() if role != "system"}
    if not unknown:
        return known
    shown = ", ".join(repr(name) for name in unknown[:4]) + (", ..." if len(unknown) > 4 else "")
    if sides and assistant not in names and any(turn.is_role for turn in turns):
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
    if assistant is not None and len(unknown) == 1:
        return {**known, unknown[0]: "user"}
    if assistant is not None and last == "assistant":
        raise Unreadable(f"neither of the speakers {shown} is {assistant!r}, the assistant (task.assistant)")
    last_name = next(name for name in reversed(names) if name in unknown)
    return {**known, **{name: last if name == last_name else _other(last) for name in unknown}}


def answering_system(names: Sequence[str]) -> str | None:
    """The name of the system where it is the side that answers, as in data of task-oriented dialogue; else None.

    It speaks after somebody else, and no assistant does.
    """
    roles = [role_named(name) for name in names]
    if "assistant" in roles:
        return None
    first_other = next((place for place, role in enumerate(roles) if role != "system"), len(names))
    later = [name for name, role in zip(names, roles, strict=True) if role == "system"]
    return later[-1] if "system" in roles[first_other:] else None


def _other(role: Role) -> Role:
    return "user" if role == "assistant" else "assistant"
