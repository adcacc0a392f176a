"""Batches without padding, and which features form them.

A batch is ragged: its tokens stand in one flat row, with the length of each sequence beside it; the padded
view is derived. Which features form an optimizer batch is a pure function of the seed, the epoch, the number
of features and the batch size, so a position in training is one integer and nothing random is ever saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunewell.core.labels import IGNORE_INDEX
from tunewell.data.features import Asked, Feature


@dataclass(frozen=True, slots=True)
class Batch:
    """Several sequences for one forward pass.

    `input_ids` and `token_type_ids` have shape `(tokens,)`, `lengths` has shape `(sequences,)`; `labels` is
    as the task's loss wants it. `num_targets` is what the summed loss is divided by; a float, because a
    weighted target counts by its weight. `positions` `(positions,)` are the places in the flat row of the tokens
    that the task reads, `num_positions` `(sequences,)` how many of them each sequence has; `offsets` holds their
    character spans, a list for each sequence. Without such tokens all three are empty. `target_ids`
    `(target tokens,)` and `target_lengths` `(sequences,)` are what a decoder is to write, no token where nobody knows it
    and None where nobody knows any; `asked` and `num_target_characters` are those of the sequences' features.
    """

    input_ids: Tensor
    lengths: Tensor
    token_type_ids: Tensor | None = None
    labels: Tensor | None = None
    num_targets: float = 0.0
    example_ids: tuple[str, ...] = ()
    positions: Tensor | None = None
    num_positions: Tensor | None = None
    offsets: tuple[Sequence[tuple[int, int]], ...] = ()
    target_ids: Tensor | None = None
    target_lengths: Tensor | None = None
    asked: tuple[Asked | None, ...] = ()
    num_target_characters: tuple[int, ...] = ()

    @classmethod
    def of(cls, features: Sequence[Feature], labels: Tensor | None = None, num_targets: float = 0.0) -> Batch:
        """The features' tokens in one row, in the order given."""
        types = None
        if features[0].token_type_ids is not None:
            types = torch.tensor([token for feature in features for token in feature.token_type_ids or ()])
        lengths = [len(feature) for feature in features]
        starts = accumulate(lengths, initial=0)
        places = [
            start + place
            for start, feature in zip(starts, features, strict=False)
            for place in feature.positions
        ]
        targets: dict[str, Tensor] = {}
        if any(feature.target_ids for feature in features):
            rows = [torch.tensor(feature.target_ids, dtype=torch.long) for feature in features]
            targets = {"target_ids": torch.cat(rows), "target_lengths": torch.tensor(list(map(len, rows)))}
        return cls(
            input_ids=torch.tensor([token for feature in features for token in feature.input_ids]),
            lengths=torch.tensor(lengths),
            token_type_ids=types,
            labels=labels,
            num_targets=num_targets,
            example_ids=tuple(feature.example_id for feature in features),
            positions=torch.tensor(places, dtype=torch.long),
            num_positions=torch.tensor([len(feature.positions) for feature in features]),
            offsets=tuple(feature.offsets for feature in features),
            asked=tuple(feature.asked for feature in features),
            num_target_characters=tuple(feature.num_target_characters for feature in features),
            **targets,
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        if self.input_ids.device == device:
            return self
        moved: dict[str, Any] = {
            name: value.to(device, non_blocking=True)
            for name in self.__slots__
            if isinstance(value := getattr(self, name), Tensor)
        }
        return replace(self, **moved)

    def padded(self, pad_token_id: int) -> dict[str, Tensor]:
        """The batch as `(sequences, longest)` tensors, padded on the right, with an `attention_mask`."""
        mask = torch.arange(int(self.lengths.max()), device=self.lengths.device) < self.lengths[:, None]
        input_ids = self.input_ids.new_full(mask.shape, pad_token_id)
        input_ids[mask] = self.input_ids
        inputs = {"input_ids": input_ids, "attention_mask": mask.long()}
        if self.token_type_ids is not None:
            types = torch.zeros_like(input_ids)
            types[mask] = self.token_type_ids
            inputs["token_type_ids"] = types
        return inputs

    def padded_targets(self) -> Tensor:
        """What a decoder is to write as `(sequences, longest)`, `IGNORE_INDEX` as padding."""
        assert self.target_ids is not None
        assert self.target_lengths is not None
        longest = int(self.target_lengths.max())
        mask = torch.arange(longest, device=self.target_lengths.device) < self.target_lengths[:, None]
        return self.target_ids.new_full(mask.shape, IGNORE_INDEX).masked_scatter(mask, self.target_ids)


Collate = Callable[[Sequence[Feature]], Batch]


@dataclass(frozen=True)
class TrainingBatches:
    """The micro-batches of every optimizer step, addressed by the step's number.

    Within a step the features stand longest first before they are cut into micro-batches of at most
    `micro_batch_size` features and `micro_batch_tokens` tokens (padding counted), which saves padding and
    changes no sum. The last batch of an epoch may be smaller.
    """

    features: Sequence[Feature]
    collate: Collate
    batch_size: int
    micro_batch_size: int
    seed: int
    micro_batch_tokens: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one pass over the features."""
        return math.ceil(len(self.features) / self.batch_size)

    def indices(self, step: int) -> list[int]:
        """Which features form the optimizer batch of `step`, counted from 0."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _order(self.seed, epoch, len(self.features))
        return [int(index) for index in order[place * self.batch_size : (place + 1) * self.batch_size]]

    def at(self, step: int, num_halvings: int = 0) -> list[Batch]:
        """The micro-batches of `step`, counted from 0, with both limits halved `num_halvings` times."""
        chosen = [self.features[index] for index in sorted(self.indices(step))]
        sizes = [feature.size for feature in chosen]
        tokens = self.micro_batch_tokens and max(1, self.micro_batch_tokens >> num_halvings)
        groups = by_token_budget(sizes, tokens, max(1, self.micro_batch_size >> num_halvings))
        return [self.collate([chosen[index] for index in group]) for group in groups]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order of an epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def by_token_budget(
    lengths: Sequence[int], batch_tokens: int | None, batch_size: int | None = None
) -> Iterator[list[int]]:
    """Groups of indices, longest first, of at most `batch_tokens` tokens, padding counted, and `batch_size`.

    None sets no limit; a group holds one index at least.
    """
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        longest = lengths[group[0]] if group else lengths[index]
        too_long = batch_tokens is not None and longest * (len(group) + 1) > batch_tokens
        if group and (too_long or len(group) == batch_size):
            yield group
            group = []
        group.append(index)
    if group:
        yield group
