"""Find out whether a loaded model can be computed without padding, and set it up so.

No family is trusted by its name. Three short texts go through the model both ways, and a few long ones
through its first layers; unless our attention was called in every layer and the outputs agree, the model
stays on the padded path. Not for: the computation (`tunewell.models.compute`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from tunewell.models.dropout import Replaced, replace_dropout, restore
from tunewell.models.outputs import own_logits
from tunewell.models.probe_texts import RandomTexts, pad_token_id
from tunewell.models.ragged import (
    ATTENTION_NAME,
    Pass,
    Ragged,
    RefusedError,
    hook_backbone,
    hook_last_layer,
    under_way,
)

_SHORT_LENGTHS = (4, 11, 7)
_LONG_LENGTHS = (160, 160, 160, 160)
"""Together more tokens than the position tables of BERT and its kin have rows; the last is compared."""
_LONG_LAYERS = 2
"""How many layers the long texts go through; all of them would take seconds."""
_TOLERANCE = 1e-4
"""Largest difference in outputs, relative to their largest value."""


@dataclass
class Plan:
    """How one model is computed, and what must be undone to have it back as it was.

    `first_position` is the position of a first token. `reason` says why the model is computed with padding,
    and is None where it is not. `least_length` is set for models whose answers padding would change: only texts
    of equal length are computed together, and those that are too short for the model are padded to this length.
    """

    reason: str | None = None
    least_length: int | None = None
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
    hf = inner(model)
    if hf not in _PLANS:
        plan = Plan()
        modes = [(module, module.training) for module in hf.modules()]
        hf.eval()
        try:
            with torch.no_grad():
                plan.reason = _try_flat(hf, plan)
                if plan.reason is not None and padding_matters(hf):
                    plan.least_length = _least_length(hf)
                    plan.reason += " (one length at a time, because padding would change its answers)"
        finally:
            for module, mode in modes:
                module.training = mode
        plan.replaced = replace_dropout(hf)
        _PLANS[hf] = plan
    return _PLANS[hf].reason


def undo(model: nn.Module) -> None:
    """Make `model` an ordinary one again; it is then computed with padding, where that gives its answers."""
    hf = inner(model)
    plan = _PLANS.pop(hf, None)
    if plan is not None:
        restore(hf, plan.replaced)
        _restore_attention(hf, plan)
        if plan.least_length is not None:
            _PLANS[hf] = Plan(plan.reason, least_length=plan.least_length)


def plan_of(model: nn.Module) -> Plan | None:
    """The plan of a prepared model."""
    return _PLANS.get(inner(model))


def padding_matters(model: Any) -> bool:
    """Whether a text's logits change when it is padded beside a longer one, which they should not.

    Convolutions over tokens (ConvBERT), neighbours' embeddings (MobileBERT), attention without a mask (FNet)
    and a head that reads the last place (XLNet) let padding in. `model` must be in `eval` mode.
    """
    texts = RandomTexts.of(model, _SHORT_LENGTHS)
    inputs = texts.padded(pad_token_id(model))
    try:
        together = own_logits(model(**inputs), inputs["attention_mask"])
        alone = [
            own_logits(model(**part), part["attention_mask"])
            for place, length in enumerate(texts.lengths.tolist())
            for part in [{name: values[place : place + 1, :length] for name, values in inputs.items()}]
        ]
    except Exception:  # a model that wants texts of some length of its own: its padded answers stand
        return False
    return not _agree(torch.cat(alone), together)


def _least_length(model: Any) -> int:
    """How many tokens a text must have: CANINE looks at four at a time."""
    for length in range(1, max(_SHORT_LENGTHS)):
        ids = torch.ones(1, length, dtype=torch.long, device=model.device)
        try:
            model(input_ids=ids, attention_mask=ids)
        except Exception:
            continue
        return length
    return max(_SHORT_LENGTHS)


def inner(model: nn.Module) -> Any:
    """The Hugging Face model itself, where peft has wrapped it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]


def _try_flat(model: Any, plan: Plan) -> str | None:
    """Hook `model` and fill in `plan`; or leave `model` as it was and say why."""
    if getattr(model.config, "is_encoder_decoder", False):
        return "it is an encoder with a decoder"
    if model.base_model is model or model.config._attn_implementation != "sdpa":
        return "this architecture has no attention that could be replaced"
    texts = RandomTexts.of(model, _SHORT_LENGTHS)
    try:
        expected = _outputs(model, texts)
    except Exception as error:  # whatever a strange model does with random tokens, it may still be trained
        return f"three short texts of random words could not be computed ({type(error).__name__})"
    plan.original_attention = model.config._attn_implementation
    plan.handles = hook_backbone(model.base_model)
    try:
        model.set_attn_implementation(ATTENTION_NAME)
        failures = []
        for plan.first_position in (0, pad_token_id(model) + 1):  # RoBERTa counts from the pad id on
            failures.append(_difference(model, texts, expected, plan))
            if failures[-1] is None:
                break
        else:
            _restore_attention(model, plan)
            return failures[0]
        failure = _difference_of_long_texts(model, plan)
        if failure is not None:
            _restore_attention(model, plan)
            return failure
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
    inputs = texts.padded(pad_token_id(model))
    outputs = [own_logits(model(**inputs), inputs["attention_mask"])]
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
        return "not every layer has an attention that could be replaced"
    if not all(_agree(ours, theirs) for ours, theirs in zip(found, expected, strict=True)):
        return "several texts in one row give other numbers than one by one"
    return None


def _agree(ours: Tensor, theirs: Tensor) -> bool:
    if ours.shape != theirs.shape:
        return False
    return bool(((ours - theirs).abs() <= _TOLERANCE * float(theirs.abs().max())).all())


def _difference_of_long_texts(model: Any, plan: Plan) -> str | None:
    """What is wrong with a long row: one beyond the table of positions, with texts longer than a window."""
    texts = RandomTexts.of(model, _LONG_LENGTHS)
    inputs = texts.padded(pad_token_id(model))
    current = Pass.of(texts, plan.first_position)
    try:
        expected = _lower_layers(model, {name: values[-1:] for name, values in inputs.items()})
        with under_way(current):
            found = _lower_layers(model, inputs)
    except RefusedError as error:
        return str(error)
    except Exception as error:
        return f"it cannot read long texts in one row ({type(error).__name__})"
    found = found[-1:] if len(found) > 1 else found[:, -expected.shape[1] :]
    if not _agree(found, expected):
        return "long texts in one row give other numbers than one by one"
    return None


class _EnoughError(Exception):
    """Ends a forward pass that has shown what was asked of it."""


def _lower_layers(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Hidden states after the first layers, in a pass of the flat row; those of the last layer if in doubt."""
    backbone = model.base_model
    num_layers = model.config.get_text_config().num_hidden_layers
    seen: list[Tensor] = []

    def stop(module: nn.Module, arguments: Any, output: Any) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        if isinstance(hidden, Tensor) and hidden.ndim == 3:
            seen.append(hidden)
            raise _EnoughError

    stacks = [m for m in backbone.modules() if isinstance(m, nn.ModuleList) and len(m) == num_layers]
    handle = None
    if stacks and num_layers > _LONG_LAYERS:
        handle = stacks[0][_LONG_LAYERS - 1].register_forward_hook(stop)
    try:
        seen.append(backbone(**inputs).last_hidden_state)
    except _EnoughError:
        pass
    finally:
        if handle is not None:
            handle.remove()
    return seen[0]
