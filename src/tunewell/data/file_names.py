"""What the name of a file says: its format, the short name of the data, and what was perhaps meant instead.

Not for: opening files (`opening`).
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Literal

from tunewell.core.errors import DataError

Format = Literal["conll", "conllu", "csv", "tsv", "jsonl", "json", "parquet", "tmx", "turns", "txt"]
"""The formats that can be read."""

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".txt": "txt",
    ".conll": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".conllu": "conllu",
    ".tmx": "tmx",
}
"""The format that each ending says."""

ENDINGS = tuple(FORMATS)
"""The endings of files that can be read, each also with `.gz` after it."""

_SHEETS = (".xls", ".xlsx", ".ods")

_VERSION = re.compile(r"[-_.]v\d+(\.\d+)*$")


def ending_of(name: str) -> str | None:
    """The ending that decides the format, without `.gz`; None for an unknown one."""
    ending = Path(name.lower().removesuffix(".gz")).suffix
    return ending if ending in ENDINGS else None


def format_of(name: str, given: Format | None = None) -> Format:
    """What a file is: as `given`, or as its ending says; an unknown ending raises `DataError`."""
    ending = ending_of(name)
    if given is None and ending is None:
        raise DataError(
            f"unknown ending {Path(name).suffix!r}",
            where=name,
            fix="save the sheet as CSV (UTF-8)"
            if name.lower().endswith(_SHEETS)
            else f"the ending says the format; known are {', '.join(ENDINGS)}, each also with .gz; or say it: "
            "--set data.format=...",
        )
    return given or FORMATS[str(ending)]


def short_name(path: str) -> str:
    """The last part of a path, without the endings that are known."""
    name = Path(path).absolute().resolve().name if Path(path).name in ("", "..") else Path(path).name
    ending = ending_of(name)
    if ending is None:
        return name
    bare = name[: -len(".gz")] if name.lower().endswith(".gz") else name
    return bare[: -len(ending)]


def split_words(name: str) -> tuple[str, str]:
    """What may name a split, in lower case: a file's name without endings, and its last word, after `-`, `_`, `.`.

    A version at the end, as in `train-v2.0.json`, is left out.
    """
    whole = _VERSION.sub("", short_name(name).lower().removesuffix(".gz"))
    return whole, re.split(r"[-_.]", whole)[-1]


def did_you_mean(path: str) -> str:
    """A clause that names files with similar names beside `path`; empty without any."""
    folder = Path(path).parent
    try:
        names = [entry.name for entry in folder.iterdir()]
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(Path(path).name, names, n=3)
    return f"; did you mean {' or '.join(str(folder / name) for name in close)}?" if close else ""


def missing(path: str) -> DataError:
    """The error for a path that leads nowhere."""
    folder = Path(path).parent
    lacks = "" if folder.is_dir() else f": not even the folder {folder}"
    return DataError(f"no such file or folder{lacks}{did_you_mean(path)}", where=path, fix="check the path")
