"""The real data sets under TUNEWELL_DATA: every row of them, and quickly."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pytest

from tunewell.data.sources import SourceSettings, read, stream

DATA = os.environ.get("TUNEWELL_DATA")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets"),
]


def manifest() -> dict[str, tuple[int, str]]:
    with Path(str(DATA), "manifest.tsv").open(encoding="utf-8", newline="") as lines:
        return {
            row["path"]: (int(row["records"]), row["sha256"]) for row in csv.DictReader(lines, delimiter="\t")
        }


@pytest.mark.parametrize("name", ["sst2", "sst2_sentences", "ag_news", "chnsenticorp_htl", "sick"])
def test_folders_of_splits(name: str) -> None:
    expected = {path: facts for path, facts in manifest().items() if path.startswith(f"{name}/")}
    sources = read(str(Path(str(DATA), name)))
    assert "train" in sources
    for source in sources.values():
        path = str(Path(source.rows[0].origin.file).relative_to(str(DATA)))
        records, sha256 = expected[path]
        assert len(source.rows) == records
        assert source.rows[-1].origin.line == records + 1
        assert source.fingerprint == sha256


def test_ag_news_official() -> None:
    path = "ag_news/test_official.csv.gz"
    source = read(str(Path(str(DATA), path)), SourceSettings(column_names=("label", "title", "text")))[
        "train"
    ]
    assert len(source.rows) == manifest()[path][0]
    assert {row.values["label"] for row in source.rows} == {"1", "2", "3", "4"}


def test_clinc150() -> None:
    sources = read(str(Path(str(DATA), "clinc150", "data_full.json.gz")))
    assert {split: len(source.rows) for split, source in sources.items()} == {
        "train": 15000,
        "validation": 3000,
        "test": 4500,
    }
    assert "oos_train" in sources["train"].notes[0]
    assert sources["train"].columns == ("text", "label")


def test_glue_quotes_stay_and_written_quotes_go() -> None:
    sst2 = read(str(Path(str(DATA), "sst2")))
    assert all(source.notes == () for source in sst2.values())
    ag_news = read(str(Path(str(DATA), "ag_news")))["train"]
    assert not any('""' in row.values["text"] for row in ag_news.rows)


def test_speed() -> None:
    path = str(Path(str(DATA), "sst2", "train.tsv.gz"))
    start = time.perf_counter()
    assert len(read(path)["train"].rows) == 67349
    assert sum(1 for _ in stream(path)) == 67349
    assert time.perf_counter() - start < 6  # about 0.8 s on an idle core; a busy machine may be slow
