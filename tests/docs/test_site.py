"""The built site in a real browser: quiet, self-contained, searchable, readable on a phone and in the dark."""

from __future__ import annotations

import functools
import http.server
import runpy
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the Python package playwright is not installed"
)
pytestmark = pytest.mark.browser

CONTRAST = runpy.run_path(str(Path(__file__).parents[1] / "report" / "test_browser.py"))["CONTRAST"]
PAGES = ["index.html", "quickstart.html", "reference/settings.html", "reference/commands.html"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that does not write to the test's output."""

    def log_message(self, format: str, *values: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site on a port of this machine."""
    serve = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens a page and fails at the end if the site complained or asked another host for anything."""
    complaints: list[str] = []
    pages = []

    def note(said: str) -> None:
        # mkdocs-material 9.8 stumbles, harmlessly, over a query that is typed before its index is there
        if "Invalid query: " not in said and "reading '_index'" not in said:
            complaints.append(said)

    def visit_(name: str, **options: object) -> Any:
        page = browser.new_page(**options)
        page.on("console", lambda message: note(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((address, "data:", "blob:"))
                else complaints.append(request.url)
            ),
        )
        page.on(
            "response", lambda response: complaints.append(response.url) if response.status >= 400 else None
        )
        page.goto(address + name, wait_until="networkidle")
        pages.append(page)
        return page

    yield visit_
    for page in pages:
        page.close()
    assert complaints == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_follow_the_system_and_have_contrast(
    visit: Callable[..., Any], name: str, scheme: str
) -> None:
    page = visit(name, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(252, 251, 248)", "dark": "rgb(21, 23, 26)"}[scheme]
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; }")
    poor = page.evaluate(CONTRAST)
    shown = page.evaluate("document.querySelector('article').innerText")
    assert [entry for entry in poor if entry[0] in shown] == []


def test_the_toggle_changes_the_colours_and_keeps_them(visit: Callable[..., Any]) -> None:
    page = visit("index.html", color_scheme="light", viewport={"width": 1280, "height": 900})
    scheme = "document.body.getAttribute('data-md-color-scheme')"
    toggle = page.locator("form[data-md-component=palette] label:visible")
    assert toggle.get_attribute("title") == "Colours: as the system has them. Change to light"
    toggle.click()
    toggle.click()
    assert page.evaluate(scheme) == "slate"
    page.reload(wait_until="networkidle")
    assert page.evaluate(scheme) == "slate"


def test_search_finds_a_setting_by_its_words(visit: Callable[..., Any]) -> None:
    page = visit("index.html", viewport={"width": 1280, "height": 900})
    page.keyboard.press("/")
    page.keyboard.type("learning rate")
    result = page.locator(
        ".md-search-result__link[href*='reference/settings.html'][href$='#traininglearning_rate']"
    )
    playwright.expect(result.first).to_be_visible(timeout=10_000)
    result.first.click()
    page.wait_for_url("**/reference/settings.html*")
    assert page.locator("#traininglearning_rate").is_visible()


def test_the_keyboard_reaches_the_text_and_the_menu(visit: Callable[..., Any]) -> None:
    page = visit("reference/settings.html", viewport={"width": 1280, "height": 900})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to content"
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"Quickstart", "Settings", "Glossary"} <= seen


def test_for_a_screen_reader_there_is_one_heading_and_every_control_has_a_name(
    visit: Callable[..., Any],
) -> None:
    page = visit("howto/csv.html", viewport={"width": 1280, "height": 900})
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == 1
    levels = page.evaluate(
        "[...document.querySelectorAll('article :is(h1,h2,h3,h4)')].map(h => +h.tagName[1])"
    )
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    nameless = page.evaluate(
        """[...document.querySelectorAll('a, button, input')].filter((node) => node.getClientRects().length
           && !(node.textContent.trim() || node.title || node.getAttribute('aria-label')
                || node.getAttribute('placeholder') || node.querySelector('img[alt]'))).map((node) => node.outerHTML)"""
    )
    assert nameless == []


def test_it_reads_without_scripts(visit: Callable[..., Any]) -> None:
    page = visit("quickstart.html", java_script_enabled=False, viewport={"width": 390, "height": 844})
    assert page.locator("h1").inner_text().startswith("Quickstart")
    assert page.locator("pre").first.is_visible()
