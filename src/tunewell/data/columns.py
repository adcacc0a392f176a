"""Which column of a file holds what: guesses that are made only where one reading is sensible.

The guesses are for one text or two with labels or a number; `require_columns` is for every task. Not for: words with
tags (`tagged_columns`), questions with answers (`question_columns`) or reading rows (`labelled`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Row
from tunewell.data.conversation_names import dialogue_hint
from tunewell.data.values import as_number

TEXT_NAMES = (
    "text", "sentence", "review", "review_text", "content", "body", "comment", "tweet", "message", "utterance",
    "query", "question", "document", "description", "headline", "title",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "gold_label", "class", "class_index", "category", "sentiment", "target", "stars", "rating",
    "intent", "topic", "polarity", "emotion", "is_duplicate", "quality", "score", "similarity", "similarity_score",
)  # fmt: skip
WEAK_LABEL_NAMES = ("tags", "genre", "genres")
"""Names of labels in some files and of mere remarks in others: taken where no better name stands."""
PAIR_NAMES = (
    ("premise", "hypothesis"),
    ("question", "sentence"),
    ("question", "passage"),
    ("query", "document"),
    ("question", "answer"),
    ("claim", "evidence"),
    ("title", "description"),
    ("title", "content"),
    ("title", "body"),
)

_NUMBERED = (
    re.compile(r"^(?P<stem>.*?)[ _-]?(?P<place>[12ab])$", re.IGNORECASE),
    re.compile(r"^#?(?P<place>[12])[ _-](?P<stem>.+)$"),
)
_ID_NAMES = re.compile(
    r"^(id|idx|index|.*[_ ]id|#\d id|[qp]id\d*|pairid|guid|uuid|unnamed: 0)$", re.IGNORECASE
)
_SAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class TargetKind:
    """What the values of a target column are: `single_label`, `multi_label` or `regression`."""

    kind: str
    num_labels: int | None


@dataclass(frozen=True, slots=True)
class LabelledColumns:
    """The text column or columns, the target's, what kind of target it is, and the sentence that says so."""

    text: str | list[str]
    label: str | list[str]
    kind: str
    said: str


def require_columns(
    columns: Sequence[str],
    wanted: Sequence[str],
    where: str,
    settings: Sequence[str],
    give: str | None = None,
) -> None:
    """Raise `DataError` when one of the `wanted` columns is not among those of the file that `where` names.

    The advice is to set those of the `settings` that name columns, or, if that is said, to `give` something else.
    """
    for missing in (name for name in wanted if name not in columns):
        near = difflib.get_close_matches(missing, columns, n=1)
        then = f"Set {', '.join(settings[:-1])} and {settings[-1]}" if give is None else f"Give {give}"
        fix = f"name a column {missing!r}, or train with other columns: {', '.join(settings)}"
        if near:
            fix = f"did you mean {near[0]!r}? {then}"
        elif give is not None:
            fix = f"give {give}"
        what = f"there is no column {missing!r}; the columns are {', '.join(columns)}"
        raise DataError(what, where=where, fix=fix)


def guess(
    columns: Sequence[str], rows: Sequence[Row], given: Mapping[str, Any], separator: str
) -> LabelledColumns | None:
    """Text and target, where the `given` settings `text`, `label` and `kind` leave them open; None without either.

    `separator` stands between several labels in one value. Raises `ConfigError` when several columns could be it.
    """
    text, label, kind = (given.get(name) for name in ("text", "label", "kind"))
    taken = [label] if isinstance(label, str) else list(label or ())
    texts = [text] if isinstance(text, str) else text
    texts = guess_texts(columns, rows, taken) if texts is None else texts
    if texts is None:
        return None
    label = guess_target(columns, rows, taken=texts) if label is None else label
    if label is None:
        return None
    number = None
    if isinstance(label, list):
        kind = kind or "multi_label"
    else:
        found = kind_of_target([row.values.get(label) for row in rows], separator)
        kind, number = kind or found.kind, found.num_labels
    what = {"multi_label": "several labels a text", "regression": "a number"}.get(kind, f"{number} classes")
    said = f"text = {' + '.join(texts)}, label = {label if isinstance(label, str) else ' + '.join(label)}: {what}"
    return LabelledColumns(texts if len(texts) > 1 else texts[0], label, kind, said)


def guess_texts(columns: Sequence[str], rows: Sequence[Row], taken: Iterable[str]) -> list[str] | None:
    """The text column, or the two of a pair; None when nothing looks like text.

    Raises `ConfigError` that names the candidates when several columns could be it.
    """
    taken = set(taken)
    sample = rows[:_SAMPLE_ROWS]
    textual = [name for name in columns if name not in taken and _is_textual(sample, name)]
    pairs = _pairs(textual)
    if len(pairs) > 1:
        pairs = [pair for pair in pairs if all(_is_prose(sample, name) for name in pair)]
    if len(pairs) == 1:
        return list(pairs[0])
    lowered = {name.lower().replace(" ", "_"): name for name in textual}
    named = [lowered[name] for name in TEXT_NAMES if name in lowered]
    if named and (len(named) == 1 or named[0].lower() in TEXT_NAMES[:2]):
        return [named[0]]
    prose = [name for name in textual if _is_prose(sample, name)]
    if len(prose) == 1:
        return prose
    candidates = named or prose
    if not candidates:
        return None
    raise ConfigError(
        f"which column is the text? It could be {_listed(candidates)}",
        fix=f"--set task.text={candidates[0]}, or --set 'task.text=[{', '.join(candidates[:2])}]' for a pair"
        + dialogue_hint(columns),
    )


def guess_target(columns: Sequence[str], rows: Sequence[Row], taken: Iterable[str]) -> str | list[str] | None:
    """The target column, or several 0/1 columns; None when nothing looks like a target.

    Raises `ConfigError` that names the candidates when several columns could be it.
    """
    taken = set(taken)
    free = [name for name in columns if name not in taken and not _ID_NAMES.match(name)]
    lowered = {name.lower().replace(" ", "_"): name for name in free}
    named = [lowered[name] for name in LABEL_NAMES if name in lowered]
    named = named or [lowered[name] for name in WEAK_LABEL_NAMES if name in lowered]
    if named and (len(named) == 1 or named[0].lower() in LABEL_NAMES[:2]):
        return named[0]
    sample = rows[:_SAMPLE_ROWS]
    if len(free) == 1 and not _is_remark(sample, free[0]):
        return free[0]
    if not named:
        flags = [name for name in free if _is_flag(sample, name)]
        if len(flags) >= 2:
            return flags
    candidates = named or [name for name in free if _is_categorical(sample, name)]
    if len(candidates) == 1:
        return candidates[0]
    candidates = candidates or free
    if not candidates:
        return None
    raise ConfigError(
        f"which column is the label? It could be {_listed(candidates)}",
        fix=f"--set task.label={candidates[0]}{dialogue_hint(columns)}",
    )


def kind_of_target(values: Sequence[Any], separator: str) -> TargetKind:
    """What a column's values are, from all of them; missing values do not count.

    Lists, or texts that hold `separator`, are several labels; numbers with a fraction, or whole numbers of
    which hardly any repeats, are quantities; everything else is one label.
    """
    present = [value for value in values if value is not None and value != ""]
    if any(isinstance(value, list) for value in present):
        return TargetKind("multi_label", None)
    if any(isinstance(value, str) and separator in value for value in present):
        return TargetKind("multi_label", None)
    distinct = {str(value) for value in present}
    numbers = [as_number(value) for value in distinct]
    if numbers and all(number is not None for number in numbers):
        fractional = any(number != int(number) for number in numbers if number is not None)
        whole = sorted(int(number) for number in numbers if number is not None)
        numbered = whole[0] in (0, 1) and whole[-1] - whole[0] < 1.2 * len(whole)  # ids of classes
        rare = len(distinct) > 50 and len(present) < 5 * len(distinct) and not numbered
        if fractional or rare:
            return TargetKind("regression", None)
    return TargetKind("single_label", len(distinct))


def _pairs(columns: Sequence[str]) -> list[tuple[str, str]]:
    lowered = {name.lower(): name for name in columns}
    pairs = [(lowered[a], lowered[b]) for a, b in PAIR_NAMES if a in lowered and b in lowered]
    stems: dict[str, list[str]] = {}
    for name in columns:
        if match := next(filter(None, (pattern.match(name) for pattern in _NUMBERED)), None):
            stems.setdefault(match["stem"].lower(), []).append(name)
    return pairs + [(names[0], names[1]) for stem, names in stems.items() if len(names) == 2 and stem]


def _values(rows: Sequence[Row], name: str) -> list[Any]:
    return [value for row in rows if (value := row.values.get(name)) not in (None, "")]


def _is_textual(rows: Sequence[Row], name: str) -> bool:
    values = _values(rows, name)
    if not values or _ID_NAMES.match(name) or not all(isinstance(value, str) for value in values):
        return False
    return any(as_number(value) is None for value in values)


def _is_prose(rows: Sequence[Row], name: str) -> bool:
    values = _values(rows, name)
    mean_length = sum(len(value) for value in values) / len(values)
    return mean_length >= 12 and len(set(values)) > 0.5 * len(values)


def _is_flag(rows: Sequence[Row], name: str) -> bool:
    values = {str(value).lower() for value in _values(rows, name)}
    return bool(values) and values <= {"0", "1", "true", "false"}


def _is_remark(rows: Sequence[Row], name: str) -> bool:
    """Texts of which hardly any repeats: names of authors, places, dates."""
    values = [str(value) for value in _values(rows, name)]
    distinct = len(set(values))
    return len(values) >= 20 and distinct > 0.5 * len(values) and as_number(values[0]) is None


def _is_categorical(rows: Sequence[Row], name: str) -> bool:
    values = [str(value) for value in _values(rows, name)]
    return bool(values) and (len(set(values)) <= max(2, len(values) / 3) or as_number(values[0]) is not None)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
