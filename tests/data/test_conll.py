"""Files of columns: one word a line, sentences apart; what a layout is judged by; what is refused and where."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.config import DataSettings
from tunewell.core.errors import ConfigError, DataError
from tunewell.data.sources import Source, SourceSettings, read, stream
from tunewell.dataset import like_training, read_sources, source_settings

CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
. . O O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- -X- O

BRUSSELS NNP B-NP B-LOC
1996-08-22 CD I-NP O
"""
GERMEVAL = """#\thttp://de.example.org/wiki/Manfred\t[2009-10-17]
1\tAufgrund\tO\tO
2\tMainz\tB-LOC\tO

#\thttp://de.example.org/wiki/Uni\t[2009-10-18]
1\tUni\tB-ORG\tO
2\tMainz\tI-ORG\tB-LOC
3\t.\tO\tO
"""


def table(folder: Path, content: str | bytes, name: str = "t.conll", **choices: Any) -> Source:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = read(str(path), SourceSettings(**choices))["train"]
    notes: list[str] = []
    assert list(stream(str(path), SourceSettings(**choices), notes=notes)) == source.rows
    assert tuple(notes) == source.notes
    return source


def refusal(folder: Path, content: str | bytes, name: str = "t.conll", **choices: Any) -> DataError:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        read(str(path), SourceSettings(**choices))
    return caught.value


def sentences(source: Source) -> list[dict[str, Any]]:
    return [dict(row.values) for row in source.rows]


PLAIN = [
    {"tokens": ["Ada", "sings"], "tags": ["B-PER", "O"]},
    {"tokens": ["Bonn"], "tags": ["B-LOC"]},
]


@pytest.mark.parametrize(
    "content",
    [
        "Ada\tB-PER\nsings\tO\n\nBonn\tB-LOC\n",
        "Ada\tB-PER\nsings\tO\n\nBonn\tB-LOC",  # no last line end
        "Ada B-PER\nsings O\n\nBonn B-LOC\n\n",
        "Ada   B-PER\nsings\t O \n \t \n\n\nBonn \t B-LOC\n\n\n",  # parted by runs of blanks
        "\n\nAda\tB-PER\nsings\tO\n \nBonn\tB-LOC\n",
        "Ada\tB-PER\r\nsings\tO\r\n\r\nBonn\tB-LOC\r\n",
    ],
)
@pytest.mark.parametrize("name", ["t.conll", "t.bio", "t.iob", "t.iob2", "T.CONLL", "t.conll.gz"])
def test_sentences(tmp_path: Path, content: str, name: str) -> None:
    raw = gzip.compress(content.encode()) if name.endswith(".gz") else content.encode()
    source = table(tmp_path, raw, name)
    assert sentences(source) == PLAIN
    assert source.columns == ("tokens", "tags")
    assert source.notes == ()
    lines = [line.split()[:1] for line in content.splitlines()]
    assert [row.origin.line for row in source.rows] == [lines.index(["Ada"]) + 1, lines.index(["Bonn"]) + 1]
    assert source.name.lower() == "t"


def test_mark_and_mixed_line_ends_are_noted(tmp_path: Path) -> None:
    source = table(tmp_path, b"\xef\xbb\xbfAda\tB-PER\r\nsings\tO\n\nBonn\tB-LOC\n")
    assert sentences(source) == PLAIN
    assert "byte order mark" in source.notes[0]
    assert "1 CRLF and 3 LF" in source.notes[1]


def test_conll_2003(tmp_path: Path) -> None:
    source = table(tmp_path, CONLL_2003)
    assert source.columns == ("tokens", "column_2", "column_3", "tags")
    assert [row.values["tokens"] for row in source.rows] == [
        ["EU", "rejects", "."],
        ["Peter", "Blackburn"],
        ["BRUSSELS", "1996-08-22"],
    ]
    assert source.rows[1].values["column_3"] == ["B-NP", "I-NP"]
    assert source.rows[1].values["tags"] == ["B-PER", "I-PER"]
    assert [row.origin.line for row in source.rows] == [3, 7, 12]
    assert "column_2, column_3" in source.notes[0]
    names = ("word", "pos", "chunk", "ner")
    named = table(tmp_path, CONLL_2003, column_names=names)
    assert named.columns == names
    assert named.notes == ()
    assert named.rows[1].values["ner"] == ["B-PER", "I-PER"]


def test_documents_may_stand_close(tmp_path: Path) -> None:
    source = table(tmp_path, "-DOCSTART- O\na O\n-DOCSTART- O\nb B-X\nc O\n\n-DOCSTART- (2)\n")
    assert [row.values["tokens"] for row in source.rows] == [["a"], ["b", "c"]]
    assert [row.origin.line for row in source.rows] == [2, 4]


def test_germeval(tmp_path: Path) -> None:
    source = table(tmp_path, GERMEVAL)
    assert sentences(source)[1] == {
        "tokens": ["Uni", "Mainz", "."],
        "column_3": ["B-ORG", "I-ORG", "O"],
        "tags": ["O", "B-LOC", "O"],
    }
    assert source.rows[1].origin.line == 6
    assert "counts the words" in source.notes[0]
    assert "2 lines were skipped as comments" in source.notes[-1]
    lost = refusal(tmp_path, GERMEVAL.replace("2\tMainz\tI-ORG\tB-LOC\n", ""))
    assert str(lost.where).endswith("t.conll:7")
    assert "the word's number is '3', where 2 is due" in lost.what
    named = table(tmp_path, GERMEVAL, column_names=("n", "word", "outer", "inner"))
    assert named.rows[0].values["n"] == ["1", "2"]


def test_numbers_that_count_nothing(tmp_path: Path) -> None:
    """Words that are numbers stay words: alone, before tags, or out of step."""
    for content in ("1\tO\n\n1\tB-X\n", "1\tO\n2\tB-X\n\n1\tO\n", "1\tCD\tO\n3\tCD\tB-X\n"):
        assert table(tmp_path, content).rows[0].values["tokens"][0] == "1"
    counted = table(tmp_path, "1\tHi\n2\tAda\n\n1\tBye\n")
    assert sentences(counted) == [{"tokens": ["Hi", "Ada"]}, {"tokens": ["Bye"]}]


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("# id 7\nAda\tB-PER\n\n#\tO\nx\tO\n", [["Ada"], ["#", "x"]]),
        ("# id 7\n# domain=en\nAda B-PER\n\n# O\nx O\n", [["Ada"], ["#", "x"]]),
        ("# text B-side\nAda B-PER\nx O\n\n# B-NEW\ny O\n", [["Ada", "x"], ["#", "y"]]),
        ("#Russia\tB-LOC\n\nAda\tB-PER\n", [["#Russia"], ["Ada"]]),
        ("#sent=3\nAda\tB-PER\n#\tO\n# \tO\n#Russia\tO\n", [["Ada", "#", "#", "#Russia"]]),
        ("#begin document (a); part 0\nAda B-PER\n\n#end document\n", [["Ada"]]),
        ("# id 7\tdomain=en\nAda _ _ B-PER\n\n# id 8\tdomain=en\nx _ _ O\n# _ _ O\n", [["Ada"], ["x", "#"]]),
        ("#a\tO\n\n#b\tB-X\n", [["#a"], ["#b"]]),  # no line without #
        ("#\nx\n\n#a\n# a comment\n", None),
    ],
)
def test_comments_and_hash_words(tmp_path: Path, content: str, tokens: list[list[str]] | None) -> None:
    if tokens is None:  # inside a sentence a comment is a ragged line
        assert str(refusal(tmp_path, content).where).endswith(":5")
        return
    source = table(tmp_path, content)
    assert [row.values["tokens"] for row in source.rows] == tokens
    num_comments = sum(not line.startswith("-") for line in content.splitlines() if line) - sum(
        map(len, tokens)
    )
    told = [note for note in source.notes if "as comments" in note]
    assert len(told) == (num_comments > 0)
    assert not told or told[0].startswith(f"{num_comments} line")


def test_first_comment_is_shown(tmp_path: Path) -> None:
    """A word whose tag was lost may look like a comment: it is not dropped in silence."""
    note = table(tmp_path, "Ada\tB-PER\n\n#Russia\nwins\tO\n").notes[0]
    assert "line 3: #Russia" in note


def test_odd_white_space_is_part_of_words(tmp_path: Path) -> None:
    words = ["New\u00a0York", "\u3000", "a\u2028b", "\u200b", "c\x0bd", "\u0085", "\ufeff"]
    for mark in ("\t", " "):
        source = table(tmp_path, "".join(f"{word}{mark}O\n" for word in words) + f"\nBonn{mark}B-LOC\n")
        assert source.rows[0].values["tokens"] == words
        assert source.rows[0].values["tags"] == ["O"] * len(words)


def test_blanks_in_words_parted_by_tabs(tmp_path: Path) -> None:
    source = table(tmp_path, "New York\tB-LOC\n \tO\n1 000 000\tO\nis \tO \n\na\tO\n")
    assert source.rows[0].values["tokens"] == ["New York", " ", "1 000 000", "is"]
    assert source.rows[0].values["tags"] == ["B-LOC", "O", "O", "O"]


def test_one_column(tmp_path: Path) -> None:
    source = table(tmp_path, "Ada\nsings\n\nBonn\n")
    assert sentences(source) == [{"tokens": ["Ada", "sings"]}, {"tokens": ["Bonn"]}]
    assert source.columns == ("tokens",)
    assert table(tmp_path, "Ada\n\nBonn\n", column_names=("word",)).rows[1].values == {"word": ["Bonn"]}


RAGGED = [
    ("sings", "1 column where the other lines have 2"),
    ("sings\tO\tO", "3 columns where the other lines have 2"),
    ("\tO", "column 1 is empty"),
    ("sings\t", "column 2 is empty"),
    ("si\rngs\tO", "carriage return"),
    ("sin\0gs\tO", "NUL"),
    ("sin\udcffgs\tO", "not UTF-8"),
]


@pytest.mark.parametrize(("bad", "what"), RAGGED)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_bad_lines(tmp_path: Path, bad: str, what: str, place: int) -> None:
    good = ["Ada\tB-PER", "met\tO", "Bob\tB-PER"]
    lines = [*good[:place], bad, *good[place + 1 :]]
    blocks = [good, good, lines, good]
    content = "\n\n".join("\n".join(block) for block in blocks).encode("utf-8", "surrogateescape")
    error = refusal(tmp_path, content)
    assert f"{error.where}:".split("t.conll:")[1].split(":")[0] == str(9 + place)
    assert what in error.what
    assert error.fix
    source = table(tmp_path, content, on_bad_row="drop")
    assert len(source.rows) == 3
    assert [row.origin.line for row in source.rows] == [1, 5, 13]
    assert "1 bad row was dropped" in source.notes[-1]
    assert f"t.conll:{9 + place}" in source.notes[-1]


def test_dropped_sentences_are_counted_once(tmp_path: Path) -> None:
    content = b"a\tO\n\nb\nc\nd\xff\tO\n\ne\tO\n\nf\tO\ng\tO\tO\nh\n\ni\tO\nj\tO\nk\tB-X\n"
    source = table(tmp_path, content, on_bad_row="drop")
    assert [row.values["tokens"] for row in source.rows] == [["a"], ["e"], ["i", "j", "k"]]
    assert "2 bad rows were dropped" in source.notes[-1]
    error = refusal(tmp_path, content)
    for line in (3, 4, 5, 10, 11):
        assert f"t.conll:{line}" in error.what
    everything = refusal(tmp_path, "a\tO\nb\n\nc\tO\nd\ne\tO\n", on_bad_row="drop")
    assert "all 2 rows were dropped" in everything.what


def test_stream_stops_at_the_bad_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.conll"
    path.write_text("a\tO\n\n" * 2000 + "b\n" + "\nc\tO\n" * 10)
    rows = stream(str(path))
    assert sum(1 for _ in zip(range(2000), rows, strict=False)) == 2000
    with pytest.raises(DataError, match="1 column") as caught:
        next(rows)
    assert str(caught.value.where).endswith(":4001")


def test_a_separator_is_judged_by_most_lines(tmp_path: Path) -> None:
    mixed = table(tmp_path, "Ada\tB-PER\nmet O\nBob B-PER\n\nBonn  B-LOC\n")
    assert mixed.rows[0].values["tokens"] == ["Ada", "met", "Bob"]
    aligned = table(tmp_path, "Ada\t\tB-PER\nencountered\tO\nBob\t\tB-PER\n")
    assert aligned.rows[0].values["tags"] == ["B-PER", "O", "B-PER"]
    error = refusal(tmp_path, "New York\tB-LOC\n" * 9 + "\nLos Angeles\n")
    assert str(error.where).endswith(":11")
    assert "a tab" in str(error.fix)


def test_column_names_must_fit(tmp_path: Path) -> None:
    for names in (("a",), ("a", "b", "c")):
        with pytest.raises(ConfigError, match=f"names {len(names)} column") as caught:
            table(tmp_path, "Ada\tB-PER\n\nBonn\tB-LOC\n", column_names=names)
        assert caught.value.where == "data.column_names"
    spaced = "New York\tB-LOC\nLos Angeles\tB-LOC\n"
    assert table(tmp_path, spaced, column_names=("w", "t")).rows[0].values["w"] == ["New York", "Los Angeles"]
    error = refusal(tmp_path, "a\tO\nb\nc\tO\n", column_names=("w", "t"))
    assert "data.column_names has 2" in error.what
    for settings_ in ({"delimiter": ","}, {"quoting": "none"}):
        with pytest.raises(ConfigError, match=r"has no effect on a \.conll file"):
            table(tmp_path, "a\tO\n", **settings_)


def test_header_line(tmp_path: Path) -> None:
    content = "token\ttag\n" + "Ada\tB-PER\nmet\tO\nBob\tB-PER\nin\tO\nBonn\tB-LOC\n\n" * 3
    error = refusal(tmp_path, content)
    assert str(error.where).endswith(":1")
    assert "a header?" in error.what
    parts_of_speech = "token\ttag\n" + "Ada\tNOUN\nmet\tVERB\n\n" * 9
    assert len(table(tmp_path, parts_of_speech).rows) == 9  # tags of any kind: nobody can know


def test_nothing_in_it(tmp_path: Path) -> None:
    for content in ("", "\n\n \n", "-DOCSTART-\n\n"):
        assert "nothing to read" in refusal(tmp_path, content).what


def test_no_blank_line_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "word\tO\n" * 1500
    note = table(tmp_path, long + "Ada\tB-PER\n").notes[-1]
    assert "no blank line in 1,501 words from line 1" in note
    assert table(tmp_path, ("word\tO\n" * 100 + "\n") * 20).notes == ()
    monkeypatch.setattr("tunewell.data.reading.MAX_LINE_BYTES", 2**10)
    content = f"Ada\tB-PER\n\n{long}\nBonn\tB-LOC\n"
    error = refusal(tmp_path, content)
    assert "more than 1,024 characters without a blank line" in error.what
    assert str(error.where).endswith(":3")
    kept = table(tmp_path, content, on_bad_row="drop")
    assert [row.values["tokens"] for row in kept.rows] == [["Ada"], ["Bonn"]]
    assert "1 bad row was dropped" in kept.notes[-1]


def test_too_long_a_line_is_no_blank_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewell.data.reading.MAX_LINE_BYTES", 100)
    content = "a\tO\nb\tO\n" + "x" * 200 + "\tO\nc\tO\n\nd\tB-X\n"
    assert str(refusal(tmp_path, content).where).endswith(":3")
    kept = table(tmp_path, content, on_bad_row="drop")
    assert [row.values["tokens"] for row in kept.rows] == [["d"]]


@pytest.mark.parametrize("name", ["train.txt", "train.tsv", "train.txt.gz"])
@pytest.mark.parametrize(
    "content", [CONLL_2003, GERMEVAL, "Ada\tB-PER\nsings\tO\n\nBonn\tO\n", "a b U-X\nc d O\n\ne f O"]
)
def test_columns_under_another_name(tmp_path: Path, name: str, content: str) -> None:
    raw = gzip.compress(content.encode()) if name.endswith(".gz") else content.encode()
    found = table(tmp_path, raw, name)
    same = table(tmp_path, content, "t.conll")
    assert sentences(found) == sentences(same)
    assert found.columns == same.columns
    assert "was read as such" in found.notes[0]
    assert len(found.notes) == len(same.notes) + 1


@pytest.mark.parametrize(
    "content",
    [
        "Ada\tB-PER\nsings\tO\n",  # one sentence
        "Ada\tO\nsings\tO\n\nBonn\tO\n",  # no tag but O
        "Ada\tNOUN\nsings\tVERB\n\nBonn\tNOUN\n",  # not of entities
        "text\tlabel\nAda\tO\n\nBonn\tB-LOC\n",  # a header
        "a good film\tB-side\nfine\tO\n\nso so\tthing\n",
        "B-PER\nO\n\nB-LOC\n",  # one column
        "It was an O\nnot a B-PER really\n\nblood type O\n",
        "great film\tB-1\n\ndull one\tB-1\nso so\tO\n",  # texts with a label, and a blank line by chance
        "great\tB-1\n\ndull\tB-2\n\nfine\tO\n",
        "Vitamin B-12\n\nFlight O\n\nThe B-side\n",
    ],
)
@pytest.mark.parametrize("name", ["t.txt", "t.tsv"])
def test_other_texts_and_tables_stay_as_they_are(tmp_path: Path, name: str, content: str) -> None:
    choices: dict[str, Any] = {"on_bad_row": "drop"} if name == "t.tsv" else {}
    source = table(tmp_path, content, name, **choices)
    assert all(isinstance(value, str) for row in source.rows for value in row.values.values())
    assert not any("read as such" in note for note in source.notes)


def test_other_settings_keep_a_table(tmp_path: Path) -> None:
    """Whoever says how a file is delimited, or what it is, is believed."""
    content = "w\tO\nAda\tB-PER\n\nBonn\tB-LOC\n"
    assert table(tmp_path, content, "t.tsv", quoting="none").columns == ("w", "O")
    assert table(tmp_path, content, "t.tsv", format="tsv").columns == ("w", "O")
    assert table(tmp_path, content, "t.txt", format="txt").columns == ("text",)
    assert table(tmp_path, content, "t.tsv", column_names=("a", "b")).rows[1].values["a"] == ["Bonn"]


def test_a_ragged_line_far_down_does_not_hide_the_columns(tmp_path: Path) -> None:
    content = "Ada\tB-PER\nsings\tO\n\n" * 60
    error = refusal(tmp_path, content + "lost\n\n", "t.txt")
    assert str(error.where).endswith("t.txt:181")


def test_format_overrides_the_ending(tmp_path: Path) -> None:
    assert (
        sentences(table(tmp_path, "Ada\tB-PER\nsings\tO\n\nBonn\tB-LOC\n", "eng.train", format="conll"))
        == PLAIN
    )
    gz = gzip.compress(b"Ada B-PER\nsings O\n\nBonn B-LOC\n")
    assert sentences(table(tmp_path, gz, "eng.testa.gz", format="conll")) == PLAIN
    assert table(tmp_path, "text,label\na,b\n", "t.data", format="csv").rows[0].values == {
        "text": "a",
        "label": "b",
    }
    assert table(tmp_path, "text|label\na|b\n", "t", format="csv", delimiter="|").columns == ("text", "label")
    assert table(tmp_path, '{"a": "x"}\n', "t.log", format="jsonl").rows[0].values == {"a": "x"}
    assert table(tmp_path, '[{"a": "x"}]\n', "t.txt", format="json").rows[0].values == {"a": "x"}
    assert table(tmp_path, "one\ntwo\n", "README", format="txt").rows[1].values == {"text": "two"}
    assert "data.format" in str(refusal(tmp_path, "x", "eng.train").fix)
    with pytest.raises(DataError, match="no such file"):
        read(str(tmp_path / "eng.trian"), SourceSettings(format="conll"))
    with pytest.raises(DataError, match="no such file"):
        read("eng.trian", SourceSettings(format="conll"))


def test_folder_with_a_format(tmp_path: Path) -> None:
    for name, word in (("eng.train", "a"), ("eng.testa", "b"), ("eng.testb", "c"), ("README", "d")):
        (tmp_path / name).write_text(f"{word} O\n\n{word} B-X\n")
    found = read(str(tmp_path), SourceSettings(format="conll"))
    assert {split: source.rows[0].values["tokens"] for split, source in found.items()} == {
        "train": ["a"],
        "validation": ["b"],
        "test": ["c"],
    }
    with pytest.raises(DataError, match="no train, validation or test file"):
        read(str(tmp_path))


def test_format_goes_with_files_that_say_none() -> None:
    data = DataSettings(train="d/eng.train", format="conll", column_names=["w", "p", "c", "t"])
    assert source_settings(data).format == "conll"
    for like in ("d/eng.testa", "e/eng.train", "folder", "x.testb.gz"):
        assert like_training(data, like) == data
    for other in ("texts.txt", "t.jsonl", "b.tsv.gz", "-"):
        changed = like_training(data, other)
        assert (changed.format, changed.column_names) == (None, None)
    assert like_training(DataSettings(train="folder", format="conll"), "-").format is None


def test_format_holds_for_validation_and_test_files(tmp_path: Path) -> None:
    for name, word in (("eng.train", "a"), ("eng.testa", "b")):
        (tmp_path / name).write_text(f"{word} O\n\n{word} B-X\n")
    (tmp_path / "test.jsonl").write_text('{"tokens": ["c"], "tags": ["O"]}\n')
    data = DataSettings(
        train=str(tmp_path / "eng.train"),
        validation=str(tmp_path / "eng.testa"),
        test=str(tmp_path / "test.jsonl"),
        format="conll",
    )
    found = read_sources(data)
    assert [found[split].rows[0].values["tokens"] for split in found] == [["a"], ["b"], ["c"]]


def test_standard_input_with_a_format(monkeypatch: pytest.MonkeyPatch) -> None:
    def given_bytes(content: bytes, **choices: Any) -> list[Any]:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        return [row.values for row in stream("-", SourceSettings(**choices))]

    assert given_bytes(b"Ada\nsings\n\nBonn\n", format="conll") == [
        {"tokens": ["Ada", "sings"]},
        {"tokens": ["Bonn"]},
    ]
    assert given_bytes(b"text,label\na,b\n", format="csv") == [{"text": "a", "label": "b"}]
    assert given_bytes(b'{"a": 1}\n', format="txt") == [{"text": '{"a": 1}'}]
    assert given_bytes(b'{"a": 1}\n', format="jsonl") == [{"a": 1}]
    with pytest.raises(ConfigError, match="line by line"):
        given_bytes(b"[]", format="json")
    with pytest.raises(DataError, match="JSON"):
        given_bytes(b"plain\n", format="jsonl")


WORD = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\t "), min_size=1, max_size=6
)
TAG = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC"])
SENTENCES = st.lists(st.lists(st.tuples(WORD, TAG), min_size=1, max_size=5), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(SENTENCES, st.sampled_from(["\t", " "]), st.sampled_from(["\n", "\r\n"]))
def test_round_trip(written: list[list[tuple[str, str]]], mark: str, end: str) -> None:
    """Whatever is written is read back, but for words that mean something else in such files."""
    import tempfile

    words = [word for sentence in written for word, _ in sentence]
    if any(word.startswith(("#", "-DOCSTART-", "\ufeff")) for word in words):
        return
    content = (end + end).join(end.join(mark.join(pair) for pair in sentence) for sentence in written) + end
    with tempfile.TemporaryDirectory() as folder:
        source = table(Path(folder), content)
    assert [
        list(zip(row.values["tokens"], row.values["tags"], strict=True)) for row in source.rows
    ] == written
