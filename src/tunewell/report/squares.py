"""The two square charts, in which the diagonal is where a model should be: reliability and scatter.

Each comes with the same numbers as a table. Not for: computing them (`tunewell.metrics`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunewell.core.sections import ConfidenceBin, Reliability, Scatter
from tunewell.report.numbers import DASH, Scale, heading, humanise, scale_for, show_number
from tunewell.report.svg import Axis, Svg, axis, element, picture
from tunewell.report.tables import TableView

MAX_DOTS = 1500
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 340, 10, 302
_COUNTS_TOP, _COUNTS_BOTTOM = 324, 374
_PERCENT = Scale(100.0, 1, "%")
_WHOLE = Scale(100.0, 0, "%")
_FIFTHS = 5


@dataclass(frozen=True, slots=True)
class SquareView:
    """A square chart, what it says in short, and its numbers."""

    chart: Svg
    figures: Sequence[tuple[str, str]]
    table: TableView


def reliability_view(section: Reliability) -> SquareView | None:
    """Dots with intervals over the confidence, and below them how many answers each stands for."""
    if not section.bins:
        return None
    unit_axis = Axis(0.0, 1.0, _LEFT, _RIGHT, (0.0, 0.25, 0.5, 0.75, 1.0))
    upright = Axis(0.0, 1.0, _BOTTOM, _TOP, unit_axis.ticks)
    total = sum(part.count for part in section.bins)
    parts = [*_grid(unit_axis, upright, _WHOLE), *_words("too cautious", "too sure")]
    for part in section.bins:
        parts += _dot(part, unit_axis.at(part.confidence), upright, total)
    parts += _counts(section.bins, unit_axis)
    parts += [
        element("text", "confidence", x=194.0, y=412, text_anchor="middle", class_="label"),
        _upright_label(f"share {section.outcome}"),
    ]
    reach = sum(_reaches(part) for part in section.bins)
    said = f"{reach} of {len(section.bins)} intervals reach the diagonal"
    figures = [("Intervals that reach the diagonal", f"{reach} of {len(section.bins)}")]
    if section.error is not None:
        figures.insert(0, ("Expected calibration error", _PERCENT.show(section.error)))
    description = f"Share {section.outcome} against confidence, {len(section.bins)} bins of {total:,} {section.unit}; {said}."
    chart = picture(
        *parts, title=section.title, description=description, class_="square", viewBox="0 0 360 420"
    )
    return SquareView(chart, figures, _bins_table(section))


def _dot(part: ConfidenceBin, x: float, upright: Axis, total: int) -> list[Svg]:
    """The share that is right with its interval; the more answers, the larger the dot."""
    parts = []
    if part.right.low is not None and part.right.high is not None:
        low, high = upright.at(part.right.low), upright.at(part.right.high)
        parts.append(element("line", x1=x, x2=x, y1=low, y2=high, class_="whisker"))
    radius = 3.0 + 5.0 * math.sqrt(part.count / total)
    parts.append(element("circle", cx=x, cy=upright.at(part.right.value), r=radius, class_="bin"))
    return parts


def _reaches(part: ConfidenceBin) -> bool:
    low, high = part.right.low, part.right.high
    return low is not None and high is not None and low <= part.confidence <= high


def _grid(across: Axis, upright: Axis, scale: Scale) -> list[Svg]:
    """Grid lines with their labels, and the diagonal."""
    parts = []
    short = scale if scale.suffix else scale.with_decimals(across.decimals)
    for tick in upright.ticks:
        y = upright.at(tick)
        parts.append(element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(element("text", short.show(tick), x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for tick in across.ticks:
        x = across.at(tick)
        parts.append(element("line", x1=x, x2=x, y1=_TOP, y2=_BOTTOM, class_="grid"))
    low, high = max(across.low, upright.low), min(across.high, upright.high)
    ends = {"x1": across.at(low), "y1": upright.at(low), "x2": across.at(high), "y2": upright.at(high)}
    parts.append(element("line", **ends, class_="diagonal"))
    return parts


def _words(above: str, below: str) -> list[Svg]:
    """What it means to be off the diagonal, written where it is."""
    return [
        element("text", above, x=_LEFT + 10, y=_TOP + 20, class_="region"),
        element("text", below, x=_RIGHT - 10, y=_BOTTOM - 10, text_anchor="end", class_="region"),
    ]


def _upright_label(text: str) -> Svg:
    return element(
        "text",
        text,
        x=0,
        y=0,
        text_anchor="middle",
        class_="label",
        transform="translate(10 156) rotate(-90)",
    )


def _counts(bins: Sequence[ConfidenceBin], across: Axis) -> list[Svg]:
    """A bar a bin for how many answers it holds, with the largest number as the measure."""
    most = max(part.count for part in bins)
    parts = [
        element("line", x1=_LEFT, x2=_RIGHT, y1=_COUNTS_BOTTOM, y2=_COUNTS_BOTTOM, class_="grid"),
        element("text", f"{most:,}", x=_LEFT - 6, y=_COUNTS_TOP + 8, text_anchor="end"),
        element("text", "0", x=_LEFT - 6, y=_COUNTS_BOTTOM + 4, text_anchor="end"),
    ]
    for part in bins:
        height = max(1.0, (_COUNTS_BOTTOM - _COUNTS_TOP) * part.count / most)
        left, right = across.at(part.low) + 1, across.at(part.high) - 1
        parts.append(
            element(
                "rect", x=left, y=_COUNTS_BOTTOM - height, width=right - left, height=height, class_="counted"
            )
        )
    for tick in across.ticks:
        parts.append(
            element("text", _WHOLE.show(tick), x=across.at(tick), y=_COUNTS_BOTTOM + 18, text_anchor="middle")
        )
    return parts


def _bins_table(section: Reliability) -> TableView:
    columns = [
        "Confidence",
        section.unit.capitalize(),
        "Mean confidence",
        heading(f"Share {section.outcome}"),
    ]
    rows = [
        [
            f"{_WHOLE.bare(part.low)} to {_WHOLE.show(part.high)}",
            f"{part.count:,}",
            _PERCENT.show(part.confidence),
            _PERCENT.show(part.right.value),
            DASH
            if part.right.low is None or part.right.high is None
            else _PERCENT.interval(part.right.low, part.right.high),
        ]
        for part in section.bins
    ]
    return TableView(
        f"{section.title}: the bins", [(name, True) for name in [*columns, "Its 95% interval"]], rows, False
    )


def scatter_view(section: Scatter) -> SquareView | None:
    """Dots of `(gold, predicted)`, both on the same scale; beyond `MAX_DOTS` an even choice of them."""
    points = [point for point in section.points if all(map(math.isfinite, point))]
    if not points:
        return None
    ends = [value for point in points for value in point]
    across = axis(ends, _LEFT, _RIGHT, num_ticks=5)
    upright = Axis(across.low, across.high, _BOTTOM, _TOP, across.ticks)
    scale = scale_for(section.unit, ends)
    every = max(1, -(-len(points) // MAX_DOTS))
    drawn = sorted(points)[::every]
    path = "".join(f"M{across.at(x):.1f} {upright.at(y):.1f}h0" for x, y in drawn)
    short = scale.with_decimals(across.decimals)
    parts = [
        *_grid(across, upright, scale),
        *_words("too high", "too low"),
        element("path", d=path, class_="dots few" if len(drawn) < 200 else "dots"),
        *(
            element("text", short.show(tick), x=across.at(tick), y=_BOTTOM + 18, text_anchor="middle")
            for tick in across.ticks
        ),
        element(
            "text", f"gold {humanise(section.unit)}", x=194.0, y=340, text_anchor="middle", class_="label"
        ),
        _upright_label(f"predicted {humanise(section.unit)}"),
    ]
    description = f"Predicted against gold {humanise(section.unit)} of {len(points):,} examples."
    chart = picture(
        *parts, title=section.title, description=description, class_="square", viewBox="0 0 360 346"
    )
    figures = [] if every == 1 else [("Dots drawn", f"{len(drawn):,} of {len(points):,}")]
    return SquareView(chart, figures, _fifths_table(section, points, scale))


def _fifths_table(section: Scatter, points: Sequence[tuple[float, float]], scale: Scale) -> TableView:
    """The examples in fifths by their gold value: what is predicted there, and how far off."""
    ranked = sorted(points)
    cuts = [round(index * len(ranked) / _FIFTHS) for index in range(_FIFTHS + 1)]
    rows = []
    for begin, end in pairwise(cuts):
        part = ranked[begin:end]
        if part:
            gold, predicted = (math.fsum(values) / len(part) for values in zip(*part, strict=True))
            error = math.fsum(abs(x - y) for x, y in part) / len(part)
            span = f"{scale.show(part[0][0])} to {scale.show(part[-1][0])}"
            rows.append([span, show_number(len(part)), *map(scale.show, (gold, predicted, error))])
    columns = ["Gold", "Examples", "Mean gold", "Mean predicted", "Mean absolute error"]
    return TableView(
        f"{section.title}: fifths by gold value", [(name, True) for name in columns], rows, False
    )
