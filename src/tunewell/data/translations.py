"""Texts and what they are to be rewritten as: a row read into a pair, and what is worth knowing of many pairs.

Not for: which columns hold what (`translation_columns`), token ids (the task), or judging what a model wrote.
"""

from __future__ import annotations

import math
import operator
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row, TranslationExample
from tunewell.core.scripts import same_script, script_of, usual_script
from tunewell.data import values
from tunewell.data.findings import SHOWN, Finding, plural, snippet
from tunewell.data.languages import alike
from tunewell.data.parallel import file_of
from tunewell.data.similarity import normalised
from tunewell.data.translation_columns import PairColumns

FEW = 5
"""So many odd pairs of a split are no more than worth knowing."""

FEW_SHARE = 0.005
"""Likewise this share of a split."""

FAR_OFF = 4
"""A target so many times longer or shorter than its source's length lets expect is an outlier."""

_SMOOTHING = 10
"""Characters added to both lengths, so that `Hi.` and `Grüß Gott.` are no outliers."""

_MIN_PAIRS = 20
"""Of fewer pairs nobody can say what is usual."""

# One row


def read_pair(row: Row, columns: PairColumns, *, labelled: bool) -> TranslationExample:
    """One row, checked; without `labelled` the source may be blank and the target is not looked at.

    Raises `DataError` with the row's `file:line`, that of the very file where the languages have a file each.
    """
    source = _text(row, columns.source, blank=not labelled)
    target = _text(row, columns.target, blank=False) if labelled else None
    # A column of Indonesian texts is called `id` and holds none.
    has_ids = "id" not in (columns.source, columns.target)
    example_id = values.row_id(row) if has_ids else str(row.origin.line)
    return TranslationExample(example_id, row.origin, source, target)


def value_of(row: Row, column: str) -> Any:
    """What stands in a column, or for a dotted name (`translation.de`) within its object; None where there is nothing."""
    if column in row.values or "." not in column:
        return row.values.get(column)
    outer, _, key = column.partition(".")
    found = row.values.get(outer)
    return found.get(key) if isinstance(found, Mapping) else None


def _text(row: Row, column: str, *, blank: bool) -> str:
    where = file_of(row.origin.file, column)
    origin = Origin(where, row.origin.line)
    outer, _, key = column.partition(".")
    if column not in row.values and key and row.values.get(outer) is not None:
        found = row.values[outer]
        if not isinstance(found, Mapping):
            raise DataError(
                f"column {outer!r} holds {_short(found)}, which is no object of texts by language",
                where=str(origin),
                fix=f'write {{"{outer}": {{"{key}": "..."}}}}, or --set data.on_bad_row=drop',
            )
        if found.get(key) is None:
            has = ", ".join(map(repr, found)) or "nothing"
            raise DataError(
                f"column {outer!r} has no {key!r}, only {has}",
                where=str(origin),
                fix=values.MEND_OR_DROP,
            )
    try:
        return values.text(Row({column: value_of(row, column)}, origin), column, blank=blank)
    except DataError as error:
        raise DataError(error.what, where=error.where, fix=error.fix or values.MEND_OR_DROP) from None


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:36] + "..." + shown[-1]


# Examples


def examine(
    examples_by_split: Mapping[str, Sequence[TranslationExample]],
    source_language: str | None,
    target_language: str | None,
) -> list[Finding]:
    """What is worth knowing of pairs: not translated, of odd length, or with their sides swapped.

    A source that repeats with other targets is no fault: there is more than one good translation.
    """
    languages = (source_language, target_language)
    splits = {
        split: [example for example in examples if example.target is not None]
        for split, examples in examples_by_split.items()
    }
    scripts = _usual_scripts(splits)
    findings = _about_languages(scripts, languages)
    for split, examples in splits.items():
        findings += _untranslated(split, examples)
        findings += _not_composed(split, examples)
        findings += _swapped(split, examples, scripts)
        findings += _odd_lengths(split, examples, languages)
    return findings


def _severity(count: int, total: int) -> Literal["info", "warning"]:
    return "warning" if count > max(FEW, FEW_SHARE * total) else "info"


def _shown(examples: Sequence[TranslationExample]) -> tuple[str, ...]:
    return tuple(f"{e.origin} {snippet(e.source)} -> {snippet(e.target or '')}" for e in examples[:SHOWN])


def _share(found: Sequence[object], examples: Sequence[object]) -> str:
    return f"{plural(len(found), 'pair')} of {len(examples):,} ({len(found) / len(examples):.1%})"


def _not_composed(split: str, examples: Sequence[TranslationExample]) -> list[Finding]:
    """Letters whose accents are characters of their own, which most tokenizers join before they learn."""
    found = [e for e in examples if not unicodedata.is_normalized("NFC", e.target or "")]
    if not found:
        return []
    message = (
        f"{split}: {_share(found, examples)} have targets in which letters and their accents are characters of their own "
        "(not in Unicode's form NFC); most models write NFC, and then each such word counts as wrong"
    )
    return [Finding("not-nfc", _severity(len(found), len(examples)), message, _shown(found))]


def _untranslated(split: str, examples: Sequence[TranslationExample]) -> list[Finding]:
    found = [e for e in examples if normalised(e.source) == normalised(e.target or "")]
    if not found:
        return []
    if len(found) == len(examples) > 1:
        message = f"{split}: every target is the same as its source: there is nothing to learn but to copy"
        return [Finding("untranslated", "error", message, _shown(found))]
    message = (
        f"{split}: {_share(found, examples)} say the same on both sides, as if nobody had translated them"
    )
    return [Finding("untranslated", _severity(len(found), len(examples)), message, _shown(found))]


def _usual_scripts(splits: Mapping[str, Sequence[TranslationExample]]) -> tuple[str | None, str | None]:
    """What sources and targets are usually written in, by the training examples where there are any."""
    examples = splits.get("train") or next(filter(None, splits.values()), ())
    sides = []
    for texts in ((e.source for e in examples), (e.target or "" for e in examples)):
        counts = Counter(script for script in map(script_of, texts) if script)
        sides.append(counts.most_common(1)[0][0] if counts else None)
    return sides[0], sides[1]


def _about_languages(
    scripts: tuple[str | None, str | None], languages: tuple[str | None, str | None]
) -> list[Finding]:
    """Whether the sides as a whole are written as the other's language is."""
    due = [language and usual_script(language) for language in languages]
    if None in due or due[0] == due[1] or list(scripts) != due[::-1]:
        return []
    message = (
        f"sources are mostly in {scripts[0]} script and targets in {scripts[1]}, the other "
        f"way round than {languages[0]} and {languages[1]} are written: are the columns or the languages exchanged?"
    )
    return [Finding("swapped-languages", "warning", message)]


def _swapped(
    split: str, examples: Sequence[TranslationExample], scripts: tuple[str | None, str | None]
) -> list[Finding]:
    source, target = scripts
    if source is None or target is None or source == target:
        return []
    # Between Japanese and Chinese only kana tell; elsewhere a text of ideographs alone may be either.
    fits = operator.eq if same_script(source, target) else same_script
    found = [
        e for e in examples if fits(source, script_of(e.target or "")) and fits(target, script_of(e.source))
    ]
    if not found:
        return []
    message = (
        f"{split}: {_share(found, examples)} seem to have their sides swapped: sources in "
        f"{target} script, targets in {source}"
    )
    return [Finding("swapped-sides", "warning", message, _shown(found))]


def _odd_lengths(
    split: str, examples: Sequence[TranslationExample], languages: tuple[str | None, str | None]
) -> list[Finding]:
    """Targets whose length in characters is far from what is usual for their sources'."""
    if len(examples) < _MIN_PAIRS:
        return []
    ratios = [_log_ratio(example) for example in examples]
    usual = sorted(ratios)[len(ratios) // 2]
    translated = None not in languages and not alike(str(languages[0]), [str(languages[1])])
    if not translated and abs(usual) > math.log(2):
        return []  # summaries: long and short texts alike become a few sentences
    odd = [abs(ratio - usual) > math.log(FAR_OFF) for ratio in ratios]
    found = [example for example, is_odd in zip(examples, odd, strict=True) if is_odd]
    if not found:
        return []
    message = (
        f"{split}: {_share(found, examples)} have a target more than {FAR_OFF} times longer or shorter than usual "
        f"for such a source (usual: {math.exp(usual):.2f} characters for one): perhaps misaligned or cut"
    )
    return [Finding("odd-lengths", _severity(len(found), len(examples)), message, _shown(found))]


def _log_ratio(example: TranslationExample) -> float:
    return math.log((len(example.target or "") + _SMOOTHING) / (len(example.source) + _SMOOTHING))
