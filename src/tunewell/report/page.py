"""`render`: sections to one HTML file that needs nothing else, online or off.

The words and numbers of each kind of section are prepared by the module named after it; `page.html.j2` sets
them (`texts.html.j2` the texts), `page.css` and `blocks.css` style them, `page.js` is the only script. Everything is
autoescaped; the page's own Content-Security-Policy forbids any request and any script but ours.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from tunewell.core.sections import (
    Bars,
    Checks,
    Compared,
    Conversations,
    Facts,
    Headline,
    Lines,
    MarkedTexts,
    Matrix,
    Notices,
    Reliability,
    Rewrites,
    Scatter,
    Section,
    Table,
    Texts,
)
from tunewell.report.checks import checks_summary, checks_view
from tunewell.report.compared import compared_view
from tunewell.report.conversations import conversations_view
from tunewell.report.headline import headline_view
from tunewell.report.marked import marked_view
from tunewell.report.matrix import matrix_view
from tunewell.report.numbers import heading
from tunewell.report.rewrites import rewrites_view
from tunewell.report.squares import reliability_view, scatter_view
from tunewell.report.svg import Svg
from tunewell.report.tables import bars_view, panels_view, table_view
from tunewell.report.texts import texts_view

MAX_PAGE_BYTES = 1_950_000
MIN_TEXT_BYTES = 100_000
_LISTS: dict[type[Section], Callable[[Any, int], Any]] = {
    Texts: texts_view,
    MarkedTexts: marked_view,
    Rewrites: rewrites_view,
    Conversations: conversations_view,
}
"""Lists of examples: they share the room on the page."""


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section as the template draws it; `body` differs by `kind`."""

    id: str
    kind: str
    title: str
    note: str
    shows: str
    body: Any


def render(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """One self-contained HTML page, under 2 MB in any ordinary report, with the sections in order."""
    num_texts = sum(type(section) in _LISTS for section in sections)
    page = _draw(title, subtitle, sections, 0)
    if num_texts:  # the texts get the room that the rest leaves
        spare = (MAX_PAGE_BYTES - len(page.encode("utf-8", "replace"))) // num_texts
        page = _draw(title, subtitle, sections, max(MIN_TEXT_BYTES, spare))
    return page.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate must not stop the writing


def _draw(title: str, subtitle: str, sections: Sequence[Section], text_bytes: int) -> str:
    """The page with at most `text_bytes` for each section of texts."""
    style, script = _resource("page.css") + _resource("blocks.css"), _resource("page.js")
    views = [_section_view(index, section, text_bytes) for index, section in enumerate(sections, 1)]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            subtitle=subtitle,
            sections=views,
            trust=next(
                filter(None, (checks_summary(v.id, v.body) for v in views if v.kind == "checks")), None
            ),
            style=Svg(style),
            script=Svg(script),
            policy=(
                f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
                f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
            ),
        )
    )


def _section_view(index: int, section: Section, text_bytes: int) -> SectionView:
    body = _body(section, text_bytes)
    slug = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")[:40]
    return SectionView(
        f"s{index}-{slug}".rstrip("-"), section.kind, section.title, section.note, section.shows, body
    )


def _body(section: Section, text_bytes: int) -> Any:
    if type(section) in _LISTS:
        return _LISTS[type(section)](section, text_bytes)
    views: dict[type[Section], Callable[[Any], Any]] = {
        Headline: headline_view,
        Compared: compared_view,
        Table: table_view,
        Facts: lambda facts: [(heading(name), str(value)) for name, value in facts.facts.items()],
        Lines: panels_view,
        Matrix: matrix_view,
        Bars: bars_view,
        Reliability: reliability_view,
        Scatter: scatter_view,
        Checks: checks_view,
        Notices: lambda notices: list(notices.lines),
    }
    if type(section) not in views:
        raise TypeError(
            f"The report can't draw {type(section).__name__}; it knows the kinds in core/sections.py."
        )
    return views[type(section)](section)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _resource(name: str) -> str:
    """One of the files beside this module, read in a way that also works from a zipped package."""
    return files("tunewell.report").joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
