"""Parquet files, through pyarrow (the extra `tunewell[parquet]`).

Class ids turn into their names where the file says them (as files from the Hugging Face Hub do). Not for: data
sets that are downloaded (`hub`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row
from tunewell.data.opening import MAX_DECOMPRESSED_BYTES
from tunewell.data.reading import Reading


def read_rows(data: bytes, reading: Reading) -> Iterator[Row]:
    """The rows of a Parquet file held in memory; an origin's line is the row's number, from 1."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(
            "reading Parquet needs pyarrow, which is not installed",
            where=reading.file,
            fix="pip install 'tunewell[parquet]'",
        ) from None
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(data))
        _refuse_bomb(file.metadata, reading.file)
        names, dropped = _columns(file.schema_arrow.names)
        if dropped:
            reading.notes.append(
                f"{reading.file}: the row index that pandas wrote ({dropped[0]}) was left out"
            )
        reading.columns = names
        class_names = _class_names(file.schema_arrow.metadata)
        for column in class_names.keys() & set(names):
            reading.notes.append(
                f"{reading.file}: the class ids of column {column!r} were turned into their names"
            )
        number = 0
        for batch in file.iter_batches(batch_size=4096, columns=list(names)):
            for values in batch.to_pylist():
                number += 1
                _name_classes(values, class_names)
                yield Row(values, Origin(reading.file, number))
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(
            f"not a readable Parquet file: {reason[0][:300]}",
            where=reading.file,
            fix="write or fetch it again",
        ) from None


def name_class(value: Any, names: Sequence[str]) -> Any:
    """The name of a class id, or of each id in a list; -1 is how data sets say that it is not known (None)."""
    if isinstance(value, list):
        return [name_class(entry, names) for entry in value]
    if not isinstance(value, int):
        return value
    if value == -1:
        return None
    if not 0 <= value < len(names):
        raise ValueError(f"class id {value} where there are {len(names)} names")
    return names[value]


def _name_classes(values: dict[str, Any], class_names: Mapping[str, Sequence[str]]) -> None:
    for column, names in class_names.items():
        if column in values:
            values[column] = name_class(values[column], names)


def _columns(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    if len(set(names)) != len(names):
        raise ValueError(f"a column name appears twice: {list(names)}")
    index = [name for name in names if name.startswith("__index_level_")]
    return tuple(name for name in names if name not in index), index


def _refuse_bomb(metadata: Any, file: str) -> None:
    total = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if total > MAX_DECOMPRESSED_BYTES:
        raise DataError(f"the file says that it grows to {total:,} bytes: refused", where=file)


def _class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Column to class names, from what the `datasets` library notes in a Parquet file."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        found: dict[str, list[str]] = {}
        for column, feature in features.items():
            while isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
                feature = feature["feature"]  # a list of classes
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names"):
                found[column] = [str(name) for name in feature["names"]]
        return found
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return {}  # a note of another program: the ids stay as they are
