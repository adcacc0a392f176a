"""The rows that all contestants read, the tables of names, and the folder that they start from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks import data, models, setups, standard
from benchmarks.setups import Setup, Tuned, best_tuned
from benchmarks.tasks import TASKS
from safetensors.torch import load_file


def prepared(rows_folder: Path, folder: Path, num_rows: int | None = None, batch_size: int = 8) -> data.Rows:
    return data.prepare(
        str(rows_folder),
        "text-classification",
        folder,
        batch_size=batch_size,
        num_rows=num_rows,
        num_validation=10,
    )


def test_rows_are_whole_batches_and_the_same_each_time(rows_folder: Path, tmp_path: Path) -> None:
    first, second = prepared(rows_folder, tmp_path / "a"), prepared(rows_folder, tmp_path / "b")
    assert len(first.train) == 96  # of 100
    assert first.train == second.train == data.load(tmp_path / "a", "train")
    assert len(first.validation) == 10


def test_rows_are_whole_megabatches_where_there_are_enough(rows_folder: Path, tmp_path: Path) -> None:
    assert len(prepared(rows_folder, tmp_path, batch_size=1).train) == 100  # two megabatches of 50
    assert len(prepared(rows_folder, tmp_path, num_rows=70, batch_size=1).train) == 70


def test_less_than_a_batch_is_refused(rows_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(data.UnusableError, match="not one batch"):
        prepared(rows_folder, tmp_path, batch_size=128)


def test_a_data_set_of_another_task_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(data.UnusableError, match="not for translation"):
        data.find("ag_news", "translation")


def test_missing_files_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNEWELL_DATA", str(tmp_path))
    with pytest.raises(data.UnusableError, match=r"no ag_news/train\.tsv\.gz under TUNEWELL_DATA"):
        data.find("ag_news", "text-classification")


def test_a_start_without_dropout_differs_in_nothing_else(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    start = models.write_start(
        tiny("bert"), tmp_path / "start", TASKS["text-classification"].auto_class, ("a", "b")
    )
    quiet = models.without_dropout(start, tmp_path / "quiet")
    before, after = (json.loads((folder / "config.json").read_text()) for folder in (start, quiet))
    changed = {key for key in before if before[key] != after[key]}
    assert {"hidden_dropout_prob", "attention_probs_dropout_prob"} <= changed
    assert all("drop" in key and after[key] == 0 for key in changed)
    assert before["id2label"] == {"0": "a", "1": "b"}
    weights = [load_file(folder / models.WEIGHTS) for folder in (start, quiet)]
    assert all(bool((weights[0][name] == weights[1][name]).all()) for name in weights[0])


def test_another_seed_draws_another_head_and_keeps_the_backbone(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    first, second = (
        load_file(
            models.write_start(
                tiny("bert"), tmp_path / str(seed), "AutoModelForSequenceClassification", "ab", seed=seed
            )
            / models.WEIGHTS
        )
        for seed in (1, 2)
    )
    differing = {name for name in first if not bool((first[name] == second[name]).all())}
    assert differing == {"classifier.weight"}


def test_h2_is_the_newest_sweep_of_the_same_or_else_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setups, "TUNED", ())
    setup, origin = best_tuned("minilm", "ag_news", "cpu")
    assert setup == setups.UNTUNED
    assert "not swept" in origin
    found = [
        Tuned("minilm", "sst2_sentences", "cpu", "2026-01-01", Setup(splits=2)),
        Tuned("minilm", "ag_news", "cpu", "2026-01-02", Setup(splits=4)),
        Tuned("minilm", "ag_news", "cpu", "2026-01-03", Setup(workers=1)),
        Tuned("minilm", "ag_news", "cuda", "2026-01-04", Setup(workers=9)),
    ]
    monkeypatch.setattr(setups, "TUNED", tuple(found))
    assert best_tuned("minilm", "ag_news", "cpu")[0] == Setup(workers=1)
    assert best_tuned("minilm", "clinc150", "cpu")[0] == Setup(workers=1)
    assert "2026-01-03 on minilm, ag_news" in best_tuned("minilm", "clinc150", "cpu")[1]
    assert best_tuned("bert-base-random", "ag_news", "cpu")[0] == setups.UNTUNED


def test_the_standard_set_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    for entry in standard.STANDARD:
        given = dict(zip(entry.arguments[::2], entry.arguments[1::2], strict=True))
        assert given["--model"] in models.MODELS
        assert given["--data"] in data.DATA
    assert standard.main(["--list"]) == 0
    told = capsys.readouterr().err
    assert f"about {sum(entry.minutes for entry in standard.STANDARD)} minutes" in told
