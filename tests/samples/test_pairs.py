"""The English-German sample: whole, clean, without leaks between splits, and learnable from its training split."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

import tunewell.samples

FOLDER = Path(str(tunewell.samples.__file__)).parent / "pairs"
NUM_PAIRS = {"train": 604, "validation": 40, "test": 60}
LANGUAGES = ("en", "de")
SIDES = [f"{split}.{language}" for split in NUM_PAIRS for language in LANGUAGES]
LETTERS = {"en": "A-Za-z", "de": "A-Za-zÄÖÜäöüß"}
NOUNS = "Zimmer Tisch Schlüssel Frühstück Garten Küche Rechnung Bahnhof Handtuch Kaffee Tee Brot Milch Uhr Euro Abend"


def lines(name: str) -> list[str]:
    text = (FOLDER / name).read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return text[:-1].split("\n")


def words(line: str) -> list[str]:
    return re.findall(r"\w+", line)


def test_checksums_name_every_data_file() -> None:
    sums = (line.split("  ") for line in lines("SHA256SUMS"))
    assert {name: digest for digest, name in sums} == {
        name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in SIDES
    }
    assert {path.name for path in FOLDER.iterdir()} == {*SIDES, "README.md", "SHA256SUMS"}


@pytest.mark.parametrize("name", SIDES)
def test_a_line_is_one_clean_sentence(name: str) -> None:
    found = lines(name)
    split, language = name.split(".")
    assert len(found) == NUM_PAIRS[split]
    sentence = re.compile(f"[{LETTERS[language]}]+(,? [{LETTERS[language]}]+)*[.?]")
    assert [line for line in found if not sentence.fullmatch(line)] == []
    assert [line for line in found if not line[0].isupper()] == []
    assert [line for line in found if unicodedata.normalize("NFC", line) != line] == []
    assert [line for line in found if not 3 <= len(words(line)) <= 9] == []


@pytest.mark.parametrize("split", NUM_PAIRS)
def test_both_sides_ask_or_both_say(split: str) -> None:
    pairs = zip(lines(f"{split}.en"), lines(f"{split}.de"), strict=True)
    assert [pair for pair in pairs if pair[0][-1] != pair[1][-1]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_comes_twice_in_a_split_or_in_two(language: str) -> None:
    found = Counter(line.casefold() for split in NUM_PAIRS for line in lines(f"{split}.{language}"))
    assert [line for line, count in found.items() if count > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_held_out_words_are_well_known_from_training(language: str) -> None:
    known = Counter(word for line in lines(f"train.{language}") for word in words(line))
    held_out = {
        w for split in ("validation", "test") for line in lines(f"{split}.{language}") for w in words(line)
    }
    assert {word: known[word] for word in held_out if known[word] < 4} == {}


def test_german_spelling() -> None:
    german = " ".join(line for split in NUM_PAIRS for line in lines(f"{split}.de"))
    assert [noun for noun in NOUNS.split() if re.search(rf"\b{noun.lower()}\b", german)] == []
    assert not re.search(
        r"\b(du|dich|dir|dein\w*|euch|euer)\b", german, flags=re.IGNORECASE
    )  # the polite form alone
    assert not re.search(
        r"\b(in dem|an dem|zu dem|zu der|von dem)\b", german
    )  # spoken as im, am, zum, zur, vom
