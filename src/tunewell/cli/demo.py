"""`tunewell demo`: fine-tune the model pack on the sample data that comes with the package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Annotated

import typer


@dataclass(frozen=True)
class Sample:
    """Bundled data of one task: its folder in `tunewell.samples`, and settings that suit so few examples.

    `caution` is what so small a run cannot show, said before it starts.
    """

    folder: str
    settings: Sequence[str]
    caution: str = ""


SAMPLES = {
    "text-classification": Sample("reviews", ["training.epochs=5"]),
    "token-classification": Sample("mentions", ["training.epochs=10", "training.learning_rate=2e-4"]),
    "translation": Sample(
        "pairs",
        [
            "task.source_language=en",
            "task.target_language=de",
            "task.decoder=from-encoder",
            "training.epochs=8",
            "training.learning_rate=4e-4",
            "training.batch_size=16",
        ],
        "604 sentence pairs about one small place teach how its sentences are put together, and no other German: expect a "
        "good score on sentences of the same kind, and nonsense for any other.",
    ),
    "dialogue": Sample(
        "conversations",
        [
            "model.from_scratch=true",
            "model.hidden_size=128",
            "model.vocab_size=1200",
            "training.epochs=20",
            "training.learning_rate=2e-3",
            "training.batch_size=8",
        ],
        "332 conversations at one library desk, read by a small model that starts from nothing: it learns their phrases "
        "and facts, often gives a wrong one fluently, and knows of nothing else. It is no assistant.",
    ),
    "question-answering": Sample(
        "passages",
        ["training.epochs=3", "training.learning_rate=4e-4", "training.batch_size=8"],
        "239 questions read three times are far too few to learn reading comprehension from: expect no more than "
        '"always no answer" gets. The demo shows the way from a file to a report; thousands of questions make a model.',
    ),
}


def demo(
    task: Annotated[
        str, typer.Option(metavar="T", help="The task whose sample data to train on.")
    ] = "text-classification",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train again even if the demo has run before.")
    ] = False,
) -> None:
    """Fine-tune MiniLM on sample data that comes with tunewell: reviews, tagged mentions, passages with questions or sentence pairs.

    Conversations train a small model of their own. Fetches MiniLM where it is not there yet.
    """
    from tunewell.cli.train import configure, run_training
    from tunewell.core.errors import ConfigError
    from tunewell.models import packs

    if task not in SAMPLES:
        raise ConfigError(f"no sample data for {task!r}", fix=f"samples: {', '.join(SAMPLES)}")
    if not packs.installed("minilm"):
        packs.get("minilm")
    sample = SAMPLES[task]
    if sample.caution:
        print(sample.caution, file=sys.stderr)
    with as_file(files("tunewell.samples") / sample.folder) as folder:
        config = configure(str(folder), {"task": {"name": task}}, list(sample.settings))
        run_training(config, mode="fresh" if fresh else "auto")
