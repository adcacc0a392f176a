"""How likely a model finds given tokens, and what it would write itself.

`token_losses` is for causal models, `target_losses` for encoders with a decoder; both compute logits at the tokens that
count and nowhere else, and in chunks over a large vocabulary, so that no batch's logits ever stand in memory as a
whole. `write` generates. Not for: what the tokens mean (the task) or which model it is (`translators`, `talkers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from tunewell.models.compute import Positioned, run
from tunewell.models.listening import listener
from tunewell.models.outputs import logits_of
from tunewell.models.probe import inner, plan_of

LOGITS_AT_ONCE = 2**24
"""How many logits are computed in one chunk: 64 MiB in float32."""


class Paired(Positioned, Protocol):
    """A batch of texts to read, and of texts to write."""

    @property
    def target_ids(self) -> Tensor | None:
        """Of shape `(target tokens,)`."""

    @property
    def target_lengths(self) -> Tensor | None:
        """Of shape `(sequences,)`."""

    def padded_targets(self) -> Tensor:
        """Of shape `(sequences, longest)`, `IGNORE_INDEX` as padding."""


@dataclass(frozen=True)
class _Head:
    """What turns hidden states into logits: a module, and what is added to what it gives.

    `is_whole` says that nothing else does; where it is not so, logits are computed by the model alone.
    """

    module: nn.Module
    is_whole: bool


_ARE_WHOLE: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def token_losses(model: nn.Module, batch: Positioned, labels: Tensor) -> Tensor:
    """Minus the log-probability `(positions,)` of each of `labels` as the token after the batch's positions."""
    assert batch.positions is not None
    head = _head_of(model)
    with _states(head) as seen:
        output = run(model, batch)
    mask = torch.arange(int(batch.lengths.max()), device=batch.lengths.device) < batch.lengths[:, None]
    found = seen[-1] if head.is_whole else logits_of(output)
    return _losses(model, head, found[mask][batch.positions], labels, 0.0)


def target_losses(model: nn.Module, batch: Paired, *, smoothing: float = 0.0) -> Tensor:
    """Minus the log-probability `(target tokens,)` of what the decoder is to write, each token given those before.

    `smoothing` is the share of a target that is spread over the whole vocabulary (Szegedy et al. 2016).
    """
    assert batch.target_ids is not None
    hf: Any = inner(model)
    head = _head_of(model)
    targets = batch.padded_targets()
    inputs = batch.padded(_pad_token_id(hf))
    inputs.pop("token_type_ids", None)
    with _states(head) as seen:
        output = model(**inputs, decoder_input_ids=_decoder_inputs(hf, targets), use_cache=False)
    found = seen[-1] if head.is_whole else logits_of(output)
    return _losses(model, head, found[targets >= 0], batch.target_ids, smoothing)


def _decoder_inputs(hf: Any, targets: Tensor) -> Tensor:
    """What the decoder is given for padded targets: the token that it starts from, and each target but the last.

    Not by the models' own functions: some have none (M2M100), and mBART's takes the last token for a language.
    """
    start = targets.new_full((len(targets), 1), int(hf.generation_config.decoder_start_token_id))
    return torch.cat([start, targets[:, :-1]], dim=1).clamp(min=0)  # padding comes last, and nothing sees it


def sums_by_sequence(losses: Tensor, counts: Tensor) -> Tensor:
    """The sum of losses `(tokens,)` of each sequence, which has `counts` `(sequences,)` of them in a row."""
    owner = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    return losses.new_zeros(len(counts)).index_add(0, owner, losses)


def _losses(model: nn.Module, head: _Head, states: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross-entropies `(tokens,)`; `states` are hidden states, or logits where the head is not the whole of it."""

    def of(chunk: Tensor, wanted: Tensor) -> Tensor:
        logits = _logits(model, head, chunk) if head.is_whole else chunk
        return functional.cross_entropy(logits.float(), wanted, reduction="none", label_smoothing=smoothing)

    size = max(1, LOGITS_AT_ONCE // _vocabulary(model))
    if len(states) <= size:
        return of(states, labels)
    pairs = zip(torch.split(states, size), torch.split(labels, size), strict=True)
    if not torch.is_grad_enabled() or not head.is_whole:
        return torch.cat([of(*pair) for pair in pairs])
    # computed again in the backward pass: one chunk of logits is in memory at a time
    return torch.cat([checkpoint(of, *pair, use_reentrant=False) for pair in pairs])


def _logits(model: nn.Module, head: _Head, states: Tensor) -> Tensor:
    logits: Tensor = head.module(states)
    bias = getattr(inner(model), "final_logits_bias", None)  # of BART and its kin; a buffer (1, vocabulary)
    return logits if bias is None else logits + bias


def _vocabulary(model: nn.Module) -> int:
    return int(inner(model).get_output_embeddings().weight.shape[0])


def _head_of(model: nn.Module) -> _Head:
    """The head, and whether logits of a few tokens are what it gives, to a rounding error; looked at once a model."""
    hf: Any = inner(model)
    module = hf.get_output_embeddings()  # not kept: merging adapters puts another in its place
    if hf not in _ARE_WHOLE:
        plan = plan_of(model)
        in_parts = plan is not None and plan.least_length is not None  # texts of each length by themselves
        _ARE_WHOLE[hf] = not in_parts and _gives_logits(model, _Head(module, True))
    return _Head(module, _ARE_WHOLE[hf])


@torch.no_grad()
def _gives_logits(model: nn.Module, head: _Head) -> bool:
    hf: Any = inner(model)
    ids = torch.arange(1, 5, device=hf.device)[None]
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if hf.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    modes = [(module, module.training) for module in hf.modules()]
    hf.eval()
    with torch.autocast(hf.device.type, enabled=False):
        wanted = hf(**inputs, use_cache=False).logits
        with _states(head) as seen:
            hf(**inputs, use_cache=False)
        given = _logits(model, head, seen[-1])
    for module, mode in modes:
        module.training = mode
    return given.shape == wanted.shape and bool(torch.allclose(given, wanted, rtol=1e-4, atol=1e-4))


@contextmanager
def _states(head: _Head) -> Iterator[list[Tensor]]:
    """The hidden states that reach the head, which is given one token of each sequence instead of all of them."""
    seen: list[Tensor] = []
    if not head.is_whole:
        yield seen
        return

    def keep(module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        seen.append(arguments[0])
        return (arguments[0][:, :1], *arguments[1:])

    handle = head.module.register_forward_pre_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def _pad_token_id(hf: Any) -> int:
    """What fills the texts that are read; an encoder of its own kind has a vocabulary of its own."""
    config = (hf.get_encoder() if hf.config.is_encoder_decoder else hf).config
    return int(config.get_text_config().pad_token_id or 0)


# Writing


class Stepwise(Protocol):
    """Changes the scores `(rows, vocabulary)` of the next token, given the token ids `(rows, length)` so far."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """The changed scores."""


class Engine(nn.Module):
    """A model that is computed by something else than torch, and writes by its own means."""

    def write(self, batch: Positioned, settings: Mapping[str, Any]) -> list[list[int]]:
        """As the function `write`, which gives way to it."""
        raise NotImplementedError


@torch.inference_mode()
def write(
    model: nn.Module, batch: Positioned, settings: Mapping[str, Any], processors: list[Stepwise] | None = None
) -> list[list[int]]:
    """The token ids that the model writes for each sequence, without those that it was given, to the end it sets.

    `settings` are those of transformers' `GenerationConfig`; what they leave out is the model's own. A sequence that
    ends without an end token was cut by the greatest length.
    """
    if isinstance(model, Engine):
        return model.write(batch, settings)
    hf: Any = inner(model)
    pad = _pad_token_id(hf)
    inputs = batch.padded(pad)
    inputs.pop("token_type_ids", None)
    start = 1  # a decoder's first token is given, too
    if not hf.config.is_encoder_decoder:
        inputs = {name: _to_the_right(values, batch.lengths) for name, values in inputs.items()}
        start = inputs["input_ids"].shape[1]
    was_training = hf.training
    hf.eval()
    from transformers import LogitsProcessorList

    written = hf.generate(
        **inputs,
        **{"max_length": None, "use_cache": True, **settings},
        logits_processor=LogitsProcessorList(processors or []),
        streamer=listener(),
    )
    hf.train(was_training)
    ends = hf.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends])
    return [_to_the_end(row[start:], ends) for row in written.tolist()]


def _to_the_right(padded: Tensor, lengths: Tensor) -> Tensor:
    """Padding moved to the left, where a model that goes on writing at the right end must have it."""
    longest = padded.shape[1]
    places = torch.arange(longest, device=padded.device) - (longest - lengths)[:, None]
    return padded.gather(1, places % longest)


def _to_the_end(row: list[int], ends: set[int]) -> list[int]:
    """`row` up to and with its first end token."""
    for place, token in enumerate(row):
        if token in ends:
            return row[: place + 1]
    return row
