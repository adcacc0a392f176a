"""What is shown of translations and summaries: what is odd about them, where they fail, the worst and the best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from tunewell.core.examples import TranslationExample, TranslationPrediction
from tunewell.core.sections import Bars, Facts, Rewrite, Rewrites, Section, Table
from tunewell.tasks.showing.lists import TEXTS_SHOWN, counted, cut_short
from tunewell.tasks.showing.outputs import (
    REACHED_LIMIT,
    classes_of,
    length_of,
    odd_table,
    quote,
    said_of,
    unit_of,
)

if TYPE_CHECKING:
    from tunewell.metrics.tables import PartTable

ODDITIES = (
    "repeats itself",
    "copies the source",
    "wrong script",
    "far too short",
    "far too long",
    REACHED_LIMIT,
    "empty",
)
_RATIOS = (0.5, 0.7, 0.9, 1.1, 1.3, 2.0)
_LARGEST_LOSS = 1e9
"""Nats per token; an infinite loss is shown as this, as JSON has no infinity."""

_MANY = 10
"""Classes with fewer examples are not called the weakest or the strongest, if others have more."""


def translation_sections(
    examples: Sequence[TranslationExample],
    predictions: Sequence[TranslationPrediction],
    *,
    bleu_tokenizer: str,
) -> list[Section]:
    """Oddities, scores by length, lengths, the outputs worth reading, and how they were scored.

    Every example has its gold target.
    """
    from tunewell.metrics.oddities import odd_output
    from tunewell.metrics.translations import num_without_moves, signatures, translation_tables

    outputs = [prediction.translation for prediction in predictions]
    references = [example.target or "" for example in examples]
    tables = translation_tables(outputs, references, bleu_tokenizer=bleu_tokenizer, with_ter=False)
    chrf = _table_with("chrf2", tables)
    sentence_scores = [float(score) for score in chrf.metrics["chrf2"](chrf.parts)]
    oddities = [
        [
            *odd_output(example.source, example.target or "", prediction.translation),
            *([REACHED_LIMIT] if prediction.reached_limit else []),
        ]
        for example, prediction in zip(examples, predictions, strict=True)
    ]
    rows = zip(examples, predictions, sentence_scores, oddities, strict=True)
    entries = [_entry(*row) for row in rows]
    quoted = [quote(text, example.origin) for text, example in zip(outputs, examples, strict=True)]
    signed = signatures(bleu_tokenizer)
    unmoved = num_without_moves(outputs, references)
    if unmoved:
        signed["ter, moves"] = (
            f"not counted in {counted(unmoved, 'very long text')} of another length than the reference"
        )
    return [
        odd_table(
            "outputs",
            ODDITIES,
            oddities,
            quoted,
            "Signs that an output is no translation, whatever its score. Some have more than one; they are listed below.",
        ),
        _scores_by_length(examples, tables),
        _length_ratios(outputs, references),
        *_lists(entries, sentence_scores, oddities),
        Facts(
            "How the scores were made",
            "The signatures of sacreBLEU. Scores of other work are comparable where it states the same.",
            signed,
        ),
    ]


def _table_with(metric: str, tables: Sequence[PartTable]) -> PartTable:
    return next(table for table in tables if metric in table.metrics)


def _score(metric: str, tables: Sequence[PartTable], places: Sequence[int]) -> float:
    """The metric of these examples, taken together as one corpus."""
    table = _table_with(metric, tables)
    return float(table.metrics[metric](table.parts[list(places)].sum(axis=0)))


def _scores_by_length(examples: Sequence[TranslationExample], tables: Sequence[PartTable]) -> Table:
    sources = [example.source for example in examples]
    unit = unit_of(sources)
    rows = [
        (name, len(places), _score("bleu", tables, places), _score("chrf2", tables, places))
        for name, places in classes_of([length_of(source, unit) for source in sources], unit)
    ]
    many = [row for row in rows if row[1] >= _MANY] or rows
    shows = ""
    if len(many) > 1:
        weak, strong = min(many, key=lambda row: row[3]), max(many, key=lambda row: row[3])
        shows = (
            f"Weakest: {weak[0]} {unit}, chrF2 {weak[3]:.1f} on {counted(weak[1], 'example')}. "
            f"Strongest: {strong[0]} {unit}, {strong[3]:.1f} on {counted(strong[1], 'example')}."
        )
    return Table(
        "Scores by length of the source",
        "Each row is scored as a corpus by itself. BLEU falls with the length where long texts lose their thread; few "
        "examples say little.",
        [f"{unit}_in_the_source", "examples", "bleu", "chrf2"],
        [list(row) for row in rows],
        shows=shows,
    )


def _length_ratios(outputs: Sequence[str], references: Sequence[str]) -> Bars:
    """How many outputs are how much longer or shorter than their references, in characters."""
    pairs = [(len(output), len(reference)) for output, reference in zip(outputs, references, strict=True)]
    ratios = sorted(ours / theirs for ours, theirs in pairs if theirs)
    names = [
        f"less than {_RATIOS[0]} times",
        *(f"{low} to {high} times" for low, high in pairwise(_RATIOS)),
        f"{_RATIOS[-1]} times or more",
    ]
    counts = dict.fromkeys(names, 0.0)
    for ratio in ratios:
        counts[names[sum(ratio >= bound for bound in _RATIOS)]] += 1
    shows = ""
    if ratios:
        whole = sum(ours for ours, theirs in pairs if theirs) / sum(theirs for _, theirs in pairs)
        low, high = ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]
        shows = (
            f"Half of the outputs are {low:.2f} to {high:.2f} times as long as their references; all together, "
            f"{whole:.2f} times."
        )
    return Bars(
        "Length of output against reference",
        "In characters. Outputs that are too short leave something out, and BLEU takes points off for it; outputs that "
        "are far too long often repeat themselves.",
        "outputs",
        counts,
        total=float(len(ratios)),
        shows=shows,
    )


def _lists(
    entries: Sequence[Rewrite], scores: Sequence[float], oddities: Sequence[Sequence[str]]
) -> list[Section]:
    """The odd outputs, the worst and the best; an output is among the worst or the best, not both."""
    ranked = sorted(range(len(entries)), key=lambda place: scores[place])
    half = (len(ranked) + 1) // 2
    worst, best = ranked[: min(half, TEXTS_SHOWN)], ranked[half:][::-1][:TEXTS_SHOWN]
    odd = [place for place in ranked if oddities[place]]
    num_same = sum(entry.output.strip() == entry.reference.strip() for entry in entries)
    tenth = scores[ranked[(len(ranked) - 1) // 10]] if ranked else 0.0
    middle = scores[ranked[(len(ranked) - 1) // 2]] if ranked else 0.0
    return [
        Rewrites(
            "Outputs that look odd",
            "Repeated, copied, cut off, in another script, or of another length; the lowest chrF2 first.",
            [entries[place] for place in odd[:TEXTS_SHOWN]],
            shows=f"{counted(len(odd), 'output')} of {len(entries):,}{cut_short(len(odd))}.",
        ),
        Rewrites(
            "Worst outputs",
            "The lowest chrF2 first. Some will be right in other words than the reference's, some references wrong.",
            [entries[place] for place in worst],
            shows=f"A tenth of the outputs have a chrF2 of {tenth:.1f} or less, half {middle:.1f} or less.",
        ),
        Rewrites(
            "Best outputs",
            "The highest chrF2 first.",
            [entries[place] for place in best],
            shows=f"{counted(num_same, 'output')} of {len(entries):,} {'is' if num_same == 1 else 'are'} the reference, word for word.",
        ),
    ]


def _entry(
    example: TranslationExample, prediction: TranslationPrediction, score: float, oddities: Sequence[str]
) -> Rewrite:
    facts: dict[str, str | float] = {"chrf2": round(score, 1), "oddities": said_of(oddities)}
    if prediction.gold_loss is not None and prediction.num_gold_tokens:
        facts["loss_per_token"] = min(prediction.gold_loss / prediction.num_gold_tokens, _LARGEST_LOSS)
    facts["origin"] = str(example.origin)
    return Rewrite(example.source, example.target or "", prediction.translation, facts)
