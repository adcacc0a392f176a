"""The simple methods: sensible, deterministic, and scored by the task like any model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tunewell.baselines.texts import Constant, TfidfLinear
from tunewell.core.examples import (
    LabelPrediction,
    LabelsPrediction,
    Origin,
    TextExample,
    ValuePrediction,
)
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig

GOOD = ("a warm film", "great cast", "clever and warm", "a great story", "clever plot, great ending")
BAD = ("a dull film", "cold cast", "clumsy and dull", "a cold story", "clumsy plot, dull ending")


def examples(texts: Sequence[str | tuple[str, ...]], targets: Sequence[Any]) -> list[TextExample]:
    return [
        TextExample(str(line), Origin("t.csv", line), (text,) if isinstance(text, str) else text, target)
        for line, (text, target) in enumerate(zip(texts, targets, strict=True), 1)
    ]


TRAIN = examples([*GOOD, *BAD], ["good"] * 5 + ["bad"] * 5)
NEW = examples(["a warm and clever cast", "a cold and clumsy plot", "zzz", ""], ["good", "bad", "bad", "bad"])


def answers(baseline: Any, train: list[TextExample], test: list[TextExample]) -> list[Any]:
    baseline.fit(train)
    predictions = baseline.predict(test)
    assert [prediction.example_id for prediction in predictions] == [example.id for example in test]
    return list(predictions)


def test_tfidf_learns_labels() -> None:
    found = answers(TfidfLinear(), TRAIN, NEW)
    assert [prediction.label for prediction in found[:2]] == ["good", "bad"]
    for prediction in found:
        assert isinstance(prediction, LabelPrediction)
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.__getitem__)


def test_tfidf_learns_more_than_two_labels() -> None:
    train = [*TRAIN, *examples(["rain and wind", "sunny weather", "wind and weather"], ["weather"] * 3)]
    found = answers(TfidfLinear(), train, examples(["wind and rain", "a warm story"], ["weather", "good"]))
    assert [prediction.label for prediction in found] == ["weather", "good"]


def test_tfidf_learns_several_labels() -> None:
    texts = ["warm film", "warm cast", "dull film", "dull cast", "great film", "great plot"]
    targets = [("warm", "film"), ("warm",), ("film",), (), ("film",), ()]
    found = answers(TfidfLinear(), examples(texts, targets), examples(["a warm film", "plot"], [(), ()]))
    assert all(isinstance(prediction, LabelsPrediction) for prediction in found)
    assert set(found[0].labels) == {"warm", "film"}
    assert found[1].labels == ()


def test_tfidf_takes_a_label_that_all_or_none_have() -> None:
    train = examples(["one", "two", "three"], [("always",), ("always", "once"), ("always",)])
    found = answers(TfidfLinear(), train, NEW)
    assert all(prediction.probabilities["always"] == 1.0 for prediction in found)
    assert answers(TfidfLinear(), examples(["one", "two"], [(), ()]), NEW)[0].labels == ()


def test_tfidf_learns_values() -> None:
    train = examples([*GOOD, *BAD], [2010.0] * 5 + [1990.0] * 5)
    found = answers(TfidfLinear(), train, NEW)
    assert all(isinstance(prediction, ValuePrediction) for prediction in found)
    assert found[0].value > 2003 > 1997 > found[1].value
    assert found[2].value == pytest.approx(2000, abs=2)  # knows no word of it


def test_tfidf_reads_chinese() -> None:
    """Without blanks between words there would be one word a text, never seen again."""
    good = (
        "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d",
        "\u975e\u5e38\u597d\u770b",
        "\u6211\u5f88\u559c\u6b22",
        "\u6f14\u5458\u5f88\u597d",
    )
    bad = (
        "\u8fd9\u90e8\u7535\u5f71\u5f88\u5dee",
        "\u975e\u5e38\u65e0\u804a",
        "\u6211\u4e0d\u559c\u6b22",
        "\u6f14\u5458\u5f88\u5dee",
    )
    train = examples([*good, *bad], ["good"] * 4 + ["bad"] * 4)
    new = examples(["\u6545\u4e8b\u5f88\u597d\u770b", "\u6545\u4e8b\u5f88\u5dee"], ["good", "bad"])
    assert [p.label for p in answers(TfidfLinear(), train, new)] == ["good", "bad"]


def test_tfidf_sees_shared_words_of_a_pair() -> None:
    words = ("film", "plot", "cast", "score", "ending", "camera", "story", "scene")
    same = [(f"the {word}", f"a {word}") for word in words]
    other = [(f"the {one}", f"a {two}") for one, two in zip(words, words[1:] + words[:1], strict=True)]
    train = examples([*same, *other], ["same"] * 8 + ["other"] * 8)
    new = examples([("that film", "this film"), ("that film", "this cast")], ["same", "other"])
    assert [p.label for p in answers(TfidfLinear(), train, new)] == ["same", "other"]


@pytest.mark.parametrize("make", [Constant, TfidfLinear])
@pytest.mark.parametrize(
    "targets",
    [["a", "b"] * 5, [("a",), ("a", "b")] * 5, [1.0, 2.5] * 5],
    ids=["label", "labels", "value"],
)
def test_the_same_data_give_the_same_answers(make: Any, targets: list[Any]) -> None:
    train = examples([*GOOD, *BAD], targets)
    assert answers(make(), train, NEW) == answers(make(), train, NEW)


def test_the_constant_answer_is_the_most_frequent() -> None:
    found = answers(Constant(), examples(["x"] * 5, ["b", "a", "b", "c", "b"]), NEW)
    assert {prediction.label for prediction in found} == {"b"}
    assert found[0].probabilities == {"a": 0.2, "b": 0.6, "c": 0.2}


def test_the_constant_labels_are_those_of_most_texts() -> None:
    found = answers(Constant(), examples(["x"] * 4, [("a", "b"), ("a",), ("a", "c"), ()]), NEW)
    assert found[0].labels == ("a",)
    assert found[0].probabilities == {"a": 0.75, "b": 0.25, "c": 0.25}


def test_the_constant_value_is_the_mean() -> None:
    found = answers(Constant(), examples(["x"] * 3, [1.0, 2.0, 6.0]), NEW)
    assert [prediction.value for prediction in found] == [3.0] * 4


@pytest.mark.parametrize("kind", ["single_label", "multi_label", "regression"])
def test_the_task_scores_its_baselines(kind: Any) -> None:
    """A label that training lacks is scored too."""
    targets: list[Any] = {
        "single_label": ["a", "b"] * 5,
        "multi_label": [("a",), ("a", "b")] * 5,
        "regression": [1.0, 2.5] * 5,
    }[kind]
    unseen = {"single_label": "c", "multi_label": ("c",), "regression": 9.0}[kind]
    train = examples([*GOOD, *BAD], targets)
    test = examples(["a warm film", "dull", "cold cast"], [targets[0], targets[1], unseen])
    task = TextClassification.new(TextClassificationConfig(text="text", label="label", kind=kind))
    task = task.learn({"train": train, "test": test})
    made = task.baselines(None)
    assert len(made) == 2
    assert "tfidf" in made
    for make in made.values():
        scores = task.score(test, answers(make(), train, test))
        assert set(scores.values()) >= {scores.primary}
