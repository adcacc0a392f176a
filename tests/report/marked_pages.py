"""Two made-up runs whose reports mark pieces of texts: named entities, and answers to questions.

Seeded, read by `pages.py`. The sentences hold what is hard to mark: pieces that nest, cross and touch, emoji,
writing from right to left, words without blanks between them, accents of their own, line breaks, markup.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from tunewell.core.results import Score
from tunewell.core.sections import (
    Bars,
    Headline,
    Lines,
    Mark,
    MarkedText,
    MarkedTexts,
    Section,
    Table,
)

_Found = Sequence[tuple[str, str]]
SENTENCES: tuple[tuple[str, _Found, _Found], ...] = (
    (
        "Angela Merkel flew from New York City to the Bank of England 🏦 in London.",
        (("Angela Merkel", "person"), ("New York City", "place"), ("Bank of England", "organisation"), ("London", "place")),
        (("Angela Merkel", "person"), ("York", "place"), ("England", "place"), ("London", "place")),
    ),
    (
        "The University of California Los Angeles Times building burnt down.",
        (("University of California Los Angeles", "organisation"),),
        (("Los Angeles Times", "organisation"),),
    ),
    (
        "👩‍🔬 Dr Zoë Müller-Lüdenscheidt moved the e\u0301cole to São Paulo 🇧🇷.",
        (("Zoë Müller-Lüdenscheidt", "person"), ("São Paulo", "place")),
        (("Dr Zoë Müller-Lüdenscheidt", "person"), ("e\u0301cole", "organisation"), ("São Paulo", "place")),
    ),
    (
        "马云在杭州创办了阿里巴巴集团，后来去了东京大学。",
        (("马云", "person"), ("杭州", "place"), ("阿里巴巴集团", "organisation"), ("东京大学", "organisation")),
        (("马云", "person"), ("杭州", "place"), ("阿里巴巴", "organisation"), ("东京", "place")),
    ),
    (
        "زار نجيب محفوظ جامعة القاهرة في مصر قبل 30 عاما.",
        (("نجيب محفوظ", "person"), ("جامعة القاهرة", "organisation"), ("مصر", "place")),
        (("نجيب محفوظ", "person"), ("القاهرة", "place"), ("مصر", "organisation")),
    ),
    (
        "דוד בן גוריון הכריז על מדינת ישראל בתל אביב.",
        (("דוד בן גוריון", "person"), ("מדינת ישראל", "place"), ("תל אביב", "place")),
        (("דוד בן גוריון", "person"), ("ישראל", "place")),
    ),
    (
        "<b>ACME & Sons</b>\nsold \"Jaguar\" to\nPeugeot Citroën.",
        (("ACME & Sons", "organisation"), ("Peugeot Citroën", "organisation")),
        (("ACME & Sons", "organisation"), ("Jaguar", "a product of an unusually long name_that_does_not_break_anywhere"), ("Peugeot", "organisation"), ("Citroën", "organisation")),
    ),
    ("Nothing is named here, and nothing is found.", (), ()),
)  # fmt: skip
PASSAGE = (
    "The Amazon rainforest covers most of the Amazon basin of South America. This basin encompasses "
    "7,000,000 square kilometres, of which 5,500,000 square kilometres are covered by the rainforest. "
    "The majority of the forest, 60%, is contained within Brazil, followed by Peru with 13% and Colombia with 10%."
)
QUESTIONS: tuple[tuple[str, str, Sequence[str], str], ...] = (
    (PASSAGE, "Which country holds most of the forest?", ("Brazil",), "Brazil"),
    (PASSAGE, "How much of the basin is covered by forest?", ("5,500,000 square kilometres", "5,500,000"), "7,000,000 square kilometres, of which 5,500,000"),
    (PASSAGE, "How many people live in it?", (), "13%"),
    (PASSAGE, "What share of the forest is in Peru?", ("13%",), ""),
    ("长江全长6300公里，发源于青藏高原，流经上海注入东海。", "长江在哪里入海？", ("东海",), "上海注入东海"),
    ("بني برج إيفل عام 1889 في مدينة باريس عاصمة فرنسا.", "أين بني برج إيفل؟", ("مدينة باريس", "باريس"), "باريس"),
)  # fmt: skip


def marks(text: str, found: _Found, side: str) -> list[Mark]:
    """The first place of each of `found` in the text."""
    return [
        Mark(at, at + len(part), label, side)  # type: ignore[arg-type]
        for part, label in found
        for at in [text.index(part)]
    ]


def _headline(metric: str, value: float, count: int) -> Headline:
    score, base = Score(value, value - 0.03, value + 0.03), Score(value - 0.4, value - 0.43, value - 0.37)
    lead = Score(0.4, 0.36, 0.44)
    note = "Scored once on the test split, which chose nothing."
    name = "most frequent tag"
    return Headline("How good is it?", note, metric, "test", count, score, {name: base}, {name: lead})


def entities(num_texts: int = 60) -> list[Section]:
    """Named entities: sentences, the kinds of errors, F1 by length."""
    random_ = random.Random(11)
    entries = []
    for number in range(num_texts):
        text, gold, predicted = SENTENCES[number % len(SENTENCES)]
        right = sorted(gold) == sorted(predicted)
        wrong = "none" if right else ("missed", "boundary", "type", "invented")[number % 4]
        facts: dict[str, str | float] = {
            "errors": wrong,
            "confidence": round(random_.uniform(0.3, 0.999), 4),
            "correct": "yes" if right else "no",
            "origin": f"test.conll:{14 * number + 1}",
        }
        found = [*marks(text, gold, "gold"), *marks(text, predicted, "predicted")]
        entries.append(MarkedText(text, found, facts))
    kinds = {"missed": 41, "invented": 17, "type": 9, "boundary": 24, "type and boundary": 0}
    return [
        _headline("entity_f1", 0.861, 600),
        MarkedTexts(
            "Sentences with errors",
            "Where the data and the model disagree, the surest sentences first.",
            entries,
            shows=f"{num_texts} of 600 sentences.",
        ),
        Bars(
            "Kinds of errors",
            "Each wrong entity is counted once.",
            "errors",
            kinds,
            total=91,
            shows="Most errors are entities that were missed (41 of 91).",
        ),
        Table(
            "Scores by length",
            "Sentences with about as many words, taken together.",
            ["words", "sentences", "gold_entities", "entity_f1", "low", "high"],
            [["1–10", 210, 244, 0.8912, 0.86, 0.92], ["11–20", 260, 455, 0.87, 0.84, 0.9], ["51 and more", 2, 0, None, None, None]],
        ),
    ]  # fmt: skip


def questions() -> list[Section]:
    """Reading comprehension: passages, one of them long, and the threshold for "no answer"."""
    entries = []
    asked = [*QUESTIONS, (*_long_passage(), ("Brazil",), "Colombia")]
    for number, (text, question, gold, predicted) in enumerate(asked * 3):
        found = [
            *marks(text, [(part, "answer") for part in gold], "gold"),
            *marks(text, [(predicted, "answer")] if predicted else [], "predicted"),
        ]
        facts: dict[str, str | float] = {
            "question": question,
            "gold": " / ".join(gold) or "no answer",
            "predicted": predicted or "no answer",
            "confidence": round(1 - 0.037 * number, 4),
            "correct": "yes" if predicted in gold or not (gold or predicted) else "no",
            "kind": "answerable" if gold else "no answer",
            "origin": f"dev-v2.0.json:{number + 1}",
        }
        entries.append(MarkedText(text, found, facts))
    at = [-9.5 + 0.37 * step for step in range(52)]
    curve = [(x, 0.5 + 0.31 / (1 + (x + 1.37) ** 2 / 20)) for x in at]
    exact = [(x, y - 0.04 - 0.002 * abs(x)) for x, y in curve]
    return [
        _headline("f1", 0.792, 1200),
        MarkedTexts(
            "Most confident mistakes",
            "Wrong answers, the surest first. The passage stands below its question.",
            entries,
            shows=f"{len(entries)} of 1,200 answers.",
        ),
        Lines(
            "When does it say that there is no answer?",
            "It does so where the margin of the best answer is below the threshold chosen on validation.",
            "threshold",
            {"f1": {"F1": curve}, "exact_match": {"exact match": exact}},
            marks={"chosen": -1.37},
            shows="F1 is best at a threshold of −1.37.",
        ),
    ]


def _long_passage() -> tuple[str, str]:
    """A passage of about 12,000 characters with marks in the middle, and its question."""
    before = "".join(f"Sentence {n} speaks of something else entirely. " for n in range(120))
    return before + PASSAGE + " " + before.replace("else", "again"), "And here?"
