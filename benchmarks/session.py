"""One model on one data set, made ready: rows written, starts written, jobs for the contestants."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import data, machine, models
from benchmarks.data import Rows
from benchmarks.floor import Shape
from benchmarks.processes import Child, thread_environment
from benchmarks.recipe import Job, Json, Recipe
from benchmarks.setups import Setup, contestant
from benchmarks.tasks import TASKS
from tunewell.models import ModelLoader
from tunewell.runtime import physical_cores

FOLDER_PREFIX = "tunewell-bench-"
"""How the names of temporary folders begin."""

ENDLESS = 1_000_000
"""Steps of a schedule that no measurement reaches the end of."""


@dataclass(frozen=True)
class Wish:
    """What is to be measured."""

    task: str
    model: str
    data: str
    device: str = "cpu"
    threads: int | None = None
    num_rows: int | None = None
    num_validation: int = 1000
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Session:
    """What was made ready for a wish. `folder` is temporary."""

    wish: Wish
    folder: Path
    rows: Rows
    start: Path
    recipe: Recipe
    threads: int
    shape: Shape
    mean_tokens: float
    label_names: tuple[str, ...]

    def job(self, name: str, setup: Setup | None, place: str, num_steps: int = ENDLESS) -> Job:
        """The job of a contestant whose scratch folder is called `place`."""
        return Job(
            contestant=name,
            setup=setup,
            task=self.wish.task,
            start=str(self.start),
            data=str(self.rows.folder),
            num_steps=num_steps,
            threads=self.threads,
            scratch=str(self.folder / place),
            recipe=self.recipe,
            device=self.wish.device,
        )

    def contestant(self, name: str, place: str, num_steps: int = ENDLESS) -> Job:
        """The job of a contestant by its name in the tables."""
        setup, _ = contestant(name, self.wish.model, self.rows.name, self.wish.device.split(":")[0])
        return self.job(name, setup, place, num_steps)

    def start_with(self, seed: int) -> Path:
        """A start whose head was drawn by another seed."""
        folder = self.folder / f"start-{seed}"
        if not folder.is_dir():
            auto_class = TASKS[self.wish.task].auto_class
            models.write_start(models.find(self.wish.model), folder, auto_class, self.label_names, seed=seed)
        return folder

    @property
    def dropout(self) -> Json:
        """Every dropout of the start, by the name that the model's configuration has for it."""
        config = json.loads((self.start / "config.json").read_text(encoding="utf-8"))
        return {key: value for key, value in config.items() if models.is_dropout(key, value)}

    def gemm(self) -> Child:
        """The process that measures the rate of the model's matrix products; its first answer is to be read."""
        job: Json = {
            "tokens": max(1, round(self.mean_tokens * self.recipe.batch_size)),
            "hidden": self.shape.hidden,
            "intermediate": self.shape.intermediate,
            "bfloat16": self.recipe.bfloat16,
            "device": self.wish.device,
            "threads": self.threads,
        }
        return Child("gemm", job, self.folder / "gemm" / "log", thread_environment(self.threads))

    def describe(self) -> Json:
        """Everything that another person needs to repeat it."""
        return {
            "task": self.wish.task,
            "model": self.wish.model,
            "data": self.rows.name,
            "device": self.wish.device,
            "threads": self.threads,
            "num_rows": len(self.rows.train),
            "num_validation": len(self.rows.validation),
            "mean_tokens": self.mean_tokens,
            "recipe": self.recipe.__dict__,
            "dropout": self.dropout,
            "shape": self.shape.to_json(),
            "machine": machine.describe(self.wish.device),
            "sha256": {
                **{f"{split} file": machine.file_hash(path) for split, path in self.rows.sources.items()},
                "training rows": machine.file_hash(self.rows.folder / "train.jsonl"),
                "start": machine.file_hash(self.start / models.WEIGHTS),
            },
        }


@contextmanager
def opened(wish: Wish) -> Iterator[Session]:
    """Make everything ready in a temporary folder, which goes when the block ends. Raises `UnusableError`."""
    if wish.task not in TASKS:
        raise data.UnusableError(f"no task {wish.task!r}: there are {', '.join(TASKS)}")
    entry = TASKS[wish.task]
    data.find(wish.data, wish.task)  # before a model is made or fetched
    model = models.find(wish.model)
    recipe = replace(
        wish.recipe, max_length_tokens=min(wish.recipe.max_length_tokens, models.max_length(model))
    )
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as name:
        folder = Path(name)
        rows = data.prepare(
            wish.data,
            wish.task,
            folder / "rows",
            batch_size=recipe.batch_size,
            num_rows=wish.num_rows,
            num_validation=wish.num_validation,
        )
        names = entry.label_names([*rows.train, *rows.validation])
        start = models.write_start(model, folder / "start", entry.auto_class, names)
        tokenizer = ModelLoader(str(start)).tokenizer()
        lengths = [
            len(tokenizer.encode((row["text"],), recipe.max_length_tokens).input_ids)
            for row in rows.train[:2000]
        ]
        yield Session(
            wish=wish,
            folder=folder,
            rows=rows,
            start=start,
            recipe=recipe,
            threads=wish.threads or physical_cores(),
            shape=Shape.of(json.loads((start / "config.json").read_text(encoding="utf-8"))),
            mean_tokens=sum(lengths) / len(lengths),
            label_names=names,
        )
