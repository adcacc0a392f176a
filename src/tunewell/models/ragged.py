"""A ragged batch through an untouched Hugging Face model, as one flat row without padding.

transformers lets anyone register an attention function and a mask function. Ours act as its `sdpa` ones
until a `Pass` is under way; then hooks on the backbone swap the padded inputs for one flat row and the flat
hidden states back for padded ones, so that the model's own head reads what it always reads. Hooks are
module-level functions without state, so a copied or pickled model stays a working one. Not for: deciding
whether a model may be computed so (`tunewell.models.probe`), the arithmetic (`tunewell.models.attention`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import AttentionInterface, AttentionMaskInterface

from tunewell.models.attention import Group, Settings, attend, bias, form_groups
from tunewell.models.freezing import layer_list

ATTENTION_NAME = "tunewell_ragged"

_HARMLESS = {
    "cache_position", "deterministic", "is_causal", "output_attentions", "output_hidden_states",
    "position_ids", "return_dict", "sliding_window", "use_cache",
}  # fmt: skip
"""Keywords that attention may be called with and that the mask or the layout already answers for."""

_KEY_VALUE_NAMES = (("attention.self.key", "attention.self.value"), ("attention.k_lin", "attention.v_lin"))
"""Key and value projections within a layer: BERT, RoBERTa, ELECTRA and kin; DistilBERT."""


class Ragged(Protocol):
    """Several sequences; what `tunewell.data.batches.Batch` offers a model."""

    @property
    def input_ids(self) -> Tensor:
        """Of shape `(tokens,)`."""

    @property
    def lengths(self) -> Tensor:
        """Of shape `(sequences,)`."""

    @property
    def token_type_ids(self) -> Tensor | None:
        """Of shape `(tokens,)`, or None."""

    def padded(self, pad_token_id: int) -> dict[str, Tensor]:
        """The keyword arguments of a padded forward pass."""


class RefusedError(Exception):
    """The model asks of attention what the flat row cannot give; the message completes a sentence."""


class Layout:
    """Where the tokens of a batch stand in a flat row that is sorted, longest sequence first.

    `tokens` `(tokens,)` gives for each place of the row the token's place in the batch, `positions` counts
    from 0 within a sequence, `padded_rows` is the place in the padded view, `starts` `(sequences,)` the row
    of each first token, and `ranks` where each sequence of the batch stands among the sorted.
    """

    def __init__(self, lengths: Tensor) -> None:
        sorted_lengths, order = lengths.sort(descending=True, stable=True)
        self.longest = int(sorted_lengths[0])
        self.num_sequences = len(lengths)
        self.starts = sorted_lengths.cumsum(0) - sorted_lengths
        sequence = torch.repeat_interleave(sorted_lengths)
        self.positions = torch.arange(len(sequence), device=lengths.device) - self.starts[sequence]
        self.tokens = (lengths.cumsum(0) - lengths)[order][sequence] + self.positions
        self.padded_rows = order[sequence] * self.longest + self.positions
        self.ranks = order.argsort()
        self.groups: list[Group] = form_groups(sorted_lengths.tolist(), lengths.device)

    def padded(self, flat: Tensor) -> Tensor:
        """`(1, tokens, width)` as `(sequences, longest, width)`, in the batch's order, zeros as padding."""
        empty = flat.new_zeros(self.num_sequences * self.longest, flat.shape[-1])
        filled = empty.index_copy(0, self.padded_rows, flat[0])
        return filled.view(self.num_sequences, self.longest, -1)


@dataclass
class Pass:
    """One forward pass under way. `first_only`: the last layer computes first tokens alone."""

    layout: Layout
    inputs: dict[str, Tensor]
    first_only: bool = False
    num_calls: int = 0
    patterns: dict[int, tuple[Tensor, Tensor | None]] = field(default_factory=dict)
    biases: dict[Any, list[Tensor | None]] = field(default_factory=dict)
    all_tokens: Tensor | None = None
    last_keys: Tensor | None = None
    last_values: Tensor | None = None

    @classmethod
    def of(cls, batch: Ragged, first_position: int = 0, first_only: bool = False) -> Pass:
        """The pass over `batch`, for a model that gives a first token the position `first_position`."""
        layout = Layout(batch.lengths)
        inputs = {
            "input_ids": batch.input_ids[layout.tokens][None],
            "position_ids": (layout.positions + first_position)[None],
        }
        if batch.token_type_ids is not None:
            inputs["token_type_ids"] = batch.token_type_ids[layout.tokens][None]
        return cls(layout, inputs, first_only)


_CURRENT: ContextVar[Pass | None] = ContextVar("ragged_pass", default=None)


@contextmanager
def under_way(current: Pass) -> Iterator[None]:
    """Let the hooked model compute `current` in place of the padded inputs that it is called with."""
    token = _CURRENT.set(current)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def _mask(*args: Any, **kwargs: Any) -> Tensor | None:
    """In a pass, the pattern of one sequence in place of a mask over the flat row.

    The first sequence is the longest, so its pattern, by the model's own rule, holds for all.
    """
    current = _CURRENT.get()
    usual = AttentionMaskInterface()["sdpa"]
    if current is None:
        return usual(*args, **kwargs)  # type: ignore[no-any-return]
    longest, num_tokens = current.layout.longest, len(current.layout.tokens)
    if args or (kwargs["q_length"], kwargs["kv_length"]) != (num_tokens, num_tokens):
        raise RefusedError("it attends to more than one row of tokens")
    changed = {"batch_size": 1, "q_length": longest, "kv_length": longest, "attention_mask": None}
    skips = {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False}
    mask: Tensor = usual(**{**kwargs, **changed, **skips})
    pattern = mask[0, 0]
    current.patterns[id(mask)] = (mask, None if bool(pattern.all()) else pattern)
    return mask


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    current = _CURRENT.get()
    if current is None:
        usual = AttentionInterface()["sdpa"]
        return usual(  # type: ignore[no-any-return]
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, **kwargs
        )
    strange = sorted(name for name in kwargs.keys() - _HARMLESS if kwargs[name] is not None)
    if strange:
        raise RefusedError(f"its attention wants {strange[0]!r}")
    if id(attention_mask) not in current.patterns:
        raise RefusedError("it makes attention masks of its own")
    current.num_calls += 1
    first_only = current.last_keys is not None and current.last_values is not None
    if first_only:
        key, value = (
            part.view(1, part.shape[1], -1, query.shape[-1]).transpose(1, 2)
            for part in (current.last_keys, current.last_values)
            if part is not None
        )
        current.last_keys = current.last_values = None
    repeats = query.shape[1] // key.shape[1]
    if repeats > 1:
        key, value = (part[:, :, None].expand(-1, -1, repeats, -1, -1).flatten(1, 2) for part in (key, value))
    settings = Settings(
        current.layout.groups,
        _biases(current, attention_mask, first_only, query),
        query.shape[-1] ** -0.5 if scaling is None else scaling,
        dropout,
        first_only,
    )
    query, key, value = (part[0].transpose(0, 1) for part in (query, key, value))
    return attend(query, key, value, settings)[None], None


def _biases(current: Pass, mask: Tensor | None, first_only: bool, query: Tensor) -> list[Tensor | None]:
    """The groups' biases, made once for all layers that share a mask."""
    which = (id(mask), first_only, query.dtype)
    if which not in current.biases:
        pattern = current.patterns[id(mask)][1]
        current.biases[which] = [bias(group, pattern, first_only, query) for group in current.layout.groups]
    return current.biases[which]


AttentionInterface.register(ATTENTION_NAME, _attention)
AttentionMaskInterface.register(ATTENTION_NAME, _mask)


# Hooks; each is idle unless a pass is under way


def hook_backbone(backbone: nn.Module) -> list[RemovableHandle]:
    """Let `backbone` take the flat row and give padded hidden states."""
    return [
        backbone.register_forward_pre_hook(_flat_inputs, with_kwargs=True),
        backbone.register_forward_hook(_padded_outputs),
    ]


def hook_last_layer(backbone: nn.Module) -> list[RemovableHandle]:
    """Let the last layer compute first tokens alone: their queries, and everything after attention.

    Keys and values still see all tokens. Empty where the layer has no projections that are known.
    """
    layer = layer_list(backbone)[-1]
    modules = dict(layer.named_modules())
    for key_name, value_name in _KEY_VALUE_NAMES:
        if key_name in modules and value_name in modules:
            key, value = modules[key_name], modules[value_name]
            return [
                layer.register_forward_pre_hook(_first_tokens, with_kwargs=True),
                key.register_forward_pre_hook(_all_tokens),
                value.register_forward_pre_hook(_all_tokens),
                key.register_forward_hook(_keep_keys),
                value.register_forward_hook(_keep_values),
            ]
    return []


def _flat_inputs(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    current = _CURRENT.get()
    if current is None:
        return None
    given = {**dict(zip(inspect.signature(module.forward).parameters, args, strict=False)), **kwargs}
    given.pop("attention_mask", None)
    foreign = [
        name for name, value in given.items() if isinstance(value, Tensor) and name not in current.inputs
    ]
    if foreign:
        raise RefusedError(f"its backbone is given {foreign[0]!r}")
    return (), {**given, **current.inputs}


def _padded_outputs(module: nn.Module, args: Any, output: Any) -> Any:
    current = _CURRENT.get()
    if current is None:
        return None
    layout = current.layout
    if current.first_only:
        hidden = output.last_hidden_state[0].index_select(0, layout.ranks)[:, None]
    else:
        hidden = layout.padded(output.last_hidden_state)
    output.last_hidden_state = hidden
    if getattr(output, "pooler_output", None) is not None:
        pooler: Any = module.pooler
        if hasattr(module, "pooler_activation"):  # ALBERT's pooler is a linear layer, perhaps with an adapter
            output.pooler_output = module.pooler_activation(pooler(hidden[:, 0]))  # type: ignore[operator]
        else:
            output.pooler_output = pooler(hidden)
    return output


def _first_tokens(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    current = _CURRENT.get()
    if current is None or not current.first_only:
        return None
    current.all_tokens = args[0]
    return (args[0].index_select(1, current.layout.starts), *args[1:]), kwargs


def _all_tokens(module: nn.Module, args: tuple[Any, ...]) -> Any:
    current = _CURRENT.get()
    return None if current is None or not current.first_only else (current.all_tokens,)


def _keep_keys(module: nn.Module, args: Any, output: Tensor) -> Tensor | None:
    current = _CURRENT.get()
    if current is None or not current.first_only:
        return None
    current.last_keys = output
    return output[:, : current.layout.num_sequences]  # only its shape is looked at


def _keep_values(module: nn.Module, args: Any, output: Tensor) -> Tensor | None:
    current = _CURRENT.get()
    if current is None or not current.first_only:
        return None
    current.last_values = output
    return output[:, : current.layout.num_sequences]  # only its shape is looked at
