"""Texts that hold several turns, each behind a mark that says who speaks: what chat templates and transcripts write.

Understood are `Human:` and `Assistant:` after blank lines (as Anthropic's hh-rlhf has them), `### Human:` and
`### Instruction:`, ChatML's `<|im_start|>user`, `<|user|>`, the marks of Llama 2 and 3 and of Gemma, and lines that begin
with a speaker's name.
Not for: turns that `__eou__` parts (`multi_turn_lines`), or the role behind a name (`conversation_roles`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tunewell.data.conversation_roles import Stated, role_named

_HASHED = {"instruction": "user", "input": "user", "question": "user", "response": "assistant",
           "output": "assistant", "answer": "assistant"}  # fmt: skip

_BLANK_LINES = re.compile(r"(?:\A|\n\n)\s*(Human|Assistant|System|User|H|A): ?")
_HASHES = re.compile(
    r"(?<!#)###[ \t]*(Human|Assistant|User|Bot|System|Instruction|Input|Question|Response|Output|Answer)\b"
    r"[ \t]*(?:([:：])|(?=\n|\Z))",
    re.IGNORECASE,
)
_CHATML = re.compile(r"<\|im_start\|>\s*(\w+)[ \t]*(?:\n|\Z)")
_LLAMA = re.compile(r"<\|start_header_id\|>\s*(\w+)\s*<\|end_header_id\|>")
_GEMMA = re.compile(r"<start_of_turn>\s*(\w+)[ \t]*(?:\n|\Z)")
_BEGINNINGS = ("<s>", "<bos>", "<|begin_of_text|>")
_PIPES = re.compile(r"<\|(system|user|assistant)\|>\s*?\n?")
_INST = re.compile(r"\[/?INST\]")
_SYS = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>", re.DOTALL)
_ENDS = re.compile(
    r"(?:\s*(?:<\|im_end\|>|<\|end\|>|<\|endoftext\|>|<\|eot_id\|>|<\|end_of_text\|>|<end_of_turn>|</s>|<eos>))+\s*\Z"
)

_TIME = r"[\d:., /\u202f-]+(?:[AaPp]\.?[Mm]\.?)?"
_BEFORE = (
    rf"[ \t]*(?:\[{_TIME}\][ \t]*|\d{_TIME}[ \t]*[-–][ \t]+|\d\d?:\d\d(?::\d\d)?(?:[ ]?[AaPp][Mm])?[ \t]+)"
)
TIME = re.compile(_BEFORE)
"""What a line of a log begins with: a time, in brackets or before a dash, or alone where it has hours and minutes."""

SPEAKER = re.compile(
    rf"(?:{_BEFORE})?[ \t]*"
    r"(?:\*\*)?(#?[^\W\d_](?:[\w .'&/-]|\([^()\n]{1,20}\)){0,30}?#?)(?:\*\*)?"
    rf"(?:[ \t]*[(\[]{_TIME}[)\]])?[ \t]?[:：](?!//)(?:\*\*)?[ \t]*"
)
"""A line that begins with a name and a colon, as transcripts have them; an address of the web is no name.

A time may stand before it, or in brackets behind it; and it may be bold.
"""


def marked_turns(text: str) -> list[Stated] | None:
    """The turns of a text that begins with the mark of a chat template; None for any other.

    A mark behind the last turn with nothing after it, which asks for a reply, begins no turn. What one side says behind
    two marks (an instruction and its input) is one turn.
    """
    stripped = text.strip()
    for beginning in _BEGINNINGS:
        stripped = stripped.removeprefix(beginning).lstrip()
    for mark in (_CHATML, _PIPES, _LLAMA, _GEMMA):
        if mark.match(stripped):
            return _after(list(mark.finditer(stripped)), stripped)
    if stripped.startswith("[INST]"):
        return _between_inst(stripped)
    if stripped.startswith(("Human:", "H:", "User:", "System:")) and len(_BLANK_LINES.findall(stripped)) > 1:
        return _after(list(_BLANK_LINES.finditer(stripped)), stripped)
    marks = _hashes(stripped) if "###" in stripped else []
    return _after(marks, stripped) if marks else None


def _hashes(text: str) -> list[re.Match[str]]:
    """The marks with `###` that part turns: those like the first of each side, for others are headings of what is said.

    `System` counts before these alone, and `Input` directly behind `Instruction`. A mark without a colon is alone on its
    line. Empty where only one side speaks.
    """
    found = [
        match for match in _HASHES.finditer(text) if match[2] or text[: match.start()][-1:] in ("", "\n")
    ]
    first: dict[str, tuple[str, bool]] = {}
    for match in found:
        first.setdefault(_hashed(match), _kind(match))
    if not {"user", "assistant"} <= first.keys():
        return []
    kept: list[re.Match[str]] = []
    for match in found:
        before = [_hashed(other) for other in kept]
        more = match[1].casefold() == "input" and kept and kept[-1][1].casefold() == "instruction"
        is_first = _hashed(match) == "system" and set(before) <= {"system"}
        if more or is_first or _kind(match) in (first["user"], first["assistant"]):
            kept.append(match)
    return kept


def _hashed(match: re.Match[str]) -> str:
    name = match[1].casefold()
    return _HASHED.get(name) or str(role_named(name))


def _kind(match: re.Match[str]) -> tuple[str, bool]:
    return match[1].casefold(), match[2] is not None


def transcript_turns(text: str) -> list[Stated] | None:
    """The turns of a text in which two or more speakers' names begin lines, the first line among them; else None.

    A line without a name goes on with the turn before it. A name that begins one line alone is none, unless there are no
    others: it may be a word of what is said.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    found = [SPEAKER.match(line) for line in lines]
    if len(lines) < 2 or found[0] is None:
        return None
    names = {match[1].strip().casefold() for match in found if match is not None}
    return in_turns(lines, names) if len(names) > 1 else None


def in_turns(lines: Sequence[str], names: set[str]) -> list[Stated]:
    """The lines of a conversation as turns, where `names`, in lower case, speak."""
    turns: list[tuple[str | None, list[str]]] = []
    for line in lines:
        match = SPEAKER.match(line)
        if match is not None and match[1].strip().casefold() in names:
            turns.append((match[1].strip(), [line[match.end() :]]))
        elif turns:
            turns[-1][1].append(line.strip())
        else:
            turns.append((None, [line.strip()]))
    return [Stated(name, "\n".join(said).strip(), is_role=False) for name, said in turns]


def _after(places: Sequence[re.Match[str]], text: str) -> list[Stated]:
    """What stands behind each mark; before the first it is the system's."""
    turns: list[Stated] = []
    before = text[: places[0].start()].strip()
    if before:
        turns.append(Stated("system", before))
    for place, match in enumerate(places):
        end = places[place + 1].start() if place + 1 < len(places) else len(text)
        said = _ENDS.sub("", text[match.end() : end]).strip()
        name = match[1].casefold()
        name = {"h": "user", "a": "assistant"}.get(name, _HASHED.get(name, name))
        if not said and (place + 1 == len(places) or name == "system"):
            continue
        if turns and match.re is _HASHES and turns[-1].name == name:
            turns[-1] = Stated(name, f"{turns[-1].text}\n{said}".strip())
        else:
            turns.append(Stated(name, said))
    return turns


def _between_inst(text: str) -> list[Stated]:
    turns: list[Stated] = []
    parts = _INST.split(text)[1:]
    for place, part in enumerate(parts):
        if place % 2:
            part = _ENDS.sub("", part.rstrip().removesuffix("<s>"))
        elif place == 0 and (system := _SYS.match(part)):
            turns.append(Stated("system", system[1].strip()))
            part = part[system.end() :]
        if part.strip() or place + 1 < len(parts):
            turns.append(Stated(("user", "assistant")[place % 2], part.strip()))
    return turns
