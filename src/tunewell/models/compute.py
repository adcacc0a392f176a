"""Run a model on a ragged batch. The one place that decides how a batch is laid out for a family.

A prepared model runs on one flat row without padding where the probe has shown that the results agree, else
on the padded view. Not for: what the logits mean (the task).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from tunewell.models.probe import Plan, plan_of
from tunewell.models.probe import prepare as prepare
from tunewell.models.probe import undo as undo
from tunewell.models.ragged import Pass, under_way
from tunewell.models.ragged import Ragged as Ragged


def sequence_logits(model: nn.Module, batch: Ragged) -> Tensor:
    """Logits of shape `(sequences, labels)` in float32 (float64 of a float64 model)."""
    config: Any = model.config
    pad_token_id = int(config.get_text_config().pad_token_id or 0)
    inputs = batch.padded(pad_token_id)
    plan = plan_of(model)
    if plan is None or not _flat_now(plan, model, batch, pad_token_id):
        logits: Tensor = model(**inputs).logits
    else:
        with under_way(Pass.of(batch, plan.first_position, plan.first_only)):
            logits = model(**inputs).logits
    return logits if logits.element_size() > 4 else logits.float()


def _flat_now(plan: Plan, model: Any, batch: Ragged, pad_token_id: int) -> bool:
    """Whether this batch can take the flat way."""
    if plan.reason is not None or _is_checkpointing(model):
        return False  # a checkpointed layer is computed again in the backward pass, when the layout is gone
    # who counts positions from the pad id on skips pad tokens that stand in a text
    return not plan.first_position or not bool((batch.input_ids == pad_token_id).any())


def _is_checkpointing(model: nn.Module) -> bool:
    return model.training and any(
        getattr(module, "gradient_checkpointing", False) is True for module in model.modules()
    )
