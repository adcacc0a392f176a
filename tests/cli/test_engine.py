"""`tunewell predict --engine`: other means, the same rows; and no answer that was not compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewell.cli import run as run_command
from tunewell.models import ctranslate
from tunewell.runs import Run, engines
from tunewell.testing.writers import tiny_translator

Command = Callable[..., Any]
SOURCES = [
    "the film was great",
    "a dog swims in the water",
    "the plot was dull indeed and long",
    "two men",
    "water",
]
TARGETS = [
    "der film war toll",
    "ein hund schwimmt im wasser",
    "die handlung war wirklich lang",
    "zwei",
    "wasser",
]
SCRATCH = ("model.hidden_size=32", "model.num_layers=1", "model.feedforward_size=32", "model.vocab_size=300")


def trained_translator(folder: Path, *options: str) -> Path:
    """A finished run on a few sentences."""
    for name, texts in (("train.en", SOURCES * 12), ("train.de", TARGETS * 12)):
        lines = [f"{text} {place}\n" for place, text in enumerate(texts)]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    arguments = [
        *("train", str(folder / "train"), "--task", "translation", "--epochs", "2", "--device", "cpu"),
        *("--set", "training.threads=1", "--set", "evaluation.resamples=100"),
        *("--set", "task.source_language=en", "--set", "task.target_language=de"),
        *(part for option in options for part in ("--set", option)),
        *("--output", str(folder / "run")),
    ]
    assert run_command(arguments) == 0
    return folder / "run"


@pytest.fixture(scope="session")
def translator_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ("model.from_scratch=true", "training.learning_rate=3e-3", *SCRATCH)
    return trained_translator(tmp_path_factory.mktemp("scratch"), *options)


def test_the_same_rows(tunewell: Command, translator_run: Path, tmp_path: Path) -> None:
    before = sorted(translator_run.rglob("*"))
    source = tmp_path / "new.jsonl"
    source.write_text(
        "".join(f'{{"en": "{text}", "n": {place}}}\n' for place, text in enumerate(SOURCES * 3))
    )
    torch_rows = tunewell("predict", translator_run, source)
    assert torch_rows.code == 0, torch_rows.err
    ours = tunewell("predict", translator_run, source, "--engine", "ctranslate2")
    assert ours.code == 0, ours.err
    assert "compared with torch on 8 inputs" in ours.err
    assert [row.keys() for row in ours.rows] == [row.keys() for row in torch_rows.rows]
    assert [row["n"] for row in ours.rows] == list(range(15))
    assert ours.rows == torch_rows.rows
    assert sorted(translator_run.rglob("*")) == before


def test_texts_on_the_command_line(tunewell: Command, translator_run: Path) -> None:
    outcome = tunewell("predict", translator_run, "--text", "the film was great", "--engine", "ctranslate2")
    assert outcome.code == 0, outcome.err
    assert len(outcome.rows) == 1


def test_other_texts_are_refused(
    tunewell: Command, translator_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine whose search stops early stands for one that is wrong."""
    right = ctranslate.Translator.write

    def too_short(self: Any, batch: Any, settings: Any) -> Any:
        return [row[:1] for row in right(self, batch, {**settings, "max_new_tokens": 1})]

    monkeypatch.setattr(ctranslate.Translator, "write", too_short)
    outcome = tunewell("predict", translator_run, "--text", "the film was great", "--engine", "ctranslate2")
    assert outcome.code == 4
    assert outcome.out == ""
    assert "torch writes" in outcome.err
    assert "CTranslate2 '" in outcome.err


def test_other_numbers_are_refused(
    tunewell: Command, translator_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "MOST_APART", 0.0)
    outcome = tunewell("predict", translator_run, "--text", "the film was great", "--engine", "ctranslate2")
    assert outcome.code == 4
    assert "log-probability differs by" in outcome.err


def test_refusals(tunewell: Command, translator_run: Path, trained: Path) -> None:
    outcome = tunewell("predict", trained, "--text", "a", "--engine", "ctranslate2")
    assert outcome.code == 4
    assert "does not do text-classification" in outcome.err
    outcome = tunewell("predict", translator_run, "--text", "a", "--engine", "tensorrt")
    assert outcome.code == 2
    assert "torch, ctranslate2" in outcome.err


def test_an_encoder_with_a_decoder_of_its_kind_is_refused(tunewell: Command, tmp_path: Path) -> None:
    model = tiny_translator(tmp_path / "model", "encoder-decoder", SOURCES * 6, target_texts=TARGETS * 6)
    trained = trained_translator(tmp_path, f"model.name={model}")
    outcome = tunewell("predict", trained, "--text", "a", "--engine", "ctranslate2")
    assert outcome.code == 4
    assert "encoder-decoder" in outcome.err


def test_in_python(translator_run: Path) -> None:
    run = Run(translator_run)
    notes: list[str] = []
    predictor = run.load_predictor("cpu", "ctranslate2", notes)
    examples = [run.task.read(row, labelled=False) for row in _rows(SOURCES)]
    assert not notes
    answers = [run.task.answer(prediction) for prediction in predictor.predict(examples)]
    assert len(notes) == 1
    assert answers == [prediction.translation for prediction in run.predict(SOURCES)]


def _rows(texts: list[str]) -> Any:
    from tunewell.core.examples import Origin, Row

    return [Row({"en": text}, Origin("input", number)) for number, text in enumerate(texts, start=1)]
