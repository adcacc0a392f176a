"""Where words begin and end, in every script, and that every visible character belongs to one."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.data.words import align, cut, join

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Anna lives in New York.", ["Anna", "lives", "in", "New", "York", "."]),
        ("don't 3.14 a_b x-y", ["don", "'", "t", "3", ".", "14", "a", "_", "b", "x", "-", "y"]),
        ("\u5317\u4eac2024\u5e74\uff0c\u5f88\u597d", [*"\u5317\u4eac", "2024", *"\u5e74\uff0c\u5f88\u597d"]),
        ("\u3067\u3059\u30ab\u30fc", [*"\u3067\u3059\u30ab\u30fc"]),
        ("\uff76\uff9e\u304b\u3099", ["\uff76\uff9e", "\u304b\u3099"]),
        ("\ud55c\uad6d\uc5b4 \ub9d0", ["\ud55c\uad6d\uc5b4", "\ub9d0"]),
        (
            "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u0645\u062f\u0631\u0633\u0651\u0629\u060c",
            ["\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\u0645\u062f\u0631\u0633\u0651\u0629", "\u060c"],
        ),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]),
        ("e\u0301a\u0308 !\u0308", ["e\u0301a\u0308", "!\u0308"]),
        (f"hi{FAMILY}\U0001f44d\U0001f3fd!", ["hi", FAMILY, "\U0001f44d\U0001f3fd", "!"]),
        ("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", ["\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7"]),
        (ENGLAND, [ENGLAND]),
        ("1\ufe0f\u20e32\ufe0f\u20e3", ["1\ufe0f\u20e3", "2\ufe0f\u20e3"]),
        ("\u2764\ufe0f\u2764", ["\u2764\ufe0f", "\u2764"]),
        ("Zu\u00adsam\u00ad men", ["Zu\u00adsam", "men"]),
        ("\u200bzero\u200dwidth\ufeff \x00 \u202eback\u202c", ["zero\u200dwidth", "back"]),
        ("\ufffd\ufffd", ["\ufffd", "\ufffd"]),
        ("\u0602\u0661", ["\u0602", "\u0661"]),
        (" \t\n\u00a0\u3000\u2800\u3164", []),
        ("", []),
    ],
)  # fmt: skip
def test_words(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in cut(text)] == words


CHARACTERS = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(
        [
            *"ab1 .#*\n", "\u0301", "\u0651", "\u0940", "\u200d", "\u200c", "\u200b", "\ufe0f", "\u20e3", "\u4e2d",
            "\u30ab", "\u3099", "\uff9e", "\U0001f468", "\U0001f3fd", "\U0001f1e9", "\u2764", "\u00ad", "\U0002000b",
            "\U000e0067", "\U000e0100", "\u17b4",
        ]
    ),
)  # fmt: skip
TEXTS = st.lists(CHARACTERS, max_size=30).map("".join)


def is_visible(character: str) -> bool:
    drawn_as_nothing = "\u2800\u3164\uffa0"
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in (
        "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    )
    return not (hidden or character.isspace() or character in drawn_as_nothing)


def is_silent_mark(character: str) -> bool:
    """Marks that only change the character before them."""
    code = ord(character)
    return (
        0xFE00 <= code <= 0xFE0F
        or 0xE0000 <= code <= 0xE01EF
        or character in "\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f"
    )


@settings(deadline=None, max_examples=1000)
@given(TEXTS)
def test_every_visible_character_is_in_exactly_one_word(text: str) -> None:
    place = 0
    for start, end in cut(text):
        assert place <= start < end
        assert any(map(is_visible, text[start:end]))
        assert not any(character.isspace() for character in text[start:end])
        left = text[place:start]
        assert not any(is_visible(character) and not is_silent_mark(character) for character in left)
        place = end
    assert not any(is_visible(character) and not is_silent_mark(character) for character in text[place:])


@settings(deadline=None, max_examples=1000)
@given(TEXTS)
def test_a_mark_is_never_parted_from_its_character(text: str) -> None:
    borders = {border for span in cut(text) for border in span}
    for place in range(1, len(text)):
        on_something = is_visible(text[place - 1]) and not is_silent_mark(text[place - 1])
        if unicodedata.category(text[place])[0] == "M" and on_something:
            assert place not in borders, (text[place - 1 : place + 1], cut(text))


CJK_NAMES = (
    "CJK", "IDEOGRAPH", "HIRAGANA", "KATAKANA", "HANGZHOU", "HENTAIGANA", "VERTICAL KANA", "MASU MARK",
)  # fmt: skip


def test_letters_and_numbers_are_those_of_the_categories() -> None:
    """A run takes them all, but for Han and kana, which stand alone."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        kind = unicodedata.category(character)
        if kind[0] in "LN" and character not in "\u3164\uffa0\uff9e\uff9f":
            together = cut(f"a{character}b") == ((0, 3),)
            alone = cut(f"a{character}b") == ((0, 1), (1, 2), (2, 3))
            name = unicodedata.name(character, "")
            is_cjk = kind != "No" and any(part in name for part in CJK_NAMES)
            assert alone if is_cjk or code >= 0x20000 else together, (hex(code), name)


def test_a_million_characters_take_seconds() -> None:
    cut("warm")
    for piece in (
        "long text, ",
        "\u8fd9\u90e8\u7535\u5f71\uff0c",
        "\U0001f44d\U0001f3fd ",
        "a\u0301",
        "\u200d",
    ):
        text = piece * (1_000_000 // len(piece))
        begin = time.perf_counter()
        cut(text)
        assert time.perf_counter() - begin < 5


def test_words_are_joined_by_blanks_and_chinese_without() -> None:
    text, spans = join(["Anna", "\u5728", "\u5317", "\uff0c", "x", "."])
    assert text == "Anna \u5728\u5317\uff0c x ."
    assert [text[start:end] for start, end in spans] == ["Anna", "\u5728", "\u5317", "\uff0c", "x", "."]
    assert join([]) == ("", ())


@settings(deadline=None)
@given(st.lists(TEXTS.filter(lambda text: text == text.strip() != ""), max_size=8))
def test_joined_words_are_found_again(tokens: list[str]) -> None:
    text, spans = join(tokens)
    assert [text[start:end] for start, end in spans] == tokens
    assert align(text, tokens) == spans
    spaced = "  ".join(["", *tokens, ""])
    found = align(spaced, tokens)
    assert found is not None
    assert [spaced[start:end] for start, end in found] == tokens


def test_words_that_do_not_stand_in_the_text_are_not_found() -> None:
    assert align("a fine day", ["a", "fine", "day"]) == ((0, 1), (2, 6), (7, 10))
    assert align("20 000 men", ["20 000", "men"]) == ((0, 6), (7, 10))
    assert align("a fine day", ["a", "day"]) is None
    assert align("a fine day", ["a", "fine"]) is None
    assert align("a fine", ["a", "fine", "day"]) is None
    assert align(" ", []) == ()


def test_quotes_and_punctuation_may_stand_between_words() -> None:
    assert align("\u201ca fine\u201d (day)!", ["a", "fine", "day"]) == ((1, 2), (3, 7), (10, 13))
    assert align("a - - b", ["a", "-", "b"]) == ((0, 1), (2, 3), (6, 7))
    assert align("a 2 b", ["a", "b"]) is None
    assert align("\u00e9 a", ["a"]) is None
    assert align("a fine day 4", ["a", "fine", "day"]) is None
