"""Rewritten texts and conversations in a real browser: with and without the script, searched, on a phone, on paper."""

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

PAGES = runpy.run_path(str(Path(__file__).with_name("written_pages.py")))
CONTRAST = runpy.run_path(str(Path(__file__).with_name("test_browser.py")))["CONTRAST"]
BOTH = pytest.mark.parametrize("name", ["translations", "conversations"])
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
Open = Callable[..., Any]


def section(page: Any, title: str) -> Any:
    return page.locator("section", has=page.get_by_role("heading", name=title, exact=True))


@BOTH
def test_the_script_draws_what_stood_there_before(opened: Open, name: str) -> None:
    html = "(lists) => lists.map((l) => l.innerHTML.replace(/>\\s+</g, '><').replace(/\\n(?=<)/g, '').trim())"
    with_script = opened(name).locator(".texts").evaluate_all(html)
    assert opened(name, java_script_enabled=False).locator(".texts").evaluate_all(html) == with_script
    assert len(with_script) >= 3
    assert all(part.count('class="block ') > 10 for part in with_script)


def test_source_reference_and_output_stand_side_by_side_and_on_a_phone_below_each_other(opened: Open) -> None:
    for viewport, same in ((DESKTOP, "y"), (PHONE, "x")):
        blocks = section(opened("translations", viewport=viewport), "Best outputs").locator("li").first
        boxes = [blocks.locator(f".{kind}").bounding_box() for kind in ("source", "reference", "output")]
        other = "x" if same == "y" else "y"
        assert len({box[same] for box in boxes}) == 1
        assert sorted(box[other] for box in boxes) == [box[other] for box in boxes]
        assert len({box[other] for box in boxes}) == 3


def test_differences_have_lines_words_for_the_ear_and_stay_out_of_copies(opened: Open) -> None:
    page = opened("translations")
    item = section(page, "Worst outputs").locator("li").nth(1)
    assert item.locator(".reference mark").text_content() == " (not in the output: What is your name) "
    assert item.locator(".output mark").text_content() == " (not in the reference: Как тебя зовут) "
    style = "(node) => getComputedStyle(node).textDecorationLine + getComputedStyle(node).textDecorationStyle"
    assert item.locator(".reference mark").evaluate(style) == "underlinesolid"
    assert item.locator(".output mark").evaluate(style) == "underlinedashed"
    copied = """(node) => { getSelection().selectAllChildren(node); return getSelection().toString(); }"""
    assert item.locator(".output .text").evaluate(copied) == "Как тебя зовут?"
    legend = section(page, "Worst outputs").locator(".marks")
    said = " ".join(legend.inner_text().split())
    assert said == "solid line only in the reference dashed line only in the output"


def test_the_search_looks_into_all_three_texts_and_across_marks(opened: Open) -> None:
    part = section(opened("translations"), "Worst outputs")
    search = part.get_by_label("Search")
    for needle, where in (("Wie heißt", "source"), ("your name?", "reference"), ("тебя зовут?", "output")):
        search.fill(needle.upper() if needle.isascii() else needle)
        playwright.expect(part.locator(f".{where} mark:not([class])").first).to_be_visible()
        found = "(nodes) => nodes.map((node) => node.textContent).join('')"
        assert part.locator(f".{where} mark:not([class])").evaluate_all(found) == needle
        assert part.locator("li").count() == 1
    search.fill("nowhere to be found")
    playwright.expect(part.get_by_role("status")).to_have_text("None of 150 texts matches.")
    search.fill("")
    playwright.expect(part.locator("li")).to_have_count(10)
    part.get_by_label("Oddities").select_option("wrong script")
    playwright.expect(part.locator("li")).to_have_count(1)
    part.get_by_label("Oddities").select_option("")
    part.get_by_role("button", name="Show 50 more").click()
    assert part.locator("li").count() == 60


def test_turns_come_from_either_side_and_replies_stand_beside_each_other(opened: Open) -> None:
    for viewport, same in ((DESKTOP, "y"), (PHONE, "x")):
        page = opened("conversations", viewport=viewport)
        item = section(page, "Most surprising replies").locator("li", has=page.locator(".assistant")).first
        boxes = {
            kind: item.locator(f".{kind}").first.bounding_box()
            for kind in ("user", "assistant", "reference", "reply")
        }
        right = {kind: box["x"] + box["width"] for kind, box in boxes.items()}
        assert boxes["user"]["x"] == pytest.approx(boxes["reference"]["x"], abs=1)
        assert boxes["user"]["x"] < boxes["assistant"]["x"]
        assert right["assistant"] == pytest.approx(right["reply"], abs=1)
        assert boxes["reference"][same] == pytest.approx(boxes["reply"][same], abs=1)
        names = item.locator(".who").all_inner_texts()
        assert names[-2:] == ["Reply in the data", "The model's reply"]
        assert set(names[:-2]) <= {"System", "User", "Assistant"}


def test_a_conversation_is_found_by_any_turn(opened: Open) -> None:
    part = section(opened("conversations"), "Most surprising replies")
    part.get_by_label("Search").fill("second roller")
    playwright.expect(part.locator("mark").first).to_have_text("second roller")
    assert all("second roller" in text for text in part.locator("li").all_inner_texts())


@BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_enough_contrast(opened: Open, name: str, scheme: str) -> None:
    page = opened(name, color_scheme=scheme)
    page.get_by_label("Search").first.fill("e")
    playwright.expect(page.locator(".texts mark:not([class])").first).to_be_visible()
    assert page.evaluate(CONTRAST) == []


@BOTH
def test_paper_keeps_lines_and_boxes(opened: Open, name: str) -> None:
    page = opened(name, viewport={"width": 680, "height": 1000}, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert page.evaluate(CONTRAST) == []
    if name == "translations":
        mark = page.locator(".texts mark").first
        assert mark.evaluate("(node) => getComputedStyle(node).textDecorationLine") == "underline"
    else:
        turn = page.locator(".block.user").first
        assert turn.evaluate("(node) => getComputedStyle(node).borderTopStyle") == "solid"


def test_without_colours_of_our_own_the_lines_remain(opened: Open) -> None:
    page = opened("translations", forced_colors="active")
    styles = "(nodes) => [...new Set(nodes.map((n) => getComputedStyle(n).textDecorationStyle))].sort()"
    assert page.locator(".texts mark").evaluate_all(styles) == ["dashed", "solid"]
    assert page.evaluate(CONTRAST) == []


def test_each_text_goes_in_its_own_direction(opened: Open) -> None:
    part = section(opened("translations"), "Worst outputs")
    part.get_by_label("Search").fill("Der Film ist")
    item = part.locator("li", has_text="Der Film ist")
    direction = "(node) => getComputedStyle(node).direction"
    assert item.locator(".source .text").evaluate(direction) == "ltr"
    assert item.locator(".output .text").evaluate(direction) == "rtl"
