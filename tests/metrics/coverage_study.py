"""The figure run, not part of the tests: do 95% intervals hold 95 times in 100, and do tests err 5 times in 100?

    python tests/metrics/coverage_study.py intervals --sets 2000
    python tests/metrics/coverage_study.py tests --sets 2000 --only accuracy

Every line draws that many test sets from a population whose true score is known and asks the package's own
functions, with 1,000 resamples. `intervals` counts how often the 95% interval holds the truth; `tests` draws two
models that are equally good and counts how often each test calls them different. `test_coverage.py` runs a
small part of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from tunewell.metrics.classification import auroc, label_table, weighted_auroc
from tunewell.metrics.intervals import intervals, paired_estimate
from tunewell.metrics.multilabel import multilabel_table
from tunewell.metrics.regression import regression_table, spearman, weighted_spearman
from tunewell.metrics.shares import mcnemar, outcomes
from tunewell.metrics.significance import randomisation_test
from tunewell.metrics.tables import PartTable, RankMetric, Scores

RESAMPLES = 1000
SIZES = (100, 350, 1000)
POPULATION = 1_000_000
Generator = np.random.Generator
Draw = Callable[[Generator, int], Sequence[Scores]]
"""From a generator and a number of examples to the scores of two models on one test set."""


@dataclass(frozen=True)
class Population:
    """Where test sets come from. Both models are equally good in `metric`; `alike` means exchangeable as well."""

    metric: str
    draw: Draw
    alike: bool = True

    def truth(self) -> float:
        """The score on so many examples that it is the true one, within 0.001."""
        if self.metric in ("auroc", "spearman"):  # ranks of millions take too long: the mean of large sets
            draws = [self.draw(np.random.default_rng([1, part]), 50_000)[0] for part in range(20)]
            return float(np.mean([scores.values()[self.metric] for scores in draws]))
        totals, found = 0.0, None
        for part in range(20):
            found = self.draw(np.random.default_rng([1, part]), POPULATION // 20)[0].source(self.metric)
            assert isinstance(found, PartTable)
            totals = totals + found.parts.sum(axis=0)
        assert isinstance(found, PartTable)
        return float(found.metrics[self.metric](np.asarray(totals)))


def labels(metric: str, shares: Sequence[float], recalls: Sequence[float], group_size: int = 0) -> Draw:
    """One label per example; each label is found as often as `recalls` say, with hard and easy examples.

    Both models share half of what makes an example hard. With `group_size`, about so many examples make a group
    and are hard or easy together.
    """
    number, chances = len(shares), np.asarray(recalls)

    def draw(generator: Generator, size: int) -> list[Scores]:
        gold = generator.choice(number, size=size, p=shares)
        num_groups = max(2, size // group_size) if group_size else size
        group = np.sort(generator.integers(num_groups, size=size)) if group_size else np.arange(size)
        hardness = generator.normal(size=num_groups)[group]
        names = [str(index) for index in group] if group_size else None
        found = []
        for _ in range(2):
            own = generator.normal(size=size)
            right = (hardness + own) / np.sqrt(2) < special.ndtri(chances[gold])
            other = (gold + 1 + generator.integers(max(1, number - 1), size=size)) % number
            table = label_table(gold, np.where(right, gold, other), number)
            found.append(Scores(metric, [table], groups=names))
        return found

    return draw


def several_labels(metric: str) -> Draw:
    """Five labels of falling frequency, which go together; predicted with noise."""
    cuts = np.array([0.0, 0.5, 0.9, 1.2, 1.5])

    def draw(generator: Generator, size: int) -> list[Scores]:
        truth = generator.normal(size=(size, 5)) * 0.8 + generator.normal(size=(size, 1)) * 0.6
        models = [truth + generator.normal(size=(size, 5)) * 0.6 > cuts for _ in range(2)]
        return [Scores(metric, [multilabel_table(truth > cuts, model)]) for model in models]

    return draw


def numbers(metric: str, correlation: float, group_size: int = 0, tails: float | None = None) -> Draw:
    """Real numbers, predicted with such a correlation, by the second model on half the scale.

    With `tails` gold and noise have Student's t of so many degrees.
    """
    spread = np.sqrt(1 / correlation**2 - 1)

    def draw(generator: Generator, size: int) -> list[Scores]:
        num_groups = max(2, size // group_size) if group_size else size
        group = np.sort(generator.integers(num_groups, size=size)) if group_size else np.arange(size)
        names = [str(index) for index in group] if group_size else None

        def noise() -> np.ndarray:
            common = generator.normal(size=num_groups)[group]
            own = generator.normal(size=size) if tails is None else generator.standard_t(tails, size=size)
            return (common + own) / np.sqrt(2) if group_size else own

        gold = noise()
        found = []
        for scale in (1.0, 0.5):
            predicted = scale * (gold + spread * noise())
            rank = RankMetric(gold, predicted, spearman, weighted_spearman)
            found.append(Scores(metric, [regression_table(gold, predicted)], {"spearman": rank}, names))
        return found

    return draw


def two_classes(distance: float, positives: float = 0.5) -> Draw:
    """Scores of two classes whose normal distributions lie `distance` apart, for AUROC.

    The second model's scores are on a narrower scale, as those of a less confident one are.
    """

    def draw(generator: Generator, size: int) -> list[Scores]:
        gold = (generator.random(size) < positives).astype(np.float64)
        shared = generator.normal(size=size)
        found = []
        for scale in (1.0, 0.3):
            score = scale * (distance * gold + (shared + generator.normal(size=size)) / np.sqrt(2))
            found.append(Scores("auroc", [], {"auroc": RankMetric(gold, score, auroc, weighted_auroc)}))
        return found

    return draw


def unlike_models(metric: str) -> Draw:
    """Two models of one accuracy that err on different labels, so that their answers are not exchangeable."""
    chances = np.array([[0.9, 0.7], [0.7, 0.9]])

    def draw(generator: Generator, size: int) -> list[Scores]:
        gold = generator.integers(2, size=size)
        models = [np.where(generator.random(size) < recalls[gold], gold, 1 - gold) for recalls in chances]
        return [Scores(metric, [label_table(gold, model, 2)]) for model in models]

    return draw


_UNEVEN = (0.6, 0.3, 0.1)
_MANY = (0.3, 0.2, 0.1, 0.1, 0.08, 0.07, 0.06, 0.04, 0.03, 0.02)
POPULATIONS: Mapping[str, Population] = {
    "accuracy 0.70": Population("accuracy", labels("accuracy", (0.5, 0.5), (0.7, 0.7))),
    "accuracy 0.90": Population("accuracy", labels("accuracy", (0.5, 0.5), (0.9, 0.9))),
    "accuracy 0.97": Population("accuracy", labels("accuracy", (0.5, 0.5), (0.97, 0.97))),
    "accuracy, models unlike": Population("accuracy", unlike_models("accuracy"), alike=False),
    "macro F1, 3 labels": Population("macro_f1", labels("macro_f1", _UNEVEN, (0.9, 0.75, 0.6))),
    "macro F1, 3 labels, high": Population("macro_f1", labels("macro_f1", _UNEVEN, (0.97, 0.97, 0.95))),
    "macro F1, 10 labels": Population("macro_f1", labels("macro_f1", _MANY, [0.85] * 10)),
    "macro F1, models unlike": Population("macro_f1", unlike_models("macro_f1"), alike=False),
    "MCC, 2 labels": Population("mcc", labels("mcc", (0.8, 0.2), (0.95, 0.7))),
    "multi-label macro F1": Population("macro_f1", several_labels("macro_f1")),
    "multi-label micro F1": Population("micro_f1", several_labels("micro_f1")),
    "Pearson 0.80": Population("pearson", numbers("pearson", 0.8)),
    "Pearson 0.80, long tails": Population("pearson", numbers("pearson", 0.8, tails=5)),
    "Spearman": Population("spearman", numbers("spearman", 0.8)),
    "AUROC 0.80": Population("auroc", two_classes(1.19)),
    "AUROC 0.95, 1 positive in 5": Population("auroc", two_classes(2.33, 0.2)),
    "accuracy 0.85, groups of 4": Population("accuracy", labels("accuracy", (0.5, 0.5), (0.85, 0.85), 4)),
    "macro F1, groups of 4": Population("macro_f1", labels("macro_f1", _UNEVEN, (0.9, 0.75, 0.6), 4)),
    "Pearson, groups of 4": Population("pearson", numbers("pearson", 0.8, 4)),
    "Spearman, groups of 4": Population("spearman", numbers("spearman", 0.8, 4)),
    "accuracy 0.85, groups of 20": Population("accuracy", labels("accuracy", (0.5, 0.5), (0.85, 0.85), 20)),
}


def coverage(name: str, size: int, num_sets: int, resamples: int = RESAMPLES) -> dict[str, float]:
    """How often the 95% interval holds the truth, lies above it, lies below it; and its mean width."""
    population = POPULATIONS[name]
    truth = population.truth()
    above = below = 0
    widths = 0.0
    for index in range(num_sets):
        scores = population.draw(np.random.default_rng([2, size, index]), size)[0]
        wanted = Scores(
            population.metric, _only(scores, population.metric), _ranks(scores, population), scores.groups
        )
        score = intervals(wanted, resamples=resamples, rank_resamples=resamples, seed=index)[
            population.metric
        ]
        assert score.low is not None
        assert score.high is not None
        above += truth < score.low
        below += truth > score.high
        widths += score.high - score.low
    return {
        "holds": 1 - (above + below) / num_sets,
        "too high": above / num_sets,
        "too low": below / num_sets,
        "width": widths / num_sets,
    }


def _only(scores: Scores, metric: str) -> Sequence[PartTable]:
    return [] if metric in scores.ranks else scores.tables


def _ranks(scores: Scores, population: Population) -> Mapping[str, RankMetric]:
    return {name: rank for name, rank in scores.ranks.items() if name == population.metric}


def errors(name: str, size: int, num_sets: int, resamples: int = RESAMPLES) -> dict[str, float]:
    """How often two equally good models are called different at the level of 0.05, by each test."""
    population = POPULATIONS[name]
    metric = population.metric
    counts: dict[str, int] = {}
    for index in range(num_sets):
        one, two = population.draw(np.random.default_rng([3, size, index]), size)
        options = {"seed": index}
        difference, _ = paired_estimate(
            one, two, metric, resamples=resamples, rank_resamples=resamples, **options
        )
        assert difference.low is not None
        assert difference.high is not None
        found = {
            "interval without 0": difference.low > 0 or difference.high < 0,
            "randomisation": randomisation_test(
                one, two, metric, rounds=resamples, rank_rounds=resamples, **options
            )
            <= 0.05,
        }
        table = one.source(metric)
        if isinstance(table, PartTable) and metric in table.shares and one.groups is None:
            first, second = outcomes(table, metric), outcomes(two.source(metric), metric)  # type: ignore[arg-type]
            found["McNemar mid-p"] = (
                mcnemar(int((first & ~second).sum()), int((~first & second).sum())) <= 0.05
            )
        for test, wrong in found.items():
            counts[test] = counts.get(test, 0) + bool(wrong)
    return {test: count / num_sets for test, count in counts.items()}


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["intervals", "tests"])
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--only", default="", help="populations whose name holds this")
    asked = parser.parse_args()
    study = coverage if asked.what == "intervals" else errors
    for name in POPULATIONS:
        for size in asked.sizes if asked.only in name else ():
            began = time.monotonic()
            figures = study(name, size, asked.sets)
            written = " | ".join(
                f"{key} {value:.4f}" if key == "width" else f"{key} {value:.2%}"
                for key, value in figures.items()
            )
            print(f"| {name} | {size} | {written} | {time.monotonic() - began:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
