"""How a comparison is said: sentences, p values, and the page they stand on."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tunewell.core.comparisons import Agreement, PairResult
from tunewell.core.results import Score
from tunewell.core.sections import Compared, Table, Texts
from tunewell.report import render
from tunewell.report.compared import compared_view, difference_scale, lede, p_text, pair_words

BETTER: dict[str, Any] = {"difference": Score(0.02, 0.01, 0.03), "corrected_p_value": 0.004}
WORSE: dict[str, Any] = {"difference": Score(-0.02, -0.03, -0.01), "corrected_p_value": 0.004}
OPEN: dict[str, Any] = {"difference": Score(0.01, -0.01, 0.03), "corrected_p_value": 0.4}
UNTESTED: dict[str, Any] = {"difference": Score(math.nan), "corrected_p_value": math.nan}


def pair(run: str = "b_1", against: str = "a_1", **changes: Any) -> PairResult:
    p_value = changes.get("p_value", changes.get("corrected_p_value", 0.004))
    fields: dict[str, Any] = {
        "run": run,
        "against": against,
        "p_values": {"McNemar, mid-p": p_value, "approximate randomisation": 0.006},
        "test": "McNemar, mid-p",
        "smallest_shown": 0.021,
        "num_differing": 40,
        "agreement": Agreement(8000, 80, 40, 80),
        **BETTER,
        **changes,
    }
    fields.pop("p_value", None)
    return PairResult(**fields)


def section(*pairs: PairResult, reference: str | None = "a_1", metric: str = "accuracy") -> Compared:
    names = dict.fromkeys(name for one in pairs for name in (one.against, one.run))
    scores = {name: Score(0.8 + index / 50, 0.78, 0.86) for index, name in enumerate(names)}
    return Compared("Is there a difference?", "note", metric, "test", 1234, reference, scores, list(pairs))


@pytest.mark.parametrize(
    ("p_value", "said"),
    [
        (0.0481, "p = 0.048"),
        (0.05, "p = 0.050"),
        (0.0503, "p = 0.0503"),
        (0.05004, "p = 0.05004"),
        (0.0004, "p < 0.001"),
        (1.0, "p = 1.000"),
        (math.nan, "no p value"),
    ],
)
def test_p_values_are_not_rounded_across_the_level(p_value: float, said: str) -> None:
    assert p_text(p_value) == said


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([pair()], "b_1 is better than a_1."),
        ([pair(**WORSE)], "b_1 is worse than a_1."),
        ([pair(**OPEN)], "No difference shown between b_1 and a_1."),
        ([pair(**UNTESTED)], "b_1 and a_1 could not be tested against each other."),
        (
            [pair(), pair("c", **OPEN)],
            "Of 2 runs compared with a_1, 1 is better and for 1 no difference is shown.",
        ),
        (
            [pair(), pair("c"), pair("d", **WORSE)],
            "Of 3 runs compared with a_1, 2 are better and 1 is worse.",
        ),
        (
            [pair(**UNTESTED), pair("c", **UNTESTED)],
            "The runs could not be tested against each other.",
        ),
        ([pair(**OPEN), pair("c", **OPEN)], "No difference from a_1 is shown for any of the 2 other runs."),
    ],
)
def test_the_answer_in_one_sentence(pairs: list[PairResult], said: str) -> None:
    assert lede(section(*pairs)) == said


def test_all_pairs_in_one_sentence() -> None:
    every = [pair(), pair("c"), pair("c", "b_1", **OPEN)]
    assert lede(section(*every, reference=None)) == "Of 3 pairs of runs, 2 show a difference."
    none = [pair(**OPEN), pair("c", **OPEN), pair("c", "b_1", **OPEN)]
    assert lede(section(*none, reference=None)) == "Of 3 pairs of runs, none show a difference."


def words(one: PairResult, num_pairs: int = 1) -> str:
    return pair_words(one, difference_scale(section(one)), num_pairs)


def test_a_pair_in_words() -> None:
    assert words(pair()) == "b_1 against a_1: +2.0 points, 95% interval +1.0 to +3.0; p = 0.004."
    assert words(pair(**OPEN)) == (
        "b_1 against a_1: +1.0 points, 95% interval −1.0 to +3.0; p = 0.400. "
        "Differences from about 2.1 points would be shown 4 times in 5."
    )
    corrected = pair(p_value=0.03, corrected_p_value=0.06)
    assert "p = 0.030, p = 0.060 after correction." in words(corrected, 2)
    assert "among 2 comparisons one such would be no surprise" in words(corrected, 2)
    alike = pair(difference=Score(0.0, -0.01, 0.01), corrected_p_value=1.0, num_differing=0)
    assert words(alike).endswith("The two answer every example alike.")
    assert words(pair(**UNTESTED)) == "b_1 against a_1: the difference could not be computed."
    total = pair(difference=Score(0.02), corrected_p_value=math.nan)
    assert words(total) == "b_1 against a_1: +2.0 points, without a test."
    no_interval = pair(difference=Score(0.02), corrected_p_value=0.6, smallest_shown=math.nan)
    assert words(no_interval) == "b_1 against a_1: +2.0 points; p = 0.600."


def test_an_end_of_an_interval_does_not_read_as_0() -> None:
    close = pair(difference=Score(0.014, 0.0001, 0.028), corrected_p_value=0.048)
    assert "+1.40 points, 95% interval +0.01 to +2.80" in words(close)


def test_one_pair_has_a_big_number_and_several_have_none() -> None:
    one = compared_view(section(pair()))
    assert (one.figure, one.unit, one.glyph, one.tone) == ("+2.0", "points", "▲", "good")
    assert [len(chart.rows) for chart in one.strips] == [2, 1]
    several = compared_view(section(pair(), pair("c", **WORSE)))
    assert (several.figure, several.unit) == ("", "")
    assert [len(chart.rows) for chart in several.strips] == [3, 2]
    assert [difference.tone for difference in several.differences] == ["good", "bad"]
    assert [row[:2] for row in several.numbers.rows] == [["b_1", "a_1"], ["c", "a_1"]]
    assert several.agreement.rows[0][2:] == ["8,000", "80", "40", "80"]


def test_metrics_that_are_no_shares_have_no_points() -> None:
    view = compared_view(section(pair(agreement=None), metric="mcc"))
    assert (view.figure, view.unit) == ("+0.020", "")
    assert view.agreement.rows == []


def test_what_could_not_be_tested_is_drawn_all_the_same() -> None:
    page = render("t", "s", [section(pair(**UNTESTED))])
    assert "could not be tested against each other" in page


def test_names_of_runs_stay_as_they_are_and_are_escaped() -> None:
    names = ["a_1", "<b>_2"]
    page = render(
        "t",
        "s",
        [
            section(pair("<b>_2")),
            Table("All metrics", "n", ["metric", *names], [["macro_f1", 0.5, 0.25]], verbatim=names),
            Texts("Where", "n", [{"text": "x", "gold": "g", "a_1": "g", "<b>_2": "h"}], verbatim=names),
        ],
    )
    assert "<b>_2" not in page
    assert ">a_1</th>" in page
    assert ">&lt;b&gt;_2</th>" in page
    assert "<dt>a_1</dt>" in page
    assert "macro F1" in page
