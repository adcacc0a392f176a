"""Reading comprehension from a SQuAD file to answers and back from disk, through the public doors."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import tunewell
from tunewell.cli import run as command
from tunewell.core.errors import DataError
from tunewell.core.examples import AnswerPrediction

SETTINGS = {
    "training": {"batch_size": 8, "learning_rate": 0.003, "threads": 1, "device": "cpu"},
    "evaluation": {"resamples": 100, "rank_resamples": 100},
}


def _document(texts: list[str], *, unanswerable: bool) -> dict[str, Any]:
    """Passages of two sentences, and a question on each thing that they speak of; one on something else."""
    paragraphs = []
    for number in range(0, len(texts), 2):
        context = f"{texts[number]}. {texts[number - 1]}."
        qas: list[dict[str, Any]] = []
        for text in (texts[number], texts[number - 1]):
            thing, tone = text.split()[1], text.split()[3]
            answers = [{"text": tone, "answer_start": context.index(text) + text.index(tone)}]
            qas.append(
                {"id": f"{number}-{len(qas)}", "question": f"how was the {thing}?", "answers": answers}
            )
        if unanswerable:
            for qa in qas:
                qa["is_impossible"] = False
            qas.append({"id": f"{number}-n", "question": "who?", "answers": [], "is_impossible": True})
        paragraphs.append({"context": context, "qas": qas})
    return {"version": "v2.0", "data": [{"title": "films", "paragraphs": paragraphs}]}


def _write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _logits_of_transformers(folder: Path, question: str, context: str) -> tuple[Any, Any, Any]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    inputs = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
    offsets, of_context = inputs.pop("offset_mapping")[0], inputs.sequence_ids()
    with torch.inference_mode():
        output = model(**inputs)
    places = [place for place, text in enumerate(of_context) if text == 1]
    pairs = [(i, j) for i in places for j in places if i <= j < i + 30]
    first, last = max(pairs, key=lambda p: float(output.start_logits[0, p[0]] + output.end_logits[0, p[1]]))
    return context[offsets[first][0] : offsets[last][1]], output, places


@pytest.mark.parametrize("unanswerable", [False, True])
def test_fit_save_reload_predict(
    unanswerable: bool,
    tiny: Callable[[str], Path],
    texts: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = _write(tmp_path / "films.json", _document(texts, unanswerable=unanswerable))
    run = tunewell.fit(data, model=tiny("bert"), epochs=2, output=tmp_path / "run", settings=SETTINGS)
    assert run.scores.task == "question-answering"
    assert run.scores.primary == "f1"
    assert run.task.unanswerable is unanswerable
    baselines = {"sliding window", *(["always no answer"] if unanswerable else [])}
    assert set(run.scores.baselines) == baselines
    names = set(run.scores.splits["test"].scores)
    assert {"f1", "exact_match"} <= names
    assert ("best_f1" in names) == ("has_answer_f1" in names) == unanswerable

    question, context = "how was the plot?", "the film was warm. the plot was dull indeed."
    (answer,) = run.predict([(question, context)])
    assert isinstance(answer, AnswerPrediction)
    best = answer.candidates[0]
    assert context[best.char_start : best.char_end] == best.answer
    reference, output, places = _logits_of_transformers(run.path / "model", question, context)
    assert best.answer == reference
    assert output.start_logits.shape[1] > len(places)
    if unanswerable:
        margin = float(output.start_logits[0, 0] + output.end_logits[0, 0])
        margin -= max(
            float(output.start_logits[0, i] + output.end_logits[0, j])
            for i in places
            for j in places
            if i <= j
        )
        assert run.task.threshold is not None
        assert (answer.answer == "") == (margin > run.task.threshold)

    capsys.readouterr()
    assert command(["predict", str(run.path), "--text", question, "--text", context]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["question"], said["answer"]) == (question, answer.answer)
    assert said["score"] == pytest.approx(answer.score)
    assert {"char_start", "char_end", "no_answer_score"} <= said.keys()
    report = run.report_path.read_text(encoding="utf-8")
    assert "question word" in report.lower()
    assert ("When does it say that there is no answer?" in report) == unanswerable


def test_a_wrong_start_stops_a_run_with_both_remedies(
    tiny: Callable[[str], Path], texts: list[str], tmp_path: Path
) -> None:
    document = _document(texts, unanswerable=False)
    answers = [qa["answers"][0] for paragraph in document["data"][0]["paragraphs"] for qa in paragraph["qas"]]
    answers[3]["answer_start"] += 1
    data = _write(tmp_path / "films.json", document)
    given = {"model": tiny("bert"), "epochs": 1}
    with pytest.raises(DataError, match=r"films\.json:4: question 2-1: answer '\w+' is not at") as caught:
        tunewell.fit(data, output=tmp_path / "run", settings=SETTINGS, **given)  # type: ignore[arg-type]
    assert "--set task.repair_answer_start=true" in str(caught.value)
    assert "--set data.on_bad_row=drop" in str(caught.value)
    repairing = {**SETTINGS, "task": {"repair_answer_start": True}}
    run = tunewell.fit(data, output=tmp_path / "mended", settings=repairing, **given)  # type: ignore[arg-type]
    assert "1 answer did not stand at answer_start" in run.report_path.read_text(encoding="utf-8")


def test_answers_out_of_reach_are_told_and_a_row_without_a_question_gets_advice(
    tiny: Callable[[str], Path],
    texts: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = _document(texts, unanswerable=False)
    for paragraph in document["data"][0]["paragraphs"][:20]:
        paragraph["qas"][0]["answers"] = [{"text": paragraph["context"], "answer_start": 0}]
    data = _write(tmp_path / "films.json", document)
    short = {**SETTINGS, "task": {"max_answer_tokens": 3}}
    given: dict[str, Any] = {"model": tiny("bert"), "epochs": 1, "settings": short}
    run = tunewell.fit(data, output=tmp_path / "run", **given)
    said = r"of \d+ train examples \(\d+\.\d%\) have targets that the model can never give: "
    said += r"\d+ longer than task\.max_answer_tokens \(3\)"
    assert re.search(said, run.report_path.read_text(encoding="utf-8"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"who was it\n")))
    capsys.readouterr()
    assert command(["predict", str(run.path), "-"]) != 0
    error = capsys.readouterr().err
    assert "give JSON lines with question and context, or --text QUESTION --text CONTEXT" in error
    assert "train with other columns" not in error


def test_texts_over_several_windows_are_answered(
    tiny: Callable[[str], Path], texts: list[str], tmp_path: Path
) -> None:
    data = _write(tmp_path / "films.json", _document(texts, unanswerable=True))
    run = tunewell.fit(data, model=tiny("bert"), epochs=1, output=tmp_path / "run", settings=SETTINGS)
    context = " ".join(texts * 4)
    (answer,) = run.predict([("how was the story?", context)])
    assert len(run.task.encode(run.task.read(_row(context)), run.predictor.tokenizer)) > 10
    for candidate in answer.candidates:
        assert context[candidate.char_start : candidate.char_end] == candidate.answer


def _row(context: str) -> Any:
    from tunewell.core.examples import Origin, Row

    values = {"question": "how was the story?", "context": context, "answers": "story"}
    return Row(values, Origin("f", 1))
