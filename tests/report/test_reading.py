"""Read as people read: on a phone, on paper, by keyboard, through a screen reader; every page of `pages.py`.

`make test` brings axe-core through axe-playwright-python, so nothing is fetched.
"""

from __future__ import annotations

import runpy
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.sections import Section
from tunewell.report import render

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the Python package playwright is not installed"
)
pytestmark = pytest.mark.browser

PAGES = runpy.run_path(str(Path(__file__).with_name("pages.py")))
NAMES = list(PAGES["PAGES"])
PHONE = {"width": 390, "height": 844}
A4_INSIDE_THE_MARGINS = 680  # pixels, at 96 to the inch
Open = Callable[..., Any]


@cache
def page_of(name: str) -> str:
    sections: list[Section] = PAGES["PAGES"][name]()
    return render("reviews-1a2b3c4d", "Text classification · minilm · 2026-11-23", sections)


@pytest.fixture
def opened(open_page: Open) -> Open:
    """Opens a page by name."""
    return lambda name, **options: open_page(page_of(name), **options)


# Screen readers


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_no_fault(opened: Open, name: str, scheme: str) -> None:
    """Of any impact, with all that is folded opened; the issue asks for serious and critical ones alone."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page = opened(name, color_scheme=scheme, viewport=PHONE if scheme == "dark" else None)
    page.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    faults = [
        (fault["id"], fault["impact"], node["html"][:200]) for fault in found for node in fault["nodes"][:3]
    ]
    assert faults == []


@pytest.mark.parametrize("name", ["two labels", "a number", "150 labels"])
def test_every_chart_has_words_and_a_table(opened: Open, name: str) -> None:
    page = opened(name)
    for drawing in page.locator("svg[role=img]").all():
        assert drawing.locator("title").first.text_content().strip()
    for figure in page.locator("figure:has(svg.panel), figure.square, figure.heatmap").all():
        assert figure.locator("svg[role=img] desc").first.text_content().strip()
        section = figure.locator("xpath=ancestor::section")
        assert section.locator("details table").count()


# Phones


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wider_than_a_phone(opened: Open, name: str) -> None:
    page = opened(name, viewport={"width": 360, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach((node) => { node.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("name", ["two labels", "doubtful", "a number", "several labels"])
def test_the_first_screen_of_a_phone_answers_the_three_questions(opened: Open, name: str) -> None:
    """How good is it, is it better than something simple, can I trust it?"""
    page = opened(name, viewport=PHONE)
    for part in (".figure", ".what", ".lede", ".trust a"):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= PHONE["height"], part


def test_what_is_touched_is_large_enough(opened: Open) -> None:
    """24 pixels, as WCAG 2.2 asks, or room around it."""
    page = opened("doubtful", viewport=PHONE)
    for part in page.locator("nav a, summary, select, input, button:visible").all():
        assert part.bounding_box()["height"] >= 24


def test_texts_are_laid_out_in_their_own_direction(opened: Open) -> None:
    text = opened("Arabic").locator(".texts .text").first
    assert text.evaluate("(node) => getComputedStyle(node).unicodeBidi") == "plaintext"
    assert text.evaluate("(node) => getComputedStyle(node).direction") == "rtl"


# Paper

FOLDED = """() => [...document.querySelectorAll('details > :not(summary)')]
  .filter((node) => !node.getBoundingClientRect().height).length"""
PALE = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("name", ["two labels", "doubtful", "twelve labels", "150 labels", "a number"])
def test_paper_is_white_shows_what_is_folded_and_cuts_nothing(opened: Open, name: str, script: bool) -> None:
    page = opened(
        name,
        color_scheme="dark",
        java_script_enabled=script,
        viewport={"width": A4_INSIDE_THE_MARGINS, "height": 1000},
    )
    page.emulate_media(media="print", color_scheme="dark")
    if script:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(FOLDED) == 0
    assert page.evaluate(PALE) == "rgb(255, 255, 255)"
    for part in ("nav", ".controls", ".skip", ".more"):
        assert not page.locator(part).first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_INSIDE_THE_MARGINS
    cut = "() => [...document.querySelectorAll('.scroll')].filter((n) => n.scrollWidth > n.clientWidth + 1).length"
    assert page.evaluate(cut) == 0
    if script:
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details[open]").count() == 0


def test_it_prints(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    opened("two labels").pdf(path=path, format="A4", print_background=False)
    assert path.read_bytes().startswith(b"%PDF")
    if shutil.which("pdftotext"):
        said = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
        assert "How good is it?" in said
        assert "Mean confidence" in said, "a folded table is on the paper"


# Keyboards

FOCUS = """() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  return {
    tag: node.tagName,
    name: node.id || node.textContent.trim().slice(0, 40),
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""
STOPS = """() => [...document.querySelectorAll('a[href], summary, input, select, button, [tabindex="0"]')]
  .filter((node) => node.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })).length"""


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
def test_the_tab_key_comes_to_everything_and_shows_where_it_is(
    opened: Open, viewport: dict[str, int]
) -> None:
    page = opened("doubtful", viewport=viewport, reduced_motion="reduce")
    stops = []
    for _ in range(page.evaluate(STOPS)):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))
    assert stops[0]["name"] == "Skip to the report"
    assert [stop for stop in stops if not (stop["ring"] and stop["seen"])] == []
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["tag"] in ("BODY", "A"), "the way round is closed"


def test_the_skip_link_skips_and_the_trust_line_leads_to_the_checks(opened: Open) -> None:
    page = opened("doubtful", reduced_motion="reduce")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert "before you trust it" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#s2-can-you-trust-it"
    top = page.get_by_role("heading", name="Can you trust it?").bounding_box()["y"]
    assert 0 <= top < 150


def test_both_lists_of_examples_are_searched_each_by_itself(opened: Open) -> None:
    page = opened("two labels")
    first, second = page.get_by_role("search").all()
    before = page.locator(".count").nth(1).inner_text()
    first.get_by_label("Search").fill("sequel")
    playwright.expect(page.locator(".count").first).to_contain_text("matching texts shown")
    assert page.locator(".texts").first.locator("mark").count() > 0
    assert page.locator(".count").nth(1).inner_text() == before
    second.get_by_label("Show", exact=True).select_option("right only")
    playwright.expect(page.locator(".texts").nth(1)).not_to_contain_text("✕ wrong")
