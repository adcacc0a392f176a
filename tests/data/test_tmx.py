"""TMX: units to rows, what of a segment is text, what is refused and where; any bytes at all."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewell.core.errors import ConfigError, DataError, TunewellError
from tunewell.data.sources import Source, SourceSettings, read, stream

HEAD = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">\n<header srclang="en"/><body>\n'
TAIL = "</body></tmx>\n"


def unit(**segments: str) -> str:
    """A unit on one line; `__` in a language is `-`."""
    variants = "".join(
        f'<tuv xml:lang="{code.replace("__", "-")}"><seg>{text}</seg></tuv>'
        for code, text in segments.items()
    )
    return f"<tu>{variants}</tu>\n"


def table(folder: Path, content: str | bytes, name: str = "t.tmx", **choices: Any) -> Source:
    path = folder / name
    raw = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    source = read(str(path), SourceSettings(**choices))["train"]
    notes: list[str] = []
    assert list(stream(str(path), SourceSettings(**choices), notes=notes)) == source.rows
    assert tuple(notes) == source.notes
    return source


def refusal(folder: Path, content: str | bytes, **choices: Any) -> str:
    with pytest.raises(DataError) as caught:
        table(folder, content, **choices)
    return str(caught.value)


@pytest.mark.parametrize("name", ["t.tmx", "T.TMX.gz", "t.xml"])
def test_units(tmp_path: Path, name: str) -> None:
    content = HEAD + unit(de="Hallo &amp; gut", en="Hi &#x263A;") + "\n" + unit(en="Two", de="Zwei") + TAIL
    source = table(tmp_path, content, name, format="tmx" if name == "t.xml" else None)
    assert source.columns == ("en", "de")
    assert [dict(row.values) for row in source.rows] == [
        {"en": "Hi ☺", "de": "Hallo & gut"},
        {"en": "Two", "de": "Zwei"},
    ]
    assert [list(row.values) for row in source.rows] == [["en", "de"]] * 2
    assert [row.origin.line for row in source.rows] == [5, 7]
    assert source.notes == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1", "windows-1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    declared = "" if encoding.startswith("utf") else f' encoding="{encoding}"'
    content = HEAD.replace('"1.0"', f'"1.0"{declared}') + unit(en="é", de="ü") * 3 + TAIL
    assert table(tmp_path, content.encode(encoding)).rows[2].values == {"en": "é", "de": "ü"}


def test_segments(tmp_path: Path) -> None:
    marked = '<bpt i="1">&lt;b&gt;</bpt>A <hi>new</hi><ept i="1">&lt;/b<sub>x</sub>&gt;</ept> line<ph/>'
    broken = "\n   one\n   two  three\n  "
    content = HEAD + unit(en=marked, de=broken) + unit(en="<![CDATA[<i>]]>", de="<other>kept</other>") + TAIL
    source = table(tmp_path, content)
    assert [tuple(row.values.values()) for row in source.rows] == [
        ("A new line", "one two  three"),
        ("<i>", "kept"),
    ]
    assert [note.partition(": ")[2] for note in source.notes] == [
        "3 segments held codes of formatting, which were left out",
        "1 segment held line breaks, each of which became one blank",
    ]


def test_languages(tmp_path: Path) -> None:
    content = HEAD.replace('srclang="en"', 'srclang="EN-us"')
    content += unit(de="d", en__US="e", fr="f") + unit(en__us="E", de="D") + unit(en="e", fr="F")
    content += '<tu><tuv lang="de"><seg>old</seg></tuv><tuv lang="de"><seg>other</seg></tuv></tu>\n' + TAIL
    source = table(tmp_path, content)
    assert source.columns == ("en-US", "de", "fr", "en")
    assert [dict(row.values) for row in source.rows] == [
        {"en-US": "e", "de": "d", "fr": "f"},
        {"en-US": "E", "de": "D"},
        {"en": "e", "fr": "F"},
        {"de": "old"},
    ]
    assert "1 unit had several variants" in source.notes[0]
    assert "1 segment had its language spelt in another way" in source.notes[1]


def test_several_units_on_one_line(tmp_path: Path) -> None:
    content = HEAD.replace("\n", "") + unit(en="a", de="x").strip() * 3 + TAIL
    source = table(tmp_path, content)
    assert [row.values.get("id") for row in source.rows] == [None, "1.2", "1.3"]
    assert {row.origin.line for row in source.rows} == {1}


FAULTS = {
    "without xml:lang": "<tu><tuv><seg>x</seg></tuv></tu>\n",
    "a unit (<tu>) without a segment": '<tu><tuv xml:lang="en"><prop>x</prop></tuv></tu>\n',
    "&nbsp; on line 6 is not declared": unit(en="a&nbsp;b", de="c"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_bad_units(tmp_path: Path, what: str) -> None:
    good = unit(en="a", de="x")
    content = HEAD + good + FAULTS[what] + good + TAIL
    told = refusal(tmp_path, content)
    assert told.startswith(f"{tmp_path / 't.tmx'}:6: ")
    assert what in told
    kept = table(tmp_path, content, on_bad_row="drop")
    assert [row.origin.line for row in kept.rows] == [5, 7]
    assert "1 bad row was dropped" in kept.notes[-1]


BROKEN = {
    "not XML: mismatched tag": (HEAD + "<tu></tuv></tu>" + TAIL, 5),
    "not XML: no element found": (HEAD + unit(en="a", de="x"), 6),
    "not XML: not well-formed": ((HEAD + "<tu>").encode() + b"\xff</tu>", 5),
    "not XML: multi-byte encodings": (HEAD.replace('"1.0"', '"1.0" encoding="gb18030"') + TAIL, 1),
    "not XML: unknown encoding": (HEAD.replace('"1.0"', '"1.0" encoding="nosuch"') + TAIL, 1),
    "<xliff>, not <tmx>": ("<xliff/>", 1),
    "not XML: no element": ("", 1),
    "not XML: syntax error": ("source\ttarget\n", 1),
    "declares an entity, 'a'": (HEAD.replace('SYSTEM "tmx14.dtd"', '[<!ENTITY a "aaaa">]') + TAIL, 2),
    "declares an entity, 'b'": (
        HEAD.replace('SYSTEM "tmx14.dtd"', '[<!ENTITY b SYSTEM "/etc/passwd">]') + TAIL,
        2,
    ),
    "declares an entity, 'p'": (HEAD.replace('SYSTEM "tmx14.dtd"', '[<!ENTITY % p "x"> %p;]') + TAIL, 2),
    "nothing to read: it has no rows": (HEAD + TAIL, None),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("on_bad_row", ["fail", "drop"])
def test_what_cannot_be_read_at_all(tmp_path: Path, what: str, on_bad_row: str) -> None:
    content, line = BROKEN[what]
    told = refusal(tmp_path, content, on_bad_row=on_bad_row)
    assert what in told
    assert told.startswith(f"{tmp_path / 't.tmx'}:" + ("" if line is None else f"{line}:"))


def test_undeclared_entities_without_a_doctype(tmp_path: Path) -> None:
    told = refusal(tmp_path, HEAD.replace('<!DOCTYPE tmx SYSTEM "tmx14.dtd">', "") + unit(en="&nbsp;") + TAIL)
    assert "undefined entity" in told
    assert "write the character itself" in told


def test_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewell.data.reading.MAX_LINE_BYTES", 100_000)
    long = HEAD + unit(en="a", de="x") + unit(en="b" * 100_001, de="x") + TAIL
    assert "t.tmx:6: a segment is longer than 100,000 characters" in refusal(tmp_path, long)
    assert len(table(tmp_path, long, on_bad_row="drop").rows) == 1
    assert "a tag is longer than 100,000 bytes" in refusal(
        tmp_path, HEAD + f'<tu a="{"x" * 400_000}"/>' + TAIL
    )
    deep = HEAD + unit(en="<hi>" * 20_000 + "x" + "</hi>" * 20_000, de="y") + TAIL
    assert table(tmp_path, deep).rows[0].values["en"] == "x"


def test_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no effect"):
        table(tmp_path, HEAD + TAIL, column_names=("a", "b"))
    with pytest.raises(ConfigError, match="no format of lines"):
        list(stream("-", SourceSettings(format="tmx")))
    many = HEAD + unit(en="a", de="x") * 3000 + TAIL
    assert len(table(tmp_path, many, limit=2500).rows) == 2500
    for split in ("train", "dev"):
        (tmp_path / f"{split}.tmx").write_text(many)
    (tmp_path / "t.tmx").unlink()
    assert {split: len(source.rows) for split, source in read(str(tmp_path)).items()} == {
        "train": 3000,
        "validation": 3000,
    }


VALID = (
    HEAD + unit(en="a &amp; <ph>x</ph>", de="ü") + "<tu><note>n</note></tu>\n" + unit(de="z", en="y") + TAIL
).encode()
PIECES = [
    b"<tu>",
    b"</tu>",
    b"<seg>",
    b"</seg>",
    b"<tuv>",
    b"</tuv>",
    b"<ph>",
    b"</ph>",
    b"&x;",
    b"<",
    b"\xff",
    b"\0",
    b"]]>",
    b"\n",
]


@settings(
    max_examples=250, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(st.data())
def test_any_bytes(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([VALID, VALID.decode().encode("utf-16"), b""])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        end = min(len(content), place + data.draw(st.integers(0, 6)))
        content[place:end] = data.draw(st.sampled_from(PIECES) | st.binary(max_size=4))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.tmx")
        path.write_bytes(bytes(content))
        for choices in (SourceSettings(), SourceSettings(on_bad_row="drop")):
            try:
                rows = read(str(path), choices)["train"].rows
            except TunewellError:
                continue
            assert rows == list(stream(str(path), choices))
            assert all(isinstance(value, str) for row in rows for value in row.values.values())
