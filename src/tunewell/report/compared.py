"""Runs side by side: the words, strips and tables of a comparison.

Not for: the statistics (`tunewell.metrics`) or the verdict, which `PairResult` has; only how they are said.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tunewell.core.comparisons import BETTER, LEVEL, NOT_SHOWN, NOT_TESTED, WORSE, PairResult
from tunewell.core.results import Score, lower_is_better
from tunewell.core.sections import Compared
from tunewell.report import charts
from tunewell.report.headline import Difference, StripChart, StripRow
from tunewell.report.numbers import DASH, MINUS, Scale, heading, humanise, scale_for
from tunewell.report.svg import Axis, Svg
from tunewell.report.tables import TableView

_GLYPHS = {BETTER: "▲", WORSE: "▼", NOT_SHOWN: "=", NOT_TESTED: "?"}
_TONES = {BETTER: "good", WORSE: "bad"}


@dataclass(frozen=True, slots=True)
class ComparedView:
    """What the template needs, as text; `figure` is empty where there is more than one difference."""

    figure: str
    unit: str
    what: Sequence[str]
    glyph: str
    tone: str
    lede: str
    strips: Sequence[StripChart]
    differences: Sequence[Difference]
    numbers: TableView
    agreement: TableView


def compared_view(section: Compared) -> ComparedView:
    """Every sentence and drawing of one comparison."""
    scores = section.scores.values()
    ends = [end for score in scores for end in (score.value, score.low, score.high) if end is not None]
    scale = scale_for(section.metric, ends)
    fine = difference_scale(section)
    only = section.pairs[0] if len(section.pairs) == 1 else None
    return ComparedView(
        figure=fine.signed(only.difference.value) if only else "",
        unit="points" if only and fine.points and math.isfinite(only.difference.value) else "",
        what=_what(section, only, fine) if only else (),
        glyph=_GLYPHS[only.verdict] if only else "",
        tone=_TONES.get(only.verdict, "open") if only else "open",
        lede=lede(section),
        strips=[_scores_chart(section, scale), *_difference_charts(section, fine)],
        differences=[
            Difference(
                _GLYPHS[pair.verdict],
                pair.verdict.capitalize(),
                _TONES.get(pair.verdict, "open"),
                pair_words(pair, fine, len(section.pairs)),
            )
            for pair in section.pairs
        ],
        numbers=_numbers(section, fine),
        agreement=_agreement(section),
    )


def difference_scale(section: Compared) -> Scale:
    """How the differences of a comparison are written: finely enough that no end of an interval reads as 0."""
    scores = section.scores.values()
    ends = [end for score in scores for end in (score.value, score.low, score.high) if end is not None]
    differences = [pair.difference for pair in section.pairs]
    fine = [end for score in differences for end in (score.value, score.low, score.high) if end is not None]
    return scale_for(section.metric, ends).fine_enough_for(fine)


def p_text(p_value: float) -> str:
    """`p = 0.048`, `p < 0.001`; never rounded across the level it is compared with."""
    if math.isnan(p_value):
        return "no p value"
    if p_value < 0.001:
        return "p < 0.001"
    rounded = f"{p_value:.3f}"
    while (float(rounded) <= LEVEL) != (p_value <= LEVEL):
        rounded = f"{p_value:.{len(rounded) - 1}f}"
    return f"p = {rounded}"


def lede(section: Compared) -> str:
    """The answer in one sentence."""
    if len(section.pairs) == 1:
        pair = section.pairs[0]
        if pair.verdict == NOT_TESTED:
            return f"{pair.run} and {pair.against} could not be tested against each other."
        if pair.verdict == NOT_SHOWN:
            return f"No difference shown between {pair.run} and {pair.against}."
        return f"{pair.run} is {pair.verdict} than {pair.against}."
    verdicts = Counter(pair.verdict for pair in section.pairs)
    total = len(section.pairs)
    if verdicts[NOT_TESTED] == total:
        return "The runs could not be tested against each other."
    if section.reference is None:
        shown = verdicts[BETTER] + verdicts[WORSE]
        return f"Of {total} pairs of runs, {shown if shown else 'none'} show{'s' if shown == 1 else ''} a difference."
    if verdicts[NOT_SHOWN] == total:
        return f"No difference from {section.reference} is shown for any of the {total} other runs."
    said = [
        f"{count} {'is' if count == 1 else 'are'} {name}"
        for name in (BETTER, WORSE)
        if (count := verdicts[name])
    ]
    if verdicts[NOT_SHOWN]:
        said.append(f"for {verdicts[NOT_SHOWN]} no difference is shown")
    return f"Of {total} runs compared with {section.reference}, {' and '.join(said)}."


def pair_words(pair: PairResult, scale: Scale, num_pairs: int) -> str:
    """One pair in a few sentences, honest about what was not shown."""
    named = f"{pair.run} against {pair.against}"
    difference = pair.difference
    if not math.isfinite(difference.value):
        return f"{named}: the difference could not be computed."
    if pair.verdict == NOT_TESTED:
        return f"{named}: {scale.amount(difference.value)}, without a test."
    parts = [f"{named}: {scale.amount(difference.value)}"]
    has_interval = difference.low is not None and difference.high is not None
    if difference.low is not None and difference.high is not None:
        parts.append(f"95% interval {scale.signed(difference.low)} to {scale.signed(difference.high)}")
    corrected = f", {p_text(pair.corrected_p_value)} after correction" if num_pairs > 1 else ""
    text = f"{', '.join(parts)}; {p_text(pair.p_value)}{corrected}."
    if pair.verdict != NOT_SHOWN:
        return text
    if has_interval and (difference.low or 0) * (difference.high or 0) > 0 and num_pairs > 1:
        text += (
            f" The interval leaves 0 out, but among {num_pairs} comparisons one such would be no surprise."
        )
    if pair.num_differing == 0:
        return f"{text} The two answer every example alike."
    return text + smallest_words(pair, scale)


def smallest_words(pair: PairResult, scale: Scale) -> str:
    """How small a difference this test set could show, as a sentence after others; empty where that is unknown."""
    if math.isnan(pair.smallest_shown):
        return ""
    amount = scale.amount(pair.smallest_shown).removeprefix("+")
    return f" Differences from about {amount} would be shown 4 times in 5."


def _what(section: Compared, pair: PairResult, scale: Scale) -> list[str]:
    """The lines beside the big number."""
    direction = "lower is better" if lower_is_better(section.metric) else "higher is better"
    examples = f"{section.num_examples:,} {section.split} example{'s' if section.num_examples != 1 else ''}"
    lines = [f"in {humanise(section.metric)}, {pair.run} minus {pair.against}"]
    if pair.difference.low is not None and pair.difference.high is not None:
        low, high = scale.signed(pair.difference.low), scale.signed(pair.difference.high)
        lines.append(f"95% interval {low} to {high}; {p_text(pair.p_value)}")
    return [*lines, f"on {examples}; {direction}"]


def _scores_chart(section: Compared, scale: Scale) -> StripChart:
    """Each run with its own interval, the reference's as a band."""
    scores = section.scores
    shared = charts.score_axis(list(scores.values()), scale)
    band = scores[section.reference] if section.reference else Score(math.nan)
    of_band = f" The band is the interval of {section.reference}." if section.reference else ""
    rows = [
        StripRow(
            name=name,
            own=name == section.reference,
            strip=charts.whisker(
                score,
                band,
                shared,
                solid=name == section.reference,
                title=f"{name}: {scale.show(score.value)}, 95% interval {_interval(score, scale) or 'unknown'}",
            ),
            value=scale.show(score.value),
            interval=_interval(score, scale),
        )
        for name, score in scores.items()
    ]
    caption = (
        f"{heading(section.metric)} of each run with its 95% interval.{of_band} Overlapping intervals do not mean "
        "that runs are equal: the examples are the same, so the differences below are known more sharply."
    )
    return StripChart(caption, rows, charts.score_ticks(shared, scale))


def _difference_charts(section: Compared, scale: Scale) -> list[StripChart]:
    """Each pair's difference with its interval, and 0."""
    pairs = [pair for pair in section.pairs if math.isfinite(pair.difference.value)]
    if not pairs:
        return []
    shared = charts.difference_axis([pair.difference for pair in pairs])
    unit = ", in points," if scale.points else ""
    whom = f" to {section.reference}" if section.reference else ""
    caption = (
        f"Difference in {humanise(section.metric)}{whom}{unit} with its 95% interval. The upright line is 0."
    )
    rows = [
        StripRow(
            name=pair.run if section.reference else f"{pair.run} {MINUS} {pair.against}",
            own=False,
            strip=_strip(pair, shared, scale),
            value=scale.signed(pair.difference.value),
            interval=_interval(pair.difference, scale),
        )
        for pair in pairs
    ]
    return [StripChart(caption, rows, charts.score_ticks(shared, scale, signed=True))]


def _strip(pair: PairResult, shared: Axis, scale: Scale) -> Svg:
    interval = _interval(pair.difference, scale) or "unknown"
    title = (
        f"{pair.run} minus {pair.against}: {scale.amount(pair.difference.value)}, 95% interval {interval}, "
        f"{pair.verdict}"
    )
    look = _TONES.get(pair.verdict, "")
    return charts.whisker(pair.difference, None, shared, solid=False, title=title, look=look)


def _interval(score: Score, scale: Scale) -> str:
    return "" if score.low is None or score.high is None else scale.interval(score.low, score.high)


def _numbers(section: Compared, scale: Scale) -> TableView:
    """Every pair with all of its tests."""
    tests = list(dict.fromkeys(name for pair in section.pairs for name in pair.p_values))
    columns = ["Run", "Against", "Difference", "95% interval", *(f"p, {name}" for name in tests)]
    columns += ["p, corrected", "Shown 4 times in 5"]
    rows = []
    for pair in section.pairs:
        found = [pair.p_values.get(name, math.nan) for name in tests]
        rows.append(
            [
                pair.run,
                pair.against,
                scale.signed(pair.difference.value),
                _interval(pair.difference, scale) or DASH,
                *(
                    p_text(p).removeprefix("p = ").removeprefix("p ")
                    for p in [*found, pair.corrected_p_value]
                ),
                DASH if math.isnan(pair.smallest_shown) else scale.bare(pair.smallest_shown),
            ]
        )
    numeric = [False, False, *([True] * (len(columns) - 2))]
    return TableView("All tests", list(zip(columns, numeric, strict=True)), rows, True)


def _agreement(section: Compared) -> TableView:
    """How many examples both, one or none of a pair has right."""
    columns = ["Run", "Against", "Both right", "Only the first", "Only the second", "Both wrong"]
    rows = [
        [pair.run, pair.against, *(f"{count:,}" for count in (a.both, a.only_run, a.only_against, a.neither))]
        for pair in section.pairs
        if (a := pair.agreement) is not None
    ]
    numeric = [False, False, True, True, True, True]
    return TableView("Who is right where", list(zip(columns, numeric, strict=True)), rows, True)
