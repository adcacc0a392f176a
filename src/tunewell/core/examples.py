"""What flows through every task: row -> example -> prediction.

A `Row` is one record of a file, as it was read. A task's `read` turns it into an `Example`, and `decode`
turns a model's outputs for it into a `Prediction`. Baselines, predictors, metrics and reports know these
types and no task. Features and batches, which hold token ids, live in `tunewell.data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row came from: a file (or data set) name and a line or row number counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Row:
    """One record: column name to value as the file has it (strings in CSV and TSV, JSON types elsewhere)."""

    values: Mapping[str, Any]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Example:
    """One thing to predict, checked and typed. Each task adds what it needs in a subclass.

    `id` is unique within a split: the row's own `id` column where it has one, else its line number.
    `group_id` ties examples that are not independent (questions on one paragraph, turns of one
    conversation): resampling keeps a group together, and so do splits.
    """

    id: str
    origin: Origin
    group_id: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class TextExample(Example):
    """One text, or a pair of texts, with its target, where that is known.

    `target` is a label name for one label, a tuple of names for several, a float for regression.
    """

    texts: tuple[str, ...]
    target: str | tuple[str, ...] | float | None = None


@dataclass(frozen=True, slots=True)
class TaggedExample(Example):
    """A text cut into words, with a tag for each word, where they are known.

    `words` holds the half-open character span of each word in `text`, in order and without overlap. Tags of
    entities are in the scheme IOB2 (`B-place`, `I-place`, `O`), whatever scheme the file has. What was odd in
    the file is kept by the index of the word: `illegal` tags could not follow the one before them, entities that
    begin at one of `widened` were marked there from or to within a word. `text_missing` says why `text` does not
    stand in the row's own columns, as far as a prediction leaves them their names: there is none (`absent`), or one
    in which the words do not stand (`other`).
    """

    text: str
    words: tuple[tuple[int, int], ...]
    tags: tuple[str, ...] | None = None
    illegal: tuple[int, ...] = ()
    widened: tuple[int, ...] = ()
    text_missing: Literal["absent", "other"] | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words themselves."""
        return tuple(self.text[start:end] for start, end in self.words)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question, and where it stands in the context; `char_start` is None where it does not.

    `placed` says who says so: the file (`given`), a search for the occurrence nearest to a wrong place in the file
    (`moved`), or a search for the first one (`found`).
    """

    text: str
    char_start: int | None
    placed: Literal["given", "moved", "found"] = "given"


@dataclass(frozen=True, slots=True)
class QuestionExample(Example):
    """A question on a context, with its gold answers, where they are known.

    No answers at all, `()`, means that the context does not answer the question; None that nobody said.
    """

    question: str
    context: str
    answers: tuple[Answer, ...] | None = None


@dataclass(frozen=True, slots=True)
class TranslationExample(Example):
    """A text and what it is to be rewritten as: its translation, or its summary; None where nobody said."""

    source: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says in a conversation; `system` says beforehand how the assistant is to behave."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class DialogueExample(Example):
    """A conversation, from its first turn to its last.

    A last turn of the assistant's is the reply that is known; without one, a reply is asked for. System turns stand
    before all others; user and assistant take turns after them. `num_left_out` turns of the user's stood after the last reply, and
    `num_joined` turns were joined to the one before them, which the same speaker said.
    """

    turns: tuple[Turn, ...]
    num_left_out: int = 0
    num_joined: int = 0

    @property
    def reply(self) -> str | None:
        """What the assistant says last, where that is known."""
        return self.turns[-1].text if self.turns and self.turns[-1].role == "assistant" else None

    @property
    def history(self) -> tuple[Turn, ...]:
        """What was said before the reply."""
        return self.turns if self.reply is None else self.turns[:-1]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one example; `to_json` gives the fields of a row of `predictions.jsonl`."""

    example_id: str

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, in the order in which they are written."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LabelPrediction(Prediction):
    """One label; `probabilities` maps each label name to its probability and sums to 1."""

    label: str
    probabilities: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """`label` and `probabilities`."""
        return {"label": self.label, "probabilities": dict(self.probabilities)}


@dataclass(frozen=True, slots=True)
class LabelsPrediction(Prediction):
    """Any number of labels; `probabilities` maps each label name to its own probability."""

    labels: tuple[str, ...]
    probabilities: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """`labels` and `probabilities`."""
        return {"labels": list(self.labels), "probabilities": dict(self.probabilities)}


@dataclass(frozen=True, slots=True)
class ValuePrediction(Prediction):
    """A real number, in the unit of the training labels."""

    value: float

    def to_json(self) -> dict[str, Any]:
        """`value`."""
        return {"value": self.value}


@dataclass(frozen=True, slots=True)
class Entity:
    """A named piece of a text: `text[char_start:char_end]`; `score` is the mean probability of its words' tags."""

    char_start: int
    char_end: int
    label: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class TagsPrediction(Prediction):
    """A tag for each word, the probability of each, and the entities that the tags speak of, if any.

    The entities are slices of `text`, which is given where the row itself does not hold it.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    scores: tuple[float, ...]
    entities: tuple[Entity, ...] = ()
    text: str | None = None

    def to_json(self) -> dict[str, Any]:
        """`tokens`, `tags`, `scores` and `entities`, and `text` where it is given."""
        fields: dict[str, Any] = {
            "tokens": list(self.tokens),
            "tags": list(self.tags),
            "scores": list(self.scores),
            "entities": [asdict(entity) for entity in self.entities],
        }
        return fields if self.text is None else {**fields, "text": self.text}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece of the context that may be the answer, and its probability."""

    answer: str
    char_start: int
    char_end: int
    score: float


@dataclass(frozen=True, slots=True)
class AnswerPrediction(Prediction):
    """An exact slice of the context, or an empty `answer` for "no answer"; `score` is the probability of it.

    `no_answer_score` is the probability that there is no answer, None where the task always gives one.
    `candidates` are the best pieces of the context, the likeliest first, whatever the answer is.
    """

    answer: str
    char_start: int | None
    char_end: int | None
    score: float
    no_answer_score: float | None
    candidates: tuple[Candidate, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields but the example's id."""
        fields = asdict(self)
        del fields["example_id"]
        return {**fields, "candidates": [asdict(candidate) for candidate in self.candidates]}


@dataclass(frozen=True, slots=True)
class TranslationPrediction(Prediction):
    """A text that a model wrote. `reached_limit` says that the greatest length ended it, and not the model.

    Of a gold target, where there is one: `gold_loss` is minus the natural logarithm of its probability, `num_gold_tokens`
    how many tokens it has, its end included. They are None where nobody asked the model, or it has no probabilities.
    """

    translation: str
    reached_limit: bool = False
    gold_loss: float | None = None
    num_gold_tokens: int | None = None

    def to_json(self) -> dict[str, Any]:
        """`translation` and `reached_limit`, and what is known of the gold target."""
        return _known(self)


@dataclass(frozen=True, slots=True)
class ReplyPrediction(Prediction):
    """A reply that a model wrote; None where it was not asked to, as while training.

    `gold_loss` and `num_gold_tokens` are sums over all replies of the conversation, the reply that ends it and
    earlier ones, each given what was really said before it; see `TranslationPrediction`. `num_gold_characters` is how
    long their texts are, as far as the tokens reach. `gold_rank` is the place of the
    gold last reply among `num_ranked` candidates, 1 for the likeliest.
    """

    reply: str | None
    reached_limit: bool = False
    gold_loss: float | None = None
    num_gold_tokens: int | None = None
    num_gold_characters: int | None = None
    gold_rank: int | None = None
    num_ranked: int | None = None

    def to_json(self) -> dict[str, Any]:
        """`reply` and `reached_limit`, and what is known of the gold replies."""
        return _known(self)


def _known(prediction: Prediction) -> dict[str, Any]:
    """The fields, without the example's id and those that are None."""
    fields = asdict(prediction)
    del fields["example_id"]
    return {name: value for name, value in fields.items() if value is not None}
