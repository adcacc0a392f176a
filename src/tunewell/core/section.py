"""What every part of a report has: a title, how to read it, what it shows.

The kinds of parts are in `sections.py`, those made of examples in `example_sections.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the report: `note` says how to read it, `shows` what it shows here. One sentence each."""

    kind: ClassVar[str]
    title: str
    note: str
    shows: str = field(default="", kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """All fields, with `kind` first."""
        return {"kind": self.kind, **asdict(self)}
