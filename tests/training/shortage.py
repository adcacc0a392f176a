"""What a process does whose memory is short, for real: its address space is limited, and allocations fail.

Run as a script it prints what it found as JSON: a test process must not limit itself.
"""

from __future__ import annotations

import json
import resource
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.core.errors import ResourceError
from tunewell.core.examples import Origin, Row
from tunewell.models import ModelLoader
from tunewell.predictor import Predictor
from tunewell.runtime import Runtime
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig
from tunewell.testing import tiny_model
from tunewell.training.loop import LoopSettings, TrainState, train
from tunewell.training.pairs import PairBatches, from_loss_fn

MEGABYTES = 1_000_000
POSITIONS, WIDTH = 16_384, 4096
"""One activation of the module below has 268 MB: a forward pass peaks at two of them, a backward at three."""


def leave(megabytes: int) -> None:
    """Let this process have only so much memory more than it has now."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * MEGABYTES, hard))


def leave_everything() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def loss_fn(outputs: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(outputs.mean(1), labels)


def trained(state: TrainState, num_rows: int) -> dict[str, Any]:
    """Three steps over one batch of `num_rows` rows, which have `POSITIONS` positions together."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 3))
    inputs = torch.randn(num_rows, POSITIONS // num_rows, 16)
    labels = torch.randint(3, (num_rows,))
    reached: list[str] = []

    def compute_loss(model: nn.Module, pair: Any) -> Tensor:
        reached.append("forward")
        loss = from_loss_fn(loss_fn)(model, pair)
        reached[-1] = "backward"
        return loss

    events = train(
        model,
        compute_loss,
        PairBatches([(inputs, labels)], splittable=True),
        torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        lambda step: 1.0,
        settings=LoopSettings(num_steps=3, evaluate_every=99, max_grad_norm=1.0),
        runtime=Runtime(),
        state=state,
        evaluate=lambda: None,
    )
    steps = [[event.step, float(event.loss), float(event.grad_norm)] for event in events]  # type: ignore[union-attr]
    weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    return {
        "steps": steps,
        "num_halvings": state.num_halvings,
        "reached": reached,
        "weights": weights[:: len(weights) // 500].tolist(),
    }


def training(megabytes: int) -> dict[str, Any]:
    """The same training with all memory, with little, and again with all in the pieces that the little led to."""
    whole = trained(TrainState(), POSITIONS)
    leave(megabytes)
    short = trained(TrainState(), POSITIONS)
    leave_everything()
    again = trained(TrainState(num_halvings=short["num_halvings"]), POSITIONS)
    return {"whole": whole, "short": short, "again": again}


def one_row_does_not_fit() -> dict[str, Any]:
    leave(100)
    try:
        trained(TrainState(), num_rows=2)
    except ResourceError as error:
        return {"error": str(error), "exit_code": error.exit_code}
    finally:
        leave_everything()
    return {}


def predicting(megabytes: int) -> dict[str, Any]:
    config = TextClassificationConfig(text="text", label="label", kind="single_label")
    texts = [f"{'wonderful plain words ' * 12} number {index}" for index in range(1500)]
    with tempfile.TemporaryDirectory() as folder:
        tiny_model(Path(folder), "bert", texts[:50], hidden_size=256)
        task = TextClassification.new(config)
        examples = [
            task.read(Row({"text": text, "label": f"label {index % 2}"}, Origin("t.csv", index + 2)))
            for index, text in enumerate(texts)
        ]
        task = task.learn({"train": examples})
        loader = ModelLoader(folder)
        predictor = Predictor(task, task.build_model(loader), loader.tokenizer(), Runtime(), 10**7)
        whole = [p.to_json()["probabilities"]["label 0"] for p in predictor.predict(examples)]
        before = predictor.batch_tokens
        leave(megabytes)
        short = [p.to_json()["probabilities"]["label 0"] for p in predictor.predict(examples)]
        leave_everything()
    difference = max(abs(a - b) for a, b in zip(whole, short, strict=True))
    return {"before": before, "after": predictor.batch_tokens, "difference": difference}


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = {
        "forward": training(400),
        "backward": training(700),
        "one row": one_row_does_not_fit(),
        "prediction": predicting(250),
    }
    print(json.dumps(found))
