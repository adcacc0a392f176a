"""What a report shows, as plain data: tasks and runs describe, `tunewell.report` draws.

Each section is a frozen dataclass of strings and numbers that `to_json`/`from_json` round-trip, so a report
can be drawn again from a run folder without the model. Those made of examples stand in `example_sections.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from tunewell.core.comparisons import PairResult
from tunewell.core.example_sections import (
    Conversation,
    Conversations,
    Mark,
    MarkedText,
    MarkedTexts,
    Rewrite,
    Rewrites,
    Texts,
)
from tunewell.core.examples import Turn
from tunewell.core.results import Score
from tunewell.core.section import Section

__all__ = [
    "Bars", "Check", "Checks", "Compared", "ConfidenceBin", "Conversation", "Conversations", "Facts", "Headline",
    "Lines", "Mark", "MarkedText", "MarkedTexts", "Matrix", "Notices", "Reliability", "Rewrite", "Rewrites", "Scatter",
    "Section", "Table", "Texts", "section_from_json",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Headline(Section):
    """The primary score, the baselines' and the differences to them, on `split`."""

    kind: ClassVar[str] = "headline"
    metric: str
    split: str
    num_examples: int
    score: Score
    baselines: Mapping[str, Score]
    differences: Mapping[str, Score]

    def to_json(self) -> dict[str, Any]:
        """All fields; a score that is not defined is null, as in `scores.json`."""
        fields: dict[str, Any] = {"kind": self.kind, **asdict(self), "score": self.score.to_json()}
        for name in ("baselines", "differences"):
            fields[name] = {key: score.to_json() for key, score in getattr(self, name).items()}
        return fields


@dataclass(frozen=True, slots=True)
class Compared(Section):
    """Runs side by side: the score of each on `split`, and the pairs that were tested.

    `reference` is the run that all are compared with; None when every run is compared with every other.
    """

    kind: ClassVar[str] = "compared"
    metric: str
    split: str
    num_examples: int
    reference: str | None
    scores: Mapping[str, Score]
    pairs: Sequence[PairResult]

    def to_json(self) -> dict[str, Any]:
        """All fields; a score that is not defined is null, as in `scores.json`."""
        return {
            "kind": self.kind,
            **asdict(self),
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            "pairs": [pair.to_json() for pair in self.pairs],
        }


@dataclass(frozen=True, slots=True)
class Table(Section):
    """Rows under named columns; numbers are formatted by the report, None shows as a dash.

    Columns named in `verbatim`, runs say, keep their names as they are.
    """

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float | None]]
    verbatim: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facts(Section):
    """Names and values: settings, versions, sizes."""

    kind: ClassVar[str] = "facts"
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lines(Section):
    """Line charts over a common axis; each series maps a name to `(x, y)` points.

    One panel per entry of `panels`: panel title to its series. `marks` are places on the axis worth a line in
    every panel, by name.
    """

    kind: ClassVar[str] = "lines"
    x_label: str
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]
    marks: Mapping[str, float] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, slots=True)
class Matrix(Section):
    """Counts of gold label (row) against predicted label (column); `names` labels both."""

    kind: ClassVar[str] = "matrix"
    names: Sequence[str]
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Bars(Section):
    """One bar per name; `counts` in the unit named by `unit`, with their shares of `total` where that is given."""

    kind: ClassVar[str] = "bars"
    unit: str
    counts: Mapping[str, float]
    total: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class ConfidenceBin:
    """`count` answers with a confidence above `low` and up to `high`; how sure they are and how often right."""

    low: float
    high: float
    count: int
    confidence: float
    right: Score


@dataclass(frozen=True, slots=True)
class Reliability(Section):
    """Confidence against the share that is right, bin by bin; empty bins are left out.

    `error` is the expected calibration error; `outcome` names what the confidence is a confidence in.
    """

    kind: ClassVar[str] = "reliability"
    unit: str
    outcome: str
    bins: Sequence[ConfidenceBin]
    error: float | None

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        bins = [{**asdict(part), "right": part.right.to_json()} for part in self.bins]
        return {"kind": self.kind, **asdict(self), "bins": bins}


@dataclass(frozen=True, slots=True)
class Scatter(Section):
    """Predicted against gold numbers, as `(gold, predicted)` points."""

    kind: ClassVar[str] = "scatter"
    unit: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: is it fine, does it want a look, or is it just to be known?

    `examples` are the first places where it was seen.
    """

    verdict: Literal["fine", "look", "note"]
    text: str
    examples: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Checks(Section):
    """What was checked and what came out; the headline points here."""

    kind: ClassVar[str] = "checks"
    items: Sequence[Check]


@dataclass(frozen=True, slots=True)
class Notices(Section):
    """Plain sentences that a reader must not miss."""

    kind: ClassVar[str] = "notices"
    lines: Sequence[str]


_KINDS: dict[str, type[Section]] = {
    section.kind: section
    for section in (
        Headline, Compared, Table, Facts, Lines, Matrix, Bars, Reliability, Scatter, Texts, MarkedTexts,
        Rewrites, Conversations, Checks, Notices,
    )
}  # fmt: skip


def section_from_json(data: Mapping[str, Any]) -> Section:
    """The section that `to_json` wrote; raises `KeyError` for a kind that this version does not know."""
    fields = dict(data)
    section = _KINDS[fields.pop("kind")]
    if section is Headline:
        fields["score"] = Score.from_json(fields["score"])
        for name in ("baselines", "differences"):
            fields[name] = {key: Score.from_json(score) for key, score in fields[name].items()}
    if section is Compared:
        fields["scores"] = {key: Score.from_json(score) for key, score in fields["scores"].items()}
        fields["pairs"] = [PairResult.from_json(pair) for pair in fields["pairs"]]
    if section is Reliability:
        fields["bins"] = [
            ConfidenceBin(**{**part, "right": Score.from_json(part["right"])}) for part in fields["bins"]
        ]
    if section is MarkedTexts:
        fields["entries"] = [
            MarkedText(**{**entry, "marks": [Mark(**mark) for mark in entry["marks"]]})
            for entry in fields["entries"]
        ]
    if section is Rewrites:
        fields["entries"] = [Rewrite(**entry) for entry in fields["entries"]]
    if section is Conversations:
        fields["entries"] = [
            Conversation(**{**entry, "turns": [Turn(**turn) for turn in entry["turns"]]})
            for entry in fields["entries"]
        ]
    if section is Checks:
        fields["items"] = [Check(**item) for item in fields["items"]]
    return section(**fields)
