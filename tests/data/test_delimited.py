"""CSV and TSV: what is accepted, what is refused, and exactly where."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.data.sources import Source, SourceSettings, read


def table(tmp_path: Path, content: str | bytes, name: str = "t.csv", **settings: object) -> Source:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(str(path), SourceSettings(**settings))["train"]  # type: ignore[arg-type]


def values(source: Source) -> list[tuple[object, ...]]:
    return [tuple(row.values.values()) for row in source.rows]


def refusal(tmp_path: Path, content: str | bytes, name: str = "t.csv", **settings: object) -> DataError:
    with pytest.raises(DataError) as caught:
        table(tmp_path, content, name, **settings)
    return caught.value


def place(error: DataError) -> str:
    assert error.where is not None
    return error.where.rpartition("/")[2]


def test_quoted_fields_and_record_lines(tmp_path: Path) -> None:
    source = table(tmp_path, 'text,label\n"a, b",x\n"two\nlines ""q""",y\n\nplain,z\n')
    assert values(source) == [("a, b", "x"), ('two\nlines "q"', "y"), ("plain", "z")]
    assert [row.origin.line for row in source.rows] == [2, 3, 6]
    assert source.columns == ("text", "label")
    assert "1 blank lines" in source.notes[0]
    assert source.name == "t"


def test_values_are_never_trimmed_or_converted(tmp_path: Path) -> None:
    source = table(tmp_path, "text,label\n  a  ,01\nNA,\n")
    assert values(source) == [("  a  ", "01"), ("NA", "")]


def test_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    source = table(tmp_path, b'\xef\xbb\xbftext,label\r\na,x\n"b\r\nc",y\r\nd,z')
    assert source.columns == ("text", "label")
    assert values(source) == [("a", "x"), ("b\r\nc", "y"), ("d", "z")]
    assert any("byte order mark" in note for note in source.notes)
    assert any("2 CRLF and 1 LF" in note for note in source.notes)
    assert table(tmp_path, b"text,label\r\na,x\r\n").notes == ()


def test_line_end_inside_a_quoted_field_is_no_mixture(tmp_path: Path) -> None:
    assert table(tmp_path, b'text,label\r\n"a\nb",x\r\n').notes == ()


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ("text,label\na,x\nb\n", "t.csv:3", "1 field where the header has 2"),
        ("text,label\na,x,y\n", "t.csv:2", "3 fields where the header has 2"),
        ('text,label\na "b" c,x\n', "t.csv:2:3", "a quote inside a field that is not quoted"),
        ('text,label\n"a" b,x\n', "t.csv:2:4", "follows the closing quote"),
        ('text,label\na,x\n"never closed,y\nb,z\n', "t.csv:3:1", "never closed"),
        ('text,label\n"open,y\n"b",z\nc,w\n', "t.csv:2:1", "a closing quote is missing"),
        ('text,label\n"ok\nok","bad"x\nb,z\n', "t.csv:3:10", "follows the closing quote"),
        ("text,label\na\0b,x\n", "t.csv:2:2", "NUL"),
        ("text,label\na\rb,x\n", "t.csv:2:2", "carriage return"),
        ("text,\na,x\n", "t.csv:1", "column 2 of the header has no name"),
        (",text\n0,a\n", "t.csv:1", "index=False"),
        ("text,text\na,x\n", "t.csv:1", "names 'text' twice"),
        ("text,label\n", "t.csv", "it has no rows"),
        ("", "t.csv", "empty"),
        ("text;label\na, b;x\nc;y\n", "t.csv:1", "a semicolon, not a comma"),
        ("text\tlabel\na\tx\n", "t.csv:1", "a tab"),
        ("text|label\na|x\n", "t.csv:1", "a vertical bar"),
        (b"text,label\na,x\ncaf\xe9 b,y\n", "t.csv:3:4", "byte 0xe9; likely Latin-1"),
        (b"text,label\n" + "酒店很好,1\n".encode("gb18030"), "t.csv:2:1", "GB18030"),
        (b"text,label\na\xed\xa0\x80,x\n", "t.csv:2:2", "surrogate"),
        ("text,label\na,x\n".encode("utf-16"), "t.csv:1:1", "UTF-16"),
        ("text,label\na,x\n".encode("utf-16-le"), "t.csv:1:1", "UTF-16"),
        ("text,label\na,x\n".encode("utf-32"), "t.csv:1:1", "UTF-32"),
    ],
)
def test_faults_have_their_place(tmp_path: Path, content: str | bytes, where: str, what: str) -> None:
    error = refusal(tmp_path, content)
    assert (place(error), what in error.what) == (where, True), str(error)
    assert error.exit_code == 3


def test_wrong_delimiter_names_the_setting(tmp_path: Path) -> None:
    assert refusal(tmp_path, "text;label\na;x\n").fix == '--set data.delimiter=";"'
    assert values(table(tmp_path, "text;label\na;x\n", delimiter=";")) == [("a", "x")]
    # A single column whose name holds a bar, once, is no sign of one.
    assert values(table(tmp_path, "a|b\nx\ny\n")) == [("x",), ("y",)]


def test_all_problems_come_together(tmp_path: Path) -> None:
    lines = ["text,label"] + [f"row {n},x" if n % 2 else f"row {n}" for n in range(2, 62)]
    error = refusal(tmp_path, "\n".join(lines))
    assert "30 problems" in error.what
    assert "and 10 more" in error.what
    assert "t.csv:2:" in error.what


def test_a_bad_quote_does_not_swallow_good_rows(tmp_path: Path) -> None:
    content = 'text,label\n"open,y\n"b",z\nragged\nc,w\n'
    source = table(tmp_path, content, on_bad_row="drop")
    assert values(source) == [("b", "z"), ("c", "w")]
    assert "2 bad rows were dropped" in source.notes[0]
    assert "2:1" in source.notes[0]
    error = refusal(tmp_path, content)
    assert "2 problems" in error.what


def test_nothing_left_after_dropping(tmp_path: Path) -> None:
    assert "all 1 rows were dropped" in refusal(tmp_path, "text,label\na\n", on_bad_row="drop").what


def test_column_names_mean_no_header(tmp_path: Path) -> None:
    source = table(tmp_path, "3,a\n4,b\n", column_names=("label", "text"))
    assert values(source) == [("3", "a"), ("4", "b")]
    assert source.rows[0].origin.line == 1
    assert "data.column_names has 3" in refusal(tmp_path, "3,a\n", column_names=("a", "b", "c")).what


def test_limit_and_fingerprint(tmp_path: Path) -> None:
    content = "text,label\n" + "".join(f"{n},x\n" for n in range(1000))
    whole, some = table(tmp_path, content), table(tmp_path, content, limit=3)
    assert len(some.rows) == 3
    assert some.fingerprint == whole.fingerprint
    assert table(tmp_path, content + "y,x\n").fingerprint != whole.fingerprint


@pytest.mark.parametrize(
    ("content", "rows", "quoted"),
    [
        ('text\tlabel\nhe said "hi"\t1\n"whole"\t0\n', [('he said "hi"', "1"), ('"whole"', "0")], False),
        ('text\tlabel\n"whole"\t0\n', [('"whole"', "0")], False),
        ('text\tlabel\n"open\t0\nclose"\t1\n', [('"open', "0"), ('close"', "1")], False),
        ('text\tlabel\n"he said ""hi"""\t1\nb\t0\n', [('he said "hi"', "1"), ("b", "0")], True),
        ('text\tlabel\n"a\tb"\t1\n', [("a\tb", "1")], True),
        ('text\tlabel\n"a\nb"\t1\n', [("a\nb", "1")], True),
        ('"text"\t"label"\n"a"\t"1"\n', [("a", "1")], True),
        ('text\tlabel\n"" is empty\t1\n"he ""x"""\t0\n', [('"" is empty', "1"), ('"he ""x"""', "0")], False),
    ],
)
def test_tsv_quoting_is_detected_only_when_plain(
    tmp_path: Path, content: str, rows: list[tuple[str, str]], quoted: bool
) -> None:
    source = table(tmp_path, content, "t.tsv")
    assert values(source) == rows
    assert any("quoted" in note for note in source.notes) is quoted


def test_quoting_can_be_set(tmp_path: Path) -> None:
    content = '"text"\t"label"\n"a"\t"1"\n'
    assert values(table(tmp_path, content, "t.tsv", quoting="none")) == [('"a"', '"1"')]
    assert values(table(tmp_path, 'text\tlabel\n"a"\t1\n', "t.tsv", quoting="double")) == [("a", "1")]
    assert values(table(tmp_path, 'text,label\n5" disk,1\n', quoting="none")) == [('5" disk', "1")]


def test_tsv_faults(tmp_path: Path) -> None:
    error = refusal(tmp_path, "text\tlabel\na\t1\nb\n", "t.tsv")
    assert (place(error), error.what) == ("t.tsv:3", "1 field where the header has 2")
    assert "a comma, not a tab" in refusal(tmp_path, "text,label\na,1\n", "t.tsv").what


@pytest.mark.parametrize(
    "bad", [{"delimiter": "ab"}, {"delimiter": '"'}, {"limit": 0}, {"column_names": ("a", "a")}]
)
def test_bad_settings(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        SourceSettings(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("name", ["t.csv.gz", "t.tsv"])
def test_what_csv_writes_is_read_back(tmp_path: Path, quoting: int, name: str) -> None:
    rows = [
        ("plain", "0"),
        ('say "hi", now', "1"),
        ("two\nlines\tand a tab", "0"),
        ("", "1"),
        ("emoji 🙂 ü", "ß"),
    ]
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="," if "csv" in name else "\t", quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([("text", "label"), *rows])
    content = buffer.getvalue().encode()
    assert values(table(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)) == rows


def test_many_open_quotes_stay_linear(tmp_path: Path) -> None:
    """Ten thousand lines that each open a quote; quadratic reading would take minutes."""
    error = refusal(tmp_path, "text,label\n" + '"abc,1\n' * 9_000)
    assert "problems" in error.what
    refusal(tmp_path, "text,label\n" + 'a,"b\n' + '"" x,1\n' * 9_000)


def test_a_long_line_is_refused_without_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewell.data.reading.MAX_LINE_BYTES", 100)
    error = refusal(tmp_path, "text,label\n" + "a" * 200 + ",x\nb,y\n")
    assert place(error) == "t.csv:2"
    error = refusal(tmp_path, 'text,label\n"' + "a\n" * 100 + '",x\nb,y\n', quoting="double")
    assert "never closed within 100" in str(error)
