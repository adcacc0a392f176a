"""Which columns hold a text and what it is to be rewritten as, and in which languages.

A guess is made only for files that cannot be anything else: objects of texts by language, columns called as
languages, or names that only such data have. Not for: reading a row (`translations`), or what is a code (`languages`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Row
from tunewell.data.columns import LABEL_NAMES, TEXT_NAMES, WEAK_LABEL_NAMES
from tunewell.data.languages import alike, language_said
from tunewell.data.parallel import goes_one_way
from tunewell.data.values import as_number

PAIR_NAMES = (
    ("source", "target"), ("src", "tgt"), ("src", "trg"), ("source_text", "target_text"),
    ("document", "summary"), ("article", "highlights"), ("article", "summary"), ("dialogue", "summary"),
    ("report", "summary"), ("text", "summary"), ("input_text", "target_text"),
)  # fmt: skip
"""Source and target, by names that leave no doubt where both columns hold texts."""

MORE_PAIR_NAMES = (("input", "output"), ("prompt", "completion"), ("text", "target"), ("text", "translation"))
"""Names that are taken where the user says that the task is to rewrite texts."""

_OF_OTHER_TASKS = {
    "question", "questions", "answers", "answer", "tokens", "messages", "conversations", "premise", "hypothesis",
    "choices", "options",
}  # fmt: skip
_SOURCE_NAMES = ("source", "src", "source_text", "text")
_OBJECT_NAMES = ("translation", "translations")
_KEYS = ("source", "target", "source_language", "target_language")
_SAMPLE_ROWS = 200
_UNSPACED_FROM = "\u0e00"  # Thai, and all that stand behind it: Lao, Khmer, kana, ideographs
_ENDS_SENTENCE = (".", "!", "?", "\u3002", "\uff01", "\uff1f")
_LEAST_SENTENCE = 4
"""Names of columns have fewer words than this."""


@dataclass(frozen=True, slots=True)
class PairColumns:
    """The columns of a text and of what it becomes, dotted inside an object (`translation.de`), and their languages."""

    source: str
    target: str
    source_language: str | None
    target_language: str | None


def guess_columns(
    columns: Sequence[str], sample_rows: Sequence[Row], given: Mapping[str, Any]
) -> PairColumns | None:
    """Source and target, when the rows are unmistakably texts and what they become; else None.

    `given` holds what the user has set of `source`, `target`, `source_language`, `target_language`. Raises
    `ConfigError` where the file is such a one and yet may be read in several ways.
    """
    rows = sample_rows[:_SAMPLE_ROWS]
    named = _named(given)
    if "source" in named and "target" in named:
        return _completed(named["source"], named["target"], named)
    lowered = {name.lower() for name in columns}
    inner = _inside_object(columns, rows)
    if inner is not None and all(map(language_said, inner.values())):
        return _by_language(inner, rows, named)
    if lowered & _OF_OTHER_TASKS:
        return None
    speaking = _language_columns(columns, rows)
    if len(speaking) > 1 and not lowered & _label_names():
        return _by_language(speaking, rows, named)
    pair = _by_names(columns, PAIR_NAMES, named)
    if pair is None and len(columns) > 1 and all(_are_texts(rows, name, varied=True) for name in columns):
        _refuse_sentences(columns, rows)
    if pair is None or not (_are_lines(rows) or all(_are_texts(rows, name, varied=True) for name in pair)):
        return None
    others = lowered - {name.lower() for name in pair}
    if others & _label_names() or (pair[0].lower() == "source" and others & set(TEXT_NAMES)):
        return None
    return _completed(*pair, named)


def asked_columns(columns: Sequence[str], rows: Sequence[Row], given: Mapping[str, Any]) -> PairColumns:
    """Source and target where the user says that there are such; raises `ConfigError` when it must be asked.

    After what `guess_columns` knows come more names, and at last the only two columns that hold texts.
    """
    rows = rows[:_SAMPLE_ROWS]
    named = _named(given)
    if "source" in named and "target" in named:
        return _completed(named["source"], named["target"], named)
    inner = _inside_object(columns, rows)
    if inner is not None:
        return _by_language(inner, rows, named)
    speaking = _language_columns(columns, rows)
    if len(speaking) > 1:
        return _by_language(speaking, rows, named)
    pair = _by_names(columns, PAIR_NAMES + MORE_PAIR_NAMES, named)
    if pair is None:
        _refuse_sentences(columns, rows)
        texts = [column for column in columns if _are_texts(rows, column)]
        pair = _with_named(texts, named)
    if pair is None:
        _refuse_missing(columns, named)
        fix = "--set task.source=COLUMN --set task.target=COLUMN"
        if list(columns) == ["text"] and any("\t" in str(row.values.get("text")) for row in rows):
            fix = "if tabs part the two texts of a line: --set data.format=tsv --set data.column_names=[source,target]"
        raise ConfigError(
            f"which column is to be rewritten, and as what? The columns are {', '.join(columns)}", fix=fix
        )
    return _completed(*pair, named)


def elsewhere(columns: Sequence[str], rows: Sequence[Row], learnt: PairColumns) -> PairColumns:
    """The same two sides in a file that has other columns; what is `learnt` where they are not to be found there."""
    if {_outer(learnt.source), _outer(learnt.target)} <= set(columns):
        return learnt
    languages = {key: getattr(learnt, key) for key in _KEYS[2:]}
    try:
        found = guess_columns(columns, rows, languages)
    except ConfigError:  # a language that the file lacks: the missing column is told of
        return learnt
    return learnt if found is None else _completed(found.source, found.target, languages)


def source_column(columns: Sequence[str], learnt: PairColumns) -> str | None:
    """The column to rewrite in a file without targets: as learnt, in the source's language, or so called; else None."""
    if _outer(learnt.source) in columns:
        return learnt.source
    inside = next((name for name in columns if name.lower() in _OBJECT_NAMES), None)
    if inside is not None:
        return f"{inside}.{learnt.source.rpartition('.')[2]}"
    own = learnt.source_language or language_said(learnt.source.rpartition(".")[2])
    codes = {name: code for name in columns if (code := language_said(name)) is not None}
    spoken = alike(own, list(codes.values())) if own is not None else []
    if len(spoken) == 1:
        return next(name for name, code in codes.items() if code == spoken[0])
    return next((name for name in _SOURCE_NAMES if name in columns), None)


# How the columns are found


def _named(given: Mapping[str, Any]) -> dict[str, str]:
    return {key: given[key] for key in _KEYS if given.get(key) is not None}


def _label_names() -> set[str]:
    return {*LABEL_NAMES, *WEAK_LABEL_NAMES} - {"target"}


def _outer(column: str) -> str:
    return column.partition(".")[0]


def _completed(source: str, target: str, named: Mapping[str, str | None]) -> PairColumns:
    """The columns with their languages: as they were named, else as the columns themselves say."""
    said = [language_said(column.rpartition(".")[2]) for column in (source, target)]
    # One code alone may be a word: `no`, `is`, `id`.
    codes = said if None not in said else (None, None)
    if source == target:
        raise ConfigError(f"column {source!r} cannot be both", where="task.target", fix="name another column")
    return PairColumns(
        source,
        target,
        named.get("source_language") or codes[0],
        named.get("target_language") or codes[1],
    )


def _inside_object(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, str] | None:
    """The texts in objects of a column such as `translation`: their dotted columns by key; None without such a column."""
    column = next((name for name in columns if name.lower() in _OBJECT_NAMES), None)
    if column is None:
        return None
    values = [row.values.get(column) for row in rows]
    objects = [value for value in values if isinstance(value, Mapping)]
    if not objects:
        _refuse_printed(column, rows)
        return None
    if 2 * len(objects) <= len(values):
        return None
    keys = dict.fromkeys(key for value in objects for key, text in value.items() if isinstance(text, str))
    if len(keys) < 2:
        only = next(iter(keys), None)
        raise ConfigError(
            f"column {column!r} holds texts in {f'one language alone, {only!r}' if only else 'no language'}",
            where=str(rows[0].origin),
            fix='give each row two, for example {"translation": {"en": "...", "de": "..."}}',
        )
    return {f"{column}.{key}": key for key in keys}


def _refuse_printed(column: str, rows: Sequence[Row]) -> None:
    """A CSV file of nested objects holds what Python prints for them, which cannot be read back."""
    for row in rows[:1]:
        value = row.values.get(column)
        if isinstance(value, str) and value.lstrip().startswith(("{'", '{"')):
            raise ConfigError(
                f"column {column!r} holds an object as it is printed, {value[:60]!r}",
                where=str(row.origin),
                fix='export the data as JSON lines instead, such as DATASET.to_json("train.jsonl")',
            )


def _language_columns(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, str]:
    codes = {name: code for name in columns if (code := language_said(name)) is not None}
    return codes if _are_lines(rows) else {name: codes[name] for name in codes if _are_texts(rows, name)}


def _are_lines(rows: Sequence[Row]) -> bool:
    """Whether the rows are lines of parallel files: these hold texts, be they single words or signs."""
    return bool(rows) and goes_one_way(rows[0].origin.file) is not None


def _refuse_sentences(columns: Sequence[str], rows: Sequence[Row]) -> None:
    """A table without a line of names would lose its first pair, which was taken for them."""
    if len(columns) > 1 and all(map(_is_sentence, columns)):
        names = ",".join(["source", "target", *(f"other{n}" for n in range(1, len(columns) - 1))])
        raise ConfigError(
            f"the first line, which names the columns, reads as if it were texts itself: {_cut(columns[0])!r}, "
            f"{_cut(columns[1])!r}",
            where=str(rows[0].origin.file) if rows else None,
            fix=f"name the columns: --set data.column_names=[{names}], or with codes of languages such as en and de",
        )


def _is_sentence(name: str) -> bool:
    num_words = len(name.split())
    return num_words >= _LEAST_SENTENCE or name.endswith(_ENDS_SENTENCE)


def _cut(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"


def _refuse_missing(columns: Sequence[str], named: Mapping[str, str]) -> None:
    """A column that was named and is not there."""
    for side in ("source", "target"):
        if side in named and _outer(named[side]) not in columns and named[side] not in columns:
            raise ConfigError(
                f"no column {named[side]!r}; the columns are {', '.join(columns)}",
                where=f"task.{side}",
                fix="name one of these",
            )


def _by_language(found: Mapping[str, str], rows: Sequence[Row], named: Mapping[str, str]) -> PairColumns:
    """Two of the columns of known languages, by what was named; `found` maps columns to languages."""
    chosen: dict[str, str] = {}
    for side in ("source", "target"):
        language = named.get(f"{side}_language")
        if side in named:
            chosen[side] = named[side]
        elif side == "target" and language is not None and named.get("source_language") == language:
            raise ConfigError(
                f"{language!r} is the language of the source already",
                where="task.target_language",
                fix=f"name another of {', '.join(found.values())}, or the columns: --set task.source= --set task.target=",
            )
        elif language is not None:
            chosen[side] = _in_language(language, side, found)
    free = [column for column in found if column not in chosen.values()]
    if not chosen and len(free) == 2 and not (rows and goes_one_way(rows[0].origin.file) is False):
        return _completed(free[0], free[1], named)
    first = next(iter(found))
    if "source" not in chosen and first in free and rows and goes_one_way(rows[0].origin.file):
        chosen["source"] = first  # the file that was named, or the first of `en_fr`
        free.remove(first)
    if len(chosen) == 1 and len(free) == 1:
        chosen[next(side for side in ("source", "target") if side not in chosen)] = free[0]
    if len(chosen) < 2:
        _refuse_missing([*dict.fromkeys(map(_outer, found))], named)
        codes = iter(found[column] for column in free)
        source, target = (
            found.get(chosen[side], named.get(f"{side}_language")) if side in chosen else next(codes)
            for side in ("source", "target")
        )
        raise ConfigError(
            f"which language is translated into which? There are {', '.join(found.values())}",
            fix=f"--set task.source_language={source} --set task.target_language={target}, or another two of them",
        )
    return _completed(chosen["source"], chosen["target"], named)


def _in_language(language: str, side: str, found: Mapping[str, str]) -> str:
    """The column in a language; codes of models (`en_XX`, `eng_Latn`) mean the language of the file's shorter ones."""
    meant = alike(language, list(found.values()))
    if len(meant) == 1:
        return next(column for column, code in found.items() if code == meant[0])
    what = f"could be {' or '.join(meant)}" if meant else f"is none of {', '.join(found.values())}"
    raise ConfigError(
        f"{language!r} {what}, the languages of the file",
        where=f"task.{side}_language",
        fix=f"name one of these, or the column itself: --set task.{side}=COLUMN",
    )


def _by_names(
    columns: Sequence[str], pairs: Sequence[tuple[str, str]], named: Mapping[str, str]
) -> tuple[str, str] | None:
    lowered = {name.lower().replace(" ", "_"): name for name in reversed(columns)}
    for first, second in pairs:
        source, target = named.get("source", lowered.get(first)), named.get("target", lowered.get(second))
        fits = (
            source == named.get("source") or target == named.get("target") or not named.keys() & {*_KEYS[:2]}
        )
        if source is not None and target is not None and source != target and fits:
            return source, target
    return None


def _with_named(texts: Sequence[str], named: Mapping[str, str]) -> tuple[str, str] | None:
    """The only two columns of texts, in the order of the file, or the only one beside that which was named."""
    source, target = named.get("source"), named.get("target")
    free = [column for column in texts if column not in (source, target)]
    if source is None and target is None:
        return (free[0], free[1]) if len(free) == 2 else None
    if len(free) != 1:
        return None
    return source or free[0], target or free[0]


def _are_texts(rows: Sequence[Row], column: str, *, varied: bool = False) -> bool:
    """Whether a column holds texts of several words, no ids, numbers or names of classes.

    With `varied` most of them must differ.
    """
    found = [row.values.get(column) for row in rows]
    present = [value for value in found if value is not None and value != ""]
    texts = [value for value in present if isinstance(value, str) and as_number(value) is None]
    if not texts or len(texts) < 0.9 * len(present):
        return False
    wordy = sum(any(c.isspace() or c >= _UNSPACED_FROM for c in text.strip()) for text in texts)
    return 5 * wordy >= len(texts) and (not varied or 2 * len(set(texts)) > len(texts))
