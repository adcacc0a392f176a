"""Whole reports of made-up runs, through the real tasks: what `describe`, `score` and the run's own sections give.

Seeded. `PAGES` maps a name to a maker of sections; each is a kind of run that must look right.
"""

from __future__ import annotations

import math
import random
import runpy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewell.config import load_config
from tunewell.core.examples import LabelPrediction, LabelsPrediction, Origin, TextExample, ValuePrediction
from tunewell.core.labels import LabelSet
from tunewell.core.sections import Section
from tunewell.data.findings import Finding
from tunewell.dataset import Dataset
from tunewell.models.freezing import Learning
from tunewell.report.provenance import provenance
from tunewell.runs.fitting import Fitted, TokenCounts
from tunewell.runs.sections import checks_section, data_sections, settings_section
from tunewell.scoring import baseline_answers, curve_section, run_scores, score_sections
from tunewell.tasks import task_config
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig

REVIEWS = (
    "The plot never finds its feet, and the jokes are older than the cast.",
    "Her second film is a delight from start to end; I have already told three friends.",
    "A quiet drama that moved me to tears, although the last ten minutes drag.",
    "This sequel has nothing to say and takes 140 minutes to say it.",
    "The camera work saves what the dialogue cannot, but only just.",
    '<b>Not</b> "bad" & not good -- it is what it is :)',
)
CHINESE = (
    "这部电影的节奏很慢，但是结尾非常感人。",
    "演员的表演很自然，剧本却漏洞百出。",
    "音乐好听，画面漂亮，值得再看一遍。🎬",
    "浪费时间，两个小时什么都没有发生。",
)
ARABIC = (
    "فيلم رائع، لكن النهاية كانت طويلة جدا (2 ساعات).",
    "لم يعجبني التمثيل، والقصة ضعيفة من البداية إلى النهاية.",
    "أفضل فيلم شاهدته هذا العام! أنصح به الجميع.",
    "الموسيقى جميلة ولكن الحوار ممل.",
)
PAIRS = (
    ("A dog runs over the snow.", "An animal is outside."),
    ("A man plays the guitar on a stage in front of a large crowd.", "Nobody is singing."),
    ("رجل يعزف على الجيتار.", "Someone makes music."),
)


def _texts(random_: random.Random, pool: Sequence[Any], count: int) -> list[tuple[str, ...]]:
    drawn = []
    for number in range(count):
        part = random_.choice(pool)
        more = " " + random_.choice(pool) if isinstance(part, str) and random_.random() < 0.5 else ""
        drawn.append(
            (f"{part}{more} [{number}]",) if isinstance(part, str) else (part[0], f"{part[1]} [{number}]")
        )
    return drawn


def _shares(random_: random.Random, size: int, favourite: int) -> list[float]:
    """Probabilities that are largest, mostly, at `favourite`."""
    logits = [random_.gauss(0, 1.0) for _ in range(size)]
    logits[favourite] += random_.uniform(0, 4) + math.log(size)
    total = math.fsum(map(math.exp, logits))
    return [math.exp(value) / total for value in logits]


def report(
    task: TextClassification,
    splits: Mapping[str, Sequence[TextExample]],
    answer: Callable[[TextExample], Any],
    *,
    findings: Sequence[Finding] = (),
    steps: int = 150,
    baselines: bool = True,
) -> list[Section]:
    """Every section of a run that gave these answers."""
    config = load_config(
        None,
        {"data": {"train": "reviews.csv"}, "task": {"name": task.name}, "model": {"name": "minilm"}},
        task_config,
    )
    settings = config.evaluation.model_copy(update={"resamples": 200, "rank_resamples": 100})
    scored = {name: examples for name, examples in splits.items() if name != "train"}
    predictions = {name: [answer(example) for example in part] for name, part in scored.items()}
    theirs = baseline_answers(task, None, splits["train"], scored) if baselines else {}
    scores = run_scores(task, scored, predictions, theirs, settings)
    counts = {
        name: TokenCounts(
            [min(256, 3 + sum(map(len, example.texts)) // 4) for example in part],
            sum(sum(map(len, example.texts)) > 1000 for example in part),
            len(part),
            0.001,
        )
        for name, part in splits.items()
    }
    notes = [f"task: {task.name}; text = text, label = label", "split by a seeded, stratified draw"]
    dataset = Dataset("reviews", task, splits, {}, notes, findings)
    fitted = Fitted(None, None, counts, Learning(22_713_600, 22_713_600))  # type: ignore[arg-type]
    split = scores.headline_split
    headline, metrics = score_sections(scores)
    described = task.describe(list(splits[split]), predictions[split])
    return [
        headline,
        checks_section(dataset, counts, scores, described, read_back=True, cross_validated=False),
        *described,
        metrics,
        curve_section(_metrics_lines(scores.primary, steps), scores.primary),
        *data_sections(dataset, counts),
        settings_section(config, fitted),
        *provenance(MANIFEST),
    ]


MACHINE = {
    "processor": "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
    "cores": 2,
    "threads": 2,
    "memory_bytes": 8 * 2**30,
    "device": "cpu",
    "gpu": None,
    "precision": "float32",
    "system": "Linux-6.1-x86_64",
    "python": "3.11.7",
}
MANIFEST: dict[str, Any] = {
    "created": "2026-11-23T18:00:00Z",
    "identity": {"task.name": "text-classification", "model.name": "minilm"},
    "processes": [
        {
            "created": "2026-11-23T18:00:00Z",
            "machine": MACHINE,
            "steps": 90,
            "seconds": {"preparing": 4.2, "training": 30.0, "validation": 3.1, "checkpoints": 2.0},
        },
        {
            "created": "2026-11-23T19:00:00Z",
            "machine": {
                **MACHINE,
                "gpu": {"name": "NVIDIA H200", "memory_bytes": 139 * 2**30},
                "device": "cuda",
            },
            "steps": 60,
            "seconds": {
                "preparing": 5.1,
                "training": 3.0,
                "validation": 0.4,
                "checkpoints": 1.0,
                "scoring": 7.5,
            },
        },
    ],
}


def _metrics_lines(primary: str, steps: int) -> list[dict[str, Any]]:
    random_ = random.Random(3)
    lines: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        loss = 0.2 + 0.5 * math.exp(-4 * step / steps) + random_.gauss(0, 0.03)
        rate = 1e-4 * min(step / (0.1 * steps), (steps - step) / (0.9 * steps))
        lines.append({"event": "step", "step": step, "loss": loss, "learning_rate": rate})
        if step % max(1, steps // 6) == 0:
            score = 0.87 - 0.3 * math.exp(-5 * step / steps) - (0.02 if step == steps else 0)
            best = step != steps or steps < 6
            lines.append(
                {"event": "evaluation", "step": step, "is_best": best, f"validation_{primary}": score}
            )
    return lines


def _task(kind: str, labels: Sequence[str] = (), **more: Any) -> TextClassification:
    config = TextClassificationConfig(text=more.pop("text", "text"), label="label", kind=kind)  # type: ignore[arg-type]
    return TextClassification(config, LabelSet(tuple(labels)), **more)


def _splits(
    random_: random.Random, pool: Sequence[Any], sizes: Sequence[int], target: Callable[[int], Any]
) -> dict[str, list[TextExample]]:
    names = ("train", "validation", "test")[: len(sizes)]
    return {
        name: [
            TextExample(str(n), Origin(f"{name}.csv", n + 1), texts, target(n))
            for n, texts in enumerate(_texts(random_, pool, size), start=1)
        ]
        for name, size in zip(names, sizes, strict=True)
    }


def one_label(
    pool: Sequence[Any] = REVIEWS,
    labels: Sequence[str] = ("negative", "positive"),
    sizes: Sequence[int] = (800, 200, 350),
    accuracy: float = 0.85,
    **more: Any,
) -> list[Section]:
    """Single-label runs of any number of labels; the pool may be of pairs."""
    random_ = random.Random(7)
    text = ["first", "second"] if isinstance(pool[0], tuple) else "text"
    task = _task("single_label", labels, text=text)
    splits = _splits(random_, pool, sizes, lambda n: random_.choice(labels))

    def answer(example: TextExample) -> LabelPrediction:
        gold = task.labels.ids[str(example.target)]
        near = (gold + 1) % len(labels)
        shares = _shares(random_, len(labels), gold if random_.random() < accuracy else near)
        best = max(range(len(labels)), key=shares.__getitem__)
        return LabelPrediction(example.id, labels[best], dict(zip(labels, shares, strict=True)))

    return report(task, splits, answer, **more)


def several_labels() -> list[Section]:
    """Multi-label, with texts that carry none."""
    labels = ("plot", "acting", "music", "camera", "length", "price")
    random_ = random.Random(8)
    task = _task("multi_label", labels)
    splits = _splits(
        random_,
        REVIEWS,
        (600, 150, 300),
        lambda n: tuple(label for label in labels if random_.random() < 0.25),
    )

    def answer(example: TextExample) -> LabelsPrediction:
        assert isinstance(example.target, tuple)
        shares = {
            label: 1 / (1 + math.exp(random_.gauss(-2.2 if label in example.target else 2.2, 1.6)))
            for label in labels
        }
        return LabelsPrediction(example.id, tuple(name for name, p in shares.items() if p >= 0.5), shares)

    return report(task, splits, answer)


def a_number() -> list[Section]:
    """Regression on pairs, half of them right to left."""
    random_ = random.Random(9)
    task = _task("regression", text=["first", "second"], value_range=(2.5, 1.4))
    splits = _splits(random_, PAIRS, (600, 150, 400), lambda n: round(random_.uniform(0, 5), 1))

    def answer(example: TextExample) -> ValuePrediction:
        assert isinstance(example.target, float)
        return ValuePrediction(example.id, 0.5 + 0.8 * example.target + random_.gauss(0, 0.6))

    return report(task, splits, answer)


def intents() -> list[Section]:
    """150 labels, as CLINC150 has."""
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
        "insurance",
    ]
    verbs = [
        "arrival",
        "lost",
        "change",
        "order",
        "cancel",
        "status",
        "limit",
        "when",
        "explain",
        "report",
        "stop",
        "best",
        "near",
        "repeat",
        "compare",
    ]
    labels = [f"{thing}_{verb}" for thing in things for verb in verbs]
    return one_label(labels=labels, sizes=(3000, 600, 1500), accuracy=0.9, baselines=False)


def doubtful() -> list[Section]:
    """Everything that the checks can complain about."""
    findings = [
        Finding("overlap", "warning", "7 examples of test (2.0%) have a text that is also in train", ("test.csv:3 'A b' = train.csv:9",)),
        Finding("duplicates", "warning", "train: 60 examples (7.5%) repeat the text of an earlier one", ("train.csv:4 'x' = line 2",) * 5),
        Finding("invisible-characters", "info", "train: 2 characters of the kind direction mark, in 2 texts"),
    ]  # fmt: skip
    return one_label(findings=findings, sizes=(800, 40), accuracy=0.6)


def one_example() -> list[Section]:
    """A test split of one example: metrics without a value, intervals without a width."""
    return one_label(sizes=(64, 8, 1), steps=2)


def five_thousand() -> list[Section]:
    """A large test split of long texts."""
    return one_label(
        pool=[text * 12 for text in REVIEWS], sizes=(500, 100, 5000), accuracy=0.6, baselines=False
    )


MARKED = runpy.run_path(str(Path(__file__).with_name("marked_pages.py")))
WRITTEN = runpy.run_path(str(Path(__file__).with_name("written_pages.py")))
PAGES: dict[str, Callable[[], list[Section]]] = {
    "two labels": one_label,
    "four labels, pairs": lambda: one_label(
        PAIRS, ("contradiction", "entailment", "neutral", "unclear or off topic")
    ),
    "twelve labels": lambda: one_label(
        labels=[f"topic {n:02}: science & nature" for n in range(12)], accuracy=0.7
    ),
    "several labels": several_labels,
    "a number": a_number,
    "150 labels": intents,
    "Chinese": lambda: one_label(CHINESE, ("负面", "正面")),
    "Arabic": lambda: one_label(ARABIC, ("سلبي", "إيجابي", "محايد")),
    "doubtful": doubtful,
    "one example": one_example,
    "entities": MARKED["entities"],
    "questions": MARKED["questions"],
    "translations": WRITTEN["translations"],
    "conversations": WRITTEN["conversations"],
}


def write(folder: Path, names: Sequence[str] = ()) -> None:
    """Draw the pages into `folder`, to look at them."""
    from tunewell.report import render

    for name in names or PAGES:
        path = folder / f"{name.replace(' ', '-').replace(',', '')}.html"
        path.write_text(
            render("reviews-1a2b3c4d", "Text classification · minilm", PAGES[name]()), encoding="utf-8"
        )
