"""Which columns hold a question, the text that it is asked of and the answers, said only where there is no doubt.

Questions with a text are also classified (does it answer? yes or no?) and come with choices; these are no
columns of reading comprehension. Not for: reading a row (`answers`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Row
from tunewell.data.answer_kinds import has_unspaced

QUESTION_NAMES = ("question",)
CONTEXT_NAMES = ("context", "passage", "paragraph", "article")
ANSWER_NAMES = ("answers", "answer")

_CHOICES = {"options", "choices", "endings", "label", "labels", "distractors"}
"""Columns of tasks where an answer is chosen from a list, not found in a text."""

_SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that hold the question, the text that it is asked of, and the answers."""

    question: str
    context: str
    answers: str


def asked_columns(columns: Sequence[str], given: Mapping[str, Any]) -> Columns:
    """The three columns by their names alone, where the user says that there are such; raises `ConfigError`."""
    found = name_columns(columns, given)
    if found is None:
        raise ConfigError(
            f"which columns hold question, context and answers? The columns are {', '.join(columns)}",
            fix="--set task.question=COLUMN --set task.context=COLUMN --set task.answers=COLUMN",
        )
    return found


def guess_columns(columns: Sequence[str], rows: Sequence[Row], given: Mapping[str, Any]) -> Columns | None:
    """The three columns, when the rows are unmistakably questions whose answers stand in a text.

    `given` holds the columns that the user has named (`question`, `context`, `answers`). Answers must have the form
    that SQuAD gives them, or be texts that nearly always occur in the context. Raises `ConfigError` for answers that
    are printed Python objects.
    """
    if {name.lower() for name in columns} & _CHOICES - set(map(str.lower, given.values())):
        return None
    found = name_columns(columns, given)
    if found is None:
        return None
    present = [row for row in rows[:_SAMPLE_ROWS] if row.values.get(found.answers) not in (None, "", [])]
    for row in present[:1]:
        try:
            check_not_printed(found.answers, row.values[found.answers], str(row.origin))
        except DataError as error:
            raise ConfigError(error.what, where=error.where, fix=error.fix) from None
    hits = [_looks_extractive(row, found) for row in present]
    return found if hits and sum(hits) >= 0.8 * len(hits) else None


def name_columns(columns: Sequence[str], given: Mapping[str, Any]) -> Columns | None:
    """The three columns by their names alone; None when one is not there."""
    lowered = {name.lower(): name for name in reversed(columns)}
    found = []
    for part, names in (("question", QUESTION_NAMES), ("context", CONTEXT_NAMES), ("answers", ANSWER_NAMES)):
        name = given.get(part) or next((lowered[name] for name in names if name in lowered), None)
        if name is None:
            return None
        found.append(name)
    return Columns(*found)


def _looks_extractive(row: Row, columns: Columns) -> bool:
    """Whether a row's answers have places, or occur in its context as whole words."""
    value, context = row.values[columns.answers], row.values.get(columns.context)
    if isinstance(value, dict):
        return "text" in value
    if isinstance(value, list) and isinstance(value[0], dict):
        return "text" in value[0]
    if row.values.get("answer_start") not in (None, ""):
        return True
    texts = value if isinstance(value, list) else [value]
    if not isinstance(context, str) or not all(isinstance(text, str) and text.strip() for text in texts):
        return False
    if isinstance(value, str) and spelt_answers(value) is not value:
        return True
    first = texts[0].strip()
    if len(first) == 1 and first.isascii():
        return False  # the letter of a choice
    return has_unspaced(first) or bool(re.search(rf"(?<!\w){re.escape(first)}(?!\w)", context))


_PRINTED = re.compile(r"\s*(?:\[\s*)?\{\s*'(?:text|answer_start)'\s*:")


def check_not_printed(column: str, value: Any, where: str) -> None:
    """Raise `DataError` for the text that Python prints for answers, as CSV files of nested tables hold it."""
    if isinstance(value, str) and _PRINTED.match(value):
        raise DataError(
            f"column {column!r} holds a Python object as it is printed, {value[:60]!r}, which cannot be read back",
            where=where,
            fix="export the data as JSON lines instead, such as "
            'DATASET.to_json("train.jsonl") or FRAME.to_json("train.jsonl", orient="records", lines=True)',
        )


def spelt_answers(value: Any) -> Any:
    """What a cell of a CSV file spells: the JSON of answers, or else just its text."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        spelt = json.loads(value)
    except (ValueError, RecursionError):
        return value
    parts = spelt if isinstance(spelt, list) else [spelt]
    is_answers = all(isinstance(part, str) or (isinstance(part, dict) and "text" in part) for part in parts)
    return spelt if is_answers else value
