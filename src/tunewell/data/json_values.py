"""Strict JSON: what the standard library lets pass (double keys, NaN, lone surrogates) is refused with its place.

Not for: what the values mean as a table (`json_records`, `json_documents`).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 100
"""Objects and lists may be nested this deep."""

_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class BadJson(ValueError):
    """Text that is not acceptable JSON; `position` is an index into the text, where it is known."""

    def __init__(self, what: str, position: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.position = position


def _without_double_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadJson(f"key {key!r} appears twice")
            seen.add(key)
    return values


def _refuse_constant(name: str) -> Any:
    raise BadJson(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise BadJson(f"the number {text[:40]} is too large")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_double_keys, parse_constant=_refuse_constant, parse_float=_finite
)


def decode_value(text: str, start: int = 0) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and the index after it. Raises `BadJson`."""
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise BadJson(f"not JSON: {error.msg[0].lower()}{error.msg[1:]}", error.pos) from None
    except BadJson:
        raise
    except ValueError as error:  # a whole number of more than 4,300 digits
        raise BadJson(f"not acceptable JSON: {error}") from None
    except RecursionError:  # unreachable after `refuse_hidden_faults`; kept because a crash is worse
        raise BadJson("nested too deep") from None


def refuse_hidden_faults(text: str, *, outer_levels: int = 0) -> None:
    """Raise `BadJson` for nesting deeper than `MAX_DEPTH` and for lone surrogates, before decoding.

    `outer_levels` more levels are allowed: those around the records of a document.
    """
    deepest = MAX_DEPTH + outer_levels
    if text.count("[") + text.count("{") > deepest:
        depth = 0
        for match in _BRACKET_OR_STRING.finditer(text):
            character = match[0]
            if character in "[{":
                depth += 1
                if depth > deepest:
                    raise BadJson(f"nested deeper than {MAX_DEPTH} levels", match.start())
            elif character in "]}":
                depth -= 1
    if "\\u" in text:
        _refuse_lone_surrogates(text)


def _refuse_lone_surrogates(text: str) -> None:
    high: re.Match[str] | None = None
    for match in _ESCAPE.finditer(text):
        code = int(match[1], 16) if match[1] else 0
        is_low = 0xDC00 <= code <= 0xDFFF
        follows_high = high is not None and high.end() == match.start()
        if high is not None and not (is_low and follows_high):
            raise BadJson(f"{high[0]} is half of a surrogate pair", high.start())
        if is_low and not follows_high:
            raise BadJson(f"{match[0]} is half of a surrogate pair", match.start())
        high = match if 0xD800 <= code <= 0xDBFF else None
    if high is not None:
        raise BadJson(f"{high[0]} is half of a surrogate pair", high.start())
