"""Words of any script, and what two texts have in common in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.metrics.words import longest_common_length, pieces, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The cat's 3.5 kg!", ["the", "cat", "s", "3", "5", "kg"]),
        ("für Zoë", ["für", "zoë"]),
        ("Zoe\u0308 da", ["zoe\u0308", "da"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("我有iPhone。", ["我", "有", "iphone"]),
        ("カタカナ", ["カ", "タ", "カ", "ナ"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("이것은 고양이", ["이것은", "고양이"]),
        ("😀 ...", []),
        ("", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_pieces_keep_what_is_no_word() -> None:
    assert pieces("Ha, ha! 😀") == ["ha", ",", "ha", "!", "😀"]
    assert pieces("ha, ha!") == ["ha", ",", "ha", "!"]


def plain_length(one: list[str], two: list[str]) -> int:
    table = [[0] * (len(two) + 1) for _ in range(len(one) + 1)]
    for i, first in enumerate(one):
        for j, second in enumerate(two):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if first == second else max(table[i][j + 1], table[i + 1][j])
            )
    return table[-1][-1]


ITEMS = st.lists(st.sampled_from("abcd"), max_size=80)


@settings(deadline=None)
@given(one=ITEMS, two=ITEMS)
def test_longest_common_subsequence(one: list[str], two: list[str]) -> None:
    assert longest_common_length(one, two) == plain_length(one, two)
