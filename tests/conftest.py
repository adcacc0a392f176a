"""What tests of several rooms share: tiny models, made once per process and never written to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

_SUBJECTS = ("film", "plot", "cast", "score", "ending", "dialogue", "camera", "story")
_WORDS = {"good": ("great", "warm", "clever"), "bad": ("dull", "cold", "clumsy")}


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """48 short texts of different lengths; good and bad ones in turn."""
    return [
        f"the {subject} was {word}" + " indeed" * (index % 4)
        for index, subject in enumerate(_SUBJECTS)
        for pair in zip(_WORDS["good"], _WORDS["bad"], strict=True)
        for word in pair
    ]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Callable[[str], Path]:
    """The folder of a tiny model of a family; copy it before you change anything in it."""
    from tunewell.testing import tiny_model

    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tiny_model(tmp_path_factory.mktemp(family), family, texts)
        return made[family]

    return folder


@pytest.fixture(scope="module")
def translators(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The folder of a tiny translator of a family, for the module's texts `ENGLISH` and `GERMAN`."""
    from tunewell.testing import tiny_translator

    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            english, german = request.module.ENGLISH, request.module.GERMAN
            made[family] = tiny_translator(
                tmp_path_factory.mktemp(family), family, english, target_texts=german
            )
        return made[family]

    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium from the system; a module's own, for playwright keeps an event loop while it lives."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        launched = driver.chromium.launch(executable_path=path, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def stored_run() -> Callable[..., Path]:
    """Writes a finished run folder without a model: what is read of a run when runs are compared."""
    return _stored_run


def _stored_run(
    folder: Path,
    targets: Sequence[Any],
    answers: Sequence[Any],
    *,
    kind: str = "single_label",
    labels: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    split: str = "test",
    identity: dict[str, Any] | None = None,
) -> Path:
    """`answers` to examples with `targets`: names, lists of names, or numbers, by `kind`."""
    from tunewell.config import EvaluationSettings
    from tunewell.core.examples import LabelPrediction, LabelsPrediction, Origin, Row, ValuePrediction
    from tunewell.core.labels import LabelSet
    from tunewell.core.rows import joined_row
    from tunewell.run_dir import FINISHED, RunDir, write_json, write_text
    from tunewell.scoring import run_scores
    from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig

    def predicted(example_id: str, answer: Any) -> Any:
        if kind == "regression":
            return ValuePrediction(example_id, answer)
        chosen = [answer] if kind == "single_label" else answer
        sure = {name: 0.75 if name in chosen else 0.25 / max(1, len(names) - 1) for name in names}
        return (
            LabelPrediction(example_id, answer, sure)
            if kind == "single_label"
            else LabelsPrediction(example_id, tuple(answer), sure)
        )

    flat = (
        [name for target in targets for name in ([target] if isinstance(target, str) else target)]
        if (kind != "regression")
        else []
    )
    names = tuple(labels if labels is not None else sorted(set(flat)))
    task = TextClassification(
        TextClassificationConfig(text="text", label="label", kind=kind),
        LabelSet(names),  # type: ignore[arg-type]
    )
    texts = texts or [f"text number {number}" for number in range(len(targets))]
    rows = [
        Row({**({"id": ids[n]} if ids else {}), "text": text, "label": target}, Origin("f.jsonl", n + 1))
        for n, (text, target) in enumerate(zip(texts, targets, strict=True))
    ]
    examples = [task.read(row) for row in rows]
    predictions = [predicted(example.id, answer) for example, answer in zip(examples, answers, strict=True)]
    scores = run_scores(
        task,
        {split: examples},
        {split: predictions},
        {},
        EvaluationSettings(resamples=100, rank_resamples=100),
    )
    folder.mkdir(parents=True)
    run = RunDir(folder)
    lines = []
    for row, example, prediction in zip(rows, examples, predictions, strict=True):
        fields = joined_row(row, prediction, split=split, gold=task.target(example))
        lines.append(json.dumps({**fields, "id": fields.get("id", example.id)}) + "\n")
    write_text(run.predictions, "".join(lines))
    write_json(run.task, {"name": task.name, "settings": task.config.model_dump(), "learnt": task.to_json()})
    write_json(run.scores, scores.to_json())
    same = {"task.name": task.name, "model.name": "models/tiny", **(identity or {})}
    write_json(
        run.manifest, {"schema": 1, "status": FINISHED, "created": "2026-11-23T17:05:11Z", "identity": same}
    )
    return folder
