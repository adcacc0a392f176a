"""The charts: plain functions from numbers to inline SVG, styled by `page.css` and without any script.

Widths in percent keep text at its size on every screen. To add a chart: one function here that returns
`picture(...)`, its classes in `page.css`, and the same numbers as a table next to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tunewell.core.results import Score
from tunewell.report.numbers import Scale, humanise, scale_for, show_number
from tunewell.report.svg import Axis, Svg, axis, element, picture

Point = tuple[float, float]
MAX_POINTS = 240
MAX_CELLS = 8000
_MIDDLE = 20


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def score_axis(scores: Sequence[Score], scale: Scale) -> Axis:
    """The one axis (in percent of the width) that all rows of a headline share."""
    ends = [end for score in scores for end in (score.value, score.low, score.high) if end is not None]
    limits = (0.0, 1.0) if scale.suffix == "%" else (-math.inf, math.inf)
    if len(scores) == 1:  # with nothing to compare with, the whole range is the measure
        ends += [0.0, 100.0 / scale.factor] if scale.points else [0.0]
    return axis(ends, 2.0, 98.0, num_ticks=5, limits=limits)


def difference_axis(differences: Sequence[Score]) -> Axis:
    """The one axis that all rows of differences share; 0 is always on it."""
    ends = [end for score in differences for end in (score.value, score.low, score.high) if end is not None]
    return axis([0.0, *ends], 2.0, 98.0, num_ticks=5)


def whisker(
    score: Score, band: Score | None, shared: Axis, *, solid: bool, title: str, look: str = ""
) -> Svg:
    """A dot with its interval; `band` is the interval to compare with, shaded behind it.

    Without a band 0 is marked, which a difference is compared with. `look` is one more CSS class.
    """
    parts = [_vertical(shared.at(tick), "grid") for tick in shared.ticks]
    if band is None:
        parts.append(_vertical(shared.at(0.0), "zero"))
    elif band.low is not None and band.high is not None:
        left, right = shared.at(band.low), shared.at(band.high)
        shade = element(
            "rect", x=_percent(left), y=0, width=_percent(right - left), height="100%", class_="band"
        )
        parts.insert(0, shade)
    if score.low is not None and score.high is not None:
        low, high = _percent(shared.at(score.low)), _percent(shared.at(score.high))
        parts.append(element("line", x1=low, x2=high, y1=_MIDDLE, y2=_MIDDLE, class_="whisker"))
        parts += [
            element("line", x1=end, x2=end, y1=_MIDDLE - 5, y2=_MIDDLE + 5, class_="whisker")
            for end in (low, high)
        ]
    if math.isfinite(score.value):
        centre = _percent(shared.at(score.value))
        parts.append(element("circle", cx=centre, cy=_MIDDLE, r=7 if solid else 5.5, class_="dot"))
    kind = " ".join(part for part in ("strip", "own" if solid else "", look) if part)
    return picture(*parts, title=title, description="", class_=kind, width="100%", height=2 * _MIDDLE)


def _vertical(x: float, class_: str) -> Svg:
    return element("line", x1=_percent(x), x2=_percent(x), y1=0, y2="100%", class_=class_)


def score_ticks(shared: Axis, scale: Scale, *, signed: bool = False) -> Svg:
    """The labels of the shared axis; decoration, as every row says its own numbers."""
    short = scale.with_decimals(shared.decimals)
    show = short.signed if signed else short.show
    labels = [
        element("text", show(tick), x=_percent(shared.at(tick)), y=14, text_anchor="middle")
        for tick in shared.ticks
    ]
    return picture(*labels, title="", description="", class_="ticks", width="100%", height=20)


def thin(points: Sequence[Point], limit: int = MAX_POINTS) -> list[Point]:
    """The finite points; beyond `limit` only each stretch's lowest and highest, so that spikes stay."""
    finite = [(float(x), float(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(finite) <= limit:
        return finite
    size = math.ceil(2 * len(finite) / (limit - 2))
    kept = [finite[0]]
    for begin in range(1, len(finite) - 1, size):
        stretch = finite[begin : min(begin + size, len(finite) - 1)]
        ends = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        kept += sorted(ends)
    return [*kept, finite[-1]]


def line_panel(
    title: str,
    x_label: str,
    series: Mapping[str, Sequence[Point]],
    order: Sequence[str],
    marks: Mapping[str, float],
) -> Svg:
    """One small multiple; `order` gives each name its colour and dash, the same in every panel.

    `marks` are places on the x axis that get an upright line with their name.
    """
    kept = {name: thin(points) for name, points in series.items()}
    kept = {name: points for name, points in kept.items() if points}
    every = [point for points in kept.values() for point in points]
    scale = scale_for(title, [y for _, y in every])
    limits = (0.0, 1.0) if scale.suffix == "%" else (-math.inf, math.inf)
    across = [x for x, _ in every] + [place for place in marks.values() if math.isfinite(place)]
    xs = axis(across, 50, 306, num_ticks=5)
    ys = axis([y for _, y in every], 172, 12, num_ticks=4, limits=limits)
    first, last = (min(across), max(across)) if every else (0.0, 1.0)
    if last > first:
        xs = Axis(first, last, xs.start, xs.end, tuple(t for t in xs.ticks if first <= t <= last))
    parts = [*_frame(xs, ys, scale, x_label), *_marks(marks, xs)]
    ends: list[tuple[float, str, int]] = []
    for name, points in kept.items():
        look = order.index(name)
        path = "M" + "L".join(f"{xs.at(x):.1f} {ys.at(y):.1f}" for x, y in points)
        x, y = points[-1]
        if len(points) > 1:
            parts.append(element("path", d=path, class_=f"line {_look(look)}"))
        parts.append(element("circle", cx=xs.at(x), cy=ys.at(y), r=3.5, class_=f"end {_look(look)}"))
        ends.append((ys.at(y), scale.show(y), look))
    parts += _end_labels(ends)
    description = f"Line chart over {humanise(x_label)}. {panel_words(title, x_label, series, marks)}"
    return picture(
        *parts, title=humanise(title), description=description, class_="panel", viewBox="0 0 360 214"
    )


def _marks(marks: Mapping[str, float], xs: Axis) -> list[Svg]:
    """Upright lines, each with its name on the side where there is room."""
    parts = []
    for name, place in marks.items():
        if not math.isfinite(place):
            continue
        x, left = xs.at(place), xs.at(place) > 178
        parts.append(element("line", x1=x, x2=x, y1=12, y2=172, class_="mark"))
        parts.append(
            element("text", name, x=x - 4 if left else x + 4, y=168, text_anchor="end" if left else "start")
        )
    return parts


def panel_words(
    title: str, x_label: str, series: Mapping[str, Sequence[Point]], marks: Mapping[str, float]
) -> str:
    """Each line in words: where it begins, where it ends, and what lies outside of that; then the marks."""
    said = []
    at = humanise(x_label)
    for name, points in series.items():
        known = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        if not known:
            continue
        scale = scale_for(title, [y for _, y in known])
        text = f"{scale.show(known[0][1])} at {at} {show_number(known[0][0])}"
        if len(known) > 1:
            text = f"from {text} to {scale.show(known[-1][1])} at {at} {show_number(known[-1][0])}"
            low, high = min(known, key=lambda p: p[1]), max(known, key=lambda p: p[1])
            ends = (known[0][1], known[-1][1])
            for word, extreme in (("lowest", low), ("highest", high)):
                if extreme[1] not in ends:
                    text += f", {word} {scale.show(extreme[1])} at {show_number(extreme[0])}"
        said.append(f"{humanise(name)} {text}" if len(series) > 1 else text)
    if not said:
        return "No points."
    places = [f"{name}: {at} {show_number(place)}" for name, place in marks.items() if math.isfinite(place)]
    return " ".join(f"{words[:1].upper()}{words[1:]}." for words in ("; ".join(said), *places))


def _frame(xs: Axis, ys: Axis, scale: Scale, x_label: str) -> list[Svg]:
    """Grid lines with their labels, and the name of the x axis."""
    parts = []
    short = scale.with_decimals(ys.decimals)
    for tick in ys.ticks:
        y = ys.at(tick)
        parts.append(element("line", x1=50, x2=306, y1=y, y2=y, class_="grid"))
        parts.append(element("text", short.show(tick), x=44, y=y + 4, text_anchor="end"))
    for tick in xs.ticks:
        parts.append(element("text", show_number(tick), x=xs.at(tick), y=190, text_anchor="middle"))
    parts.append(element("text", humanise(x_label), x=178.0, y=208, text_anchor="middle", class_="label"))
    return parts


def _end_labels(ends: list[tuple[float, str, int]]) -> list[Svg]:
    """The last value of each series at its end, pushed apart so that none covers another."""
    placed: list[tuple[float, str, int]] = []
    for y, text, look in sorted(ends):
        placed.append((max(y, placed[-1][0] + 13) if placed else y, text, look))
    overflow = max(0.0, placed[-1][0] - 178) if placed else 0.0
    return [
        element("text", text, x=313, y=y - overflow + 4, class_=f"value {_look(look)}")
        for y, text, look in placed
    ]


def _look(index: int) -> str:
    """Colour and dash of a series; from the seventh on they come again, bolder."""
    return f"c{index % 6}" + (" again" if index >= 6 else "")


def swatch(look: int) -> Svg:
    """A legend's piece of line."""
    line = element("line", x1=0, x2=26, y1=6, y2=6, class_=f"line {_look(look)}")
    return picture(line, title="", description="", width=26, height=12, class_="swatch")


def bar(value: float, smallest: float, largest: float) -> Svg:
    """One bar of a table of bars; decoration, as the number stands beside it."""
    low, high = min(0.0, smallest), max(0.0, largest)
    span = (high - low) or 1.0
    left, right = (min(value, 0.0) - low) / span * 100, (max(value, 0.0) - low) / span * 100
    shape = element("rect", x=_percent(left), width=_percent(right - left), height="100%", rx=2)
    return picture(shape, title="", description="", width="100%", height=14, class_="bar")


def shade(share: float) -> int:
    """0 to 10 for a share from 0 to 1; anything above 0 shows."""
    return 0 if share <= 0 else max(1, min(10, round(share * 10)))


def heat_map(shares: Sequence[Sequence[float]], title: str, description: str) -> Svg:
    """All cells of a big matrix without names, one path per shade; the palest are left out beyond a limit."""
    size = len(shares)
    cells = [
        (share, row, col) for row, line in enumerate(shares) for col, share in enumerate(line) if share > 0
    ]
    cells = sorted(cells, reverse=True)[:MAX_CELLS]
    paths: dict[tuple[bool, int], list[tuple[int, int]]] = {}
    for share, row, col in cells:
        paths.setdefault((row == col, shade(share)), []).append((row, col))
    parts = [
        element("path", d=_squares(sorted(places)), class_=f"h{level} {'hit' if right else 'miss'}")
        for (right, level), places in sorted(paths.items())
    ]
    frame = element("rect", x=0, y=0, width=size, height=size, class_="frame")
    box = f"0 0 {size} {size}"
    return picture(frame, *parts, title=title, description=description, class_="heat", viewBox=box)


def _squares(places: Sequence[tuple[int, int]]) -> str:
    """Unit squares as one path, written relative to each other to stay short."""
    steps = [f"M{places[0][1]} {places[0][0]}h1v1h-1z"]
    steps += [f"m{col - c} {row - r}h1v1h-1z" for (r, c), (row, col) in pairwise(places)]
    return "".join(steps)
