"""Every family in every form of text classification, from a file of rows to answers and back from disk.

The doors are the public ones: `tunewell.fit`, `tunewell.load`, `tunewell predict`, and transformers alone.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModel

import tunewell
from tunewell.cli import run as command
from tunewell.testing import FAMILIES

FORMS: dict[str, Callable[[int, str], dict[str, Any]]] = {
    "single label": lambda index, text: {"text": text, "label": ("good", "bad", "so so")[index % 3]},
    "several labels": lambda index, text: {
        "text": text,
        "label": "|".join(("good", "long", "old")[: index % 4]),
    },
    "pairs": lambda index, text: {"premise": text, "hypothesis": text[4:11], "label": "ny"[index % 2]},
    "regression": lambda index, text: {"text": text, "label": 100 + len(text) / 3},
}
SETTINGS = {
    "training": {"batch_size": 8, "learning_rate": 0.003, "threads": 1, "device": "cpu"},
    "evaluation": {"resamples": 100, "rank_resamples": 100, "baselines": False},
}
QUESTIONS = (
    "the film was dull",
    "a story",
    "the ending was warm, clever and a great deal longer than the rest",
)


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _logits_of_transformers(folder: Path, questions: list[Any]) -> Any:
    """One text at a time, so without any padding."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    pairs = [question if isinstance(question, tuple) else (question,) for question in questions]
    with torch.inference_mode():
        rows = [model(**tokenizer(*texts, truncation=True, return_tensors="pt")).logits[0] for texts in pairs]
    return torch.stack(rows).double(), model.config


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_fit_save_reload_predict(
    family: str, form: str, tiny: Callable[[str], Path], texts: list[str], tmp_path: Path
) -> None:
    rows = [FORMS[form](index, text) for index, text in enumerate(texts)]
    data = _write(tmp_path / "rows.csv", rows)
    run = tunewell.fit(data, model=tiny(family), epochs=1, output=tmp_path / "run", settings=SETTINGS)
    assert _has_learnt(tiny(family), run.path / "model")
    questions = [(q, q[::-1]) if form == "pairs" else q for q in QUESTIONS]
    answers = [answer.to_json() for answer in run.predict(questions)]
    assert len({json.dumps(answer) for answer in answers}) == len(answers)

    logits, config = _logits_of_transformers(run.path / "model", questions)
    assert config.model_type == family
    for row, answer in zip(logits, answers, strict=True):
        if form == "regression":
            assert answer["value"] == pytest.approx(float(row[0]), rel=1e-5)
            continue
        shares = row.sigmoid() if form == "several labels" else row.softmax(-1)
        expected = {config.id2label[place]: float(share) for place, share in enumerate(shares)}
        assert answer["probabilities"] == pytest.approx(expected, abs=1e-5)

    again = tunewell.load(run.path)
    assert [answer.to_json() for answer in again.predict(questions)] == answers
    if form == "single label":
        assert _answers_of_the_command(run.path, list(QUESTIONS)) == answers


def _has_learnt(before: Path, after: Path) -> bool:
    """Whether most of the backbone's tensors are others than before."""
    old = AutoModel.from_pretrained(before).state_dict()
    new = AutoModel.from_pretrained(after).state_dict()
    return sum(not torch.equal(old[name], new[name]) for name in old) > 0.6 * len(old)


def _answers_of_the_command(run: Path, questions: list[str]) -> list[dict[str, Any]]:
    out = io.StringIO()
    options = [part for question in questions for part in ("--text", question)]
    with contextlib.redirect_stdout(out):
        assert command(["predict", str(run), *options, "--device", "cpu"]) == 0
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    return [{name: answer[name] for name in ("label", "probabilities")} for answer in answers]


@pytest.mark.parametrize(
    ("family", "padded"), [("bert", False), ("gpt2", False), ("deberta-v2", True), ("mpnet", True)]
)
def test_the_user_is_told_of_padding(
    family: str, padded: bool, tiny: Callable[[str], Path], texts: list[str], tmp_path: Path
) -> None:
    data = _write(tmp_path / "rows.csv", [FORMS["single label"](*row) for row in enumerate(texts)])
    err = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        options = ["--epochs", "1", "--set", "training.threads=1", "--set", "evaluation.baselines=false"]
        code = command(
            ["train", str(data), "--model", str(tiny(family)), "--output", str(tmp_path / "run"), *options]
        )
    assert code == 0, err.getvalue()
    said = " ".join(err.getvalue().split())
    assert ("computed with padding: this architecture has no attention" in said) == padded


@pytest.fixture(params=["fnet", "xlnet"])
def changed_by_padding(
    request: pytest.FixtureRequest, texts: list[str], tiny: Callable[[str], Path], tmp_path: Path
) -> Path:
    """A tiny FNet, which mixes padding in, or XLNet, which reads the last place; with the tiny BERT's tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("bert"))
    sizes: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": 0, "initializer_range": 0.1}
    if request.param == "fnet":
        sizes |= {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    else:
        sizes |= {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64}
    torch.manual_seed(0)
    folder = tmp_path / str(request.param)
    AutoModel.from_config(transformers.CONFIG_MAPPING[request.param](**sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_model_that_padding_would_change_answers_as_it_does_alone(
    changed_by_padding: Path, texts: list[str], tmp_path: Path
) -> None:
    data = _write(tmp_path / "rows.csv", [FORMS["single label"](*row) for row in enumerate(texts)])
    run = tunewell.fit(data, model=changed_by_padding, epochs=1, output=tmp_path / "run", settings=SETTINGS)
    together = [answer.probabilities for answer in run.predict(QUESTIONS)]
    logits, config = _logits_of_transformers(run.path / "model", list(QUESTIONS))
    for row, found, question in zip(logits.softmax(-1), together, QUESTIONS, strict=True):
        expected = {config.id2label[place]: float(share) for place, share in enumerate(row)}
        assert found == pytest.approx(expected, abs=1e-5)
        assert run.predict([question])[0].probabilities == pytest.approx(expected, abs=1e-5)
