"""Links: those of the repository's Markdown, and those of the built site. External ones are listed, not fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTERNAL: set[str] = set()
"""Every address outside that the pages link to; none so far. A new one is added here on purpose."""

_FENCE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_MARKDOWN = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(
        part.startswith(".") or part in ("site", "runs", "build") for part in path.relative_to(ROOT).parts
    )
)


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that a code forge gives the headings of a page."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#{1,6} +(.+?)\s*$", text, re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return frozenset(slugs)


@pytest.mark.parametrize("path", _MARKDOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_in_markdown_lead_somewhere(path: Path) -> None:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for target in _LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        parts = urlsplit(target)
        if parts.scheme:
            assert target in EXTERNAL, f"{path.name}: {target}: add it to EXTERNAL if it is wanted"
            continue
        there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert there.exists(), f"{path.name}: {target} leads nowhere"
        if parts.fragment:
            assert parts.fragment in anchors(there), f"{path.name}: {target}: no such heading"


class Page(HTMLParser):
    """The ids, links and resources of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag != "a":
            self.resources += [given[name] for name in ("src", "href", "srcset", "action") if name in given]


@pytest.fixture(scope="module")
def read(site: Path) -> Callable[[Path], Page]:
    return cache(lambda path: Page(path.read_text(encoding="utf-8")))


def test_links_and_anchors_of_the_site(site: Path, read: Callable[[Path], Page]) -> None:
    pages = [path for path in site.rglob("*.html") if path.name != "404.html"]
    assert len(pages) > 30
    for path in pages:
        page = read(path)
        for target in page.links + page.resources:
            parts = urlsplit(target)
            if parts.scheme == "data" or target in EXTERNAL & set(page.links):
                continue
            assert (parts.scheme, parts.netloc) == ("", ""), f"{path.relative_to(site)}: {target}"
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert there.is_file(), f"{path.relative_to(site)}: {target} leads nowhere"
            if parts.fragment and there.suffix == ".html":
                known = read(there).ids
                assert unquote(parts.fragment) in known, f"{path.relative_to(site)}: {target}: no such anchor"


def test_style_sheets_fetch_nothing(site: Path) -> None:
    for path in site.rglob("*.css"):
        for address in re.findall(
            r"(?:url\(|@import )\s*[\"']?([^\"')\s]+)", path.read_text(encoding="utf-8")
        ):
            assert not re.match(r"(https?:)?//", address), f"{path.name}: {address}"


def test_every_page_is_on_the_site(site: Path) -> None:
    built = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    written = {
        path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")
    }
    written |= {name.lower() for name in ("ARCHITECTURE", "CHANGELOG", "CONTRIBUTING")}
    written |= {
        f"examples/{path.stem}" for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".ipynb")
    }
    assert built == written | {"404"}
