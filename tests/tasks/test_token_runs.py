"""From raw files to a run and back: what a user does with named entities, and what others read of the saved model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transformers

import tunewell
from tunewell.core.errors import DataError
from tunewell.testing import tiny_model

PEOPLE = ("Ada Lee", "Bo", "Cy Orr", "Dee")
PLACES = ("Oslo", "New Vale", "Rye")
FRAMES = ("{0} lives in {1}.", "In {1} we met {0}!", "Why does {0} leave {1}?", "{1}, says {0}, is far")


def sentences() -> list[tuple[list[str], list[str]]]:
    found = []
    for index in range(48):
        person, place = PEOPLE[index % 4], PLACES[index % 3]
        marks = {"{0}": ("PER", person), "{1}": ("LOC", place)}
        frame = FRAMES[index // 4 % 4]
        for sign in ".!?,":
            frame = frame.replace(sign, f" {sign}")
        tokens, tags = [], []
        for word in f"{frame} {'indeed ' * (index % 5)}".split():
            kind, name = marks.get(word, ("", word))
            parts = name.split()
            tokens += parts
            tags += [f"I-{kind}"] * len(parts) if kind else ["O"]
        found.append((tokens, tags))
    return found


def as_conll(rows: list[tuple[list[str], list[str]]]) -> str:
    """CoNLL-2003's four columns, with tags in its scheme IOB1."""
    blocks = [
        "\n".join(f"{token} NN X {tag}" for token, tag in zip(tokens, tags, strict=True))
        for tokens, tags in rows
    ]
    return "-DOCSTART- -X- -X- O\n\n" + "\n\n".join(blocks) + "\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(
        tmp_path_factory.mktemp("model"), "bert", [" ".join(tokens) for tokens, _ in sentences()]
    )


@pytest.fixture(scope="module")
def run(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("run")
    data = folder / "news.conll"
    data.write_text(as_conll(sentences()), encoding="utf-8")
    return tunewell.fit(
        data,
        model=model,
        output=folder / "run",
        epochs=12,
        settings={
            "training.batch_size": 8,
            "training.learning_rate": 5e-3,
            "evaluation.resamples": 100,
            "evaluation.rank_resamples": 100,
        },
    )


def test_a_run_from_a_raw_file(run: Any) -> None:
    saved = json.loads((run.path / "task.json").read_text(encoding="utf-8"))
    assert saved["name"] == "token-classification"
    assert (saved["settings"]["tokens"], saved["settings"]["column"]) == ("tokens", "tags")
    assert saved["settings"]["scheme"] == "iob1"
    assert saved["learnt"]["labels"] == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    scores = json.loads((run.path / "scores.json").read_text(encoding="utf-8"))
    assert scores["primary"] == "entity_f1"
    assert set(scores["baselines"]) == {"most frequent tag", "gazetteer"}
    assert scores["splits"]["test"]["scores"]["entity_f1"]["value"] > 0.8
    rows = [
        json.loads(line) for line in (run.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert all(len(row["tokens"]) == len(row["tags"]) == len(row["gold"]) for row in rows)
    found = next(entity for row in rows for entity in row["entities"])
    assert set(found) == {"char_start", "char_end", "label", "text", "score"}
    report = (run.path / "report.html").read_text(encoding="utf-8")
    for title in ("Scores by type", "What goes wrong", "Entities in their texts"):
        assert title in report


TEXTS = ["In Oslo we met Ada Lee!", "Why does Cy Orr leave New Vale?", "Bo lives in Rye."]


def test_the_pipeline_of_transformers_gives_the_same_tags(run: Any) -> None:
    pipeline = transformers.pipeline("token-classification", model=str(run.path / "model"), ignore_labels=[])
    from tunewell.core.examples import Origin, Row
    from tunewell.predictor import Predictor
    from tunewell.run_dir import RunDir
    from tunewell.runtime import Runtime

    predictor = Predictor.load(RunDir(run.path), Runtime())
    for text in TEXTS:
        example = predictor.task.read(Row({"text": text}, Origin("lines.txt", 1)), labelled=False)
        (prediction,) = predictor.predict([example])
        ours: Any = prediction
        theirs = {piece["start"]: piece for piece in pipeline(text)}
        assert len(ours.tags) > 4
        for (start, _), tag, score in zip(example.words, ours.tags, ours.scores, strict=True):
            assert theirs[start]["entity"] == tag
            assert theirs[start]["score"] == pytest.approx(score, abs=1e-5)
        assert [entity.text for entity in ours.entities] == [
            text[e.char_start : e.char_end] for e in ours.entities
        ]


def test_raw_lines_are_predicted_and_files_evaluated(run: Any, tmp_path: Path) -> None:
    from tunewell.cli import run as command

    lines, output = tmp_path / "lines.txt", tmp_path / "out.jsonl"
    lines.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    assert command(["predict", str(run.path), str(lines), "--output", str(output)]) == 0
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert rows[0]["tokens"] == ["In", "Oslo", "we", "met", "Ada", "Lee", "!"]
    assert [(e["text"], e["label"]) for e in rows[0]["entities"]] == [("Oslo", "LOC"), ("Ada Lee", "PER")]


def test_bad_rows_fail_with_their_tokens_or_are_dropped_and_counted(model: Path, tmp_path: Path) -> None:
    rows = [{"tokens": tokens, "tags": tags} for tokens, tags in sentences()]
    rows[4]["tags"] = rows[4]["tags"][:-1]
    rows[9]["tokens"] = ["Bo", "", *rows[9]["tokens"][2:]]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given: Any = {"model": model, "output": tmp_path / "run", "epochs": 1}
    settings = {"evaluation.resamples": 100, "evaluation.rank_resamples": 100}
    with pytest.raises(DataError) as caught:
        tunewell.fit(data, settings=settings, **given)
    message = str(caught.value)
    assert f"rows.jsonl:5: {len(rows[4]['tokens'])} tokens and {len(rows[4]['tags'])} tags" in message
    assert "rows.jsonl:10: column 'tokens': token 2 is blank" in message
    run = tunewell.fit(data, settings={**settings, "data.on_bad_row": "drop"}, **given)
    assert "2 bad rows were dropped" in (run.path / "report.html").read_text(encoding="utf-8")
