"""Which files of a folder are its splits: whole names first, then the last words of longer names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewell.core.errors import DataError
from tunewell.data.folders import find_splits
from tunewell.data.sources import read
from tunewell.data.values import row_id


def folder_of(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_text("text,label\na,b\n")
    return str(folder)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (
            ("a-ud-train.conllu.gz", "a-ud-dev.conllu.gz", "a-ud-test.conllu"),
            ("a-ud-train", "a-ud-dev", "a-ud-test"),
        ),
        (("x_train.csv", "x_valid.csv"), ("x_train", "x_valid", None)),
        (("squad.TRAIN.json", "squad.Val.json"), ("squad.TRAIN", "squad.Val", None)),
        (("a.testa.txt", "a.train.txt", "a.testb.txt"), ("a.train", "a.testa", "a.testb")),
        (("train-v2.0.json", "dev-v2.0.json"), ("train-v2.0", "dev-v2.0", None)),  # SQuAD's own names
        (("train.csv", "hard-test.csv"), ("train", None, None)),  # a whole name: others are no splits
        (("train.csv", "dev.csv", "old_dev.csv"), ("train", "dev", None)),
    ],
)
def test_names(tmp_path: Path, names: tuple[str, ...], splits: tuple[str | None, ...]) -> None:
    found, others = find_splits(folder_of(tmp_path, "README.md", *names))
    expected = dict(zip(("train", "validation", "test"), splits, strict=True))
    assert {split: name.split(".c")[0].split(".j")[0].split(".txt")[0] for split, name in found.items()} == {
        split: name for split, name in expected.items() if name is not None
    }
    assert sorted([*found.values(), *others]) == sorted(names)


@pytest.mark.parametrize(
    "names", [("contest.csv",), ("test-suite.csv", "a.csv"), ("retrain.csv",), ("a-train.md",)]
)
def test_no_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="no train, validation or test file"):
        find_splits(folder_of(tmp_path, *names))


def test_two_for_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"both a_train.csv and b_train.csv could be the train split"):
        find_splits(folder_of(tmp_path, "a_train.csv", "b_train.csv"))


@pytest.mark.parametrize(
    "names", [("train", "val", "test_2016_flickr"), ("train.en-de", "dev.en-de", "test2016.en-de")]
)
def test_parallel_files_are_splits_by_their_first_word(tmp_path: Path, names: tuple[str, ...]) -> None:
    files = [f"{name}.{language}" for name in names for language in ("en", "fr")]
    found, others = find_splits(folder_of(tmp_path, *files))
    assert found.keys() == {"train", "validation", "test"}
    for split, name in zip(("train", "validation", "test"), names, strict=True):
        assert found[split].startswith(name)
    assert others == []


def test_of_several_parallel_test_sets_none_is_chosen(tmp_path: Path) -> None:
    names = ("train", "val", "test_2016_flickr", "test_2017_flickr")
    files = [f"{name}.{language}" for name in names for language in ("en", "fr")]
    found, others = find_splits(folder_of(tmp_path, *files))
    assert found.keys() == {"train", "validation"}
    assert others == sorted(name for name in files if name.startswith("test"))


def test_another_form_of_a_parallel_text_is_no_other_test_set(tmp_path: Path) -> None:
    names = ("train", "val", "test_2016_flickr")
    forms = [f"{name}{form}" for name in names for form in ("", ".lc.norm.tok")]
    found, others = find_splits(
        folder_of(tmp_path, *(f"{form}.{code}" for form in forms for code in ("en", "fr")))
    )
    assert found == {"train": "train", "validation": "val", "test": "test_2016_flickr"}
    assert others == sorted(f"{name}.lc.norm.tok.{code}" for name in names for code in ("en", "fr"))


def test_any_ending(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "eng.train", "eng.testa", "LICENSE", ".eng.test", "notes.csv")
    found, others = find_splits(folder, any_ending=True)
    assert found == {"train": "eng.train", "validation": "eng.testa"}
    assert others == ["notes.csv"]


def test_the_data_are_named_after_the_folder(tmp_path: Path) -> None:
    found = read(folder_of(tmp_path, "a-train.csv", "a-dev.csv", "a.csv"))
    assert {source.name for source in found.values()} == {tmp_path.name}
    assert "a.csv" in found["train"].notes[0]


def talks_of(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("Who is it? __eou__ Me.\n")


def test_first_words_that_are_followed_by_the_same(tmp_path: Path) -> None:
    names = [f"{split}.en.tsv" for split in ("train", "dev", "test")]
    assert find_splits(folder_of(tmp_path, *names))[0] == dict(
        zip(("train", "validation", "test"), names, strict=True)
    )
    folder_of(tmp_path, *(name.replace("en", "zh") for name in names), "test_other.tsv")
    with pytest.raises(
        DataError, match=r"each of train.en.tsv, train.zh.tsv could be the train split"
    ) as caught:
        find_splits(str(tmp_path))
    assert str(caught.value.fix).endswith(
        f"train {tmp_path}/train.en.tsv --validation {tmp_path}/dev.en.tsv --test {tmp_path}/test.en.tsv"
    )


def test_folders_that_are_splits(tmp_path: Path) -> None:
    """DailyDialog's own folders, as they are unpacked."""
    files = [
        f"{split}/dialogues_{kind}{split}.txt"
        for split in ("train", "validation", "test")
        for kind in ("", "act_", "emotion_")
    ]
    talks_of(tmp_path, *files)
    found, others = find_splits(str(tmp_path))
    assert found == {split: f"{split}/dialogues_{split}.txt" for split in ("train", "validation", "test")}
    assert others == sorted(
        set(files) - set(found.values()), key=lambda name: (list(found).index(name.split("/")[0]), name)
    )
    sources = read(str(tmp_path))
    assert {split: len(source.rows) for split, source in sources.items()} == {
        "train": 1,
        "validation": 1,
        "test": 1,
    }
    alone = read(str(tmp_path / "train"))["train"]
    assert alone.columns == ("dialogue",)
    assert "dialogues_act_train.txt" in alone.notes[0]
    assert "--test" not in alone.notes[0]
    talks_of(tmp_path, "train/more.txt")
    with pytest.raises(
        DataError, match=r"the train split is a folder that holds .*more\.txt, where one file is expected"
    ):
        find_splits(str(tmp_path))


def test_numbered_files_are_one_table(tmp_path: Path) -> None:
    """SGD's folders: a hundred files a split, and one that says something else."""
    talk = [{"speaker": "USER", "utterance": "hi"}, {"speaker": "SYSTEM", "utterance": "yo"}]
    documents = {f"train/dialogues_{n:03}.json": [{"turns": talk}] * 2 for n in (1, 2, 10)}
    for name, document in {**documents, "dev/dialogues_001.json": [{"turns": talk}]}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
    (tmp_path / "train/schema.json").write_text("[]")
    sources = read(str(tmp_path))
    rows = sources["train"].rows
    assert [row.origin.file[-8:] for row in rows[::2]] == ["001.json", "002.json", "010.json"]
    assert len({row_id(row) for row in rows}) == len(rows) == 6, "lines begin anew in each file, ids do not"
    assert len(sources["validation"].rows) == 1
    said = " ".join(sources["train"].notes)
    assert "3 numbered files" in said
    assert "train/schema.json" in said
    assert sources["train"].fingerprint != sources["validation"].fingerprint
    assert len(read(str(tmp_path / "train"))["train"].rows) == 6
    (tmp_path / "train/reviews.csv").write_text("text,label\na,b\n")
    with pytest.raises(DataError, match="no train, validation or test file"):
        read(str(tmp_path / "train"))


def test_parts_of_a_split_are_to_be_put_together(tmp_path: Path) -> None:
    """The Hub's own names; of one part each they are splits like others."""
    names = ["train-00000-of-00002.csv", "train-00001-of-00002.csv", "test-00000-of-00001.csv"]
    with pytest.raises(DataError, match="could be the train split") as caught:
        find_splits(folder_of(tmp_path, *names))
    assert caught.value.fix == "put the parts together in one file for each split"
    (tmp_path / names[1]).unlink()
    (tmp_path / names[0]).rename(tmp_path / "train-00000-of-00001.csv")
    assert find_splits(str(tmp_path))[0].keys() == {"train", "test"}
