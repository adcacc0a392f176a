"""Chat templates of published models, made fit to learn from and to ask with.

A template is changed in the tokenizer itself, and so saved with the model: whoever asks it elsewhere gives it the tokens
that it learnt. Rendered in the sandboxed environment of transformers. Not for: tokens, and where a reply stands among
them (`talkers`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from tunewell.core.errors import ModelError

Message = Mapping[str, str]
"""A turn as templates have it: `role` and `content`."""

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""The plain form as a chat template."""

_DATE = "{%- macro strftime_now(format) -%}26 Jul 2024{%- endmacro -%}"
"""Put before a template that writes today's date, or the same conversation would be other tokens tomorrow."""

_SYSTEM_TO_USER = (
    "{%- if messages and messages[0]['role'] == 'system' -%}"
    "{%- if messages | length > 1 and messages[1]['role'] == 'user' -%}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content'] + '\\n\\n' + messages[1]['content']}]"
    " + messages[2:] -%}"
    "{%- else -%}{%- set messages = messages[1:] -%}{%- endif -%}{%- endif -%}"
)
"""Put before a template that refuses a system turn, or writes it where a reply could not be told from it."""

_USER_FIRST = (
    "{%- if messages | length > 1 and messages[0]['role'] == 'assistant' -%}"
    "{%- set messages = messages[1:] -%}"
    "{%- elif messages | length > 2 and messages[0]['role'] == 'system' and messages[1]['role'] == 'assistant' -%}"
    "{%- set messages = messages[:1] + messages[2:] -%}{%- endif -%}"
)
"""Put before a template that refuses a conversation in which the assistant begins."""

_NO_THOUGHTS = "{%- set enable_thinking = false -%}"
"""Put before a template that knows this switch, and writes with it what every reply begins with."""

_SETTLED = "{#- settled by tunewell -#}"
"""Stands in a template that was looked at: it stays as it is, whatever it is to be learnt from next."""

_USER, _REPLY, _SYSTEM = ({"role": role, "content": "a"} for role in ("user", "assistant", "system"))


def render(tokenizer: Any, messages: Sequence[Message], *, reply: bool = False) -> str:
    """The text of `messages`, and with `reply` of the beginning of an assistant's reply to them.

    A blank at the end of that is left out, for it is part of the reply's first token. Raises `ModelError` where the
    template refuses these turns.
    """
    if not messages:
        return ""
    try:
        text = str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=reply))
    except Exception as error:  # whatever a template says of these turns, in whatever way
        raise ModelError(
            f"the model's chat template cannot write these turns: {error}",
            where="chat_template",
            fix="look at the order of roles, or use another model",
        ) from None
    return text.rstrip(" ") if reply else text


def settle_template(tokenizer: Any, replies: Iterable[str] = ()) -> list[str]:
    """Change what stands in the way of learning from the tokenizer's own template; what was changed, in sentences.

    A date of the day, system turns or conversations that the assistant begins, which some refuse, and a reply that begins
    with more than is written when it is asked for; but that stays where one of the `replies` begins otherwise, such as
    with thoughts of its own. Doing it again changes nothing.
    """
    if not isinstance(tokenizer.chat_template, str):
        try:  # of several by name the one that is used unless another is asked for
            tokenizer.chat_template = tokenizer.get_chat_template()
        except ValueError as error:
            raise ModelError(
                f"the model has several chat templates and none called 'default': {error}",
                where="chat_template",
                fix="leave the one to use in the tokenizer's files",
            ) from None
    if _SETTLED in tokenizer.chat_template:
        return []
    notes = []
    if "strftime_now" in tokenizer.chat_template:
        tokenizer.chat_template = _DATE + tokenizer.chat_template
        notes.append("the model's chat template writes the date of the day; it writes 26 Jul 2024 here")
    if _shows(tokenizer, [_USER]) and not _shows(tokenizer, [_SYSTEM, _USER]):
        tokenizer.chat_template = _SYSTEM_TO_USER + tokenizer.chat_template
        notes.append(
            "the model's chat template takes no system turn; its text is put before what the user says first"
        )
    begun = [[_REPLY, _USER, _REPLY], [_SYSTEM, _REPLY, _USER, _REPLY]]
    if _takes(tokenizer, [_USER, _REPLY]) and not all(_takes(tokenizer, turns) for turns in begun):
        tokenizer.chat_template = _USER_FIRST + tokenizer.chat_template
        notes.append(
            "the model's chat template takes no conversation that the assistant begins; such a first turn is left out"
        )
    opening = _opening(tokenizer)
    if opening and all(_begins(tokenizer, opening, reply) for reply in replies):
        _write_opening(tokenizer, opening)
        notes.append(
            f"the model's chat template begins each reply with {json.dumps(opening, ensure_ascii=False)}; it is given to the "
            "model when a reply is asked for"
        )
    if notes or opening:
        tokenizer.chat_template = _SETTLED + tokenizer.chat_template
    return notes


def leaves_out_first_reply(tokenizer: Any) -> bool:
    """Whether the template leaves out what the assistant says before the user does."""
    return _USER_FIRST in tokenizer.chat_template


def _takes(tokenizer: Any, messages: Sequence[Message]) -> bool:
    try:
        render(tokenizer, messages)
    except ModelError:
        return False
    return True


def _shows(tokenizer: Any, messages: Sequence[Message]) -> bool:
    """Whether these turns are taken with a reply to them, and that is written behind the prompt that asks for it."""
    try:
        prompt = render(tokenizer, messages, reply=True)
        return render(tokenizer, [*messages, _REPLY]).startswith(prompt)
    except ModelError:
        return False


def _opening(tokenizer: Any) -> str:
    """What every reply begins with and what asking for one does not write: a header, thoughts that are left empty."""
    if not _shows(tokenizer, [_USER]):
        return ""
    one, two = (_added(tokenizer, text) for text in ("a", "b"))
    shared = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))
    return shared.rstrip(" ") if shared.strip() else ""


def _added(tokenizer: Any, reply: str) -> str:
    """What the template writes of a reply behind the prompt that asks for it."""
    whole = render(tokenizer, [_USER, {**_REPLY, "content": reply}])
    return whole[len(render(tokenizer, [_USER], reply=True)) :]


def _begins(tokenizer: Any, opening: str, reply: str) -> bool:
    """Whether a reply is written behind the opening too; looked at where it holds a mark of the opening's own."""
    return opening.split()[0] not in reply or _added(tokenizer, reply).startswith(opening)


def _write_opening(tokenizer: Any, opening: str) -> None:
    """Let the template write it when a reply is asked for: by the switch that it has for that, or by more text."""
    wanted = render(tokenizer, [_USER], reply=True) + opening
    before = tokenizer.chat_template
    tokenizer.chat_template = _NO_THOUGHTS + before
    if render(tokenizer, [_USER], reply=True) != wanted.rstrip(" "):
        text = json.dumps(opening, ensure_ascii=False)
        tokenizer.chat_template = before + "{%- if add_generation_prompt -%}{{- " + text + " -}}{%- endif -%}"
