"""Long contexts in windows: every token is read, an answer is found wherever it stands, in training too."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.examples import Answer, Origin, QuestionExample
from tunewell.data.features import Feature
from tunewell.models import ModelLoader
from tunewell.models.tokenizer import Tokenizer
from tunewell.tasks.question_answering import QuestionAnswering, QuestionAnsweringConfig

Tiny = Callable[[str], Path]
FAMILIES = ("bert", "roberta", "xlm-roberta", "llama")


def task(**settings: Any) -> QuestionAnswering:
    return QuestionAnswering(QuestionAnsweringConfig(**settings), True, "words")


def tokenizer(tiny: Tiny, family: str) -> Tokenizer:
    return ModelLoader(str(tiny(family))).tokenizer()


def question(context: str, answer: str | None, place: int = 0, text: str = "the film?") -> QuestionExample:
    answers = () if answer is None else (Answer(answer, place),)
    return QuestionExample("q", Origin("f", 1), text, context, answers)


def said(feature: Feature, context: str) -> str:
    """The text that the feature's target points to."""
    first, last = feature.target
    return context[feature.offsets[first][0] : feature.offsets[last][1]] if first else ""


def words(count: int) -> str:
    choose = random.Random(0)
    return " ".join(
        choose.choice(("film", "plot", "the", "was", "dull", "warm,", "cold.")) for _ in range(count)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_at_the_end_of_five_thousand_words_is_a_target(family: str, tiny: Tiny) -> None:
    context = words(5000) + " the clever score"
    start = len(context) - len("clever score")
    features = task().encode(question(context, "clever score", start), tokenizer(tiny, family))
    assert len(features) > 100
    found = [said(feature, context) for feature in features]
    assert found[-1] == "clever score"
    assert set(found) == {"", "clever score"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_token_of_the_context_is_read(family: str, tiny: Tiny) -> None:
    context, reader = words(700), tokenizer(tiny, family)
    pieces = reader.pieces(context)
    read: list[tuple[int, int]] = []
    for feature in task().encode(question(context, None), reader):
        assert len(feature.positions) == len(feature.offsets)
        ids = [feature.input_ids[place] for place in feature.positions][1:]
        where = next(
            n for n in range(len(pieces.ids)) if pieces.ids[n : n + len(ids)] == ids and n >= len(read) - 99
        )
        assert where <= len(read), "tokens between two windows are left out"
        read[where:] = pieces.offsets[where : where + len(ids)]
    assert read == pieces.offsets


@pytest.mark.parametrize("overlap", [10, 20])
def test_an_answer_on_a_border_is_whole_in_a_neighbouring_window(overlap: int, tiny: Tiny) -> None:
    """As long as it has no more tokens than neighbours share."""
    reader = tokenizer(tiny, "bert")
    context = words(150)
    offsets = reader.pieces(context).offsets
    limited = task(overlap_tokens=overlap, max_question_tokens=8)
    for first in range(len(offsets) - overlap):
        start, end = offsets[first][0], offsets[first + overlap - 1][1]
        features = limited.encode(question(context, context[start:end], start), reader)
        assert context[start:end] in [said(feature, context) for feature in features], f"token {first} on"


def test_a_target_is_whole_tokens_that_cover_the_answer(tiny: Tiny) -> None:
    context = "unwarmest cold film"
    (feature,) = task().encode(question(context, "ol", 11), tokenizer(tiny, "bert"))
    assert "ol" in said(feature, context)
    (unanswered,) = task().encode(question(context, None), tokenizer(tiny, "bert"))
    assert unanswered.target == (0, 0)


def test_an_answer_that_can_never_be_given_says_why_once(tiny: Tiny) -> None:
    reader, context = tokenizer(tiny, "bert"), words(150)
    offsets = reader.pieces(context).offsets

    def why(first: int, count: int, **given: Any) -> list[str]:
        start, end = offsets[first][0], offsets[first + count - 1][1]
        example = question(context, context[start:end], start)
        return [feature.out_of_reach for feature in task(**given).encode(example, reader)]

    (reason, *others) = why(3, 11, max_answer_tokens=10)
    assert reason == "longer than task.max_answer_tokens (10)"
    assert others
    assert not any(others)
    assert not any(why(3, 10, max_answer_tokens=10))
    given = {"overlap_tokens": 5, "max_question_tokens": 8}
    reasons = {why(first, 10, **given)[0] for first in range(len(offsets) - 10)}
    assert reasons == {"", "in no window whole (task.overlap_tokens is too small)"}
    wide = {why(first, 10, overlap_tokens=10, max_question_tokens=8)[0] for first in range(len(offsets) - 10)}
    assert wide == {""}
    assert not any(f.out_of_reach for f in task().encode(question(context, None), reader))
    no_token = question("the \u200b film", "\u200b", 4)
    assert task().encode(no_token, reader)[0].out_of_reach == "of no token of the model"
    golds = (Answer(context[: offsets[20][1]], 0), Answer(context[: offsets[1][1]], 0))
    several = QuestionExample("q", Origin("f", 1), "what?", context, golds)
    assert not task(max_answer_tokens=10).encode(several, reader)[0].out_of_reach


def test_the_most_frequent_gold_answer_is_the_target(tiny: Tiny) -> None:
    golds = (Answer("the film", 0), Answer("dull", 13), Answer("dull", 13))
    example = QuestionExample("q", Origin("f", 1), "what?", "the film was dull", golds)
    (feature,) = task().encode(example, tokenizer(tiny, "bert"))
    assert said(feature, example.context) == "dull"


def test_a_long_question_is_cut_and_counted_once(tiny: Tiny) -> None:
    reader = tokenizer(tiny, "bert")
    asked = words(500)
    features = task(max_question_tokens=10).encode(question(words(300), None, text=asked), reader)
    assert len(features) > 1
    cut = [feature.num_truncated_tokens for feature in features]
    assert cut == [len(reader.pieces(asked).ids) - 10] + [0] * (len(features) - 1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("context", ["", "  \n\u3000"])
def test_an_empty_context_is_one_window_in_which_nothing_can_be_answered(
    family: str, context: str, tiny: Tiny
) -> None:
    features = task().encode(question(context, None), tokenizer(tiny, family))
    assert len(features) == 1
    assert features[0].target == (0, 0)
    assert all(start == end for start, end in features[0].offsets)


def test_windows_of_one_passage_share_its_tokens(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, context = tokenizer(tiny, "bert"), words(50)
    taken: list[str] = []
    pieces = type(reader).pieces
    monkeypatch.setattr(type(reader), "pieces", lambda self, text: taken.append(text) or pieces(self, text))
    first = [task().encode(question(context, None, text=f"who {n}?"), reader) for n in range(5)]
    assert taken.count(context) == 1
    assert all(features[0].offsets == first[0][0].offsets for features in first)
