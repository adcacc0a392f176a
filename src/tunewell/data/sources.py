"""From a path or a Hub id to rows that remember where they came from. Start here to read data.

`read` gives whole tables by split, for training and evaluation; `stream` gives rows one by one, for
prediction. The formats stand in their own modules: `delimited` (CSV, TSV), `json_records` (JSON lines),
`json_documents`, `conll` (columns of words and tags), `conllu`, `parquet`, `plain_text`, `parallel` (a file a
language), `tmx`, `multi_turn_lines` (a conversation a line), `transcripts`, `hub`; a new format is one more of them and a line in `_rows_of`. What they share is in `reading`,
`opening` and `lines`.

Not for: what the columns mean (the task), or faults of content such as duplicates (`checks`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Literal

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Row
from tunewell.data import (
    conll,
    conll_layout,
    conllu,
    delimited,
    hub,
    json_documents,
    json_records,
    multi_turn_lines,
    parallel,
    parquet,
    plain_text,
    tmx,
    transcripts,
)
from tunewell.data.file_names import (
    ENDINGS,
    Format,
    did_you_mean,
    ending_of,
    format_of,
    missing,
    short_name,
)
from tunewell.data.folders import could_be_tests, find_splits, numbered_files
from tunewell.data.json_documents import MAX_DOCUMENT_BYTES, Document
from tunewell.data.lines import Line, read_lines
from tunewell.data.opening import MAX_DECOMPRESSED_BYTES, OpenFile, opened
from tunewell.data.reading import Reading, Source, SourceSettings
from tunewell.data.values import row_id

__all__ = ["ENDINGS", "Source", "SourceSettings", "read", "stream"]

_Kind = Format | Literal["turns"] | transcripts.Form
"""What a file is found to be: a format, or one that nobody can name and that shows inside alone."""

_SPLITS_IN_ORDER = ("train", "validation", "test")


def read(path_or_hub_id: str, settings: SourceSettings | None = None) -> dict[str, Source]:
    """The tables of a file, a folder or a Hub data set, by split: `train`, `validation`, `test`.

    A file with one table gives `train`, and so do parallel files, by what their names share (`data/train`, where
    `data/train.en` and `data/train.de` are) or by one of them (see `parallel`).
    A JSON object of lists, a folder that holds `train.*`, `validation.*` (or `val`, `dev`, `valid`) and `test.*` (see `folders`), and a Hub data set give the splits
    that they have.
    A Hub id (`name`, `org/name`, `org/name:config`) is tried only when no such path exists.

    Raises `DataError` with the first 20 bad rows of a file and their number, and `ConfigError` for a setting
    that the format has no use for.
    """
    settings = settings or SourceSettings()
    if Path(path_or_hub_id).is_dir():
        return _read_folder(path_or_hub_id, settings)
    if settings.format is None and (found := parallel.find(path_or_hub_id)) is not None:
        return _read_parallel(found, settings)
    if os.path.lexists(path_or_hub_id):
        return _read_file(path_or_hub_id, settings)
    unnamed = settings.format is None and ending_of(path_or_hub_id) is None
    if unnamed and hub.is_plausible(path_or_hub_id):
        _refuse_idle_settings(settings, "a Hub data set", path_or_hub_id)
        try:
            return hub.read(path_or_hub_id, settings)
        except DataError as error:
            raise DataError(
                error.what + did_you_mean(path_or_hub_id), where=error.where, fix=error.fix
            ) from None
    raise missing(path_or_hub_id)


def stream(
    path_or_minus: str, settings: SourceSettings | None = None, *, notes: list[str] | None = None
) -> Iterator[Row]:
    """The rows of a file, or of standard input for `-`, one by one, without holding them all.

    Standard input is JSON lines if its first line is a JSON object, else one text a line under the column
    `text`, as in `.txt` files; there blank lines are rows with an empty text, except at the end (`format` says
    otherwise). JSON documents and Parquet files are held in memory. Of parallel files those are read that are asked
    for: what the names share gives all, and one file, such as `test.en`, gives its lines under the column `en`.

    Rows come as the file goes by, so the first bad one raises `DataError` at once (`on_bad_row="drop"` skips
    it). Notes for the user are added to `notes`, the last of them after the last row.
    """
    settings = settings or SourceSettings()
    reading = Reading("standard input" if path_or_minus == "-" else path_or_minus, settings, at_once=True)
    if notes is not None:
        reading.notes = notes
    rows = _stream_standard_input(reading) if path_or_minus == "-" else _stream_file(reading)
    number = 0
    for number, row in enumerate(islice(rows, settings.limit), start=1):  # noqa: B007 - counted for `finish`
        yield row
    reading.finish(number)


def _read_folder(folder: str, settings: SourceSettings) -> dict[str, Source]:
    names, others = find_splits(folder, any_ending=settings.format is not None)
    sources: dict[str, Source] = {}
    for split in _SPLITS_IN_ORDER:
        if split in names:
            path = str(Path(folder) / names[split])
            if Path(path).is_dir():
                tables = {"train": _read_numbered(path, settings)}
            else:
                found = None if Path(path).is_file() else parallel.find(path)
                tables = _read_file(path, settings) if found is None else _read_parallel(found, settings)
            if set(tables) != {"train"}:
                raise DataError("one file of a folder holds several splits itself", where=path)
            sources[split] = replace(tables["train"], name=short_name(folder))
    if others:
        first = next(iter(sources))
        note = f"files in {folder} that are no split and were not read: {', '.join(others)}"
        tests = [] if "test" in sources else could_be_tests(others)
        test = next(iter([*parallel.stems(tests), *tests]), None)
        note += f" (for a test set: --test {Path(folder) / test})" if test else ""
        sources[first] = replace(sources[first], notes=(note, *sources[first].notes))
    return sources


def _read_numbered(folder: str, settings: SourceSettings) -> Source:
    """The rows of numbered files as one table, in the order of the numbers."""
    names = numbered_files(folder)
    digest = hashlib.sha256()
    parts: list[Source] = []
    for name in names:
        tables = _read_file(str(Path(folder) / name), settings)
        if set(tables) != {"train"}:
            raise DataError(
                "one of several numbered files holds several splits itself", where=str(Path(folder) / name)
            )
        parts.append(tables["train"])
        digest.update(f"{name} {parts[-1].fingerprint}\n".encode())
    rows = [  # ids, and lines, begin anew in each
        replace(row, values={**row.values, "id": f"{name}:{row_id(row)}"})
        for name, part in zip(names, parts, strict=True)
        for row in part.rows
    ]
    columns = tuple(dict.fromkeys(["id", *(column for part in parts for column in part.columns)]))
    note = f"{len(names)} numbered files in {folder}, {names[0]} to {names[-1]}, were read as one"
    notes = (note, *(said for part in parts for said in part.notes))
    return Source(rows, columns, notes, digest.hexdigest(), short_name(folder))


def _read_parallel(found: parallel.Parallel, settings: SourceSettings) -> dict[str, Source]:
    _refuse_idle_settings(settings, "parallel files", found.name)
    return {"train": parallel.read(found, settings)}


def _read_file(path: str, settings: SourceSettings) -> dict[str, Source]:
    language = parallel.language_in(path)
    if settings.format is None and language is not None:
        raise parallel.alone(path, language)
    reading = Reading(path, settings)
    kind = _format_inside(reading)
    _refuse_settings_without_effect(settings, kind, path)
    with opened(path) as file:
        text: str | None = None
        if kind == "json":
            text = json_documents.decode_text(
                file.read_all(MAX_DOCUMENT_BYTES, "write it as JSON lines"), path
            )
            if not json_documents.is_json_lines(text):
                document = json_documents.open_document(text, path)
                return _read_document(document, path, settings, file.fingerprint())
        rows = _rows_of(file, kind, reading) if text is None else _rows_of_misnamed_lines(text, reading)
        return {"train": _table(rows, reading, file, checked=kind in ("json", "jsonl"))}


def _format_inside(reading: Reading) -> _Kind:
    """What the file is: as set, as its ending says, or under such a name columns of words and tags, or conversations."""
    settings, path = reading.settings, reading.file
    kind = format_of(path, settings.format)
    said = settings.format is not None or settings.delimiter is not None or settings.quoting != "auto"
    if said or kind not in ("tsv", "txt"):
        return kind
    with opened(path) as file:
        scratch = Reading(path, replace(settings, on_bad_row="drop"))
        head = conll_layout.head_of(read_lines(file.stream, scratch))
    found = _kind_of_lines(head, kind, has_names=settings.column_names is not None)
    if found is None:
        return kind
    inside, what, else_ = found
    reading.notes.append(f"{path} holds {what}, and was read as such (data.format={kind} {else_})")
    return inside


def _kind_of_lines(head: list[Line], kind: Format, *, has_names: bool) -> tuple[_Kind, str, str] | None:
    """What the first lines of a file are, how it is said, and what its ending would do; None for what the ending says."""
    as_they_are = "keeps its lines as they are"
    if multi_turn_lines.looks_like_turns(head):
        return "turns", "a conversation on each line, its turns parted by __eou__", as_they_are
    form = transcripts.form_of(head)
    if form is not None:
        return form, transcripts.NAMES[form], as_they_are
    if kind == "txt" and not has_names and json_records.are_objects(head):
        return "jsonl", "JSON lines", as_they_are
    if kind == "tsv" and not has_names and multi_turn_lines.looks_like_tabbed(head):
        what = "lines of texts parted by tabs, of different numbers and without names of columns"
        return "txt", what, "wants a header and as many columns in each line"
    if conll_layout.looks_like_tags(head):
        return "conll", "columns of words and tags, one word a line", "keeps its lines apart"
    return None


def _table(rows: Iterator[Row], reading: Reading, file: OpenFile, *, checked: bool) -> Source:
    kept = list(islice(rows, reading.settings.limit))
    if checked:
        kept = json_records.check_as_table(kept, reading)
    reading.finish(len(kept))
    return Source(kept, reading.columns, tuple(reading.notes), file.fingerprint(), short_name(reading.file))


def _read_document(
    document: Document, path: str, settings: SourceSettings, fingerprint: str
) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    notes: list[str] = []
    if document.skipped:
        notes.append(f"members of {path} that are no split and were not read: {', '.join(document.skipped)}")
    for split in sorted(document.arrays, key=lambda name: _SPLITS_IN_ORDER.index(name or "train")):
        reading = Reading(path if split is None else f"{path}#{split}", settings, notes=notes)
        rows = list(islice(json_documents.read_rows(document.arrays[split], reading), settings.limit))
        rows = json_records.check_as_table(rows, reading)
        reading.finish(len(rows))
        sources[split or "train"] = Source(
            rows, reading.columns, tuple(reading.notes), fingerprint, short_name(path)
        )
        notes = []
    return sources


def _rows_of(file: OpenFile, kind: _Kind, reading: Reading) -> Iterator[Row]:
    """The rows of any format but JSON documents."""
    if kind == "parquet":
        return parquet.read_rows(
            file.read_all(MAX_DECOMPRESSED_BYTES, "split it into several files"), reading
        )
    if kind == "tmx":
        return tmx.read_rows(file.stream, reading)
    return _rows_of_lines(read_lines(file.stream, reading), kind, reading)


def _rows_of_lines(lines: Iterator[Line], kind: _Kind, reading: Reading) -> Iterator[Row]:
    if kind == "txt":
        return plain_text.read_rows(lines, reading)
    if kind == "jsonl":
        return json_records.read_rows(lines, reading)
    if kind == "conll":
        return conll.read_rows(lines, reading)
    if kind == "conllu":
        return conllu.read_rows(lines, reading)
    if kind == "turns":
        return multi_turn_lines.read_rows(lines, reading)
    if kind in ("transcript", "parlai", "numbered"):
        return transcripts.read_rows(lines, kind, reading)
    delimiter = reading.settings.delimiter or ("," if kind == "csv" else "\t")
    if kind == "tsv" and reading.settings.quoting == "auto":
        held = list(lines)
        return _rows_of_tsv(held, reading, delimiter, delimited.looks_quoted(held, delimiter, reading.file))
    quoted = reading.settings.quoting != "none"
    return delimited.read_rows(lines, reading, delimiter=delimiter, quoted=quoted)


def _rows_of_tsv(
    lines: list[Line] | Iterator[Line], reading: Reading, delimiter: str, quoted: bool
) -> Iterator[Row]:
    if quoted:
        reading.notes.append(
            f"{reading.file} is quoted as csv and pandas write it; the quotes were understood and removed "
            "(data.quoting=none keeps them)"
        )
    return delimited.read_rows(lines, reading, delimiter=delimiter, quoted=quoted)


def _rows_of_misnamed_lines(text: str, reading: Reading) -> Iterator[Row]:
    reading.notes.append(f"{reading.file} holds JSON lines, and was read as such")
    return json_records.read_rows(read_lines(json_documents.lines_of(text), reading), reading)


def _stream_file(reading: Reading) -> Iterator[Row]:
    path, settings = reading.file, reading.settings
    if not os.path.lexists(path):
        found = parallel.find(path) if settings.format is None else None
        if found is None:
            raise missing(path)
        _refuse_idle_settings(settings, "parallel files", found.name)
        reading.file = found.name
        yield from parallel.stream(found, reading)
        return
    if Path(path).is_dir():
        raise DataError("is a folder, where one file is expected", where=path, fix="give one of its files")
    language = parallel.language_in(path)
    if settings.format is None and language is not None:
        column = settings.column_names or (language,)
        settings = reading.settings = replace(settings, format="txt", column_names=column)
    kind = _format_inside(reading)
    quoted: bool | None = None
    if kind == "tsv" and settings.quoting == "auto":
        # Whether a TSV is quoted shows only at its end: it is read twice rather than held.
        with opened(path) as file:
            scratch = Reading(path, replace(settings, on_bad_row="drop"))
            quoted = delimited.looks_quoted(
                read_lines(file.stream, scratch), settings.delimiter or "\t", path
            )
    with opened(path) as file:
        if kind == "json":
            yield from _stream_json(file, reading)
        elif quoted is not None:
            yield from _rows_of_tsv(
                read_lines(file.stream, reading), reading, settings.delimiter or "\t", quoted
            )
        elif kind == "jsonl":
            yield from json_records.check_as_stream(_rows_of(file, kind, reading), reading)
        else:
            yield from _rows_of(file, kind, reading)


def _stream_standard_input(reading: Reading) -> Iterator[Row]:
    kind = reading.settings.format
    if kind is None:
        return plain_text.read_standard_input(reading)
    if kind in ("json", "parquet", "tmx"):
        raise ConfigError(
            f"standard input is read line by line, and {kind} is no format of lines",
            where="data.format",
            fix="give a file",
        )
    rows = _rows_of_lines(read_lines(plain_text.standard_input(), reading), kind, reading)
    return json_records.check_as_stream(rows, reading) if kind == "jsonl" else rows


def _stream_json(file: OpenFile, reading: Reading) -> Iterator[Row]:
    text = json_documents.decode_text(file.read_all(MAX_DOCUMENT_BYTES, "write it as JSON lines"), file.name)
    if json_documents.is_json_lines(text):
        return json_records.check_as_stream(_rows_of_misnamed_lines(text, reading), reading)
    document = json_documents.open_document(text, file.name)
    if None not in document.arrays:
        raise DataError("holds several splits, where one table is expected", where=file.name)
    return json_records.check_as_stream(json_documents.read_rows(document.arrays[None], reading), reading)


def _refuse_settings_without_effect(settings: SourceSettings, kind: _Kind, path: str) -> None:
    if kind not in ("csv", "tsv"):
        names_apply = kind in ("json", "txt", "conll", "turns")
        form = transcripts.NAMES[kind] if kind in ("transcript", "parlai", "numbered") else f"a .{kind} file"
        _refuse_idle_settings(settings, form, path, names_apply=names_apply)
    if kind == "txt" and settings.column_names and len(settings.column_names) != 1:
        raise ConfigError("a .txt file has one column", where="data.column_names", fix="name one column")


def _refuse_idle_settings(
    settings: SourceSettings, what: str, path: str, *, names_apply: bool = False
) -> None:
    idle = {"delimiter": settings.delimiter is not None, "quoting": settings.quoting != "auto"}
    if not names_apply:
        idle["column_names"] = settings.column_names is not None
    for name, is_set in idle.items():
        if is_set:
            raise ConfigError(f"has no effect on {what} ({path})", where=f"data.{name}", fix="leave it out")
