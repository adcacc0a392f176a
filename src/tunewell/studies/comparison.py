"""Is one run better than another? Runs side by side on the same test examples, with tests and corrections.

Works from the run folders' files alone. The statistics are in `tunewell.metrics` (`intervals`, `significance`,
`shares`); what the page shows of a comparison is in `comparison_sections`. Not for: baselines of one run, whose
differences stand in its own report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from tunewell.core.comparisons import Agreement, Comparison, Differing, PairResult
from tunewell.core.errors import ConfigError
from tunewell.core.results import Score, lower_is_better
from tunewell.metrics.intervals import (
    DEFAULT_RANK_RESAMPLES,
    DEFAULT_RESAMPLES,
    intervals,
    paired_estimate,
)
from tunewell.metrics.shares import mcnemar, outcomes
from tunewell.metrics.significance import holm, randomisation_test, smallest_shown
from tunewell.metrics.tables import BoolArray, PartTable, Scores
from tunewell.run_dir import RunDir
from tunewell.studies.cautions import notices, shared_metrics
from tunewell.studies.stored import StoredAnswers, on_the_same_examples, read_answers

MCNEMAR, RANDOMISATION = "McNemar, mid-p", "approximate randomisation"

MOST_DIFFERING = 1000
"""How many examples on which runs differ are kept, the most telling ones."""

_NOT_COMPARED = ("output.", "content of ")


def compare(
    runs: Sequence[str | Path],
    *,
    metric: str | None = None,
    reference: str | Path | None = None,
    all_pairs: bool = False,
    split: str | None = None,
    resamples: int = DEFAULT_RESAMPLES,
    rank_resamples: int = DEFAULT_RANK_RESAMPLES,
) -> Comparison:
    """Finished runs compared on the examples of their test split, or of `split`.

    Every run is compared with `reference` (a folder among `runs`, the first by default), or with `all_pairs`
    every run with every other. All are scored as the reference is (with `all_pairs`, as the first), and metrics that
    some run lacks are left out. `metric` is the task's primary one by default. Raises `ConfigError` for runs of
    different tasks or an unknown metric, `DataError` when the runs were not tested on the same examples, and
    `ModelError` for folders that hold no finished run.
    """
    folders = _named([Path(run) for run in runs])
    names = list(folders)
    if all_pairs and reference is not None:
        raise ConfigError("all pairs need no reference", fix="leave out --reference or --all-pairs")
    against = None if all_pairs else _name_of(reference, folders) if reference is not None else names[0]
    answers = _read_all(folders, against or names[0], split)
    scores = {name: own.score() for name, own in answers.items()}
    first = scores[names[0]]
    metric = _chosen_metric(metric, scores)
    if against is None:
        pairs = [(two, one) for one, two in combinations(names, 2)]
    else:
        pairs = [(name, against) for name in names if name != against]
    given = {"resamples": resamples, "rank_resamples": rank_resamples}
    right = {name: _right(own) for name, own in scores.items()}
    differing, num_differing = _differing(answers, right)
    return Comparison(
        task=answers[names[0]].task.name,
        metric=metric,
        split=answers[names[0]].split,
        num_examples=first.num_examples,
        reference=against,
        folders={name: str(own.run.path) for name, own in answers.items()},
        scores={name: _interval(own, metric, given) for name, own in scores.items()},
        pairs=_tested(pairs, answers, scores, metric, given),
        all_scores=_all_scores(scores),
        num_differing=num_differing,
        differing=differing,
        settings=_settings(answers),
        notices=notices(answers, scores, metric),
    )


def _named(folders: Sequence[Path]) -> dict[str, Path]:
    """The runs' folders by their names, which are made to differ."""
    places = [folder.resolve() for folder in folders]
    if len(places) < 2:
        raise ConfigError("a comparison takes two or more runs", fix="tunewell compare RUN RUN")
    repeated = [str(folder) for index, folder in enumerate(folders) if places[index] in places[:index]]
    if repeated:
        raise ConfigError("this run is given twice", where=repeated[0], fix="name each run once")
    names = [place.name for place in places]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    return dict(zip(names, folders, strict=True))


def _read_all(folders: Mapping[str, Path], first: str, split: str | None) -> dict[str, StoredAnswers]:
    """The answers of each run by its name, with the task and in the order of the run called `first`."""
    reference = read_answers(first, RunDir.finished(folders[first]), split)
    found = {}
    for name, folder in folders.items():
        if name == first:
            found[name] = reference
        else:
            other = read_answers(name, RunDir.finished(folder), split or reference.split)
            found[name] = on_the_same_examples(reference, other)
    return found


def _chosen_metric(metric: str | None, scores: Mapping[str, Scores]) -> str:
    """The metric that is asked for, or the primary one; raises `ConfigError` unless all runs have it."""
    shared = shared_metrics(scores)
    metric = metric or next(iter(scores.values())).primary
    if metric not in shared:
        having = [name for name, own in scores.items() if metric in own.names]
        what = f"no metric {metric!r}"
        if having:
            without = [name for name in scores if name not in having]
            what = f"{', '.join(having)} can be scored by {metric}, {', '.join(without)} cannot"
        raise ConfigError(what, where="--metric", fix=f"choose one of: {', '.join(shared)}")
    return metric


def _name_of(reference: str | Path, folders: Mapping[str, Path]) -> str:
    """The run that `reference` means, by its folder or its name."""
    for name, folder in folders.items():
        if str(reference) == name or Path(reference).resolve() == folder.resolve():
            return name
    raise ConfigError(
        f"{str(reference)!r} is not among the runs",
        where="--reference",
        fix=f"choose one of: {', '.join(folders)}",
    )


def _interval(scores: Scores, metric: str, given: Mapping[str, int]) -> Score:
    """The metric with its interval, and no time spent on the others."""
    if metric in scores.totals:
        return Score(scores.totals[metric])
    source = scores.source(metric)
    tables = [source] if isinstance(source, PartTable) else []
    ranks = {} if isinstance(source, PartTable) else {metric: source}
    return intervals(Scores(metric, tables, ranks, scores.groups), **given)[metric]


def _tested(
    pairs: Sequence[tuple[str, str]],
    answers: Mapping[str, StoredAnswers],
    scores: Mapping[str, Scores],
    metric: str,
    given: Mapping[str, int],
) -> list[PairResult]:
    """Each pair's difference with its interval and tests, corrected for there being several pairs."""
    found: list[dict[str, Any]] = []
    for run, against in pairs:
        one, two = scores[run], scores[against]
        agreement = None
        if metric in one.totals or metric in two.totals:
            difference, error = Score(one.values()[metric] - two.values()[metric]), float("nan")
            p_values = {RANDOMISATION: float("nan")}
        else:
            difference, error = paired_estimate(one, two, metric, **given)
            rounds = {"rounds": given["resamples"], "rank_rounds": given["rank_resamples"]}
            p_values = {RANDOMISATION: randomisation_test(one, two, metric, **rounds)}
            agreement = _agreement(one, two, metric)
        if agreement is not None and one.groups is None:
            p_values = {MCNEMAR: mcnemar(agreement.only_run, agreement.only_against), **p_values}
        found.append(
            {
                "run": run,
                "against": against,
                "difference": difference,
                "p_values": p_values,
                "test": next(iter(p_values)),
                "smallest_shown": smallest_shown(error, len(pairs)) if error > 0 else float("nan"),
                "num_differing": len(_differing_places([answers[run], answers[against]])),
                "agreement": agreement,
                "lower_is_better": lower_is_better(metric),
            }
        )
    corrected = holm([pair["p_values"][pair["test"]] for pair in found])
    return [PairResult(corrected_p_value=p, **pair) for pair, p in zip(found, corrected, strict=True)]


def _agreement(one: Scores, two: Scores, metric: str) -> Agreement | None:
    """How often both, either or neither is right, for a metric that counts right examples."""
    tables = one.source(metric), two.source(metric)
    if not all(isinstance(table, PartTable) and metric in table.shares for table in tables):
        return None
    first, second = (outcomes(table, metric) for table in tables)  # type: ignore[arg-type]
    cells = (first & second, first & ~second, ~first & second, ~first & ~second)
    return Agreement(*(int(np.count_nonzero(cell)) for cell in cells))


def _right(scores: Scores) -> BoolArray | None:
    """Whether each example is right, by the first metric that counts right examples; None where there is none."""
    for table in scores.tables:
        for name in table.metrics:
            if name in table.shares:
                return outcomes(table, name)
    return None


def _differing_places(answers: Sequence[StoredAnswers]) -> list[int]:
    """Which examples are not answered alike by all."""
    said = [[own.task.answer(prediction) for prediction in own.predictions] for own in answers]
    return [place for place, given in enumerate(zip(*said, strict=True)) if any(a != given[0] for a in given)]


def _differing(
    answers: Mapping[str, StoredAnswers], right: Mapping[str, BoolArray | None]
) -> tuple[list[Differing], int]:
    """The examples that not all answer alike, and how many there are.

    Where right and wrong are known: first those that some have right, in the order of the examples. Numbers:
    those farthest apart first.
    """
    places = _differing_places(list(answers.values()))
    first = next(iter(answers.values()))
    found = []
    for place in places:
        example = first.examples[place]
        known = {name: flags[place] for name, flags in right.items() if flags is not None}
        found.append(
            Differing(
                example_id=example.id,
                text=" \u2016 ".join(first.task.texts(example)),
                gold=_written(first.task.target(example)),
                answers={
                    name: _written(own.task.answer(own.predictions[place])) for name, own in answers.items()
                },
                right=[name for name, flag in known.items() if flag] if len(known) == len(answers) else None,
            )
        )
    found.sort(key=lambda entry: (-_spread(entry), not entry.right))
    return found[:MOST_DIFFERING], len(places)


def _spread(entry: Differing) -> float:
    """How far apart the answers are, where they are numbers; else 0."""
    numbers = [answer for answer in entry.answers.values() if isinstance(answer, float)]
    return max(numbers) - min(numbers) if len(numbers) == len(entry.answers) else 0.0


def _written(answer: Any) -> str | float:
    """An answer as it is shown: numbers stay numbers, several labels become one text."""
    if isinstance(answer, list | tuple):
        return ", ".join(str(part) for part in answer) or "none"
    if isinstance(answer, str | float):
        return answer if answer != "" else "(empty)"
    return json.dumps(answer, ensure_ascii=False, default=str)


def _all_scores(scores: Mapping[str, Scores]) -> dict[str, dict[str, float]]:
    values = {name: own.values() for name, own in scores.items()}
    return {metric: {name: own[metric] for name, own in values.items()} for metric in shared_metrics(scores)}


def _settings(answers: Mapping[str, StoredAnswers]) -> dict[str, dict[str, Any]]:
    """The settings in which the runs differ, by name and run."""
    identities = {name: own.identity() for name, own in answers.items()}
    keys = dict.fromkeys(key for identity in identities.values() for key in identity)
    found = {}
    for key in keys:
        values = {name: identity.get(key) for name, identity in identities.items()}
        same = len({json.dumps(value, sort_keys=True) for value in values.values()}) == 1
        if not same and not key.startswith(_NOT_COMPARED):
            found[key] = values
    return found
