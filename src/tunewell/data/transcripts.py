"""Text files of conversations: transcripts (`User: ...`), ParlAI's fields and the numbered lines of ConvAI2.

A row holds `messages`, the turns of one conversation; its origin is the line on which that begins. Not for: conversations
of one line (`multi_turn_lines`), or texts in tables (`marked_turns`, where a transcript's lines are read).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal

from tunewell.core.examples import Origin, Row
from tunewell.data.conll_layout import head_of, is_blank
from tunewell.data.conversation_roles import ROLES
from tunewell.data.lines import Line
from tunewell.data.marked_turns import SPEAKER, TIME, in_turns
from tunewell.data.reading import Reading

Form = Literal["transcript", "parlai", "numbered"]

NAMES: dict[Form, str] = {
    "transcript": "conversations whose lines begin with who speaks, parted by blank lines",
    "parlai": "ParlAI's fields (text:... labels:...)",
    "numbered": "conversations of numbered lines, as ConvAI2 has them",
}
"""What a form is called where it is said how a file was read."""

_RULE = re.compile(r"\s*([-=*_#~])\1{2,}\s*")
_FENCED = re.compile(r"\s*([=#~-])\1+[ \t]*[^=#~\s].{0,60}?[ \t]*\1{2,}\s*")
_HEADING = re.compile(
    r"[\s=#*~\[(<_-]*(?:conversation|dialogue|dialog|chat|session|episode|transcript|对话|会话)[ \t]*(?:no\.?|number|#)?"
    r"[ \t]*\d+[\s=#*~\])>:：_-]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(\d+) (?=\S)")
_PERSONA = re.compile(r"(your|partner's) persona: ?")
_SILENCE = "__SILENCE__"
"""Stands where the other side begins; nobody said it."""

_FEWEST = 4
"""So many lines at least must speak for a form."""


def form_of(head: Sequence[Line]) -> Form | None:
    """The form of a text file, where its first lines are unmistakable."""
    lines = _said(head)
    if len(lines) < _FEWEST:
        return None
    if _share(line.startswith("text:") and "\t" in line for line in lines) > 0.9:
        return "parlai"
    if lines[0].startswith("1 ") and _are_numbered(lines):
        return "numbered"
    return "transcript" if lines[0] and _speakers(lines) else None


def _is_rule(text: str) -> bool:
    """Whether a line parts conversations: `---`, `=== Conversation 1 ===`, `# Dialogue 2`."""
    return any(form.fullmatch(text) is not None for form in (_RULE, _FENCED, _HEADING))


def _said(head: Sequence[Line]) -> list[str]:
    """The lines that may be of turns."""
    lines = [line.text for line in head if not is_blank(line.text) and not _is_rule(line.text)]
    return [line for line in lines if not _is_notice(line)] if _is_log(head) else lines


def _is_log(head: Sequence[Line]) -> bool:
    """Whether most lines begin with a time."""
    lines = [line.text for line in head if not is_blank(line.text)]
    return 2 * sum(TIME.match(line) is not None for line in lines) > len(lines)


def _is_notice(line: str) -> bool:
    """Whether a line of a log is by nobody, such as `12/08/2023, 09:59 - Ann joined`."""
    return TIME.match(line) is not None and SPEAKER.match(line) is None


def _without_notices(lines: Iterable[Line], reading: Reading) -> Iterator[Line]:
    number = 0
    for line in lines:
        if _is_notice(line.text):
            number += 1
        else:
            yield line
    if number:
        were = (
            "1 line with a time and no speaker was"
            if number == 1
            else f"{number} lines with a time and no speaker were"
        )
        reading.notes.append(f"{were} left out of {reading.file}")


def _share(found: Iterable[bool]) -> float:
    each = list(found)
    return sum(each) / len(each)


def _are_numbered(lines: Sequence[str]) -> bool:
    """Whether each line has the number after the one before, or begins anew with 1, and many hold a reply."""
    found = [_NUMBER.match(line) for line in lines]
    numbers = [int(match[1]) if match else 0 for match in found]
    in_step = [number in (1, before + 1) for before, number in zip([0, *numbers], numbers, strict=False)]
    replies = _share("\t" in line or _PERSONA.search(line) is not None for line in lines)
    return _share(in_step) > 0.9 and replies > 0.3


def _speakers(lines: Sequence[str]) -> set[str]:
    """The names, in lower case, that begin the lines of a transcript: of known roles, or two that come again and again.

    Empty where the lines are no transcript.
    """
    counts = Counter(
        match[1].strip().casefold() for line in lines if (match := SPEAKER.match(line)) is not None
    )
    known = {name for name in counts if name in ROLES}
    if len({ROLES[name] for name in known} - {"system"}) == 2 or ("system" in known and len(known) == 2):
        names = known
    else:
        names = {name for name, _ in counts.most_common(2)}
    often = len(names) > 1 and all(counts[name] > 1 for name in names - {"system"})
    named = sum(counts[name] for name in names)
    wanted = 0.4 if names <= known else 0.9
    first = SPEAKER.match(lines[0])
    begins = first is not None and first[1].strip().casefold() in names
    return names if often and begins and named >= wanted * len(lines) else set()


def read_rows(lines: Iterable[Line], form: Form, reading: Reading) -> Iterator[Row]:
    """One row a conversation; `reading.columns` are set before the first is given."""
    reading.columns = ("messages",)
    lines = iter(lines)
    head = head_of(lines)
    everything = (_counted(line, reading) for line in chain(head, lines))
    kept: Iterator[Line] = (line for line in everything if not reading.is_bad(line.number, line.number))
    if form == "parlai":
        groups = _episodes(kept)
        return (_row(_parlai(group), group, reading) for group in groups)
    if form == "numbered":
        return (_row(_numbered(group), group, reading) for group in _restarted(kept))
    names = {*_speakers(_said(head)), *ROLES}
    if _is_log(head):
        kept = _without_notices(kept, reading)
    return (_row(_spoken(group, names), group, reading) for group in _parted(kept, names, reading))


def _counted(line: Line, reading: Reading) -> Line:
    reading.count_line_end(line.end)
    return line


def _row(messages: list[dict[str, str]], group: Sequence[Line], reading: Reading) -> Row:
    return Row({"messages": messages}, Origin(reading.file, group[0].number))


def _parted(lines: Iterable[Line], names: set[str], reading: Reading) -> Iterator[list[Line]]:
    """The lines between blank lines or rules.

    Where each turn stands between blank lines, conversations are parted by rules, or by several blank lines; without
    such all of it is one.
    """
    blocks: list[tuple[int, list[Line]]] = []
    gap = 2  # how much parts a block from the one before it: 1 a blank line, 2 several, 3 a rule
    for line in lines:
        if _is_rule(line.text):
            gap = 3
        elif is_blank(line.text):
            gap = gap if gap == 3 else min(gap + 1, 2)
        elif gap:
            blocks.append((gap, [line]))
            gap = 0
        else:
            blocks[-1][1].append(line)
    gaps = [gap for gap, _ in blocks[1:]]
    singles = sum(_num_spoken(block, names) < 2 for _, block in blocks)
    least = max(gaps) if gaps and 2 * singles > len(blocks) and max(gaps) > 1 else 1
    if 3 in gaps:
        least = 3
    elif least == 1 and len(blocks) > 1 and 10 * singles >= 9 * len(blocks):
        least = 4
        reading.notes.append(
            f"{reading.file}: each turn stands between blank lines and nothing parts conversations, so all of it is one"
        )
    group: list[Line] = []
    for gap, block in blocks:
        if gap >= least and group:
            yield group
            group = []
        group += block
    if group:
        yield group


def _num_spoken(block: Sequence[Line], names: set[str]) -> int:
    """How many lines of a block begin with the name of a speaker."""
    found = [SPEAKER.match(line.text) for line in block]
    return sum(match is not None and match[1].strip().casefold() in names for match in found)


def _spoken(group: Sequence[Line], names: set[str]) -> list[dict[str, str]]:
    turns = in_turns([line.text for line in group], names)
    return [
        {"content": turn.text} if turn.name is None else {"speaker": turn.name, "content": turn.text}
        for turn in turns
    ]


def _episodes(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines up to each one that ends an episode."""
    group: list[Line] = []
    for line in lines:
        if is_blank(line.text):
            continue
        group.append(line)
        if "\tepisode_done:True" in line.text:
            yield group
            group = []
    if group:
        yield group


def _parlai(group: Sequence[Line]) -> list[dict[str, str]]:
    messages: list[dict[str, str]] = []
    for line in group:
        fields = {name: value for field in line.text.split("\t") for name, _, value in [field.partition(":")]}
        said = fields.get("text", "").replace("\\n", "\n").split("\n")
        personas = [part for part in said if _PERSONA.match(part)]
        messages += _persona(personas) if not messages else []
        messages.append(_message("user", "\n".join(part for part in said if not _PERSONA.match(part))))
        reply = fields.get("labels", fields.get("eval_labels"))
        if reply is not None:
            messages.append(
                _message("assistant", reply.split("|")[0].replace("__PIPE__", "|").replace("\\n", "\n"))
            )
    return [message for message in messages if message["content"] != _SILENCE]


def _restarted(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines from each one with the number 1."""
    group: list[Line] = []
    for line in lines:
        if is_blank(line.text):
            continue
        if line.text.startswith("1 ") and group:
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _numbered(group: Sequence[Line]) -> list[dict[str, str]]:
    """The turns of numbered lines; a line without a reply stands before what is said next."""
    texts = [_NUMBER.sub("", line.text, count=1) for line in group]
    messages = _persona([text for text in texts if _PERSONA.match(text)])
    before: list[str] = []
    for text in texts:
        said, tab, rest = text.partition("\t")
        if _PERSONA.match(text):
            continue
        if not tab:
            before.append(said)
            continue
        messages.append(_message("user", "\n".join([*before, said])))
        messages.append(_message("assistant", rest.split("\t")[0]))
        before = []
    messages += [_message("user", "\n".join(before))] if before else []
    return [message for message in messages if message["content"] != _SILENCE]


def _persona(lines: Sequence[str]) -> list[dict[str, str]]:
    """The assistant's persona, which stands before the conversation; the partner's is not for it to know."""
    own = [line for line in lines if not line.startswith("partner's")]
    return [_message("system", "\n".join(own))] if own else []


def _message(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}
