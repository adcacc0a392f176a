"""Adapters learn beside a frozen backbone, and are computed as the model is that they stand in."""

from __future__ import annotations

import runpy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN_TO_PEFT

from tunewell.config import ModelSettings
from tunewell.core.errors import ConfigError
from tunewell.data.batches import Batch
from tunewell.models.adapters import TARGETS, Lora, attach, default_targets, save_adapter
from tunewell.models.artefact import save_model
from tunewell.models.compute import sequence_logits
from tunewell.models.dropout import CheapDropout
from tunewell.models.freezing import learning
from tunewell.models.probe import plan_of, undo
from tunewell.testing.tiny import FAMILIES
from tunewell.testing.zoo import tiny_classifier

Tiny = Callable[[str], Path]
ADAPTED = runpy.run_path(str(Path(__file__).with_name("adapted.py")))
PLACES = ADAPTED["PLACES"]
loaded, shaken, batch = ADAPTED["loaded"], ADAPTED["shaken"], ADAPTED["batch"]
logits, of_peft = ADAPTED["logits"], ADAPTED["of_peft"]
FLAT = sorted(PLACES.keys() - {"deberta-v2", "mpnet"})


def learning_modules(model: Any) -> tuple[set[str], set[str]]:
    """Last names of the layers with an adapter, and full names of the modules trained in full."""
    beside, in_full = set(), set()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and ".lora_" in name:
            beside.add(name.split(".lora_")[0].rpartition(".")[2])
        elif parameter.requires_grad:
            in_full.add(name.removeprefix("base_model.model.").split(".modules_to_save.")[0])
    return beside, in_full


# What learns


@pytest.mark.parametrize("family", PLACES)
def test_adapters_and_the_head_learn_and_nothing_else(family: str, tiny: Tiny) -> None:
    model, _ = loaded(tiny(family))
    assert learning_modules(model) == PLACES[family]
    count = learning(model)
    ordinary, _ = loaded(tiny(family), lora=False)
    num_ordinary = sum(parameter.numel() for parameter in ordinary.parameters())
    adapters = sum(parameter.numel() for name, parameter in model.named_parameters() if ".lora_" in name)
    assert count.num_parameters == num_ordinary + adapters
    assert adapters < count.num_learning < count.num_parameters / 2
    texts = batch(model)
    assert torch.allclose(logits(model, texts), logits(ordinary, texts), atol=1e-5), "an adapter begins at 0"


def test_every_family_of_ours_has_targets() -> None:
    assert PLACES.keys() == FAMILIES.keys()
    assert not TARGETS.keys() & KNOWN_TO_PEFT.keys(), "peft knows them now: leave them out here"
    assert default_targets("a family of tomorrow") == ("all-linear",)
    assert default_targets("gemma4") == ("all-linear",), "peft has a pattern for it, and no names"


def test_camembert_is_named_as_in_the_table() -> None:
    config = transformers.CamembertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=20
    )
    model = transformers.CamembertForSequenceClassification(config)
    adapted = attach(model, Lora(2, 4.0, 0.0, default_targets("camembert")), base_name="x")
    assert learning_modules(adapted)[0] == {"query", "value"}


@pytest.mark.parametrize("family", ["bert", "albert"])
def test_a_new_pooler_learns_in_full_and_is_saved(
    family: str, tiny: Tiny, texts: list[str], tmp_path: Path
) -> None:
    """As of a masked language model; and it stays on the flat row."""
    auto = transformers.AutoModelForMaskedLM
    auto.from_config(transformers.AutoConfig.from_pretrained(tiny(family))).save_pretrained(tmp_path / "mlm")
    transformers.AutoTokenizer.from_pretrained(tiny(family)).save_pretrained(tmp_path / "mlm")
    model, loader = loaded(tmp_path / "mlm")
    pooler = {"bert": "bert.pooler.dense", "albert": "albert.pooler"}[family]
    assert f"{pooler}.weight" in loader.new_parameters
    assert learning_modules(model)[1] == {pooler, "classifier"}
    assert plan_of(model).reason is None  # type: ignore[union-attr]
    texts_of_ids = batch(model)
    expected = logits(shaken(model), texts_of_ids)
    save_model(model, loader.tokenizer(), tmp_path / "model", 32, tmp_path / "adapter")
    assert torch.allclose(
        of_peft(tmp_path / "mlm", tmp_path / "adapter", loader, texts_of_ids), expected, atol=1e-5
    )


# Targets that the user names


def test_targets_of_the_user(tiny: Tiny) -> None:
    assert learning_modules(loaded(tiny("roberta"), "dense")[0]) == ({"dense"}, {"classifier"})
    model, _ = loaded(tiny("bert"), "attention.output.dense", "key")
    adapted = {name.split(".lora_")[0] for name, _ in model.named_parameters() if ".lora_" in name}
    assert {name.partition("layer.0.")[2] for name in adapted} - {""} == {
        "attention.output.dense",
        "attention.self.key",
    }


def test_all_linear_leaves_the_head_out(tiny: Tiny) -> None:
    names = {"query", "key", "value", "dense"}
    assert learning_modules(loaded(tiny("roberta"), "all-linear")[0]) == (names, {"classifier"})
    model, _ = loaded(tiny("albert"), "all-linear")
    assert plan_of(model).reason is None, "the pooler with an adapter is still computed as the pooler"  # type: ignore[union-attr]


@pytest.mark.parametrize("wanted", [("query", "q_proj"), ("classifier",), ("LayerNorm",), ("uery",)])
def test_a_target_that_matches_nothing(wanted: tuple[str, ...], tiny: Tiny) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tiny("bert"), *wanted)
    assert f"is called {wanted[-1]}" in str(caught.value)
    assert "choose from dense, key, query, value, or all-linear" in str(caught.value)
    assert "self.query" in str(caught.value)


@pytest.mark.parametrize("targets", [(), ("all-linear",)])
@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_attaching_warns_of_nothing(
    family: str, targets: tuple[str, ...], tiny: Tiny, tmp_path: Path
) -> None:
    """GPT-2 keeps its weights transposed, which peft has to be told."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, _ = loaded(tiny(family), *targets)
        assert model.peft_config["default"].fan_in_fan_out == (family == "gpt2")
        save_adapter(model, tmp_path)


def test_settings_become_an_adapter() -> None:
    settings = ModelSettings(lora_rank=2, lora_alpha=3.0, lora_dropout=0.5, lora_targets=["query"])
    assert Lora.of(settings) == Lora(2, 3.0, 0.5, ("query",))
    assert Lora.of(ModelSettings()) is None


def test_it_starts_the_same_whatever_ran_before(tiny: Tiny) -> None:
    first, _ = loaded(tiny("bert"))
    torch.rand(17)
    second, _ = loaded(tiny("bert"))
    for (name, one), (_, other) in zip(first.named_parameters(), second.named_parameters(), strict=True):
        assert torch.equal(one, other), name


# Computed


def everything(model: Any, texts: Batch) -> dict[str, torch.Tensor]:
    """Logits, and the gradient of everything that learns."""
    model.zero_grad()
    found = sequence_logits(model, texts)
    torch.nn.functional.cross_entropy(found, texts.labels, reduction="sum").backward()  # type: ignore[arg-type]
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    learns = {name for name, p in model.named_parameters() if p.requires_grad}
    assert gradients.keys() == learns, "a gradient for all that learns, and for nothing else"
    return {"logits": found.detach(), **gradients}


@pytest.mark.parametrize("targets", [(), ("all-linear",)], ids=["default", "all-linear"])
@pytest.mark.parametrize("family", FLAT)
def test_without_padding_as_with_it(family: str, targets: tuple[str, ...], tiny: Tiny) -> None:
    model, _ = loaded(tiny(family), *targets)
    plan, ordinary = plan_of(model), plan_of(loaded(tiny(family), lora=False)[0])
    assert plan is not None
    assert ordinary is not None
    assert plan.reason is None
    assert (
        plan.first_only
        == ordinary.first_only
        == (family in ("bert", "distilbert", "electra", "roberta", "xlm-roberta"))
    )
    shaken(model.double())
    texts = batch(model)
    flat = everything(model, texts)
    undo(model)
    padded = everything(model, texts)
    largest = max(float(value.abs().max()) for value in padded.values())
    for name, expected in padded.items():
        assert float((flat[name] - expected).abs().max()) <= 1e-10 * largest, name


def test_adapters_dropout_is_the_cheap_one_and_is_given_back(tiny: Tiny) -> None:
    model, _ = loaded(tiny("bert"), dropout=0.25)
    places = [name for name, _ in model.named_modules() if name.endswith("lora_dropout.default")]
    assert len(places) == 4
    assert {type(model.get_submodule(name)) for name in places} == {CheapDropout}
    assert {model.get_submodule(name).p for name in places} == {0.25}
    for module in model.modules():
        if isinstance(module, CheapDropout) and module.p != 0.25:
            module.p = 0.0
    texts, shaken_model = batch(model), shaken(model).train()
    assert not torch.equal(sequence_logits(shaken_model, texts), sequence_logits(shaken_model, texts))
    undo(model)
    assert {type(model.get_submodule(name)) for name in places} == {torch.nn.Dropout}


def test_linear_parts_that_share_a_name_with_a_whole_layer() -> None:
    """CTRL's feed-forward parts are called `0` and `2`, and so are its layers."""
    model = attach(tiny_classifier("ctrl"), Lora(4, 8, 0.0, ("all-linear",)), base_name="ctrl")
    beside, _ = learning_modules(model)
    assert {"Wq", "0", "2"} <= beside


def test_what_peft_refuses_is_a_setting_to_change() -> None:
    with pytest.raises(ConfigError, match="LoRA cannot be attached") as caught:
        attach(tiny_classifier("ctrl"), Lora(4, 8, 0.0, ("0",)), base_name="ctrl")
    assert "lora_targets" in str(caught.value)
