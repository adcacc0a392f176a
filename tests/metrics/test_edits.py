"""Edits are counted as sacreBLEU counts them, also where its search misses the shortest path, and in less time."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import lib_ter
from sacrebleu.metrics.lib_ter import BeamEditDistance, translation_edit_rate

from tunewell.metrics import edits
from tunewell.metrics.edits import num_edits, tries_moves


@settings(deadline=None, max_examples=200)
@given(
    predicted=st.lists(st.sampled_from("abcdefgh"), max_size=40),
    gold=st.lists(st.sampled_from("abcdefgh"), max_size=40),
)
def test_edits_are_counted_as_sacrebleu_counts_them(predicted: list[str], gold: list[str]) -> None:
    assert num_edits(predicted, gold) == translation_edit_rate(predicted, gold)[0]


@pytest.mark.parametrize("seed", range(30))
def test_edits_of_long_texts_too(seed: int) -> None:
    """Where the search along the diagonal misses the shortest path, and where texts differ much in length."""
    rng = random.Random(seed)
    gold = [str(rng.randrange(rng.choice([3, 60]))) for _ in range(rng.choice([30, 60, 80]))]
    predicted = gold[rng.randrange(30) :] + gold[: rng.randrange(30)]
    predicted = [word if rng.random() < 0.7 else "x" for word in predicted][: rng.choice([5, 40, 90])]
    assert num_edits(predicted, gold) == translation_edit_rate(predicted, gold)[0]


@pytest.mark.parametrize(("num_words", "num_gold"), [(20_000, 500), (500, 2000), (300, 401), (3000, 3000)])
def test_the_longest_texts_take_no_time(num_words: int, num_gold: int) -> None:
    """A bound of seconds, where sacreBLEU takes minutes; the edits are those without moves."""
    rng = random.Random(1)
    predicted, gold = ([f"w{rng.randrange(300)}" for _ in range(size)] for size in (num_words, num_gold))
    assert not tries_moves(num_words, num_gold)
    began = time.process_time()
    found = num_edits(predicted, gold)
    assert time.process_time() - began < 5
    assert abs(num_words - num_gold) <= found <= max(num_words, num_gold)
    if num_words < 1000:
        assert found == _levenshtein(predicted, gold)


def _levenshtein(one: list[str], two: list[str]) -> int:
    row = list(range(len(two) + 1))
    for number, word in enumerate(one, 1):
        before, row = row, [number]
        for place, other in enumerate(two, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (word != other)))
    return row[-1]


def test_distances_that_are_not_asked_for_are_those_of_sacrebleu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sacrebleu is asked for alignments, and for a distance only where its own search may miss the shortest path."""
    asked: list[list[str]] = []

    class Watched(BeamEditDistance):
        def __call__(self, words: list[str]) -> tuple[int, str]:
            asked.append(words)
            return super().__call__(words)

    monkeypatch.setattr(lib_ter, "BeamEditDistance", Watched)
    rng = random.Random(1)
    num_cases, num_asked = 300, 0
    for _ in range(num_cases):
        kinds, length = rng.choice([2, 10, 200]), rng.choice([5, 30, 60, 90])
        gold = [str(rng.randrange(kinds)) for _ in range(length)]
        words = [str(rng.randrange(kinds)) for _ in range(rng.choice([1, 20, length, 90]))]
        asked.clear()
        assert edits._Distance(gold)(list(words))[0] == BeamEditDistance(gold)(words)[0]
        num_asked += len(asked) > 0
    assert 0 < num_asked < num_cases / 4
