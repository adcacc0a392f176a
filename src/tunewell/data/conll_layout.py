"""How a file of columns (CoNLL) is laid out, judged by its first lines; nothing inside such a file says it.

The lines seen are grouped into sentences first, since what a `#` or a `1` means depends on where in its
sentence it stands. Not for: making rows (`conll`, where to look next) or CoNLL-U, whose layout is fixed (`conllu`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tunewell.core.errors import ConfigError
from tunewell.data.lines import Line

HEAD_LINES = 1000
"""How many lines are looked at to judge the layout, fewer if they are long."""

_HEAD_CHARACTERS = 2**20

SNIFFED_LINES = 200
"""How many lines with content must speak for columns of tags in a `.txt` or `.tsv` file."""

_BLANKS = re.compile(r"[ \t]+")
_ENTITY_TAG = re.compile(r"O|[BIESLUM]-.+", re.DOTALL)
_FEWEST_BESIDE_HEADER = 10


def head_of(lines: Iterable[Line]) -> list[Line]:
    """The first lines of a file; an iterator goes on after them."""
    head: list[Line] = []
    size = 0
    for line in lines:
        head.append(line)
        size += len(line.text)
        if len(head) == HEAD_LINES or size > _HEAD_CHARACTERS:
            break
    return head


def is_blank(text: str) -> bool:
    """Whether a line ends a sentence: spaces and tabs alone; other white space may be a token."""
    return not text.strip(" \t")


def is_document_start(text: str) -> bool:
    """Whether the line is a `-DOCSTART-`, which parts documents and is no word."""
    return text.startswith("-DOCSTART-")


@dataclass(frozen=True)
class Layout:
    """What parts the columns and what they hold.

    `words_counted`: the first column numbers the words of a sentence. `tags` are those of the last column that
    were seen; `entity_tags` says that all of them are `O` or like `B-PER`. `header` is the number of a first line
    that seems to name the columns.
    """

    by_tabs: bool
    num_columns: int
    words_counted: bool = False
    tags: frozenset[str] = frozenset()
    entity_tags: bool = False
    header: int | None = None

    def fields(self, text: str) -> list[str]:
        """The fields of a line; a field of blanks alone (a space as a token) stays as it is."""
        return _by_tabs(text) if self.by_tabs else _by_blanks(text)

    def is_comment(self, text: str) -> bool:
        """Whether a line, before the first word of its sentence, is a comment rather than the word `#...`."""
        if not text.startswith("#"):
            return False
        fields = self.fields(text)
        if len(fields) != self.num_columns:
            return True
        last = fields[-1]
        known = last in self.tags or (self.entity_tags and _is_entity_tag(last))
        doubtful = text.startswith("# ") or (self.entity_tags and not self.by_tabs)
        return doubtful and not known and self.num_columns > 1

    def names(self) -> list[str | None]:
        """The name of each column, None for one that is left out."""
        first = int(self.words_counted)
        names: list[str | None] = [f"column_{place}" for place in range(1, self.num_columns + 1)]
        names[:first] = [None] * first
        names[first] = "tokens"
        if self.num_columns > first + 1:
            names[-1] = "tags"
        return names


def layout_of(head: Sequence[Line], column_names: Sequence[str] | None) -> Layout | None:
    """The layout that most of the first lines agree on; None where they hold nothing.

    Tabs part the columns unless more lines have the same number of columns when blanks do. Raises `ConfigError`
    when the number of columns is not that of `column_names`.
    """
    sentences = [sentence for sentence in _sentences(head) if sentence]
    # A line of `#` before the first word may be a comment: it is asked only where there is nothing else.
    asked = [words for sentence in sentences if (words := _words(sentence))] or sentences
    lines = [line for sentence in asked for line in sentence]
    if not lines:
        return None
    by_tabs, num_columns = _separation([line.text for line in lines], column_names)
    layout = Layout(by_tabs, num_columns)
    if num_columns == 1:
        return layout
    last = [layout.fields(line.text)[-1] for line in lines]
    rest = last[1:]
    many = len(rest) >= _FEWEST_BESIDE_HEADER
    entity_tags = _are_entity_tags(last) or (many and _are_entity_tags(rest))
    header = lines[0].number if entity_tags and not _is_entity_tag(last[0]) else None
    counted = (
        column_names is None and _words_counted(asked, layout) and not (num_columns == 2 and entity_tags)
    )
    return Layout(by_tabs, num_columns, counted, frozenset(last), entity_tags, header)


def looks_like_tags(head: Sequence[Line]) -> bool:
    """Whether lines are unmistakably columns of words and entity tags.

    So they are when several sentences stand apart, half of them of more than one word, and all lines (of many, all
    but one in fifty) have the same number of columns, a first field that is one word, and end in `O` or a tag such as
    `B-PER`, the first among them.
    """
    layout = layout_of(head, None)
    if layout is None or layout.num_columns < 2:
        return False
    groups = [words for sentence in _sentences(head) if (words := _words(sentence))]
    apart = len(groups) > 1 or any(is_document_start(line.text) for line in head)
    apart = apart and 2 * sum(len(words) > 1 for words in groups) >= len(groups)
    fields = [layout.fields(line.text) for words in groups for line in words][:SNIFFED_LINES]
    fitting = [
        len(found) == layout.num_columns
        and _is_entity_tag(found[-1])
        and not (is_blank(found[0]) or _BLANKS.search(found[0]))
        for found in fields
    ]
    agreed = bool(fitting) and fitting[0] and 50 * fitting.count(False) <= len(fitting)
    return apart and agreed and any(found[-1] != "O" for found in fields if _is_entity_tag(found[-1]))


def _sentences(lines: Iterable[Line]) -> Iterator[list[Line]]:
    sentence: list[Line] = []
    for line in lines:
        if is_blank(line.text) or is_document_start(line.text):
            yield sentence
            sentence = []
        else:
            sentence.append(line)
    yield sentence


def _words(sentence: list[Line]) -> list[Line]:
    """The lines from the first that does not begin with `#`."""
    for place, line in enumerate(sentence):
        if not line.text.startswith("#"):
            return sentence[place:]
    return []


def _separation(texts: list[str], column_names: Sequence[str] | None) -> tuple[bool, int]:
    """Whether tabs part the columns, and how many there are."""
    tabs, num_by_tabs = Counter(len(_by_tabs(text)) for text in texts).most_common(1)[0]
    blanks, num_by_blanks = Counter(len(_by_blanks(text)) for text in texts).most_common(1)[0]
    prefer_tabs = tabs > 1 and num_by_tabs >= num_by_blanks
    if column_names is None:
        return (True, tabs) if prefer_tabs else (False, blanks)
    wanted = len(column_names)
    if wanted not in (tabs, blanks):
        raise ConfigError(
            f"names {wanted} columns, where the file has {tabs if prefer_tabs else blanks}",
            where="data.column_names",
            fix="name all columns of the file, in their order",
        )
    return (wanted == tabs and (prefer_tabs or wanted != blanks)), wanted


def _by_tabs(text: str) -> list[str]:
    return [field.strip(" ") or field for field in text.split("\t")]


def _by_blanks(text: str) -> list[str]:
    return _BLANKS.split(text.strip(" \t"))


def _is_entity_tag(tag: str) -> bool:
    return _ENTITY_TAG.fullmatch(tag) is not None


def _are_entity_tags(tags: Sequence[str]) -> bool:
    """Whether nearly all tags (49 of 50) are of entities, and not all of them `O`."""
    others = sum(not _is_entity_tag(tag) for tag in tags)
    return 50 * others <= len(tags) and any(tag != "O" for tag in tags)


def _words_counted(sentences: list[list[Line]], layout: Layout) -> bool:
    """Whether the first column counts 1, 2, 3, ... in most sentences of several words."""
    numbers = [[layout.fields(line.text)[0] for line in words] for words in sentences if len(words) > 1]
    counted = sum(own == [str(place) for place in range(1, len(own) + 1)] for own in numbers)
    return counted > 0 and 2 * counted >= len(numbers)
