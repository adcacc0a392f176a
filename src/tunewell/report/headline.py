"""How good is it, compared with what: the words and rows of the headline.

Not for: the statistics (`tunewell.metrics.intervals`); a difference is judged only by whether its interval
contains 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tunewell.core.results import Score, lower_is_better
from tunewell.core.sections import Headline
from tunewell.report import charts
from tunewell.report.numbers import (
    DASH,
    MINUS,
    Scale,
    heading,
    humanise,
    scale_for,
    significant_decimals,
)
from tunewell.report.svg import Svg

MODEL = "This model"
_GLYPHS = {"Better": "▲", "Worse": "▼", "No difference shown": "=", "Not tested": "?"}
_TONES = {"Better": "good", "Worse": "bad"}


@dataclass(frozen=True, slots=True)
class StripRow:
    """One line of the strip chart: who, the drawing, and the numbers in words."""

    name: str
    own: bool
    strip: Svg
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class StripChart:
    """Rows over one shared axis."""

    caption: str
    rows: Sequence[StripRow]
    ticks: Svg


@dataclass(frozen=True, slots=True)
class Difference:
    """One paired difference in words; `tone` is a CSS class."""

    glyph: str
    verdict: str
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class HeadlineView:
    """What the template needs, as text."""

    value: str
    suffix: str
    metric: str
    direction: str
    interval: str
    sample: str
    glyph: str
    tone: str
    lede: str
    strips: Sequence[StripChart]
    differences: Sequence[Difference]
    numbers: Sequence[tuple[str, ...]]


def headline_view(section: Headline) -> HeadlineView:
    """Every sentence and drawing of one headline."""
    scores = [section.score, *section.baselines.values()]
    known = [end for score in scores for end in (score.value, score.low, score.high) if end is not None]
    scale = scale_for(section.metric, known)
    if not scale.points:  # a far larger baseline must not cost the model's digits
        own = significant_decimals([section.score.value])
        scale = replace(scale, decimals=min(max(own, scale.decimals), scale.decimals + 2))
    lower = lower_is_better(section.metric)
    judged, lede = _lede(section, scale, lower)
    return HeadlineView(
        value=scale.bare(section.score.value),
        suffix=scale.suffix if math.isfinite(section.score.value) else "",
        metric=humanise(section.metric),
        direction="lower is better" if lower else "higher is better",
        interval=_interval(section.score, scale),
        sample=f"{section.num_examples:,} {section.split} example{'s' if section.num_examples != 1 else ''}",
        glyph=_GLYPHS.get(judged, ""),
        tone=_TONES.get(judged, "open"),
        lede=lede,
        strips=_strips(section, scale),
        differences=[
            difference_words(humanise(name), difference, scale, lower)
            for name, difference in section.differences.items()
        ],
        numbers=_numbers(section, scale),
    )


def _strips(section: Headline, scale: Scale) -> list[StripChart]:
    """All scores on one axis; and again close up where a far baseline squeezes the near ones together."""
    caption = f"{heading(section.metric)} without intervals."
    if section.score.low is not None:
        caption = f"{heading(section.metric)} with its 95% interval. The band is this model's interval."
    named = {MODEL: section.score, **{humanise(name): score for name, score in section.baselines.items()}}
    charts_ = [_strip(named, caption, scale)]
    model = section.score
    known = [score.value for score in named.values() if math.isfinite(score.value)]
    if model.low is None or model.high is None or not known:
        return charts_
    span, width = max(known) - min(known), model.high - model.low
    near = {name: score for name, score in named.items() if abs(score.value - model.value) < 0.15 * span}
    if width < 0.12 * span and 1 < len(near) < len(named):
        charts_.append(_strip(near, "The same, close up, without what lies far off.", scale))
    return charts_


def _strip(named: Mapping[str, Score], caption: str, scale: Scale) -> StripChart:
    shared = charts.score_axis(list(named.values()), scale)
    rows = [
        StripRow(
            name=name,
            own=name == MODEL,
            strip=charts.whisker(
                score, named[MODEL], shared, solid=name == MODEL, title=_spoken(name, score, scale)
            ),
            value=scale.show(score.value),
            interval=_interval(score, scale),
        )
        for name, score in named.items()
    ]
    return StripChart(caption, rows, charts.score_ticks(shared, scale))


def verdict(difference: Score, lower: bool) -> str:
    """Better or worse only where the interval leaves 0 out."""
    if difference.low is None or difference.high is None or not math.isfinite(difference.value):
        return "Not tested"
    if not (difference.low > 0 or difference.high < 0):
        return "No difference shown"
    return "Better" if (difference.low > 0) != lower else "Worse"


def difference_words(baseline: str, difference: Score, scale: Scale, lower: bool) -> Difference:
    """One sentence, such as: +21.3 points over majority class, 95% interval 15.0 to 27.3."""
    judged = verdict(difference, lower)
    fine = _fine(difference, scale)
    amount = fine.amount(difference.value)
    if not math.isfinite(difference.value):
        text = f"The difference to {baseline} could not be computed."
    elif difference.low is None or difference.high is None:
        text = f"{amount} against {baseline}, without an interval."
    else:
        interval = f"95% interval {fine.interval(difference.low, difference.high)}"
        if judged == "No difference shown":
            text = f"{amount} against {baseline}, but the {interval} contains 0."
        else:
            text = f"{amount} over {baseline}, {interval}."
            if difference.high < 0:
                text = f"{amount.lstrip(MINUS)} below {baseline}, {interval}."
    return Difference(_GLYPHS[judged], judged, _TONES.get(judged, "open"), text)


def _fine(difference: Score, scale: Scale) -> Scale:
    ends = [end for end in (difference.value, difference.low, difference.high) if end is not None]
    return scale.fine_enough_for(ends)


def _interval(score: Score, scale: Scale) -> str:
    return "" if score.low is None or score.high is None else scale.interval(score.low, score.high)


def _spoken(name: str, score: Score, scale: Scale) -> str:
    interval = _interval(score, scale)
    return f"{name}: {scale.show(score.value)}, " + (
        f"95% interval {interval}" if interval else "no interval"
    )


def _lede(section: Headline, scale: Scale, lower: bool) -> tuple[str, str]:
    """A verdict, and one sentence against the strongest baseline: the comparison that counts."""
    scored = {name: score for name, score in section.baselines.items() if math.isfinite(score.value)}
    if not scored:
        return "", "No baseline was scored, so this number stands alone."
    strongest = (min if lower else max)(scored, key=lambda name: scored[name].value)
    named = f"{humanise(strongest)} ({scale.show(scored[strongest].value)})"
    which = "the strongest baseline" if len(scored) > 1 else "the baseline"
    difference = section.differences.get(strongest)
    if difference is None:
        return "", f"{which.capitalize()} is {named}; the difference to it was not tested."
    judged = verdict(difference, lower)
    fine = _fine(difference, scale)
    amount = fine.amount(abs(difference.value)).removeprefix("+")
    if judged == "Not tested":
        return "", f"{which.capitalize()} is {named}; the difference to it has no interval."
    if judged == "No difference shown":
        return judged, f"No difference shown from {which}, {named}."
    return judged, f"{amount} {judged.lower()} than {which}, {named}."


def _numbers(section: Headline, scale: Scale) -> list[tuple[str, ...]]:
    """The strip and the differences as a table."""

    def line(name: str, score: Score, difference: Score | None) -> tuple[str, ...]:
        cells = [name, scale.show(score.value), _interval(score, scale) or DASH]
        if difference is None:
            return (*cells, DASH, DASH)
        fine = _fine(difference, scale)
        return (*cells, fine.signed(difference.value), _interval(difference, fine) or DASH)

    return [
        line(MODEL, section.score, None),
        *(
            line(humanise(name), score, section.differences.get(name))
            for name, score in section.baselines.items()
        ),
    ]
