"""Whether a model's confidence is to be believed, and the examples where it was too high or is low."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewell.core.results import Score
from tunewell.core.sections import ConfidenceBin, MarkedText, MarkedTexts, Reliability, Section, Texts
from tunewell.tasks.showing.lists import TEXTS_SHOWN, Entry, counted, cut_short

if TYPE_CHECKING:
    from tunewell.metrics.tables import BoolArray, FloatArray

_SURE = 0.9


def reliability(
    confidence: FloatArray, correct: BoolArray, *, unit: str = "answers", outcome: str = "right"
) -> Reliability:
    """How far a model's confidence `(answers,)` can be taken at its word; `correct` says when it came true."""
    from tunewell.metrics import classification

    bins = [
        ConfidenceBin(
            part.low,
            part.high,
            part.count,
            float(part.confidence or 0),
            _share(round(part.count * float(part.accuracy or 0)), part.count),
        )
        for part in classification.reliability(confidence, correct)
        if part.count
    ]
    total = sum(part.count for part in bins)
    error, shows = None, ""
    if total:
        error = sum(part.count * abs(part.confidence - part.right.value) for part in bins) / total
        shows = _judged(float(confidence.mean()), int(correct.sum()), total, unit, outcome)
    return Reliability(
        "Is its confidence to be believed?",
        f"Each dot gathers {unit} with about the same confidence. On the diagonal its word can be taken; below it the "
        "model is too sure, above it too cautious. A line that reaches the diagonal may be there by chance.",
        unit,
        outcome,
        bins,
        error,
        shows=shows,
    )


def _judged(sure: float, right: int, total: int, unit: str, outcome: str) -> str:
    """Whether the mean confidence is too high or too low, where so many answers can tell."""
    share = _share(right, total)
    said = f"It says {sure:.1%} on average and {share.value:.1%} come out {outcome}"
    if share.low is not None and share.high is not None and share.low <= sure <= share.high:
        return f"{said}: no difference that {total:,} {unit} could show."
    return f"{said}: too {'sure' if sure > share.value else 'cautious'} on the whole."


def _share(count: int, total: int) -> Score:
    """A share with its interval, which has a width even when all or none are right."""
    from tunewell.metrics.shares import share_interval

    return Score(count / total, *share_interval(count, total))


def mistakes_and_doubts(entries: Sequence[Entry]) -> list[Section]:
    """The most confident mistakes, and the examples that the model is least certain of, right or wrong.

    An entry has `text`, `gold`, `predicted`, `confidence` and `origin`.
    """

    marked = [
        {**entry, "correct": "yes" if entry["gold"] == entry["predicted"] else "no"} for entry in entries
    ]
    wrong, doubts = _worth_reading(marked)
    return [
        Texts(_MISTAKES, _MISTAKES_NOTE, [marked[place] for place in wrong[0]], shows=wrong[1]),
        Texts(_DOUBTS, _DOUBTS_NOTE, [marked[place] for place in doubts[0]], shows=doubts[1]),
    ]


def marked_mistakes_and_doubts(entries: Sequence[MarkedText]) -> list[Section]:
    """The same for texts with marked pieces; the facts of each have `confidence`, and `correct` (yes or no)."""
    wrong, doubts = _worth_reading([entry.facts for entry in entries])
    return [
        MarkedTexts(_MISTAKES, _MISTAKES_NOTE, [entries[place] for place in wrong[0]], shows=wrong[1]),
        MarkedTexts(_DOUBTS, _DOUBTS_NOTE, [entries[place] for place in doubts[0]], shows=doubts[1]),
    ]


_MISTAKES, _DOUBTS = "Most confident mistakes", "Least certain examples"
_MISTAKES_NOTE = "Wrong answers, the surest first. Some of them will be wrong labels in the data."
_DOUBTS_NOTE = "Right or wrong, the least sure first. Labels for more texts like these teach the model most."


def _worth_reading(facts: Sequence[Entry]) -> tuple[tuple[list[int], str], tuple[list[int], str]]:
    """The places of the surest mistakes and of the least sure answers, each with the sentence about them."""

    def sureness(place: int) -> float:
        return float(facts[place]["confidence"])

    mistakes = [place for place, entry in enumerate(facts) if entry["correct"] == "no"]
    wrong = sorted(mistakes, key=sureness, reverse=True)
    doubts = sorted(range(len(facts)), key=sureness)[:TEXTS_SHOWN]
    num_sure = sum(sureness(place) > _SURE for place in wrong)
    said = (
        f"{len(wrong):,} of {_answers(len(facts))} wrong{cut_short(len(wrong))}. "
        f"{num_sure or 'None':{',' if num_sure else ''}} of them {'was' if num_sure < 2 else 'were'} given with more "
        f"than {_SURE:.0%} confidence."
    )
    return (wrong[:TEXTS_SHOWN], said), (doubts, _doubtful([facts[place] for place in doubts], facts))


def _doubtful(doubts: Sequence[Entry], every: Sequence[Entry]) -> str:
    """How often the model is right where it is unsure, against everywhere."""
    few = doubts[: max(1, len(every) // 10)]
    if not few:
        return ""
    right, overall = (sum(e["correct"] == "yes" for e in part) / len(part) for part in (few, every))
    return f"Of the least certain tenth ({counted(len(few), 'example')}) {right:.1%} are right; of all, {overall:.1%}."


def _answers(count: int) -> str:
    return f"{count:,} answer{' is' if count == 1 else 's are'}"
