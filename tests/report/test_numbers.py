"""Names and numbers by generic rules."""

from __future__ import annotations

import math

import pytest

from tunewell.report.numbers import (
    Scale,
    heading,
    humanise,
    is_share,
    scale_for,
    show_number,
)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("macro_f1", "macro F1"),
        ("mcc", "MCC"),
        ("accuracy", "accuracy"),
        ("expected_calibration_error", "expected calibration error"),
        ("rougeL", "ROUGE-L"),
        ("n_gram", "n-gram"),
        ("token_gram", "token gram"),
        ("bleu", "BLEU"),
        ("chrf2", "chrF2"),
        ("chrf_plus_plus", "chrF++"),
        ("ter", "TER"),
        ("perplexity_per_token", "perplexity per token"),
        ("recall_at_1", "recall@1"),
        ("mrr", "MRR"),
        ("distinct_2", "distinct-2"),
        ("validation_bleu", "validation BLEU"),
        ("validation bleu", "validation BLEU"),
        ("tf_idf + logistic_regression", "TF-IDF + logistic regression"),
        ("Already Written", "Already Written"),
        ("num_examples", "number of examples"),
    ],
)
def test_identifiers_become_words_and_prose_stays(name: str, shown: str) -> None:
    assert humanise(name) == shown


def test_headings_start_with_a_capital_unless_the_field_writes_them_otherwise() -> None:
    assert [heading(name) for name in ("learning_rate", "chrf_plus_plus", "f1")] == [
        "Learning rate",
        "chrF++",
        "F1",
    ]
    assert [heading(name) for name in ("recall_at_1", "distinct_1")] == ["Recall@1", "Distinct-1"]


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("macro_f1", 0.8731, "87.3%"),
        ("accuracy", 1.0, "100.0%"),
        ("mcc", 0.7468, "0.747"),
        ("mse", 0.2731, "0.273"),
        ("mse", 1534.2, "1,534"),
        ("expected_calibration_error", 0.0418, "0.0418"),
        ("bleu", 31.416, "31.4"),
        ("bleu", 0.43, "0.430"),
        ("chrf2", 58.21, "58.2"),
        ("chrf_plus_plus", 55.55, "55.5"),
        ("ter", 107.31, "107.3"),
        ("perplexity_per_token", 23.456, "23.5"),
        ("perplexity_per_character", 2.3456, "2.35"),
        ("recall_at_1", 0.345, "34.5%"),
        ("distinct_1", 0.0432, "0.0432"),
        ("learning_rate", 2e-5, "2e−5"),
        ("accuracy", math.nan, "–"),
    ],
)
def test_scores_are_written_in_the_unit_of_their_metric(metric: str, value: float, shown: str) -> None:
    assert scale_for(metric, [value]).show(value) == shown


def test_error_rates_are_no_shares() -> None:
    assert not is_share("exact_error")


def test_a_bound_that_is_not_zero_never_reads_as_zero() -> None:
    scale = Scale(100.0, 1, "%", points=True).fine_enough_for([0.0001, 0.031])
    assert scale.interval(0.0001, 0.031) == "0.01 to 3.10"


@pytest.mark.parametrize(
    ("value", "shown"), [(12345, "12,345"), (0.12345, "0.1235"), (3e-5, "3e−5"), (-2.5, "−2.5"), (3.0, "3")]
)
def test_numbers_on_their_own(value: float, shown: str) -> None:
    assert show_number(value) == shown
