"""The seam between a task and everything else.

A task is one class in one file of this folder. Its members stand here in the order in which data lives:
row -> example -> feature -> batch -> loss, and back: outputs -> prediction -> scores -> report sections.
Every room above (training, predictor, runs, report, command line) works through these members alone and
never asks for a task's name. No torch here: a configuration error must not wait for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from tunewell.config import TaskSettings
from tunewell.core.errors import ConfigError
from tunewell.core.examples import Example, Prediction, Row, Turn
from tunewell.core.sections import Section
from tunewell.data.features import Feature

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tunewell.data.batches import Batch
    from tunewell.data.checks import Finding
    from tunewell.metrics.tables import Scores
    from tunewell.models import ModelLoader, Tokenizer

E = TypeVar("E", bound=Example)
P = TypeVar("P", bound=Prediction)
C = TypeVar("C", bound=TaskSettings)

Outputs = Sequence[Any]
"""What a model gave for each window of a batch, on the CPU, as plain numpy arrays or numbers."""


class Baseline(Protocol):
    """What a Transformer must beat: fitted and scored on the same examples as the model."""

    def fit(self, examples: Sequence[Any]) -> None:
        """Learn from labelled examples."""

    def predict(self, examples: Sequence[Any]) -> Sequence[Any]:
        """One prediction per example, in order."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a task would read a file: its settings completed, and the sentence that says so aloud."""

    settings: Mapping[str, Any]
    said: str


class Task(ABC, Generic[E, P, C]):
    """One kind of thing to learn. Instances are immutable: `learn` and `calibrate` return new ones."""

    name: ClassVar[str]
    Config: ClassVar[type[TaskSettings]]
    engines: ClassVar[tuple[str, ...]] = ("torch",)
    """What a trained model may be computed with."""
    pipeline_tag: ClassVar[str] = ""
    """What the Hub calls such models, where that is not `name`."""
    cut_from: ClassVar[str] = ""
    """What an example that is too long loses first, where that is not its end."""
    config: C

    # What the data look like

    @classmethod
    @abstractmethod
    def infer(cls, columns: Sequence[str], sample: Sequence[Row], given: Mapping[str, Any]) -> Reading | None:
        """How this task would read such a file, or None when the columns don't look like its own.

        `given` holds the settings that the user has fixed. Raises `ConfigError` when the file is of this
        task's kind but has more than one sensible reading.
        """

    @classmethod
    def gathered(
        cls, columns: Sequence[str], rows: Sequence[Row]
    ) -> tuple[Sequence[str], Sequence[Row]] | None:
        """Columns and rows of a table in which several rows make an example, put together; None where a row is one."""
        return None

    @classmethod
    @abstractmethod
    def new(cls, config: C) -> Self:
        """A task that has read its settings and learnt nothing yet."""

    @abstractmethod
    def read(self, row: Row, *, labelled: bool = True) -> E:
        """One row, checked. Without `labelled` the target may be missing.

        Raises `DataError` with the row's `file:line` and the column.
        """

    def adapted(self, columns: Sequence[str], rows: Sequence[Row]) -> Self:
        """The same task, reading labelled rows of a file that is written in another way than the training file.

        It is for `check_columns` and `read` alone, of this file; what was learnt, and the settings that are saved, stay
        those of training. By default a file is read as the training file is.
        """
        return self

    def check_columns(self, columns: Sequence[str], name: str, *, labelled: bool = True) -> None:
        """Raise `DataError` when a file called `name` lacks a column that `read` needs."""

    @abstractmethod
    def learn(self, examples: Mapping[str, Sequence[E]]) -> Self:
        """What must be known before training, from the examples of each split: labels, ranges."""

    @classmethod
    @abstractmethod
    def from_json(cls, config: C, learnt: Mapping[str, Any]) -> Self:
        """The task that `to_json` described."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Everything learnt, for `task.json`; the settings are saved beside it."""

    # From examples to the loss

    def build_tokenizer(self, loader: ModelLoader, examples: Sequence[E]) -> Tokenizer:
        """The model's own tokenizer; a task may learn one from the training `examples` instead.

        Without examples it is the tokenizer of a saved model. Comes before `build_model`, with the same loader.
        """
        return loader.tokenizer()

    @abstractmethod
    def encode(self, example: E, tokenizer: Tokenizer) -> list[Feature]:
        """One or more windows of token ids."""

    @abstractmethod
    def collate(self, features: Sequence[Feature]) -> Batch:
        """A ragged batch with labels and `num_targets`, where the features have targets."""

    @abstractmethod
    def build_model(self, loader: ModelLoader) -> nn.Module:
        """A model with the head that this task needs."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """The sum, never the mean, of the loss over the batch's targets; a scalar."""

    # From outputs to a verdict

    @abstractmethod
    def predict(self, model: nn.Module, batch: Batch, tokenizer: Tokenizer) -> Outputs:
        """One entry per sequence of the batch, in order: plain numbers on the CPU that `decode` needs, and no more.

        All of a split's are held at once for `calibrate`, so logits over tokens or a vocabulary stay behind. A task
        that writes gives texts, which it has the `tokenizer` for.
        """

    def in_training(self) -> Self:
        """The task as it answers while training goes on: good enough to choose a checkpoint, at less cost."""
        return self

    def calibrate(self, examples: Sequence[E], outputs: Sequence[Outputs]) -> Self:
        """What is learnt after training, on validation examples: thresholds. One `Outputs` per example."""
        return self

    @abstractmethod
    def decode(self, example: E, outputs: Outputs) -> P:
        """The windows' outputs merged into a prediction in the user's own words and characters."""

    def answer(self, prediction: P) -> Any:
        """What the prediction says, in the form of `target`; by default the first of its fields."""
        return next(iter(prediction.to_json().values()))

    def read_prediction(self, example_id: str, fields: Mapping[str, Any]) -> P:
        """The prediction that `to_json` wrote into the `fields` of a row of `predictions.jsonl`.

        Raises `KeyError` or `TypeError` for a row of another kind.
        """
        raise ConfigError(f"predictions of {self.name} cannot be read again, so its runs cannot be compared")

    @abstractmethod
    def score(self, examples: Sequence[E], predictions: Sequence[P]) -> Scores:
        """Parts per example and the metrics made of their sums; which metric is primary."""

    @abstractmethod
    def describe(self, examples: Sequence[E], predictions: Sequence[P]) -> list[Section]:
        """What the report shows of these predictions, as data."""

    # What the rooms above need to stay free of task names

    def next_turn(self, turns: Sequence[Turn], example_id: str) -> E | None:
        """An example that asks what is said after `turns`; None of a task that holds no conversations."""
        return None

    @abstractmethod
    def input_columns(self) -> list[str]:
        """The columns that a row without a target needs."""

    @abstractmethod
    def texts(self, example: E) -> tuple[str, ...]:
        """The texts that the model reads of an example."""

    @abstractmethod
    def with_texts(self, example: E, texts: Sequence[str]) -> E:
        """The same example with other texts, its target moved along."""

    @abstractmethod
    def target(self, example: E) -> Any:
        """The gold answer, JSON-ready; None where it is unknown."""

    def checks(self, examples: Mapping[str, Sequence[E]]) -> list[Finding]:
        """What the data doctor should say of this task's examples besides what it finds for all tasks."""
        return []

    def stratum(self, example: E) -> Any:
        """What a split keeps in proportion: a label, a tuple of labels, a number, or None."""
        return None

    def baselines(self, tokenizer: Tokenizer) -> Mapping[str, Callable[[], Baseline]]:
        """Makers of the simple methods that a model must beat, by name.

        `tokenizer` is for those that must count in the model's own tokens.
        """
        return {}

    def artefact_difference(
        self, folder: Path, examples: Sequence[E], predictions: Sequence[P]
    ) -> float | None:
        """The largest difference between `predictions` and what Hugging Face's own classes give.

        `folder` holds the saved model, read with nothing of ours; None when there is no such class.
        """
        return None
