"""How numbers and foreign text are said on the command line."""

from __future__ import annotations

from tunewell.core.durations import duration_text as duration_text
from tunewell.core.results import Score


def visible(text: str) -> str:
    """`text` with characters that cannot be seen, or that would steer a terminal, as escapes."""
    shown = (c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
    return "".join(shown)


def interval_text(score: Score) -> str:
    """`0.873 (95% interval 0.841 to 0.903)`."""
    if score.low is None or score.high is None:
        return f"{score.value:.3f}"
    return f"{score.value:.3f} (95% interval {score.low:.3f} to {score.high:.3f})"


def difference_text(difference: Score) -> str:
    """`+0.123 (0.080 to 0.166)`, and in words when the interval holds 0."""
    if difference.low is None or difference.high is None:
        return f"{difference.value:+.3f}"
    said = f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
    return said if difference.low > 0 or difference.high < 0 else f"{said}: no difference shown"


def count_text(count: int, noun: str) -> str:
    """`1 example`, `2 examples`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
