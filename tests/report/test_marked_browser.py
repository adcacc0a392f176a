"""Marked texts in a real browser: with and without the script, searched, on a phone and on paper."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the Python package playwright is not installed"
)
pytestmark = pytest.mark.browser

PAGES = runpy.run_path(str(Path(__file__).with_name("marked_pages.py")))
CONTRAST = runpy.run_path(str(Path(__file__).with_name("test_browser.py")))["CONTRAST"]
BOTH = pytest.mark.parametrize("name", ["entities", "questions"])
Open = Callable[..., Any]


@BOTH
def test_the_script_draws_what_stood_there_before(opened: Open, name: str) -> None:
    html = "(list) => list.innerHTML.replace(/>\\s+</g, '><').replace(/\\n(?=<)/g, '').trim()"
    with_script = opened(name).locator(".texts").evaluate(html)
    assert opened(name, java_script_enabled=False).locator(".texts").evaluate(html) == with_script
    assert with_script.count("<mark") > 10


def test_marks_say_what_they_are_and_hold_their_text(opened: Open) -> None:
    page = opened("entities")
    first = page.locator(".texts li").first
    marks = "(node) => [...node.querySelectorAll('mark')].map((mark) => mark.textContent)"
    assert first.evaluate(marks) == [
        "gold and predicted person: Angela Merkel (end) ",
        "gold place: New predicted place: York (end)  City (end) ",
        "predicted place: York (end) ",
        "gold organisation: Bank of predicted place: England (end)  (end) ",
        "predicted place: England (end) ",
        "gold and predicted place: London (end) ",
    ]
    lines = "(node) => [...node.querySelectorAll('mark')].map((m) => getComputedStyle(m).textDecorationStyle)"
    assert first.evaluate(lines) == ["double", "solid", "dashed", "solid", "dashed", "double"]


def test_labels_are_glued_to_their_text_and_stay_out_of_copies(opened: Open) -> None:
    page = opened("entities", viewport={"width": 390, "height": 800})
    apart = """() => [...document.querySelectorAll('.kind-marked .glue')].filter((glue) => {
      const label = glue.querySelector('bdi').getBoundingClientRect();
      const text = glue.lastChild.getClientRects()[0];
      return text.top > label.bottom || text.bottom < label.top;
    }).length"""
    assert page.evaluate(apart) == 0
    copied = """() => {
      getSelection().selectAllChildren(document.querySelector('.texts .text'));
      return getSelection().toString();
    }"""
    assert page.evaluate(copied) == PAGES["SENTENCES"][0][0]


def test_search_finds_across_marks_and_in_labels(opened: Open) -> None:
    page = opened("entities")
    search, status = page.get_by_label("Search"), page.get_by_role("status")
    search.fill("NEW YORK CITY TO")
    playwright.expect(status).to_contain_text("8 of 8 matching texts shown")
    hits = "(node) => [...node.querySelectorAll('mark:not([class])')].map((hit) => hit.textContent)"
    assert page.locator(".texts li").first.evaluate(hits) == ["New ", "York", " City", " to"]
    search.fill("predicted a product")
    playwright.expect(status).to_contain_text("matching texts shown")
    playwright.expect(page.locator(".texts li").first).to_contain_text("Jaguar")
    search.fill("")
    page.get_by_label("Errors", exact=True).select_option("invented")
    texts = page.locator(".texts li").all_inner_texts()
    assert texts
    assert all("invented" in text for text in texts)


def test_search_counts_emoji_and_gaps_rightly(opened: Open) -> None:
    page = opened("entities")
    page.get_by_label("Search").fill("müller")
    playwright.expect(page.locator(".texts mark:not([class])").first).to_have_text("Müller")
    page = opened("questions")
    page.get_by_label("Search").fill("within brazil, followed")
    playwright.expect(page.get_by_role("status")).to_contain_text("matching texts shown")
    gap = page.locator(".texts li", has=page.locator(".gap")).first
    hits = "(node) => [...node.querySelectorAll('mark:not([class])')].map((hit) => hit.textContent).join('')"
    assert gap.evaluate(hits) == "within Brazil, followed"


@BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marked_text_has_enough_contrast(opened: Open, name: str, scheme: str) -> None:
    page = opened(name, color_scheme=scheme)
    page.get_by_label("Search").fill("o")
    playwright.expect(page.locator(".texts mark:not([class])").first).to_be_visible()
    assert page.evaluate(CONTRAST) == []


@BOTH
def test_paper_keeps_lines_and_labels(opened: Open, name: str) -> None:
    page = opened(name, viewport={"width": 680, "height": 1000}, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    mark = page.locator(".texts mark").first
    assert mark.locator("bdi").first.is_visible()
    assert mark.evaluate("(node) => getComputedStyle(node).textDecorationLine") == "underline"
    assert page.evaluate(CONTRAST) == []


def test_a_text_from_right_to_left_stays_so_with_english_labels(opened: Open) -> None:
    text = opened("entities").locator(".texts .text").nth(4)
    assert text.evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    first, second = text.locator("mark").nth(0).bounding_box(), text.locator("mark").nth(1).bounding_box()
    assert first["x"] > second["x"], "what is read first stands to the right"


def test_without_colours_of_our_own_the_lines_remain(opened: Open) -> None:
    page = opened("entities", forced_colors="active")
    styles = "(nodes) => [...new Set(nodes.map((n) => getComputedStyle(n).textDecorationStyle))].sort()"
    assert page.locator(".texts mark").evaluate_all(styles) == ["dashed", "double", "solid"]
    assert page.evaluate(CONTRAST) == []
