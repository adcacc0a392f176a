"""Reading a run's answers again, and refusing to compare what is not of the same examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError, ModelError
from tunewell.run_dir import RunDir, read_json, write_json
from tunewell.studies.stored import on_the_same_examples, read_answers

GOLD = ["good", "bad", "bad", "good", "good", "bad"]
SAID = ["good", "bad", "good", "good", "bad", "bad"]
Make = Callable[..., Path]


def read(folder: Path, split: str | None = None) -> Any:
    return read_answers(folder.name, RunDir.finished(folder), split)


@pytest.mark.parametrize(
    ("kind", "targets", "answers"),
    [
        ("single_label", GOLD, SAID),
        ("multi_label", [["a", "b"], [], ["b"]], [["a"], ["b"], ["b"]]),
        ("regression", [1.5, 2.25, -3.0, 4.1], [1.25, 2.0, -2.5, 4.3]),
    ],
)
def test_scored_again_as_it_was_scored(
    stored_run: Make, tmp_path: Path, kind: str, targets: list[Any], answers: list[Any]
) -> None:
    folder = stored_run(tmp_path / "a", targets, answers, kind=kind)
    stored = read(folder)
    assert stored.split == "test"
    values = stored.score().values()
    written = RunDir(folder).read_scores().splits["test"].scores
    assert values == {name: score.value for name, score in written.items()}
    assert [stored.task.answer(prediction) for prediction in stored.predictions] == answers


def test_a_real_run_is_scored_again_as_it_was_scored(trained_folder: Path) -> None:
    for split in ("test", "validation"):
        stored = read(trained_folder, split)
        written = RunDir(trained_folder).read_scores().splits[split].scores
        assert stored.score().values() == pytest.approx(
            {name: s.value for name, s in written.items()}, nan_ok=True
        )


@pytest.fixture(scope="module")
def trained_folder(
    tmp_path_factory: pytest.TempPathFactory, tiny: Callable[[str], Path], texts: list[str]
) -> Path:
    import tunewell

    folder = tmp_path_factory.mktemp("run")
    rows = zip(texts, ["good", "bad"] * 24, strict=True)
    (folder / "r.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    settings = {
        "training": {"threads": 1, "device": "cpu"},
        "evaluation": {"resamples": 100, "rank_resamples": 100},
    }
    return tunewell.fit(
        folder / "r.csv", model=tiny("bert"), epochs=1, output=folder / "out", settings=settings
    ).path


def test_another_order_is_put_right(stored_run: Make, tmp_path: Path) -> None:
    ids = list("uvwxyz")
    one = read(stored_run(tmp_path / "a", GOLD, SAID, ids=ids))
    texts = [f"text number {number}" for number in range(6)]
    two = read(stored_run(tmp_path / "b", GOLD[::-1], SAID[::-1], ids=ids[::-1], texts=texts[::-1]))
    assert one.examples != two.examples
    again = on_the_same_examples(one, two)
    assert [example.id for example in again.examples] == ids
    assert again.predictions == one.predictions


def test_labels_in_another_order_are_the_same_labels(stored_run: Make, tmp_path: Path) -> None:
    one = read(stored_run(tmp_path / "a", GOLD, SAID, labels=["bad", "good"]))
    two = read(stored_run(tmp_path / "b", GOLD, SAID, labels=["good", "bad"]))
    assert on_the_same_examples(one, two).score().values() == one.score().values()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"targets": GOLD[:5], "answers": SAID[:5]}, ["a (6 examples) and b (5)", "1 example only in a: 6"]),
        ({"ids": list("123457")}, ["1 example only in a: 6", "1 example only in b: 7"]),
        ({"texts": ["x"] * 6}, ["the text differs in 6 examples: 1, 2, 3, ..."]),
        ({"targets": ["bad", *GOLD[1:]]}, ["the gold answer differs in 1 example: 1"]),
        (
            {"ids": list("abcdef"), "identity": {"content of data.test": "ff", "data.test": "t.csv"}},
            ["data.test: none and t.csv", "content of data.test: none and ff"],
        ),
        ({"ids": list("abcdef"), "identity": {"training.seed": 2}}, ["training.seed: none and 2"]),
    ],
)
def test_other_examples_are_refused(
    stored_run: Make, tmp_path: Path, changes: dict[str, Any], said: list[str]
) -> None:
    one = read(stored_run(tmp_path / "a", GOLD, SAID))
    given = {"targets": GOLD, "answers": SAID, **changes}
    two = read(stored_run(tmp_path / "b", given.pop("targets"), given.pop("answers"), **given))
    with pytest.raises(DataError, match="not tested on the same test examples") as caught:
        on_the_same_examples(one, two)
    for part in said:
        assert part in caught.value.what
    assert "--test FILE" in str(caught.value)


def test_other_tasks_are_refused(stored_run: Make, tmp_path: Path) -> None:
    one = read(stored_run(tmp_path / "a", GOLD, SAID))
    numbers = read(stored_run(tmp_path / "b", [1.0, 2.5], [1.0, 2.0], kind="regression"))
    with pytest.raises(ConfigError, match="a is of the kind single_label and b of the kind regression"):
        on_the_same_examples(one, numbers)
    more = read(stored_run(tmp_path / "c", GOLD, SAID, labels=["bad", "good", "so-so"]))
    with pytest.raises(ConfigError, match="only a knows none, only c knows so-so"):
        on_the_same_examples(one, more)


def test_a_split_that_is_not_there(stored_run: Make, tmp_path: Path) -> None:
    folder = stored_run(tmp_path / "a", GOLD, SAID, split="validation")
    assert read(folder).split == "validation"
    with pytest.raises(ConfigError, match="no test split"):
        read(folder, "test")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda lines: lines[:-1], "5 predictions for 6 scored"),
        (lambda lines: [*lines[:2], "{broken", *lines[3:]], "predictions.jsonl:3: not valid JSON"),
        (lambda lines: [*lines[:2], "[]", *lines[3:]], "predictions.jsonl:3: not a prediction row"),
        (lambda lines: [lines[0].replace('"probabilities"', '"nothing"'), *lines[1:]], "predictions.jsonl:1"),
        (
            lambda lines: [lines[0].replace('"gold": "good"', '"gold": "bad"'), *lines[1:]],
            "the row says gold 'bad'",
        ),
        (
            lambda lines: [lines[0].replace('"input_label": "good"', '"input_label": "?"'), *lines[1:]],
            "label '?'",
        ),
    ],
)
def test_a_damaged_folder_is_named(
    stored_run: Make, tmp_path: Path, damage: Callable[[list[str]], list[str]], said: str
) -> None:
    folder = stored_run(tmp_path / "a", GOLD, SAID)
    path = folder / "predictions.jsonl"
    path.write_text("\n".join(damage(path.read_text().splitlines())) + "\n")
    with pytest.raises(ModelError) as caught:
        read(folder)
    assert said in str(caught.value)


def test_a_missing_file_is_named(stored_run: Make, tmp_path: Path) -> None:
    folder = stored_run(tmp_path / "a", GOLD, SAID)
    (folder / "predictions.jsonl").unlink()
    with pytest.raises(ModelError, match=r"predictions\.jsonl"):
        read(folder)


def test_an_unfinished_run_is_refused(stored_run: Make, tmp_path: Path) -> None:
    folder = stored_run(tmp_path / "a", GOLD, SAID)
    write_json(folder / "manifest.json", {**read_json(folder / "manifest.json"), "status": "running"})
    with pytest.raises(ModelError, match="not finished"):
        read(folder)
    assert json.loads((folder / "scores.json").read_text())
