"""The words that tell how good a model is, compared with what."""

from __future__ import annotations

import math

import pytest

from tunewell.core.results import Score
from tunewell.core.sections import Headline
from tunewell.report.headline import HeadlineView, headline_view


def view(
    metric: str, score: Score, baselines: dict[str, Score], differences: dict[str, Score]
) -> HeadlineView:
    return headline_view(Headline("t", "", metric, "test", 300, score, baselines, differences))


MODEL = Score(0.873, 0.835, 0.910)


def test_a_better_model_is_said_in_points_with_the_interval() -> None:
    shown = view(
        "accuracy", MODEL, {"majority_class": Score(0.66)}, {"majority_class": Score(0.213, 0.15, 0.273)}
    )
    assert shown.differences[0].verdict == "Better"
    assert shown.differences[0].text == "+21.3 points over majority class, 95% interval 15.0 to 27.3."
    assert shown.lede == "21.3 points better than the baseline, majority class (66.0%)."
    assert (shown.value, shown.suffix, shown.interval) == ("87.3", "%", "83.5 to 91.0")


@pytest.mark.parametrize("low", [-0.01, 0.0])
def test_an_interval_that_contains_zero_shows_no_difference(low: float) -> None:
    shown = view("accuracy", MODEL, {"tfidf": Score(0.86)}, {"tfidf": Score(0.012, low, 0.034)})
    assert shown.differences[0].verdict == "No difference shown"
    assert "contains 0" in shown.differences[0].text
    assert shown.lede == "No difference shown from the baseline, TF-IDF (86.0%)."


def test_the_strongest_baseline_is_the_one_that_counts() -> None:
    baselines = {"majority": Score(0.5, 0.4, 0.6), "tfidf": Score(0.91, 0.89, 0.93)}
    differences = {"majority": Score(0.373, 0.3, 0.4), "tfidf": Score(-0.037, -0.05, -0.02)}
    shown = view("accuracy", MODEL, baselines, differences)
    assert shown.lede == "3.7 points worse than the strongest baseline, TF-IDF (91.0%)."
    assert shown.differences[1].text == "3.7 points below TF-IDF, 95% interval −5.0 to −2.0."
    assert (shown.glyph, shown.tone) == ("▼", "bad")


def test_for_an_error_less_is_better_and_no_percent_is_written() -> None:
    shown = view("mse", Score(0.27, 0.24, 0.31), {"mean": Score(1.02)}, {"mean": Score(-0.75, -0.85, -0.64)})
    assert shown.differences[0].verdict == "Better"
    assert (shown.value, shown.suffix, shown.direction) == ("0.270", "", "lower is better")
    assert "points" not in shown.lede


def test_a_lower_perplexity_is_better_and_the_lowest_baseline_is_the_strongest() -> None:
    baselines = {"untrained": Score(905.1, 850.0, 960.0), "n_gram": Score(52.25, 50.0, 54.0)}
    differences = {"untrained": Score(-880.6, -935.0, -825.0), "n_gram": Score(-27.75, -29.5, -26.0)}
    shown = view("perplexity_per_token", Score(24.5, 23.1, 26.0), baselines, differences)
    assert (shown.value, shown.suffix, shown.metric) == ("24.5", "", "perplexity per token")
    assert (shown.glyph, shown.tone, shown.direction) == ("▲", "good", "lower is better")
    assert shown.lede.endswith("better than the strongest baseline, n-gram (52.2).")
    assert [difference.verdict for difference in shown.differences] == ["Better", "Better"]
    worse = view(
        "perplexity_per_token",
        Score(60.0, 58.0, 62.0),
        {"n_gram": Score(52.2, 50.0, 54.0)},
        {"n_gram": Score(7.8, 5.0, 9.0)},
    )
    assert (worse.glyph, worse.lede) == ("▼", "7.8 worse than the baseline, n-gram (52.2).")


def test_bleu_is_in_points_of_100() -> None:
    shown = view(
        "bleu",
        Score(31.42, 29.8, 33.0),
        {"copy_source": Score(0.61)},
        {"copy_source": Score(30.8, 29.1, 32.4)},
    )
    assert (shown.value, shown.suffix, shown.metric) == ("31.4", "", "BLEU")
    assert shown.lede == "30.8 points better than the baseline, copy source (0.6)."


def test_without_baselines_or_intervals_it_says_so() -> None:
    assert "stands alone" in view("accuracy", MODEL, {}, {}).lede
    untested = view("accuracy", Score(0.5), {"majority": Score(0.4)}, {"majority": Score(0.1)})
    assert untested.differences[0].verdict == "Not tested"
    assert "has no interval" in untested.lede
    missing = view("accuracy", Score(math.nan), {"majority": Score(0.4)}, {"majority": Score(math.nan)})
    assert missing.differences[0].text == "The difference to majority could not be computed."
    assert missing.suffix == ""


def test_a_far_baseline_brings_a_close_up_of_the_near_ones() -> None:
    near = {"majority": Score(0.007, 0.004, 0.009), "tfidf": Score(0.87, 0.86, 0.88)}
    strips = view("accuracy", Score(0.873, 0.868, 0.879), near, {}).strips
    assert [len(strip.rows) for strip in strips] == [3, 2]
