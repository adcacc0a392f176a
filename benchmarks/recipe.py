"""What every contestant must have in common, and the job that a contestant's process is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from benchmarks.setups import Setup

Json = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """One way to fine-tune, the same for all.

    Rate, batch size and length are those that run_glue's readme documents. The rate falls linearly without a
    warm-up, as there: with one, the two libraries would start it differently. The decay is not the Trainer's
    default of 0 but 0.01, so that it matters which parameters decay.
    """

    batch_size: int = 32
    max_length_tokens: int = 128
    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    max_grad_norm: float = 1.0
    bfloat16: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Job:
    """All that one contestant's process is told; it goes to the process as JSON.

    `start` is a model folder with its head, `data` a folder with the rows. `order`, where it is given, holds the
    rows of each step. `spread` lets the Trainer's length-grouped batches come in an order of which any stretch
    is a fair sample. `report_losses` asks for the loss of every step, which costs time. `scratch` may be written
    to.
    """

    contestant: str
    setup: Setup | None
    task: str
    start: str
    data: str
    num_steps: int
    threads: int
    scratch: str
    recipe: Recipe = field(default_factory=Recipe)
    device: str = "cpu"
    order: list[list[int]] | None = None
    spread: bool = True
    report_losses: bool = False

    def changed(self, **values: Any) -> Self:
        """The same job with some of it changed."""
        return replace(self, **values)

    def to_json(self) -> Json:
        """What `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The job that `to_json` wrote down."""
        setup = values["setup"]
        return cls(
            **{
                **values,
                "recipe": Recipe(**values["recipe"]),
                "setup": None if setup is None else Setup(**setup),
            }
        )
