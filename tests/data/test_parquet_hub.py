"""Parquet files and Hub data sets, with local stand-ins; nothing here reaches the network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, DataError
from tunewell.data import hub
from tunewell.data.sources import SourceSettings, read


def parquet(path: Path, columns: dict[str, list[Any]]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), path)
    return path


def test_parquet(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t.parquet", {"text": ["a", "b"], "labels": [["x"], []], "__index_level_0__": [5, 6]}
    )
    source = read(str(path))["train"]
    assert [row.values for row in source.rows] == [
        {"text": "a", "labels": ["x"]},
        {"text": "b", "labels": []},
    ]
    assert [row.origin.line for row in source.rows] == [1, 2]
    assert "row index" in source.notes[0]
    assert source.columns == ("text", "labels")


def test_class_names_in_parquet(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])}
    )
    table = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    table.to_parquet(str(tmp_path / "t.parquet"))
    source = read(str(tmp_path / "t.parquet"))["train"]
    assert [row.values["label"] for row in source.rows] == ["pos", "neg", None]
    assert "turned into their names" in source.notes[0]


def test_damaged_parquet(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", {"text": ["a", "b"] * 100})
    whole = path.read_bytes()
    for damaged in (whole[:-10], whole[: len(whole) // 2], b"PAR1", b"text"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="not a readable Parquet file"):
            read(str(path))
    path.write_bytes(b"")
    with pytest.raises(DataError):
        read(str(path))


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "t.parquet", {"text": ["a"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError) as caught:
        read(str(path))
    assert caught.value.fix == "pip install 'tunewell[parquet]'"


@pytest.mark.parametrize(
    ("name", "plausible"),
    [
        ("imdb", True),
        ("org/name", True),
        ("org/name:config-1", True),
        ("a/b/c", False),
        ("/a", False),
        ("../a", False),
    ],
)
def test_hub_ids(name: str, plausible: bool) -> None:
    assert hub.is_plausible(name) is plausible


def test_hub_data_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"]),
         "topics": datasets.List(datasets.ClassLabel(names=["a", "b"]))}
    )  # fmt: skip
    table = datasets.Dataset.from_dict(
        {"text": ["x", "y"], "label": [1, -1], "topics": [[0, 1], []]}, features=features
    )
    asked: list[tuple[str, str | None]] = []

    def load(name: str, config: str | None) -> Any:
        asked.append((name, config))
        return datasets.DatasetDict({"train": table, "dev": table, "unsupervised": table})

    monkeypatch.setattr(datasets, "load_dataset", load)
    sources = read("org/reviews:plain", SourceSettings(limit=2))
    assert asked == [("org/reviews", "plain")]
    assert list(sources) == ["train", "validation"]
    train = sources["train"]
    assert [row.values for row in train.rows] == [
        {"text": "x", "label": "pos", "topics": ["a", "b"]},
        {"text": "y", "label": None, "topics": []},
    ]
    assert str(train.rows[1].origin) == "org/reviews:plain#train:2"
    assert train.name == "reviews-plain"
    assert "unsupervised" in train.notes[0]
    assert train.fingerprint != sources["validation"].fingerprint
    with pytest.raises(ConfigError, match="has no effect"):
        read("org/reviews:plain", SourceSettings(delimiter=";"))


def test_lists_of_classes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tags as ids, as token classification data on the Hub has them: from the Hub, and from a Parquet file."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    names = ["O", "B-PER", "I-PER"]
    for listed in (datasets.List, datasets.Sequence, datasets.LargeList):
        features = datasets.Features(
            {"tokens": listed(datasets.Value("string")), "ner_tags": listed(datasets.ClassLabel(names=names)),
             "sentences": datasets.List(listed(datasets.ClassLabel(names=["x", "y"])))}
        )  # fmt: skip
        columns = {
            "tokens": [["Ada", "Byron", "sings"], []],
            "ner_tags": [[1, 2, 0], []],
            "sentences": [[[0], [1, 1]], [[]]],
        }
        table = datasets.Dataset.from_dict(columns, features=features)
        loaded = datasets.DatasetDict({"train": table})
        monkeypatch.setattr(datasets, "load_dataset", lambda *_, loaded=loaded: loaded)
        table.to_parquet(str(tmp_path / "t.parquet"))
        for source in (read("org/names")["train"], read(str(tmp_path / "t.parquet"))["train"]):
            assert [row.values for row in source.rows] == [
                {
                    "tokens": ["Ada", "Byron", "sings"],
                    "ner_tags": ["B-PER", "I-PER", "O"],
                    "sentences": [["x"], ["y", "y"]],
                },
                {"tokens": [], "ner_tags": [], "sentences": [[]]},
            ]
            assert any("'ner_tags'" in note and "into their names" in note for note in source.notes)


def test_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real library, offline: an error with a remedy and no traceback of another library."""
    datasets = pytest.importorskip("datasets")
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text("text\na\n")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError) as caught:
        read("reviews")
    error = caught.value
    assert error.where == "reviews"
    assert "Hugging Face Hub" in error.what
    assert "did you mean reviews.csv?" in error.what
    assert "offline" in str(error.fix)
    assert error.__suppress_context__


def test_without_datasets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="no such file") as caught:
        read("imdb")
    assert "tunewell[hub]" in str(caught.value.fix)
