"""Dialogue: the next reply in a conversation, by causal models (GPT-2, Llama, small ones from nothing) or encoder-decoders.

An example is a conversation: the likelihood of all its replies is scored, and the reply that ends it is written and
ranked. Not for: answers that stand in a given text (`question-answering`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

from pydantic import model_validator

from tunewell.config import TaskSettings, require, setting
from tunewell.core.errors import DataError, ModelError
from tunewell.core.examples import DialogueExample, Origin, ReplyPrediction, Row, Turn
from tunewell.core.sections import Section
from tunewell.data import conversation_columns, conversation_names, conversation_speakers, distractors
from tunewell.data import conversations as reading
from tunewell.data.columns import require_columns
from tunewell.data.conversation_forms import gather_turns
from tunewell.data.features import Feature
from tunewell.tasks import replying
from tunewell.tasks.base import Baseline, Outputs, Reading, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tunewell.data.batches import Batch
    from tunewell.data.findings import Finding
    from tunewell.metrics.tables import Scores
    from tunewell.models import ModelLoader, Tokenizer
    from tunewell.models.translators import Writing

_POOL_SIZE = 500


class DialogueConfig(TaskSettings):
    """The settings of dialogue; what is absent is inferred from the training file."""

    name: Literal["dialogue"] = setting("dialogue", "the task")
    messages: str | list[str] | None = setting(
        None, "the column of the conversation; or two, of what is asked and of what is replied"
    )
    assistant: str | None = setting(
        None, "the speaker who is the assistant, where the names do not say it; the same in all files"
    )
    replies: Literal["assistant", "all"] = setting(
        "assistant", "which turns are learnt and scored: the assistant's, or every turn but the first"
    )
    language: str | None = setting(
        None, "language of the conversations, by the code that the model knows; for mBART, M2M100, NLLB"
    )
    system: str | None = setting(
        None, "what stands before conversations that have no system turn of their own"
    )
    max_length_tokens: int = setting(
        512,
        "of longer conversations the oldest turns are cut; at most what the model reads",
        unit="tokens",
        at_least=16,
    )
    max_reply_tokens: int | None = setting(
        None, "the longest reply; a fifth more than that of training when absent", unit="tokens", at_least=2
    )
    temperature: float = setting(
        0.0, "0 writes the likeliest token each time; higher values dare more", at_least=0, at_most=10
    )
    top_p: float = setting(
        1.0, "draw among the likeliest tokens that have this much probability together", above=0, at_most=1
    )
    stop: list[str] = setting([], "texts before which a reply ends, besides its own end")
    sampling_seed: int = setting(
        0,
        "seed of what temperature draws; a reply depends on it and on nothing beside",
        at_least=0,
        at_most=2**32 - 1,
    )
    num_distractors: int = setting(
        9,
        "false replies of training, among which the true one is ranked; 0 ranks nothing",
        at_least=0,
        at_most=99,
    )

    @model_validator(mode="after")
    def _refuse_settings_without_effect(self) -> DialogueConfig:
        require(all(self.stop), "stop", "holds an empty text, which would end every reply at once")
        if self.temperature == 0:
            require(self.top_p == 1, "top_p", "has no effect when temperature is 0")
            require(self.sampling_seed == 0, "sampling_seed", "has no effect when temperature is 0")
        return self


@final
@dataclass(frozen=True)
class Dialogue(Task[DialogueExample, ReplyPrediction, DialogueConfig]):
    """The task. `pool` holds replies of training, among which false ones are drawn; `brief` is true while training."""

    config: DialogueConfig
    pool: tuple[str, ...] = ()
    brief: bool = False

    name: ClassVar[str] = "dialogue"
    Config: ClassVar[type[TaskSettings]] = DialogueConfig
    pipeline_tag: ClassVar[str] = "text-generation"
    cut_from: ClassVar[str] = "the oldest turns"

    # What the data look like

    @classmethod
    def infer(cls, columns: Sequence[str], sample: Sequence[Row], given: Mapping[str, Any]) -> Reading | None:
        """The column of the conversation, where its name and what stands in it leave no doubt."""
        messages = given.get("messages")
        asked = given.get("name") == cls.name
        columns, sample = gather_turns(columns, sample, asked=asked) or (columns, sample)
        if asked:
            found = conversation_columns.asked_column(columns, sample, messages)
        elif any(given[key] is not None for key in given.keys() - cls.Config.model_fields.keys()):
            return None
        else:
            guessed = conversation_columns.guess_column(columns, sample, messages)
            if guessed is None:
                return None
            found = guessed
        return Reading(*conversation_speakers.found_settings(columns, sample, found, given))

    @classmethod
    def new(cls, config: DialogueConfig) -> Self:
        """A task that knows its column."""
        return cls(config)

    @property
    def _columns(self) -> str | Sequence[str]:
        return self.config.messages or "messages"

    @classmethod
    def gathered(
        cls, columns: Sequence[str], rows: Sequence[Row]
    ) -> tuple[Sequence[str], Sequence[Row]] | None:
        """Of a table with one turn a row, one row a conversation; None for any other."""
        return gather_turns(columns, rows)

    def adapted(self, columns: Sequence[str], rows: Sequence[Row]) -> Self:
        """The conversation where it stands in a file of another form, and its assistant where the speakers are others."""
        own, assistant = self._columns, self.config.assistant
        changes = conversation_speakers.other_settings(columns, rows, own, assistant)
        return replace(self, config=self.config.model_copy(update=changes))

    def check_columns(self, columns: Sequence[str], name: str, *, labelled: bool = True) -> None:
        """The conversation must be there."""
        own = self._columns if labelled else conversation_names.column_for(columns, self._columns)
        wanted = [own] if isinstance(own, str) else list(own) if labelled else list(own)[:-1]
        require_columns(columns, wanted, name, ("task.messages",), "a column for the conversation")

    def read(self, row: Row, *, labelled: bool = True) -> DialogueExample:
        """With `labelled`, a conversation with a reply of the assistant's at its end; else what a reply is asked for."""
        system, assistant = self.config.system, self.config.assistant
        return reading.read_conversation(
            row, self._columns, labelled=labelled, system=system, assistant=assistant
        )

    def learn(self, examples: Mapping[str, Sequence[DialogueExample]]) -> Self:
        """The replies of training, or a sample of them, from which false ones are drawn."""
        if not any(self._wanted(example) for example in examples["train"]):
            raise DataError("no training conversation has a reply: there is nothing to learn")
        replies = [example.reply for example in examples["train"] if example.reply is not None]
        return replace(
            self, pool=distractors.pool(replies, _POOL_SIZE) if self.config.num_distractors else ()
        )

    @classmethod
    def from_json(cls, config: DialogueConfig, learnt: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        return cls(config, tuple(learnt["pool"]))

    def to_json(self) -> dict[str, Any]:
        """The replies from which false ones are drawn."""
        return {"pool": list(self.pool)}

    # From examples to the loss

    def _wanted(self, example: DialogueExample) -> list[int]:
        """The places of the turns that are learnt and scored."""
        return reading.reply_places(example.turns, self.config.replies)

    def build_tokenizer(self, loader: ModelLoader, examples: Sequence[DialogueExample]) -> Tokenizer:
        """With the model's chat template or the plain form; learnt from the turns where the model is from nothing."""
        from tunewell.models.talkers import chat_tokenizer

        if loader.scratch is None and loader.config().is_encoder_decoder:
            from tunewell.models.translators import pair_tokenizer

            pairs = [pair for example in examples for pair in self._pairs(example)]
            return pair_tokenizer(loader, pairs, self._writing)
        texts = [turn.text for example in examples for turn in example.turns]
        replies = [example.turns[place].text for example in examples for place in self._wanted(example)]
        limits = (self.config.max_length_tokens, self.config.max_reply_tokens)
        return chat_tokenizer(loader, texts, replies, *limits)

    @property
    def _search(self) -> replying.Search:
        config = self.config
        return replying.Search(config.temperature, config.top_p, config.sampling_seed, tuple(config.stop))

    @property
    def _writing(self) -> Writing:
        from tunewell.models.languages import AskedLanguages
        from tunewell.models.translators import Writing

        language = self.config.language
        asked = AskedLanguages(language, language, ("language", "language"))
        limit, search = self.config.max_reply_tokens, self._search.saved()
        return Writing(
            asked, max_target_tokens=limit, wanted_source_tokens=self.config.max_length_tokens, search=search
        )

    def _pairs(self, example: DialogueExample) -> list[tuple[str, str]]:
        """What was said and what is replied, for each reply, as an encoder with a decoder has it."""
        turns = example.turns
        return [(reading.as_text(turns[:place]), turns[place].text) for place in self._wanted(example)]

    def encode(self, example: DialogueExample, tokenizer: Tokenizer) -> list[Feature]:
        """Windows in which each reply is learnt once; the last one also asks for the reply that ends the conversation."""
        wanted, limit = self._wanted(example), self.config.max_length_tokens
        try:
            return replying.conversation_features(example, wanted, tokenizer, limit)
        except ModelError as error:  # a chat template may refuse one conversation and take all others
            raise ModelError(error.what, where=str(example.origin), fix=error.fix) from None

    def collate(self, features: Sequence[Feature]) -> Batch:
        """`labels` `(targets,)` are the tokens of the replies, and each of them counts."""
        import torch

        from tunewell.data.batches import Batch

        batch = Batch.of(features)
        if batch.target_ids is not None:
            return replace(batch, labels=batch.target_ids, num_targets=float(len(batch.target_ids)))
        targets = [token for feature in features for token in feature.target or ()]
        return replace(batch, labels=torch.tensor(targets, dtype=torch.long), num_targets=float(len(targets)))

    def build_model(self, loader: ModelLoader) -> nn.Module:
        """A causal model, or an encoder with a decoder."""
        from tunewell.models.talkers import talker
        from tunewell.models.translators import translator

        assert loader.made_tokenizer is not None
        if loader.made_tokenizer.has_decoder:
            return translator(loader, self._writing)
        return talker(loader, self._search.saved())

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy of each token of the replies, given all before it; summed."""
        return self._losses(model, batch).sum()

    def _losses(self, model: nn.Module, batch: Batch) -> Tensor:
        from tunewell.models.written import target_losses, token_losses

        assert batch.labels is not None
        if batch.target_ids is not None:
            return target_losses(model, batch)
        return token_losses(model, batch, batch.labels)

    # From outputs to a verdict

    def predict(self, model: nn.Module, batch: Batch, tokenizer: Tokenizer) -> Outputs:
        """How likely the gold replies are; but while training, also the reply that the model writes and the gold one's rank."""
        from tunewell.models.written import sums_by_sequence

        found: list[dict[str, Any]] = [{} for _ in range(len(batch))]
        counts = batch.num_positions if batch.target_ids is None else batch.target_lengths
        if batch.num_targets and counts is not None:
            losses = sums_by_sequence(self._losses(model, batch).double(), counts).tolist()
            known = zip(found, losses, counts.tolist(), batch.num_target_characters, strict=True)
            for output, loss, count, length in known:
                if count:
                    output |= {"gold_loss": loss, "num_gold_tokens": count, "num_gold_characters": length}
        prompts = [] if self.brief else replying.prompts_of(batch)
        if not prompts:
            return found
        written = replying.replies(model, prompts, tokenizer, self._search)
        num_false = self.config.num_distractors
        false = [replying.false_replies(self.pool, prompt, tokenizer, num_false) for prompt in prompts]
        ranks = replying.gold_ranks(model, prompts, false, tokenizer, self._losses, self.collate)
        for prompt, (text, is_cut), rank, others in zip(prompts, written, ranks, false, strict=True):
            found[prompt.place] |= {"text": text, "reached_limit": is_cut}
            if rank is not None:
                found[prompt.place] |= {"gold_rank": rank, "num_ranked": len(others) + 1}
        return found

    def in_training(self) -> Self:
        """Likelihoods alone: they choose the checkpoint, and writing and ranking cost many times as much."""
        return replace(self, brief=True)

    def decode(self, example: DialogueExample, outputs: Outputs) -> ReplyPrediction:
        """Sums over the windows; the reply and the rank are the last one's."""
        gold = [output for output in outputs if "gold_loss" in output]

        def total(name: str) -> Any:
            return sum(output[name] for output in gold) if gold else None

        last = outputs[-1]
        return ReplyPrediction(
            example.id,
            last.get("text"),
            bool(last.get("reached_limit", False)),
            gold_loss=total("gold_loss"),
            num_gold_tokens=total("num_gold_tokens"),
            num_gold_characters=total("num_gold_characters"),
            gold_rank=last.get("gold_rank"),
            num_ranked=last.get("num_ranked"),
        )

    def answer(self, prediction: ReplyPrediction) -> Any:
        """The reply."""
        return prediction.reply

    def read_prediction(self, example_id: str, fields: Mapping[str, Any]) -> ReplyPrediction:
        """The reply, and what is known of the gold ones."""
        names = ("gold_loss", "num_gold_tokens", "num_gold_characters", "gold_rank", "num_ranked")
        known = {name: fields.get(name) for name in names}
        return ReplyPrediction(example_id, fields["reply"], bool(fields["reached_limit"]), **known)

    def score(self, examples: Sequence[DialogueExample], predictions: Sequence[ReplyPrediction]) -> Scores:
        """Perplexity first, per token and per character; of the last reply the rank, chrF2 and BLEU, and how varied it is."""
        return replying.scores(examples, predictions)

    def describe(
        self, examples: Sequence[DialogueExample], predictions: Sequence[ReplyPrediction]
    ) -> list[Section]:
        """Odd and dull replies, perplexity by the number of turns, and conversations worth reading."""
        from tunewell.tasks.showing.conversations import conversation_sections

        return conversation_sections(examples, predictions)

    # What the rooms above need to stay free of task names

    def next_turn(self, turns: Sequence[Turn], example_id: str) -> DialogueExample:
        """The conversation so far, after the system turn of the settings."""
        system = [Turn("system", self.config.system)] if self.config.system else []
        return DialogueExample(example_id, Origin("conversation", len(turns)), turns=(*system, *turns))

    def input_columns(self) -> list[str]:
        """The conversation, or what is asked."""
        own = self._columns
        return [own] if isinstance(own, str) else list(own)[:-1]

    def texts(self, example: DialogueExample) -> tuple[str, ...]:
        """What is said before the reply."""
        return tuple(turn.text for turn in example.history)

    def with_texts(self, example: DialogueExample, texts: Sequence[str]) -> DialogueExample:
        """Other words of the same speakers, with the same reply."""
        said = [replace(turn, text=text) for turn, text in zip(example.history, texts, strict=True)]
        return replace(example, turns=(*said, *example.turns[len(said) :]))

    def target(self, example: DialogueExample) -> Any:
        """The reply that ends the conversation."""
        return example.reply

    def checks(self, examples: Mapping[str, Sequence[DialogueExample]]) -> list[Finding]:
        """Replies that repeat, conversations that teach nothing."""
        return reading.examine(examples, self.config.replies)

    def baselines(self, tokenizer: Tokenizer) -> Mapping[str, Callable[[], Baseline]]:
        """A trigram model of the replies' tokens."""
        from tunewell.baselines.replies import NGramReplies

        def candidates(example: DialogueExample) -> Sequence[str]:
            return distractors.draw(self.pool, example.reply or "", example.id, self.config.num_distractors)

        def tokens(text: str) -> Sequence[int]:
            return tokenizer.pieces(text).ids

        def make() -> Baseline:
            return NGramReplies(tokens, len(tokenizer), replies=self.config.replies, candidates=candidates)

        return {"n-gram model": make}

    def artefact_difference(
        self, folder: Path, examples: Sequence[DialogueExample], predictions: Sequence[ReplyPrediction]
    ) -> float | None:
        """Largest difference in the mean log-probability of a conversation's replies."""
        from tunewell.models import ModelLoader
        from tunewell.tasks.references import reference_losses

        tokenizer = self.build_tokenizer(ModelLoader(str(folder)), ())
        encoded = [self.encode(example, tokenizer) for example in examples]
        gaps = [
            abs(prediction.gold_loss - theirs) / (prediction.num_gold_tokens or 1)
            for prediction, theirs in zip(predictions, reference_losses(folder, encoded), strict=True)
            if prediction.gold_loss is not None
        ]
        return max(gaps, default=0.0)
