"""The one path from examples to predictions: order, batches, memory, stopping, and what it refuses to load."""

from __future__ import annotations

import json
import signal
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tunewell import predictor as module
from tunewell.core.errors import ConfigError, Interrupted, ModelError
from tunewell.core.examples import Example, Origin, Row
from tunewell.models import ModelLoader
from tunewell.models.artefact import save_model
from tunewell.predictor import Predictor, load_task, task_to_json
from tunewell.run_dir import RunDir, read_json, write_json
from tunewell.runtime import Runtime
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig

Tiny = Callable[[str], Path]


@pytest.fixture
def made(tiny: Tiny, texts: list[str]) -> tuple[Predictor, list[Example]]:
    task = TextClassification.new(
        TextClassificationConfig(text="text", label="label", kind="single_label", class_weights="balanced")
    )
    examples = [
        task.read(Row({"text": text, "label": f"label {line % 3}"}, Origin("t.csv", line)))
        for line, text in enumerate(texts, 2)
    ]
    task = task.learn({"train": examples})
    loader = ModelLoader(str(tiny("bert")))
    return Predictor(task, task.build_model(loader), loader.tokenizer(), Runtime()), list(examples)


def answers(predictor: Predictor, examples: list[Example]) -> list[dict[str, float]]:
    return [prediction.to_json()["probabilities"] for prediction in predictor.predict(examples)]


def test_answers_are_in_order_whatever_the_batches(made: tuple[Predictor, list[Example]]) -> None:
    predictor, examples = made
    assert [p.example_id for p in predictor.predict(examples)] == [example.id for example in examples]
    wanted = answers(predictor, examples)
    for predictor.batch_tokens in (1, 30, 100_000):
        for found, answer in zip(answers(predictor, examples), wanted, strict=True):
            assert found == pytest.approx(answer, abs=1e-6)


def test_batches_keep_to_their_budget(
    made: tuple[Predictor, list[Example]], monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor, examples = made
    predictor.batch_tokens = 40
    seen: list[torch.Tensor] = []
    forward = TextClassification.predict

    def watched(self: TextClassification, model: Any, batch: Any, tokenizer: Any) -> Any:
        assert torch.is_inference_mode_enabled()
        assert not model.training
        seen.append(batch.lengths)
        return forward(self, model, batch, tokenizer)

    monkeypatch.setattr(TextClassification, "predict", watched)
    predictor.model.train()
    list(predictor.predict(examples))
    assert sum(len(lengths) for lengths in seen) == len(examples)
    assert all(len(lengths) * int(lengths.max()) <= 40 for lengths in seen)


def test_examples_are_read_ahead_by_one_chunk(
    made: tuple[Predictor, list[Example]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless input must give its first answer."""
    predictor, examples = made
    monkeypatch.setattr(module, "CHUNK", 4)
    taken = 0

    def endless() -> Iterator[Example]:
        nonlocal taken
        while True:
            taken += 1
            yield examples[taken % len(examples)]

    predictions = predictor.predict(endless())
    next(predictions)
    assert taken == 4
    for _ in range(4):
        next(predictions)
    assert taken == 8


def test_no_logits_outlive_their_forward_pass(made: tuple[Predictor, list[Example]]) -> None:
    """Evaluation holds the answers of a whole split, never what a model computed for them on its device."""
    predictor, examples = made
    predictor.batch_tokens = 40
    logits: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []

    def watch(model: Any, inputs: Any, output: Any) -> None:
        alive.append(sum(one() is not None for one in logits))
        logits.append(weakref.ref(output.logits))

    predictor.model.register_forward_hook(watch)
    predictor.calibrated(examples)
    assert len(alive) > 5
    assert max(alive) <= 1


def test_nothing_in_nothing_out(made: tuple[Predictor, list[Example]]) -> None:
    predictor, _ = made
    assert list(predictor.predict([])) == []
    assert predictor.outputs([]) == []


def test_a_stop_ends_the_prediction(made: tuple[Predictor, list[Example]]) -> None:
    predictor, examples = made
    predictor.runtime.stop.signal = signal.SIGTERM
    with pytest.raises(Interrupted) as caught:
        predictor.outputs(examples)
    assert caught.value.exit_code == 75
    predictor.runtime.stop.signal = signal.SIGINT
    with pytest.raises(Interrupted) as caught:
        list(predictor.predict(examples))
    assert caught.value.exit_code == 130


# From files alone


@pytest.fixture
def run(made: tuple[Predictor, list[Example]], tmp_path: Path) -> RunDir:
    predictor, _ = made
    folder = RunDir(tmp_path)
    write_json(folder.task, task_to_json(predictor.task))
    save_model(predictor.model, predictor.tokenizer, folder.model, 64)
    return folder


def test_a_saved_run_gives_the_same_answers(made: tuple[Predictor, list[Example]], run: RunDir) -> None:
    predictor, examples = made
    loaded = Predictor.load(run, Runtime())
    assert loaded.task == predictor.task
    for found, wanted in zip(answers(loaded, examples), answers(predictor, examples), strict=True):
        assert found == pytest.approx(wanted, abs=1e-6)


def test_a_saved_model_without_its_head_is_refused(run: RunDir) -> None:
    path = run.model / "model.safetensors"
    weights = {name: tensor for name, tensor in load_file(path).items() if name != "classifier.weight"}
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"the saved model lacks classifier\.weight"):
        Predictor.load(run, Runtime())


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"name": "text-classification"}', "null", "3"])
def test_a_damaged_task_file_is_refused(content: str, run: RunDir) -> None:
    run.task.write_text(content)
    with pytest.raises(ModelError) as caught:
        load_task(run)
    assert str(run.task) in str(caught.value)


def test_a_task_that_is_not_installed_is_refused(run: RunDir) -> None:
    saved = read_json(run.task)
    run.task.write_text(json.dumps({**saved, "name": "made-elsewhere"}))
    with pytest.raises(ConfigError, match="no task called 'made-elsewhere'"):
        load_task(run)


@pytest.mark.parametrize("lost", ["labels", "thresholds", "label_weights", "value_range"])
def test_a_task_file_that_lacks_what_was_learnt_is_refused(lost: str, run: RunDir) -> None:
    saved = read_json(run.task)
    del saved["learnt"][lost]
    run.task.write_text(json.dumps(saved))
    with pytest.raises(ModelError, match=f"'{lost}'"):
        load_task(run)
