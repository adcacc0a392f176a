"""The real data sets under TUNEWELL_DATA: every row of them, and quickly."""

from __future__ import annotations

import csv
import gzip
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


COLUMN_FILES = {
    "btc/train.conll": (5338, 85480),
    "btc/dev.conll": (2000, 29476),
    "btc/test.conll": (2000, 35425),
    "weibo_ner/train.conll": (1350, 73778),
    "weibo_ner/dev.conll": (270, 14509),
    "weibo_ner/test.conll": (270, 14842),
    "ud_english_ewt/en_ewt-ud-train.conllu.gz": (12544, 204577),
    "ud_english_ewt/en_ewt-ud-dev.conllu.gz": (2001, 25147),
    "ud_english_ewt/en_ewt-ud-test.conllu.gz": (2077, 25094),
    "ud_chinese_gsdsimp/zh_gsdsimp-ud-dev.conllu.gz": (500, 12663),
    "ud_chinese_gsdsimp/zh_gsdsimp-ud-test.conllu.gz": (500, 12012),
}
"""Sentences and words, as `DATA.md` beside the files has them."""


@pytest.mark.parametrize("path", COLUMN_FILES)
def test_column_files(path: str) -> None:
    whole = str(Path(str(DATA), path))
    source = read(whole)["train"]
    assert source.notes == ()
    assert (len(source.rows), source.fingerprint) == manifest()[path]
    assert (len(source.rows), sum(len(row.values["tokens"]) for row in source.rows)) == COLUMN_FILES[path]
    assert list(stream(whole)) == source.rows
    listed = [name for name in source.columns if name not in ("id", "text")]
    assert all(len({len(row.values[name]) for name in listed}) == 1 for row in source.rows)
    if path.endswith(".conll"):
        assert source.columns == ("tokens", "tags")
        assert all(tag == "O" or tag[:2] in ("B-", "I-") for row in source.rows for tag in row.values["tags"])


def test_folders_of_column_files() -> None:
    for name in ("btc", "weibo_ner", "ud_english_ewt", "ud_chinese_gsdsimp"):
        found = read(str(Path(str(DATA), name)))
        assert {source.name for source in found.values()} == {name}
        sizes = {Path(source.rows[0].origin.file).name: len(source.rows) for source in found.values()}
        assert sizes == {
            Path(path).name: counts[0] for path, counts in COLUMN_FILES.items() if path.startswith(f"{name}/")
        }


def test_texts_of_universal_dependencies() -> None:
    """The text put together from the words is the text that the treebank states."""
    for path in (path for path in COLUMN_FILES if path.endswith(".conllu.gz")):
        with gzip.open(Path(str(DATA), path), "rt", encoding="utf-8", newline="\n") as lines:
            stated = [line[len("# text = ") : -1] for line in lines if line.startswith("# text = ")]
        rows = read(str(Path(str(DATA), path)))["train"].rows
        built = [row.values["text"] for row in rows]
        assert [text.replace("\u00a0", " ") for text in stated] == built
        for row in rows:
            position = 0
            for word in row.values["tokens"]:
                position = row.values["text"].index(word, position) + len(word)


@pytest.mark.parametrize("name", ["t.txt", "t.tsv"])
def test_column_files_under_other_names(tmp_path: Path, name: str) -> None:
    for path in ("btc/train.conll", "weibo_ner/dev.conll"):
        (tmp_path / name).write_bytes(Path(str(DATA), path).read_bytes())
        source = read(str(tmp_path / name))["train"]
        assert len(source.rows) == COLUMN_FILES[path][0]
        assert "was read as such" in source.notes[0]


def test_tables_are_no_column_files() -> None:
    """None of the tables of texts is taken for columns of words and tags."""
    for name in ("sst2", "sst2_sentences", "ag_news", "chnsenticorp_htl", "sick"):
        for source in read(str(Path(str(DATA), name))).values():
            assert not any("was read as such" in note for note in source.notes)


def test_speed() -> None:
    path = str(Path(str(DATA), "sst2", "train.tsv.gz"))
    start = time.perf_counter()
    assert len(read(path)["train"].rows) == 67349
    assert sum(1 for _ in stream(path)) == 67349
    assert time.perf_counter() - start < 6  # about 0.8 s on an idle core; a busy machine may be slow
