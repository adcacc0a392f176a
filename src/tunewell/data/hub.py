"""Data sets of the Hugging Face Hub, through `datasets` (the extra `tunewell[hub]`).

The only reader that uses the network, and only when it is asked for a data set by its Hub id; with
`HF_HUB_OFFLINE=1` it reads the cache alone. No code of a data set ever runs: `datasets` reads data files only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row
from tunewell.data.json_documents import SPLIT_NAMES
from tunewell.data.parquet import name_class
from tunewell.data.reading import Reading, Source, SourceSettings

_HUB_ID = re.compile(r"(?P<id>\w[\w.-]{0,95}(?:/\w[\w.-]{0,95})?)(?::(?P<config>[\w.+-]+))?", re.ASCII)


def is_plausible(name: str) -> bool:
    """Whether `name` could be a Hub id: `name`, `org/name` or `org/name:config`."""
    return _HUB_ID.fullmatch(name) is not None


def read(name: str, settings: SourceSettings) -> dict[str, Source]:
    """The splits train, validation and test of a data set on the Hub, those that it has.

    Raises `DataError` for whatever keeps it from being had: no such set, no network, no such configuration.
    """
    match = _HUB_ID.fullmatch(name)
    assert match is not None
    splits = _load(name, match["id"], match["config"])
    known = {SPLIT_NAMES[split]: split for split in splits if split in SPLIT_NAMES}
    if not known:
        raise DataError(
            f"it has the splits {list(splits)} and none that is train, validation or test", where=name
        )
    sources: dict[str, Source] = {}
    others = [split for split in splits if split not in known.values()]
    for split, own_name in known.items():
        source = _read_split(name, split, splits[own_name], settings)
        if others and not sources:
            note = f"{name}: splits that were not read: {', '.join(others)}"
            source = Source(
                source.rows, source.columns, (note, *source.notes), source.fingerprint, source.name
            )
        sources[split] = source
    return sources


def _load(name: str, hub_id: str, config: str | None) -> Mapping[str, Any]:
    try:
        import datasets
    except ImportError:
        raise DataError(
            "no such file, and reading it from the Hugging Face Hub needs the datasets library",
            where=name,
            fix="check the path, or: pip install 'tunewell[hub]'",
        ) from None
    try:
        loaded = datasets.load_dataset(hub_id, config)
    except Exception as error:  # whatever goes wrong inside: network, cache, format, a missing configuration
        reason = (str(error).strip().splitlines() or [""])[0][:300]
        raise DataError(
            f"no such file or folder, and not to be had from the Hugging Face Hub ({type(error).__name__}: {reason})",
            where=name,
            fix="check the spelling; write org/name or org/name:config; offline, fetch it once with a connection "
            "or give a file",
        ) from None
    return dict(loaded.items())


def _read_split(name: str, split: str, table: Any, settings: SourceSettings) -> Source:
    reading = Reading(f"{name}#{split}", settings, columns=tuple(table.column_names))
    class_names = {
        column: names for column, feature in table.features.items() if (names := _class_names(feature))
    }
    for column in class_names:
        reading.notes.append(
            f"{reading.file}: the class ids of column {column!r} were turned into their names"
        )
    try:
        rows = list(islice(_rows(table, class_names, reading), settings.limit))
    except (ValueError, TypeError, OSError, ImportError) as error:  # images or sound that cannot be decoded
        reason = (str(error).strip().splitlines() or [""])[0]
        raise DataError(f"a row cannot be read: {reason[:300]}", where=reading.file) from None
    reading.finish(len(rows))
    own = getattr(table, "_fingerprint", "")
    fingerprint = hashlib.sha256(f"{name}\n{split}\n{own}".encode()).hexdigest()
    short = name.rpartition("/")[2].replace(":", "-")
    return Source(rows, reading.columns, tuple(reading.notes), fingerprint, short)


def _rows(table: Any, class_names: Mapping[str, Sequence[str]], reading: Reading) -> Iterator[Row]:
    number = 0
    for batch in table.iter(batch_size=1000):
        columns = {
            column: name_class(list(values), class_names[column]) if column in class_names else values
            for column, values in batch.items()
        }
        for values in zip(*columns.values(), strict=True):
            number += 1
            yield Row(dict(zip(columns, values, strict=True)), Origin(reading.file, number))


def _class_names(feature: Any) -> list[str]:
    while getattr(feature, "feature", None) is not None:  # a list of classes
        feature = feature.feature
    names = getattr(feature, "names", None)
    return [str(name) for name in names] if isinstance(names, list) else []
