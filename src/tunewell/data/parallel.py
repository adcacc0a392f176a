"""Parallel files: the same text in several languages, a file each, line by line; a row has a column per language.

The ending names the language: `train.en` and `train.de`, also `train.zh_CN`, `train.deu_Latn`, `train.source`, each
also with `.gz`. They are found by what they share (`train`) or by any one of them. Where the names say a direction,
as `multi30k_en_de/train` does, or one file was named, its language is the first column; `goes_one_way` asks for it.

The rows name all the files at once: `train.en+de:7` where the direction is known, `train.de,en:7` where it is not;
`file_of` finds the one behind a column. Not for: TMX (`tmx`), or what is source and what target (`translation_columns`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row
from tunewell.data.findings import plural
from tunewell.data.languages import SIDES, is_ending, pair_in
from tunewell.data.lines import Line, read_lines
from tunewell.data.opening import opened
from tunewell.data.plain_text import say_left_out
from tunewell.data.reading import Reading, Source, SourceSettings

_JOINED = re.compile(
    r"(?P<stem>.*)\.(?P<codes>[\w-]+(?:\+[\w-]+)+|[\w-]+(?:,[\w-]+)+)(?P<gz>\.gz)?", re.DOTALL
)


@dataclass(frozen=True)
class Parallel:
    """The files of one text, by language, in the order of the columns; `stem` is what their paths share.

    `one_way` says that the first language is the source beyond doubt.
    """

    stem: str
    files: Mapping[str, str]
    one_way: bool

    @property
    def name(self) -> str:
        """All the files in one word: `data/train.en+de.gz`."""
        compressed = all(path.lower().endswith(".gz") for path in self.files.values())
        between = "+" if self.one_way else ","
        return f"{self.stem}.{between.join(self.files)}{'.gz' if compressed else ''}"


# By names


def language_in(path: str) -> str | None:
    """The language that the name of a file ends in, as it is written there; None for other files."""
    name = Path(path).name
    bare = name[: -len(".gz")] if name.lower().endswith(".gz") else name
    stem, dot, ending = bare.rpartition(".")
    return ending if dot and stem and is_ending(ending) else None


def find(path: str) -> Parallel | None:
    """The parallel files that share `path` as the beginning of their names, or one of which it is; None without two.

    Raises `DataError` when one language is there twice.
    """
    language = language_in(path) if os.path.lexists(path) else None
    stem = path if language is None else _stem(path, language)
    folder = Path(stem).parent
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except (OSError, ValueError):
        return None
    given = {} if language is None else {language: Path(path).name}
    files = {**given, **_sides(Path(stem).name, [name for name in names if language_in(name) not in given])}
    return _ordered(stem, {code: str(folder / name) for code, name in files.items()}, language)


def stems(names: Sequence[str]) -> dict[str, list[str]]:
    """The names of parallel files in a folder, by what they share."""
    found: dict[str, list[str]] = {}
    for name in names:
        language = language_in(name)
        if language is not None and not name.startswith("."):
            found.setdefault(_stem(name, language), []).append(name)
    return {stem: own for stem, own in found.items() if _are_sides([language_in(name) or "" for name in own])}


def goes_one_way(file: str) -> bool | None:
    """Of a row's file: whether parallel files say their direction; None for files that are not parallel."""
    match = _JOINED.fullmatch(file)
    return None if match is None else "+" in match["codes"]


def file_of(file: str, language: str) -> str:
    """The file behind a column of parallel files; any other `file` as it is."""
    match = _JOINED.fullmatch(file)
    if match is None or language not in re.split("[+,]", match["codes"]):
        return file
    return f"{match['stem']}.{language}{match['gz'] or ''}"


def _stem(path: str, language: str) -> str:
    bare = path[: -len(".gz")] if path.lower().endswith(".gz") else path
    return bare[: -len(language) - 1]


def _sides(stem: str, names: Sequence[str]) -> dict[str, str]:
    sides: dict[str, str] = {}
    for name in names:
        language = language_in(name)
        if language is None or _stem(name, language) != stem:
            continue
        if language in sides:
            raise DataError(
                f"both {sides[language]} and {name} could be the lines in {language!r}",
                where=stem,
                fix="move one away, or give the file itself",
            )
        sides[language] = name
    return sides


def _are_sides(languages: Sequence[str]) -> bool:
    """Whether these are several languages, or a source and a target."""
    return len(set(languages)) > 1 and len({language in SIDES for language in languages}) == 1


def _ordered(stem: str, files: dict[str, str], first: str | None) -> Parallel | None:
    if first is not None:
        files = {code: path for code, path in files.items() if (code in SIDES) == (first in SIDES)}
    if not _are_sides(list(files)):
        return None
    by_name = sorted(files, key=lambda code: (SIDES.index(code) if code in SIDES else 0, code))
    path = Path(stem)
    said = pair_in(path.name, by_name) or pair_in(path.absolute().parent.name, by_name)
    if first is not None:
        said = [first, *(code for code in by_name if code != first)]
    order = said or by_name
    one_way = said is not None or order[0] in SIDES
    return Parallel(stem, {code: files[code] for code in order}, one_way)


# Their rows


def read(parallel: Parallel, settings: SourceSettings) -> Source:
    """The table of parallel files. Raises `DataError` when they differ in their number of lines."""
    reading = Reading(parallel.name, settings)
    digest = hashlib.sha256()
    with ExitStack() as stack:
        files = {code: stack.enter_context(opened(path)) for code, path in parallel.files.items()}
        streams = {code: file.stream for code, file in files.items()}
        rows = list(islice(_rows(parallel, streams, reading), settings.limit))
        reading.finish(len(rows))
        for code in sorted(files):
            digest.update(f"{code} {files[code].fingerprint()}\n".encode())
    return Source(rows, reading.columns, tuple(reading.notes), digest.hexdigest(), Path(parallel.stem).name)


def stream(parallel: Parallel, reading: Reading) -> Iterator[Row]:
    """The rows one by one; whoever takes them finishes the `reading`."""
    with ExitStack() as stack:
        streams = {code: stack.enter_context(opened(path)).stream for code, path in parallel.files.items()}
        yield from _rows(parallel, streams, reading)


def alone(path: str, language: str) -> DataError:
    """The error for one file of a pair without the other."""
    return DataError(
        f"the ending {language!r} names a language, and there is no file of the same lines in another",
        where=path,
        fix=f"put the translation beside it, as {_stem(path, language)}.LANGUAGE; if the ending means something else, "
        "say what the file is: --set data.format=...",
    )


def _rows(parallel: Parallel, streams: Mapping[str, IO[bytes]], reading: Reading) -> Iterator[Row]:
    """A row for each line; lines that are blank in all languages at the end are left out."""
    codes = list(parallel.files)
    reading.columns = tuple(codes)
    sides = [reading.beside(path) for path in parallel.files.values()]
    lines = [read_lines(streams[code], side) for code, side in zip(codes, sides, strict=True)]
    blank: list[int] = []
    for number, found in enumerate(zip_longest(*lines), start=1):
        for side, line in zip(sides, found, strict=True):
            if line is not None:
                side.count_line_end(line.end)
        if None in found:
            _check_rest(number, found, lines, sides)
            return
        texts = [line.text for line in found]
        if not any(map(str.strip, texts)) and not reading.is_bad(number, number):
            blank.append(number)
            continue
        for empty in blank:
            yield Row(dict.fromkeys(codes, ""), Origin(reading.file, empty))
        blank.clear()
        if not reading.is_bad(number, number):
            yield Row(dict(zip(codes, texts, strict=True)), Origin(reading.file, number))
    say_left_out(len(blank), reading)


def _check_rest(
    number: int, found: Sequence[Line | None], lines: Sequence[Iterator[Line]], sides: Sequence[Reading]
) -> None:
    """Line `number` is the first that some files lack: the others may have nothing but blank lines left."""
    counts = []
    filled = 0
    for line, more in zip(found, lines, strict=True):
        count = number - 1
        while line is not None:
            count += 1
            filled = max(filled, count if line.text.strip() else 0)
            line = next(more, None)
        counts.append(count)
    short, long = counts.index(min(counts)), counts.index(max(counts))
    if filled:
        raise DataError(
            f"{plural(counts[short], 'line')}, where {sides[long].file} has {counts[long]:,}: line {number:,} of the "
            "latter has no counterpart",
            where=sides[short].where(number),
            fix="line by line the files must say the same; find where they part, for example with "
            f"paste <(head -{number} A) <(head -{number} B) | tail -20",
        )
    surplus = counts[long] - counts[short]
    sides[long].notes.append(
        f"{plural(surplus, 'blank line')} at the end of {sides[long].file}, which {sides[short].file} lacks, "
        f"{'was' if surplus == 1 else 'were'} left out"
    )
