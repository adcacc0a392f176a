"""The confusion matrix: a table when it can be read, else the worst confusions and a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewell.core.sections import Matrix
from tunewell.report import charts
from tunewell.report.numbers import DASH, Scale
from tunewell.report.svg import Svg
from tunewell.report.tables import MAX_ROWS, TableView

MAX_NAMED = 16
MAX_PAIRS = 15
_SHARE = Scale(100.0, 1, "%")
_WHOLE = Scale(100.0, 0, "%")


@dataclass(frozen=True, slots=True)
class Cell:
    """A count with its share of the row; `level` 0 to 10 picks the shade."""

    count: str
    share: str
    level: int
    right: bool


@dataclass(frozen=True, slots=True)
class MatrixView:
    """Either `rows` (name, cells, total) or, for many labels, `heat`; pairs and labels as tables."""

    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell], str]]
    heat: Svg | None
    summary: str
    pairs: TableView | None
    labels: TableView | None
    upright: bool


def matrix_view(section: Matrix) -> MatrixView:
    """Counts shaded by the share of their row."""
    names, counts = list(section.names), [list(row) for row in section.counts]
    totals = [sum(row) for row in counts]
    shares = [[count / (total or 1) for count in row] for row, total in zip(counts, totals, strict=True)]
    right = sum(counts[index][index] for index in range(len(names)))
    every = sum(totals)
    summary = f"{right:,} of {every:,} on the diagonal" + (
        f" ({_SHARE.show(right / every)})." if every else "."
    )
    small = len(names) <= MAX_NAMED
    pairs = _pairs(names, counts, totals)
    return MatrixView(
        names=names,
        rows=_named_rows(names, counts, shares, totals) if small else [],
        heat=None if small else charts.heat_map(shares, section.title, f"{len(names)} labels. {summary}"),
        summary=summary,
        pairs=pairs if pairs.rows and len(names) > 4 else None,
        labels=None if small else _labels(names, counts, totals),
        upright=len(names) <= 6 and max(map(len, names), default=0) <= 16,
    )


def _named_rows(
    names: Sequence[str],
    counts: Sequence[Sequence[int]],
    shares: Sequence[Sequence[float]],
    totals: Sequence[int],
) -> list[tuple[str, list[Cell], str]]:
    return [
        (
            names[row],
            [
                Cell(
                    f"{count:,}",
                    _row_share(count, share),
                    charts.shade(share),
                    row == column,
                )
                for column, (count, share) in enumerate(zip(counts[row], shares[row], strict=True))
            ],
            f"{totals[row]:,}",
        )
        for row in range(len(names))
    ]


def _row_share(count: int, share: float) -> str:
    """Whole percent; nothing for no examples, and never "0%" for some."""
    if not count:
        return ""
    return "<1%" if share < 0.005 else _WHOLE.show(share)


def _pairs(names: Sequence[str], counts: Sequence[Sequence[int]], totals: Sequence[int]) -> TableView:
    """The most frequent confusions; ties go to the larger share of the gold label."""
    wrong = [
        (count, count / totals[row], row, column)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if count and row != column
    ]
    wrong.sort(key=lambda pair: (-pair[0], -pair[1], pair[2], pair[3]))
    return TableView(
        caption="Most confused pairs",
        columns=[("Gold", False), ("Predicted as", False), ("Count", True), ("Share of gold label", True)],
        rows=[
            [names[row], names[column], f"{count:,}", _SHARE.show(share)]
            for count, share, row, column in wrong[:MAX_PAIRS]
        ],
        row_headers=True,
        num_left_out=max(0, len(wrong) - MAX_PAIRS),
    )


def _labels(names: Sequence[str], counts: Sequence[Sequence[int]], totals: Sequence[int]) -> TableView:
    """One row per gold label: how many, how many right, and what it is taken for most."""
    rows = []
    for row, line in enumerate(counts[:MAX_ROWS]):
        others = [(count, -column) for column, count in enumerate(line) if column != row and count]
        worst = max(others, default=None)
        share = _SHARE.show(line[row] / totals[row]) if totals[row] else DASH
        taken = f"{names[-worst[1]]} ({worst[0]:,})" if worst else DASH
        rows.append([str(row + 1), names[row], f"{totals[row]:,}", share, taken])
    return TableView(
        caption="Every gold label, in the order of the map",
        columns=[
            ("Place", True),
            ("Gold", False),
            ("Examples", True),
            ("Right", True),
            ("Most often taken for", False),
        ],
        rows=rows,
        row_headers=False,
        num_left_out=max(0, len(names) - MAX_ROWS),
    )
