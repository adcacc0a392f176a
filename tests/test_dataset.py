"""From data settings to examples by split: which splits are drawn, which labels are known, what is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import RunConfig, assignments, load_config, merged
from tunewell.core.errors import ConfigError, DataError
from tunewell.dataset import SPLITS, Dataset, load_dataset, subset
from tunewell.tasks import task_config

Reviews = Sequence[tuple[str, str]]


@pytest.fixture(scope="session")
def reviews(texts: list[str]) -> Reviews:
    return list(zip(texts, ["good", "bad"] * 24, strict=True))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, rows: Reviews, header: str = "text,label") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(
        header + "\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8"
    )
    return path


def configured(train: str, **groups: Any) -> RunConfig:
    settings = merged({"data": {"train": train}, "training": {"batch_size": 4}}, groups)
    return load_config(None, settings, task_config)


def sizes(dataset: Dataset) -> dict[str, int]:
    assert list(dataset.examples) == [name for name in SPLITS if name in dataset.examples]
    assert {name: len(rows) for name, rows in dataset.rows.items()} == {
        name: len(examples) for name, examples in dataset.examples.items()
    }
    return {name: len(examples) for name, examples in dataset.examples.items()}


def texts_of(dataset: Dataset, split: str) -> list[str]:
    return [example.texts[0] for example in dataset.examples[split]]  # type: ignore[attr-defined]


def test_what_no_file_gives_is_drawn_from_the_training_data(folder: Path, reviews: Reviews) -> None:
    dataset = load_dataset(configured(write("r.csv", reviews)))
    assert sizes(dataset) == {"train": 38, "validation": 5, "test": 5}
    everything = [text for split in SPLITS for text in texts_of(dataset, split)]
    assert sorted(everything) == sorted(text for text, _ in reviews)
    assert any("split by a seeded, stratified draw" in note and "38 train" in note for note in dataset.notes)
    assert dataset.fingerprints.keys() == {"train"}
    assert dataset.name == "r"


@pytest.mark.parametrize("given", ["validation", "test"])
def test_only_the_missing_split_is_drawn(folder: Path, reviews: Reviews, given: str) -> None:
    other = write("other.csv", [("quite another film", "good"), ("one more of these", "bad")])
    dataset = load_dataset(configured(write("r.csv", reviews), data={given: other}))
    drawn = "test" if given == "validation" else "validation"
    assert sizes(dataset) == {"train": 43, given: 2, drawn: 5}
    assert dataset.fingerprints.keys() == {"train", given}


def test_nothing_is_drawn_where_all_splits_are_given(folder: Path, reviews: Reviews) -> None:
    write("d/train.csv", reviews[:32])
    write("d/dev.csv", reviews[32:40])
    write("d/test.csv", reviews[40:])
    dataset = load_dataset(configured("d"))
    assert sizes(dataset) == {"train": 32, "validation": 8, "test": 8}
    assert texts_of(dataset, "test") == [text for text, _ in reviews[40:]]
    assert dataset.name == "d"
    assert not any("split by" in note for note in dataset.notes)


def test_a_file_named_on_top_of_a_folder_takes_its_place(folder: Path, reviews: Reviews) -> None:
    write("d/train.csv", reviews[:40])
    write("d/test.csv", reviews[40:44])
    dataset = load_dataset(configured("d", data={"test": write("t.csv", reviews[44:])}))
    assert texts_of(dataset, "test") == [text for text, _ in reviews[44:]]


def test_a_folder_without_training_data_is_refused(folder: Path, reviews: Reviews) -> None:
    write("d/test.csv", reviews)
    with pytest.raises(DataError, match="no training split") as raised:
        load_dataset(configured("d"))
    assert raised.value.where == "d"


def test_a_json_object_of_lists_of_pairs(folder: Path, reviews: Reviews) -> None:
    splits = {"train": reviews[:32], "val": reviews[32:40], "test": reviews[40:], "oos_train": [["x", "oos"]]}
    Path("clinc.json").write_text(json.dumps(splits))
    dataset = load_dataset(configured("clinc.json"))
    assert sizes(dataset) == {"train": 32, "validation": 8, "test": 8}
    assert dataset.task.to_json()["labels"] == ["bad", "good"]
    assert any("oos_train" in note for note in dataset.notes)
    assert len(set(dataset.fingerprints.values())) == 1


def test_the_seed_and_nothing_else_decides_the_draw(folder: Path, reviews: Reviews) -> None:
    write("r.csv", reviews)

    def drawn(seed: int) -> list[str]:
        return sorted(texts_of(load_dataset(configured("r.csv", training={"seed": seed})), "test"))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    first = drawn(1)
    write("r.csv", reviews[::-1])
    assert drawn(1) == first


def test_the_fractions(folder: Path, reviews: Reviews) -> None:
    data = {"validation_fraction": 0.25, "test_fraction": 0.5}
    assert sizes(load_dataset(configured(write("r.csv", reviews), data=data))) == {
        "train": 12,
        "validation": 12,
        "test": 24,
    }
    with pytest.raises(ConfigError, match="fractions"):
        load_dataset(configured("r.csv", data={"validation_fraction": 0.5, "test_fraction": 0.5}))


def test_the_limit_keeps_the_first_rows_of_the_training_data_only(folder: Path, reviews: Reviews) -> None:
    test = write("t.csv", reviews[40:])
    dataset = load_dataset(configured(write("r.csv", reviews[:40]), data={"limit": 20, "test": test}))
    assert sizes(dataset) == {"train": 18, "validation": 2, "test": 8}
    assert set(texts_of(dataset, "train") + texts_of(dataset, "validation")) == {
        text for text, _ in reviews[:20]
    }


def test_labels_are_those_of_all_splits(folder: Path, reviews: Reviews) -> None:
    test = write("t.csv", [("neither fish nor flesh", "mixed"), ("a great film", "good")])
    dataset = load_dataset(configured(write("r.csv", reviews), data={"test": test}))
    assert dataset.task.to_json()["labels"] == ["bad", "good", "mixed"]
    assert [f.code for f in dataset.findings if f.severity == "warning"] == ["label-absent-from-train"]


def test_equal_texts_stay_on_one_side(folder: Path, reviews: Reviews) -> None:
    dataset = load_dataset(configured(write("r.csv", [*reviews, *reviews])))
    parts = [set(texts_of(dataset, split)) for split in SPLITS]
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_bad_rows_are_listed_or_dropped_and_counted(folder: Path, reviews: Reviews) -> None:
    write("r.csv", [*reviews, (" ", "good"), ("no label", ""), ("\t", "bad")])
    with pytest.raises(DataError, match=r"3 problems in r\.csv") as raised:
        load_dataset(configured("r.csv"))
    assert "r.csv:51: column 'label' is missing" in raised.value.what
    dataset = load_dataset(configured("r.csv", data={"on_bad_row": "drop"}))
    assert sum(sizes(dataset).values()) == 48
    assert "3 bad rows were dropped from r.csv" in dataset.notes


@pytest.mark.parametrize(
    ("header", "rows", "text", "label", "kind"),
    [
        ("text,label", [("a film", "x"), ("b film", "y")], "text", "label", "single_label"),
        ("label,sentence", [("x", "a film"), ("y", "b film")], "sentence", "label", "single_label"),
        ("review,stars", [("a film", "4.5"), ("b film", "1.5")], "review", "stars", "regression"),
        ("text,label", [("a film", "x|y"), ("b film", "y")], "text", "label", "multi_label"),
    ],
)
def test_the_task_is_inferred_and_said(
    folder: Path, header: str, rows: Reviews, text: str, label: str, kind: str
) -> None:
    content = [
        (f"{a} {n}" if "film" in a else a, f"{b} {n}" if "film" in b else b)
        for n in range(10)
        for a, b in rows
    ]
    dataset = load_dataset(configured(write("r.csv", content, header)))
    config = dataset.task.config
    assert (dataset.task.name, config.text, config.label, config.kind) == (
        "text-classification",
        text,
        label,
        kind,
    )
    assert dataset.notes[0].startswith(f"task: text-classification; text = {text}, label = {label}")


@pytest.mark.parametrize(
    ("header", "middle", "candidates", "fix"),
    [
        ("headline,body,label", "a longer text of its own number {}", ("body", "headline"), "task.text=body"),
        ("text,topic,emotion", "kind {}", ("topic", "emotion"), "task.label=topic"),
    ],
)
def test_what_cannot_be_guessed_is_asked_with_the_candidates(
    folder: Path, reviews: Reviews, header: str, middle: str, candidates: tuple[str, str], fix: str
) -> None:
    numbers = [n if "longer" in middle else n % 3 for n in range(len(reviews))]
    rows = [(f"{text},{middle.format(n)}", label) for n, (text, label) in zip(numbers, reviews, strict=True)]
    with pytest.raises(ConfigError) as raised:
        load_dataset(configured(write("r.csv", rows, header)))
    assert all(name in raised.value.what for name in candidates)
    assert fix in str(raised.value.fix)
    load_dataset(configured("r.csv", **assignments([fix])))


@pytest.mark.parametrize(
    ("content", "said"),
    [("text\na\nb\n", "the only column is 'text'"), ("a,b\n1,2\n3,4\n", "no column looks like")],
)
def test_columns_that_no_task_reads(folder: Path, content: str, said: str) -> None:
    Path("r.csv").write_text(content)
    with pytest.raises(ConfigError, match=said) as raised:
        load_dataset(configured("r.csv"))
    assert raised.value.where == "r.csv"
    assert raised.value.fix


def test_a_column_that_is_not_there_is_named_with_the_file(folder: Path, reviews: Reviews) -> None:
    write("r.csv", reviews)
    with pytest.raises(DataError, match="did you mean 'text'") as raised:
        load_dataset(configured("r.csv", task={"text": "texts"}))
    assert raised.value.where == "r.csv"
    write("t.csv", reviews[:4], "text,class")
    with pytest.raises(DataError, match="no column 'label'") as raised:
        load_dataset(configured("r.csv", data={"test": "t.csv"}))
    assert raised.value.where == "t.csv"


def test_remarks_are_notes_and_findings_with_their_places(folder: Path, reviews: Reviews) -> None:
    dataset = load_dataset(configured(write("r.csv", [*reviews, *reviews[:20]])))
    remarks = dict(dataset.remarks())
    assert [message for message, level in remarks.items() if level == "info"][
        : len(dataset.notes)
    ] == dataset.notes
    warning = next(message for message, level in remarks.items() if level == "warning")
    assert "repeat the text" in warning
    assert "\n  r.csv:" in warning


def test_a_subset_deals_out_the_training_examples_anew(folder: Path, reviews: Reviews) -> None:
    dataset = load_dataset(configured(write("r.csv", reviews)), wanted=("train",))
    assert sizes(dataset) == {"train": 48}
    part = subset(dataset, {"train": [0, 1, 5], "test": [2]})
    assert texts_of(part, "train") == [reviews[n][0] for n in (0, 1, 5)]
    assert part.rows["test"][0].values["text"] == reviews[2][0]
    assert part.fingerprints == dataset.fingerprints


@pytest.mark.parametrize("reader", [str, str.upper])
def test_the_name_of_a_csv_file_does_not_matter(
    folder: Path, reviews: Reviews, reader: Callable[[str], str]
) -> None:
    assert sum(sizes(load_dataset(configured(write(reader("r.csv"), reviews)))).values()) == 48
