"""Scores of single words' tags, against scikit-learn over all words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from tunewell.metrics.tokens import per_tag, token_table

TAGS = ["ADJ", "NOUN", "PUNCT", "VERB", "X"]

Case = tuple[list[list[str]], list[list[str]]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    lengths = draw(st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any))
    used = draw(st.sampled_from([TAGS, TAGS[:2], TAGS[3:]]))
    gold = [[str(tag) for tag in generator.choice(used, size=length)] for length in lengths]
    share = draw(st.sampled_from([0.0, 0.3, 1.0]))
    predicted = [
        [str(generator.choice(TAGS)) if generator.random() < share else tag for tag in tags] for tags in gold
    ]
    return gold, predicted


@given(cases())
@settings(deadline=None, max_examples=300)
def test_scores_equal_scikit_learn(case: Case) -> None:
    gold, predicted = ([tag for tags in side for tag in tags] for side in case)
    table = token_table(*case, TAGS)
    assert len(table.parts) == len(case[0])
    sums = table.parts.sum(axis=0)
    own = {name: float(metric(sums)) for name, metric in table.metrics.items()}
    both = {"labels": TAGS, "zero_division": 0}
    assert own == pytest.approx(
        {
            "accuracy": reference.accuracy_score(gold, predicted),
            "macro_f1": reference.f1_score(gold, predicted, average="macro", **both),
            "weighted_f1": reference.f1_score(gold, predicted, average="weighted", **both),
        },
        abs=1e-12,
    )
    columns = reference.precision_recall_fscore_support(gold, predicted, **both)
    for row, name, *wanted in zip(per_tag(*case, TAGS), TAGS, *columns, strict=True):
        assert row.name == name
        assert [row.precision, row.recall, row.f1, row.support] == pytest.approx(wanted, abs=1e-12)
        assert row.predicted == predicted.count(name)


@given(cases())
@settings(deadline=None, max_examples=50)
def test_parts_are_those_of_each_sentence(case: Case) -> None:
    whole = token_table(*case, TAGS).parts
    for row, gold, predicted in zip(whole, *case, strict=True):
        assert row.tolist() == token_table([gold], [predicted], TAGS).parts[0].tolist()
        assert row[: len(TAGS)].sum() == len(gold)


def test_without_words_every_score_is_0() -> None:
    table = token_table([[], []], [[], []], TAGS)
    assert table.parts.shape == (2, 15)
    assert {float(metric(table.parts.sum(axis=0))) for metric in table.metrics.values()} == {0.0}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="differ in their number"):
        token_table([["X"], []], [["X"]], TAGS)
    with pytest.raises(ValueError, match="differ in their number"):
        token_table([["X"], []], [[], ["X"]], TAGS)
    with pytest.raises(ValueError, match="'Y' is not among the declared ADJ"):
        per_tag([["X"]], [["Y"]], TAGS)
    with pytest.raises(ValueError, match="no tags"):
        token_table([[]], [[]], [])
