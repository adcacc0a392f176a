"""Comparing runs: what is tested, against what, and that no model and no torch is needed."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.sections import Compared, Facts, Notices, Table, Texts
from tunewell.metrics.shares import mcnemar
from tunewell.metrics.tables import Scores
from tunewell.report import render
from tunewell.studies.comparison import MCNEMAR, RANDOMISATION, compare
from tunewell.studies.comparison_sections import comparison_sections
from tunewell.studies.stored import StoredAnswers

Make = Callable[..., Path]
FEW = {"resamples": 300, "rank_resamples": 100}


def with_mistakes(gold: list[str], share: float, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [label if draw.random() >= share else {"good": "bad", "bad": "good"}[label] for label in gold]


@pytest.fixture(scope="module")
def gold() -> list[str]:
    draw = random.Random(0)
    return [draw.choice(["good", "bad"]) for _ in range(200)]


@pytest.fixture(scope="module")
def runs(stored_run: Make, tmp_path_factory: pytest.TempPathFactory, gold: list[str]) -> dict[str, Path]:
    """Runs of falling accuracy; `near` differs from `best` in few answers."""
    folder = tmp_path_factory.mktemp("runs")
    best = with_mistakes(gold, 0.1, 1)
    near = [*best[:-4], *gold[-4:]]
    answers = {"best": best, "near": near, "worse": with_mistakes(gold, 0.45, 2)}
    return {
        name: stored_run(
            folder / name, gold, said, identity={"training.seed": seed, "content of data.train": "a"}
        )
        for seed, (name, said) in enumerate(answers.items())
    }


def test_a_clear_difference_is_shown(runs: dict[str, Path], gold: list[str]) -> None:
    found = compare([runs["best"], runs["worse"]], **FEW)
    (pair,) = found.pairs
    assert (found.reference, pair.run, pair.against) == ("best", "worse", "best")
    assert (found.metric, found.split, found.num_examples) == ("accuracy", "test", len(gold))
    assert pair.verdict == "worse"
    assert pair.difference.value == found.scores["worse"].value - found.scores["best"].value
    assert pair.difference.high is not None
    assert pair.difference.high < 0
    assert pair.agreement is not None
    cells = pair.agreement
    assert cells.both + cells.only_run + cells.only_against + cells.neither == len(gold)
    assert pair.num_differing == found.num_differing == cells.only_run + cells.only_against
    assert pair.test == MCNEMAR
    assert pair.p_value == mcnemar(cells.only_run, cells.only_against) == pair.corrected_p_value
    assert 0 < pair.smallest_shown < 0.2


def test_a_small_one_is_not(runs: dict[str, Path]) -> None:
    found = compare([runs["best"], runs["near"]], **FEW)
    (pair,) = found.pairs
    assert pair.verdict == "no difference shown"
    assert pair.difference.low is not None
    assert pair.difference.high is not None
    assert pair.difference.low <= 0 <= pair.difference.high


def test_every_run_against_the_reference_or_every_pair(runs: dict[str, Path]) -> None:
    given = list(runs.values())
    names = [(pair.run, pair.against) for pair in compare(given, **FEW).pairs]
    assert names == [("near", "best"), ("worse", "best")]
    for reference in (runs["worse"], "worse", str(runs["worse"])):
        found = compare(given, reference=reference, **FEW)
        assert found.reference == "worse"
        assert [(pair.run, pair.against) for pair in found.pairs] == [("best", "worse"), ("near", "worse")]
    found = compare(given, all_pairs=True, **FEW)
    assert found.reference is None
    assert [(pair.run, pair.against) for pair in found.pairs] == [
        ("near", "best"),
        ("worse", "best"),
        ("worse", "near"),
    ]


def test_more_comparisons_cost_more(runs: dict[str, Path]) -> None:
    alone = compare([runs["best"], runs["worse"]], **FEW).pairs[0]
    among = compare(list(runs.values()), **FEW).pairs[1]
    assert among.p_value == alone.p_value
    assert among.corrected_p_value == pytest.approx(2 * alone.p_value)
    assert among.smallest_shown > alone.smallest_shown


@pytest.mark.parametrize("metric", ["macro_f1", "auroc", "mcc"])
def test_other_metrics_are_tested_by_randomisation(runs: dict[str, Path], metric: str) -> None:
    found = compare([runs["best"], runs["worse"]], metric=metric, **FEW)
    (pair,) = found.pairs
    assert pair.test == RANDOMISATION
    assert set(pair.p_values) == {RANDOMISATION}
    assert pair.agreement is None
    assert found.scores["best"].value == found.all_scores[metric]["best"]
    assert pair.verdict == "worse"


def test_where_they_differ(runs: dict[str, Path]) -> None:
    found = compare(list(runs.values()), **FEW)
    assert found.num_differing == len(found.differing) > 0
    for example in found.differing:
        assert len(set(example.answers.values())) > 1
        assert example.right == [name for name, said in example.answers.items() if said == example.gold]
    settled = [bool(example.right) for example in found.differing]
    assert settled == sorted(settled, reverse=True)


def test_settings_that_differ(runs: dict[str, Path]) -> None:
    found = compare([runs["best"], runs["worse"]], **FEW)
    assert found.settings == {"training.seed": {"best": 0, "worse": 2}}


def test_several_labels_and_numbers(stored_run: Make, tmp_path: Path) -> None:
    targets = [["a", "b"], ["a"], [], ["b"], ["a", "b"], ["b"]] * 5
    one = stored_run(tmp_path / "one", targets, targets, kind="multi_label")
    two = stored_run(tmp_path / "two", targets, [["a"]] * 30, kind="multi_label")
    found = compare([one, two], **FEW)
    assert (found.metric, found.pairs[0].verdict) == ("macro_f1", "worse")
    assert found.differing[0].gold == "a, b"
    assert {example.gold for example in found.differing} == {"a, b", "b", "none"}
    numbers = [float(n % 7) + n / 100 for n in range(40)]
    near = stored_run(
        tmp_path / "near", numbers, [n + 0.1 * (i % 3) for i, n in enumerate(numbers)], kind="regression"
    )
    far = stored_run(
        tmp_path / "far", numbers, [n + (i % 5) for i, n in enumerate(numbers)], kind="regression"
    )
    found = compare([near, far], **FEW)
    assert (found.metric, found.pairs[0].verdict) == ("pearson", "worse")
    gaps = [abs(float(e.answers["near"]) - float(e.answers["far"])) for e in found.differing]
    assert gaps == sorted(gaps, reverse=True)
    assert found.differing[0].right is None
    assert compare([near, far], metric="spearman", **FEW).pairs[0].verdict == "worse"
    (pair,) = compare([near, far], metric="mae", **FEW).pairs
    assert (pair.verdict, pair.lower_is_better) == ("worse", True)
    assert pair.difference.value > 0


def test_runs_that_answer_alike(stored_run: Make, tmp_path: Path, gold: list[str]) -> None:
    one, two = (stored_run(tmp_path / name, gold, gold) for name in "ab")
    for metric in ("accuracy", "macro_f1", "auroc"):
        found = compare([one, two], metric=metric, **FEW)
        (pair,) = found.pairs
        assert (pair.verdict, pair.p_value, pair.difference.value) == ("no difference shown", 1.0, 0.0)
        assert (found.num_differing, list(found.differing)) == (0, [])
        json.dumps(found.to_json(), allow_nan=False)
        assert "answer every example alike" in render("t", "s", comparison_sections(found))


def test_totals_are_shown_and_not_tested(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    scored = StoredAnswers.score

    def with_total(own: StoredAnswers) -> Scores:
        return replace(scored(own), totals={"distinct_1": len(own.name) / 100})

    monkeypatch.setattr(StoredAnswers, "score", with_total)
    found = compare([runs["best"], runs["worse"]], metric="distinct_1", **FEW)
    (pair,) = found.pairs
    assert (pair.verdict, pair.difference.low) == ("not tested", None)
    assert pair.difference.value == pytest.approx(0.01)
    assert found.scores["worse"].value == 0.05
    assert any("distinct_1 is a number of the whole split" in notice for notice in found.notices)
    json.dumps(found.to_json(), allow_nan=False)
    assert "without a test" in render("t", "s", comparison_sections(found))
    assert not any(
        "whole split" in notice for notice in compare([runs["best"], runs["worse"]], **FEW).notices
    )


def test_names_that_are_the_same_become_folders(stored_run: Make, tmp_path: Path, gold: list[str]) -> None:
    one, two = (stored_run(tmp_path / parent / "run", gold, gold) for parent in "ab")
    assert list(compare([one, two], **FEW).folders) == [str(one), str(two)]


def test_what_cannot_be_compared(
    runs: dict[str, Path], stored_run: Make, tmp_path: Path, gold: list[str]
) -> None:
    both = [runs["best"], runs["worse"]]
    with pytest.raises(ConfigError, match="two or more"):
        compare(both[:1])
    with pytest.raises(ConfigError, match="given twice"):
        compare([*both, runs["best"] / ".." / "best"])
    with pytest.raises(ConfigError, match="no metric 'f2'"):
        compare(both, metric="f2")
    with pytest.raises(ConfigError, match="'near' is not among the runs"):
        compare(both, reference="near")
    with pytest.raises(ConfigError, match="need no reference"):
        compare(both, reference="best", all_pairs=True)
    with pytest.raises(ConfigError, match="no validation split"):
        compare(both, split="validation")
    with pytest.raises(DataError, match="not tested on the same"):
        compare([*both, stored_run(tmp_path / "other", gold[:-1], gold[:-1])])


def test_a_validation_split_is_compared_with_a_warning(
    stored_run: Make, tmp_path: Path, gold: list[str]
) -> None:
    one, two = (
        stored_run(tmp_path / name, gold, gold, split="validation", identity={"content of data.train": name})
        for name in "ab"
    )
    notices = " ".join(compare([one, two], **FEW).notices)
    assert "too good" in notices
    assert "trained on different data" in notices
    assert "not of other seeds" in notices


def test_sections_say_what_was_found(runs: dict[str, Path]) -> None:
    found = compare(list(runs.values()), **FEW)
    compared, notices, metrics, settings, texts, method = comparison_sections(found)
    assert isinstance(compared, Compared)
    assert (compared.scores, compared.pairs, compared.reference) == (found.scores, found.pairs, "best")
    assert "corrected for 2 comparisons" in compared.note
    assert isinstance(notices, Notices)
    assert isinstance(metrics, Table)
    assert [row[0] for row in metrics.rows] == list(found.all_scores)
    assert isinstance(settings, Table)
    assert settings.rows == [["training.seed", "0", "1", "2"]]
    assert isinstance(texts, Texts)
    assert len(texts.entries) == found.num_differing
    assert isinstance(method, Facts)
    for section in comparison_sections(found):
        json.dumps(section.to_json(), allow_nan=False)


def test_json_holds_everything(runs: dict[str, Path]) -> None:
    found = compare(list(runs.values()), **FEW)
    written: dict[str, Any] = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (written["schema"], written["reference"]) == (1, "best")
    assert [pair["verdict"] for pair in written["comparisons"]] == [pair.verdict for pair in found.pairs]
    assert written["runs"]["near"]["score"]["value"] == found.scores["near"].value
    assert math.isclose(written["runs"]["near"]["scores"]["accuracy"], found.scores["near"].value)
    assert written["runs"]["near"]["folder"] == str(runs["near"])
    assert len(written["differing"]) == found.num_differing


def test_no_torch_and_no_model(runs: dict[str, Path]) -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('torch', 'transformers', 'sklearn')))\n"
        "import tunewell\n"
        f"found = tunewell.compare({[str(runs['best']), str(runs['worse'])]!r})\n"
        "print(found.pairs[0].verdict)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "worse"
