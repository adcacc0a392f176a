"""ROUGE is that of the rouge-score package for ASCII texts, and counts the words of all other scripts too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from tunewell.metrics.rouge import rouge_table
from tunewell.metrics.tables import Scores

SCORER = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
WORDS = st.sampled_from(["the", "Cat", "cat's", "sat", "on", "3.5", "mat", "-", "a_b", "", "\n"])
ASCII = st.one_of(
    st.lists(WORDS, max_size=12).map(" ".join), st.text(st.characters(max_codepoint=127), max_size=30)
)


def values(predicted: list[str], gold: list[str]) -> dict[str, float]:
    return Scores("rouge1", [rouge_table(predicted, gold)]).values()


@settings(deadline=None, max_examples=300)
@given(pairs=st.lists(st.tuples(ASCII, ASCII), min_size=1, max_size=5))
def test_the_package_gives_the_same(pairs: list[tuple[str, str]]) -> None:
    theirs = [SCORER.score(gold, predicted) for predicted, gold in pairs]
    means = {name: float(np.mean([own[name].fmeasure for own in theirs])) for name in theirs[0]}
    assert values([one for one, _ in pairs], [two for _, two in pairs]) == pytest.approx(means, abs=1e-12)


def test_letters_of_all_scripts_count() -> None:
    assert values(["für Zoë"], ["für Max"])["rouge1"] == 0.5
    assert values(["हिन्दी भाषा"], ["हिन्दी"])["rouge1"] == pytest.approx(2 / 3)


def test_unspaced_scripts_are_cut_into_characters() -> None:
    found = values(["我喜欢猫。"], ["我喜欢狗"])
    assert found == pytest.approx({"rouge1": 3 / 4, "rouge2": 2 / 3, "rougeL": 3 / 4})


def test_different_numbers_of_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="2 predicted texts for 1"):
        rouge_table(["a", "b"], ["a"])
