"""Token classification: a tag for each word of a text. Named entities, and parts of speech or other features.

A text longer than the model can read goes through overlapping windows; each word is read in the window where it has
most context, and its first sub-token carries its tag. Not for: how a row is read (`data.tagged`), how a text is cut
into words (`data.words`), or what tags of entities mean (`core.tags`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

from pydantic import model_validator

from tunewell.config import TaskSettings, require, setting
from tunewell.core.errors import ConfigError
from tunewell.core.examples import Entity, Row, TaggedExample, TagsPrediction
from tunewell.core.labels import LabelSet
from tunewell.core.sections import Section
from tunewell.core.tags import OUTSIDE, entities_of
from tunewell.data import tag_checks, tagged, tagged_columns
from tunewell.data.columns import require_columns
from tunewell.data.features import Feature
from tunewell.data.moved_tags import with_text
from tunewell.data.windows import Window, windows
from tunewell.tasks.base import Baseline, Outputs, Reading, Task
from tunewell.tasks.references import reference_windows
from tunewell.tasks.showing import tagged as showing

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tunewell.data.batches import Batch
    from tunewell.data.checks import Finding
    from tunewell.metrics.tables import Scores
    from tunewell.models import ModelLoader, Tokenizer

_IN_PLACE = ("tokens", "words", "text")
"""Columns that unlabelled rows may have in place of the words' own, the first first."""

Scheme = Literal["iob1", "iob2", "iobes", "spans", "plain"]


class TokenClassificationConfig(TaskSettings):
    """The settings of token classification; what is absent is inferred from the training file."""

    name: Literal["token-classification"] = setting("token-classification", "the task")
    tokens: str | None = setting(None, "the column of the words, or of a text that is not cut into words")
    column: str | None = setting(
        None,
        "the column of the tags, or of the spans of characters; `feats.Number` is one feature of CoNLL-U",
    )
    scheme: Scheme | None = setting(
        None,
        "how the tags mark entities; `spans` of characters, or `plain`: one tag a word that stands for itself",
    )
    labels: list[str] | None = setting(
        None,
        "the tags, `O` among them, in the order of their numbers where the file has numbers; or the types of "
        "entities, without `O`; learnt from the data when absent",
    )
    on_illegal_tag: Literal["accept", "refuse"] = setting(
        "accept",
        "an `I-` that nothing opened opens an entity, as conlleval reads it, or makes the row a bad one",
    )
    constrained: bool = setting(
        False, "answer with the likeliest tags in which no `I-` stands without its entity"
    )
    max_length_tokens: int | None = setting(
        None, "size of a window; what the model can read, at most 512, when absent", unit="tokens", at_least=3
    )
    overlap_tokens: int | None = setting(
        None,
        "what neighbouring windows of a long text share; a quarter when absent",
        unit="tokens",
        at_least=0,
    )

    @model_validator(mode="after")
    def _refuse_settings_without_effect(self) -> TokenClassificationConfig:
        if self.scheme == "plain":
            require(not self.constrained, "constrained", "has no effect when scheme is plain")
        if self.scheme in ("plain", "spans"):
            accepted = self.on_illegal_tag == "accept"
            require(accepted, "on_illegal_tag", f"has no effect when scheme is {self.scheme}")
        if self.tokens is not None:
            require(self.tokens != self.column, "column", f"{self.tokens!r} cannot be words and tags at once")
        if self.max_length_tokens is not None and self.overlap_tokens is not None:
            smaller = self.overlap_tokens < self.max_length_tokens
            require(smaller, "overlap_tokens", "must be less than max_length_tokens")
        if self.labels is not None:
            require(len(set(self.labels)) == len(self.labels) >= 1, "labels", "takes different names")
            strange = [name for name in self.labels if name != OUTSIDE and name[1:2] != "-"]
            if self.scheme != "plain" and OUTSIDE in self.labels and strange:
                require(False, "labels", f"with O among them they are tags, and {strange[0]!r} is none")
        return self


@final
@dataclass(frozen=True)
class TokenClassification(Task[TaggedExample, TagsPrediction, TokenClassificationConfig]):
    """The task. `labels` are tags: of entities `O` first, then `B-X` and `I-X` of each type."""

    config: TokenClassificationConfig
    labels: LabelSet = field(default_factory=lambda: LabelSet(()))

    name: ClassVar[str] = "token-classification"
    Config: ClassVar[type[TaskSettings]] = TokenClassificationConfig

    # What the data look like

    @classmethod
    def infer(cls, columns: Sequence[str], sample: Sequence[Row], given: Mapping[str, Any]) -> Reading | None:
        """Lists of words with lists of tags, or a text with spans in it; the scheme from all rows."""
        of_others = [key for key in given if key not in TokenClassificationConfig.model_fields]
        if of_others and given.get("name") is None:
            return None
        found = tagged_columns.guess(columns, sample, given)
        if found is None:
            return None
        if all(given.get(key) is None for key in ("name", "tokens", "column", "scheme")):
            tagged_columns.check_no_label(columns, sample, found)
        settings = {"tokens": found.tokens, "column": found.column, "scheme": found.scheme}
        return Reading(settings, found.said)

    @classmethod
    def new(cls, config: TokenClassificationConfig) -> Self:
        """A task that knows its columns and scheme; tags come with `learn`, or from the settings."""
        names = config.labels or ()
        if not names or config.scheme == "plain":
            return cls(config, LabelSet(tuple(names)))
        if OUTSIDE in names:
            names = list(dict.fromkeys(name[2:] for name in names if name != OUTSIDE))
        return cls(config, LabelSet(_tag_names(names)))

    def adapted(self, columns: Sequence[str], rows: Sequence[Row]) -> Self:
        """Columns that the file lacks are guessed, and the scheme of entities is read off the file's own tags."""
        learnt = (*self._columns, str(self.config.scheme))
        found = tagged_columns.elsewhere(columns, rows, learnt, self.config.labels)
        if found == learnt:
            return self
        changes = dict(zip(("tokens", "column", "scheme"), found, strict=True))
        return replace(self, config=self.config.model_copy(update=changes))

    def check_columns(self, columns: Sequence[str], name: str, *, labelled: bool = True) -> None:
        """Words and tags must be there; without `labelled` one of `_IN_PLACE` may stand for the words."""
        tokens, column = self._columns
        stand_in = not labelled and any(other in columns for other in _IN_PLACE)
        wanted = [] if stand_in else [tokens]
        if labelled:
            wanted.append(column if column in columns else column.partition(".")[0])
        require_columns(columns, wanted, name, ("task.tokens", "task.column"))

    def read(self, row: Row, *, labelled: bool = True) -> TaggedExample:
        """With `labelled`, words with as many tags, or a text with spans in it; else words or a text alone."""
        tokens, column = self._columns
        tokens = tokens if labelled else tagged.words_column(row, (tokens, *_IN_PLACE))
        example = tagged.read_sentence(row, tokens, labelled=labelled)
        if not labelled:
            return example
        if self.config.scheme == "spans":
            return tagged.with_spans(row, column, example, self._types)
        names = self.config.labels
        if self.config.scheme == "plain":
            return tagged.with_plain_tags(row, column, example, names, self.labels.names)
        refuse = self.config.on_illegal_tag == "refuse"
        return tagged.with_entity_tags(
            row, column, example, str(self.config.scheme), names=names, known=self._types, refuse=refuse
        )

    def learn(self, examples: Mapping[str, Sequence[TaggedExample]]) -> Self:
        """The tags of all splits together, unless the settings name them."""
        if len(self.labels):
            return self
        everywhere = [example for split in examples.values() for example in split]
        if not self._of_entities:
            return replace(self, labels=LabelSet.learn(tag for e in everywhere for tag in e.tags or ()))
        types = {kind for example in everywhere for kind in tag_checks.kinds_of(example)}
        return replace(self, labels=LabelSet(_tag_names(sorted(types))))

    @classmethod
    def from_json(cls, config: TokenClassificationConfig, learnt: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        return cls(config, LabelSet(tuple(learnt["labels"])))

    def to_json(self) -> dict[str, Any]:
        """Tags in the order of their ids."""
        return {"labels": list(self.labels.names)}

    # From examples to the loss

    def encode(self, example: TaggedExample, tokenizer: Tokenizer) -> list[Feature]:
        """Overlapping windows; the targets of a window are the tags of the words that it owns."""
        most = tokenizer.max_length_tokens
        limit = min(self.config.max_length_tokens or most, most)
        capacity = limit - tokenizer.num_special(False)
        overlap = capacity // 4 if self.config.overlap_tokens is None else self.config.overlap_tokens
        if overlap >= capacity:
            raise ConfigError(
                f"windows of {limit} tokens have room for {max(capacity, 0)} of a text and cannot share {overlap}",
                where="task.overlap_tokens",
                fix="lower it, or raise task.max_length_tokens",
            )
        ids = tokenizer.words(example.text, example.words)
        parts = windows([len(own) for own in ids], capacity, overlap)
        return [self._feature(example, tokenizer, ids, part, capacity) for part in parts]

    def _feature(
        self,
        example: TaggedExample,
        tokenizer: Tokenizer,
        ids: Sequence[Sequence[int]],
        part: Window,
        capacity: int,
    ) -> Feature:
        """A word that no window can hold is cut at its end."""
        kept = [own[:capacity] for own in ids[part.start : part.end]]
        read = tokenizer.assemble([token for own in kept for token in own])
        starts = list(accumulate(map(len, kept), initial=read.first))
        owned = slice(part.first, part.last)
        tags = example.tags
        return Feature(
            example.id,
            read.input_ids,
            read.token_type_ids,
            None if tags is None else [self.labels.ids[tag] for tag in tags[owned]],
            sum(max(0, len(own) - capacity) for own in ids[owned]),
            starts[part.first - part.start : part.last - part.start],
            example.words[owned],
        )

    def collate(self, features: Sequence[Feature]) -> Batch:
        """Labels: tag ids `(positions,)`, one for each word that a window owns."""
        import torch

        from tunewell.data.batches import Batch

        if any(feature.target is None for feature in features):
            return Batch.of(features)
        targets = [tag for feature in features for tag in feature.target]
        return Batch.of(features, torch.tensor(targets, dtype=torch.long), float(len(targets)))

    def build_model(self, loader: ModelLoader) -> nn.Module:
        """A token classifier with one output a tag."""
        return loader.token_classifier(self.labels.names, pad_token_id=loader.tokenizer().pad_token_id)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy over the words, summed."""
        from torch.nn import functional

        from tunewell.models.compute import token_logits

        assert batch.labels is not None
        return functional.cross_entropy(token_logits(model, batch), batch.labels, reduction="sum")

    # From outputs to a verdict

    def predict(self, model: nn.Module, batch: Batch, tokenizer: Tokenizer) -> Outputs:
        """For each window the log-probabilities `(words that it owns, tags)` in float32."""
        import numpy as np

        from tunewell.models.compute import token_logits

        assert batch.num_positions is not None
        rows = token_logits(model, batch).float().log_softmax(dim=-1).cpu().numpy()
        return np.split(rows, batch.num_positions.cumsum(0)[:-1].tolist())

    def decode(self, example: TaggedExample, outputs: Outputs) -> TagsPrediction:
        """The likeliest tag of each word, or the likeliest legal row of tags; and the entities they speak of.

        A word of blanks alone, which only unlabelled rows can have, is in no entity.
        """
        import numpy as np

        from tunewell.data.legal_tags import likeliest_legal

        rows = np.concatenate(outputs)
        allowed = rows
        blank = [place for place, token in enumerate(example.tokens) if not token.strip()]
        if blank and self._of_entities:
            allowed = rows.copy()
            allowed[blank] = -np.inf
            allowed[blank, self.labels.ids[OUTSIDE]] = 0
        chosen = allowed.argmax(axis=-1)
        if self.config.constrained:
            chosen = likeliest_legal(allowed, self.labels.names)
        scores = tuple(np.exp(rows[np.arange(len(rows)), chosen].astype(np.float64)).clip(0, 1).tolist())
        tags = tuple(self.labels.names[tag] for tag in chosen)
        entities = entities_of(example, tags, scores) if self._of_entities else ()
        text = None if example.text_missing is None else example.text
        return TagsPrediction(example.id, example.tokens, tags, scores, entities, text)

    def answer(self, prediction: TagsPrediction) -> Any:
        """The tags."""
        return list(prediction.tags)

    def read_prediction(self, example_id: str, fields: Mapping[str, Any]) -> TagsPrediction:
        """Tokens, tags, scores and entities; and the text, unless it is a column of the input.

        A row has the input's columns first, then its line, then the prediction.
        """
        tokens, tags, scores = (tuple(fields[name]) for name in ("tokens", "tags", "scores"))
        entities = tuple(Entity(**entity) for entity in fields["entities"])
        order = list(fields)
        is_ours = "text" in fields and ("line" not in fields or order.index("text") > order.index("line"))
        return TagsPrediction(example_id, tokens, tags, scores, entities, fields["text"] if is_ours else None)

    def score(self, examples: Sequence[TaggedExample], predictions: Sequence[TagsPrediction]) -> Scores:
        """F1 of entities first, as conlleval and seqeval have it; accuracy over words for plain tags."""
        from tunewell.metrics.entities import entity_table
        from tunewell.metrics.tables import PartTable, Scores
        from tunewell.metrics.tokens import token_table

        gold, predicted = [e.tags or () for e in examples], [p.tags for p in predictions]
        words = token_table(gold, predicted, self.labels.names)
        if not self._of_entities:
            return Scores("accuracy", [words], {})
        tables = [entity_table(gold, predicted, self._types, strict=strict) for strict in (False, True)]
        accuracy = PartTable(words.parts, {"token_accuracy": words.metrics["accuracy"]})
        return Scores("entity_f1", [*tables, accuracy], {})

    def describe(
        self, examples: Sequence[TaggedExample], predictions: Sequence[TagsPrediction]
    ) -> list[Section]:
        """Scores by type or tag, what goes wrong and where, and reliability."""
        if self._of_entities:
            return showing.entity_sections(examples, predictions, self._types)
        return showing.tag_sections(examples, predictions, self.labels.names)

    # What the rooms above need to stay free of task names

    def texts(self, example: TaggedExample) -> tuple[str, ...]:
        """The text that the words stand in."""
        return (example.text,)

    def with_texts(self, example: TaggedExample, texts: Sequence[str]) -> TaggedExample:
        """Words that stay keep their tags, words in their place take them over."""
        return with_text(example, texts[0], entities=self._of_entities)

    def target(self, example: TaggedExample) -> Any:
        """The tags of the words."""
        return None if example.tags is None else list(example.tags)

    def input_columns(self) -> list[str]:
        """The column of the words."""
        return [self._columns[0]]

    def checks(self, examples: Mapping[str, Sequence[TaggedExample]]) -> list[Finding]:
        """Tags out of order, widened spans, tags or types that are rare or missing."""
        return tag_checks.examine_tags(examples, entities=self._of_entities)

    def stratum(self, example: TaggedExample) -> Any:
        """Splits keep the shares of sentences with each type of entity."""
        return tuple(sorted(tag_checks.kinds_of(example))) if self._of_entities else None

    def baselines(self, tokenizer: Tokenizer) -> Mapping[str, Callable[[], Baseline]]:
        """The most frequent tag of each word, and a list of the entities seen in training."""
        from tunewell.baselines.tags import Gazetteer, MostFrequentTag

        frequent: dict[str, Callable[[], Baseline]] = {"most frequent tag": MostFrequentTag}
        return {**frequent, "gazetteer": Gazetteer} if self._of_entities else frequent

    def artefact_difference(
        self, folder: Path, examples: Sequence[TaggedExample], predictions: Sequence[TagsPrediction]
    ) -> float | None:
        """Largest difference in the probability of a tag, over the texts that one window holds."""
        from tunewell.metrics.probabilities import softmax
        from tunewell.models import ModelLoader

        tokenizer = ModelLoader(str(folder)).tokenizer()
        encoded = {place: self.encode(example, tokenizer) for place, example in enumerate(examples)}
        single = {place: windows for place, windows in encoded.items() if len(windows) == 1}
        largest = 0.0
        for place, [(window, logits)] in reference_windows(folder, "token-classification", single):
            ours = predictions[place]
            for position, tag, score in zip(window.positions, ours.tags, ours.scores, strict=True):
                probability = softmax(logits[position].astype(float))[self.labels.ids[tag]]
                largest = max(largest, abs(float(probability) - score))
        return largest

    @property
    def _columns(self) -> tuple[str, str]:
        return str(self.config.tokens), str(self.config.column)

    @property
    def _of_entities(self) -> bool:
        return self.config.scheme != "plain"

    @cached_property
    def _types(self) -> list[str]:
        """The types of entities, in the order of the labels."""
        return [name[2:] for name in self.labels.names if self._of_entities and name.startswith("B-")]


def _tag_names(types: Iterable[str]) -> tuple[str, ...]:
    return (OUTSIDE, *(f"{prefix}-{kind}" for kind in types for prefix in "BI"))
