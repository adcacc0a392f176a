"""The labelled files of the three tasks, read in plain Python: nothing of ours reads them here.

A further data set is one line in `DATA`. The files lie under `$TUNEWELL_DATA`.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from benchmarks.data import UnusableError

TOKENS = "token-classification"
ANSWERS = "question-answering"
TRANSLATIONS = "translation"

Scoring = Literal["entities", "tags", "squad1", "squad2", "characters", "bleu"]
"""Of words: `entities` or `tags`; of answers: as `tunewell.metrics.answers` calls it; of translations: `bleu`."""


@dataclass(frozen=True)
class Sentence:
    """Words and a tag for each, as the file has them."""

    words: Sequence[str]
    tags: Sequence[str]


@dataclass(frozen=True)
class Question:
    """A question on a context. `answers` are texts with the places where they begin; none: no answer is there."""

    id: str
    question: str
    context: str
    answers: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Pair:
    """A text and its translation."""

    source: str
    target: str


def _lines(path: Path) -> Iterator[str]:
    """Without their ends; only a line feed ends a line."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from data.decode("utf-8").split("\n")


def _sentences(path: Path, word: int, tag: int, *, numbered: bool) -> list[Sentence]:
    """Sentences with a blank line after each; tab-separated columns counted from 0.

    With `numbered` only lines that begin with a whole number are words: comments, ranges (`1-2`) and empty words
    (`1.1`) are not.
    """
    found: list[Sentence] = []
    words: list[str] = []
    tags: list[str] = []
    for line in [*_lines(path), ""]:
        cells = line.split("\t")
        if not line.strip():
            if words:
                found.append(Sentence(words, tags))
            words, tags = [], []
        elif cells[0].isdecimal() or not numbered:
            words.append(cells[word])
            tags.append(cells[tag])
    return found


def read_conll(path: Path) -> list[Sentence]:
    """Two columns: word and tag of an entity."""
    return _sentences(path, 0, 1, numbered=False)


def read_upos(path: Path) -> list[Sentence]:
    """CoNLL-U: each word with its universal part of speech."""
    return _sentences(path, 1, 3, numbered=True)


def read_squad(path: Path) -> list[Question]:
    """SQuAD's nested JSON, of version 1.1 or 2.0."""
    document = json.loads("\n".join(_lines(path)))
    return [
        Question(
            str(entry["id"]),
            entry["question"],
            paragraph["context"],
            [(answer["text"], answer["answer_start"]) for answer in entry["answers"]],
        )
        for article in document["data"]
        for paragraph in article["paragraphs"]
        for entry in paragraph["qas"]
    ]


def read_parallel(path: Path) -> list[Pair]:
    """`train.en.gz`, and `train.de.gz` beside it: line by line."""
    stem, language, *endings = path.name.split(".")
    assert language == "en"
    other = path.with_name(".".join([stem, "de", *endings]))
    pairs = [Pair(*both) for both in zip(_lines(path), _lines(other), strict=True)]
    return pairs if pairs[-1].source else pairs[:-1]  # what follows the last line feed is no line


def read_columns(path: Path) -> list[Pair]:
    """Tab-separated under a header: source and target are the first two columns."""
    _, *rows = _lines(path)
    return [Pair(*row.split("\t")[:2]) for row in rows if row]


@dataclass(frozen=True)
class DataSet:
    """Files by split (`train`, `test`, mostly `validation`), what reads them, and how predictions are scored.

    `languages` are those of translation's source and target.
    """

    task: str
    files: Mapping[str, str]
    read: Callable[[Path], list[Sentence]] | Callable[[Path], list[Question]] | Callable[[Path], list[Pair]]
    scoring: Scoring
    languages: tuple[str, str] | None = None

    def file(self, split: str) -> Path:
        """The file of a split. Raises `UnusableError` when it is not under `$TUNEWELL_DATA`."""
        name = self.files[split]
        place = os.environ.get("TUNEWELL_DATA")
        if not place:
            raise UnusableError(f"TUNEWELL_DATA is not set: it must name the folder that holds {name}")
        path = Path(place) / name
        if not path.is_file():
            raise UnusableError(
                f"there is no {name} under TUNEWELL_DATA ({place}): point it at the data sets' folder"
            )
        return path


def _tagged(form: str, read: Callable[[Path], list[Sentence]], scoring: Scoring) -> DataSet:
    splits = {"train": "train", "validation": "dev", "test": "test"}
    return DataSet(TOKENS, {split: form.format(name) for split, name in splits.items()}, read, scoring)


def _asked(train: str, test: str, scoring: Scoring) -> DataSet:
    return DataSet(ANSWERS, {"train": train, "test": test}, read_squad, scoring)


def _paired(
    form: str, splits: tuple[str, str, str], read: Callable[[Path], list[Pair]], languages: tuple[str, str]
) -> DataSet:
    names = zip(("train", "validation", "test"), splits, strict=True)
    files = {split: form.format(name) for split, name in names}
    return DataSet(TRANSLATIONS, files, read, "bleu", languages)


DATA: Mapping[str, DataSet] = MappingProxyType(
    {
        "btc": _tagged("btc/{}.conll", read_conll, "entities"),
        "weibo_ner": _tagged("weibo_ner/{}.conll", read_conll, "entities"),
        "ud_english_ewt": _tagged("ud_english_ewt/en_ewt-ud-{}.conllu.gz", read_upos, "tags"),
        "squad_v1": _asked("squad_v1/train.json.gz", "squad_v1/dev.json.gz", "squad1"),
        "squad_v2": _asked("squad_v2/train.json.gz", "squad_v2/dev.json.gz", "squad2"),
        "cmrc2018": _asked("cmrc2018/cmrc2018_dev.json.gz", "cmrc2018/cmrc2018_trial.json.gz", "characters"),
        "multi30k_en_de": _paired(
            "multi30k_en_de/{}.en.gz", ("train", "val", "test_2016_flickr"), read_parallel, ("en", "de")
        ),
        "tatoeba_en_zh": _paired(
            "tatoeba_en_zh/{}.tsv.gz", ("train", "dev", "test"), read_columns, ("en", "zh")
        ),
    }
)
"""By name. The sets for question answering have no validation file: what is scored is their second file."""


def find(name: str, task: str | None = None) -> DataSet:
    """A data set of the table. Raises `UnusableError`."""
    if name not in DATA:
        raise UnusableError(f"no data set {name!r}: there are {', '.join(DATA)}")
    if task is not None and DATA[name].task != task:
        raise UnusableError(f"{name} is for {DATA[name].task}, not for {task}")
    return DATA[name]
