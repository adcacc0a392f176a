"""Report sections that several tasks show, made of plain numbers and texts. No task is known here.

Each section says in `note` how it is read and in `shows` what it shows here. Not for: drawing (`report`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunewell.core.results import Score
from tunewell.core.sections import (
    Bars,
    ConfidenceBin,
    MarkedText,
    MarkedTexts,
    Matrix,
    Reliability,
    Scatter,
    Section,
    Table,
    Texts,
)

if TYPE_CHECKING:
    from tunewell.metrics.counts import LabelRow
    from tunewell.metrics.tables import BoolArray, FloatArray

TEXTS_SHOWN = 200
"""How many texts each list of examples holds."""

_LABELS_IN_ORDER = 16
"""Up to so many labels keep their order in the table; of more, the weakest come first."""

_SURE = 0.9

_MANY = 10
"""Kinds with fewer examples are not called the weakest or the strongest, if others have more."""

_Z = 1.959964
"""The normal quantile of a 95% interval."""

Entry = Mapping[str, str | float]


def confusion(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Matrix:
    """Gold against predicted label."""
    wrong = [
        (count, row, column)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if row != column and count
    ]
    shows = "No answer is wrong."
    if wrong:
        count, row, column = max(wrong, key=lambda cell: (cell[0], -cell[1], -cell[2]))
        share = count / sum(counts[row])
        shows = (
            f"The most frequent mistake: {names[row]} taken for {names[column]}, {_times(count)}, which is "
            f"{share:.1%} of all {names[row]}."
        )
    return Matrix(
        "Confusion matrix",
        "Rows are the gold labels, columns the answers; percentages are shares of the row.",
        names,
        counts,
        shows=shows,
    )


def label_scores(rows: Sequence[LabelRow], *, of: str = "label", unit: str = "example") -> Table:
    """Precision, recall and F1 of each label, or of what `of` and `unit` call so."""
    seen = [row for row in rows if row.support]
    shows = ""
    if len(seen) > 1:
        weak, strong = min(seen, key=lambda row: row.f1), max(seen, key=lambda row: row.f1)
        shows = (
            f"Weakest: {weak.name}, F1 {weak.f1:.1%} on {_counted(weak.support, unit)}. "
            f"Strongest: {strong.name}, {strong.f1:.1%} on {_counted(strong.support, unit)}."
        )
    if len(seen) < len(rows):
        shows += f" {len(rows) - len(seen)} of {len(rows)} {of}s are on no {unit} here."
    many = len(rows) > _LABELS_IN_ORDER
    note = (
        f"Precision: how many of those given this {of} are right. Recall: how many of those with it are found. Gold and "
        f"predicted: how many {_plural(unit)} have it, and how many are given it."
    )
    return Table(
        f"Scores by {of}",
        note + (" The weakest come first." if many else ""),
        [of, "precision", "recall", "F1", "gold", "predicted"],
        [
            [row.name, row.precision, row.recall, row.f1, row.support, row.predicted]
            for row in (sorted(rows, key=lambda row: (row.f1, -row.support)) if many else rows)
        ],
        shows=shows.strip(),
    )


def reliability(
    confidence: FloatArray, correct: BoolArray, *, unit: str = "answers", outcome: str = "right"
) -> Reliability:
    """How far a model's confidence `(answers,)` can be taken at its word; `correct` says when it came true."""
    from tunewell.metrics import classification

    bins = [
        ConfidenceBin(
            part.low,
            part.high,
            part.count,
            float(part.confidence or 0),
            _share(round(part.count * float(part.accuracy or 0)), part.count),
        )
        for part in classification.reliability(confidence, correct)
        if part.count
    ]
    total = sum(part.count for part in bins)
    error, shows = None, ""
    if total:
        error = sum(part.count * abs(part.confidence - part.right.value) for part in bins) / total
        shows = _judged(float(confidence.mean()), int(correct.sum()), total, unit, outcome)
    return Reliability(
        "Is its confidence to be believed?",
        f"Each dot gathers {unit} with about the same confidence. On the diagonal its word can be taken; below it the "
        "model is too sure, above it too cautious. A line that reaches the diagonal may be there by chance.",
        unit,
        outcome,
        bins,
        error,
        shows=shows,
    )


def _judged(sure: float, right: int, total: int, unit: str, outcome: str) -> str:
    """Whether the mean confidence is too high or too low, where so many answers can tell."""
    share = _share(right, total)
    said = f"It says {sure:.1%} on average and {share.value:.1%} come out {outcome}"
    if share.low is not None and share.high is not None and share.low <= sure <= share.high:
        return f"{said}: no difference that {total:,} {unit} could show."
    return f"{said}: too {'sure' if sure > share.value else 'cautious'} on the whole."


def _share(count: int, total: int) -> Score:
    """A share with its interval, which has a width even when all or none are right."""
    from tunewell.metrics.shares import share_interval

    return Score(count / total, *share_interval(count, total))


def mistakes_and_doubts(entries: Sequence[Entry]) -> list[Section]:
    """The most confident mistakes, and the examples that the model is least certain of, right or wrong.

    An entry has `text`, `gold`, `predicted`, `confidence` and `origin`.
    """

    marked = [
        {**entry, "correct": "yes" if entry["gold"] == entry["predicted"] else "no"} for entry in entries
    ]
    wrong, doubts = _worth_reading(marked)
    return [
        Texts(_MISTAKES, _MISTAKES_NOTE, [marked[place] for place in wrong[0]], shows=wrong[1]),
        Texts(_DOUBTS, _DOUBTS_NOTE, [marked[place] for place in doubts[0]], shows=doubts[1]),
    ]


def marked_mistakes_and_doubts(entries: Sequence[MarkedText]) -> list[Section]:
    """The same for texts with marked pieces; the facts of each have `confidence`, and `correct` (yes or no)."""
    wrong, doubts = _worth_reading([entry.facts for entry in entries])
    return [
        MarkedTexts(_MISTAKES, _MISTAKES_NOTE, [entries[place] for place in wrong[0]], shows=wrong[1]),
        MarkedTexts(_DOUBTS, _DOUBTS_NOTE, [entries[place] for place in doubts[0]], shows=doubts[1]),
    ]


_MISTAKES, _DOUBTS = "Most confident mistakes", "Least certain examples"
_MISTAKES_NOTE = "Wrong answers, the surest first. Some of them will be wrong labels in the data."
_DOUBTS_NOTE = "Right or wrong, the least sure first. Labels for more texts like these teach the model most."


def _worth_reading(facts: Sequence[Entry]) -> tuple[tuple[list[int], str], tuple[list[int], str]]:
    """The places of the surest mistakes and of the least sure answers, each with the sentence about them."""

    def sureness(place: int) -> float:
        return float(facts[place]["confidence"])

    mistakes = [place for place, entry in enumerate(facts) if entry["correct"] == "no"]
    wrong = sorted(mistakes, key=sureness, reverse=True)
    doubts = sorted(range(len(facts)), key=sureness)[:TEXTS_SHOWN]
    num_sure = sum(sureness(place) > _SURE for place in wrong)
    shown = f"; the first {TEXTS_SHOWN} are listed" if len(wrong) > TEXTS_SHOWN else ""
    said = (
        f"{len(wrong):,} of {_answers(len(facts))} wrong{shown}. "
        f"{num_sure or 'None':{',' if num_sure else ''}} of them {'was' if num_sure < 2 else 'were'} given with more "
        f"than {_SURE:.0%} confidence."
    )
    return (wrong[:TEXTS_SHOWN], said), (doubts, _doubtful([facts[place] for place in doubts], facts))


def _doubtful(doubts: Sequence[Entry], every: Sequence[Entry]) -> str:
    """How often the model is right where it is unsure, against everywhere."""
    few = doubts[: max(1, len(every) // 10)]
    if not few:
        return ""
    right, overall = (sum(e["correct"] == "yes" for e in part) / len(part) for part in (few, every))
    return f"Of the least certain tenth ({_examples(len(few))}) {right:.1%} are right; of all, {overall:.1%}."


def scores_by(
    name: str,
    kinds: Sequence[str | None],
    exact: FloatArray,
    f1: FloatArray,
    *,
    in_order: Sequence[str] = (),
) -> Table:
    """Exact match and F1 of answers `(questions,)` by their kind; questions without one are left out.

    Kinds stand as `in_order` has them, or else the most frequent first.
    """
    places: dict[str, list[int]] = {}
    for place, kind in enumerate(kinds):
        if kind is not None:
            places.setdefault(kind, []).append(place)
    listed = [kind for kind in in_order if kind in places] or sorted(
        places, key=lambda kind: -len(places[kind])
    )
    rows = [
        (kind, len(places[kind]), float(exact[places[kind]].mean()), float(f1[places[kind]].mean()))
        for kind in listed
    ]
    shows = ""
    many = [row for row in rows if row[1] >= _MANY] or rows
    if len(many) > 1:
        weak, strong = min(many, key=lambda row: row[3]), max(many, key=lambda row: row[3])
        shows = (
            f"Weakest: {weak[0]}, F1 {weak[3]:.1%} on {_examples(weak[1])}. "
            f"Strongest: {strong[0]}, {strong[3]:.1%} on {_examples(strong[1])}."
        )
    return Table(
        f"Scores by {name}",
        "Exact match: how many answers are a gold answer. F1: how much of the words of answer and gold answer is shared.",
        [name, "questions", "exact match", "F1"],
        [list(row) for row in rows],
        shows=shows,
    )


def numbers(entries: Sequence[Entry]) -> list[Section]:
    """Predicted against gold numbers, and where they are farthest apart.

    An entry has `text`, `gold`, `predicted`, `error` (predicted minus gold) and `origin`.
    """
    points = [(float(entry["gold"]), float(entry["predicted"])) for entry in entries]
    errors = [float(entry["error"]) for entry in entries]
    ranked = sorted(entries, key=lambda entry: -abs(float(entry["error"])))
    return [
        Scatter(
            "Predicted against gold",
            "Each dot is an example. On the diagonal the prediction is right; above it too high, below it too low.",
            "value",
            points,
            shows=_off(errors) if errors else "",
        ),
        Texts(
            "Largest errors",
            "Where the prediction is farthest from the gold value. The error is predicted minus gold.",
            ranked[:TEXTS_SHOWN],
        ),
    ]


def error_kinds(counts: Mapping[str, int], right: int, explained: str) -> Bars:
    """How many answers are right, and how many are wrong in which way, beside one another."""
    wrong = sum(counts.values())
    most = max(counts, key=lambda kind: counts[kind], default="")
    shows = "Nothing is wrong."
    if wrong:
        shows = f"{right:,} are right, {wrong:,} wrong: most often {most}, {counts[most] / wrong:.1%} of the errors."
    return Bars(
        "What goes wrong", explained, "entities", {"right": right, **counts}, total=right + wrong, shows=shows
    )


def length_scores(rows: Sequence[LabelRow], what: str) -> Table:
    """Precision, recall and F1 by how many words an answer has; the rows' names are the lengths."""
    note = f"Recall is that of the gold {what} of this length, precision that of the predicted ones."
    return Table(
        f"Scores by length of {what}",
        note,
        ["words", "precision", "recall", "F1", "gold", "predicted"],
        [[row.name, row.precision, row.recall, row.f1, row.support, row.predicted] for row in rows],
    )


def marked_texts(wrong: Sequence[MarkedText], right: Sequence[MarkedText], what: str) -> MarkedTexts:
    """Texts with `what` is gold and what was predicted marked: wrong ones first, each list the surest first.

    An entry has the fact `confidence`.
    """

    def ranked(entries: Sequence[MarkedText]) -> list[MarkedText]:
        return sorted(entries, key=lambda entry: -float(entry.facts["confidence"]))

    shown = [*ranked(wrong), *ranked(right)][:TEXTS_SHOWN]
    total = len(wrong) + len(right)
    rest = f"; the first {TEXTS_SHOWN} are listed" if total > TEXTS_SHOWN else ""
    return MarkedTexts(
        f"{what.capitalize()} in their texts",
        "Gold and predicted, in the text. Texts with errors come first, the surest errors before the others.",
        shown,
        shows=f"{len(wrong):,} of {_counted(total, 'text')} with {what} {'has' if len(wrong) == 1 else 'have'} an error{rest}.",
    )


def frequent_confusions(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Table:
    """The most frequent pairs of gold and predicted label, for more labels than a matrix can show."""
    pairs = [
        (count, row, column)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if row != column and count
    ]
    pairs.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
    return Table(
        "Most frequent confusions",
        "The share is that of all with this gold label.",
        ["gold", "predicted", "count", "share"],
        [
            [names[row], names[column], count, count / sum(counts[row])]
            for count, row, column in pairs[:_PAIRS]
        ],
        shows=confusion(names, counts).shows,
    )


_PAIRS = 40


def mistaken_words(entries: Sequence[Entry], total: int) -> Texts:
    """Words with a wrong label in their sentences, the surest first. An entry has `confidence`."""
    ranked = sorted(entries, key=lambda entry: -float(entry["confidence"]))
    rest = f"; the first {TEXTS_SHOWN} are listed" if len(ranked) > TEXTS_SHOWN else ""
    return Texts(
        "Most confident mistakes",
        "Words with a wrong answer, between brackets, the surest first. Some of them will be wrong labels in the data.",
        ranked[:TEXTS_SHOWN],
        shows=f"{len(ranked):,} of {_counted(total, 'word')} {'is' if len(ranked) == 1 else 'are'} wrong{rest}.",
    )


def _off(errors: Sequence[float]) -> str:
    """How far off predictions are, and whether more to one side than chance would have it."""
    middle = sorted(map(abs, errors))[len(errors) // 2]
    mean = math.fsum(errors) / len(errors)
    spread = math.sqrt(math.fsum((error - mean) ** 2 for error in errors) / len(errors))
    said = f"Half of the predictions are within {middle:.3g} of the gold value"
    if abs(mean) <= _Z * spread / math.sqrt(len(errors)):
        return f"{said}, with no lean to either side."
    return f"{said}; on average they are {abs(mean):.2g} too {'high' if mean > 0 else 'low'}."


def _examples(count: int) -> str:
    return _counted(count, "example")


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit if count == 1 else _plural(unit)}"


def _plural(unit: str) -> str:
    return f"{unit[:-1]}ies" if unit.endswith("y") else f"{unit}s"


def _answers(count: int) -> str:
    return f"{count:,} answer{' is' if count == 1 else 's are'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
