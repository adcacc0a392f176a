"""300 files with one seeded corruption each: the exact row is named; 50 clean files: no alarm at all."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewell.core.errors import DataError
from tunewell.data.sources import SourceSettings, read

WORDS = ["good", "bad", "fine", '"quoted"', "it's", '5"', "naïve", "好", "🙂", "a,b", "x;y", "tab|bar"]
FORMATS = (".csv", ".tsv", ".jsonl")


class CleanFile:
    """Random records, each as the lines that stand for it in the file; the header is record 0."""

    def __init__(self, generator: random.Random, ending: str) -> None:
        self.ending = ending
        self.rows = [
            (" ".join(generator.choices(WORDS, k=generator.randint(1, 6))), generator.choice(["pos", "neg"]))
            for _ in range(generator.randint(5, 40))
        ]
        if ending == ".csv":
            self.rows = [
                (text.replace(" ", "\n") if generator.random() < 0.1 else text, label)
                for text, label in self.rows
            ]
            self.records = [self._csv(row) for row in [("text", "label"), *self.rows]]
        elif ending == ".tsv":
            self.records = ["\t".join(row) + "\n" for row in [("text", "label"), *self.rows]]
        else:
            self.records = [
                "",
                *(json.dumps({"text": text, "label": label}) + "\n" for text, label in self.rows),
            ]

    @staticmethod
    def _csv(row: tuple[str, str]) -> str:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerow(row)
        return buffer.getvalue()

    def line_of(self, record: int) -> int:
        return "".join(self.records[:record]).count("\n") + 1

    def content(self) -> bytes:
        return "".join(self.records).encode("utf-8", "surrogateescape")


def into_text(record: str, what: str) -> str:
    """Put `what` after the first letter of a record's text, whatever surrounds it."""
    match = re.search(r'\w(?!ext": )', record.replace('{"text": "', " " * 10)) or re.search(r"\w", record)
    assert match is not None
    return record[: match.end()] + what + record[match.end() :]


ANY: dict[str, Callable[[str], str]] = {
    "not UTF-8": lambda record: into_text(record, "\udcff"),
    "truncated UTF-8": lambda record: into_text(record, "\udce5\udca5"),
    "NUL": lambda record: into_text(record, "\0"),
}
DELIMITED = {
    "field too many": lambda record, mark: record[:-1] + mark + "extra\n",
    "label lost": lambda record, mark: record[: record.rindex(mark)] + "\n",
    "delimiter lost": lambda record, mark: "".join(record.rsplit(mark, 1)),
}
CSV_ONLY: dict[str, Callable[[str], str]] = {
    "stray quote in the label": lambda record: record[:-2] + '"' + record[-2:],
    "text after a quote": lambda record: f'"x" y,{record.rpartition(",")[2]}',
    "never closed": lambda record: '"' + record if not record.startswith('"') else record[1:],
}
JSON_ONLY: dict[str, Callable[[str], str]] = {
    "brace lost": lambda record: record[:-2] + "\n",
    "key lost": lambda record: record.replace('"label"', '"lable"'),
    "double key": lambda record: record[:-2] + ', "text": "again"}\n',
    "number for a label": lambda record: re.sub(r'"(pos|neg)"\}$', "3}", record.rstrip("\n")) + "\n",
    "list for a text": lambda record: re.sub(
        r'^\{"text": (".*"), "label"', r'{"text": [\1], "label"', record
    ),
    "NaN": lambda record: re.sub(r'"(pos|neg)"\}$', "NaN}", record.rstrip("\n")) + "\n",
    "lone surrogate": lambda record: into_text(record, "\\ud83d"),
    "an array": lambda record: "[" + record.rstrip("\n") + "]\n",
    "cut short": lambda record: record[: len(record) // 2] + "\n",
}


def corrupted(generator: random.Random, clean: CleanFile) -> tuple[bytes, int, str]:
    """The content with one record corrupted, the line on which that record starts, and how."""
    record = generator.randrange(1, len(clean.records))
    line = clean.line_of(record)
    mark = {".csv": ",", ".tsv": "\t"}.get(clean.ending)
    kinds: dict[str, Callable[[str], str]] = dict(ANY)
    if mark is not None:
        kinds |= {
            name: (lambda text, change=change: change(text, mark)) for name, change in DELIMITED.items()
        }
    kinds |= {".csv": CSV_ONLY, ".tsv": {}, ".jsonl": JSON_ONLY}[clean.ending]
    name = generator.choice(sorted(kinds))
    original = clean.records[record]
    if clean.ending == ".csv" and name == "delimiter lost":
        original = "plain,pos\n"  # a comma inside quotes is no delimiter
    clean.records[record] = kinds[name](original)
    return clean.content(), line, name


@pytest.mark.parametrize("seed", range(200))
def test_the_exact_row_is_named(tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    clean = CleanFile(generator, FORMATS[seed % 3])
    content, line, name = corrupted(generator, clean)
    path = tmp_path / f"t{clean.ending}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(str(path))
    error = caught.value
    first = error.where or re.findall(r"t\.\w+:[\d:]+", error.what)[0]
    assert f"{first}:".split(clean.ending + ":")[1].split(":")[0] == str(line), f"{name}: {error}"


@pytest.mark.parametrize("seed", range(50))
def test_no_false_alarm(tmp_path: Path, seed: int) -> None:
    clean = CleanFile(random.Random(1000 + seed), FORMATS[seed % 3])
    path = tmp_path / f"t{clean.ending}"
    path.write_bytes(clean.content())
    source = read(str(path))["train"]
    assert source.notes == ()
    assert [tuple(row.values.values()) for row in source.rows] == clean.rows
    assert [row.origin.line for row in source.rows] == [
        clean.line_of(n) for n in range(1, len(clean.records))
    ]


TAGS = ["O", "B-PER", "I-PER", "B-LOC"]
NAMED = ["Ada", "naïve", "好", "🙂", "#tag", "5", "a,b", '"q"', "New\u00a0York"]


def clean_columns(generator: random.Random, mark: str) -> list[list[str]]:
    """Sentences as lists of lines; three columns."""
    return [
        [
            mark.join([generator.choice(NAMED), "NN", generator.choice(TAGS)])
            for _ in range(generator.randint(1, 9))
        ]
        for _ in range(generator.randint(8, 30))
    ]


COLUMN_FAULTS: dict[str, Callable[[str, str], str]] = {
    "tag lost": lambda line, mark: line.rpartition(mark)[0],
    "columns joined": lambda line, mark: line.replace(mark, "", 1),
    "column too many": lambda line, mark: line + mark + "O",
    "not UTF-8": lambda line, mark: line[:1] + "\udcff" + line[1:],
    "NUL": lambda line, mark: line[:1] + "\0" + line[1:],
    "carriage return": lambda line, mark: line[:1] + "\r" + line[1:],
}


@pytest.mark.parametrize("seed", range(100))
def test_the_exact_word_is_named(tmp_path: Path, seed: int) -> None:
    """The line of the fault is named; dropping loses its sentence and no other."""
    generator = random.Random(seed)
    mark, end = ("\t", " ")[seed % 2], ("\n", "\r\n")[seed // 2 % 2]
    parts = clean_columns(generator, mark)
    clean, damaged = tmp_path / "clean.conll", tmp_path / "t.conll"
    clean.write_bytes((end + end).join(end.join(part) for part in parts).encode())
    rows = read(str(clean))["train"].rows
    assert [len(row.values["tokens"]) for row in rows] == [len(part) for part in parts]
    number = generator.randrange(len(parts))
    # At the start of a sentence `#tag` with too few columns is a comment.
    places = [n for n, line in enumerate(parts[number]) if n > 0 or not line.startswith("#")]
    if not places:
        return
    place = generator.choice(places)
    name = generator.choice(sorted(COLUMN_FAULTS))
    parts[number][place] = COLUMN_FAULTS[name](parts[number][place], mark)
    content = (end + end).join(end.join(part) for part in parts)
    damaged.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError) as caught:
        read(str(damaged))
    line = rows[number].origin.line + place
    assert f"{caught.value.where}:".split(".conll:")[1].split(":")[0] == str(line), f"{name}: {caught.value}"
    kept = read(str(damaged), SourceSettings(on_bad_row="drop"))["train"].rows
    assert [row.values for row in kept] == [row.values for n, row in enumerate(rows) if n != number]
