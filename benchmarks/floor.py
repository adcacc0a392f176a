"""What training costs at least, and how fast this machine multiplies matrices of the model's own shapes.

Utilisation is the floor's operations a second over that rate. Only real tokens count: no padding, nothing that is
computed twice. Of the parameters only the matrices of the layers count, through which every token goes; embeddings,
norms and the head do not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from benchmarks.recipe import Json

if TYPE_CHECKING:
    from benchmarks.link import Link

_FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")
"""Four square matrices for attention and two of the feed-forward part in each layer."""


@dataclass(frozen=True)
class Shape:
    """The sizes of an encoder that decide its cost."""

    num_layers: int
    hidden: int
    intermediate: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """From a model's `config.json`. Raises `ValueError` for a family whose layers are not known here."""
        if config["model_type"] not in _FAMILIES:
            raise ValueError(
                f"the cost of a {config['model_type']} layer is not known here: add it to benchmarks/floor.py"
            )
        if config["model_type"] == "distilbert":
            return cls(config["n_layers"], config["dim"], config["hidden_dim"])
        return cls(config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"])

    @property
    def matmul_parameters(self) -> int:
        """Weights that every token is multiplied with."""
        return self.num_layers * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)

    def training_operations(self, tokens: int, squared_tokens: int) -> float:
        """Of forward and backward pass; `squared_tokens` is the sum of the sequences' squared lengths."""
        return 6.0 * self.matmul_parameters * tokens + 12.0 * self.num_layers * self.hidden * squared_tokens

    def to_json(self) -> Json:
        """As a flat object."""
        return {**asdict(self), "matmul_parameters": self.matmul_parameters}


def utilisation(shape: Shape, segment: Json, rate: float) -> float:
    """The share of `rate` (operations a second) that a segment used."""
    operations = shape.training_operations(segment["tokens"], segment["squared_tokens"])
    return operations / float(segment["seconds"]) / rate


def serve(link: Link, values: Json) -> None:
    """In a process of its own: answer each `measure` with the rate of one layer's products."""
    import torch

    torch.set_num_threads(values["threads"])
    dtype = torch.bfloat16 if values["bfloat16"] else torch.float32
    link.answer(threads=torch.get_num_threads())
    while True:
        command = link.receive()
        if command["do"] == "stop":
            return
        link.answer(**measure(values, dtype, values["device"], command["seconds"]))


def measure(values: Json, dtype: Any, device: str, seconds: float) -> Json:
    """Operations a second over all products of a layer, and by shape.

    Forward `X W`, and backward `dY W` and `X' dY`, for the square matrices (four times) and the two of the
    feed-forward part. The median over repetitions, as others may use the machine too.
    """
    tokens, hidden, intermediate = values["tokens"], values["hidden"], values["intermediate"]
    shapes = {
        "attention": (hidden, hidden, 4),
        "widening": (hidden, intermediate, 1),
        "narrowing": (intermediate, hidden, 1),
    }
    rates, operations, duration = {}, 0.0, 0.0
    for name, (inner, outer, times) in shapes.items():
        for form, (rows, middle, columns) in {
            "forward": (tokens, inner, outer),
            "backward to inputs": (tokens, outer, inner),
            "backward to weights": (inner, tokens, outer),
        }.items():
            taken = _seconds(rows, middle, columns, dtype, device, seconds / 9, form)
            work = 2.0 * rows * middle * columns
            rates[f"{name}, {form}"] = work / taken
            operations += times * work
            duration += times * taken
    return {"rate": operations / duration, "by_shape": rates}


def _seconds(
    rows: int, middle: int, columns: int, dtype: Any, device: str, budget: float, form: str
) -> float:
    """The median time of one product, laid out in memory as a linear layer lays it out."""
    import torch

    from benchmarks.link import synchroniser

    synchronise = synchroniser(device)
    made = {"dtype": dtype, "device": device}
    left = (
        torch.randn(middle, rows, **made).t()
        if form.endswith("weights")
        else torch.randn(rows, middle, **made)
    )
    right = (
        torch.randn(columns, middle, **made).t()
        if form == "forward"
        else torch.randn(middle, columns, **made)
    )
    out = torch.empty(rows, columns, **made)
    times: list[float] = []
    repeats = 50 if device.startswith("cuda") else 1  # so that waiting for the device costs little
    torch.mm(left, right, out=out)
    synchronise()
    end = time.perf_counter() + budget
    while len(times) < 3 or time.perf_counter() < end:
        started = time.perf_counter()
        for _ in range(repeats):
            torch.mm(left, right, out=out)
        synchronise()
        times.append((time.perf_counter() - started) / repeats)
    return statistics.median(times)
