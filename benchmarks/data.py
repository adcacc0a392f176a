"""The data sets of the benchmarks, and the rows that all contestants read.

A further data set is one line in `DATA`. The files lie under `$TUNEWELL_DATA`.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.recipe import Json
from tunewell.data.sources import SourceSettings, read

MEGABATCHES = 50
"""How many batches the Trainer's length grouping sorts together, at most."""


class UnusableError(Exception):
    """Something that the person at the keyboard must change; the message says what."""


@dataclass(frozen=True)
class DataSet:
    """Files with the columns `text_column` and `label_column`; `validation` is for the metric and for prediction."""

    task: str
    train: str
    validation: str
    text_column: str
    label_column: str


DATA: Mapping[str, DataSet] = MappingProxyType(
    {
        "sst2_sentences": DataSet(
            "text-classification", "sst2_sentences/train.tsv", "sst2_sentences/dev.tsv", "sentence", "label"
        ),
        "ag_news": DataSet(
            "text-classification", "ag_news/train.tsv.gz", "ag_news/test.tsv.gz", "text", "label"
        ),
    }
)
"""By name. AG News has no development set, so its test file stands in: no score of it is ever tuned on."""


@dataclass(frozen=True)
class Rows:
    """What was written for the contestants: `train.jsonl` and `validation.jsonl` in `folder`."""

    name: str
    folder: Path
    train: Sequence[Json]
    validation: Sequence[Json]
    sources: Mapping[str, Path]


def find(name: str, task: str) -> tuple[DataSet, Path]:
    """A data set and the folder that its files are in.

    `name` stands in the table, or is a folder with `train.jsonl` and `validation.jsonl`. Raises `UnusableError`.
    """
    folder = Path(name)
    if name not in DATA and folder.is_dir():
        return DataSet(task, "train.jsonl", "validation.jsonl", "text", "label"), folder
    if name not in DATA:
        raise UnusableError(f"no data set {name!r}: there are {', '.join(DATA)}, or give a folder")
    found = DATA[name]
    if found.task != task:
        raise UnusableError(f"{name} is for {found.task}, not for {task}")
    place = os.environ.get("TUNEWELL_DATA")
    if not place:
        raise UnusableError(
            "TUNEWELL_DATA is not set: it must name the folder that holds the data sets, "
            f"so that {found.train} can be found under it"
        )
    missing = [part for part in (found.train, found.validation) if not (Path(place) / part).is_file()]
    if missing:
        raise UnusableError(
            f"there is no {missing[0]} under TUNEWELL_DATA ({place}): point it at the data sets' folder"
        )
    return found, Path(place)


def prepare(
    name: str, task: str, folder: Path, *, batch_size: int, num_rows: int | None, num_validation: int
) -> Rows:
    """Choose the rows by a fixed draw, and write them where every contestant reads them.

    Without `num_rows` as many as make whole megabatches of the Trainer's length grouping, so that each of its
    stretches is alike; in any case whole batches, so that all batches are of one size.
    """
    found, place = find(name, task)
    sources = {"train": place / found.train, "validation": place / found.validation}
    tables = {split: _read(path, found) for split, path in sources.items()}
    train = tables["train"]
    random.Random(0).shuffle(train)
    whole = batch_size * (MEGABATCHES if len(train) >= batch_size * MEGABATCHES else 1)
    wanted = min(num_rows or len(train) // whole * whole, len(train)) // batch_size * batch_size
    if wanted < batch_size:
        raise UnusableError(f"{name} has {len(train)} training rows: not one batch of {batch_size}")
    validation = tables["validation"]
    random.Random(1).shuffle(validation)
    rows = Rows(Path(name).name, folder, train[:wanted], validation[:num_validation], sources)
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation"):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in getattr(rows, split))
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return rows


def load(folder: Path | str, split: str) -> list[Json]:
    """The rows that `prepare` wrote, for a contestant that has nothing of ours."""
    text = (Path(folder) / f"{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def _read(path: Path, found: DataSet) -> list[Json]:
    source = read(str(path), SourceSettings())["train"]
    return [
        {"text": str(row.values[found.text_column]), "label": str(row.values[found.label_column])}
        for row in source.rows
        if str(row.values[found.text_column]).strip()
    ]
