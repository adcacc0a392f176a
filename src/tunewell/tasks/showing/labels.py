"""Which label is taken for which, and precision, recall and F1 of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewell.core.sections import Matrix, Table
from tunewell.tasks.showing.lists import counted, plural

if TYPE_CHECKING:
    from tunewell.metrics.counts import LabelRow

_LABELS_IN_ORDER = 16
"""Up to so many labels keep their order in the table; of more, the weakest come first."""

_PAIRS = 40


def confusion(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Matrix:
    """Gold against predicted label."""
    wrong = _wrong(counts)
    shows = "No answer is wrong."
    if wrong:
        count, row, column = wrong[0]
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


def frequent_confusions(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Table:
    """The most frequent pairs of gold and predicted label, for more labels than a matrix can show."""
    return Table(
        "Most frequent confusions",
        "The share is that of all with this gold label.",
        ["gold", "predicted", "count", "share"],
        [
            [names[row], names[column], count, count / sum(counts[row])]
            for count, row, column in _wrong(counts)[:_PAIRS]
        ],
        shows=confusion(names, counts).shows,
    )


def _wrong(counts: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    """How often, gold and predicted place of each pair that differs, the most frequent first."""
    pairs = [
        (count, row, column)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if row != column and count
    ]
    return sorted(pairs, key=lambda cell: (-cell[0], cell[1], cell[2]))


def label_scores(rows: Sequence[LabelRow], *, of: str = "label", unit: str = "example") -> Table:
    """Precision, recall and F1 of each label, or of what `of` and `unit` call so."""
    seen = [row for row in rows if row.support]
    shows = ""
    if len(seen) > 1:
        shows = weakest_and_strongest([(row.name, row.f1, row.support) for row in seen], unit)
    if len(seen) < len(rows):
        shows += f" {len(rows) - len(seen)} of {len(rows)} {of}s are on no {unit} here."
    many = len(rows) > _LABELS_IN_ORDER
    note = (
        f"Precision: how many of those given this {of} are right. Recall: how many of those with it are found. Gold and "
        f"predicted: how many {plural(unit)} have it, and how many are given it."
    )
    return Table(
        f"Scores by {of}",
        note + (" The weakest come first." if many else ""),
        [of, "precision", "recall", "F1", "gold", "predicted"],
        [_cells(row) for row in (sorted(rows, key=lambda row: (row.f1, -row.support)) if many else rows)],
        shows=shows.strip(),
    )


def length_scores(rows: Sequence[LabelRow], what: str) -> Table:
    """Precision, recall and F1 by how many words an answer has; the rows' names are the lengths."""
    note = f"Recall is that of the gold {what} of this length, precision that of the predicted ones."
    return Table(
        f"Scores by length of {what}",
        note,
        ["words", "precision", "recall", "F1", "gold", "predicted"],
        [_cells(row) for row in rows],
    )


def _cells(row: LabelRow) -> list[str | float]:
    return [row.name, row.precision, row.recall, row.f1, row.support, row.predicted]


def weakest_and_strongest(rows: Sequence[tuple[str, float, int]], unit: str) -> str:
    """Says which has the lowest and which the highest F1; a row is a name, its F1 and its number of examples."""
    weak, strong = min(rows, key=lambda row: row[1]), max(rows, key=lambda row: row[1])
    if weak[1] == strong[1]:
        return f"All have an F1 of {weak[1]:.1%}."
    return (
        f"Weakest: {weak[0]}, F1 {weak[1]:.1%} on {counted(weak[2], unit)}. "
        f"Strongest: {strong[0]}, {strong[1]:.1%} on {counted(strong[2], unit)}."
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
