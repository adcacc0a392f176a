"""Question answering by the Trainer, as run_qa does it: overlapping windows, the best span of all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import transformers

from benchmarks.recipe import Json
from benchmarks.scores.contest import Outcome, Wish
from benchmarks.scores.data import Question
from benchmarks.scores.hf_train import load, logits, train

WINDOW = 384
STRIDE = 128
NUM_BEST = 20
MAX_ANSWER = 30
NULL_THRESHOLD = 0.0


@dataclass(frozen=True)
class Window:
    """One window on a question's context.

    `offsets` are the characters of the context that a token stands for, None for tokens of anything else;
    `question` is the question's number, `cls` the place of the token that stands for "no answer".
    """

    feature: Json
    question: int
    offsets: Sequence[tuple[int, int] | None]
    cls: int


def compete(wish: Wish) -> Outcome:
    """Train on the training file and answer the questions of the test file."""
    started = time.monotonic()
    questions: list[Any] = wish.data.read(wish.data.file("train"))
    tokenizer, model = load(wish, "AutoModelForQuestionAnswering")
    features = [targeted(window, questions[window.question]) for window in windows(tokenizer, questions)]
    collator = transformers.DataCollatorWithPadding(tokenizer)
    trainer, facts = train(wish, tokenizer, model, features, collator)
    fitted = time.monotonic()
    tests: list[Any] = wish.data.read(wish.data.file("test"))
    looks = windows(tokenizer, tests)
    scores = logits(trainer, [window.feature for window in looks])
    by_question: list[list[tuple[Window, tuple[np.ndarray, ...]]]] = [[] for _ in tests]
    for window, found in zip(looks, scores, strict=True):
        by_question[window.question].append((window, found))
    may_refuse = wish.data.scoring == "squad2"
    predictions = [
        answer(question, looked, may_refuse) for question, looked in zip(tests, by_question, strict=True)
    ]
    return Outcome(
        predictions,
        {"fit": fitted - started, "predict": time.monotonic() - fitted},
        {**facts, "train_examples": len(questions), "test_features": len(looks)},
    )


def windows(tokenizer: Any, questions: Sequence[Question]) -> list[Window]:
    """Each question with its context, in as many windows as the context needs; nothing is padded yet."""
    length = min(WINDOW, tokenizer.model_max_length)
    encoded = tokenizer(
        [question.question.strip() for question in questions],
        [question.context for question in questions],
        truncation="only_second",
        max_length=length,
        stride=min(STRIDE, length // 3),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    apart = ("offset_mapping", "overflow_to_sample_mapping")
    keys = [key for key in encoded if key not in apart]
    found = []
    for row, question in enumerate(encoded["overflow_to_sample_mapping"]):
        parts = encoded.sequence_ids(row)
        offsets = [
            span if part == 1 else None
            for part, span in zip(parts, encoded["offset_mapping"][row], strict=True)
        ]
        feature = {key: encoded[key][row] for key in keys}
        cls = feature["input_ids"].index(tokenizer.cls_token_id)
        found.append(Window(feature, question, offsets, cls))
    return found


def targeted(window: Window, question: Question) -> Json:
    """The feature with the places of the first answer's ends: both at `cls` where it is not whole in the window."""
    start = end = window.cls
    if question.answers:
        text, char_start = question.answers[0]
        char_end = char_start + len(text)
        spans = [(place, span) for place, span in enumerate(window.offsets) if span is not None]
        begins = [place for place, span in spans if span[0] <= char_start]
        ends = [place for place, span in spans if span[1] >= char_end]
        if begins and ends:
            start, end = begins[-1], ends[0]
    return {**window.feature, "start_positions": start, "end_positions": end}


def answer(
    question: Question, looked: Sequence[tuple[Window, tuple[np.ndarray, ...]]], may_refuse: bool
) -> Json:
    """The best span of all windows of a question, or no answer where that scores higher and is allowed."""
    best: tuple[float, int, int] | None = None
    refusal = min(float(starts[window.cls] + ends[window.cls]) for window, (starts, ends) in looked)
    for window, (starts, ends) in looked:
        for candidate in spans(window, starts, ends):
            if best is None or candidate[0] > best[0]:
                best = candidate
    margin = None if best is None else refusal - best[0]
    refused = best is None or (may_refuse and margin is not None and margin > NULL_THRESHOLD)
    text = "" if refused or best is None else question.context[best[1] : best[2]]
    return {"id": question.id, "answer": text, "no_answer_margin": margin}


def spans(window: Window, starts: np.ndarray, ends: np.ndarray) -> list[tuple[float, int, int]]:
    """Score, first and last character of what the best starts and ends make, where that is an answer."""
    found = []
    best_ends = np.argsort(-ends)[:NUM_BEST]
    for start in np.argsort(-starts)[:NUM_BEST]:
        first = window.offsets[start]
        for end in best_ends:
            last = window.offsets[end]
            if first is None or last is None or not 0 <= end - start < MAX_ANSWER:
                continue
            found.append((float(starts[start] + ends[end]), first[0], last[1]))
    return found
