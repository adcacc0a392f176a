"""The tools for plug-in authors: models that load like real ones, and a suite that catches real mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import transformers

from tunewell.core.examples import LabelPrediction
from tunewell.data.batches import Batch
from tunewell.models import ModelLoader
from tunewell.tasks.text_classification import TextClassification
from tunewell.testing import FAMILIES, check_task, tiny_model

Tiny = Callable[[str], Path]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tiny_model_loads_like_a_real_one(family: str, tiny: Tiny, texts: list[str]) -> None:
    folder = tiny(family)
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    loader = ModelLoader(str(folder))
    tokenizer = loader.tokenizer()
    model: Any = loader.sequence_classifier(
        ("a", "b"), "single_label_classification", pad_token_id=tokenizer.pad_token_id
    )
    assert model.config.model_type == family
    assert sum(parameter.numel() for parameter in model.parameters()) < 60_000
    assert all("classifier" in name or _is_head(name) for name in loader.new_parameters)
    assert tokenizer.max_length_tokens == 64
    assert len(tokenizer.encode((texts[0],)).input_ids) > 3
    known = tokenizer.encode((texts[0],)).input_ids
    assert tokenizer.unknown_token_id not in known or family in ("xlm-roberta", "albert", "deberta-v2")


def _is_head(name: str) -> bool:
    return name.startswith(("score", "pre_classifier", "pooler", "head"))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_arguments_give_the_same_bytes(
    family: str, tiny: Tiny, texts: list[str], tmp_path: Path
) -> None:
    again = tiny_model(tmp_path / "again", family, texts)
    for path in again.iterdir():
        assert path.read_bytes() == (tiny(family) / path.name).read_bytes(), path.name
    other = tiny_model(tmp_path / "other", family, texts, seed=1)
    weights = "model.safetensors"
    assert (again / weights).read_bytes() != (other / weights).read_bytes()
    assert (again / "tokenizer.json").read_bytes() == (other / "tokenizer.json").read_bytes()


@pytest.mark.parametrize("family", FAMILIES)
def test_sizes_and_dropout_can_be_set(family: str, texts: list[str], tmp_path: Path) -> None:
    tiny_model(
        tmp_path,
        family,
        texts,
        dropout=0.25,
        num_layers=3,
        hidden_size=16,
        vocab_size=80,
        max_length_tokens=20,
    )
    config = transformers.AutoConfig.from_pretrained(tmp_path)
    assert {getattr(config, name) for name in FAMILIES[family].dropouts} == {0.25}
    assert config.num_hidden_layers == 3
    assert config.hidden_size == 16
    loader = ModelLoader(str(tmp_path))
    assert len(loader.tokenizer()) <= (80 if "Bert" in FAMILIES[family].tokenizer else 80 + 256)
    assert loader.tokenizer().max_length_tokens == 20


# What the suite catches


def check(folder: Path, scratch: Path, texts: list[str], **more: Any) -> None:
    rows = [{"text": text, "label": "abc"[index % 3]} for index, text in enumerate(texts[:12])]
    settings = {"text": "text", "label": "label", "kind": "single_label"}
    check_task("text-classification", settings, rows, folder, scratch, **more)


def _mean_loss(task: Any, model: Any, batch: Batch) -> Any:
    return task._loss(model, batch) / len(batch)


def _uncounted(task: Any, features: Any) -> Batch:
    return replace(task._collate(features), num_targets=1.0)


def _silent_cut(task: Any, example: Any, tokenizer: Any) -> Any:
    return [replace(feature, num_truncated_tokens=0) for feature in task._encode(example, tokenizer)]


def _batch_norm(task: Any, model: Any, batch: Batch, tokenizer: Any) -> Any:
    rows = task._predict(model, batch, tokenizer)
    return [row - sum(rows) / len(rows) for row in rows]


def _forgetful(task: Any) -> dict[str, Any]:
    return {**task._to_json(), "labels": list(reversed(task.labels.names))}


def _numpy_answer(task: Any, example: Any, outputs: Any) -> LabelPrediction:
    prediction = task._decode(example, outputs)
    names = prediction.probabilities
    return LabelPrediction(example.id, prediction.label, dict(zip(names, outputs[0], strict=True)))


def _lenient(task: Any, row: Any, *, labelled: bool = True) -> Any:
    values = {**row.values, "text": row.values.get("text") or "nothing"}
    return task._read(replace(row, values=values), labelled=labelled)


def _unhashable(task: Any, example: Any) -> Any:
    return [example.target]


@pytest.mark.parametrize(
    ("member", "broken", "promise"),
    [
        ("loss", _mean_loss, "loss_is_a_sum"),
        ("collate", _uncounted, "targets_are_counted"),
        ("encode", _silent_cut, "long_texts_are_windowed_or_counted"),
        ("predict", _batch_norm, "batches_do_not_matter"),
        ("to_json", _forgetful, "saved_and_loaded_is_the_same"),
        ("decode", _numpy_answer, "predictions_have_the_schema"),
        ("read", _lenient, "rows_are_refused_with_their_place"),
        ("stratum", _unhashable, "strata_are_hashable"),
    ],
)
def test_a_broken_task_is_caught(
    member: str,
    broken: Callable[..., Any],
    promise: str,
    tiny: Tiny,
    texts: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TextClassification, f"_{member}", getattr(TextClassification, member), raising=False)
    monkeypatch.setattr(TextClassification, member, broken)
    with pytest.raises(AssertionError, match=promise) as caught:
        check(tiny("bert"), tmp_path, texts)
    assert str(caught.value).startswith("text-classification breaks ")


def test_a_row_that_should_be_refused_is_named(tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"a row with \{'label': 'a'\} is not refused"):
        check(tiny("bert"), tmp_path, texts, refused=[{"label": "a"}])
