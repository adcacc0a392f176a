"""What a report holds, section by section, made through a real task from made-up answers."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from tunewell.core.results import Score
from tunewell.core.sections import (
    Bars,
    Check,
    Checks,
    ConfidenceBin,
    Headline,
    Lines,
    Matrix,
    Reliability,
    Scatter,
    Section,
    Table,
    Texts,
)
from tunewell.metrics.classification import calibration_table
from tunewell.report import render
from tunewell.report.headline import headline_view
from tunewell.report.squares import MAX_DOTS, reliability_view, scatter_view
from tunewell.report.tables import bars_view, panels_view, table_view
from tunewell.scoring import curve_section
from tunewell.tasks.showing.confidence import reliability
from tunewell.tasks.showing.lists import TEXTS_SHOWN

PAGES = runpy.run_path(str(Path(__file__).with_name("pages.py")))
S = TypeVar("S", bound=Section)


@cache
def page(name: str) -> list[Section]:
    return PAGES["PAGES"][name]()  # type: ignore[no-any-return]


def the(kind: type[S], sections: Sequence[Section], title: str = "") -> S:
    (found,) = [part for part in sections if isinstance(part, kind) and title in part.title]
    return found


@pytest.mark.parametrize("name", PAGES["PAGES"])
def test_every_section_says_how_to_read_it_and_every_chart_what_it_shows(name: str) -> None:
    for section in page(name):
        assert section.note, section.title
        assert section.note.endswith("."), section.title
        if (
            isinstance(section, (Matrix, Reliability, Scatter, Bars, Lines, Texts))
            and section.title != "Largest errors"
        ):
            assert section.shows, section.title
    assert len({section.title for section in page(name)}) == len(page(name))


def test_the_order_is_that_of_a_readers_questions() -> None:
    assert [section.title for section in page("two labels")] == [
        "How good is it?",
        "Can you trust it?",
        "Confusion matrix",
        "Scores by label",
        "Is its confidence to be believed?",
        "Most confident mistakes",
        "Least certain examples",
        "All metrics",
        "Learning curves",
        "The data",
        "Labels in the training data",
        "Lengths of the training texts",
        "How the data were read",
        "Settings and versions",
        "Time",
        "Machine",
    ]


# Reliability


def test_the_calibration_error_is_the_metrics_own() -> None:
    draw = np.random.default_rng(1)
    confidence = draw.uniform(0.5, 1.0, 700)
    correct = draw.uniform(size=700) < confidence - 0.1
    section = reliability(confidence, correct)
    table = calibration_table(confidence, correct)
    expected = table.metrics["expected_calibration_error"](table.parts.sum(axis=0))
    assert section.error == pytest.approx(float(expected))
    assert sum(part.count for part in section.bins) == 700
    assert "too sure on the whole" in section.shows


def test_intervals_of_bins_are_wilsons() -> None:
    """Newcombe (1998), table I: 81 of 263 is 0.2553 to 0.3662, 0 of 20 is 0 to 0.1611."""
    correct = np.arange(263) < 81
    (part,) = reliability(np.full(263, 0.3), correct).bins
    assert (part.right.low, part.right.high) == (
        pytest.approx(0.2553, abs=5e-5),
        pytest.approx(0.3662, abs=5e-5),
    )
    (part,) = reliability(np.full(20, 0.3), np.zeros(20, bool)).bins
    assert (part.right.low, part.right.high) == (0.0, pytest.approx(0.1611, abs=5e-5))


def test_the_diagram_has_a_dot_an_interval_and_a_count_for_every_bin() -> None:
    section = the(Reliability, page("two labels"))
    view = reliability_view(section)
    assert view is not None
    for drawn in ('class="bin"', 'class="whisker"', 'class="counted"'):
        assert view.chart.count(drawn) == len(section.bins)
    assert sum(int(row[1]) for row in view.table.rows) == 350
    assert ("Expected calibration error", f"{100 * (section.error or 0):.1f}%") in view.figures
    assert "confidence" in view.chart
    assert "share right" in view.chart


def test_one_answer_has_a_diagram() -> None:
    view = reliability_view(reliability(np.array([1.0]), np.array([True])))
    assert view is not None
    assert "nan" not in view.chart


# Examples


def test_mistakes_are_wrong_and_the_surest_first_and_doubts_are_the_least_sure() -> None:
    mistakes, doubts = (the(Texts, page("two labels"), title) for title in ("mistakes", "Least certain"))
    assert all(entry["gold"] != entry["predicted"] and entry["correct"] == "no" for entry in mistakes.entries)
    sure = [float(entry["confidence"]) for entry in mistakes.entries]
    assert sure == sorted(sure, reverse=True)
    unsure = [float(entry["confidence"]) for entry in doubts.entries]
    assert unsure == sorted(unsure)
    assert {entry["correct"] for entry in doubts.entries} == {"yes", "no"}
    assert len(doubts.entries) == TEXTS_SHOWN


def test_examples_of_pairs_many_labels_and_no_label() -> None:
    pairs = the(Texts, page("four labels, pairs"), "Least")
    assert all("\n\u2016 " in str(entry["text"]) for entry in pairs.entries)
    assert all(0 <= float(entry["gold_probability"]) <= float(entry["confidence"]) for entry in pairs.entries)
    several = the(Texts, page("several labels"), "Least")
    assert "no label" in {entry["gold"] for entry in several.entries}
    assert "<dd>✓ right</dd>" in render("t", "", [several])


def test_a_choice_of_right_and_wrong_only_where_there_are_both() -> None:
    mistakes, doubts = (the(Texts, page("two labels"), title) for title in ("mistakes", "Least certain"))
    assert "data-right" not in render("t", "", [mistakes]).partition("<script")[0]
    assert "data-right" in render("t", "", [doubts]).partition("<script")[0]


# Numbers


def test_a_scatter_shows_an_even_choice_of_many_points_and_all_in_its_table() -> None:
    points = [(float(index), float(index) + 1) for index in range(4 * MAX_DOTS)]
    view = scatter_view(Scatter("t", "n", "value", [*points, (float("nan"), 1.0)]))
    assert view is not None
    assert 0 < view.chart.count("h0") <= MAX_DOTS
    assert sum(int(row[1].replace(",", "")) for row in view.table.rows) == len(points)
    assert all(row[-1] in ("1", "1.00", "1.0") for row in view.table.rows)
    assert "diagonal" in view.chart


def test_largest_errors_come_first() -> None:
    section = the(Texts, page("a number"), "Largest errors")
    errors = [abs(float(entry["error"])) for entry in section.entries]
    assert errors == sorted(errors, reverse=True)


# Curves


def test_curves_mark_what_was_kept_and_leave_out_what_is_not_defined() -> None:
    entries: list[dict[str, Any]] = [
        {"event": "step", "step": 1, "loss": 0.7, "learning_rate": 0.1},
        {"event": "evaluation", "step": 2, "is_best": True, "validation_mcc": None},
        {"event": "evaluation", "step": 4, "is_best": True, "validation_mcc": 0.5},
        {"event": "evaluation", "step": 6, "is_best": False, "validation_mcc": 0.4},
    ]
    section = curve_section(entries, "mcc")
    assert isinstance(section, Lines)
    assert section.marks == {"kept": 4}
    assert section.panels["validation mcc"]["mcc"] == [(4, 0.5), (6, 0.4)]
    assert "step 4 of 6 were kept" in section.shows
    panels = panels_view(section)
    assert all(panel.chart.count('class="mark"') == 1 for panel in panels)
    assert panels[1].words == "From 0.500 at step 4 to 0.400 at step 6. Kept: step 4."
    last = curve_section([{**entry, "is_best": True} for entry in entries], "mcc")
    assert "more epochs" in last.shows


def test_a_threshold_curve_reads_below_zero_and_says_what_was_chosen() -> None:
    curve = the(Lines, page("questions"))
    first, second = panels_view(curve)
    assert first.words.endswith("Chosen: threshold −1.37.")
    assert first.words.startswith(
        "From 57.2% at threshold −9.5 to 54.6% at threshold 9.37, highest 81.0% at −1.36."
    )
    for tick in ("−5", "0", "5", "60%"):
        assert f">{tick}</text>" in first.chart
    assert second.title == "Exact match"
    assert first.table.rows[0][0] == "−9.5"
    beyond = Lines("t", "n", "threshold", {"f1": {"F1": [(0.0, 0.5), (1.0, 0.6)]}}, marks={"chosen": -4.0})
    assert 'x1="50" x2="50" y1="12" y2="172" class="mark"' in panels_view(beyond)[0].chart
    never = Lines("t", "n", "threshold", beyond.panels, marks={"chosen": float("-inf")})
    assert 'class="mark"' not in panels_view(never)[0].chart
    assert "Chosen" not in panels_view(never)[0].words


def test_an_interval_is_written_as_the_score_that_it_belongs_to() -> None:
    rows = table_view(the(Table, page("entities"), "length")).rows
    assert rows[0] == ("1–10", "210", "244", "89.1%", "86.0%", "92.0%")
    assert rows[2][3:] == ("–", "–", "–")


# Checks and the line beside the score


def test_what_is_fine_and_what_wants_a_look() -> None:
    good = the(Checks, page("two labels"), "trust")
    assert {item.verdict for item in good.items} == {"fine"}
    html = render("t", "", page("two labels"))
    assert f"All {len(good.items)} checks of data and model are fine." in html
    bad = the(Checks, page("doubtful"), "trust")
    looks = [item for item in bad.items if item.verdict == "look"]
    assert bad.items[: len(looks)] == looks, "what wants a look comes first"
    said = " ".join(item.text for item in looks)
    for words in ("no test data", "No more than 40 validation examples", "also in train", "repeat the text"):
        assert words in said
    assert "direction mark" not in said
    html = render("t", "", page("doubtful"))
    assert f"{len(looks)} of {len(bad.items)} checks want a look before you trust it." in html
    assert 'href="#s2-can-you-trust-it"' in html.partition("Can you trust it?</h2>")[0]
    assert "train.csv:4 &#39;x&#39; = line 2" in html


@pytest.mark.parametrize(("error", "verdict"), [(0.02, "fine"), (0.2, "look")])
def test_a_confidence_that_is_far_off_wants_a_look(error: float, verdict: str) -> None:
    from tunewell.runs.sections import _confidence_checks

    for count, expected in ((100, [verdict]), (99, [])):
        part = ConfidenceBin(0.8, 0.9, count, 0.85, Score(0.85 - error))
        section = Reliability("t", "n", "answers", "right", [part], error)
        assert [check.verdict for check in _confidence_checks([section])] == expected


def test_without_checks_the_headline_claims_nothing() -> None:
    headline = page("two labels")[0]
    assert 'class="trust"' not in render("t", "", [headline, Checks("t", "n", [Check("note", "read")])])
    assert isinstance(headline, Headline)
    assert headline_view(headline).value


# Data


def test_shares_stand_beside_counts() -> None:
    labels = the(Bars, page("two labels"), "Labels")
    assert [(bar.value, bar.share) for bar in bars_view(labels).shown] == [("404", "50.5%"), ("396", "49.5%")]
    assert bars_view(Bars("t", "n", "texts", {"a": 1.0})).shown[0].share == ""


def test_sizes_count_duplicates_and_lengths() -> None:
    table = the(Table, page("one example"), "The data")
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert rows["train"]["Also in train"] is None
    assert rows["test"]["examples"] == 1
    assert (
        rows["train"]["Median tokens"]
        <= rows["train"]["95% have at most"]
        <= rows["train"]["Longest, in tokens"]
    )


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.75, 3), (0.76, 4)])
def test_quantiles_are_lengths_that_occur(share: float, value: int) -> None:
    from tunewell.runs.sections import _quantile

    assert _quantile([4, 1, 3, 2], share) == value


# Size


def test_five_thousand_test_rows_stay_under_two_megabytes() -> None:
    sections: list[Section] = PAGES["five_thousand"]()
    assert the(Headline, sections).num_examples == 5000
    assert len(render("t", "", sections).encode()) < 2_000_000


@pytest.mark.parametrize("name", ["one example", "Arabic"])
def test_nothing_undefined_is_written_out(name: str) -> None:
    html = render("t", "", page(name)).partition("<script")[0]
    for word in (">nan", "nan%", ">None<", "inf "):
        assert word not in html


def test_a_score_that_is_not_defined_is_a_dash() -> None:
    headline = Headline("t", "n", "mcc", "test", 1, Score(float("nan")), {"b": Score(float("nan"))}, {})
    assert headline_view(headline).value == "–"
