"""Scripts are told by letters, whatever their width; Japanese by its kana; languages by how they are usually written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.core.scripts import is_unspaced, same_script, script_of, script_shares, usual_script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("12! 😀", ""),
        ("", ""),
        ("Привет, Tom", "Cyrillic"),
        ("ＡＢＣ", "Latin"),
        ("ｶﾀｶﾅ", "Japanese"),
        ("私はトム", "Japanese"),
        ("東京都", "Han"),
        ("ㄅㄆㄇ", "Bopomofo"),
        ("我" * 100 + "の", "Han"),
        ("مرحبا", "Arabic"),
    ],
)
def test_the_script_of_a_text(text: str, script: str) -> None:
    assert script_of(text) == script


def test_what_may_be_one_language() -> None:
    assert same_script("Han", "Japanese")
    assert same_script("Latin", "Latin")
    assert not same_script("Latin", "Cyrillic")
    assert not same_script("Han", "Hangul")


def test_how_languages_are_written() -> None:
    codes = ("ru", "zho_Hans", "ja", "en_US", "sr", "xx")
    assert [usual_script(code) for code in codes] == ["Cyrillic", "Han", "Japanese", "Latin", None, None]


def test_unspaced_scripts() -> None:
    assert [character for character in "aя中のกက한 1" if is_unspaced(character)] == list("中のกက")


@given(st.text())
@settings(deadline=None)
def test_shares_are_of_the_letters_and_make_one(text: str) -> None:
    shares = script_shares(text)
    named = [letter for letter in text if letter.isalpha() and unicodedata.name(letter, "")]
    assert bool(shares) == bool(named)
    assert not shares or abs(sum(shares.values()) - 1) < 1e-9
    assert (script_of(text) == "") == (not shares)
