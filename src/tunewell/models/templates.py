"""Chat templates of published models, made fit to learn from and to ask with.

A template is changed in the tokenizer itself, and so saved with the model: whoever asks it elsewhere gives it the tokens
that it learnt. Rendered in the sandboxed environment of transformers. Not for: tokens, and where a reply stands among
them (`talkers`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
"""Put before a template that refuses a system turn."""

_USER_FIRST = "{%- if messages and messages[0]['role'] == 'assistant' -%}{%- set messages = messages[1:] -%}{%- endif -%}"
"""Put before a template that refuses a conversation in which the assistant begins."""

_USER, _REPLY = {"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}


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


def settle_template(tokenizer: Any) -> list[str]:
    """Change what stands in the way of learning from the tokenizer's own template; what was changed, in sentences.

    A date of the day, a refusal of system turns or of conversations that the assistant begins, and a reply that begins
    with more than is written when it is asked for. Doing it again changes nothing.
    """
    notes = []
    if not isinstance(
        tokenizer.chat_template, str
    ):  # several by name: the one that is used unless another is asked for
        try:
            tokenizer.chat_template = tokenizer.get_chat_template()
        except ValueError as error:
            raise ModelError(
                f"the model has several chat templates and none called 'default': {error}",
                where="chat_template",
                fix="leave the one to use in the tokenizer's files",
            ) from None
    if "strftime_now" in tokenizer.chat_template and not tokenizer.chat_template.startswith(_DATE):
        tokenizer.chat_template = _DATE + tokenizer.chat_template
        notes.append("the model's chat template writes the date of the day; it writes 26 Jul 2024 here")
    if not _takes(tokenizer, [_USER, _REPLY]):
        return notes
    system = {"role": "system", "content": "a"}
    if not _takes(tokenizer, [system, _USER, _REPLY]):
        tokenizer.chat_template = _SYSTEM_TO_USER + tokenizer.chat_template
        notes.append(
            "the model's chat template takes no system turn; its text is put before what the user says first"
        )
    if not _takes(tokenizer, [_REPLY, _USER, _REPLY]):
        tokenizer.chat_template = _USER_FIRST + tokenizer.chat_template
        notes.append(
            "the model's chat template takes no conversation that the assistant begins; such a first turn is left out"
        )
    opening = _opening(tokenizer)
    if opening:
        literal = json.dumps(opening)
        tokenizer.chat_template += "{%- if add_generation_prompt -%}{{- " + literal + " -}}{%- endif -%}"
        notes.append(
            f"the model's chat template begins each reply with {literal}; it is given to the model when a reply is asked for"
        )
    return notes


def _takes(tokenizer: Any, messages: Sequence[Message]) -> bool:
    try:
        render(tokenizer, messages)
    except ModelError:
        return False
    return True


def _opening(tokenizer: Any) -> str:
    """What every reply begins with and what asking for one does not write: a header, thoughts that are left empty."""
    prompt = render(tokenizer, [_USER], reply=True)
    replies = [render(tokenizer, [_USER, {**_REPLY, "content": text}]) for text in ("a", "b")]
    if not all(reply.startswith(prompt) for reply in replies):
        return ""
    one, two = (reply[len(prompt) :] for reply in replies)
    shared = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))
    return shared.rstrip(" ") if shared.strip() else ""
