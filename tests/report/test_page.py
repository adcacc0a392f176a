"""The page as a whole: every kind of section, nothing from outside, users' texts only as text."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from tunewell.core.results import Score
from tunewell.core.sections import (
    Bars,
    Check,
    Checks,
    ConfidenceBin,
    Facts,
    Headline,
    Lines,
    Mark,
    MarkedText,
    MarkedTexts,
    Matrix,
    Notices,
    Reliability,
    Scatter,
    Section,
    Table,
    Texts,
    section_from_json,
)
from tunewell.report import render
from tunewell.report.charts import thin

Entries = Callable[[int], list[dict[str, str | float]]]
VOID = {"meta", "link", "br", "input"}
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'&\u2028</title>]]>--><!--"


class Page(HTMLParser):
    """Checks nesting while it reads, and keeps tags with attributes and the text outside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] == ["script"]:
            self.scripts[-1] += data
        elif self.stack[-1:] != ["style"]:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_kind_has_its_heading_and_landmarks_stand(sentiment_report: list[Section]) -> None:
    assert {section.kind for section in sentiment_report} == {
        "headline", "table", "facts", "lines", "matrix", "bars", "texts", "notices",
    }  # fmt: skip
    page = Page(render("Title", "Subtitle", sentiment_report))
    assert len(page.all("h1")) == 1
    assert len(page.all("h2")) == len(sentiment_report) == len(page.all("section"))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.all(landmark)) == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"] for attributes in page.all("a")}
    assert targets <= {f"#{name}" for name in ids}
    assert {f"#{attributes['id']}" for attributes in page.all("section")} <= targets
    for _, attributes in page.tags:
        assert attributes.get("aria-labelledby", ids[0]) in ids
    for section in sentiment_report:
        assert section.title in page.text


def test_tables_and_pictures_can_be_heard(sample: list[Section]) -> None:
    page = Page(render("Title", "", sample))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(attributes.get("scope") for attributes in page.all("th"))
    pictures = page.all("svg")
    assert pictures
    assert all(p.get("role") == "img" or p.get("aria-hidden") == "true" for p in pictures)
    assert len(page.all("label")) == len(page.all("input")) + len(page.all("select"))


def test_svg_is_well_formed_and_named(sample: list[Section]) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", render("Title", "", sample), re.DOTALL):
        root = ET.fromstring(drawing)
        if root.get("role") == "img":
            assert root[0].tag == "title"
            assert root[0].text


def test_nothing_is_loaded_from_outside(sample: list[Section]) -> None:
    html = render("Title", "", sample)
    page = Page(html)
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert "@import" not in html
    assert "url(" not in html
    assert not re.search(r"https?://", html)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy


def nasty_sections() -> list[Section]:
    score = Score(0.5, 0.4, 0.6)
    return [
        Headline(NASTY, NASTY, NASTY, NASTY, 3, score, {NASTY: score}, {NASTY: score}),
        Table(NASTY, NASTY, [NASTY, "b"], [[NASTY, 1]]),
        Facts(NASTY, NASTY, {NASTY: NASTY}),
        Lines(NASTY, NASTY, NASTY, {NASTY: {NASTY: [(0.0, 1.0), (1.0, 2.0)], "other": [(0.0, 1.0)]}}),
        Matrix(NASTY, NASTY, [NASTY, "b"], [[1, 2], [3, 4]]),
        Matrix(NASTY, NASTY, [NASTY, *map(str, range(30))], [[1] * 31] * 31),
        Bars(NASTY, NASTY, NASTY, {NASTY: 1}),
        Texts(NASTY, NASTY, [{"text": NASTY, NASTY: NASTY, "gold": NASTY}, {"text": "b", "gold": "c"}] * 4),
        MarkedTexts(NASTY, NASTY, [MarkedText(NASTY, [Mark(2, 30, NASTY, "gold")], {NASTY: NASTY})]),
        Notices(NASTY, NASTY, [NASTY]),
        Checks(NASTY, NASTY, [Check("look", NASTY, [NASTY])], shows=NASTY),
        Reliability(NASTY, NASTY, NASTY, NASTY, [ConfidenceBin(0.8, 0.9, 3, 0.85, score)], 0.1),
        Scatter(NASTY, NASTY, NASTY, [(0.0, 1.0), (1.0, 0.5)]),
    ]


def test_markup_in_any_field_shows_as_text() -> None:
    page = Page(render(NASTY, NASTY, nasty_sections()))
    assert page.all("img") == []
    assert len(page.all("script")) == 3
    assert page.text.count("<script>alert(1)</script>") > 30


def test_embedded_data_can_neither_end_the_script_nor_break_a_line() -> None:
    page = Page(render("t", "", [Texts("Texts", "", [{"text": NASTY, "n": math.nan}])]))
    data, script = page.scripts
    assert not set("<>&\u2028\u2029") & set(data)
    assert json.loads(data)["rows"] == [[NASTY, "–", None]]
    assert '"use strict"' in script


def test_a_lone_surrogate_does_not_stop_the_writing() -> None:
    page = render(
        "t", "", [Texts("Texts", "", [{"text": "broken \ud800 emoji"}]), Notices("n", "", ["\udfff"])]
    )
    assert page.encode("utf-8")


def test_round_trip_through_json_draws_the_same_page(sample: list[Section]) -> None:
    stored = json.loads(json.dumps([section.to_json() for section in sample]))
    assert render("t", "s", [section_from_json(data) for data in stored]) == render("t", "s", sample)


def test_texts_get_the_room_that_many_labels_leave(intents_report: list[Section]) -> None:
    entries = [{"text": "文" * 3000, "second": "<" * 3000}] * 5000
    texts: list[Section] = [Texts("One", "", entries), Texts("Two", "", entries)]
    html = render("t", "", [*intents_report, *texts])
    assert 1_900_000 < len(html.encode()) < 2_000_000


@pytest.mark.parametrize("character", ["x", "文", "<", "\u2028"])
def test_five_thousand_texts_stay_under_two_megabytes(character: str) -> None:
    entries = [
        {"text": character * 300, "gold": "positive", "predicted": "negative", "confidence": 0.87654}
    ] * 5000
    html = render("t", "", [Texts("Texts", "", entries)])
    assert len(html.encode()) < 2_000_000
    embedded = len(json.loads(Page(html).scripts[0])["rows"])
    if character == "x":
        assert embedded == 5000
    else:
        assert f"holds the first {embedded:,} of 5,000 texts" in html


def test_a_long_text_is_cut_and_the_cut_is_counted() -> None:
    html = render("t", "", [Texts("Texts", "", [{"text": "x" * 1_000_000}])])
    assert len(html) < 60_000
    assert "998,000 more characters" in html
    assert "1 long text is cut here" in html


def test_first_texts_are_read_without_javascript(reviews: Entries) -> None:
    html = render("t", "", [Texts("Reviews", "", reviews(100))])
    assert html.count('<p class="text" dir="auto"') == 10
    assert "The first 10 of 100 texts." in html
    assert '<div class="controls" role="search" aria-label="Reviews" hidden>' in html


def test_right_and_wrong_come_from_labels_or_from_a_field_that_says_so() -> None:
    labels = [{"text": "a", "gold": g, "predicted": "x"} for g in ("x", "y", "x", "y")]
    free = [{"text": f"q{i}", "gold": f"answer {i}", "predicted": f"answer {i + 1}"} for i in range(9)]
    told = [{**entry, "correct": "yes"} for entry in free]
    counts = [
        render("t", "", [Texts("T", "", entries)]).count(">✕ wrong<") for entries in (labels, free, told)
    ]
    assert counts == [2, 0, 0]
    assert render("t", "", [Texts("T", "", told)]).count(">✓ right<") == 9


def test_many_labels_fall_back_to_pairs_and_a_small_map(intents_report: list[Section]) -> None:
    html = render("t", "", [section for section in intents_report if section.kind == "matrix"])
    assert "Most confused pairs" in html
    assert re.search(r"card_order</th><td dir=\"auto\">card_when</td><td class=\"num\">11", html)
    assert 'class="heat"' in html
    assert len(html) < 120_000


def test_small_matrix_gives_counts_and_shares_of_the_row() -> None:
    html = render("t", "", [Matrix("Matrix", "", ["neg", "pos"], [[3, 1], [0, 0]])])
    assert "3 <small>75%</small>" in html
    assert "3 of 4 on the diagonal (75.0%)" in html


def test_numbers_in_tables_are_aligned_and_none_is_a_dash() -> None:
    table = Table("T", "", ["metric", "test", "low"], [["macro_f1", 0.8731, None], ["mse", 0.27314, 0.2]])
    html = render("t", "", [table])
    for cell in ("87.3%", "–", "0.273", "0.200"):
        assert f'<td class="num">{cell}</td>' in html
    assert '<th scope="row" dir="auto">macro F1</th>' in html


def test_empty_sections_say_so() -> None:
    empty: list[Section] = [
        Table("T", "", ["a"], []),
        Table("T", "", [], []),
        Facts("F", "", {}),
        Lines("L", "", "step", {}),
        Lines("L", "", "step", {"loss": {"train": []}}),
        Matrix("M", "", [], []),
        Bars("B", "", "examples", {}),
        Texts("X", "", []),
        MarkedTexts("Y", "", []),
        Notices("N", "", []),
        Checks("C", "", []),
        Reliability("R", "", "answers", "right", [], None),
        Scatter("S", "", "value", []),
    ]
    html = render("t", "", empty)
    assert html.count("Nothing to show.") >= 10
    assert "Nothing to report." in html
    assert Page(render("t", "", [])).all("nav") == []


def test_unknown_sections_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="can't draw Section"):
        render("t", "", [Section("t", "")])


def test_thinning_keeps_ends_and_spikes() -> None:
    points = [(float(i), 100.0 if i == 5003 else 1.0) for i in range(10_000)]
    kept = thin([*points, (10_000.0, math.nan)])
    assert len(kept) <= 240
    assert kept == sorted(kept)
    assert {points[0], points[-1], (5003.0, 100.0)} <= set(kept)
