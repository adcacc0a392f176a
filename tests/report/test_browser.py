"""The page in a real browser: quiet console, no request, and the search finds what it should."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.sections import Section
from tunewell.report import render
from tunewell.studies.comparison import compare
from tunewell.studies.comparison_sections import comparison_sections

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the Python package playwright is not installed"
)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=[2, 4])
def comparison(
    request: pytest.FixtureRequest, stored_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Section]:
    """The page of two runs, and of four with long names."""
    folder, draw = tmp_path_factory.mktemp("compared"), random.Random(0)
    names = ("negative", "neutral", "positive")
    gold = [draw.choice(names) for _ in range(400)]
    texts = [f"a review with <b> and words enough to fill a line or two of the page, {n}" for n in range(400)]
    runs = []
    for index, share in enumerate((0.25, 0.2, 0.4, 0.22)[: request.param]):
        said = [label if draw.random() > share else draw.choice(names) for label in gold]
        name = f"reviews-{index}" + "-of_a_long_name_without_a_break" * (request.param > 2)
        runs.append(stored_run(folder / name, gold, said, texts=texts, identity={"training.seed": index}))
    return comparison_sections(compare(runs, resamples=200, rank_resamples=100))


@pytest.fixture
def open_report(open_page: Callable[..., Any]) -> Callable[..., Any]:
    """Opens a report of sections."""
    return lambda sections, **options: open_page(render("A report", "of a run", sections), **options)


def test_script_takes_over_without_changing_what_is_shown(open_report, sentiment_report) -> None:
    with_script = open_report(sentiment_report).locator(".texts").inner_text()
    without = open_report(sentiment_report, java_script_enabled=False)
    assert without.locator(".texts").inner_text() == with_script
    assert not without.locator(".controls").is_visible()
    assert without.locator(".texts li").count() == 10


def test_search_filters_marks_and_counts(open_report, sentiment_report) -> None:
    page = open_report(sentiment_report)
    assert page.locator(".texts li").count() == 10
    page.get_by_label("Search").fill("alert('BOO')")
    playwright.expect(page.get_by_role("status")).to_have_text(
        "1 of 1 matching texts shown; 300 texts in all."
    )
    assert page.locator(".texts mark").inner_text() == "alert('boo')"
    page.get_by_label("Search").fill("nowhere to be found")
    playwright.expect(page.get_by_role("status")).to_have_text("None of 300 texts matches.")
    page.get_by_label("Search").fill("")
    playwright.expect(page.locator(".texts li")).to_have_count(10)


def test_filters_order_and_more_work_from_the_keyboard(open_report, sentiment_report) -> None:
    page = open_report(sentiment_report)
    page.get_by_label("Show", exact=True).select_option("wrong only")
    page.get_by_label("Gold").select_option("negative")
    page.get_by_label("Order").select_option("Confidence, highest first")
    texts = page.locator(".texts li").all_inner_texts()
    assert texts
    assert all("✕ wrong" in text and "positive" in text for text in texts)
    values = [float(text.split("Confidence")[1].strip(" \n%")) for text in texts]
    assert values == sorted(values, reverse=True)
    page.get_by_label("Show", exact=True).select_option("")
    page.get_by_label("Gold").select_option("")
    more = page.get_by_role("button", name="Show 50 more")
    more.focus()
    for _ in range(6):
        page.keyboard.press("Enter")
    assert page.locator(".texts li").count() == 300
    assert not more.is_visible()
    assert page.evaluate("document.activeElement.tagName") == "LI"


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_comparison_on_any_screen(open_report, comparison, width: int, scheme: str) -> None:
    page = open_report(comparison, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CONTRAST) == []
    assert page.locator(".strips").count() == 2
    assert page.locator(".differences li").count() == len(comparison[0].pairs)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_examples_of_a_comparison_are_filtered_by_who_is_right(open_report, comparison) -> None:
    page = open_report(comparison)
    page.get_by_label("Right", exact=True).select_option("none")
    texts = page.locator(".texts li").all_inner_texts()
    assert texts
    assert all("none" in text for text in texts)


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_sideways_scrolling_on_any_screen(open_report, sample, width: int, scheme: str) -> None:
    page = open_report(sample, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(21, 23, 26)") == (scheme == "dark")


# Contrast as WCAG defines it, of every visible piece of text against what is painted behind it.
CONTRAST = """() => {
  const parse = (c) => { const p = c.match(/[\\d.]+/g).map(Number); return p.length > 3 ? p : [...p, 1]; };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255, v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => node ? over(parse(getComputedStyle(node).backgroundColor), behind(node.parentElement))
    : [255, 255, 255];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.getClientRects().length || node.closest("script,style,option")) continue;
    const style = getComputedStyle(node);
    const ink = parse(node.ownerSVGElement ? style.fill : style.color);
    const ground = behind(node);
    const [a, b] = [light(over(ink, ground)), light(ground)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([walker.currentNode.data.trim().slice(0, 40), (a + 0.05) / (b + 0.05)]);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(open_report, sample, scheme: str) -> None:
    page = open_report(sample, color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []
