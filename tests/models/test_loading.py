"""What the loader takes, what it refuses before it can do harm, and what it says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tunewell.core.errors import ModelError
from tunewell.models import ModelLoader
from tunewell.models.locate import locate

FAMILIES = ("bert", "roberta", "distilbert", "gpt2")
Tiny = Callable[[str], Path]


@pytest.fixture
def copied(tiny: Tiny, tmp_path: Path) -> Path:
    """A tiny BERT that may be damaged."""
    return Path(shutil.copytree(tiny("bert"), tmp_path / "model"))


def load(folder: Path, labels: tuple[str, ...] = ("no", "yes")) -> tuple[ModelLoader, Any]:
    loader = ModelLoader(str(folder))
    pad = loader.tokenizer().pad_token_id
    return loader, loader.sequence_classifier(labels, "single_label_classification", pad_token_id=pad)


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(folder)
    assert caught.value.exit_code == 4
    assert str(folder) in str(caught.value)
    return str(caught.value)


def change_config(folder: Path, **entries: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, {"format": "pt"})


# What is taken


@pytest.mark.parametrize("family", FAMILIES)
def test_a_backbone_gets_a_new_head_and_keeps_its_weights(family: str, tiny: Tiny) -> None:
    loader, model = load(tiny(family), ("no", "maybe", "yes"))
    assert model.config.id2label == {0: "no", 1: "maybe", 2: "yes"}
    assert loader.notes == []
    backbone = model.base_model.state_dict()
    stored = load_file(tiny(family) / "model.safetensors")
    kept = {
        name: tensor for name, tensor in stored.items() if not name.startswith("pooler") or name in backbone
    }
    assert all(torch.equal(backbone[name], tensor) for name, tensor in kept.items())
    inside = {f"{model.base_model_prefix}.{name}" for name in stored}
    assert set(loader.new_parameters) == set(model.state_dict()) - inside


@pytest.mark.parametrize("family", FAMILIES)
def test_the_new_head_depends_on_the_seed_alone(family: str, tiny: Tiny) -> None:
    def head(seed: int) -> torch.Tensor:
        torch.rand(seed + 3)  # what ran before must not matter
        loader = ModelLoader(str(tiny(family)), seed=seed)
        model: Any = loader.sequence_classifier(("a", "b"), "single_label_classification", pad_token_id=0)
        weights = [model.state_dict()[name] for name in loader.new_parameters if name.endswith("weight")]
        return torch.cat([weight.flatten() for weight in weights])

    assert torch.equal(head(1), head(1))
    assert not torch.equal(head(1), head(2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_loaded_as_float32_and_said(dtype: torch.dtype, copied: Path) -> None:
    transformers.AutoModel.from_pretrained(copied).to(dtype).save_pretrained(copied)
    loader, model = load(copied)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.config.dtype in (torch.float32, "float32")
    assert loader.notes == [f"the weights are stored as {str(dtype)[6:]} and were loaded as float32"]


def test_a_classifier_of_as_many_labels_keeps_its_head(copied: Path) -> None:
    """A model that was fine-tuned before starts from what it knows."""
    _, first = load(copied, ("bad", "good"))
    first.save_pretrained(copied)
    loader, model = load(copied, ("negative", "positive"))
    assert loader.new_parameters == []
    assert torch.equal(model.classifier.weight, first.classifier.weight)
    assert model.config.id2label == {0: "negative", 1: "positive"}


def test_a_classifier_of_other_labels_gets_a_new_head(copied: Path) -> None:
    load(copied, ("bad", "good"))[1].save_pretrained(copied)
    loader, model = load(copied, ("bad", "mid", "good"))
    assert loader.new_parameters == ["classifier.bias", "classifier.weight"]
    assert model.classifier.weight.shape[0] == 3


def test_a_masked_language_model_is_a_backbone(copied: Path) -> None:
    config = transformers.AutoConfig.from_pretrained(copied)
    transformers.AutoModelForMaskedLM.from_config(config).save_pretrained(copied)
    loader, _ = load(copied)
    new = {name.removeprefix("bert.") for name in loader.new_parameters}
    assert new == {"classifier.bias", "classifier.weight", "pooler.dense.bias", "pooler.dense.weight"}


def test_sharded_weights_are_read(copied: Path) -> None:
    _, whole = load(copied)
    (copied / "model.safetensors").unlink()
    whole.base_model.save_pretrained(copied, max_shard_size="30KB")
    assert len(list(copied.glob("*.safetensors"))) > 1
    _, model = load(copied)
    assert torch.equal(
        model.bert.embeddings.word_embeddings.weight, whole.bert.embeddings.word_embeddings.weight
    )


def test_gpt2_without_a_pad_token_reads_the_last_real_token(tiny: Tiny) -> None:
    _, model = load(tiny("gpt2"))
    tokenizer = ModelLoader(str(tiny("gpt2"))).tokenizer()
    assert tokenizer.pad_token_id == model.config.pad_token_id == tokenizer._tokenizer.eos_token_id
    ids = [tokenizer.encode((text,)).input_ids for text in ("the film", "the film was great indeed")]
    width = max(map(len, ids))
    padded = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in ids])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids])
    with torch.no_grad():
        logits = model.eval()(input_ids=padded, attention_mask=mask).logits
        for row, tokens in zip(logits, ids, strict=True):
            last = model.base_model(input_ids=torch.tensor([tokens])).last_hidden_state[0, -1]
            assert torch.allclose(row, model.score(last), atol=1e-5)


@pytest.mark.parametrize(
    ("family", "tokens"), [("bert", 64), ("roberta", 64), ("distilbert", 64), ("gpt2", 64)]
)
def test_the_length_is_what_the_model_can_read(family: str, tokens: int, tiny: Tiny, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny(family), tmp_path / "model"))
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    del settings["model_max_length"]
    path.write_text(json.dumps(settings))
    loader, model = load(folder)
    assert loader.tokenizer().max_length_tokens == tokens
    full = loader.tokenizer().encode(("great " * 500,))
    assert len(full.input_ids) == tokens
    model(input_ids=torch.tensor([full.input_ids]))  # the last position is there


# What is refused


def test_a_name_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder") as caught:
        locate(str(tmp_path / "missing"))
    assert "--model minilm" in str(caught.value)
    with pytest.raises(ModelError, match=r"no \*\.safetensors weights here"):
        locate(str(tmp_path))


def test_a_folder_without_a_config(copied: Path) -> None:
    (copied / "config.json").unlink()
    assert "no config.json" in refusal(copied)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"model_type": 3}', "\x00\x01"])
def test_a_config_that_is_none(content: str, copied: Path) -> None:
    (copied / "config.json").write_text(content)
    assert "config.json" in refusal(copied)


@pytest.mark.parametrize("entries", [{"hidden_size": "big"}, {"num_attention_heads": 7}, {"vocab_size": -1}])
def test_a_config_that_makes_no_sense(entries: dict[str, Any], copied: Path) -> None:
    change_config(copied, **entries)
    refusal(copied)


def test_an_unknown_architecture(copied: Path) -> None:
    change_config(copied, model_type="bert-ng")
    message = refusal(copied)
    assert "'bert-ng' is not part of transformers" in message
    assert "update transformers" in message


def test_an_architecture_without_a_classifier(copied: Path) -> None:
    change_config(copied, model_type="clip")
    refusal(copied)


@pytest.mark.parametrize("names", [["tokenizer.json"], ["tokenizer.json", "tokenizer_config.json"]])
@pytest.mark.parametrize("family", [*FAMILIES, "xlm-roberta"])
def test_a_missing_tokenizer(family: str, names: list[str], tiny: Tiny, tmp_path: Path) -> None:
    """transformers 5 would go on with the special tokens and read every word as unknown."""
    copied = Path(shutil.copytree(tiny(family), tmp_path / "model"))
    for name in names:
        (copied / name).unlink()
    assert "the tokenizer cannot be loaded: its vocabulary is missing" in refusal(copied)


def test_a_damaged_tokenizer(copied: Path) -> None:
    path = copied / "tokenizer.json"
    path.write_text(path.read_text()[:200])
    assert "the tokenizer cannot be loaded" in refusal(copied)


def test_a_tokenizer_of_a_larger_model(copied: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(copied)
    known = len(tokenizer)
    tokenizer.add_tokens([f"new{number}" for number in range(5)])
    tokenizer.save_pretrained(copied)
    message = refusal(copied)
    assert f"the tokenizer has {known + 5} tokens and the model's embedding only {known}" in message
    assert "fix: use the tokenizer that the model was trained with" in message


def test_weights_of_another_architecture(tiny: Tiny, copied: Path) -> None:
    shutil.copy(tiny("roberta") / "model.safetensors", copied)
    assert "weights" in refusal(copied)
    shutil.copy(tiny("gpt2") / "model.safetensors", copied)
    assert "the weights are not those of a bert" in refusal(copied)


def test_weights_of_another_size(copied: Path) -> None:
    change_config(copied, intermediate_size=96)
    assert "the weights are not those of a bert" in refusal(copied)


def test_a_missing_layer(copied: Path) -> None:
    change_config(copied, num_hidden_layers=3)
    message = refusal(copied)
    assert "16 parts are missing" in message
    assert "encoder.layer.2" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value: float, copied: Path) -> None:
    change_weights(copied, lambda weights: weights["encoder.layer.1.output.dense.weight"].fill_(value))
    assert "1 weight tensors hold NaN or infinity, such as bert.encoder.layer.1" in refusal(copied)


@pytest.mark.parametrize("kept_bytes", [0, 4, 100, 20_000, -1])
def test_truncated_weights(kept_bytes: int, copied: Path) -> None:
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert "the model cannot be loaded" in refusal(copied)
