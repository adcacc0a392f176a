"""Translation: one text read, another written. Summaries and other rewriting go the same way.

Encoders with a decoder: pretrained ones, an encoder for both sides, or a small one from nothing. Not for: replies in a
conversation (`dialogue`), or choosing among given answers (`text-classification`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

from pydantic import model_validator

from tunewell.config import TaskSettings, require, setting
from tunewell.core.errors import DataError
from tunewell.core.examples import Row, TranslationExample, TranslationPrediction
from tunewell.core.sections import Section
from tunewell.data import translation_columns
from tunewell.data import translations as reading
from tunewell.data.columns import require_columns
from tunewell.data.features import Feature
from tunewell.tasks.base import Baseline, Outputs, Reading, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tunewell.data.batches import Batch
    from tunewell.data.findings import Finding
    from tunewell.metrics.tables import Scores
    from tunewell.models import ModelLoader, Tokenizer
    from tunewell.models.translators import PairTokenizer, Writing

_OWN = ("source", "target", "source_language", "target_language")


class TranslationConfig(TaskSettings):
    """The settings of translation; what is absent is inferred from the training file."""

    name: Literal["translation"] = setting("translation", "the task")
    source: str | None = setting(None, "the column to read; `translation.en` is a member of a JSON object")
    target: str | None = setting(None, "the column to write")
    source_language: str | None = setting(
        None, "language that is read, by the code that the model knows (`en`, `en_XX`, `eng_Latn`)"
    )
    target_language: str | None = setting(
        None, "language that is written, likewise; it also chooses how BLEU cuts words"
    )
    source_prefix: str | None = setting(
        None, 'put before every source, as T5 wants it: "translate English to German: "'
    )
    decoder: Literal["own", "from-encoder"] = setting(
        "own", "the model's own decoder, or one that starts from a model that only reads, such as BERT"
    )
    max_length_tokens: int = setting(
        256, "longer sources are cut; at most what the model reads", unit="tokens", at_least=8
    )
    max_target_tokens: int | None = setting(
        None,
        "the longest text to write; when absent, a fifth more than the longest of training",
        unit="tokens",
        at_least=2,
        at_most=100_000,
    )
    num_beams: int = setting(
        4, "how many beginnings are kept while writing; 1 is greedy", at_least=1, at_most=64
    )
    length_penalty: float | None = setting(
        None,
        "what the length is raised to before it divides a text's score: higher likes longer; 1 when absent",
        at_least=-10,
        at_most=10,
    )
    no_repeat_ngram_size: int = setting(
        0, "never write so many tokens in a row twice; 0 allows it", unit="tokens", at_least=0, at_most=100
    )
    label_smoothing: float = setting(
        0.1, "share of each target that is spread over the vocabulary", at_least=0, below=1
    )
    bleu_tokenizer: Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"] | None = setting(
        None, "how BLEU cuts words, in sacreBLEU's terms; when absent, by the target's language"
    )
    rouge: bool = setting(False, "score ROUGE beside BLEU, as summaries are")

    @model_validator(mode="after")
    def _refuse_settings_without_effect(self) -> TranslationConfig:
        greedy = self.num_beams == 1 and self.length_penalty is not None
        require(not greedy, "length_penalty", "has no effect when num_beams is 1")
        same = self.source is not None and self.source == self.target
        require(not same, "target", "is the same column as source")
        return self


@final
@dataclass(frozen=True)
class Translation(Task[TranslationExample, TranslationPrediction, TranslationConfig]):
    """The task. `bleu_tokenizer` is known from `learn` on; `greedy` while training goes on."""

    config: TranslationConfig
    bleu_tokenizer: str = "13a"
    greedy: bool = False

    name: ClassVar[str] = "translation"
    Config: ClassVar[type[TaskSettings]] = TranslationConfig
    engines: ClassVar[tuple[str, ...]] = ("torch", "ctranslate2")

    # What the data look like

    @classmethod
    def infer(cls, columns: Sequence[str], sample: Sequence[Row], given: Mapping[str, Any]) -> Reading | None:
        """Source and target, where the columns and what stands in them leave no doubt."""
        own = {part: given[part] for part in _OWN if given.get(part) is not None}
        if given.get("name") == cls.name:
            found = translation_columns.asked_columns(columns, sample, own)
        elif any(given[key] is not None for key in given.keys() - cls.Config.model_fields.keys()):
            return None
        else:
            guessed = translation_columns.guess_columns(columns, sample, own)
            if guessed is None:
                return None
            found = guessed
        settings = {part: value for part in _OWN if (value := getattr(found, part)) is not None}
        return Reading(settings, ", ".join(f"{part} = {value}" for part, value in settings.items()))

    @classmethod
    def new(cls, config: TranslationConfig) -> Self:
        """A task that knows its columns."""
        return cls(config)

    @property
    def _columns(self) -> translation_columns.PairColumns:
        config = self.config
        return translation_columns.PairColumns(
            config.source or "source",
            config.target or "target",
            config.source_language,
            config.target_language,
        )

    def adapted(self, columns: Sequence[str], rows: Sequence[Row]) -> Self:
        """Source and target where they are in a file with other columns."""
        found = translation_columns.elsewhere(columns, rows, self._columns)
        return replace(
            self, config=self.config.model_copy(update={"source": found.source, "target": found.target})
        )

    def check_columns(self, columns: Sequence[str], name: str, *, labelled: bool = True) -> None:
        """The source must be there, and with `labelled` the target."""
        if not labelled and translation_columns.source_column(columns, self._columns) is not None:
            return
        wanted = [self._columns.source, *([self._columns.target] if labelled else [])]
        known = {*columns, *(column for column in wanted if column.partition(".")[0] in columns)}
        require_columns(sorted(known), wanted, name, ("task.source", "task.target"))

    def read(self, row: Row, *, labelled: bool = True) -> TranslationExample:
        """With `labelled`, two texts that are not blank; else the source alone."""
        own = self._columns
        if not labelled:
            source = translation_columns.source_column(list(row.values), own) or own.source
            own = replace(own, source=source)
        return reading.read_pair(row, own, labelled=labelled)

    def learn(self, examples: Mapping[str, Sequence[TranslationExample]]) -> Self:
        """How the target's words are to be cut for BLEU. Raises `ConfigError` where that is not installed."""
        from tunewell.metrics.translations import bleu_tokenizer_for, signatures

        targets = [example.target or "" for example in examples["train"]]
        if not targets:
            raise DataError("there is no training pair: there is nothing to learn")
        chosen = self.config.bleu_tokenizer or bleu_tokenizer_for(self.config.target_language, targets[:1000])
        signatures(chosen)  # or it would be missed only after training
        return replace(self, bleu_tokenizer=chosen)

    @classmethod
    def from_json(cls, config: TranslationConfig, learnt: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        return cls(config, str(learnt["bleu_tokenizer"]))

    def to_json(self) -> dict[str, Any]:
        """How BLEU cuts words."""
        return {"bleu_tokenizer": self.bleu_tokenizer}

    # From examples to the loss

    @property
    def _writing(self) -> Writing:
        from tunewell.models.languages import AskedLanguages
        from tunewell.models.translators import Writing

        config = self.config
        return Writing(
            AskedLanguages(config.source_language, config.target_language),
            config.decoder == "from-encoder",
            config.max_target_tokens,
            config.max_length_tokens,
            self._search,
        )

    def build_tokenizer(self, loader: ModelLoader, examples: Sequence[TranslationExample]) -> Tokenizer:
        """One for both sides; from scratch, and where the model's own cannot spell the targets, learnt from them."""
        from tunewell.models.translators import pair_tokenizer

        pairs = [(self._read_text(example), example.target or "") for example in examples]
        return pair_tokenizer(loader, pairs, self._writing)

    def _read_text(self, example: TranslationExample) -> str:
        return (self.config.source_prefix or "") + example.source

    def encode(self, example: TranslationExample, tokenizer: Tokenizer) -> list[Feature]:
        """One window: the source, and what is to be written for it."""
        pairs: PairTokenizer = tokenizer  # type: ignore[assignment]
        read = pairs.encode((self._read_text(example),), self.config.max_length_tokens)
        ids: list[int] = []
        num_cut = 0
        if example.target is not None:
            limit = min(self.config.max_target_tokens or pairs.most_target_tokens, pairs.most_target_tokens)
            ids, num_cut = pairs.encode_target(example.target, limit)
        return [
            Feature(
                example.id,
                read.input_ids,
                num_truncated_tokens=read.num_truncated_tokens + num_cut,
                target_ids=ids,
            )
        ]

    def collate(self, features: Sequence[Feature]) -> Batch:
        """`labels` are the target tokens `(target tokens,)`, and each of them counts."""
        from tunewell.data.batches import Batch

        num_targets = sum(len(feature.target_ids) for feature in features)
        batch = Batch.of(features, num_targets=float(num_targets))
        return replace(batch, labels=batch.target_ids)

    def build_model(self, loader: ModelLoader) -> nn.Module:
        """An encoder with a decoder."""
        from tunewell.models.translators import translator

        return translator(loader, self._writing)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of each target token given those before it (teacher forcing), smoothed; summed."""
        from tunewell.models.written import target_losses

        return target_losses(model, batch, smoothing=self.config.label_smoothing).sum()

    # From outputs to a verdict

    def predict(self, model: nn.Module, batch: Batch, tokenizer: Tokenizer) -> Outputs:
        """What the model writes, and how likely it finds what should have been written."""
        from tunewell.models.written import sums_by_sequence, target_losses, write

        pairs: PairTokenizer = tokenizer  # type: ignore[assignment]
        rows = write(model, batch, self._search)
        found: list[dict[str, Any]] = [
            {"text": pairs.decode(row), "reached_limit": pairs.is_cut(row)} for row in rows
        ]
        if batch.target_ids is not None and batch.target_lengths is not None:
            losses = sums_by_sequence(target_losses(model, batch).double(), batch.target_lengths)
            counts = batch.target_lengths.tolist()
            for output, loss, count in zip(found, losses.tolist(), counts, strict=True):
                output |= {"gold_loss": loss, "num_gold_tokens": count} if count else {}
        return found

    @property
    def _search(self) -> dict[str, Any]:
        """How to write, in the words of transformers' `GenerationConfig`."""
        config = self.config
        num_beams = 1 if self.greedy else config.num_beams
        search: dict[str, Any] = {
            "num_beams": num_beams,
            "do_sample": False,
            "no_repeat_ngram_size": config.no_repeat_ngram_size,
        }
        if num_beams > 1:
            search |= {
                "length_penalty": 1.0 if config.length_penalty is None else config.length_penalty,
                "early_stopping": False,
            }
        return search

    def in_training(self) -> Self:
        """Greedy and without TER: beam search costs several times as much, and orders checkpoints alike."""
        return replace(self, greedy=True)

    def decode(self, example: TranslationExample, outputs: Outputs) -> TranslationPrediction:
        """The text as it was written; of nothing, nothing."""
        (output,) = outputs
        return TranslationPrediction(
            example.id,
            output["text"] if example.source.strip() else "",
            output["reached_limit"],
            output.get("gold_loss"),
            output.get("num_gold_tokens"),
        )

    def answer(self, prediction: TranslationPrediction) -> Any:
        """The text."""
        return prediction.translation

    def read_prediction(self, example_id: str, fields: Mapping[str, Any]) -> TranslationPrediction:
        """The text, and how likely its gold target was."""
        loss, count = fields.get("gold_loss"), fields.get("num_gold_tokens")
        return TranslationPrediction(
            example_id, str(fields["translation"]), bool(fields["reached_limit"]), loss, count
        )

    def score(
        self, examples: Sequence[TranslationExample], predictions: Sequence[TranslationPrediction]
    ) -> Scores:
        """BLEU first, then chrF2, chrF++ and, after training, TER as sacreBLEU has them; perplexity where it is known."""
        import numpy as np

        from tunewell.metrics.likelihoods import likelihood_table
        from tunewell.metrics.rouge import rouge_table
        from tunewell.metrics.tables import Scores
        from tunewell.metrics.translations import translation_tables

        written = [prediction.translation for prediction in predictions]
        golds = [example.target or "" for example in examples]
        tables = list(
            translation_tables(written, golds, bleu_tokenizer=self.bleu_tokenizer, with_ter=not self.greedy)
        )
        if self.config.rouge:
            tables.append(rouge_table(written, golds))
        losses = [prediction.gold_loss for prediction in predictions]
        if None not in losses:
            counts = [prediction.num_gold_tokens for prediction in predictions]
            tables.append(likelihood_table(np.array(losses, float), np.array(counts, float)))
        return Scores("bleu", tables)

    def describe(
        self, examples: Sequence[TranslationExample], predictions: Sequence[TranslationPrediction]
    ) -> list[Section]:
        """Odd outputs, scores by length, the best and the worst side by side, and sacreBLEU's signatures."""
        from tunewell.tasks.showing.written import translation_sections

        return translation_sections(examples, predictions, bleu_tokenizer=self.bleu_tokenizer)

    # What the rooms above need to stay free of task names

    def input_columns(self) -> list[str]:
        """The source."""
        return [self._columns.source]

    def texts(self, example: TranslationExample) -> tuple[str, ...]:
        """The source."""
        return (example.source,)

    def with_texts(self, example: TranslationExample, texts: Sequence[str]) -> TranslationExample:
        """Another source with the same target."""
        (source,) = texts
        return replace(example, source=source)

    def target(self, example: TranslationExample) -> Any:
        """The gold target."""
        return example.target

    def checks(self, examples: Mapping[str, Sequence[TranslationExample]]) -> list[Finding]:
        """Pairs that are no translations: equal sides, odd lengths, swapped sides; and BLEU by a lesser tokenizer."""
        from tunewell.data.findings import Finding
        from tunewell.metrics.translations import tokenizer_note

        config = self.config
        found = reading.examine(examples, config.source_language, config.target_language)
        targets = [example.target or "" for example in examples.get("train", ())]
        note = "" if config.bleu_tokenizer else tokenizer_note(config.target_language, targets[:1000])
        return [*found, *([Finding("bleu-tokenizer", "info", note)] if note else [])]

    def baselines(self, tokenizer: Tokenizer) -> Mapping[str, Callable[[], Baseline]]:
        """The source as it is; the target of the training pair whose source is most like it."""
        from tunewell.baselines.translations import CopySource, TranslationMemory

        return {"copy the source": CopySource, "translation memory": TranslationMemory}

    def artefact_difference(
        self,
        folder: Path,
        examples: Sequence[TranslationExample],
        predictions: Sequence[TranslationPrediction],
    ) -> float | None:
        """Largest difference in the mean log-probability of a gold target's tokens."""
        from tunewell.models.artefact import reference_target_losses
        from tunewell.models.translators import read_back

        tokenizer = read_back(folder, self._writing)
        encoded = [self.encode(example, tokenizer)[0] for example in examples]
        known = [place for place, feature in enumerate(encoded) if feature.target_ids]
        theirs = reference_target_losses(
            folder, [(encoded[place].input_ids, encoded[place].target_ids) for place in known]
        )
        gaps = [
            abs((predictions[place].gold_loss or 0.0) - loss) / len(encoded[place].target_ids)
            for place, loss in zip(known, theirs, strict=True)
        ]
        return max(gaps, default=0.0)
