"""A feature: one window of one example as token ids. No torch here, so that tasks may import it freely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A reply that is asked for: the token ids that are given, and those of the gold reply, its end included.

    The latter are empty where nobody knows it.
    """

    prompt_ids: Sequence[int]
    gold_ids: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Feature:
    """What a model reads of one example.

    `input_ids` holds the token ids with the model's special tokens; `token_type_ids`, where the model has
    them, is as long. `target` is in the form that the task's `collate` understands and None in prediction.
    `num_truncated_tokens` counts what the maximum length cut off. A task that reads single tokens, not the
    text as a whole, names their places in `positions`, ascending, and the half-open character span of each in the
    user's text in `offsets`. `out_of_reach` says, on an example's first window, why the model can never give its target
    ("longer than task.max_answer_tokens (30)"); it is empty where it can.

    A task that writes text has its own: `target_ids` are the token ids that a decoder is to write, where encoder and
    decoder are two; `asked` is the reply that is asked for, if any is. `num_target_characters` is the length of the
    user's text that the target stands for, where a likelihood per character is wanted.
    """

    example_id: str
    input_ids: Sequence[int]
    token_type_ids: Sequence[int] | None = None
    target: Any = None
    num_truncated_tokens: int = 0
    positions: Sequence[int] = ()
    offsets: Sequence[tuple[int, int]] = ()
    out_of_reach: str = ""
    target_ids: Sequence[int] = ()
    asked: Asked | None = None
    num_target_characters: int = 0

    @property
    def size(self) -> int:
        """What decides the cost of a forward pass: the longer of what is read and what is written, in tokens."""
        return max(len(self.input_ids), len(self.target_ids))

    def __len__(self) -> int:
        return len(self.input_ids)
