"""Find out whether a loaded model can be computed without padding, and set it up so.

No family is trusted by its name. Three short texts go through the model both ways; unless our attention was
called in every layer and the outputs agree, the model stays on the padded path. Not for: the computation
(`tunewell.models.compute`).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.hooks import RemovableHandle

from tunewell.models.dropout import Replaced, replace_dropout, restore
from tunewell.models.ragged import (
    ATTENTION_NAME,
    Pass,
    Ragged,
    RefusedError,
    hook_backbone,
    hook_last_layer,
    under_way,
)

_PROBE_LENGTHS = (4, 11, 7)
_TOLERANCE = 1e-4
"""Largest difference in outputs, relative to their largest value."""


@dataclass
class Plan:
    """How one model is computed, and what must be undone to have it back as it was.

    `first_position` is the position of a first token. `reason` says why the model is computed with padding,
    and is None where it is not.
    """

    reason: str | None = None
    first_position: int = 0
    first_only: bool = False
    original_attention: str | None = None
    handles: list[RemovableHandle] = field(default_factory=list)
    replaced: Replaced = field(default_factory=list)


_PLANS: WeakKeyDictionary[nn.Module, Plan] = WeakKeyDictionary()


def prepare(model: nn.Module) -> str | None:
    """Set `model` up to be computed without padding; the reason when it cannot be, else None.

    To be called last, after adapters were added. Leaves weights, modes and random state as they are. Asked
    again about the same model, it answers from memory.
    """
    inner = _inner(model)
    if inner not in _PLANS:
        plan = Plan()
        modes = [(module, module.training) for module in inner.modules()]
        inner.eval()
        try:
            with torch.no_grad():
                plan.reason = _try_flat(inner, plan)
        finally:
            for module, mode in modes:
                module.training = mode
        plan.replaced = replace_dropout(inner)
        _PLANS[inner] = plan
    return _PLANS[inner].reason


def undo(model: nn.Module) -> None:
    """Make `model` an ordinary one again; it is then computed with padding."""
    inner = _inner(model)
    plan = _PLANS.pop(inner, None)
    if plan is not None:
        restore(inner, plan.replaced)
        _restore_attention(inner, plan)


def plan_of(model: nn.Module) -> Plan | None:
    """The plan of a prepared model."""
    return _PLANS.get(_inner(model))


def _inner(model: nn.Module) -> Any:
    """The Hugging Face model itself, where peft has wrapped it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]


def _try_flat(model: Any, plan: Plan) -> str | None:
    """Hook `model` and fill in `plan`; or leave `model` as it was and say why."""
    if getattr(model.config, "is_encoder_decoder", False):
        return "it is an encoder with a decoder"
    if model.base_model is model or model.config._attn_implementation != "sdpa":
        return "this architecture has no attention that could be replaced"
    texts = _Texts.random(model)
    try:
        expected = _outputs(model, texts)
    except Exception as error:  # whatever a strange model does with random tokens, it may still be trained
        return f"three short texts of random words could not be computed ({type(error).__name__})"
    plan.original_attention = model.config._attn_implementation
    plan.handles = hook_backbone(model.base_model)
    try:
        model.set_attn_implementation(ATTENTION_NAME)
        failures = []
        for plan.first_position in (0, _pad_token_id(model) + 1):  # RoBERTa counts from the pad id on
            failures.append(_difference(model, texts, expected, plan))
            if failures[-1] is None:
                break
        else:
            _restore_attention(model, plan)
            return failures[0]
    except Exception:
        _restore_attention(model, plan)
        raise
    _try_first_only(model, texts, expected, plan)
    return None


def _try_first_only(model: Any, texts: Ragged, expected: list[Tensor], plan: Plan) -> None:
    """Where the head reads the first token alone, the logits agree also when only that was computed."""
    handles = hook_last_layer(model.base_model)
    plan.first_only = bool(handles)
    if handles and _difference(model, texts, expected[:1], plan) is not None:
        plan.first_only = False
        for handle in handles:
            handle.remove()
    elif handles:
        plan.handles += handles


def _restore_attention(model: Any, plan: Plan) -> None:
    for handle in plan.handles:
        handle.remove()
    plan.handles = []
    if plan.original_attention is not None:
        model.set_attn_implementation(plan.original_attention)


def _outputs(model: Any, texts: Ragged, backbone_too: bool = True) -> list[Tensor]:
    """Logits, and the hidden states of the texts' own tokens."""
    inputs = texts.padded(_pad_token_id(model))
    outputs = [model(**inputs).logits]
    if backbone_too:
        hidden = model.base_model(**inputs).last_hidden_state
        outputs.append(hidden[inputs["attention_mask"].bool()])
    return outputs


def _difference(model: Any, texts: Ragged, expected: list[Tensor], plan: Plan) -> str | None:
    """What is wrong with the flat computation; None when nothing is."""
    current = Pass.of(texts, plan.first_position, plan.first_only)
    try:
        with under_way(current):
            found = _outputs(model, texts, backbone_too=len(expected) > 1)
    except RefusedError as error:
        return str(error)
    except Exception as error:  # the padded path worked, so whatever this is, it comes from the flat row
        return f"it cannot read several texts in one row ({type(error).__name__})"
    num_layers = model.config.get_text_config().num_hidden_layers
    if current.num_calls != num_layers * len(expected):
        return "its attention does not go through the registered function in every layer"
    for ours, theirs in zip(found, expected, strict=True):
        limit = _TOLERANCE * float(theirs.abs().max())
        if ours.shape != theirs.shape or not bool(((ours - theirs).abs() <= limit).all()):
            return "several texts in one row give other numbers than one by one"
    return None


def _pad_token_id(model: Any) -> int:
    return int(model.config.get_text_config().pad_token_id or 0)


@dataclass(frozen=True)
class _Texts:
    """Texts of random tokens, as `Ragged` wants them."""

    input_ids: Tensor
    lengths: Tensor
    token_type_ids: Tensor | None

    @classmethod
    def random(cls, model: Any) -> _Texts:
        """The same tokens each time, none of them the pad token, which some families treat apart."""
        config = model.config.get_text_config()
        longest = getattr(config, "max_position_embeddings", None) or max(_PROBE_LENGTHS)
        lengths = torch.tensor([max(1, min(length, longest - 4)) for length in _PROBE_LENGTHS])
        generator = torch.Generator().manual_seed(0)
        total = int(lengths.sum())
        tokens = torch.randint(config.vocab_size - 1, (total,), generator=generator)
        tokens += tokens >= _pad_token_id(model)
        types = None
        takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
        if takes_types and getattr(config, "type_vocab_size", 0) > 1:
            types = torch.randint(2, (total,), generator=generator).to(model.device)
        return cls(tokens.to(model.device), lengths.to(model.device), types)

    def padded(self, pad_token_id: int) -> dict[str, Tensor]:
        """As `(texts, longest)`, padded on the right."""
        lengths = self.lengths.tolist()

        def pad(row: Tensor, value: int) -> Tensor:
            return pad_sequence(list(torch.split(row, lengths)), batch_first=True, padding_value=value)

        inputs = {"input_ids": pad(self.input_ids, pad_token_id)}
        inputs["attention_mask"] = pad(torch.ones_like(self.input_ids), 0)
        if self.token_type_ids is not None:
            inputs["token_type_ids"] = pad(self.token_type_ids, 0)
        return inputs
