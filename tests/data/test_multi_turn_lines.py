"""Files with a conversation a line: known by their marks, read without a header, and the real ones counted."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tunewell.core.errors import DataError
from tunewell.data.conversation_columns import guess_column
from tunewell.data.conversations import read_conversation
from tunewell.data.sources import Source, SourceSettings, read, stream

DATA = os.environ.get("TUNEWELL_DATA")
FOUR = "Hi . __eou__ Hello !\t1\t1 2\t0 0\nWhere ? __eou__ There . __eou__ Oh .\t2\t2 1 1\t0 0 0\n"


def table(folder: Path, content: str, name: str = "t.tsv", given: SourceSettings | None = None) -> Source:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read(str(path), given)["train"]


def test_four_columns(tmp_path: Path) -> None:
    source = table(tmp_path, FOUR)
    assert source.columns == ("dialogue", "topic", "acts", "emotions")
    assert [len(row.values["dialogue"]) for row in source.rows] == [2, 3]
    assert [row.origin.line for row in source.rows] == [1, 2]
    assert "a conversation on each line" in source.notes[0]
    assert [row.values for row in stream(str(tmp_path / "t.tsv"))] == [row.values for row in source.rows]


def test_other_columns(tmp_path: Path) -> None:
    assert table(tmp_path, "a __eou__ b\tx\nc __eou__ d\ty\n").columns == ("dialogue", "column2")
    alone = table(tmp_path, "a __eou__ b __eou__\nc __eou__ d __eou__\n", "dialogues_text.txt")
    assert (alone.columns, alone.rows[0].values["dialogue"]) == (("dialogue",), ["a", "b"])


def test_a_header_is_a_header(tmp_path: Path) -> None:
    source = table(tmp_path, "talk\tkind\na __eou__ b\tx\nc __eou__ d\ty\n")
    assert (source.columns, len(source.rows)) == (("talk", "kind"), 2)


def test_a_format_that_is_set_is_kept(tmp_path: Path) -> None:
    lines = table(tmp_path, "a __eou__ b\nc __eou__ d\n", "t.txt", SourceSettings(format="txt"))
    assert [row.values for row in lines.rows] == [{"text": "a __eou__ b"}, {"text": "c __eou__ d"}]


def test_a_ragged_line(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path, FOUR + "a __eou__ b\t1\n")
    assert "t.tsv:3" in str(caught.value)
    kept = table(tmp_path, FOUR + "a __eou__ b\t1\n", given=SourceSettings(on_bad_row="drop"))
    assert len(kept.rows) == 2


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_real_conversations(split: str, language: str) -> None:
    name = f"xdailydialog/{split}.{language}.tsv.gz"
    described = (Path(str(DATA)) / "DATA.md").read_text(encoding="utf-8")
    counts = re.search(rf"`{re.escape(name)}`.*?(\d+) dialogues, (\d+) utterances", described)
    assert counts is not None
    source = read(str(Path(str(DATA)) / name))["train"]
    assert guess_column(source.columns, source.rows, None) == "dialogue"
    examples = [read_conversation(row, "dialogue", labelled=True, system=None) for row in source.rows]
    assert (len(examples), sum(len(example.turns) for example in examples)) == tuple(
        map(int, counts.groups())
    )
