"""The ratios as a picture: a dot with its interval for each contestant, and the line where both are equal."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.recipe import Json
from tunewell.report.svg import Axis, Svg, axis, element, picture

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 720, 150, 150, 34, 44


def ratios(title: str, rows: Sequence[tuple[str, Json]]) -> Svg:
    """`rows` are names with a `median`, `low` and `high` of our rate over theirs."""
    ends = [row[key] for _, row in rows for key in ("low", "high")]
    scale = axis([0.0, 1.0, *ends], _LEFT, _WIDTH - _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    parts = [
        element("rect", x=0, y=0, width=_WIDTH, height=bottom + 50, fill="#ffffff"),
        element("text", title, x=12, y=24, font_size=15, font_weight="bold"),
        *_grid(scale, bottom),
    ]
    for place, (name, row) in enumerate(rows):
        parts += _row(scale, name, row, _TOP + _ROW * place + _ROW / 2)
    label = "our examples a second over theirs; right of 1, ours is faster"
    parts.append(
        element(
            "text",
            label,
            x=(_LEFT + _WIDTH - _RIGHT) / 2,
            y=bottom + 40,
            text_anchor="middle",
            fill="#555555",
        )
    )
    words = "; ".join(f"{name} {row['median']:.2f}" for name, row in rows)
    return picture(
        *parts,
        title=title,
        description=f"Median ratios: {words}.",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {bottom + 50}",
        width=_WIDTH,
        font_family="sans-serif",
        font_size=13,
    )


def _grid(scale: Axis, bottom: int) -> list[Svg]:
    parts = []
    for tick in scale.ticks:
        x = scale.at(tick)
        parts.append(element("line", x1=x, x2=x, y1=_TOP, y2=bottom, stroke="#dddddd"))
        parts.append(element("text", f"{tick:g}", x=x, y=bottom + 18, text_anchor="middle", fill="#555555"))
    equal = scale.at(1.0)
    parts.append(element("line", x1=equal, x2=equal, y1=_TOP, y2=bottom, stroke="#333333", stroke_width=1.5))
    return parts


def _row(scale: Axis, name: str, row: Json, y: float) -> list[Svg]:
    colour = "#1a6b3c" if row["low"] > 1 else "#a3261b" if row["high"] < 1 else "#555555"
    low, high = scale.at(row["low"]), scale.at(row["high"])
    text = f"{row['median']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
    return [
        element("text", name, x=_LEFT - 14, y=y + 4, text_anchor="end"),
        element("line", x1=low, x2=high, y1=y, y2=y, stroke=colour, stroke_width=2.5),
        element("circle", cx=scale.at(row["median"]), cy=y, r=5, fill=colour),
        element("text", text, x=_WIDTH - _RIGHT + 10, y=y + 4, fill=colour),
    ]
