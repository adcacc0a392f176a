"""Run a model on a ragged batch. The one place that decides how a batch is laid out for a family.

A prepared model runs on one flat row without padding where the probe has shown that the results agree, else
on the padded view; on views of one length each where padding would change the answers. Not for: what the
logits mean (the task).
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from tunewell.models.outputs import logits_of
from tunewell.models.probe import Plan, plan_of
from tunewell.models.probe import prepare as prepare
from tunewell.models.probe import undo as undo
from tunewell.models.ragged import Pass, RefusedError, under_way
from tunewell.models.ragged import Ragged as Ragged


class Positioned(Ragged, Protocol):
    """Several sequences, and the tokens of them that are read."""

    @property
    def positions(self) -> Tensor | None:
        """Of shape `(positions,)`: places in the flat row."""


def sequence_logits(model: nn.Module, batch: Ragged) -> Tensor:
    """Logits of shape `(sequences, labels)` in float32 (float64 of a float64 model)."""
    return _logits(model, batch)


def token_logits(model: nn.Module, batch: Positioned) -> Tensor:
    """Logits `(positions, labels)` of the tokens that the batch names, in float32 (float64 of a float64 model).

    A head that looks for the start and the end of an answer has these as its two labels.
    """
    logits = _logits(model, batch)
    mask = torch.arange(logits.shape[1], device=logits.device) < batch.lengths[:, None]
    return logits[mask][batch.positions]


def _logits(model: nn.Module, batch: Ragged) -> Tensor:
    """As `logits_of` gives them."""
    logits = logits_of(run(model, batch))
    return logits if logits.element_size() > 4 else logits.float()


def run(model: nn.Module, batch: Ragged) -> Any:
    """What the model gives for a batch, in the way that its plan has; a mapping with its logits at least."""
    config: Any = model.config
    pad_token_id = int(config.get_text_config().pad_token_id or 0)
    inputs = batch.padded(pad_token_id)
    plan = plan_of(model)
    output = None
    if plan is not None and _flat_now(plan, model, batch, pad_token_id):
        output = _flat(plan, model, batch, inputs)
    elif plan is not None and plan.least_length is not None:
        lengths = batch.lengths.clamp(min=plan.least_length)
        return {"logits": _by_length(model, lengths, inputs, pad_token_id)}
    return model(**inputs) if output is None else output


def _flat_now(plan: Plan, model: Any, batch: Ragged, pad_token_id: int) -> bool:
    """Whether this batch can take the flat way."""
    if plan.reason is not None or _is_checkpointing(model):
        return False  # a checkpointed layer is computed again in the backward pass, when the layout is gone
    # who counts positions from the pad id on skips pad tokens that stand in a text
    return not plan.first_position or not bool((batch.input_ids == pad_token_id).any())


def _flat(plan: Plan, model: nn.Module, batch: Ragged, inputs: dict[str, Tensor]) -> Any:
    """What the model gives; None when the model goes another way than in the probe, and from now on padded."""
    # a resumed run, which finds this out anew, must draw the same numbers
    random_state = torch.get_rng_state()
    try:
        with under_way(Pass.of(batch, plan.first_position, plan.first_only)):
            return model(**inputs)
    except RefusedError as error:
        plan.reason = str(error)
        torch.set_rng_state(random_state)
        return None


def _by_length(model: nn.Module, lengths: Tensor, inputs: dict[str, Tensor], pad_token_id: int) -> Tensor:
    """The logits of texts that are computed together with those of the same length alone."""
    missing = int(lengths.max()) - inputs["input_ids"].shape[1]
    if missing > 0:
        fills = {"input_ids": pad_token_id}
        inputs = {
            name: pad(values, (0, missing), value=fills.get(name, 0)) for name, values in inputs.items()
        }
    order, parts = [], []
    for length in sorted(set(lengths.tolist())):
        places = (lengths == length).nonzero()[:, 0]
        order.append(places)
        part = logits_of(model(**{name: values[places, :length] for name, values in inputs.items()}))
        if part.ndim == 3:
            part = pad(part, (0, 0, 0, int(lengths.max()) - part.shape[1]))
        parts.append(part)
    return torch.cat(parts)[torch.cat(order).argsort()]


def _is_checkpointing(model: nn.Module) -> bool:
    return model.training and any(
        getattr(module, "gradient_checkpointing", False) is True for module in model.modules()
    )
