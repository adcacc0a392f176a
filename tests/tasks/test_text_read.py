"""How text classification reads rows, and what it refuses with file and line."""

from __future__ import annotations

from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Origin, Row, TextExample
from tunewell.tasks.text_classification import TextClassification, TextClassificationConfig


def task(kind: str = "single_label", **settings: Any) -> TextClassification:
    given = {"text": "text", "label": "label", "kind": kind, **settings}
    return TextClassification.new(TextClassificationConfig(**given))


def row(**values: Any) -> Row:
    return Row({"text": "fine words", "label": "yes", **values}, Origin("data.csv", 12))


def target(kind: str, value: Any, **settings: Any) -> Any:
    return task(kind, **settings).read(row(label=value)).target


def refusal(reader: TextClassification, values: dict[str, Any]) -> str:
    with pytest.raises(DataError) as caught:
        reader.read(row(**values))
    assert str(caught.value).startswith("data.csv:12: ")
    assert caught.value.exit_code == 3
    return str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "\t\n", None, 3, ["a"], "half \ud83d here"])
def test_what_is_no_text_is_refused(text: Any) -> None:
    assert "'text'" in refusal(task(), {"text": text})


@pytest.mark.parametrize("label", [None, "", "  ", float("nan"), ["a"], {"a": 1}])
def test_what_is_no_label_is_refused(label: Any) -> None:
    assert "'label'" in refusal(task(), {"label": label})


@pytest.mark.parametrize("value", [None, "", "many", float("nan"), float("inf"), "nan", [1.0]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert "not a finite number" in refusal(task("regression"), {"label": value})


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_a_label_and_no_number(value: bool) -> None:
    assert target("single_label", value) == str(value).lower()
    assert "not a finite number" in refusal(task("regression"), {"label": value})


def test_numbers_that_mean_the_same_are_one_label() -> None:
    """A column of whole numbers with a gap is read as 0.0 and 1.0 by some tools."""
    assert target("single_label", 1) == target("single_label", 1.0) == target("single_label", "1") == "1"
    assert target("single_label", 1.5) == "1.5"


def test_an_unknown_label_is_refused_with_a_suggestion() -> None:
    message = refusal(task(labels=["positive", "negative"]), {"label": "positiv"})
    assert "'positiv' is not one of the 2 known labels (positive, negative)" in message
    assert "did you mean 'positive'?" in message
    assert "train again with it" in refusal(task(labels=["positive", "negative"]), {"label": "sarcastic"})


def test_labels_that_differ_in_case_or_blanks_are_not_merged() -> None:
    learnt = task().learn({"train": [task().read(row(label=name)) for name in ("Yes", "yes", "yes ")]})
    assert learnt.labels.names == ("Yes", "yes", "yes ")


def test_several_labels_in_one_value() -> None:
    assert target("multi_label", "a|b") == ("a", "b")
    assert target("multi_label", "a | b|a") == ("a", "b")
    assert target("multi_label", "") == ()
    assert target("multi_label", ["b", "a"]) == ("b", "a")
    assert target("multi_label", "a;b", label_separator=";") == ("a", "b")


def test_several_columns_of_flags() -> None:
    reader = task("multi_label", label=["toxic", "rude"])
    assert reader.read(row(toxic="1", rude=0)).target == ("toxic",)
    assert reader.read(row(toxic=True, rude="1.0")).target == ("toxic", "rude")
    assert "'rude' holds '2'" in refusal(reader, {"toxic": 0, "rude": "2"})
    assert "'toxic'" in refusal(reader, {"toxic": None, "rude": "1"})


def test_rows_without_a_target_can_be_predicted() -> None:
    values = Row({"text": ""}, Origin("data.csv", 3))
    assert task().read(values, labelled=False) == TextExample("3", Origin("data.csv", 3), ("",), None)


def test_the_id_is_the_rows_own_or_its_line() -> None:
    assert task().read(row(id="q7")).id == "q7"
    assert task().read(row(id=7)).id == "7"
    assert task().read(row(id="")).id == "12"


def test_columns_are_checked_before_rows() -> None:
    task().check_columns(["id", "text", "label"], "data.csv")
    with pytest.raises(DataError, match=r"no column 'label'; the columns are text, labels") as caught:
        task().check_columns(["text", "labels"], "data.csv")
    assert "did you mean 'labels'?" in str(caught.value)
    task().check_columns(["text"], "data.txt", labelled=False)


def test_labels_are_learnt_from_all_splits_and_weights_from_training() -> None:
    def split(*names: str) -> list[TextExample]:
        return [task().read(row(label=name)) for name in names]

    learnt = task(class_weights="balanced").learn(
        {"train": split("2", "10", "10"), "validation": split("1"), "test": split("2")}
    )
    assert learnt.labels.names == ("1", "2", "10")  # whole numbers stand in their own order
    assert learnt.label_weights == pytest.approx((3 / 3, 3 / 3, 3 / 6))


def test_one_value_everywhere_cannot_be_learnt() -> None:
    values = [task("regression").read(row(label=4.0)) for _ in range(3)]
    with pytest.raises(DataError, match="every training value is 4"):
        task("regression").learn({"train": values})


def test_a_weight_for_an_unknown_label_is_refused() -> None:
    reader = task(class_weights={"maybe": 2.0})
    with pytest.raises(ConfigError, match="maybe"):
        reader.learn({"train": [reader.read(row(label=name)) for name in ("yes", "no")]})


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "regression", "label_smoothing": 0.1},
        {"kind": "multi_label", "class_weights": "balanced"},
        {"kind": "regression", "labels": ["a", "b"]},
        {"class_weights": {"a": 0.0}},
        {"text": ["a", "b", "c"]},
        {"labels": ["a", "a"]},
        {"labels": ["a"]},
    ],
)
def test_settings_without_effect_or_sense_are_refused(settings: dict[str, Any]) -> None:
    from tunewell.config import task_settings
    from tunewell.tasks import task_config

    given = {"text": "text", "label": "label", "kind": "single_label", **settings}
    with pytest.raises(ConfigError):
        task_settings(given, "text-classification", task_config)
