"""Runs of questions that learnt different things of "no answer" or of scoring, compared in either order."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import EvaluationSettings
from tunewell.core.errors import ConfigError
from tunewell.core.examples import AnswerPrediction, Candidate, Origin, Row
from tunewell.core.rows import joined_row
from tunewell.report import render
from tunewell.run_dir import FINISHED, RunDir, write_json, write_text
from tunewell.scoring import run_scores
from tunewell.studies.comparison import compare
from tunewell.studies.comparison_sections import comparison_sections
from tunewell.tasks.question_answering import QuestionAnswering, QuestionAnsweringConfig

GOLD, WRONG = "\u9c8d\u52c3", "\u9c8d\u7f57"  # other words that share a character
CONTEXT = f"Ada met {GOLD} in {WRONG}."
FEW = {"resamples": 200, "rank_resamples": 50}


def stored(folder: Path, *, unanswerable: bool, scoring: str = "words", right: int = 8) -> Path:
    """A finished run on 12 questions, of which every third has no answer; it says GOLD to the first `right`."""
    task = QuestionAnswering(QuestionAnsweringConfig(), unanswerable, scoring, 0.0 if unanswerable else None)
    rows, examples, predictions = [], [], []
    for number in range(12):
        answers = [] if number % 3 == 2 else [GOLD]
        values = {
            "id": f"q{number}",
            "question": "Who?",
            "context": f"{CONTEXT} {number}",
            "answers": answers,
        }
        rows.append(Row(values, Origin("f.jsonl", number + 1)))
        examples.append(task.read(rows[-1]))
        start, end, said = (8, 10, GOLD) if number < right else (14, 16, WRONG)
        best = Candidate(said, start, end, 0.5)
        null = 0.25 + number / 100 if unanswerable else None
        predictions.append(AnswerPrediction(f"q{number}", said, start, end, 0.5, null, (best,)))
    settings = EvaluationSettings(resamples=100, rank_resamples=100)
    scores = run_scores(task, {"test": examples}, {"test": predictions}, {}, settings)
    folder.mkdir()
    run = RunDir(folder)
    triples = zip(rows, examples, predictions, strict=True)
    fields = [
        joined_row(row, said, split="test", gold=task.target(example)) for row, example, said in triples
    ]
    write_text(run.predictions, "".join(json.dumps(line) + "\n" for line in fields))
    saved: dict[str, Any] = {"settings": task.config.model_dump(), "learnt": task.to_json()}
    write_json(run.task, {"name": task.name, **saved})
    write_json(run.scores, scores.to_json())
    manifest = {"schema": 1, "status": FINISHED, "created": "2026-11-23T17:05:11Z", "identity": {}}
    write_json(run.manifest, manifest)
    return folder


@pytest.fixture
def knowing(tmp_path: Path) -> Path:
    return stored(tmp_path / "knowing", unanswerable=True)


@pytest.fixture
def ignorant(tmp_path: Path) -> Path:
    return stored(tmp_path / "ignorant", unanswerable=False, right=4)


@pytest.mark.parametrize("turned", [False, True])
def test_only_metrics_that_all_have_are_shown(knowing: Path, ignorant: Path, turned: bool) -> None:
    runs = [ignorant, knowing] if turned else [knowing, ignorant]
    found = compare(runs, **FEW)
    shared = {"exact_match", "f1", "has_answer_exact_match", "has_answer_f1", "no_answer_accuracy"}
    assert set(found.all_scores) == shared
    assert (found.metric, found.reference) == ("f1", runs[0].name)
    assert found.scores["knowing"].value == pytest.approx(6 / 12)
    assert found.scores["ignorant"].value == pytest.approx(3 / 12)
    (notice,) = (line for line in found.notices if "unanswerable" in line)
    assert f"scored as {runs[0].name} is" in notice
    assert "All metrics" in render("t", "s", comparison_sections(found))
    assert set(compare(runs, reference=runs[1], **FEW).all_scores) == shared
    what = "no metric 'best_f1'" if turned else "knowing can be scored by best_f1, ignorant cannot"
    with pytest.raises(ConfigError, match=what) as caught:
        compare(runs, metric="best_f1", **FEW)
    assert "choose one of: exact_match, f1, has_answer_exact_match" in str(caught.value)
    for metric in shared:
        score = compare(runs, metric=metric, **FEW).scores["knowing"]
        assert not math.isnan(score.value)


def test_runs_that_know_both_have_more(knowing: Path, tmp_path: Path) -> None:
    other = stored(tmp_path / "other", unanswerable=True, right=4)
    found = compare([knowing, other], metric="best_f1", **FEW)
    assert found.all_scores["best_f1"].keys() == {"knowing", "other"}
    assert not any("unanswerable" in line for line in found.notices)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("by_reference", [False, True])
def test_the_scoring_is_the_references(tmp_path: Path, turned: bool, by_reference: bool) -> None:
    words = stored(tmp_path / "words", unanswerable=False, right=0)
    characters = stored(tmp_path / "characters", unanswerable=False, scoring="characters", right=0)
    reference, other = (characters, words) if turned else (words, characters)
    runs = [other, reference] if by_reference else [reference, other]
    found = compare(runs, reference=reference if by_reference else None, **FEW)
    f1 = 8 / 12 * 1 / 2 if turned else 0.0
    assert {name: score.value for name, score in found.scores.items()} == pytest.approx(
        {"words": f1, "characters": f1}
    )
    (notice,) = (line for line in found.notices if "scoring" in line)
    assert notice.endswith(f"both are scored as {reference.name} is.")
    assert f"{other.name} learnt with scoring = {other.name}" in notice
