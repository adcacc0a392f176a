"""Which columns of a file hold words and their tags, or a text and spans in it; and which scheme the tags are in.

A guess is made only for files that cannot be anything else: lists of words beside lists that are as long, or a text
beside lists of spans. Not for: files with one label a text (`columns`) or reading rows (`tagged`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Row
from tunewell.core.tags import OUTSIDE, SCHEMES, detect_scheme, illegal, malformed
from tunewell.data.columns import LABEL_NAMES, TEXT_NAMES
from tunewell.data.tagged import span_parts, tag_values

TOKEN_NAMES = ("tokens", "words", "sentence", "token", "word", "text")
TAG_NAMES = (
    "ner_tags", "tags", "upos", "ner", "bio_tags", "labels", "label", "pos_tags", "pos", "upos_tags", "xpos", "tag",
)  # fmt: skip
"""The most likely first."""
SPAN_NAMES = ("entities", "spans", "label", "labels", "annotations")
PARTS_OF_SPEECH = ("upos", "xpos", "pos", "pos_tags", "upos_tags")

_SAMPLE_ROWS = 1000
_NUMBERED = re.compile(r"column_\d+")
"""What columns of a CoNLL file are called that nobody named."""


@dataclass(frozen=True, slots=True)
class TaggedColumns:
    """The column of words or text, that of tags or spans, the scheme, and the sentence that says so."""

    tokens: str
    column: str
    scheme: str
    said: str


def guess(columns: Sequence[str], rows: Sequence[Row], given: Mapping[str, Any]) -> TaggedColumns | None:
    """How to read such a file, where `given` settings leave it open; None when it is of another kind.

    Raises `ConfigError` when the tags are numbers that nobody names.
    """
    found = None
    if given.get("scheme") != "spans":
        found = _tagged(columns, rows, given)
    if found is None and given.get("scheme") in (None, "spans"):
        found = _spanned(columns, rows, given)
    return found


def check_no_label(columns: Sequence[str], rows: Sequence[Row], found: TaggedColumns) -> None:
    """Raise `ConfigError` when the file could as well hold texts with one label each, such as `text` and `sentiment`."""
    sample = rows[:_SAMPLE_ROWS]
    lowered = {name.lower(): name for name in columns}
    of_tags = (found.column, found.column.partition(".")[0])
    others = [name for name in columns if name not in of_tags]
    texts = [lowered[name] for name in TEXT_NAMES if lowered.get(name) in others]
    text = next((name for name in texts if _are_texts(sample, name)), None)
    labels = [lowered[name] for name in LABEL_NAMES if lowered.get(name) in others]
    label = next((name for name in labels if name != text and _are_texts(sample, name)), None)
    if text is not None and label is not None:
        raise ConfigError(
            f"the file has two readings: words with tags ({found.tokens}, {found.column}), "
            f"or texts with one label each ({text}, {label})",
            fix="say which with --task token-classification or --task text-classification",
        )


def elsewhere(
    columns: Sequence[str],
    rows: Sequence[Row],
    learnt: tuple[str, str, str],
    names: Sequence[str] | None,
) -> tuple[str, str, str]:
    """The column of words, that of tags and the scheme, in another file than the one they were `learnt` from.

    Columns that this file lacks are guessed in it, and the scheme of entities is read off its own tags. What is learnt
    comes back where the guess finds nothing or tags of another kind. `names` are those of tags that are numbers.
    """
    tokens, column, scheme = learnt
    there = {
        key: name
        for key, name in (("tokens", tokens), ("column", column))
        if name in columns or (key == "column" and name.partition(".")[0] in columns)
    }
    if len(there) == 2:
        return tokens, column, _fitting_scheme(rows, column, scheme, names) if scheme in SCHEMES else scheme
    for given in (there, {}) if there else ({},):
        try:
            found = guess(columns, rows, {**given, "labels": names})
        except ConfigError:  # numbers without names: the missing column is told of
            continue
        if found is None or (found.scheme == "plain") != (scheme == "plain"):
            continue
        if found.scheme == "spans" and not _are_texts(rows, found.tokens):
            continue
        return found.tokens, found.column, found.scheme
    return learnt


def _fitting_scheme(rows: Sequence[Row], column: str, scheme: str, names: Sequence[str] | None) -> str:
    """The scheme that was learnt, unless another is read off these tags and fewer of them are out of order in it."""
    sequences = [[str(tag) for tag in tags] for tags in _sequences(rows, column, names)]
    found = detect_scheme(sequences)
    if found is None or found == scheme:
        return scheme
    wrong = {name: sum(len(illegal(tags, name)) for tags in sequences) for name in (found, scheme)}
    return found if wrong[found] < wrong[scheme] else scheme


def _tagged(columns: Sequence[str], rows: Sequence[Row], given: Mapping[str, Any]) -> TaggedColumns | None:
    sample = rows[:_SAMPLE_ROWS]
    named = given.get("tokens"), given.get("column")
    lowered = {name.lower(): name for name in columns}
    tokens = named[0] or next(
        (lowered[name] for name in TOKEN_NAMES if name in lowered and _are_words(sample, lowered[name])), None
    )
    if tokens is None:
        return None
    if named[1]:
        candidates = [] if _are_spans(sample, named[1]) else [named[1]]
    else:
        likely = [lowered[name] for name in TAG_NAMES if name in lowered and lowered[name] != tokens]
        likely += [name for name in columns if _NUMBERED.fullmatch(name)]
        candidates = [name for name in likely if _are_tags(sample, tokens, name)]
    if not candidates:
        return None
    outer = _outer(rows, candidates)
    candidates = candidates if outer is None else sorted(candidates, key=lambda name: name != outer)
    column = candidates[0]
    scheme = given.get("scheme") or _scheme(rows, column, given.get("labels"))
    others = candidates[1:]
    inside = ", which holds entities inside of these" if outer is not None else ""
    hint = f" (or {', '.join(others)}{inside}: --set task.column={others[0]})" if others else ""
    said = f"tokens = {tokens}, tags = {column}: {_what(rows, column, scheme, given.get('labels'))}{hint}"
    return TaggedColumns(tokens, column, scheme, said)


def _outer(rows: Sequence[Row], candidates: Sequence[str]) -> str | None:
    """The column of the outer entities where the last of a CoNLL file holds those inside of them, as GermEval has it.

    So it is when another column has more entities, and nearly all types of the last.
    """
    if candidates[0] != "tags" or not any(_NUMBERED.fullmatch(name) for name in candidates[1:]):
        return None
    inner = _num_openings(rows, candidates[0])
    for name in candidates[1:]:
        found = _num_openings(rows, name)
        shared = sum(count for kind, count in inner.items() if kind in found)
        if found.total() > inner.total() > 0 and 10 * shared >= 9 * inner.total():
            return name
    return None


def _num_openings(rows: Sequence[Row], column: str) -> Counter[str]:
    """How many tags of each type begin with `B-`."""
    tags = (tag for own in _sequences(rows, column, None) for tag in own)
    return Counter(tag[2:] for tag in tags if isinstance(tag, str) and tag.startswith("B-"))


def _spanned(columns: Sequence[str], rows: Sequence[Row], given: Mapping[str, Any]) -> TaggedColumns | None:
    sample = rows[:_SAMPLE_ROWS]
    lowered = {name.lower(): name for name in columns}
    texts = [lowered[name] for name in TEXT_NAMES if name in lowered]
    text = given.get("tokens") or next((name for name in texts if _are_texts(sample, name)), None)
    spans = [lowered[name] for name in SPAN_NAMES if name in lowered]
    column = given.get("column") or next((name for name in spans if _are_spans(sample, name)), None)
    certain = given.get("scheme") == "spans"
    if text is None or column is None or not (certain or _are_spans(sample, column)):
        return None
    types = {str(span_parts(span)[2]) for row in rows for span in _list(row.values.get(column))}
    said = f"tokens = {text}, tags = {column}: entities as spans of characters, {_number(len(types), 'type')}"
    return TaggedColumns(text, column, "spans", said)


def _scheme(rows: Sequence[Row], column: str, names: Sequence[str] | None) -> str:
    tags = [tag for own in _sequences(rows, column, None) for tag in own]
    if names is None and 2 * sum(isinstance(tag, int) for tag in tags) > len(tags):
        raise ConfigError(
            f"the tags in column {column!r} are numbers, and the file does not say what they are called",
            fix="name them by number, --set 'task.labels=[O, B-PER, I-PER]' say, or --set task.scheme=plain to take "
            "the numbers for names",
        )
    return detect_scheme([str(tag) for tag in tags] for tags in _sequences(rows, column, names)) or "plain"


def _sequences(rows: Sequence[Row], column: str, names: Sequence[str] | None) -> Iterator[list[Any]]:
    """The tags of each row, numbers replaced by their names where there are any."""
    for row in rows:
        tags = _list(tag_values(row, column))
        yield [
            names[tag] if names and isinstance(tag, int) and 0 <= tag < len(names) else tag for tag in tags
        ]


def _what(rows: Sequence[Row], column: str, scheme: str, names: Sequence[str] | None) -> str:
    tags = {str(tag) for tags in _sequences(rows, column, names) for tag in tags}
    if scheme == "plain":
        of_speech = column.lower() in PARTS_OF_SPEECH
        return f"{'parts of speech' if of_speech else 'one tag a word'}, {_number(len(tags), 'tag')}"
    types = {tag.partition("-")[2] for tag in tags - {OUTSIDE} if not malformed([tag])}
    return f"entities in {scheme.upper()}, {_number(len(types), 'type')}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _are_words(rows: Sequence[Row], column: str) -> bool:
    found = [token for row in rows for token in _list(row.values.get(column))]
    return bool(found) and all(isinstance(token, str) for token in found)


def _are_tags(rows: Sequence[Row], tokens: str, column: str) -> bool:
    """Whether most rows have as many texts or numbers here as words; the others are told of when they are read."""
    pairs = [(_list(row.values.get(tokens)), _list(row.values.get(column))) for row in rows]
    fitting = [
        tags
        for words, tags in pairs
        if tags and len(words) == len(tags) and all(isinstance(tag, str | int) for tag in tags)
    ]
    return 2 * len(fitting) > len(rows)


def _are_texts(rows: Sequence[Row], column: str) -> bool:
    found = [row.values[column] for row in rows if row.values.get(column) is not None]
    return bool(found) and all(isinstance(value, str) for value in found)


def _are_spans(rows: Sequence[Row], column: str) -> bool:
    """Whether most of what stands in the lists of a column has a start, an end and a type."""
    found = [span for row in rows for span in _list(row.values.get(column))]
    fitting = 0
    for span in found:
        start, end, kind = span_parts(span)
        fitting += isinstance(start, int) and isinstance(end, int) and isinstance(kind, str)
    return 2 * fitting > len(found)
