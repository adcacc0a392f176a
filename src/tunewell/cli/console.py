"""What a person sees of a run: progress while it goes, and a summary that says what to do next.

On a terminal a bar with rate, loss, time left and validation score; elsewhere plain lines, few of them.
Progress and notes go to standard error, results to standard output.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tunewell.cli.words import count_text, difference_text, duration_text, interval_text, visible
from tunewell.core.results import RunScores, SplitScores, lower_is_better

if TYPE_CHECKING:
    from rich.table import Table

    from tunewell.config import RunConfig
    from tunewell.dataset import Dataset
    from tunewell.runs import Run
    from tunewell.sinks import Event

_PLAIN_LINES = 10
"""About how many lines of training progress are printed where there is no terminal."""

_NO_WIDTH = 10_000


class ConsoleSink:
    """A sink for people. Use it as a context manager: the bar goes away with it."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        self._progress: Progress | None = None
        self._loss = 0.0
        self._score = ""

    def __enter__(self) -> ConsoleSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_bar()

    def say(self, message: str, level: str = "info") -> None:
        """One line; warnings are marked in words and, on a terminal, in colour."""
        style = "yellow" if level == "warning" else "dim"
        prefix = "warning: " if level == "warning" else ""
        self._console.print(prefix + visible(message), style=style, markup=False)

    def __call__(self, event: Event) -> None:
        from tunewell.sinks import Said, Started
        from tunewell.training.loop import StepDone

        if isinstance(event, Said):
            if event.level != "warning":
                self._end_bar()
            self.say(event.message, event.level)
        elif isinstance(event, Started):
            self._begin(event)
        elif isinstance(event, StepDone):
            self._step(event)
        else:
            self._evaluation(event)

    def _begin(self, event: Any) -> None:
        self._event, self._begun, self._first_step = event, time.monotonic(), event.step
        epochs = event.num_steps / event.steps_per_epoch
        self.say(
            f"training: {event.num_steps} steps of {event.batch_size} examples, {epochs:.3g} epoch{'' if epochs == 1 else 's'}"
        )
        if self._console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.completed}/{task.total} steps"),
                BarColumn(),
                TextColumn("{task.fields[said]}"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
            self._bar = self._progress.add_task("", total=event.num_steps, completed=event.step, said="")

    def _step(self, event: Any) -> None:
        interval = max(1, self._event.num_steps // _PLAIN_LINES)
        shown = self._progress is not None or event.step % interval == 0
        if not shown:
            return
        self._loss = float(event.loss)
        done = event.step - self._first_step
        seconds = max(time.monotonic() - self._begun, 1e-9)
        rate = done * self._event.batch_size / seconds
        said = f"loss {self._loss:.3f}  {rate:.0f} examples/s{self._score}"
        if self._progress is not None:
            self._progress.update(self._bar, completed=event.step, said=said)
        else:
            left = duration_text((self._event.num_steps - event.step) * seconds / max(done, 1))
            self.say(f"step {event.step}/{self._event.num_steps}  {said}  {left} left")

    def _evaluation(self, event: Any) -> None:
        best = ", the best so far" if event.is_best else ""
        evaluation = event.evaluation
        value = evaluation.values.get(evaluation.metric, evaluation.score)
        self._score = f"  validation {value:.3f}"
        self.say(f"step {event.step}: validation {evaluation.metric or 'score'} {value:.3f}{best}")

    def _end_bar(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def print_table(table: Table) -> None:
    """A table to standard output; where that is no terminal, and so has no width, each row stays on its line."""
    terminal = sys.stdout.isatty() if sys.stdout is not None else False
    console = Console(highlight=False, emoji=False, markup=False, width=None if terminal else _NO_WIDTH)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())


def print_summary(run: Run) -> None:
    """The headline with its interval, the baselines, the time, where things are, what to try next."""
    scores = run.scores
    split = scores.headline_split
    part = scores.splits[split]
    print()
    print(
        f"{scores.primary} {interval_text(scores.headline)} on {count_text(part.num_examples, f'{split} example')}"
    )
    lower = " (lower is better)" if lower_is_better(scores.primary) else ""
    for name, difference in scores.differences.items():
        theirs = scores.baselines[name][split].scores[scores.primary]
        print(f"  {name}: {theirs.value:.3f}; the model is {difference_text(difference)} against it{lower}")
    if part.selected_on:
        print("  this split chose the checkpoint, so the score is too good: give test data with --test")
    seconds = run.dir.read_manifest().get("wall_seconds")
    if seconds is not None:
        print(f"time      {duration_text(seconds)}")
    print(f"folder    {run.path}")
    print(f"report    {run.report_path}")
    print(f"model     {run.dir.model} (loads with transformers alone)")
    if run.dir.adapter.is_dir():
        print(f"adapter   {run.dir.adapter} (for peft; the model has it merged)")
    print("next")
    for line in _suggestions(run, scores):
        print(f"  {line}")


def _suggestions(run: Run, scores: RunScores) -> list[str]:
    """What a person may want to do now, commands first."""
    columns = run.task.input_columns()
    texts = " ".join(f'--text "{column if len(columns) > 1 else ""}..."' for column in columns)
    lines = [f"tunewell predict {run.path} {texts}", f"tunewell evaluate {run.path} OTHER_LABELLED_FILE"]
    if run.task.next_turn((), "") is not None:
        lines.insert(0, f"tunewell chat {run.path}")
    headline = scores.headline
    narrow = 0.05 if abs(headline.value) <= 1 else 0.1 * abs(headline.value)
    if headline.low is not None and headline.high is not None and headline.high - headline.low > narrow:
        lines.append("the interval is wide: more test examples would make it narrower")
    unclear = [
        name
        for name, d in scores.differences.items()
        if d.low is not None and d.high is not None and d.low <= 0 <= d.high
    ]
    if unclear:
        lines.append(
            f"no difference to {unclear[0]} is shown: more training data, or more epochs, may show one"
        )
    return lines


def print_scores(scores: SplitScores) -> None:
    """Every metric of one split."""
    print(count_text(scores.num_examples, "example"))
    width = max(len(name) for name in scores.scores)
    for name, score in scores.scores.items():
        print(f"  {name:<{width}}  {interval_text(score)}")


def print_plan(config: RunConfig, dataset: Dataset, folder: Path) -> None:
    """What `train` would do, and the complete settings as a run file."""
    from tunewell.config import to_yaml

    sizes = ", ".join(f"{len(examples)} {name}" for name, examples in dataset.examples.items())
    print(f"# would train on {sizes} examples, in {folder}")
    print(to_yaml(config), end="")
