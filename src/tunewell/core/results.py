"""Scores with their uncertainty, and the shape of `scores.json`.

Not for: computing them (`tunewell.metrics`) or writing files (`tunewell.runs`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCORES_SCHEMA = 1

_LOWER_IS_BETTER = {
    "bpc", "brier", "cer", "ece", "error", "errors", "fpr", "loss", "mae", "mape", "mse", "nll",
    "perplexity", "ppl", "rmse", "ter", "wer",
}  # fmt: skip


def metric_words(metric: str) -> list[str]:
    """The words that a metric's name is made of, in lower case: `macro`, `f1`."""
    return re.split(r"[\W_]+", metric.lower())


def lower_is_better(metric: str) -> bool:
    """True for errors, losses and perplexities, told by the words of the name."""
    return not _LOWER_IS_BETTER.isdisjoint(metric_words(metric))


@dataclass(frozen=True, slots=True)
class Score:
    """A value with the ends of its 95% interval (None where no interval can be had).

    The value is NaN where the metric is not defined, say for a single class; JSON has null there.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """`value`, `low`, `high`."""
        return {"value": None if math.isnan(self.value) else self.value, "low": self.low, "high": self.high}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Score:
        """The reverse of `to_json`."""
        value = math.nan if data["value"] is None else data["value"]
        return cls(value, data.get("low"), data.get("high"))


@dataclass(frozen=True, slots=True)
class SplitScores:
    """Every metric on one split. `selected_on` is true when the split chose the checkpoint or a threshold."""

    num_examples: int
    scores: Mapping[str, Score]
    selected_on: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a split stands in `scores.json`."""
        return {
            "num_examples": self.num_examples,
            "selected_on": self.selected_on,
            "scores": {name: score.to_json() for name, score in self.scores.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SplitScores:
        """The reverse of `to_json`."""
        scores = {name: Score.from_json(score) for name, score in data["scores"].items()}
        return cls(data["num_examples"], scores, data["selected_on"])


@dataclass(frozen=True, slots=True)
class RunScores:
    """All of `scores.json`: the model's scores, the baselines', and the paired differences between them.

    `differences[baseline]` is the model's primary metric minus the baseline's, on the same examples of the
    headline split, with the interval of that difference.
    """

    task: str
    primary: str
    splits: Mapping[str, SplitScores]
    baselines: Mapping[str, Mapping[str, SplitScores]] = field(default_factory=dict)
    differences: Mapping[str, Score] = field(default_factory=dict)

    @property
    def headline_split(self) -> str:
        """`test` where there is one, else `validation`."""
        return "test" if "test" in self.splits else "validation"

    @property
    def headline(self) -> Score:
        """The primary metric on the headline split."""
        return self.splits[self.headline_split].scores[self.primary]

    def to_json(self) -> dict[str, Any]:
        """The content of `scores.json`."""
        return {
            "schema": SCORES_SCHEMA,
            "task": self.task,
            "primary": self.primary,
            "splits": {name: split.to_json() for name, split in self.splits.items()},
            "baselines": {
                name: {"splits": {split: scores.to_json() for split, scores in splits.items()}}
                for name, splits in self.baselines.items()
            },
            "differences": {name: score.to_json() for name, score in self.differences.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunScores:
        """The reverse of `to_json`."""

        def splits_of(entry: Mapping[str, Any]) -> dict[str, SplitScores]:
            return {name: SplitScores.from_json(split) for name, split in entry["splits"].items()}

        return cls(
            task=data["task"],
            primary=data["primary"],
            splits=splits_of(data),
            baselines={name: splits_of(entry) for name, entry in data["baselines"].items()},
            differences={name: Score.from_json(score) for name, score in data.get("differences", {}).items()},
        )
