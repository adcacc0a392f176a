"""One row of a file as a text or a pair of texts with its target: a label, several labels, or a number.

Not for: which columns these are (`columns`), one cell (`values`), or what is odd in targets that can be read
(`label_checks`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tunewell.core.examples import Row, TextExample
from tunewell.data import values


def read_texts(row: Row, columns: Sequence[str], *, labelled: bool) -> TextExample:
    """The texts of a row, its target still unknown; when `labelled` they must not be blank. Raises `DataError`."""
    texts = tuple(values.text(row, column, blank=not labelled) for column in columns)
    return TextExample(values.row_id(row), row.origin, texts)


def read_label(row: Row, column: str, known: Collection[str]) -> str:
    """One label. Raises `DataError` when it is not `known`; if nothing is, every name is taken."""
    return _checked(row, (values.label(row, column),), known)[0]


def read_labels(row: Row, columns: Sequence[str], separator: str, known: Collection[str]) -> tuple[str, ...]:
    """Several labels or none: columns of 0 and 1 that bear their names, or one of lists or of names in one text.

    Raises `DataError` when one is not `known`; if nothing is, every name is taken.
    """
    if len(columns) > 1:
        return _checked(row, tuple(column for column in columns if values.flag(row, column)), known)
    return _checked(row, values.several_labels(row, columns[0], separator), known)


def _checked(row: Row, names: tuple[str, ...], known: Collection[str]) -> tuple[str, ...]:
    for name in names:
        if known and name not in known:
            fix = "correct the label, or train again with it"
            raise values.unknown(row, "label", name, known, "labels", fix)
    return names
