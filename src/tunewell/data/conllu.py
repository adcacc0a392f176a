"""CoNLL-U, the format of Universal Dependencies: ten columns, a row is a sentence.

Syntactic words are read; lines of multiword tokens (`1-2`) and empty nodes (`1.1`) are not words. `text` is put
together from the words, so that each is a slice of it, in order. Not for: other columns (`conll`), trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tunewell.core.examples import Origin, Row
from tunewell.data.conll import blocks
from tunewell.data.lines import Line
from tunewell.data.reading import Reading

COLUMNS = {"tokens": 1, "lemma": 2, "upos": 3, "xpos": 4, "feats": 5, "deprel": 7}
"""The columns of a row and the places of their fields in a line, from 0."""

_NUM_FIELDS = 10
_RANGE = re.compile(r"([1-9][0-9]*)-([1-9][0-9]*)", re.ASCII)
_EMPTY_NODE = re.compile(r"(0|[1-9][0-9]*)\.[1-9][0-9]*", re.ASCII)
_SENT_ID = re.compile(r"#\s*sent_id\s*=\s*(.*\S)")


@dataclass
class _Sentence:
    """A sentence as it is read: fields by word, and the multiword tokens as (first, last, form, misc), from 1."""

    words: list[list[str]] = field(default_factory=list)
    ranges: list[tuple[int, int, str, str]] = field(default_factory=list)
    id: str | None = None
    first_line: int = 0


def read_rows(lines: Iterable[Line], reading: Reading) -> Iterator[Row]:
    """One row a sentence: `id` where it has a `sent_id`, `text`, and lists of one entry a word (`COLUMNS`)."""
    reading.columns = ("text", *COLUMNS)
    is_first = True
    for block in blocks(lines, reading):
        sentence = _Sentence()
        for line in block:
            _take(line, sentence, reading)
        first, last = block[0].number, block[-1].number
        if reading.is_bad(first, last):
            reading.count_as_one_row(first, last)
        elif sentence.ranges and sentence.ranges[-1][1] > len(sentence.words):
            what = f"the multiword token {sentence.ranges[-1][2]!r} reaches beyond the sentence's last word"
            reading.refuse(what, sentence.first_line or first, fix="add the words that are missing")
        elif sentence.words:
            if is_first and sentence.id is not None:
                reading.columns = ("id", *reading.columns)
            is_first = False
            values: dict[str, object] = {} if sentence.id is None else {"id": sentence.id}
            values["text"] = _text(sentence)
            values |= {name: [word[place] for word in sentence.words] for name, place in COLUMNS.items()}
            yield Row(values, Origin(reading.file, sentence.first_line))


def _take(line: Line, sentence: _Sentence, reading: Reading) -> None:
    """Add one line to its sentence, or report what is wrong with it."""
    if reading.is_bad(line.number, line.number):
        return
    if line.text.startswith("#"):
        match = _SENT_ID.match(line.text)
        sentence.id = match[1] if match else sentence.id
        return
    fields = line.text.split("\t")
    if len(fields) != _NUM_FIELDS:
        found = f"{len(fields)} column{'s' * (len(fields) != 1)}"
        fix = "columns are parted by tabs; for other columns of words: --set data.format=conll"
        reading.refuse(f"{found} where CoNLL-U has {_NUM_FIELDS}", line.number, fix=fix)
        return
    problem = _add(fields, sentence)
    if problem is not None:
        fix = "words are numbered 1, 2, 3, ...; a blank line ends each sentence"
        reading.refuse(problem, line.number, fix=fix)
    elif sentence.words and not sentence.first_line:
        sentence.first_line = line.number


def _add(fields: list[str], sentence: _Sentence) -> str | None:
    """Add the fields of a line; gives what is wrong with them."""
    own, form = fields[:2]
    due = len(sentence.words) + 1
    if not form.strip(" "):
        return "the word is empty (column 2)"
    if own == str(due):
        sentence.words.append(fields)
        return None
    if (match := _EMPTY_NODE.fullmatch(own)) and match[1] == str(due - 1):
        return None
    if match := _RANGE.fullmatch(own):
        past_the_last = not sentence.ranges or sentence.ranges[-1][1] < due
        if match[1] == str(due) and len(match[2]) <= 9 and int(match[2]) > due and past_the_last:
            sentence.ranges.append((due, int(match[2]), form, fields[-1]))
            return None
        return f"the multiword token {own!r} where word {due} is due"
    if own.isascii() and own.isdigit():
        return f"the word's number is {own}, where {due} is due"
    return f"{own!r} is no number of a word"


def _text(sentence: _Sentence) -> str:
    """The words with blanks between them, except where the file says that there are none.

    The words of a multiword token that is just these words in a row (`do` + `n't`) have none either.
    """
    forms = [word[1] for word in sentence.words]
    gaps = ["" if _is_glued(word[-1]) else " " for word in sentence.words]
    for first, last, form, misc in sentence.ranges:
        if form == "".join(forms[first - 1 : last]):
            gaps[first - 1 : last - 1] = [""] * (last - first)
        gaps[last - 1] = "" if _is_glued(misc) else " "
    return "".join(part for pair in zip(forms, [*gaps[:-1], ""], strict=True) for part in pair)


def _is_glued(misc: str) -> bool:
    return "SpaceAfter=No" in misc.split("|")
