"""Lists of turns: messages as objects (`role` and `content`, `speaker` and `text`), texts, and exchanges of two.

Who speaks may stand under a key of any name, where what stands there leaves no doubt. Not for: which rows and columns
hold such lists (`conversation_forms`), or the role behind a name (`conversation_roles`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tunewell.data.columns import LABEL_NAMES
from tunewell.data.conversation_roles import Stated, Unreadable, role_named, side_of

ROLE_KEYS = ("role", "from")
SPEAKER_KEYS = ("speaker", "author", "sender", "participant", "agent", "name")
TEXT_KEYS = ("content", "value", "text", "utterance", "message", "body", "parts")
"""What messages call who speaks, and what is said."""

_LOOSE_KEYS = {
    "type", "who", "turn", "id", "user", "userid", "username", "speakerid", "speakername", "speakerrole", "speakertype",
    "senderclass", "senderid", "sendername", "sendertype", "senderrole", "authorid", "authorname", "authorrole",
    "authortype", "agentid", "participantid", "participantrole", "side", "party", "character", "person", "sentby",
}  # fmt: skip
"""Other keys of who speaks, without `_` and in lower case; what stands there must bear it out."""

_FLAGS = {
    **dict.fromkeys(("isuser", "ishuman", "iscustomer", "isclient", "fromuser", "fromcustomer", "inbound"), "user"),
    **dict.fromkeys(("isbot", "isassistant", "isagent", "isai", "issystem", "frombot", "fromagent"), "assistant"),
}  # fmt: skip
"""Keys that hold true where this side speaks."""

_ADDRESSEES = {"to", "target", "listener", "recipient", "receiver", "addressee", "replyto", "sentto"}
_REMARKS = {
    *LABEL_NAMES,
    "act",
    "dialog_act",
    "dialogue_act",
    "acts",
    "intent",
    "domain",
    "lang",
    "language",
    "status",
}
_TIME = re.compile(r"[\dTZ:./ +-]*\d[:./-]\d[\dTZ:./ +-]*")
_TEXT_PARTS = ("text", "input_text", "output_text")
_OBJECTS = ("data", "message")
_SHOWN_CHARACTERS = 60


def message_keys(message: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The keys of who speaks and of what is said; None for one that is not there."""
    role = next((key for key in (*ROLE_KEYS, *SPEAKER_KEYS) if message.get(key) is not None), None)
    return role, next((key for key in TEXT_KEYS if key in message and key != role), None)


def lifted(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message whose text stands in an object of its own (`data`, `message`), or its role in that of its author."""
    inner = next((key for key in _OBJECTS if isinstance(message.get(key), Mapping)), None)
    if inner is not None:
        outer = {key: value for key, value in message.items() if key != inner}
        message = {**message[inner], **outer} if message_keys(outer)[1] is None else outer
    author = message.get("author")
    if isinstance(author, Mapping) and isinstance(author.get("role"), str):
        message = {
            **{key: value for key, value in message.items() if key != "author"},
            "role": author["role"],
        }
    return message


def turns_of_list(elements: Sequence[Any]) -> list[Stated]:
    """The turns of a list, in their order. Raises `Unreadable`."""
    flat: list[Any] = []
    for element in elements:
        is_list = isinstance(element, list | tuple)
        if is_list and element and all(isinstance(part, Mapping) for part in element):
            flat += map(lifted, element)
        else:
            flat.append(lifted(element) if isinstance(element, Mapping) else element)
    speaker = _speaker([element for element in flat if isinstance(element, Mapping)])
    turns: list[Stated] = []
    for element in flat:
        turns += _turns_of_element(element, len(turns) + 1, speaker)
    return turns


def messages_by_turn(value: Mapping[str, Any]) -> list[Any]:
    """The messages of an object that holds a list for each key, as Parquet files and the Hub have them."""
    keys = [key for key, entries in value.items() if isinstance(entries, list)]
    used = [key for key in keys if key in (*ROLE_KEYS, *SPEAKER_KEYS, *TEXT_KEYS)]
    lengths = {len(value[key]) for key in used}
    if not any(key in TEXT_KEYS for key in used) or len(lengths) != 1:
        raise Unreadable(
            f"an object with {', '.join(map(repr, list(value)[:6])) or 'nothing'} is no conversation"
        )
    used += [key for key in keys if key not in used and len(value[key]) in lengths]
    return [
        dict(zip(used, entries, strict=True)) for entries in zip(*(value[key] for key in used), strict=True)
    ]


def text_of(content: Any, what: str) -> str:
    """The text of a message: as it stands, or in parts, each below the other. `what` is it that an error names."""
    if isinstance(content, str):
        return content
    if content is None:
        raise Unreadable(f"{what} has no text")
    if isinstance(content, Mapping):
        content = next((content[key] for key in ("parts", "text", "content") if key in content), content)
        return text_of(content, what) if isinstance(content, str) else "\n".join(_parts(content, what))
    return "\n".join(_parts(content, what))


def _parts(content: Any, what: str) -> list[str]:
    if not isinstance(content, list):
        raise Unreadable(f"{what} is {shown(content)}, not a text")
    texts = []
    for part in content:
        is_object = isinstance(part, Mapping)
        if isinstance(part, str):
            texts.append(part)
        elif is_object and part.get("type", "text") in _TEXT_PARTS and isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            kind = part.get("type") if is_object else None
            raise Unreadable(f"{what} has a part {shown(part if kind is None else kind)}, which is no text")
    return texts


def shown(value: Any) -> str:
    """A value as an error shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


# Who speaks, where no usual key says it


@dataclass(frozen=True)
class _Speaker:
    """Under which key it stands who speaks, and what each value there is called."""

    key: str
    names: Mapping[Any, str]


def _speaker(messages: Sequence[Mapping[str, Any]]) -> _Speaker | None:
    """Who speaks, where no usual key says it, or one that names nobody known; None otherwise.

    Any key is taken that names user and assistant; of two speakers of other names one that is called so. Raises
    `Unreadable` for a key of two values by which turns do not alternate, and of which nobody can know what it says.
    """
    usual = [message_keys(message)[0] for message in messages]
    said = [key for key in usual if key is not None]
    if not messages or any(key in ROLE_KEYS for key in said):
        return None
    if said and all(role_named(str(message.get(said[0]))) for message in messages):
        return None
    shared = [key for key in messages[0] if all(_is_name(message.get(key)) for message in messages)]
    shared = [
        key
        for key in shared
        if key not in TEXT_KEYS and _plain(key) not in _ADDRESSEES and key.casefold() not in _REMARKS
    ]
    values = {key: [message[key] for message in messages] for key in shared}
    roles = {key: {value: _side(key, value) for value in values[key]} for key in shared}
    whole = {
        key: _Speaker(key, {v: r for v, r in own.items() if r})
        for key, own in roles.items()
        if all(own.values())
    }
    both = [own for own in whole.values() if {"user", "assistant"} <= set(own.names.values())]
    if both or said or any(message_keys(message)[1] is None for message in messages):
        return both[0] if both else None
    for key in shared:
        if _plain(key) in _FLAGS.keys() | _LOOSE_KEYS and (key in whole or _tell_apart(values[key])):
            return whole.get(key) or _Speaker(key, {value: str(value) for value in values[key]})
    for key in shared:
        _refuse_doubt(key, values[key])
    return None


def _tell_apart(values: Sequence[Any]) -> bool:
    """Whether values may be speakers' names: two, or several that come again, and no numbers that count messages."""
    number = len(set(values))
    is_count = number == len(values) and isinstance(values[0], int)
    return number > 1 and (number == 2 or number < len(values)) and not is_count


def _refuse_doubt(key: str, values: Sequence[Any]) -> None:
    in_turn = all(value != following for value, following in pairwise(values))
    is_text = all(isinstance(value, str) and not _TIME.fullmatch(value) for value in values)
    if is_text and len(set(values)) == 2 and not in_turn:
        raise Unreadable(
            f"{key!r} may say who speaks ({' or '.join(map(repr, dict.fromkeys(values)))}), and then they do not take "
            "turns: call it 'speaker' if so, or take it out"
        )


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and value != ""


def _plain(key: Any) -> str:
    return str(key).casefold().replace("_", "").replace("-", "").replace(" ", "")


def _side(key: str, value: Any) -> str | None:
    """The role that stands under a key of a message; None where it says none."""
    flag = _FLAGS.get(_plain(key))
    if flag is not None:
        is_true = {"true": True, "false": False, "1": True, "0": False}.get(str(value).casefold())
        return None if is_true is None else flag if is_true else {"user": "assistant"}.get(flag, "user")
    return role_named(value) or side_of(value) if isinstance(value, str) else None


# One element


def _turns_of_element(element: Any, number: int, speaker: _Speaker | None) -> list[Stated]:
    """The turns of one element of a list, the first of which is turn `number`."""
    if isinstance(element, str):
        return [Stated(None, element)]
    if isinstance(element, list | tuple):
        if len(element) != 2 or not all(isinstance(side, str) for side in element):
            raise Unreadable(f"turn {number} is {shown(element)}, where a pair of texts is expected")
        return [Stated("user", element[0]), Stated("assistant", element[1])]
    if not isinstance(element, Mapping):
        raise Unreadable(f"turn {number} is {shown(element)}, where a text or an object is expected")
    role, text = message_keys(element)
    if text is None:
        return _both_sides(element, number)
    name = None if role is None else element.get(role)
    if speaker is not None:
        role, name = None, speaker.names[element[speaker.key]]
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if name is not None and not isinstance(name, str):
        raise Unreadable(f"turn {number} has the {role} {shown(name)}, not a text")
    called = next((key for key in ("tool_calls", "function_call") if element.get(key)), None)
    if called is not None:
        raise Unreadable(f"turn {number} has {called}: calls of tools cannot be learnt")
    said = text_of(element[text], f"turn {number}")
    is_learnt = not (element.get("weight") == 0 and role_named(name or "") in ("assistant", None))
    return [Stated(name, said, role in ROLE_KEYS, is_learnt)]


def _both_sides(element: Mapping[str, Any], number: int) -> list[Stated]:
    """An element with both sides of an exchange, `{"human": ..., "assistant": ...}`."""
    sides = {key: side_of(key) for key in element if isinstance(element[key], str)}
    keys = [key for key, role in sides.items() if role]
    if [sides[key] for key in keys] == ["user", "system"]:
        sides[keys[1]] = "assistant"  # who is called system answers, as in data of task-oriented dialogue
    order = {"system": 0, "user": 1, "assistant": 2}
    found = sorted((order[role], role, element[key]) for key, role in sides.items() if role)
    if not found or len({role for _, role, _ in found}) != len(found) or found[-1][1] == "system":
        named = ", ".join(map(repr, list(element)[:6])) or "nothing"
        raise Unreadable(f"turn {number} is an object with {named}, where role and content are expected")
    return [Stated(role, text) for _, role, text in found if role != "system" or text.strip()]
