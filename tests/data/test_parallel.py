"""Parallel files: which belong together, rows in step, what is refused and where; any bytes at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewell.core.errors import ConfigError, DataError, TunewellError
from tunewell.data.languages import alike, is_ending, language_of
from tunewell.data.parallel import file_of, find, goes_one_way, language_in
from tunewell.data.sources import Source, SourceSettings, read, stream

DATA = os.environ.get("TUNEWELL_DATA")


def write(folder: Path, **texts: str | bytes) -> Path:
    """Files of a folder; `__` in a keyword is a dot."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        content = text.encode() if isinstance(text, str) else text
        path = folder / name.replace("__", ".")
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return folder


def table(path: Path | str, **choices: Any) -> Source:
    return read(str(path), SourceSettings(**choices))["train"]


def refusal(path: Path | str, **choices: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(str(path), SourceSettings(**choices))
    return str(caught.value)


def test_by_what_they_share_and_by_one_of_them(tmp_path: Path) -> None:
    folder = write(tmp_path, t__de="ja\nnein\n", t__en__gz="yes\nno\n", t__log="x", u__fr="oui", tt__fr="si")
    shared = table(folder / "t")
    assert [dict(row.values) for row in shared.rows] == [
        {"de": "ja", "en": "yes"},
        {"de": "nein", "en": "no"},
    ]
    assert [row.origin.line for row in shared.rows] == [1, 2]
    assert (shared.columns, shared.name, shared.notes) == (("de", "en"), "t", ())
    by_file = table(folder / "t.en.gz")
    assert by_file.columns == ("en", "de")
    assert [row.values for row in by_file.rows] == [row.values for row in shared.rows]
    assert list(stream(str(folder / "t"))) == shared.rows


def test_one_file_alone(tmp_path: Path) -> None:
    folder = write(tmp_path, t__en="yes\n\nno\n\n", t__de="ja\n")
    rows = list(stream(str(folder / "t.en")))
    assert [(row.values["en"], row.origin.line) for row in rows] == [("yes", 1), ("", 2), ("no", 3)]
    (folder / "t.de").unlink()
    assert list(stream(str(folder / "t.en"))) == rows
    told = refusal(folder / "t.en")
    assert "t.LANGUAGE" in told
    assert "data.format" in told
    assert table(folder / "t.en", format="txt").columns == ("text",)


def test_folders(tmp_path: Path) -> None:
    plain = {
        f"{name}__{code}": f"{name} {code}\n"
        for name in ("train", "val", "test_a", "test_b")
        for code in ("en", "de")
    }
    folder = write(tmp_path / "x_en_de", **plain, lone__fr="seul\n", README="no data")
    found = read(str(folder))
    assert {split: source.rows[0].values for split, source in found.items()} == {
        "train": {"en": "train en", "de": "train de"},
        "validation": {"en": "val en", "de": "val de"},
    }
    assert {source.name for source in found.values()} == {"x_en_de"}
    note = found["train"].notes[0]
    assert "were not read: test_a.de, test_a.en, test_b.de, test_b.en (for a test set: --test " in note
    assert table(note.split("--test ")[1].rstrip(")")).rows[0].values == {
        "en": "test_a en",
        "de": "test_a de",
    }
    write(folder, train__csv="a,b\n1,2\n")
    assert "could be the train split" in refusal(folder)


def test_a_folder_without_splits_names_its_texts(tmp_path: Path) -> None:
    folder = write(tmp_path / "opus", **{"Tatoeba__en-zh__en": "a\n", "Tatoeba__en-zh__zh": "b\n"})
    assert str(folder / "Tatoeba.en-zh") in refusal(folder)
    source = table(folder / "Tatoeba.en-zh")
    assert source.columns == ("en", "zh")
    assert goes_one_way(source.rows[0].origin.file) is True


@pytest.mark.parametrize(
    ("folder", "stem", "codes", "order", "one_way"),
    [
        ("x_en_de", "train", "de en", "en de", True),
        ("x_de_en", "train", "de en", "de en", True),
        ("x", "train", "de en", "de en", False),
        ("x", "train.en-de", "de en", "en de", True),
        ("end_ende", "train", "de en", "de en", False),
        ("x", "train", "target source", "source target", True),
        ("x", "train", "tgt src", "src tgt", True),
        ("x_en_de", "train", "de en fr", "de en fr", False),
        ("x", "train", "zh_CN deu_Latn pt-BR", "deu_Latn pt-BR zh_CN", False),
    ],
)
def test_directions(tmp_path: Path, folder: str, stem: str, codes: str, order: str, one_way: bool) -> None:
    write(tmp_path / folder, **{f"{stem}.{code}": f"{code}\n" for code in codes.split()})
    source = table(tmp_path / folder / stem)
    assert source.columns == tuple(order.split())
    file = source.rows[0].origin.file
    assert goes_one_way(file) is one_way
    for code in codes.split():
        assert file_of(file, code) == str(tmp_path / folder / f"{stem}.{code}")
    assert file_of(file, "xx") == file


def test_names_that_are_no_languages() -> None:
    for name in (
        "train.txt",
        "train.csv",
        "a.bak",
        "run.sh",
        "train.xx",
        "train.EN",
        ".en",
        "en",
        "x.de_Xxxx",
        "a.Log",
    ):
        assert language_in(name) is None, name
    for name, code in {
        "a.en": "en",
        "b.c.zh_CN.gz": "zh_CN",
        "d.ace_Latn": "ace_Latn",
        "e.src": "src",
    }.items():
        assert language_in(name) == code
    assert goes_one_way("data/train.csv") is None
    assert find("no/such/path") is None
    assert find("nul\0") is None


def test_codes() -> None:
    assert [language_of(code) for code in ("DE", "deu_Latn", "ger", "zh-Hans-CN", "en_XX", "xyz", "text", "e")] == [
        "de", "de", "de", "zh", "en", None, None, None,
    ]  # fmt: skip
    assert alike("eng_Latn", ["de", "en"]) == ["en"]
    assert alike("zh_CN", ["zh", "zh-cn"]) == ["zh-cn"]
    assert alike("en", ["en_GB", "en_US"]) == ["en_GB", "en_US"]
    assert alike("fr", ["de", "en"]) == []
    assert is_ending("source")


def test_unequal_numbers_of_lines(tmp_path: Path) -> None:
    folder = write(tmp_path, t__en="a\nb\nc\nd\n", t__de="x\ny\n")
    told = refusal(folder / "t")
    assert told.startswith(f"{folder / 't.de'}:3: 2 lines, where {folder / 't.en'} has 4: line 3")
    assert refusal(folder / "t", on_bad_row="drop") == told
    rows = stream(str(folder / "t"))
    assert [next(rows).values["de"], next(rows).values["de"]] == ["x", "y"]
    with pytest.raises(DataError, match="has 4: line 3"):
        next(rows)
    assert len(table(folder / "t", limit=2).rows) == 2
    write(tmp_path, t__fr="1\n2\n3\n")
    assert "2 lines" in refusal(folder / "t")
    write(tmp_path, t__en="", t__de="x\n", t__fr="")
    assert "0 lines" in refusal(folder / "t")


def test_blank_lines(tmp_path: Path) -> None:
    folder = write(tmp_path, t__en="a\n\n\nd\n\n\n", t__de="x\ny\n\nz\n\n\n")
    source = table(folder / "t")
    assert [tuple(row.values.values()) for row in source.rows] == [
        ("x", "a"),
        ("y", ""),
        ("", ""),
        ("z", "d"),
    ]
    assert [row.origin.line for row in source.rows] == [1, 2, 3, 4]
    (note,) = source.notes
    assert note.endswith("t.de,en: 2 blank lines at its end were left out")
    write(tmp_path, t__en="a\nb", t__de="x\ny\n\n \n")
    source = table(folder / "t")
    assert len(source.rows) == 2
    (note,) = source.notes
    assert note.startswith(f"2 blank lines at the end of {folder / 't.de'}, which {folder / 't.en'} lacks")


def test_bad_bytes_are_placed_in_their_own_file(tmp_path: Path) -> None:
    folder = write(tmp_path, t__en="a\nb\0\nc\n", t__de=b"x\r\ny\n\xffz\n")
    told = refusal(folder / "t")
    assert f"{folder / 't.en'}:2:2: a NUL" in told
    assert f"{folder / 't.de'}:3:1: not UTF-8" in told
    kept = table(folder / "t", on_bad_row="drop")
    assert [row.values for row in kept.rows] == [{"de": "x", "en": "a"}]
    assert kept.notes[0].startswith("2 bad rows were dropped")
    assert kept.notes[1] == f"{folder / 't.de'} mixes line ends: 1 CRLF and 2 LF; both end a line"
    with pytest.raises(DataError, match="not UTF-8: the file begins as UTF-16"):
        table(write(tmp_path / "w", t__en="a\n", t__de="ab".encode("utf-16")) / "t")
    marked = table(write(tmp_path / "m", t__en=b"\xef\xbb\xbfa\r\n", t__de="x\r\n") / "t")
    assert marked.rows[0].values == {"de": "x", "en": "a"}
    assert "t.en begins with a byte order mark" in marked.notes[0]


def test_the_fingerprint_covers_all_files(tmp_path: Path) -> None:
    folder = write(tmp_path, t__en="a\nb\n", t__de="x\ny\n")
    before = table(folder / "t").fingerprint
    digests = [hashlib.sha256((folder / f"t.{code}").read_bytes()).hexdigest() for code in ("de", "en")]
    assert before == hashlib.sha256(f"de {digests[0]}\nen {digests[1]}\n".encode()).hexdigest()
    assert table(folder / "t.en", limit=1).fingerprint == before
    for code in ("en", "de"):
        (folder / f"t.{code}").write_text("a\nc\n")
        after = table(folder / "t").fingerprint
        assert after != before
        before = after


def test_what_cannot_be_chosen(tmp_path: Path) -> None:
    folder = write(tmp_path, t__en="a\n", t__en__gz="b\n", t__de="x\n")
    assert "both t.en and t.en.gz" in refusal(folder / "t")
    assert table(folder / "t.en.gz").rows[0].values == {"en": "b", "de": "x"}
    with pytest.raises(ConfigError, match="has no effect on parallel files"):
        table(folder / "t.en", column_names=("a", "b"))
    assert "no such file" in refusal(folder / "s")
    os.mkfifo(folder / "p.en")
    write(folder, p__de="x\n")
    assert "FIFO" in refusal(folder / "p")


LINES = st.lists(
    st.sampled_from([b"a", b"", b" ", b"\xff", b"\0", b"\r", "ü".encode(), b"\xef\xbb\xbf"]), max_size=6
)


@settings(
    max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(LINES, LINES, st.sampled_from([b"\n", b"\r\n"]), st.binary(max_size=20))
def test_any_bytes(first: list[bytes], second: list[bytes], end: bytes, tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), t__en=end.join(first) + tail, t__de=b"\n".join(second))
        for choices in (SourceSettings(), SourceSettings(on_bad_row="drop")):
            try:
                rows = read(str(folder / "t"), choices)["train"].rows
            except TunewellError:
                continue
            assert rows == list(stream(str(folder / "t"), choices))
            assert all(set(row.values) == {"de", "en"} for row in rows)


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
def test_multi30k() -> None:
    found = read(str(Path(str(DATA), "multi30k_en_de")))
    assert {split: len(source.rows) for split, source in found.items()} == {
        "train": 29000,
        "validation": 1014,
    }
    assert {source.columns for source in found.values()} == {("en", "de")}
    assert len(found["train"].notes) == 1
    tests = table(Path(str(DATA), "multi30k_en_de", "test_2016_flickr"))
    assert len(tests.rows) == 1000
    assert tests.rows[0].values["de"] == "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt."
