"""Cells as text: which columns are numbers, how each is written, which text heads a row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunewell.core.sections import Bars, Lines, Table
from tunewell.report import charts
from tunewell.report.numbers import DASH, Scale, heading, humanise, scale_for, show_number
from tunewell.report.svg import Svg

MAX_ROWS = 500
MAX_BARS = 30
_LINE_ROWS = 20
_SHARE = Scale(100.0, 1, "%")
Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class TableView:
    """Headers with whether their column is numeric, and rows of text."""

    caption: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[str]]
    row_headers: bool
    num_left_out: int = 0


def table_view(section: Table) -> TableView:
    """A table of the report, numbers written by what their column (or their row) is called."""
    rows = [list(row) for row in section.rows[:MAX_ROWS]]
    width = len(section.columns)
    columns = [[row[index] if index < len(row) else None for row in rows] for index in range(width)]
    numeric = [_is_numeric(column) for column in columns]
    of_metrics = bool(section.columns) and section.columns[0].lower() in {"metric", "metrics", "score"}
    said = list(section.columns)
    for index in range(1, width):  # the ends of an interval are written as what they are the ends of
        if said[index].lower() in ("low", "high"):
            said[index] = said[index - 1]
    written = [_write_column(name, column) for name, column in zip(said, columns, strict=True)]
    if of_metrics:
        for index, row in enumerate(rows):
            metric = str(row[0])
            written[0][index] = humanise(metric)
            for other in range(1, width):
                if numeric[other] and isinstance(value := columns[other][index], int | float):
                    written[other][index] = scale_for(metric, [value]).show(value)
    return TableView(
        caption=section.title,
        columns=[
            (name if name in section.verbatim else heading(name), is_number)
            for name, is_number in zip(section.columns, numeric, strict=True)
        ],
        rows=list(zip(*written, strict=True)),
        row_headers=bool(numeric) and not numeric[0],
        num_left_out=max(0, len(section.rows) - MAX_ROWS),
    )


def _is_numeric(column: Sequence[Value]) -> bool:
    known = [value for value in column if value is not None]
    return bool(known) and not any(isinstance(value, str) for value in known)


def _write_column(name: str, column: Sequence[Value]) -> list[str]:
    floats = [v for v in column if isinstance(v, float) and math.isfinite(v)]
    scale = scale_for(name, floats) if floats else Scale()
    as_metric = (
        scale.suffix == "%" and _is_numeric(column) and not any(v > 1 for v in column if isinstance(v, int))
    )
    smallest = min((abs(v) for v in floats if v), default=1.0)
    aligned = floats and scale.decimals <= 5 and smallest >= 10.0**-scale.decimals
    whole = all(v == int(v) for v in floats)

    def write(value: Value) -> str:
        if value is None:
            return DASH
        if isinstance(value, str):
            return value
        if as_metric:
            return scale.show(float(value))
        if math.isfinite(value) and aligned and not whole:
            return scale.show(float(value))
        return show_number(value)

    return [write(value) for value in column]


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a bar table."""

    name: str
    strip: Svg
    value: str
    share: str


@dataclass(frozen=True, slots=True)
class BarsView:
    """Bars as a table that is its own data; the long tail is folded away."""

    unit: str
    of_total: bool
    shown: Sequence[Bar]
    folded: Sequence[Bar]


def bars_view(section: Bars) -> BarsView:
    """All bars on one scale from 0."""
    known = [value for value in section.counts.values() if math.isfinite(value)] or [0.0]
    written = _write_column(section.unit, list(section.counts.values()))
    bars = [
        Bar(
            name,
            charts.bar(value if math.isfinite(value) else 0.0, min(known), max(known)),
            text,
            _SHARE.show(value / section.total) if section.total else "",
        )
        for (name, value), text in zip(section.counts.items(), written, strict=True)
    ]
    return BarsView(humanise(section.unit), bool(section.total), bars[:MAX_BARS], bars[MAX_BARS:])


@dataclass(frozen=True, slots=True)
class Panel:
    """One small multiple with its legend (empty for a single line) and its numbers."""

    title: str
    chart: Svg
    words: str
    legend: Sequence[tuple[Svg, str]]
    table: TableView


def panels_view(section: Lines) -> list[Panel]:
    """Panels in which the same name has the same look."""
    order = list(dict.fromkeys(name for series in section.panels.values() for name in series))
    return [
        Panel(
            title=_capital(heading(title)),
            chart=charts.line_panel(title, section.x_label, series, order, section.marks),
            words=charts.panel_words(title, section.x_label, series, section.marks),
            legend=[(charts.swatch(order.index(name)), humanise(name)) for name in series],
            table=_points_table(title, section.x_label, series),
        )
        for title, series in section.panels.items()
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _points_table(title: str, x_label: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> TableView:
    """The drawn points, at most about 20 rows of them."""
    found = {name: {float(x): float(y) for x, y in points} for name, points in series.items()}
    every = sorted({x for points in found.values() for x in points})
    picked = [every[i] for i in _spread(len(every), _LINE_ROWS)]
    scale = scale_for(title, [y for points in found.values() for y in points.values()])
    rows = [
        [show_number(x), *(scale.show(points[x]) if x in points else DASH for points in found.values())]
        for x in picked
    ]
    return TableView(
        caption=f"{humanise(title)}, points of the chart",
        columns=[(heading(x_label), True), *((humanise(name), True) for name in found)],
        rows=rows,
        row_headers=False,
        num_left_out=len(every) - len(picked),
    )


def _spread(count: int, limit: int) -> list[int]:
    """At most `limit` indices from first to last, evenly."""
    if count <= limit:
        return list(range(count))
    return sorted({round(index * (count - 1) / (limit - 1)) for index in range(limit)})
