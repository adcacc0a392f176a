"""What a check of the data says: one finding, and how places and texts are shown in it.

Not for: the checks themselves (`checks`, `label_checks`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tunewell.core.examples import Example

SHOWN = 5
"""How many examples a finding shows."""

_SNIPPET_CHARACTERS = 80
_ORDER = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    `code` is short and stable (`duplicates`, `overlap`, ...), for programs; `message` is a sentence with the
    counts; `examples` show the first few places (`file:line`) with what stands there. An `error` makes training
    pointless, a `warning` makes scores doubtful, an `info` is good to know.
    """

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    examples: tuple[str, ...] = ()

    def remark(self) -> tuple[str, Literal["info", "warning"]]:
        """The sentence with its examples, as people are told of it, and its level."""
        shown = "".join(f"\n  {example}" for example in self.examples)
        return self.message + shown, "info" if self.severity == "info" else "warning"


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then infos; otherwise in the order given."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def snippet(text: str) -> str:
    """The beginning of a text, on one line, with what cannot be seen made visible."""
    cut = text if len(text) <= _SNIPPET_CHARACTERS else text[: _SNIPPET_CHARACTERS - 1] + "…"
    visible = (c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
    return f"'{''.join(visible)}'"


def place_and_text(example: Example, text: str) -> str:
    """`file:line 'the text...'`."""
    return f"{example.origin} {snippet(text)}"


def plural(count: int, noun: str) -> str:
    """`1 text`, `2 texts`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
