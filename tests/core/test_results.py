"""Label sets, scores and report sections: plain values that survive being written and read."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewell.core.examples import (
    LabelPrediction,
    LabelsPrediction,
    Origin,
    Prediction,
    Row,
    TextExample,
    Turn,
    ValuePrediction,
)
from tunewell.core.labels import LabelSet
from tunewell.core.results import RunScores, Score, SplitScores, lower_is_better
from tunewell.core.sections import (
    Bars,
    Check,
    Checks,
    Compared,
    ConfidenceBin,
    Conversation,
    Conversations,
    Facts,
    Headline,
    Lines,
    Mark,
    MarkedText,
    MarkedTexts,
    Matrix,
    Notices,
    Reliability,
    Rewrite,
    Rewrites,
    Scatter,
    Section,
    Table,
    Texts,
    section_from_json,
)

numbers = st.floats(allow_nan=False, allow_infinity=False)
scores = st.builds(Score, numbers, numbers | st.none(), numbers | st.none())


def strict(value: Any) -> Any:
    """Through JSON as the standard has it: no NaN."""
    return json.loads(json.dumps(value, allow_nan=False))


@given(st.dictionaries(st.sampled_from(["validation", "test"]), scores, min_size=1))
def test_scores_read_back_equal(by_split: dict[str, Score]) -> None:
    splits = {
        name: SplitScores(3, {"accuracy": score}, name == "validation") for name, score in by_split.items()
    }
    run = RunScores(
        "t", "accuracy", splits, {"majority": splits}, {"majority": next(iter(by_split.values()))}
    )
    assert RunScores.from_json(strict(run.to_json())) == run
    assert run.headline_split == ("test" if "test" in by_split else "validation")
    assert run.headline == by_split[run.headline_split]


def test_the_shape_of_scores_json() -> None:
    split = SplitScores(2, {"f1": Score(0.5, 0.25, 0.75)}, selected_on=True)
    written = RunScores("task", "f1", {"validation": split}, {"tfidf": {"validation": split}}).to_json()
    part = {
        "num_examples": 2,
        "selected_on": True,
        "scores": {"f1": {"value": 0.5, "low": 0.25, "high": 0.75}},
    }
    assert written == {
        "schema": 1,
        "task": "task",
        "primary": "f1",
        "splits": {"validation": part},
        "baselines": {"tfidf": {"splits": {"validation": part}}},
        "differences": {},
    }


def test_a_score_that_is_not_defined_is_null() -> None:
    written = strict(Score(math.nan).to_json())
    assert written == {"value": None, "low": None, "high": None}
    assert math.isnan(Score.from_json(written).value)
    headline = Headline(
        "t", "n", "auroc", "test", 1, Score(math.nan), {"b": Score(math.nan)}, {"b": Score(math.nan)}
    )
    again = section_from_json(strict(headline.to_json()))
    assert isinstance(again, Headline)
    assert math.isnan(again.score.value)
    assert math.isnan(again.differences["b"].value)


SECTIONS: list[Section] = [
    Headline("t", "n", "m", "test", 3, Score(0.5, 0.4, 0.6), {"b": Score(0.1)}, {"b": Score(0.4, 0.3, 0.5)}),
    Compared("t", "n", "m", "test", 3, "a", {"a": Score(0.5, 0.4, 0.6), "b": Score(0.6)}, []),
    Table("t", "n", ["a"], [["x"], [1], [0.5], [None]]),
    Facts("t", "n", {"a": "b"}),
    Lines("t", "n", "step", {"p": {"s": [[0, 1.0]]}}),  # type: ignore[list-item]  # as JSON has it
    Matrix("t", "n", ["a", "b"], [[1, 2], [3, 4]]),
    Bars("t", "n", "texts", {"a": 1.0}),
    MarkedTexts("t", "n", [MarkedText("好 b", [Mark(0, 1, "x", "gold")], {"a": 1.5})]),
    Rewrites("t", "n", [Rewrite("好\u2028", "b", "", {"a": 1.5})]),
    Conversations("t", "n", [Conversation([Turn("user", "好")], None, "b", {"a": "x"})]),
    Texts("t", "n", [{"text": "好\u2028", "gold": 1.5}]),
    Notices("t", "n", ["x"]),
    Checks("t", "n", [Check("look", "x", ["y"])], shows="s"),
    Reliability("t", "n", "answers", "right", [ConfidenceBin(0.8, 0.9, 3, 0.85, Score(0.5, 0.1, 0.9))], 0.1),
    Scatter("t", "n", "value", [[0.0, 1.0]]),  # type: ignore[list-item]  # as JSON has it
]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.kind)
def test_sections_read_back_equal(section: Section) -> None:
    written = strict(section.to_json())
    assert next(iter(written)) == "kind"
    assert section_from_json(written) == section


def test_every_kind_of_section_is_tried_here() -> None:
    assert {type(section).__name__ for section in SECTIONS} == {
        kind.__name__ for kind in Section.__subclasses__()
    }
    with pytest.raises(KeyError):
        section_from_json({"kind": "of a later version"})


@given(st.lists(st.integers(-(10**6), 10**6).map(str), min_size=1))
def test_whole_numbers_are_ordered_as_numbers(names: list[str]) -> None:
    learnt = LabelSet.learn(names)
    assert list(learnt.names) == sorted(set(names), key=int)


@given(st.lists(st.text(), min_size=1))
def test_ids_are_places_and_the_order_of_the_file_does_not_matter(names: list[str]) -> None:
    learnt = LabelSet.learn(names)
    assert learnt == LabelSet.learn(reversed(names))
    assert [learnt.ids[name] for name in learnt.names] == list(range(len(learnt)))
    assert all(name in learnt for name in names)
    assert "no such\0name" not in learnt


@pytest.mark.parametrize(
    "names", [["²"], ["--5"], ["-"], ["9" * 5000], ["5", "x"], ["٣", "1"], ["1", "01"], ["-0", "0"], [""]]
)
def test_names_that_look_like_numbers(names: list[str]) -> None:
    assert set(LabelSet.learn(names).names) == set(names)


def test_names_that_repeat_are_refused() -> None:
    with pytest.raises(ValueError, match="repeat"):
        LabelSet(("a", "b", "a"))


def test_predictions_as_json() -> None:
    assert LabelPrediction("1", "a", {"a": 0.75, "b": 0.25}).to_json() == {
        "label": "a",
        "probabilities": {"a": 0.75, "b": 0.25},
    }
    assert LabelsPrediction("1", ("a",), {"a": 0.7}).to_json() == {
        "labels": ["a"],
        "probabilities": {"a": 0.7},
    }
    assert ValuePrediction("1", 2.5).to_json() == {"value": 2.5}
    with pytest.raises(NotImplementedError):
        Prediction("1").to_json()


def test_what_is_read_remembers_where_it_came_from() -> None:
    row = Row({"text": "a"}, Origin("f.csv", 3))
    example = TextExample("3", row.origin, ("a",), "good", group_id="g")
    assert str(example.origin) == "f.csv:3"
    with pytest.raises(AttributeError):
        example.id = "4"  # type: ignore[misc]


@pytest.mark.parametrize(
    "metric",
    [
        "mse",
        "validation_loss",
        "loss_per_token",
        "perplexity_per_character",
        "ter",
        "expected_calibration_error",
    ],
)
def test_errors_losses_and_perplexities_are_better_when_lower(metric: str) -> None:
    assert lower_is_better(metric)


@pytest.mark.parametrize(
    "metric", ["macro_f1", "bleu", "chrf_plus_plus", "recall_at_1", "distinct_1", "characters"]
)
def test_most_metrics_are_better_when_higher(metric: str) -> None:
    assert not lower_is_better(metric)
