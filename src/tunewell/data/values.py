"""One cell of a row as an id, a text, a label, several labels, a flag or a number; or an error that names its place.

Not for: which column it is (the task's settings, or `columns`) or whole rows (`labelled`, `tagged`, `answers`).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection
from typing import Any

from tunewell.core.errors import DataError
from tunewell.core.examples import Row

MEND_OR_DROP = "mend the row, or --set data.on_bad_row=drop"
"""What can be done about a row that cannot be read."""

_NAMES_SHOWN = 8
_SURROGATE = re.compile("[\ud800-\udfff]")


def row_id(row: Row) -> str:
    """The row's own `id` where it has one, else its line number."""
    own = row.values.get("id")
    return str(row.origin.line if own in (None, "") else own)


def text(row: Row, column: str, *, blank: bool = False) -> str:
    """A text; with `blank` it may be empty."""
    value = row.values.get(column)
    if not isinstance(value, str):
        shown = "is missing" if value is None else f"holds {value!r}, not a text"
        raise DataError(f"column {column!r} {shown}", where=str(row.origin))
    if not value.isascii() and _SURROGATE.search(value):
        raise DataError(f"column {column!r} holds half of a surrogate pair", where=str(row.origin))
    if not blank and not value.strip():
        raise DataError(
            f"column {column!r} is blank",
            where=str(row.origin),
            fix=MEND_OR_DROP,
        )
    return value


def label(row: Row, column: str) -> str:
    """A label's name, as it stands there; whole numbers and true/false become their text."""
    return _label_name(row, column, row.values.get(column))


def several_labels(row: Row, column: str, separator: str) -> tuple[str, ...]:
    """The names of a list, or of a text cut at `separator`; none for an empty one, each once."""
    value = row.values.get(column)
    if value is None:
        raise DataError(f"column {column!r} is missing", where=str(row.origin))
    parts = value if isinstance(value, list) else [part.strip() for part in str(value).split(separator)]
    return tuple(dict.fromkeys(_label_name(row, column, part) for part in parts if part != ""))


def flag(row: Row, column: str) -> bool:
    """0 or 1, false or true."""
    value = str(row.values.get(column)).lower()
    if value in ("1", "1.0", "true"):
        return True
    if value in ("0", "0.0", "false"):
        return False
    raise DataError(f"column {column!r} holds {value!r}, not 0 or 1", where=str(row.origin))


def real(row: Row, column: str) -> float:
    """A finite number."""
    value = row.values.get(column)
    number = as_number(value)
    if number is None:
        raise DataError(f"column {column!r} holds {value!r}, not a finite number", where=str(row.origin))
    return number


def unknown(row: Row, said: str, name: str, known: Collection[str], kinds: str, fix: str) -> DataError:
    """The error that `name`, the end of what is `said`, is none of the `known`; `fix` where none is like it."""
    twins = [other for other in known if other.casefold() == name.casefold()]
    near = twins or difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(list(known)[:_NAMES_SHOWN]) + (", ..." if len(known) > _NAMES_SHOWN else "")
    return DataError(
        f"{said} {name!r} is not one of the {len(known)} known {kinds} ({listed})",
        where=str(row.origin),
        fix=f"did you mean {near[0]!r}?" if near else fix,
    )


def as_number(value: Any) -> float | None:
    """The finite number that a value is or spells; None otherwise. `1_000` and true spell none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "_" in str(value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _label_name(row: Row, column: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isnan(value):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, str | int) and str(value).strip():
        return str(value)
    shown = "is missing" if value in (None, "") else f"holds {value!r}, which is no label"
    raise DataError(f"column {column!r} {shown}", where=str(row.origin))
