"""CoNLL-U: words, texts put together from them, and what is refused and where."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.data.conllu import COLUMNS
from tunewell.data.sources import Source, SourceSettings, read, stream


def line(number: str, form: str, misc: str = "_", upos: str = "X") -> str:
    return "\t".join([number, form, form.lower(), upos, "XP", "F=1", "0", "root", "_", misc]) + "\n"


SAMPLE = (
    "# newdoc id = d\n# sent_id = d-1\n# text = They don't buy.\n"
    + line("1", "They", upos="PRON")
    + line("2-3", "don't")
    + line("2", "do")
    + line("3", "n't")
    + line("4", "buy", "SpaceAfter=No", upos="VERB")
    + line("4.1", "things")
    + line("5", ".", "Ref=1|SpaceAfter=No", upos="PUNCT")
    + "\n# sent_id = d-2\n"
    + line("0.1", "It")
    + line("1", "10 000")
    + line("2-3", "del", "SpaceAfter=No")
    + line("2", "de")
    + line("3", "el")
    + line("4", "!")
    + "\n"
)


def table(folder: Path, content: str | bytes, name: str = "t.conllu", **choices: Any) -> Source:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = read(str(path), SourceSettings(**choices))["train"]
    notes: list[str] = []
    assert list(stream(str(path), SourceSettings(**choices), notes=notes)) == source.rows
    assert tuple(notes) == source.notes
    return source


def assert_words_are_slices(values: Any) -> None:
    position = 0
    for word in values["tokens"]:
        start = values["text"].index(word, position)
        assert values["text"][position:start] in ("", " ")
        position = start + len(word)
    assert position == len(values["text"])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["t.conllu", "t.conllu.gz", "t.data"])
def test_sentences(tmp_path: Path, end: str, name: str) -> None:
    raw = SAMPLE.replace("\n", end).encode()
    content = gzip.compress(raw) if name.endswith(".gz") else raw
    source = table(tmp_path, content, name, format="conllu" if name == "t.data" else None)
    assert source.columns == ("id", "text", *COLUMNS)
    first, second = (row.values for row in source.rows)
    assert first["id"] == "d-1"
    assert first["tokens"] == ["They", "do", "n't", "buy", "."]
    assert first["text"] == "They don't buy."
    assert first["upos"] == ["PRON", "X", "X", "VERB", "PUNCT"]
    assert first["lemma"] == ["they", "do", "n't", "buy", "."]
    assert (first["xpos"][0], first["feats"][0], first["deprel"][0]) == ("XP", "F=1", "root")
    assert second["tokens"] == ["10 000", "de", "el", "!"]
    assert second["text"] == "10 000 de el!"
    for row in source.rows:
        assert_words_are_slices(row.values)
    assert [row.origin.line for row in source.rows] == [4, 14]
    assert source.notes == ()


def test_without_ids_and_last_blank_line(tmp_path: Path) -> None:
    source = table(
        tmp_path, "\n\n# a comment alone\n\n" + line("1", "Hi") + "\n" + line("1", "Bye").rstrip("\n")
    )
    assert source.columns == ("text", *COLUMNS)
    assert [row.values["text"] for row in source.rows] == ["Hi", "Bye"]
    assert "id" not in source.rows[0].values
    marked = table(tmp_path, b"\xef\xbb\xbf" + SAMPLE.encode())
    assert marked.rows[0].values["id"] == "d-1"
    assert "byte order mark" in marked.notes[0]


FAULTS = {
    "8 columns where CoNLL-U has 10": line("2", "b").replace("\t_", ""),
    "1 column where": "2 b b X\n",
    "number is 3, where 2 is due": line("3", "b"),
    "number is 1, where 2 is due": line("1", "b"),
    "'x' is no number": line("x", "b"),
    "'2-2' where word 2 is due": line("2-2", "b"),
    "'3-4' where word 2 is due": line("3-4", "b"),
    "'2.1' is no number": line("2.1", "b"),
    "the word is empty": line("2", ""),
    "not UTF-8": line("2", "\udcff"),
    "a NUL character": line("2", "b\0"),
    "a carriage return": line("2", "b\r"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_faults(tmp_path: Path, what: str) -> None:
    good = line("1", "a") + line("2", "b") + line("3", "c") + "\n"
    bad = line("1", "a") + FAULTS[what] + line("3", "c") + "\n"
    content = f"# sent_id = 1\n{good}{bad}{good}".encode("utf-8", "surrogateescape")
    (tmp_path / "t.conllu").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(str(tmp_path / "t.conllu"))
    told = str(caught.value)
    assert told.index("t.conllu:7") < told.index(what)
    assert "t.conllu:6" not in told
    kept = table(tmp_path, content, on_bad_row="drop")
    assert [row.origin.line for row in kept.rows] == [2, 10]
    assert "1 bad row was dropped" in kept.notes[-1]


def test_a_multiword_token_without_its_words(tmp_path: Path) -> None:
    for content in (
        line("1", "a") + line("2-4", "bc") + line("2", "b"),
        line("1-9999999999", "a") + line("1", "a"),
        line("1-3", "abc") + line("1", "a") + line("2-3", "bc") + line("2", "b") + line("3", "c"),
        line("1-2", "ab"),
    ):
        (tmp_path / "t.conllu").write_text(content)
        with pytest.raises(DataError, match="the multiword token") as caught:
            read(str(tmp_path / "t.conllu"))
        assert "t.conllu:" in str(caught.value.where)


def test_names_of_columns_are_its_own(tmp_path: Path) -> None:
    for choices in ({"column_names": ("a",)}, {"delimiter": ","}, {"quoting": "none"}):
        with pytest.raises(ConfigError, match="has no effect"):
            table(tmp_path, SAMPLE, **choices)
    note = table(tmp_path, (line("1", "a") + line("2", "b") + "\n") * 3, "t.conll").notes[-1]
    assert "data.format=conllu" in note
