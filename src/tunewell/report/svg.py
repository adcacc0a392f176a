"""SVG elements as escaped text, and the linear axis that the charts share."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass


class Svg(str):
    """Markup whose parts were escaped when it was built; templates insert it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """What Jinja asks for before it would escape."""
        return str(self)


def element(name: str, *children: str, **attributes: str | float) -> Svg:
    """One element; plain children are escaped, `Svg` ones not. `class_` and `stroke_width` lose their `_`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_text(value))}"'
        for key, value in attributes.items()
    )
    inner = "".join(
        child if isinstance(child, Svg) else html.escape(child, quote=False) for child in children
    )
    return Svg(f"<{name}{written}>{inner}</{name}>")


def _text(value: str | float) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


def picture(*children: str, title: str, description: str, **attributes: str | float) -> Svg:
    """The outer `<svg>`, named for screen readers; without a title it is hidden from them."""
    if not title:
        return element("svg", *children, aria_hidden="true", focusable="false", **attributes)
    words = [element("title", title)] + ([element("desc", description)] if description else [])
    return element("svg", *words, *children, role="img", **attributes)


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps `low..high` to `start..end` (`start` may be the larger: y grows downwards), with round ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where `value` lies, kept inside the axis."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    @property
    def decimals(self) -> int:
        """Decimals that tell the ticks apart."""
        step = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else 1.0
        return max(0, min(8, next((d for d in range(9) if math.isclose(round(step, d), step)), 8)))


def axis(
    values: Iterable[float],
    start: float,
    end: float,
    *,
    num_ticks: int = 5,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> Axis:
    """An axis that covers `values` and ends on round ticks, kept inside `limits` where the values are."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        pad = abs(low) * 0.1 or 0.5
        low, high = low - pad, high + pad
    step = _round_step((high - low) / max(1, num_ticks - 1))
    if low >= limits[0]:
        low = max(math.floor(low / step + 1e-9) * step, limits[0])
    if high <= limits[1]:
        high = min(math.ceil(high / step - 1e-9) * step, limits[1])
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(index * step for index in range(first, last + 1))
    return Axis(low, high, start, end, ticks)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(
        (factor * power for factor in (1, 2, 2.5, 5) if step <= factor * power * 1.0000001), 10 * power
    )
