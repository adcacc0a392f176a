"""Computing without padding gives what the untouched model gives, for every family, or is not done."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from tunewell.models import probe
from tunewell.models.compute import prepare, sequence_logits, undo

MAX_LENGTH = 36

SHAPE = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
    "max_position_embeddings": MAX_LENGTH + 4,
    "num_labels": 3,
}
CAUSAL = {"pad_token_id": 0, "num_key_value_heads": 2}

FLAT: dict[str, dict[str, Any]] = {
    "Bert": {},
    "Roberta": {},
    "XLMRoberta": {},
    "Camembert": {},
    "DistilBert": {"hidden_dim": 37},
    "Electra": {"embedding_size": 16},
    "Albert": {"embedding_size": 16},
    "ModernBert": {
        "pad_token_id": 0, "local_attention": 6, "global_attn_every_n_layers": 2, "classifier_pooling": "mean",
    },
    "GPT2": {"pad_token_id": 0},
    "Llama": CAUSAL,
    "Mistral": {**CAUSAL, "sliding_window": 5},
    "Qwen2": CAUSAL,
}  # fmt: skip
FIRST_ONLY = {"Bert", "Roberta", "XLMRoberta", "Camembert", "DistilBert", "Electra"}


def build(family: str, *, dropout: bool = False) -> Any:
    """A tiny random model of `family`; without dropout unless it is asked for."""
    config = getattr(transformers, family + "Config")(**{**SHAPE, **FLAT[family]})
    torch.manual_seed(0)
    model = getattr(transformers, family + "ForSequenceClassification")(config)
    for parameter in model.parameters():  # a small random head hides differences
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.1)
    for module in model.modules():
        if isinstance(module, nn.Dropout) and not dropout:
            module.p = 0.0
    return model


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("family", FLAT)
def test_flat_equals_padded(family: str, dtype: torch.dtype, checks: Any) -> None:
    model = build(family).to(dtype)
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    assert prepare(model) is None
    plan = probe.plan_of(model)
    assert plan is not None
    assert plan.first_only == (family in FIRST_ONLY)
    checks.assert_same(checks.everything(model, batch), expected, 1e-9 if dtype == torch.float64 else 1e-4)


@pytest.mark.parametrize("lengths", [(1,), (1, 1, 1), (MAX_LENGTH,), (4, 4), (2, 30)])
@pytest.mark.parametrize("family", FLAT)
def test_odd_batches(family: str, lengths: tuple[int, ...], checks: Any) -> None:
    model = build(family).double()
    batch = checks.batch_for(model, lengths)
    expected = checks.everything(model, batch)
    assert prepare(model) is None
    checks.assert_same(checks.everything(model, batch), expected, 1e-9)


@pytest.mark.parametrize("family", FLAT)
def test_pad_tokens_that_stand_in_a_text(family: str, checks: Any) -> None:
    model = build(family).double()
    batch = checks.batch_for(model)
    pad = int(model.config.pad_token_id)
    batch.input_ids[[3, 9, int(batch.lengths[:3].sum()) - 1]] = pad
    expected = checks.everything(model, batch)
    assert prepare(model) is None
    checks.assert_same(checks.everything(model, batch), expected, 1e-9)


def test_gradient_checkpointing_takes_the_padded_path(checks: Any) -> None:
    model = build("Bert").double()
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    assert prepare(model) is None
    recent = hasattr(model, "activation_checkpointing_enable")
    getattr(model, "activation_checkpointing_enable" if recent else "gradient_checkpointing_enable")()
    checks.assert_same(checks.everything(model, batch), expected, 1e-9)


@pytest.mark.parametrize("family", ["Bert", "GPT2"])
def test_prepare_leaves_no_trace_and_undo_restores(family: str, tmp_path: Any, checks: Any) -> None:
    model = build(family, dropout=True)
    model.train()
    model.base_model.eval()
    modes = [module.training for module in model.modules()]
    weights = copy.deepcopy(model.state_dict())
    attention, state = model.config._attn_implementation, torch.get_rng_state()
    batch = checks.batch_for(model)
    prepare(model)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    prepared = checks.everything(model, batch)["logits"]
    undo(model)
    undo(model)
    assert model.config._attn_implementation == attention
    assert {type(module) for module in model.modules() if isinstance(module, nn.Dropout)} == {nn.Dropout}
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    assert not any(hooks)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert torch.allclose(again(**batch.padded(0)).logits, prepared, atol=1e-5)


def test_a_prepared_model_is_still_an_ordinary_one(tmp_path: Any, checks: Any) -> None:
    model = build("Roberta").eval()
    batch = checks.batch_for(model)
    inputs = batch.padded(1)
    expected = model(**inputs).logits
    prepare(model)
    assert torch.equal(model(**inputs).logits, expected)
    copied = copy.deepcopy(model)
    assert torch.equal(sequence_logits(copied, batch), expected)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert again.config._attn_implementation == "sdpa"
    assert torch.equal(again(**inputs).logits, expected)


@pytest.mark.parametrize("family", ["Bert", "GPT2"])
def test_the_same_seed_gives_the_same_bits(family: str, checks: Any) -> None:
    model = build(family, dropout=True)
    prepare(model)
    batch = checks.batch_for(model)
    losses, gradients = [], []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        model.train()
        model.zero_grad()
        loss = checks.loss_of(model, batch)
        loss.backward()
        losses.append(loss.item())
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(gradients[0], gradients[1])


@pytest.mark.parametrize("family", ["Bert", "Llama"])
def test_autocast(family: str, checks: Any) -> None:
    model = build(family)
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    prepare(model)
    with torch.autocast("cpu", torch.bfloat16):
        loss = checks.loss_of(model.train(), batch)
    model.zero_grad()
    loss.backward()
    assert loss.item() == pytest.approx(expected["loss"].item(), rel=0.05)
    for name, parameter in model.named_parameters():
        difference = float((parameter.grad - expected[name]).norm())
        assert difference <= 0.1 * float(expected[name].norm()) + 0.05, name


def test_a_prepared_model_can_be_forgotten(checks: Any) -> None:
    model = build("Bert", dropout=True)
    prepare(model)
    checks.loss_of(model.train(), checks.batch_for(model)).backward()
    watched = weakref.ref(model)
    del model
    gc.collect()
    assert watched() is None


def test_frozen_backbone(checks: Any) -> None:
    model = build("Bert").double()
    batch = checks.batch_for(model)
    for parameter in model.bert.parameters():
        parameter.requires_grad_(False)
    expected = checks.everything(model, batch)
    prepare(model)
    checks.assert_same(checks.everything(model, batch), expected, 1e-9)


def test_peft_model(checks: Any) -> None:
    peft = pytest.importorskip("peft")
    settings = peft.LoraConfig(
        task_type="SEQ_CLS", r=2, target_modules=["query", "key", "value"], init_lora_weights=False
    )
    model = peft.get_peft_model(build("Bert"), settings).double()
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    assert prepare(model) is None
    checks.assert_same(checks.everything(model, batch), expected, 1e-9)
