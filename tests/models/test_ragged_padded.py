"""What cannot be computed in one flat row: it is right with padding, and fails where it should be flat.

The failing tests are kept as such. One that passes says that its family can now be computed without padding.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModel, BertForSequenceClassification, BertModel, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from tunewell.models.compute import prepare, sequence_logits, undo
from tunewell.models.probe import plan_of
from tunewell.testing.zoo import tiny_classifier

CAUSES = {
    "deberta-v2": "DisentangledSelfAttention adds scores of relative positions and never calls the interface",
    "deberta": "DisentangledSelfAttention adds scores of relative positions and never calls the interface",
    "mpnet": "MPNetSelfAttention adds a bias by relative position to its scores and never calls the interface",
    "roformer": "RoFormerSelfAttention never calls the interface; its rotation counts places of the row",
    "rembert": "RemBertSelfAttention never calls the interface",
    "megatron-bert": "MegatronBertSelfAttention never calls the interface",
    "big_bird": "BigBirdSelfAttention never calls the interface",
    "falcon": "FalconAttention calls PyTorch's attention by itself, not the interface",
    "bloom": "BloomAttention adds a bias by distance (ALiBi) in its own baddbmm",
    "gptj": "GPTJAttention never calls the interface",
    "gpt_neo": "GPTNeoSelfAttention never calls the interface; its windows are in a buffer of its own",
    "gemma2": "squashes its scores with a tanh (soft-capping), which no `sdpa` can",
    "openai-gpt": "Attention of openai-gpt never calls the interface",
    "mobilebert": "MobileBertEmbeddings joins each token with its neighbours (trigram_input)",
    "nystromformer": "approximate attention by landmarks, and a convolution over the row's values",
    "convbert": "half of its heads are convolutions over neighbouring tokens of the row",
    "fnet": "a Fourier transform over the whole row stands in for attention",
    "xlnet": "two streams of relative attention that never call the interface; reads the last place",
    "yoso": "attention by hashing, with a convolution over the row's values",
    "qwen3_5_text": "half of its layers are recurrences along the row (gated delta rule)",
    "jamba": "half of its layers are recurrences along the row (Mamba)",
    "diffllama": "calls the interface twice a layer, for the difference of two attentions",
    "bart": "the decoder attends across rows, and the head looks for the end token in the padded ids",
    "mbart": "the decoder attends across rows, and the head looks for the end token in the padded ids",
    "t5": "attention is given a bias by relative position, which `position_ids` do not reach",
}
"""Why a family cannot be flat, from the code of transformers 5.23."""

PADDING_CHANGES_IT = {"mobilebert", "nystromformer", "convbert", "fnet", "xlnet", "yoso", "canine", "t5gemma"}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=pytest.mark.xfail(strict=True, raises=AssertionError, reason=cause))
        for family, cause in CAUSES.items()
    ],
)
def test_flat_equals_padded(family: str, checks: Any) -> None:
    model = tiny_classifier(family)
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    reason = prepare(model)
    assert reason is None, reason
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)


@pytest.mark.parametrize("family", [*CAUSES, "t5gemma"])
def test_they_stay_padded_and_right(family: str, checks: Any) -> None:
    """Equal to the untouched model on the padded batch; where padding changes its answers, on each text alone."""
    model = tiny_classifier(family)
    batch = checks.batch_for(model)
    alone = family in PADDING_CHANGES_IT
    expected = checks.everything(model, batch, parts=checks.singles(batch) if alone else None)
    reason = prepare(model)
    assert reason
    assert ("one length at a time" in reason) == alone
    assert model.config._attn_implementation != "tunewell_ragged"
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)


# Encoders of encoder-decoders, as a task that only encodes would use them


class EncoderClassifier(PreTrainedModel):
    """The encoder of an encoder-decoder under a head that reads the mean of its hidden states."""

    base_model_prefix = "encoder"
    _supports_sdpa = True

    def __init__(self, whole: Any) -> None:
        config = whole.config
        config.is_encoder_decoder = False
        super().__init__(config)
        self.encoder = whole.get_encoder()
        self.score = nn.Linear(32, 3)
        self.post_init()

    def forward(self, input_ids: Any = None, attention_mask: Any = None) -> SequenceClassifierOutput:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        seen = attention_mask[..., None].to(hidden.dtype)
        return SequenceClassifierOutput(logits=self.score((hidden * seen).sum(1) / seen.sum(1)))


ENCODERS = {
    "bart": "BartEncoder takes no position_ids: its embed_positions counts along the row",
    "mbart": "MBartEncoder takes no position_ids: its embed_positions counts along the row",
    "marian": "MarianEncoder takes no position_ids: its embed_positions counts along the row",
    "m2m_100": "M2M100Encoder takes no position_ids: it counts along the row from the pad id on",
    "t5": "T5Attention hands `position_bias` to the interface, made for the whole row",
}


def _encoder(family: str) -> Any:
    sizes = {"d_model": 32, "vocab_size": 99, "max_position_embeddings": 40, "pad_token_id": 1}
    sizes |= dict.fromkeys(("encoder_layers", "decoder_layers", "num_layers"), 2)
    sizes |= dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads", "num_heads"), 4)
    sizes |= dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "d_ff"), 48) | {"d_kv": 8}
    sizes |= dict.fromkeys(("decoder_start_token_id", "eos_token_id"), 2)
    torch.manual_seed(0)
    chances = ("dropout", "dropout_rate", "attention_dropout", "activation_dropout", "encoder_layerdrop")
    config = CONFIG_MAPPING[family](**sizes, **dict.fromkeys(chances, 0.0))
    model = EncoderClassifier(AutoModel.from_config(config))
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.1)
    return model.eval()


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=pytest.mark.xfail(strict=True, raises=AssertionError, reason=cause))
        for family, cause in ENCODERS.items()
    ],
)
def test_flat_encoder_equals_padded(family: str, checks: Any) -> None:
    model = _encoder(family)
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    reason = prepare(model)
    assert reason is None, reason
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)


@pytest.mark.parametrize("family", ENCODERS)
def test_encoders_stay_padded_and_right(family: str, checks: Any) -> None:
    model = _encoder(family)
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    reason = prepare(model)
    assert reason in (
        "several texts in one row give other numbers than one by one",
        "its attention wants 'position_bias'",
    )
    checks.assert_same(checks.everything(model, batch), expected, 1e-5)


# Padding that changes answers


@pytest.mark.parametrize("family", ["convbert", "fnet", "xlnet", "canine"])
def test_a_text_has_one_answer_whatever_it_is_batched_with(family: str, checks: Any) -> None:
    model = tiny_classifier(family)
    batch = checks.batch_for(model)
    with torch.inference_mode():
        untouched = sequence_logits(model, batch)
        prepare(model)
        together = sequence_logits(model, batch)
        alone = torch.cat([sequence_logits(model, single) for single in checks.singles(batch)])
        undo(model)
        undone = sequence_logits(model, batch)
    assert not torch.allclose(untouched, alone, atol=1e-3)  # the fault that is worked around
    assert torch.allclose(together, alone, atol=1e-6)
    assert torch.equal(undone, together)


def test_texts_too_short_for_a_model_are_padded_to_what_it_can_read(checks: Any) -> None:
    model = tiny_classifier("canine")
    prepare(model)
    plan = plan_of(model)
    assert plan is not None
    assert plan.least_length == 4  # its strided convolution
    short = checks.batch_for(model, (1, 3, 2))
    with torch.inference_mode():
        found = sequence_logits(model, short)
        padded = {name: nn.functional.pad(value, (0, 1)) for name, value in short.padded(0).items()}
        expected = model(**padded).logits
    assert torch.allclose(found, expected, atol=1e-6)


def test_mobilebert_without_its_trigrams_is_flat(checks: Any) -> None:
    model = tiny_classifier("mobilebert", trigram_input=False)
    batch = checks.batch_for(model)
    expected = checks.everything(model, batch)
    assert prepare(model) is None
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)


# What short texts do not show


class _FarEmbeddings(nn.Module):
    """Adds to each token the one `distance` places before it in its row."""

    def __init__(self, inner: nn.Module, distance: int) -> None:
        super().__init__()
        self.inner, self.distance = inner, distance

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        hidden = self.inner(*args, **kwargs)
        return hidden + nn.functional.pad(hidden, (0, 0, self.distance, 0))[:, : hidden.shape[1]]


class _LongWindowed(BertModel):
    """Makes masks of its own as soon as a row is longer than `limit` tokens."""

    limit = 100

    def _create_attention_masks(self, *args: Any, **kwargs: Any) -> Any:
        mask, other = super()._create_attention_masks(*args, **kwargs)
        long = mask is not None and mask.shape[-1] > self.limit
        return (mask.clone() if long else mask), other


def _bert(**more: Any) -> Any:
    return tiny_classifier("bert", max_position_embeddings=400, num_hidden_layers=3, **more)


@pytest.mark.parametrize("distance", [30, 100, 150])
def test_tokens_that_are_mixed_far_apart_are_noticed(distance: int, checks: Any) -> None:
    model = _bert()
    model.bert.embeddings = _FarEmbeddings(model.bert.embeddings, distance)
    batch = checks.batch_for(model, (170, 40, 90, 160))
    expected = checks.everything(model, batch)
    assert prepare(model) == "long texts in one row give other numbers than one by one"
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)


@pytest.mark.parametrize("limit", [100, 200], ids=["seen by the probe", "beyond the probe"])
def test_masks_that_only_long_texts_get(limit: int, checks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_LongWindowed, "limit", limit)
    model = BertForSequenceClassification(_bert().config)
    model.bert.__class__ = _LongWindowed
    batch = checks.batch_for(model, (300, 40, 90, 250))
    expected = checks.everything(model, batch)
    assert prepare(model) == ("it makes attention masks of its own" if limit == 100 else None)
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)
    plan = plan_of(model)
    assert plan is not None
    assert plan.reason == "it makes attention masks of its own"


def test_a_refusal_in_training_draws_no_random_numbers(checks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a resumed run, in a process that has yet to find out, would go another way."""
    monkeypatch.setattr(_LongWindowed, "limit", 200)
    model = BertForSequenceClassification(_bert().config)
    model.bert.__class__ = _LongWindowed
    prepare(model)
    batch = checks.batch_for(model, (300, 40))
    losses = []
    for _ in range(2):  # the first refuses, the second knows
        torch.manual_seed(5)
        losses.append(float(checks.loss_of(model.train(), batch)))
    assert losses[0] == losses[1]


@pytest.mark.parametrize("vocab_size", [99, 20_000])
def test_a_row_that_is_scaled_by_its_mask_tokens_is_noticed(vocab_size: int, checks: Any) -> None:
    """ESM-2 does so; with a large vocabulary, random tokens alone would hardly ever show it."""
    model = tiny_classifier("esm", token_dropout=True, mask_token_id=4, vocab_size=vocab_size)
    batch = checks.batch_for(model)
    batch.input_ids[::5] = 4
    expected = checks.everything(model, batch)
    assert prepare(model)
    checks.assert_same(checks.everything(model, batch), expected, 1e-4)
