"""Paths, folders, compression, special files, streams."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tunewell.core.errors import DataError
from tunewell.data.sources import SourceSettings, read, stream

CSV = b"text,label\na,x\nb,y\n"


def refusal(path: Path | str, settings: SourceSettings | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        read(str(path), settings)
    return caught.value


def test_folder_of_splits(tmp_path: Path) -> None:
    (tmp_path / "train.csv.gz").write_bytes(gzip.compress(CSV))
    (tmp_path / "dev.tsv").write_bytes(CSV.replace(b",", b"\t"))
    (tmp_path / "test.jsonl").write_text('{"text": "c", "label": "x"}\n')
    (tmp_path / "extra.csv").write_bytes(CSV)
    (tmp_path / "README.md").write_text("# hello")
    found = read(str(tmp_path))
    assert {split: len(source.rows) for split, source in found.items()} == {
        "train": 2,
        "validation": 2,
        "test": 1,
    }
    assert found["train"].name == tmp_path.name
    assert "extra.csv" in found["train"].notes[0]
    assert "README" not in found["train"].notes[0]


def test_folder_faults(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(CSV)
    assert "data.csv" in refusal(tmp_path).what
    (tmp_path / "val.csv").write_bytes(CSV)
    (tmp_path / "dev.csv").write_bytes(CSV)
    assert "could be the validation split" in refusal(tmp_path).what


def test_missing_files_and_endings(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_bytes(CSV)
    error = refusal(tmp_path / "review.csv")
    assert f"did you mean {tmp_path / 'reviews.csv'}" in error.what
    assert "not even the folder" in refusal(tmp_path / "no" / "such.csv").what
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")
    assert "CSV" in (refusal(tmp_path / "a.xlsx").fix or "")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    assert ".parquet" in (refusal(tmp_path / "a.pdf").fix or "")
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04abc")
    assert "Excel" in refusal(tmp_path / "a.csv").what
    (tmp_path / "b.csv").write_bytes(gzip.compress(CSV))
    assert "rename it to" in (refusal(tmp_path / "b.csv").fix or "")
    refusal("nul\0name.csv")


def test_special_files(tmp_path: Path) -> None:
    fifo = tmp_path / "pipe.csv"
    os.mkfifo(fifo)
    assert "FIFO" in refusal(fifo).what
    device = tmp_path / "device.csv"
    device.symlink_to("/dev/zero")
    assert "a device" in refusal(device).what
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    assert "cannot be opened" in refusal(loop).what
    (tmp_path / "real.csv").write_bytes(CSV)
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert len(read(str(tmp_path / "link.csv"))["train"].rows) == 2


def test_damaged_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(b"text,label\n" + os.urandom(3000).hex().encode() + b",x\n")
    path = tmp_path / "t.csv.gz"
    for damaged, what in [
        (whole[:-9], "ends early"),
        (whole[:500], "ends early"),
        (CSV, "is not gzip"),
        (whole[:-8] + b"\0" * 8, "damaged"),
        (whole[:500] + b"\xff" * 20 + whole[520:], "damaged"),
        (b"", "nothing to read"),
    ]:
        path.write_bytes(damaged)
        error = refusal(path)
        assert what in error.what, (what, str(error))
        assert str(path) in str(error.where)


def test_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewell.data.opening.BOMB_BYTES", 2**22)
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(gzip.compress(b"a" * 2**26))
    assert "bomb" in refusal(path).what
    honest = tmp_path / "u.txt.gz"
    honest.write_bytes(gzip.compress(os.urandom(2**22).hex().encode()))
    assert len(read(str(honest))["train"].rows) == 1
    monkeypatch.setattr("tunewell.data.opening.MAX_DECOMPRESSED_BYTES", 2**20)
    assert "bomb" in refusal(honest).what


def test_text_files(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\r\ntwo\n\n\n")
    rows = list(stream(str(path)))
    assert [(row.values["text"], row.origin.line) for row in rows] == [("one", 1), ("", 2), ("two", 3)]
    assert len(read(str(path))["train"].rows) == 3


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.json", "u.json", "t.parquet", "t.txt.gz"])
def test_stream_and_read_agree(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [("a", "x"), ("b", "y")]
    if name == "t.parquet":
        pyarrow = pytest.importorskip("pyarrow")
        writer = pytest.importorskip("pyarrow.parquet")
        writer.write_table(pyarrow.table({"text": ["a", "b"], "label": ["x", "y"]}), path)
    else:
        contents = {
            "t.csv": CSV,
            "t.tsv": b'"text"\t"label"\n"a"\t"x"\n"b"\t"y"\n',
            "t.jsonl": b'{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n',
            "u.json": b'{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n',
            "t.json": b'[{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]',
            "t.txt.gz": gzip.compress(b"a\nb\n"),
        }
        path.write_bytes(contents[name])
    notes: list[str] = []
    streamed = list(stream(str(path), notes=notes))
    source = read(str(path))["train"]
    assert streamed == source.rows
    assert tuple(notes) == source.notes
    if "label" in source.columns:
        assert [tuple(row.values.values()) for row in streamed] == rows


def test_stream_raises_at_the_first_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text,label\n" + "a,x\n" * 100 + "bad\n" + "a,x\n" * 100)
    rows = stream(str(path))
    assert [next(rows).origin.line for _ in range(100)][-1] == 101
    with pytest.raises(DataError) as caught:
        next(rows)
    assert str(caught.value.where).endswith("t.csv:102")
    assert len(list(stream(str(path), SourceSettings(on_bad_row="drop")))) == 200
    path.rename(tmp_path / "u.jsonl")
    (tmp_path / "u.jsonl").write_text('{"text": "a"}\n{"text": 3}\n')
    with pytest.raises(DataError, match="the rows before hold text"):
        list(stream(str(tmp_path / "u.jsonl")))


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"one\n\ntwo\n\n", ["one", "", "two"]),
        (b'{"text": "a"}\n{"text": "b"}\n', ["a", "b"]),
        (b"{not json\nb\n", ["{not json", "b"]),
        (b"[1]\n", ["[1]"]),
    ],
)
def test_standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes, texts: list[str]) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    rows = list(stream("-"))
    assert [row.values["text"] for row in rows] == texts
    assert rows[0].origin.file == "standard input"


def test_standard_input_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"ok\n\xff\n")))
    with pytest.raises(DataError, match="not UTF-8"):
        list(stream("-"))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(DataError, match="nothing to read"):
        list(stream("-"))


def test_stream_refuses_folders_and_splits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        list(stream(str(tmp_path)))
    (tmp_path / "t.json").write_text('{"train": [["a", "b"]], "test": [["a", "b"]]}')
    with pytest.raises(DataError, match="several splits"):
        list(stream(str(tmp_path / "t.json")))
    with pytest.raises(DataError, match="no such file"):
        list(stream(str(tmp_path / "none.txt")))
