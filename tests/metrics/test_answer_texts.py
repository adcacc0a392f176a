"""Exact match and F1 are those of the official scripts of SQuAD v1.1, SQuAD v2.0 and CMRC 2018."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunewell.metrics.answer_texts import Scoring, exact_match, f1

OFFICIAL: dict[str, Any] = json.loads(
    Path(__file__).with_name("data").joinpath("official_answer_scores.json").read_text(encoding="utf-8")
)
SCORINGS: list[Scoring] = ["squad1", "squad2", "characters"]


@pytest.mark.parametrize("scoring", SCORINGS)
def test_official_scripts(scoring: Scoring) -> None:
    """The file says where the numbers come from."""
    cases = OFFICIAL[scoring]
    assert len(cases) == 1000
    for prediction, golds, expected_match, expected_f1 in cases:
        assert exact_match(prediction, golds, scoring) == expected_match, (prediction, golds)
        assert f1(prediction, golds, scoring) == pytest.approx(expected_f1, abs=1e-12), (prediction, golds)


# A second reading of the scripts, written character by character and pair by pair, as far from ours as can be.


def plain_words(text: str) -> list[str]:
    kept = [character for character in text.lower() if character not in string.punctuation]
    words: list[str] = []
    for part in "".join(kept).split():
        word = ""
        for piece in re.split(r"(\W)", part):  # an article is a whole run of word characters
            word += " " if piece in ("a", "an", "the") else piece
        words += word.split()
    return words


def shared_words(one: list[str], two: list[str]) -> int:
    rest = list(two)
    count = 0
    for word in one:
        if word in rest:
            rest.remove(word)
            count += 1
    return count


def expected_words(prediction: str, golds: list[str], version: int) -> tuple[float, float]:
    if version == 2:
        golds = [gold for gold in golds if plain_words(gold)] or [""]
    match = best = 0.0
    mine = plain_words(prediction)
    for gold in golds:
        theirs = plain_words(gold)
        match = max(match, float(" ".join(mine) == " ".join(theirs)))
        shared = shared_words(mine, theirs)
        if version == 2 and not (mine and theirs):
            best = max(best, float(mine == theirs))
        elif shared:
            precision, recall = shared / len(mine), shared / len(theirs)
            best = max(best, 2 * precision * recall / (precision + recall))
    return match, best


CHINESE_MARKS = [*"-:_*^/\\~`+=", *"，。：？！“”；’《》·、「」（）－～『』"]


def chinese_pieces(text: str) -> list[str]:
    """For texts whose other letters are plain words, which need no tokenizer."""
    pieces: list[str] = []
    word = ""
    for character in text.lower().strip():
        if character in CHINESE_MARKS:
            continue
        if "\u4e00" <= character <= "\u9fa5":
            pieces += [*word.split(), character]
            word = ""
        else:
            word += character
    return pieces + word.split()


def expected_characters(prediction: str, golds: list[str]) -> tuple[float, float]:
    def bare(text: str) -> list[str]:
        return [character for character in text.lower().strip() if character not in CHINESE_MARKS]

    best = 0.0
    mine = chinese_pieces(prediction)
    for gold in golds:
        theirs = chinese_pieces(gold)
        lengths = [
            length
            for start in range(len(mine))
            for length in range(1, len(mine) - start + 1)
            for other in range(len(theirs))
            if theirs[other : other + length] == mine[start : start + length]
        ]
        if lengths:
            precision, recall = max(lengths) / len(mine), max(lengths) / len(theirs)
            best = max(best, 2 * precision * recall / (precision + recall))
    return float(any(bare(gold) == bare(prediction) for gold in golds)), best


ENGLISH = (
    "the a An THE river River, 1959 4,700 it's naïve straße İ x² 東京 . ... - — the-a _a_ l'an “a” a.m. of"
)
WORDS = st.sampled_from([*ENGLISH.split(), "", "\u00a0", "\u3000", "\n"])
PHRASES = (
    st.lists(WORDS, max_size=5).map(" ".join)
    | st.text("aAtThHeE n.,'\"-0é_", max_size=8)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
CHINESE = st.text("北京大学的，。：”《…·、（-~` aB9é", max_size=9)


@given(PHRASES, st.lists(PHRASES, min_size=1, max_size=3), st.booleans())
@settings(max_examples=1500, deadline=None)
@example("the", ["a"], False)
@example("", ["..."], False)
@example("the", [""], False)
def test_words_against_a_second_reading(prediction: str, golds: list[str], same: bool) -> None:
    prediction = golds[-1].upper() if same and golds[-1].isascii() else prediction
    for scoring, version in (("squad1", 1), ("squad2", 2)):
        expected = expected_words(prediction, golds, version)
        given_scores = exact_match(prediction, golds, scoring), f1(prediction, golds, scoring)  # type: ignore[arg-type]
        assert given_scores == pytest.approx(expected, abs=1e-12)


@given(CHINESE, st.lists(CHINESE, min_size=1, max_size=3), st.integers(0, 4))
@settings(max_examples=1500, deadline=None)
def test_characters_against_a_second_reading(prediction: str, golds: list[str], cut: int) -> None:
    for text in (prediction, golds[0], golds[0][cut:], f"，{golds[0]}。"):
        expected = expected_characters(text, golds)
        given_scores = exact_match(text, golds, "characters"), f1(text, golds, "characters")
        assert given_scores == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_no_answer(scoring: Scoring) -> None:
    """Right when there is none and wrong when there is one."""
    assert (exact_match("", [], scoring), f1("", [], scoring)) == (1.0, 1.0)
    assert (exact_match("boat", [], scoring), f1("boat", [], scoring)) == (0.0, 0.0)
    assert (exact_match("", ["boat"], scoring), f1("", ["boat"], scoring)) == (0.0, 0.0)


def test_where_the_versions_part() -> None:
    """An answer of articles alone: v1.1 finds it equal to another, without a word in common."""
    assert (exact_match("the", ["an"], "squad1"), f1("the", ["an"], "squad1")) == (1.0, 0.0)
    assert (exact_match("the", ["an"], "squad2"), f1("the", ["an"], "squad2")) == (1.0, 1.0)
    assert (exact_match("", ["an", "boat"], "squad1"), exact_match("", ["an", "boat"], "squad2")) == (
        1.0,
        0.0,
    )


def test_chinese_by_hand() -> None:
    assert f1("北京大学", ["《北京大学》。"], "characters") == 1.0
    assert exact_match("北京大学", ["《北京大学》。"], "characters") == 1.0
    assert exact_match("北京大学…", ["北京大学"], "characters") == 0.0
    # The longest shared run is two of four segments; the other shared one does not count.
    assert f1("北京A学", ["北京大学"], "characters") == pytest.approx(0.5)
    # A word in Latin letters is one segment.
    assert f1("Nexon公司", ["nexon"], "characters") == pytest.approx(2 * (1 / 3) / (1 / 3 + 1))
