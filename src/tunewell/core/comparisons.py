"""What comes of comparing runs on the same examples, as plain data: scores, differences, tests, verdicts.

Not for: computing them (`tunewell.metrics`), reading runs (`tunewell.studies.comparison`) or drawing
(`tunewell.report`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tunewell.core.results import Score

COMPARISON_SCHEMA = 1

LEVEL = 0.05
"""A difference is called one when its corrected p value is at most this."""

BETTER, WORSE, NOT_SHOWN, NOT_TESTED = "better", "worse", "no difference shown", "not tested"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many examples both runs have right, only `run`, only `against`, or neither."""

    both: int
    only_run: int
    only_against: int
    neither: int


@dataclass(frozen=True, slots=True)
class PairResult:
    """`run` compared with `against`: `difference` is the metric of the former minus that of the latter.

    `p_values` holds each test's two-sided p value by name, and `test` says which of them decides;
    `corrected_p_value` is that one after Holm's correction over all comparisons made together. `smallest_shown`
    is the true difference that this test set would show 4 times in 5. `agreement` is None for metrics that
    do not count right examples, `num_differing` how many examples the two answer differently. A number that
    cannot be had is NaN, and null in JSON.
    """

    run: str
    against: str
    difference: Score
    p_values: Mapping[str, float]
    test: str
    corrected_p_value: float
    smallest_shown: float
    num_differing: int
    agreement: Agreement | None = None
    lower_is_better: bool = False

    @property
    def p_value(self) -> float:
        """The p value that decides, before the correction."""
        return self.p_values[self.test]

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `no difference shown` or `not tested`: of `run`, against the other."""
        if math.isnan(self.corrected_p_value):
            return NOT_TESTED
        if self.corrected_p_value > LEVEL:
            return NOT_SHOWN
        return BETTER if (self.difference.value > 0) != self.lower_is_better else WORSE

    def to_json(self) -> dict[str, Any]:
        """All fields, and the verdict."""
        return {
            **asdict(self),
            "difference": self.difference.to_json(),
            "p_values": {name: _number(value) for name, value in self.p_values.items()},
            "corrected_p_value": _number(self.corrected_p_value),
            "smallest_shown": _number(self.smallest_shown),
            "verdict": self.verdict,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PairResult:
        """The reverse of `to_json`."""
        fields = {name: value for name, value in data.items() if name != "verdict"}
        fields["difference"] = Score.from_json(fields["difference"])
        fields["p_values"] = {name: _or_nan(value) for name, value in fields["p_values"].items()}
        for name in ("corrected_p_value", "smallest_shown"):
            fields[name] = _or_nan(fields[name])
        if fields["agreement"] is not None:
            fields["agreement"] = Agreement(**fields["agreement"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Differing:
    """An example that the runs answer differently; `right` names the runs that have it right, where that is known."""

    example_id: str
    text: str
    gold: str | float
    answers: Mapping[str, str | float]
    right: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side on one split. `reference` is what all are compared with; None when all pairs are.

    `scores` holds `metric` with its interval for each run, `all_scores` every metric's value by metric and run,
    `folders` where each run is. `differing` are the examples that not all runs answer alike, the most telling
    first, and `num_differing` how many there are. `settings` are those in which the runs differ, by name
    and run. `notices` are sentences that nobody should miss.
    """

    task: str
    metric: str
    split: str
    num_examples: int
    reference: str | None
    folders: Mapping[str, str]
    scores: Mapping[str, Score]
    pairs: Sequence[PairResult]
    all_scores: Mapping[str, Mapping[str, float]]
    num_differing: int
    differing: Sequence[Differing]
    settings: Mapping[str, Mapping[str, Any]]
    notices: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """What `tunewell compare --json` prints."""
        return {
            "schema": COMPARISON_SCHEMA,
            "task": self.task,
            "metric": self.metric,
            "split": self.split,
            "num_examples": self.num_examples,
            "reference": self.reference,
            "runs": {
                name: {
                    "folder": self.folders[name],
                    "score": self.scores[name].to_json(),
                    "scores": {metric: _number(by_run[name]) for metric, by_run in self.all_scores.items()},
                }
                for name in self.folders
            },
            "comparisons": [pair.to_json() for pair in self.pairs],
            "num_differing": self.num_differing,
            "differing": [asdict(example) for example in self.differing],
            "settings": {key: dict(values) for key, values in self.settings.items()},
            "notices": list(self.notices),
        }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
