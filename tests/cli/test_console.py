"""What is printed while a run goes on, and when it ends: the metric's own value, whichever way is better."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tunewell.cli.console import ConsoleSink, print_summary
from tunewell.core.results import RunScores, Score, SplitScores
from tunewell.training.loop import EvalDone, Evaluation


@pytest.mark.parametrize(
    ("evaluation", "said"),
    [
        (
            Evaluation(-12.5, {"perplexity_per_token": 12.5}, "perplexity_per_token"),
            "perplexity_per_token 12.500",
        ),
        (Evaluation(31.25, {"bleu": 31.25, "ter": 50.0}, "bleu"), "bleu 31.250"),
        (Evaluation(0.75), "score 0.750"),
    ],
)
def test_an_evaluation_is_said_in_its_own_sign(
    evaluation: Evaluation, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with ConsoleSink() as sink:
        sink(EvalDone(3, evaluation, True))
    assert capsys.readouterr().err == f"step 3: validation {said}, the best so far\n"


def run_with(primary: str, score: Score, baseline: Score, difference: Score, *, talks: bool = False) -> Any:
    splits = {"test": SplitScores(100, {primary: score})}
    theirs = {"n_gram": {"test": SplitScores(100, {primary: baseline})}}
    return SimpleNamespace(
        scores=RunScores("dialogue", primary, splits, theirs, {"n_gram": difference}),
        path=Path("run"),
        report_path=Path("run/report.html"),
        dir=SimpleNamespace(model=Path("run/model"), adapter=Path("run/adapter"), read_manifest=dict),
        task=SimpleNamespace(
            input_columns=lambda: ["text"], next_turn=lambda turns, example_id: "example" if talks else None
        ),
    )


def test_a_summary_says_that_lower_is_better(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(
        run_with(
            "perplexity_per_token",
            Score(20.0, 19.5, 20.6),
            Score(32.0, 31.0, 33.0),
            Score(-12.0, -13.0, -11.0),
        )
    )
    said = capsys.readouterr().out
    assert "n_gram: 32.000; the model is -12.000 (-13.000 to -11.000) against it (lower is better)" in said
    assert "the interval is wide" not in said
    print_summary(run_with("bleu", Score(30.0, 20.0, 40.0), Score(1.0, 0.5, 2.0), Score(29.0, 19.0, 39.0)))
    said = capsys.readouterr().out
    assert "lower is better" not in said
    assert "the interval is wide" in said


@pytest.mark.parametrize("talks", [True, False])
def test_a_model_that_talks_is_to_be_talked_to(talks: bool, capsys: pytest.CaptureFixture[str]) -> None:
    score = Score(20.0, 19.5, 20.6)
    print_summary(run_with("perplexity_per_token", score, score, score, talks=talks))
    assert ("tunewell chat run\n" in capsys.readouterr().out) is talks
