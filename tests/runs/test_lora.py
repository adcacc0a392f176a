"""Runs in which only a part of the model learns: exact resume, small checkpoints, the adapter's folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file

from tunewell.config import SCRATCH_SIZES, load_config, to_yaml
from tunewell.run_dir import read_json
from tunewell.runs import Run, fit
from tunewell.runs.settling import default_rate
from tunewell.tasks import task_config

LORA = {"lora_rank": 4, "lora_dropout": 0.2}
PARTS: dict[str, dict[str, Any]] = {"LoRA": LORA, "frozen": {"freeze_layers": 1}}


def settings(workshop: Any, name: str, **model: Any) -> dict[str, Any]:
    return workshop.changed(workshop.settings(name), "model", **model)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def adapted(shared: Any) -> Path:
    """The folder of an undisturbed run with adapters."""
    assert shared.fit(settings(shared, "adapted", **LORA)) == 0
    return Path(shared.folder / "adapted")


@pytest.mark.parametrize("part", PARTS)
def test_ten_steps_are_five_and_five(workshop: Any, part: str) -> None:
    """With dropout, of adapters too, accumulation and evaluations on; SIGINT in the middle of step 6."""
    assert workshop.fit(settings(workshop, "whole", **PARTS[part])) == 0
    parted = settings(workshop, "parted", **PARTS[part])
    assert workshop.fit(parted, workshop.at_step(6)) == 130
    assert "stopped after step 5 of 10" in workshop.outcome["message"]
    assert workshop.fit(parted) == 0
    assert "resuming after step 5 of 10" in workshop.outcome["said"]
    result = workshop.result(workshop.folder / "whole")
    assert ("adapter/adapter_model.safetensors" in result) == (part == "LoRA")
    assert workshop.result(workshop.folder / "parted") == result


def test_dropout_of_adapters_counts(workshop: Any, adapted: Path) -> None:
    """Else the test above would show nothing of it."""
    assert workshop.fit(settings(workshop, "dry", lora_rank=4)) == 0
    with_dropout, without = (
        load_file(folder / "model/model.safetensors") for folder in (adapted, workshop.folder / "dry")
    )
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(with_dropout[name], without[name])


@pytest.mark.parametrize(
    "target",
    ["tunewell.runs.verdict:save_model", "pathlib:Path.rename"],
    ids=["both written", "one in place"],
)
def test_killed_while_saving(workshop: Any, adapted: Path, target: str) -> None:
    point = {"targets": [target], "call": 1, "signals": [9], "when": "after"}
    interrupted = settings(workshop, "adapted", **LORA)
    assert workshop.fit(interrupted, [point]) == -9
    assert not (workshop.folder / "adapted/adapter").exists()
    assert workshop.fit(interrupted) == 0
    assert workshop.result(workshop.folder / "adapted") == workshop.result(adapted)
    assert not list((workshop.folder / "adapted").glob(".writing*"))


def test_the_base_learns_nothing(adapted: Path, model: Path) -> None:
    base, trained = load_file(model / "model.safetensors"), load_file(adapted / "model/model.safetensors")
    changed = {name for name, tensor in base.items() if not torch.equal(trained[f"bert.{name}"], tensor)}
    assert changed == {
        f"encoder.layer.{layer}.attention.self.{part}.weight"
        for layer in (0, 1)
        for part in ("query", "value")
    }


def test_the_adapter_alone_answers_as_the_saved_model(adapted: Path, model: Path) -> None:
    auto = transformers.AutoModelForSequenceClassification
    merged = auto.from_pretrained(adapted / "model").eval()
    base = auto.from_pretrained(model, num_labels=3)
    with_peft = peft.PeftModel.from_pretrained(base, adapted / "adapter").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(adapted / "model")
    inputs = tokenizer(["the film was a joy", "dull and flat, I thought"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        one, other = merged(**inputs).logits, with_peft(**inputs).logits
    assert torch.allclose(one, other, atol=1e-5)
    assert float((one[0] - one[1]).abs().max()) > 1e-3
    assert {path.name for path in (adapted / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "README.md",
    }


def test_a_checkpoint_holds_only_what_learns(adapted: Path, finished: Path) -> None:
    last = max((adapted / "checkpoints").glob("step-*"))
    stored = load_file(last / "model.safetensors")
    learns = [name for name in stored if ".lora_" in name or ".modules_to_save." in name]
    rest = {name for name in stored if name not in learns}
    assert len(learns) == 2 * 2 * 2 + 2
    assert rest == set(), "this model has no buffers"
    whole = max((finished / "checkpoints").glob("step-*"))
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (last / name).stat().st_size < (whole / name).stat().st_size / 5


def test_a_changed_base_is_refused(workshop: Any, model: Path) -> None:
    """A checkpoint without the frozen weights would go on with others, and nobody would see it."""
    base = Path(shutil.copytree(model, workshop.folder / "base"))
    interrupted = workshop.changed(settings(workshop, "run", **LORA), "model", name=str(base))
    assert workshop.fit(interrupted, workshop.at_step(6)) == 130
    weights = base / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert workshop.fit(interrupted) == 2
    assert "another run (content of model.name: " in workshop.outcome["message"]
    content[-1] ^= 1
    weights.write_bytes(content)
    assert workshop.fit(interrupted) == 0


def test_what_was_left_open_is_decided_and_reloads(adapted: Path) -> None:
    config = load_config(adapted / "config.yaml", {}, task_config)
    assert config.model.model_dump(exclude={"name", "revision"}) == {
        "freeze_layers": 0,
        "lora_rank": 4,
        "lora_alpha": 8.0,
        "lora_dropout": 0.2,
        "lora_targets": ["query", "value"],
        "from_scratch": False,
        **dict.fromkeys(SCRATCH_SIZES),
    }
    assert to_yaml(config) == (adapted / "config.yaml").read_text(encoding="utf-8")
    assert fit(config).path == adapted, "returned, not trained"


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("width", [384, 767, 768, 1023, 1024, 4096])
def test_default_rates(optimizer: str, width: int) -> None:
    usual, raised = default_rate(optimizer, width), default_rate(optimizer, width, has_lora=True)
    times = 20 if optimizer != "sgd" and width < 768 else 10
    assert raised == pytest.approx(times * usual)


def test_the_rate_is_higher_for_adapters(workshop: Any) -> None:
    rates = []
    for name, model in (("full", {}), ("adapted", {"lora_rank": 2})):
        left_open = settings(workshop, name, **model)
        left_open = workshop.changed(left_open, "training", learning_rate=None, max_steps=1)
        assert workshop.fit(left_open) == 0
        rates.append(
            load_config(workshop.folder / name / "config.yaml", {}, task_config).training.learning_rate
        )
    assert rates == pytest.approx([1e-4, 2e-3])


@pytest.mark.parametrize(
    ("part", "words"),
    [("LoRA", "LoRA rank 4 on query, value: "), ("frozen", "embeddings and 1 lowest layers are frozen: ")],
)
def test_what_learns_is_said_and_reported(workshop: Any, part: str, words: str) -> None:
    short = workshop.changed(settings(workshop, "run", **PARTS[part]), "training", max_steps=1)
    assert workshop.fit(short) == 0
    (said,) = [message for message in workshop.outcome["said"] if message.startswith(words)]
    sections = read_json(workshop.folder / "run/sections.json")
    facts = json.dumps(
        next(section for section in sections if section.get("title") == "Settings and versions")
    )
    learns = said.removeprefix(words).removesuffix(" learn")
    assert learns in facts
    assert "%" in learns


def test_its_predictions_are_the_scored_ones(adapted: Path) -> None:
    rows = [json.loads(line) for line in (adapted / "predictions.jsonl").read_text().splitlines()][-5:]
    answers = Run(adapted).predict([row["text"] for row in rows])
    for row, answer in zip(rows, answers, strict=True):
        assert answer.to_json()["probabilities"] == pytest.approx(row["probabilities"], abs=1e-5)


def test_fresh_leaves_no_adapter_behind(workshop: Any) -> None:
    short = workshop.changed(settings(workshop, "run", **LORA), "training", max_steps=1)
    assert workshop.fit(short) == 0
    ordinary = workshop.changed(workshop.settings("run"), "training", max_steps=1)
    assert workshop.fit(ordinary, mode="fresh") == 0
    assert not (workshop.folder / "run/adapter").exists()
