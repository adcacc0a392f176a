"""The saved model belongs to the user: Hugging Face's classes read it with nothing of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tunewell.core.examples import Example, Origin, Prediction, Row
from tunewell.models import ModelLoader
from tunewell.models.artefact import save_model
from tunewell.predictor import Predictor
from tunewell.runtime import Runtime
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig

Tiny = Callable[[str], Path]

FAMILIES = ("bert", "roberta", "distilbert", "gpt2")
TARGETS: dict[str, list[Any]] = {
    "single_label": ["sad", "glad", "so so", "glad"],
    "multi_label": ["sad|so so", "glad", "", "so so"],
    "regression": [1950.0, 2000.0, 2010.0, 1990.0],
}


def saved(
    folder: Path, source: Path, texts: list[str], kind: str, pair: bool = False
) -> tuple[list[Example], list[Prediction]]:
    """Examples, and what the predictor said of them before the model was written to `folder`."""
    columns: Any = ["text", "more"] if pair else "text"
    task = TextClassification.new(TextClassificationConfig(text=columns, label="label", kind=kind))  # type: ignore[arg-type]
    examples = [
        task.read(Row({"text": text, "more": text[4:9], "label": target}, Origin("t.csv", line)))
        for line, (text, target) in enumerate(zip(texts, TARGETS[kind], strict=False), 2)
    ]
    task = task.learn({"train": examples})
    loader = ModelLoader(str(source))
    model: Any = task.build_model(loader)
    predictor = Predictor(task, model, loader.tokenizer(), Runtime())
    predictions = list(predictor.predict(examples))
    save_model(model, predictor.tokenizer, folder, 32)
    return list(examples), predictions


def pipeline(folder: Path, **settings: Any) -> Any:
    return transformers.pipeline("text-classification", model=str(folder), top_k=None, **settings)


def by_label(answer: list[dict[str, Any]]) -> dict[str, float]:
    return {entry["label"]: entry["score"] for entry in answer}


@pytest.mark.parametrize("family", FAMILIES)
def test_one_label_with_a_pipeline(family: str, tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    examples, predictions = saved(tmp_path, tiny(family), texts, "single_label")
    answers = pipeline(tmp_path)([example.texts[0] for example in examples], batch_size=4)  # type: ignore[attr-defined]
    for answer, prediction in zip(answers, predictions, strict=True):
        assert by_label(answer) == pytest.approx(prediction.to_json()["probabilities"], abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_several_labels_with_a_pipeline(family: str, tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    """`problem_type` makes the pipeline take the logistic function by itself."""
    examples, predictions = saved(tmp_path, tiny(family), texts, "multi_label")
    answers = pipeline(tmp_path)([example.texts[0] for example in examples])  # type: ignore[attr-defined]
    for answer, prediction in zip(answers, predictions, strict=True):
        assert by_label(answer) == pytest.approx(prediction.to_json()["probabilities"], abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_values_with_a_pipeline(family: str, tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    """In the user's own unit, though the head was made in standard units."""
    examples, predictions = saved(tmp_path, tiny(family), texts, "regression")
    answers = pipeline(tmp_path)([example.texts[0] for example in examples])  # type: ignore[attr-defined]
    for answer, prediction in zip(answers, predictions, strict=True):
        assert by_label(answer) == pytest.approx({"value": prediction.to_json()["value"]}, rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_pairs_with_a_pipeline(family: str, tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    examples, predictions = saved(tmp_path, tiny(family), texts, "single_label", pair=True)
    pairs = [{"text": one, "text_pair": two} for one, two in (example.texts for example in examples)]  # type: ignore[attr-defined]
    classify = pipeline(tmp_path)
    for pair, prediction in zip(pairs, predictions, strict=True):
        assert by_label(classify(pair)) == pytest.approx(prediction.to_json()["probabilities"], abs=1e-5)


def test_the_folder_is_plain(tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    saved(tmp_path, tiny("bert"), texts, "single_label")
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["id2label"] == {"0": "glad", "1": "sad", "2": "so so"}
    assert config["label2id"] == {"glad": 0, "sad": 1, "so so": 2}
    assert config["problem_type"] == "single_label_classification"
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["dtype"] == "float32"
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["model_max_length"] == 32


@pytest.mark.parametrize("family", FAMILIES)
def test_the_classes_find_every_weight(family: str, tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    saved(tmp_path, tiny(family), texts, "regression")
    _, info = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not any(info.values()), info
    loader = ModelLoader(str(tmp_path))
    again = loader.sequence_classifier(("value",), "regression", pad_token_id=0, output_range=(5.0, 2.0))
    assert loader.new_parameters == []
    assert not any("parametrizations" in name for name, _ in again.named_parameters())


def test_half_precision_comes_out_as_float32(tiny: Tiny, texts: list[str], tmp_path: Path) -> None:
    half = tmp_path / "half"
    transformers.AutoModel.from_pretrained(tiny("bert")).to(torch.bfloat16).save_pretrained(half)
    transformers.AutoTokenizer.from_pretrained(tiny("bert")).save_pretrained(half)
    saved(tmp_path / "out", half, texts, "single_label")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    assert model.dtype == torch.float32
