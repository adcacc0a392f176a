"""Attention over sequences of different lengths that stand in one flat row.

The row is sorted, longest sequence first, and cut into groups of similar length; each group is computed as
one small padded batch, so padding exists only inside attention, which is a small share of the work. Not for:
the way to here from a model's layers (`tunewell.models.ragged`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tunewell.models.dropout import Mask, is_cheap

_LEAST_FILL = 0.9
"""A group's shortest sequence is at least this share of its longest ..."""
_SLACK_TOKENS = 1
"""... or this few tokens shorter: tiny groups cost more in calls than a little padding costs."""
_MAX_SCORES = 1 << 20
"""The most attention scores a head in one group; bounds the memory that a group takes for a moment."""
_KEPT_SCORES = 4
"""Scores are kept for the backward pass up to this multiple of the keys' size, else computed again."""


@dataclass(frozen=True)
class Group:
    """Neighbouring sequences of similar length.

    `sequences` and `rows` are its slices of the sorted sequences and of the flat row, `longest` is in tokens.
    Where lengths differ, `spread` `(count * longest,)` names the row within the group that fills each padded
    place, `places` `(rows,)` the padded place of each row, and `valid` `(count, longest)` which places are
    no padding.
    """

    sequences: slice
    rows: slice
    longest: int
    spread: Tensor | None
    places: Tensor | None
    valid: Tensor | None

    @property
    def count(self) -> int:
        """Number of sequences."""
        return int(self.sequences.stop - self.sequences.start)

    def take(self, flat: Tensor) -> Tensor:
        """This group's part of `flat` `(tokens, heads, width)` as `(count, heads, longest, width)`."""
        part = flat[self.rows]
        if self.spread is not None:
            part = part.index_select(0, self.spread)
        return part.view(self.count, self.longest, *part.shape[1:]).transpose(1, 2)

    def flatten(self, padded: Tensor) -> Tensor:
        """The inverse of `take`: `(rows, heads, width)`, padding dropped."""
        part = padded.transpose(1, 2).flatten(0, 1)
        return part if self.places is None else part.index_select(0, self.places)

    def put(self, flat: Tensor, padded: Tensor) -> None:
        """Write `padded` into this group's rows of `flat`."""
        if self.places is None:
            flat[self.rows].view(self.count, self.longest, *flat.shape[1:]).copy_(padded.transpose(1, 2))
        else:
            torch.index_select(padded.transpose(1, 2).flatten(0, 1), 0, self.places, out=flat[self.rows])


def form_groups(lengths: Sequence[int], device: torch.device) -> list[Group]:
    """Groups for sequences of these lengths, which stand longest first."""
    groups: list[Group] = []
    first = row = 0
    while first < len(lengths):
        longest, last = lengths[first], first + 1
        shortest = min(longest * _LEAST_FILL, longest - _SLACK_TOKENS)
        limit = max(1, _MAX_SCORES // longest**2)
        while last < len(lengths) and last - first < limit and lengths[last] >= shortest:
            last += 1
        groups.append(_group(lengths, first, last, row, device))
        row = groups[-1].rows.stop
        first = last
    return groups


def _group(lengths: Sequence[int], first: int, last: int, row: int, device: torch.device) -> Group:
    own = lengths[first:last]
    rows = slice(row, row + sum(own))
    if own[0] == own[-1]:
        return Group(slice(first, last), rows, own[0], None, None, None)
    counts = torch.tensor(own, device=device)[:, None]
    column = torch.arange(own[0], device=device)
    valid = column < counts
    starts = counts.cumsum(0) - counts
    spread = (starts + column.minimum(counts - 1)).flatten()
    return Group(slice(first, last), rows, own[0], spread, valid.flatten().nonzero()[:, 0], valid)


def bias(group: Group, pattern: Tensor | None, first_only: bool, like: Tensor) -> Tensor | None:
    """What is added to the group's scores: 0 where a query may see a key, minus infinity elsewhere.

    `pattern` `(longest, longest)` is True where it may, counted from a sequence's first token; None for
    everywhere. The result broadcasts to `(count, heads, queries, longest)`; None where nothing is hidden.
    """
    if pattern is None and group.valid is None:
        return None
    allowed = None
    if pattern is not None:
        allowed = pattern[None, : 1 if first_only else group.longest, : group.longest]
    if group.valid is not None:
        keys = group.valid[:, None, :]
        allowed = keys if allowed is None else allowed & keys
        if pattern is not None and not first_only:
            # a padded query must see something, or its softmax is NaN, which spreads in the backward pass
            allowed = allowed | ~group.valid[:, :, None]
    assert allowed is not None
    shown = torch.zeros((), dtype=like.dtype, device=like.device)
    return torch.where(allowed, shown, float("-inf"))[:, None]


@dataclass(frozen=True)
class Settings:
    """What one layer's attention needs beside its tensors. `biases` holds one entry a group."""

    groups: list[Group]
    biases: list[Tensor | None]
    scaling: float
    dropout: float
    first_only: bool


def attend(query: Tensor, key: Tensor, value: Tensor, settings: Settings) -> Tensor:
    """Attention of every sequence to itself; all of shape `(tokens, heads, width)`.

    With `first_only`, `query` and the result have one row a sequence, that of its first token.
    """
    learning = torch.is_grad_enabled() and (query.requires_grad or key.requires_grad or value.requires_grad)
    on_cpu = query.device.type == "cpu"
    if is_cheap(settings.dropout, query.device) or (on_cpu and learning and not settings.dropout):
        query, key = query.to(value.dtype), key.to(value.dtype)  # under autocast rotated ones are float32
        with torch.autocast("cpu", enabled=False):  # the backward pass, too, runs without it
            result: Tensor = _Attention.apply(query, key, value, settings)  # type: ignore[no-untyped-call]
        return result
    parts = []
    for group, hidden in zip(settings.groups, settings.biases, strict=True):
        part = functional.scaled_dot_product_attention(
            _queries(query, group, settings),
            group.take(key),
            group.take(value),
            attn_mask=hidden,
            dropout_p=settings.dropout,
            scale=settings.scaling,
        )
        parts.append(part[:, :, 0] if settings.first_only else group.flatten(part))
    return torch.cat(parts)


def _queries(query: Tensor, group: Group, settings: Settings) -> Tensor:
    return query[group.sequences][:, :, None] if settings.first_only else group.take(query)


class _Attention(torch.autograd.Function):
    """Softmax attention with cheap dropout masks, written out for a CPU.

    PyTorch's fused kernel has no dropout on a CPU, and what it falls back on keeps the scores of every layer
    three times until the backward pass. Here they are kept once while they are small beside the queries,
    and else computed again.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, settings: Settings) -> Tensor:
        mask = _mask(query, settings)
        result = torch.empty(query.shape, dtype=query.dtype)
        kept: list[Tensor] = []
        drawn = 0
        for group, hidden in zip(settings.groups, settings.biases, strict=True):
            queries = _stacked(_queries(query, group, settings)) * settings.scaling
            keys, values = _stacked(group.take(key)), _stacked(group.take(value))
            weights = _weights(queries, keys, hidden, group)
            small = weights.numel() <= _KEPT_SCORES * keys.numel()
            kept += [queries, keys, values, weights if small else weights.new_empty(0)]
            if mask is not None:
                shape, dtype = tuple(weights.shape), weights.dtype
                weights = weights * mask.kept(drawn, shape, dtype)
                drawn += weights.numel()
            _store(result, _unstacked(torch.bmm(weights, values), group), group, settings)
        ctx.save_for_backward(*kept)
        ctx.settings, ctx.mask, ctx.shapes = settings, mask, (query.shape, key.shape)
        return result if mask is None else result.mul_(mask.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        settings: Settings = ctx.settings
        mask: Mask | None = ctx.mask
        for_query, for_key, for_value = (gradient.new_empty(ctx.shapes[place]) for place in (0, 1, 1))
        if mask is not None:
            gradient = gradient * mask.scale
        drawn = 0
        for place, (group, hidden) in enumerate(zip(settings.groups, settings.biases, strict=True)):
            queries, keys, values, weights = ctx.saved_tensors[4 * place : 4 * place + 4]
            if not weights.numel():
                weights = _weights(queries, keys, hidden, group)
            upper = _queries(gradient, group, settings)
            if group.valid is not None and not settings.first_only:
                upper = upper * group.valid[:, None, :, None]
            upper = _stacked(upper)
            slope = torch.bmm(upper, values.transpose(1, 2))
            used = weights
            if mask is not None:
                factors = mask.kept(drawn, tuple(weights.shape), weights.dtype)
                drawn += weights.numel()
                slope.mul_(factors)
                used = factors.mul_(weights)
            group.put(for_value, _unstacked(torch.bmm(used.transpose(1, 2), upper), group))
            slope.mul_(weights)
            slope.addcmul_(weights, slope.sum(-1, keepdim=True), value=-1)
            group.put(for_key, _unstacked(torch.bmm(slope.transpose(1, 2), queries), group))
            _store(for_query, _unstacked(torch.bmm(slope, keys), group), group, settings)
        return for_query.mul_(settings.scaling), for_key, for_value, None


def _mask(query: Tensor, settings: Settings) -> Mask | None:
    """One draw for all groups of the layer."""
    if not is_cheap(settings.dropout, query.device):
        return None
    scores = sum(
        group.count * (1 if settings.first_only else group.longest) * group.longest
        for group in settings.groups
    )
    return Mask(scores * query.shape[1], settings.dropout)


def _stacked(part: Tensor) -> Tensor:
    """`(count, heads, rows, width)` as `(count * heads, rows, width)`."""
    return part.flatten(0, 1)


def _unstacked(part: Tensor, group: Group) -> Tensor:
    return part.view(group.count, -1, *part.shape[1:])


def _weights(queries: Tensor, keys: Tensor, hidden: Tensor | None, group: Group) -> Tensor:
    scores = torch.bmm(queries, keys.transpose(1, 2))
    if hidden is not None:
        _unstacked(scores, group).add_(hidden)
    return torch.softmax(scores, -1)


def _store(flat: Tensor, part: Tensor, group: Group, settings: Settings) -> None:
    if settings.first_only:
        flat[group.sequences] = part[:, :, 0]
    else:
        group.put(flat, part)
