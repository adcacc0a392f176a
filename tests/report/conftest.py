"""Realistic reports, seeded: a sentiment run, one with 150 labels, a regression without a matrix."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.results import Score
from tunewell.core.sections import Bars, Facts, Headline, Lines, Matrix, Notices, Section, Table, Texts
from tunewell.report import render

_OPENINGS = (
    "The plot",
    "The acting",
    "Her second film",
    "This sequel",
    "The camera work",
    "A quiet drama that",
)
_MIDDLES = (
    "never finds its feet",
    "is a delight from start to end",
    "drags in the middle",
    "moved me to tears",
)
_ENDINGS = (
    "and I would not watch it again.",
    "and I have already told three friends.",
    "but the music saves what it can.",
    "although the last ten minutes are worth the wait — a real surprise after such a slow start.",
)
_UNUSUAL = (
    "<script>alert('boo')</script> & \"quotes\" </p> — markup in a review must show as text.",
    "فيلم رائع، لكن النهاية كانت طويلة جدا (2 ساعات).",
    "这部电影的节奏很慢，但是结尾非常感人。🎬",
)


def review(random_: random.Random) -> str:
    """One to three made-up sentences."""
    return " ".join(
        " ".join(random_.choice(part) for part in (_OPENINGS, _MIDDLES, _ENDINGS))
        for _ in range(random_.randint(1, 3))
    )


def review_entries(count: int, seed: int = 0) -> list[dict[str, str | float]]:
    """Reviews with gold, predicted and confidence; the first ones are unusual."""
    random_ = random.Random(seed)
    entries: list[dict[str, str | float]] = []
    for index in range(count):
        gold = random_.choice(("negative", "positive"))
        other = "positive" if gold == "negative" else "negative"
        entries.append(
            {
                "text": _UNUSUAL[index] if index < len(_UNUSUAL) else review(random_),
                "gold": gold,
                "predicted": gold if random_.random() < 0.87 else other,
                "confidence": round(random_.uniform(0.5, 0.999), 4),
            }
        )
    return entries


def _curve(
    start: float, end: float, steps: int, noise: float, seed: int, every: int = 10
) -> list[tuple[float, float]]:
    random_ = random.Random(seed)
    return [
        (float(every * i), end + (start - end) * math.exp(-4 * i / steps) + random_.gauss(0, noise))
        for i in range(1, steps + 1)
    ]


def _settings() -> Facts:
    return Facts(
        "Settings and versions",
        "The whole configuration is in config.yaml beside this page.",
        {
            "backbone": "distilbert/distilbert-base-uncased",
            "revision": "12040accade4e8a0f71eabdb258fecc2e7e948be",
            "learning_rate": "2e-5",
            "batch_size": "16 (2 × 8)",
            "num_epochs": "3",
            "parameters": "66,955,010, all trained",
            "device": "NVIDIA H200, bfloat16",
            "time": "4 min 12 s",
            "versions": "tunewell 0.1.0, torch 2.9.1, transformers 5.23.0, Python 3.11.7",
        },
    )


def sentiment() -> list[Section]:
    """Two labels, 300 test reviews, every kind of section."""
    return [
        Headline(
            "How good is it?",
            "Scored once on the test split, which chose nothing.",
            "macro_f1",
            "test",
            300,
            Score(0.8731, 0.8352, 0.9098),
            {
                "majority_class": Score(0.3377, 0.3186, 0.3548),
                "tfidf + logistic regression": Score(0.8267, 0.784, 0.867),
            },
            {
                "majority_class": Score(0.5354, 0.493, 0.5774),
                "tfidf + logistic regression": Score(0.0464, 0.0066, 0.0869),
            },
        ),
        Notices(
            "Before you trust it",
            "",
            [
                "12 of 2,400 training reviews were longer than 256 tokens and were cut; the longest had 913.",
                "7 test reviews also stand in the training split, word for word. Without them macro F1 is 87.0%.",
            ],
        ),
        Table(
            "Scores by split",
            "Validation chose the checkpoint, so its scores are a little optimistic.",
            ["metric", "validation", "test", "low", "high"],
            [
                ["accuracy", 0.8867, 0.8733, 0.8367, 0.9100],
                ["macro_f1", 0.8865, 0.8731, 0.8352, 0.9098],
                ["mcc", 0.7741, 0.7468, 0.6712, 0.8195],
                ["expected_calibration_error", 0.0312, 0.0418, None, None],
            ],
        ),
        Lines(
            "Learning curves",
            "The kept checkpoint is the one with the best validation macro F1.",
            "step",
            {
                "loss": {
                    "train": _curve(0.70, 0.18, 45, 0.03, 1),
                    "validation": _curve(0.69, 0.33, 9, 0.005, 2, 50),
                },
                "macro_f1": {"validation": _curve(0.48, 0.885, 9, 0.006, 3, 50)},
                "learning_rate": {
                    "learning_rate": [
                        (float(s), 2e-5 * min(s / 45, (450 - s) / 405)) for s in range(0, 451, 9)
                    ]
                },
            },
        ),
        Matrix("Confusion matrix", "", ["negative", "positive"], [[134, 17], [21, 128]]),
        Table(
            "By label",
            "",
            ["label", "precision", "recall", "f1", "support"],
            [["negative", 0.8645, 0.8874, 0.8758, 151], ["positive", 0.8828, 0.8591, 0.8707, 149]],
        ),
        Bars(
            "How long the texts are",
            "Tokens per test review, after cutting.",
            "reviews",
            {"1–32": 41, "33–64": 97, "65–128": 103, "129–255": 52, "256 (cut)": 7},
        ),
        Texts(
            "Test reviews",
            "The surest mistakes teach the most: show wrong only, highest confidence first.",
            review_entries(300),
        ),
        _settings(),
    ]


def intents() -> list[Section]:
    """Many labels: the matrix falls back to pairs and a heat map."""
    random_ = random.Random(5)
    things = [
        "card",
        "transfer",
        "balance",
        "travel",
        "alarm",
        "recipe",
        "weather",
        "flight",
        "pay",
        "insure",
    ]
    verbs = [
        "arrival", "lost", "change", "order", "cancel", "status", "limit", "when", "explain", "report",
        "stop", "best", "near", "repeat", "compare",
    ]  # fmt: skip
    names = [f"{thing}_{verb}" for thing in things for verb in verbs]
    num_labels = len(names)
    counts = [[0] * num_labels for _ in names]
    for row in range(num_labels):
        for _ in range(30):
            near, anywhere = (row // 15) * 15 + random_.randrange(15), random_.randrange(num_labels)
            guess = random_.choices([row, near, anywhere], [90, 7, 3])[0]
            counts[row][guess] += 1
    counts[3][7], counts[7][3] = 11, 8
    by_label = [
        [
            name,
            counts[i][i] / (sum(line[i] for line in counts) or 1),
            counts[i][i] / sum(counts[i]),
            sum(counts[i]),
        ]
        for i, name in enumerate(names)
    ]
    return [
        Headline(
            "How good is it?",
            "",
            "accuracy",
            "test",
            4500,
            Score(0.9062, 0.8976, 0.9147),
            {
                "majority_class": Score(0.0067, 0.0044, 0.0091),
                "tfidf": Score(0.9029, 0.8940, 0.9113),
                "nearest_neighbour of averaged word vectors": Score(0.9240, 0.9160, 0.9318),
            },
            {
                "majority_class": Score(0.8995, 0.8905, 0.9083),
                "tfidf": Score(0.0033, -0.0042, 0.0109),
                "nearest_neighbour of averaged word vectors": Score(-0.0178, -0.0251, -0.0104),
            },
        ),
        Matrix("Confusion matrix", "", names, counts),
        Table("By label", "", ["label", "precision", "recall", "support"], by_label),
        Bars(
            "Most frequent labels in training",
            "",
            "examples",
            {name: 100 - i // 3 for i, name in enumerate(names)},
        ),
        _settings(),
    ]


def regression() -> list[Section]:
    """No matrix, lower is better, a validation split and few facts."""
    return [
        Headline(
            "How good is it?",
            "No test split was given, so this is the split that chose the checkpoint.",
            "mse",
            "validation",
            500,
            Score(0.2731, 0.2392, 0.3105),
            {"mean_value": Score(1.0193, 0.9120, 1.1323), "word overlap": Score(0.5904, 0.5212, 0.6633)},
            {
                "mean_value": Score(-0.7462, -0.8533, -0.6427),
                "word overlap": Score(-0.3173, -0.3841, -0.2522),
            },
        ),
        Notices("Before you trust it", "", []),
        Lines("Learning curves", "", "step", {"mse": {"validation": _curve(1.4, 0.27, 12, 0.02, 4)}}),
        Texts(
            "Sentence pairs",
            "",
            [
                dict(zip(("text", "second", "gold", "predicted"), pair, strict=True))
                for pair in (
                    ("A dog runs over the snow", "An animal is outside", 3.8, 3.5417),
                    ("A man plays the guitar", "Nobody is singing", 2.1, 2.984),
                )
            ],
        ),
    ]


SAMPLES: dict[str, Callable[[], list[Section]]] = {
    "sentiment": sentiment,
    "intents": intents,
    "regression": regression,
}


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> list[Section]:
    """Each of the sample reports in turn."""
    return SAMPLES[request.param]()


@pytest.fixture
def sentiment_report() -> list[Section]:
    """The report that holds every kind of section."""
    return sentiment()


@pytest.fixture
def intents_report() -> list[Section]:
    """The report with 150 labels."""
    return intents()


@pytest.fixture
def reviews() -> Callable[[int], list[dict[str, str | float]]]:
    """Makes that many text entries."""
    return review_entries


@pytest.fixture(scope="module")
def page_of(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The page of one of the module's `PAGES`, by name; drawn once."""
    return cache(lambda name: render("A report", "of a run", request.module.PAGES[name]()))


@pytest.fixture
def opened(open_page: Callable[..., Any], page_of: Callable[[str], str]) -> Callable[..., Any]:
    """Opens a page of the module's by name; the page must stay silent."""
    return lambda name, **options: open_page(page_of(name), **options)


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page in the browser; fails at the end if it complained or asked for anything."""
    complaints: list[str] = []
    pages = []

    def open_(html: str, **options: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(**options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append("dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None if request.url in (path.as_uri(), "data:,") else complaints.append(request.url)
            ),
        )
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert complaints == []
