"""What could mislead whoever reads the numbers of a comparison alone, in sentences.

Not for: the numbers (`comparison`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tunewell.metrics.resampling import number_groups
from tunewell.metrics.tables import PartTable, Scores
from tunewell.studies.stored import StoredAnswers

_FEW_GROUPS = 20


def shared_metrics(scores: Mapping[str, Scores]) -> list[str]:
    """The metrics that all runs have, in the order of the first."""
    first, *others = scores.values()
    return [name for name in first.names if all(name in other.names for other in others)]


def notices(answers: Mapping[str, StoredAnswers], all_scores: Mapping[str, Scores], metric: str) -> list[str]:
    """All that is to be said of runs by name, with their answers and scores, compared by `metric`."""
    scores = next(iter(all_scores.values()))
    lines = _unlike_units(all_scores, metric)
    if next(iter(answers.values())).split == "validation":
        lines.append(
            "The validation split chose each run's checkpoint, so these scores are too good, and more so for a run "
            "that was evaluated more often. Compare on a test split before you rely on it."
        )
    if len({json.dumps(own.identity().get("content of data.train")) for own in answers.values()}) > 1:
        lines.append("The runs were trained on different data: a difference may come from the data.")
    for own in answers.values():
        lines += own.notes
    if metric in scores.totals:
        lines.append(
            f"{metric} is a number of the whole split, which no resample gives again: it is not tested."
        )
    num_groups = len(set(number_groups(scores.groups, scores.num_examples).tolist()))
    if scores.groups is not None and num_groups < _FEW_GROUPS:
        lines.append(
            f"The examples come in only {num_groups} groups that belong together: intervals are too narrow then."
        )
    lines.append(
        "Each run is one training. The tests speak of other test examples of this kind, not of other seeds: "
        "train each with several seeds before you call one method better than another."
    )
    return lines


def _unlike_units(scores: Mapping[str, Scores], metric: str) -> list[str]:
    """What is said where each run counts the same gold texts in units of its own."""
    counts = {}
    for name, own in scores.items():
        source = own.source(metric) if metric not in own.totals else None
        if isinstance(source, PartTable) and metric in source.own_units:
            counts[name] = int(source.parts[:, source.own_units[metric]].sum())
    if len(set(counts.values())) < 2:
        return []
    common = [
        name
        for name in shared_metrics(scores)
        if name.startswith(metric.partition("_")[0]) and name not in _own_units(scores)
    ]
    told = ", ".join(f"{count:,} for {name}" for name, count in counts.items())
    other = f" Compare them by --metric {common[0]}." if common else ""
    return [
        f"{metric} is for each token of a model's own, and the same texts have {told}: it cannot be compared.{other}"
    ]


def _own_units(scores: Mapping[str, Scores]) -> set[str]:
    return {name for own in scores.values() for table in own.tables for name in table.own_units}
