"""Reading comprehension: the piece of a text that answers a question, or that there is none.

SQuAD v1.1 and v2.0, MRQA, CMRC 2018. A context of any length is read in overlapping windows, and an answer is
always an exact slice of it. Not for: choosing among given answers (`text-classification`).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

from pydantic import model_validator

from tunewell.config import TaskSettings, require, setting
from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import AnswerPrediction, Candidate, QuestionExample, Row
from tunewell.core.sections import Section
from tunewell.data import answer_kinds, question_columns
from tunewell.data import answers as reading
from tunewell.data.columns import require_columns
from tunewell.data.features import Feature
from tunewell.data.windows import windows
from tunewell.tasks.base import Baseline, Outputs, Reading, Task
from tunewell.tasks.references import reference_windows
from tunewell.tasks.showing import answers as showing

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tunewell.data.batches import Batch
    from tunewell.data.findings import Finding
    from tunewell.data.spans import WindowAnswers
    from tunewell.metrics.answer_texts import Scoring
    from tunewell.metrics.judged import Judged
    from tunewell.metrics.tables import Scores
    from tunewell.models import ModelLoader, Tokenizer

_COLUMNS = ("question", "context", "answers")


class QuestionAnsweringConfig(TaskSettings):
    """The settings of reading comprehension; what is absent is inferred from the training file."""

    name: Literal["question-answering"] = setting("question-answering", "the task")
    question: str | None = setting(None, "the column of the question")
    context: str | None = setting(None, "the column of the text that it is asked of")
    answers: str | None = setting(None, "the column of the answers")
    unanswerable: bool | None = setting(
        None, "whether a text may not answer its question; when absent, whether a training question has none"
    )
    null_threshold: float | None = setting(
        None,
        "no answer where its score is above the best answer's by more; tuned on validation when absent",
        at_least=-1000,
        at_most=1000,
    )
    max_length_tokens: int = setting(
        384,
        "a window: question, part of the context; at most what the model reads",
        unit="tokens",
        at_least=32,
    )
    overlap_tokens: int = setting(
        128, "shared by neighbouring windows; at most 3/4 of what they hold of it", unit="tokens", at_least=0
    )
    max_question_tokens: int = setting(
        64, "cut longer questions; at most half of a window", unit="tokens", at_least=1
    )
    max_answer_tokens: int = setting(30, "longer answers are never given", unit="tokens", at_least=1)
    num_candidates: int = setting(20, "how many of the best answers share the probability", at_least=1)
    num_alternatives: int = setting(3, "how many of them a prediction keeps", at_least=1)
    scoring: Literal["words", "characters"] | None = setting(
        None, "by words as SQuAD does, or by characters as CMRC does; when absent, as the answers are written"
    )
    repair_answer_start: bool = setting(
        False, "move an answer that is not at its answer_start to the nearest occurrence, and count it"
    )

    @model_validator(mode="after")
    def _refuse_settings_without_effect(self) -> QuestionAnsweringConfig:
        if self.unanswerable is False:
            require(self.null_threshold is None, "null_threshold", "has no effect when unanswerable is false")
        room = self.max_length_tokens - self.max_question_tokens
        beside = f"what a question of {self.max_question_tokens} leaves of {self.max_length_tokens} tokens"
        require(room > 0, "max_question_tokens", "must be below max_length_tokens")
        require(self.overlap_tokens < room, "overlap_tokens", f"must be below {room}, {beside}")
        few = self.num_alternatives <= self.num_candidates
        require(few, "num_alternatives", f"must be at most num_candidates, which is {self.num_candidates}")
        named = [column for column in (self.question, self.context, self.answers) if column is not None]
        require(
            len(set(named)) == len(named), "context", "question, context and answers take different columns"
        )
        return self


@final
@dataclass(frozen=True)
class QuestionAnswering(Task[QuestionExample, AnswerPrediction, QuestionAnsweringConfig]):
    """The task. `unanswerable` and `scoring` are known from `learn` on, `threshold` from `calibrate` on."""

    config: QuestionAnsweringConfig
    unanswerable: bool | None = None
    scoring: str | None = None
    threshold: float | None = None

    name: ClassVar[str] = "question-answering"
    Config: ClassVar[type[TaskSettings]] = QuestionAnsweringConfig

    # What the data look like

    @classmethod
    def infer(cls, columns: Sequence[str], sample: Sequence[Row], given: Mapping[str, Any]) -> Reading | None:
        """Question, context and answers, where the columns and what stands in them leave no doubt."""
        named = {part: given[part] for part in _COLUMNS if given.get(part) is not None}
        if given.get("name") == cls.name:
            found: question_columns.Columns | None = question_columns.asked_columns(columns, named)
        elif any(given[key] is not None for key in given.keys() - cls.Config.model_fields.keys()):
            return None
        else:
            found = question_columns.guess_columns(columns, sample, named)
        if found is None:
            return None
        settings = {part: getattr(found, part) for part in _COLUMNS}
        return Reading(settings, ", ".join(f"{part} = {column}" for part, column in settings.items()))

    @classmethod
    def new(cls, config: QuestionAnsweringConfig) -> Self:
        """A task that knows its columns."""
        return cls(config, config.unanswerable, config.scoring)

    @property
    def _columns(self) -> question_columns.Columns:
        return question_columns.Columns(*(getattr(self.config, part) or part for part in _COLUMNS))

    def check_columns(self, columns: Sequence[str], name: str, *, labelled: bool = True) -> None:
        """Question and context must be there, and with `labelled` the answers."""
        own, give = self._columns, None
        wanted = [own.question, own.context, *([own.answers] if labelled else [])]
        if not labelled:
            give = f"JSON lines with {own.question} and {own.context}, or --text QUESTION --text CONTEXT"
        require_columns(columns, wanted, name, ("task.question", "task.context", "task.answers"), give)

    def read(self, row: Row, *, labelled: bool = True) -> QuestionExample:
        """With `labelled`, texts that are not blank and answers at their places; else texts alone."""
        repair = self.config.repair_answer_start
        return reading.read_question(row, self._columns, labelled=labelled, repair=repair)

    def learn(self, examples: Mapping[str, Sequence[QuestionExample]]) -> Self:
        """Whether questions may lack an answer, and whether answers are scored by words or characters."""
        answers = [answer for example in examples["train"] for answer in example.answers or ()]
        if not answers:
            raise DataError(
                "no training question has an answer: there is nothing to learn",
                where=examples["train"][0].origin.file,
                fix="give questions with answers, or name their column: --set task.answers=COLUMN",
            )
        unanswerable, scoring = self.config.unanswerable, self.config.scoring
        if unanswerable is None:
            unanswerable = any(example.answers == () for example in examples["train"])
        if unanswerable is False and self.config.null_threshold is not None:
            raise ConfigError(
                f"task.null_threshold is {self.config.null_threshold:g}, and every training question has an answer",
                fix="leave it out, or --set task.unanswerable=true",
            )
        if scoring is None:
            scoring = "characters" if answer_kinds.is_unspaced(answers) else "words"
        return replace(self, unanswerable=unanswerable, scoring=scoring)

    @classmethod
    def from_json(cls, config: QuestionAnsweringConfig, learnt: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        return cls(config, bool(learnt["unanswerable"]), str(learnt["scoring"]), learnt["threshold"])

    def to_json(self) -> dict[str, Any]:
        """What the data said, and the tuned threshold."""
        return {"unanswerable": self.unanswerable, "scoring": self.scoring, "threshold": self.threshold}

    # From examples to the loss

    def encode(self, example: QuestionExample, tokenizer: Tokenizer) -> list[Feature]:
        """The question with each window of the context; targets are (0, 0) where the answer is not wholly inside."""
        from tunewell.data.spans import context_pieces, out_of_reach

        limit = min(self.config.max_length_tokens, tokenizer.max_length_tokens) - tokenizer.num_special(True)
        question = tokenizer.pieces(example.question.strip()).ids
        num_cut = max(0, len(question) - min(self.config.max_question_tokens, limit // 2))
        question = question[: len(question) - num_cut]
        ids, spans = context_pieces(tokenizer, example.context)
        capacity = limit - len(question)
        cut = windows([1] * len(ids), capacity, min(self.config.overlap_tokens, capacity * 3 // 4))
        golds = example.answers or ()
        answer = spans.tokens(*place) if (place := reading.main_span(golds)) else None
        lost_answer = out_of_reach(reading.places_of(golds), spans, cut, self.config.max_answer_tokens)
        features: list[Feature] = []
        for start, end in ((window.start, window.end) for window in cut):
            put = tokenizer.assemble(question, ids[start:end])
            none = tokenizer.no_answer_place(put.input_ids)
            places = array("i", [none, *range(put.second, put.second + end - start)])
            target = None if example.answers is None else spans.target(answer, start, end)
            lost, unreached = (0, "") if features else (num_cut, lost_answer)
            read = (places, spans.window(start, end))
            features.append(
                Feature(example.id, put.input_ids, put.token_type_ids, target, lost, *read, unreached)
            )
        return features

    def collate(self, features: Sequence[Feature]) -> Batch:
        """Labels `(windows, 2)`: which of the window's positions the answer starts and ends at; 0 for none."""
        import torch

        from tunewell.data.batches import Batch

        if any(feature.target is None for feature in features):
            return Batch.of(features)
        targets = torch.tensor([feature.target for feature in features])
        return Batch.of(features, targets, float(targets.numel()))

    def build_model(self, loader: ModelLoader) -> nn.Module:
        """A model with two logits a token: an answer starts here, an answer ends here."""
        return loader.question_answerer(pad_token_id=loader.tokenizer().pad_token_id)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropies of start and end over the positions of each window; summed."""
        import torch
        from torch.nn import functional

        from tunewell.models.compute import token_logits

        assert batch.labels is not None
        assert batch.num_positions is not None
        logits = token_logits(model, batch)
        counts = batch.num_positions
        mask = torch.arange(int(counts.max()), device=counts.device) < counts[:, None]
        padded = logits.new_full((*mask.shape, 2), -math.inf)
        padded[mask] = logits
        return functional.cross_entropy(padded, batch.labels, reduction="sum")

    # From outputs to a verdict

    def predict(self, model: nn.Module, batch: Batch, tokenizer: Tokenizer) -> Outputs:
        """The best pieces of each window as characters of the context, and its score of "no answer"."""
        from tunewell.models.compute import token_logits

        assert batch.num_positions is not None
        logits = token_logits(model, batch).double().cpu().numpy()
        ends = batch.num_positions.cumsum(0).tolist()
        pieces = zip([0, *ends], ends, batch.offsets, strict=False)
        return [self._best_spans(logits[start:end], spans) for start, end, spans in pieces]

    def _best_spans(self, logits: Any, spans: Sequence[tuple[int, int]]) -> WindowAnswers:
        from tunewell.data.spans import best_spans

        config = self.config
        return best_spans(logits, spans, max_tokens=config.max_answer_tokens, count=config.num_candidates)

    def calibrate(self, examples: Sequence[QuestionExample], outputs: Sequence[Outputs]) -> Self:
        """The threshold of "no answer" that gives the best F1, where questions may lack an answer."""
        if not self.unanswerable or self.config.null_threshold is not None or not examples:
            return self
        from tunewell.data.spans import midway
        from tunewell.metrics.answers import best_threshold

        answered = [self.decode(example, own) for example, own in zip(examples, outputs, strict=True)]
        judged = self._judged(examples, answered)
        threshold, _ = best_threshold(judged.margin, judged.best_f1, judged.has_answer)
        return replace(self, threshold=midway(judged.margin, threshold))

    def decode(self, example: QuestionExample, outputs: Outputs) -> AnswerPrediction:
        """The best piece of all windows, or "" where no answer scores higher by more than the threshold."""
        import numpy as np

        from tunewell.data import spans
        from tunewell.metrics.probabilities import softmax

        found, null = spans.merged(outputs, self.config.num_candidates), spans.no_answer_score(outputs)
        scores = [piece.score for piece in found]
        shares = softmax(np.array([*scores, null] if self.unanswerable else scores)) if scores else np.ones(1)
        candidates = spans.candidates(example.context, found[: self.config.num_alternatives], shares)
        no_answer = float(shares[-1]) if self.unanswerable else None
        if not candidates or (self.unanswerable and null - scores[0] > self._threshold):
            return AnswerPrediction(example.id, "", None, None, no_answer or 0.0, no_answer, candidates)
        best = candidates[0]
        return AnswerPrediction(
            example.id, best.answer, best.char_start, best.char_end, best.score, no_answer, candidates
        )

    @property
    def _threshold(self) -> float:
        """How far "no answer" must be above the best answer to be the answer."""
        given = self.config.null_threshold
        return given if given is not None else self.threshold or 0.0

    def answer(self, prediction: AnswerPrediction) -> Any:
        """The text of the answer."""
        return prediction.answer

    def read_prediction(self, example_id: str, fields: Mapping[str, Any]) -> AnswerPrediction:
        """The answer, its place and probability, and what else it might have been."""
        answer, start, end = (fields[name] for name in ("answer", "char_start", "char_end"))
        null = fields["no_answer_score"]
        null = None if null is None else float(null)
        others = tuple(Candidate(**candidate) for candidate in fields["candidates"])
        return AnswerPrediction(example_id, answer, start, end, float(fields["score"]), null, others)

    def _judged(self, examples: Sequence[QuestionExample], predictions: Sequence[AnswerPrediction]) -> Judged:
        from tunewell.metrics.judged import judge

        words: Scoring = "squad2" if self.unanswerable else "squad1"
        golds = [self.target(example) for example in examples]
        return judge(predictions, golds, "characters" if self.scoring == "characters" else words)

    def score(self, examples: Sequence[QuestionExample], predictions: Sequence[AnswerPrediction]) -> Scores:
        """F1 first; questions on one passage are drawn together."""
        from tunewell.metrics.answers import answer_table, best_score
        from tunewell.metrics.tables import Scores

        judged = self._judged(examples, predictions)
        best: dict[str, Any] = {}
        if self.unanswerable and judged.has_margins:
            best = {"best_f1": judged.best_f1, "best_exact_match": judged.best_exact}
        ranks = {name: best_score(judged.margin, own, judged.has_answer) for name, own in best.items()}
        groups = [example.group_id or example.id for example in examples]
        return Scores("f1", [answer_table(judged.exact, judged.f1, judged.has_answer)], ranks, groups)

    def describe(
        self, examples: Sequence[QuestionExample], predictions: Sequence[AnswerPrediction]
    ) -> list[Section]:
        """Scores by kind of question and answer, the threshold, reliability, and the answers worth reading."""
        judged, tuned = self._judged(examples, predictions), self.config.null_threshold is None
        threshold = self._threshold if self.unanswerable else None
        return showing.answer_sections(
            examples, predictions, judged, unit=str(self.scoring), threshold=threshold, tuned=tuned
        )

    # What the rooms above need to stay free of task names

    def input_columns(self) -> list[str]:
        """Question and context."""
        return [self._columns.question, self._columns.context]

    def texts(self, example: QuestionExample) -> tuple[str, ...]:
        """Question and context."""
        return example.question, example.context

    def with_texts(self, example: QuestionExample, texts: Sequence[str]) -> QuestionExample:
        """Answers move along; those that the new context lacks are dropped, and without any it has no answer."""
        question, context = texts
        return reading.with_texts(example, question, context)

    def target(self, example: QuestionExample) -> Any:
        """The different texts of the gold answers; none for a question without answer."""
        return None if example.answers is None else reading.texts_of(example.answers)

    def stratum(self, example: QuestionExample) -> Any:
        """Splits keep the share of questions without answer."""
        if example.answers is None or self.unanswerable is False:
            return None
        return "answer" if example.answers else "no answer"

    def checks(self, examples: Mapping[str, Sequence[QuestionExample]]) -> list[Finding]:
        """Answers whose places were mended or looked for, and questions without answer."""
        return reading.examine(examples)

    def baselines(self, tokenizer: Tokenizer) -> Mapping[str, Callable[[], Baseline]]:
        """The piece of the context whose surroundings share most words with the question; never an answer."""
        from tunewell.baselines.passages import NoAnswer, SlidingWindow

        window: dict[str, Callable[[], Baseline]] = {"sliding window": SlidingWindow}
        return {**window, "always no answer": NoAnswer} if self.unanswerable else window

    def artefact_difference(
        self, folder: Path, examples: Sequence[QuestionExample], predictions: Sequence[AnswerPrediction]
    ) -> float | None:
        """Largest difference in the probability of an answer, or of none, over examples of one window."""
        from tunewell.models import ModelLoader

        tokenizer = ModelLoader(str(folder)).tokenizer()
        encoded = {place: self.encode(example, tokenizer) for place, example in enumerate(examples)}
        fewest = min(map(len, encoded.values()), default=0)
        chosen = {place: parts for place, parts in encoded.items() if len(parts) == fewest}
        largest = 0.0
        for place, parts in reference_windows(folder, "question-answering", chosen):
            outputs = [
                self._best_spans(logits[list(window.positions)].astype(float), window.offsets)
                for window, logits in parts
            ]
            theirs = self.decode(examples[place], outputs)
            pairs = zip(_probabilities(predictions[place]), _probabilities(theirs), strict=True)
            largest = max(largest, *(abs(one - other) for one, other in pairs))
        return largest


def _probabilities(prediction: AnswerPrediction) -> list[float]:
    return [prediction.no_answer_score or 0.0, *(candidate.score for candidate in prediction.candidates)]
