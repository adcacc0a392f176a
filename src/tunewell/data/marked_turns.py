"""Texts that hold several turns, each behind a mark that says who speaks: what chat templates and transcripts write.

Understood are `Human:` and `Assistant:` after blank lines (as Anthropic's hh-rlhf has them), `### Human:` and
`### Instruction:`, ChatML's `<|im_start|>user`, `<|user|>`, Llama's `[INST]`, and lines that begin with a speaker's name.
Not for: turns that `__eou__` parts (`multi_turn_lines`), or the role behind a name (`conversation_roles`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tunewell.data.conversation_roles import ROLES, Stated

_HASHED = {"instruction": "user", "input": "user", "question": "user", "response": "assistant",
           "output": "assistant", "answer": "assistant"}  # fmt: skip

_BLANK_LINES = re.compile(r"(?:\A|\n\n)\s*(Human|Assistant|System|User|H|A): ?")
_HASHES = re.compile(
    r"(?:\A|(?<=\s)|(?<=[.!?]))###\s*(Human|Assistant|User|System|Instruction|Input|Question|Response|Output|Answer)\s*:?\s*?(?=\s|\S)",
    re.IGNORECASE,
)
_CHATML = re.compile(r"<\|im_start\|>\s*(\w+)\s*\n")
_PIPES = re.compile(r"<\|(system|user|assistant)\|>\s*?\n?")
_INST = re.compile(r"\[/?INST\]")
_SYS = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>", re.DOTALL)
_ENDS = re.compile(r"(?:\s*(?:<\|im_end\|>|<\|end\|>|<\|endoftext\|>|<\|eot_id\|>|</s>|<eos>))+\s*\Z")

SPEAKER = re.compile(
    r"[ \t]*(?:\[[\d:., /-]+(?:[AP]M)?\][ \t]*)?(?:\*\*)?(#?[^\W\d_][\w .'()&/-]{0,30}?#?)(?:\*\*)?[ \t]?[:：](?!//)(?:\*\*)?[ \t]*"
)
"""A line that begins with a name and a colon, as transcripts have them; an address of the web is no name.

A time in brackets may stand before it, and it may be bold.
"""


def marked_turns(text: str) -> list[Stated] | None:
    """The turns of a text that begins with the mark of a chat template; None for any other.

    A mark behind the last turn with nothing after it, which asks for a reply, begins no turn. What one side says behind
    two marks (an instruction and its input) is one turn.
    """
    stripped = text.strip()
    if stripped.startswith("<s>"):
        stripped = stripped[3:].lstrip()
    if stripped.startswith("<|im_start|>"):
        return _after(_CHATML, stripped)
    if stripped.startswith("<|") and _PIPES.match(stripped):
        return _after(_PIPES, stripped)
    if stripped.startswith("[INST]"):
        return _between_inst(stripped)
    if stripped.startswith(("Human:", "H:", "User:", "System:")) and len(_BLANK_LINES.findall(stripped)) > 1:
        return _after(_BLANK_LINES, stripped)
    marks = [match[1].casefold() for match in _HASHES.finditer(stripped)]
    if len({_HASHED.get(name) or ROLES[name] for name in marks} - {"system"}) == 2:
        return _after(_HASHES, stripped)
    return None


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


def _after(mark: re.Pattern[str], text: str) -> list[Stated]:
    """What stands behind each mark; before the first it is the system's."""
    places = list(mark.finditer(text))
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
        if turns and mark is _HASHES and turns[-1].name == name:
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
