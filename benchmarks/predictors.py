"""Contestants in prediction, each in a process of its own: text in, label and probabilities out, tokenising included."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.data import load
from benchmarks.link import device_memory, synchroniser
from benchmarks.recipe import Job, Json
from benchmarks.tasks import TASKS

if TYPE_CHECKING:
    from benchmarks.link import Link

Answers = Sequence[tuple[str, Mapping[str, float]]]
"""The chosen label and the probability of every label, for each text in order."""


@dataclass(frozen=True)
class Pipe:
    """How a transformers `pipeline` is used. `sorted_by_length` hands the texts over longest first."""

    batch_size: int = 1
    sorted_by_length: bool = False
    bfloat16: bool = False

    def to_json(self) -> Json:
        """As a flat object."""
        return asdict(self)


def serve(link: Link, values: Json) -> None:
    """Answer each `pass` with the time that all texts took, the first with the answers too."""
    job = Job.from_json(values["train"])
    texts = [row["text"] for row in load(job.data, "validation")]
    predict = ours(job, texts) if values["pipe"] is None else pipeline(job, Pipe(**values["pipe"]), texts)
    synchronise = synchroniser(job.device)
    link.answer(threads=torch.get_num_threads())
    while True:
        command = link.receive()
        if command["do"] == "stop":
            return
        if command["do"] == "memory":
            link.answer(**device_memory())
            continue
        synchronise()
        started = time.perf_counter()
        answers = predict()
        synchronise()
        seconds = time.perf_counter() - started
        told: dict[str, Any] = {"answers": list(answers)} if command.get("tell") else {}
        link.answer(seconds=seconds, examples=len(texts), **told)


def ours(job: Job, texts: Sequence[str]) -> Callable[[], Answers]:
    """Tunewell's one path for everything that answers."""
    from benchmarks.ours import prepared
    from tunewell.core.examples import Origin, Row

    entry = TASKS[job.task]
    _, dataset, parts = prepared(job)

    def predict() -> Answers:
        rows = (Row({"text": text}, Origin("texts", number)) for number, text in enumerate(texts, start=1))
        examples = (dataset.task.read(row, labelled=False) for row in rows)
        return [entry.our_answer(found) for found in parts.predictor.predict(examples)]

    return predict


def pipeline(job: Job, pipe: Pipe, texts: Sequence[str]) -> Callable[[], Answers]:
    """The library's pipeline, which reads the same number of tokens of a text.

    `top_k=None` makes it give every label's probability, as ours does; what is compared is what is timed.
    """
    import transformers

    torch.set_num_threads(job.threads)
    transformers.logging.set_verbosity_error()
    made = transformers.pipeline(
        TASKS[job.task].pipeline,
        model=job.start,
        device=job.device,
        dtype=torch.bfloat16 if pipe.bfloat16 else torch.float32,
    )
    order = list(range(len(texts)))
    if pipe.sorted_by_length:  # a user would sort by what is at hand: characters
        order.sort(key=lambda place: -len(texts[place]))
    cut = {"truncation": True, "max_length": job.recipe.max_length_tokens}

    def predict() -> Answers:
        found = made([texts[place] for place in order], batch_size=pipe.batch_size, top_k=None, **cut)
        answers: list[tuple[str, Mapping[str, float]]] = [("", {})] * len(texts)
        for place, answer in zip(order, found, strict=True):
            answers[place] = TASKS[job.task].their_answer(answer)
        return answers

    return predict
