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

from tunewell.data.batches import Batch
from tunewell.models import probe
from tunewell.models.compute import prepare, sequence_logits, undo

MAX_LENGTH = 36
LENGTHS = (7, 1, MAX_LENGTH, 20, 19, 7, 3)
"""With a one-token text, the longest possible, equal ones and similar ones."""

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

PADDED: dict[str, dict[str, Any]] = {
    "DebertaV2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8},
    "MPNet": {},
    "MobileBert": {"embedding_size": 16},  # mixes neighbouring tokens before attention
    "Nystromformer": {"segment_means_seq_len": MAX_LENGTH, "num_landmarks": MAX_LENGTH},
    "RoFormer": {"embedding_size": 32},
    "ConvBert": {"embedding_size": 32},
}
ENCODER_DECODER: dict[str, dict[str, Any]] = {
    "Bart": {
        "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 37, "decoder_ffn_dim": 37, "pad_token_id": 1,
        "dropout": 0.0,
    },
    "T5": {
        "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4, "pad_token_id": 0,
        "eos_token_id": 2, "decoder_start_token_id": 0, "dropout_rate": 0.0,
    },
}  # fmt: skip


def build(family: str, *, dropout: bool = False) -> Any:
    """A tiny random model of `family`; without dropout unless it is asked for."""
    own = {**FLAT, **PADDED, **ENCODER_DECODER}[family]
    shape = {
        key: value for key, value in SHAPE.items() if family not in ENCODER_DECODER or "num_h" not in key
    }
    config = getattr(transformers, family + "Config")(**{**shape, **own})
    torch.manual_seed(0)
    model = getattr(transformers, family + "ForSequenceClassification")(config)
    for parameter in model.parameters():  # a small random head hides differences
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.1)
    for module in model.modules():
        if isinstance(module, nn.Dropout) and not dropout:
            module.p = 0.0
    return model


def batch_for(model: Any, lengths: tuple[int, ...] = LENGTHS, seed: int = 1) -> Batch:
    """Random tokens that avoid special ids, each text ending with id 2, which BART and T5 take as its end."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(5, 99, (sum(lengths),), generator=generator)
    ends = torch.tensor(lengths).cumsum(0) - 1
    if model.config.is_encoder_decoder:
        tokens[ends] = 2
    types = None
    if model.config.model_type in ("bert", "electra", "albert", "mobilebert"):
        types = torch.randint(2, (sum(lengths),), generator=generator)
    labels = torch.randint(3, (len(lengths),), generator=generator)
    return Batch(tokens, torch.tensor(lengths), types, labels)


def loss_of(model: Any, batch: Batch) -> torch.Tensor:
    """Summed cross-entropy."""
    assert batch.labels is not None
    return nn.functional.cross_entropy(sequence_logits(model, batch), batch.labels, reduction="sum")


def everything(model: Any, batch: Batch) -> dict[str, torch.Tensor]:
    """Logits, loss and every parameter's gradient in training mode."""
    model.train()
    model.zero_grad()
    loss = loss_of(model, batch)
    loss.backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    found["logits of training"] = sequence_logits(model, batch).detach()
    found["loss"] = loss.detach()
    model.eval()
    with torch.inference_mode():
        found["logits"] = sequence_logits(model, batch).clone()
    return found


def assert_same(ours: Any, theirs: Any, tolerance: float) -> None:
    """Equal within `tolerance` of the largest value (for a gradient: of all gradients)."""
    scale = max(float(grad.abs().max()) for grad in theirs.values() if grad is not None)
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        if expected is None:
            assert ours[name] is None or not ours[name].any(), name
        else:
            size = max(float(expected.abs().max()), 1e-3 * scale)
            found = torch.zeros_like(expected) if ours[name] is None else ours[name]
            assert float((found - expected).abs().max()) <= tolerance * size, name


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("family", FLAT)
def test_flat_equals_padded(family: str, dtype: torch.dtype) -> None:
    model = build(family).to(dtype)
    batch = batch_for(model)
    expected = everything(model, batch)
    assert prepare(model) is None
    plan = probe.plan_of(model)
    assert plan is not None
    assert plan.first_only == (family in FIRST_ONLY)
    assert_same(everything(model, batch), expected, 1e-9 if dtype == torch.float64 else 1e-4)


@pytest.mark.parametrize("family", [*PADDED, *ENCODER_DECODER])
def test_other_families_stay_padded_and_right(family: str) -> None:
    model = build(family)
    batch = batch_for(model)
    expected = everything(model, batch)
    assert prepare(model)
    assert model.config._attn_implementation != "tunewell_ragged"
    assert_same(everything(model, batch), expected, 1e-5)


@pytest.mark.parametrize("lengths", [(1,), (1, 1, 1), (MAX_LENGTH,), (4, 4), (2, 30)])
@pytest.mark.parametrize("family", ["Bert", "Roberta", "GPT2", "ModernBert"])
def test_odd_batches(family: str, lengths: tuple[int, ...]) -> None:
    model = build(family).double()
    batch = batch_for(model, lengths)
    expected = everything(model, batch)
    assert prepare(model) is None
    assert_same(everything(model, batch), expected, 1e-9)


@pytest.mark.parametrize("family", ["Roberta", "GPT2", "Bert"])
def test_pad_tokens_that_stand_in_a_text(family: str) -> None:
    model = build(family).double()
    batch = batch_for(model)
    pad = int(model.config.pad_token_id)
    batch.input_ids[[3, 9, int(batch.lengths[:3].sum()) - 1]] = pad
    expected = everything(model, batch)
    assert prepare(model) is None
    assert_same(everything(model, batch), expected, 1e-9)


def test_gradient_checkpointing_takes_the_padded_path() -> None:
    model = build("Bert").double()
    batch = batch_for(model)
    expected = everything(model, batch)
    assert prepare(model) is None
    recent = hasattr(model, "activation_checkpointing_enable")
    getattr(model, "activation_checkpointing_enable" if recent else "gradient_checkpointing_enable")()
    assert_same(everything(model, batch), expected, 1e-9)


@pytest.mark.parametrize("family", ["Bert", "GPT2", "DebertaV2"])
def test_prepare_leaves_no_trace_and_undo_restores(family: str, tmp_path: Any) -> None:
    model = build(family, dropout=True)
    model.train()
    model.base_model.eval()
    modes = [module.training for module in model.modules()]
    weights = copy.deepcopy(model.state_dict())
    attention, state = model.config._attn_implementation, torch.get_rng_state()
    batch = batch_for(model)
    prepare(model)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    prepared = everything(model, batch)["logits"]
    undo(model)
    undo(model)
    assert model.config._attn_implementation == attention
    assert {type(module) for module in model.modules() if isinstance(module, nn.Dropout)} == {nn.Dropout}
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    assert not any(hooks)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert torch.allclose(again(**batch.padded(0)).logits, prepared, atol=1e-5)


def test_a_prepared_model_is_still_an_ordinary_one(tmp_path: Any) -> None:
    model = build("Roberta").eval()
    batch = batch_for(model)
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
def test_the_same_seed_gives_the_same_bits(family: str) -> None:
    model = build(family, dropout=True)
    prepare(model)
    batch = batch_for(model)
    losses, gradients = [], []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        model.train()
        model.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        losses.append(loss.item())
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(gradients[0], gradients[1])


@pytest.mark.parametrize("family", ["Bert", "Llama"])
def test_autocast(family: str) -> None:
    model = build(family)
    batch = batch_for(model)
    expected = everything(model, batch)
    prepare(model)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(model.train(), batch)
    model.zero_grad()
    loss.backward()
    assert loss.item() == pytest.approx(expected["loss"].item(), rel=0.05)
    for name, parameter in model.named_parameters():
        difference = float((parameter.grad - expected[name]).norm())
        assert difference <= 0.1 * float(expected[name].norm()) + 0.05, name


def test_a_prepared_model_can_be_forgotten() -> None:
    model = build("Bert", dropout=True)
    prepare(model)
    loss_of(model.train(), batch_for(model)).backward()
    watched = weakref.ref(model)
    del model
    gc.collect()
    assert watched() is None


def test_frozen_backbone() -> None:
    model = build("Bert").double()
    batch = batch_for(model)
    for parameter in model.bert.parameters():
        parameter.requires_grad_(False)
    expected = everything(model, batch)
    prepare(model)
    assert_same(everything(model, batch), expected, 1e-9)


def test_peft_model() -> None:
    peft = pytest.importorskip("peft")
    settings = peft.LoraConfig(
        task_type="SEQ_CLS", r=2, target_modules=["query", "key", "value"], init_lora_weights=False
    )
    model = peft.get_peft_model(build("Bert"), settings).double()
    batch = batch_for(model)
    expected = everything(model, batch)
    assert prepare(model) is None
    assert_same(everything(model, batch), expected, 1e-9)
