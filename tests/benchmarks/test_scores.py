"""The scores beside the Trainer's: files read in plain Python, the Trainer's targets and answers, and whole runs."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from benchmarks.scores import __main__ as command
from benchmarks.scores.contest import Wish
from benchmarks.scores.data import ANSWERS, DATA, TOKENS, Question, Sentence
from benchmarks.scores.hf_answers import Window, answer, targeted, windows
from benchmarks.scores.hf_tokens import IGNORED, encode
from benchmarks.scores.hf_train import arguments
from benchmarks.scores.scoring import answer_scores, entity_scores, score

from tunewell.tasks import TASKS

pytestmark = pytest.mark.timeout(600)

KINDS = {"film": "B-work", "plot": "I-work", "cast": "B-person", "the": "O", "was": "O", "great": "O"}
WORDS = [*KINDS, "film", "cast"]


def sentence(number: int) -> list[tuple[str, str]]:
    """2 to 7 words; what a word is decides its tag."""
    words = [WORDS[(number * 5 + place * (1 + number % 3)) % len(WORDS)] for place in range(2 + number % 6)]
    return [(word, KINDS[word]) for word in words]


def conll(numbers: range) -> str:
    return "\n".join("".join(f"{word}\t{tag}\n" for word, tag in sentence(number)) for number in numbers)


def squad(numbers: range) -> bytes:
    """Contexts of different lengths; each third question has no answer, which its first word tells."""
    paragraphs = []
    for number in numbers:
        there = number % 3 > 0
        context = "the film was great " + "indeed " * (number * 7 % 11) + ". the cast was dull ."
        answers = [{"text": "dull", "answer_start": context.index("dull")}] if there else []
        asked = {"id": f"q{number}", "question": "cast ?" if there else "plot ?", "answers": answers}
        paragraphs.append({"context": context, "qas": [{**asked, "is_impossible": not there}]})
    document = {"version": "v2.0", "data": [{"title": "films", "paragraphs": paragraphs}]}
    return gzip.compress(json.dumps(document).encode())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data sets' folder with small files in the places of the real ones."""
    folder = tmp_path / "data"
    (folder / "btc").mkdir(parents=True)
    for split, numbers in (("train", range(96)), ("dev", range(96, 112)), ("test", range(112, 136))):
        (folder / f"btc/{split}.conll").write_text(conll(numbers), encoding="utf-8")
    for name in ("squad_v1", "squad_v2"):
        (folder / name).mkdir()
        (folder / name / "train.json.gz").write_bytes(squad(range(40)))
        (folder / name / "dev.json.gz").write_bytes(squad(range(40, 52)))
    monkeypatch.setenv("TUNEWELL_DATA", str(folder))
    return folder


@pytest.fixture
def tokenizer(tiny: Callable[[str], Path]) -> Any:
    return transformers.AutoTokenizer.from_pretrained(tiny("bert"))


def run(output: Path, model: Path, *options: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result and the predictions of a command that succeeds."""
    assert command.main([*options, "--model", str(model), "--output", str(output)]) == 0
    lines = output.with_suffix(".predictions.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads(output.read_text(encoding="utf-8")), [json.loads(line) for line in lines]


# Files


def test_words_of_a_treebank_are_neither_ranges_nor_empty(tmp_path: Path) -> None:
    rows = ["1-2\tdon't\t_\t_", "1\tdo\tdo\tAUX", "2\tn't\tnot\tPART", "2.1\tgo\tgo\tVERB", '3\t"\t"\tPUNCT']
    path = tmp_path / "some.conllu.gz"
    path.write_bytes(gzip.compress("\n".join(["# text = x", *rows, "", "# y", "1\tyes\tyes\tINTJ"]).encode()))
    assert DATA["ud_english_ewt"].read(path) == [
        Sentence(["do", "n't", '"'], ["AUX", "PART", "PUNCT"]),
        Sentence(["yes"], ["INTJ"]),
    ]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "some.conll"
    path.write_text("a\x85b\tO\nc\u2028d\tB-x\n\n\ne\tO", encoding="utf-8")
    assert DATA["btc"].read(path) == [Sentence(["a\x85b", "c\u2028d"], ["O", "B-x"]), Sentence(["e"], ["O"])]


def test_questions_keep_their_answers_in_order(home: Path) -> None:
    questions: list[Any] = DATA["squad_v2"].read(DATA["squad_v2"].file("test"))
    assert [question.id for question in questions] == [f"q{number}" for number in range(40, 52)]
    for question in questions:
        for text, start in question.answers:
            assert question.context[start : start + len(text)] == text == "dull"
    assert [bool(question.answers) for question in questions[:3]] == [True, True, False]


# The Trainer's side


def test_the_first_sub_token_carries_the_tag(tokenizer: Any) -> None:
    words = ["film", "filmed", "plot"]  # the second is not in the vocabulary: `film`'s letters, one by one
    (feature,), (places,) = encode(
        tokenizer, [Sentence(words, ["B-work", "O", "I-work"])], ["B-work", "I-work", "O"]
    )
    pieces = tokenizer.convert_ids_to_tokens(feature["input_ids"])
    assert pieces == ["[CLS]", "film", *pieces[2:-2], "plot", "[SEP]"]
    assert len(pieces) > 5
    assert feature["labels"] == [IGNORED, 0, 2, *[IGNORED] * (len(pieces) - 5), 1, IGNORED]
    assert places == [1, 2, len(pieces) - 2]


def test_words_past_the_maximum_and_words_of_nothing_have_no_place(tokenizer: Any) -> None:
    words = ["film", "\u200b", *["plot"] * 100]
    (feature,), (places,) = encode(tokenizer, [Sentence(words, ["O"] * 102)], ["O"])
    assert len(feature["input_ids"]) == len(feature["labels"]) == tokenizer.model_max_length == 64
    assert places == [1, None, *range(2, 63), *[None] * 39]


def long_question() -> Question:
    context = " ".join(
        ["the film was great indeed"] * 20 + ["the cast was dull"] + ["the plot was cold"] * 20
    )
    return Question("q", " the cast was ? ", context, [("was dull", context.index("was dull"))])


def test_windows_cover_the_context_and_hold_the_answer(tokenizer: Any) -> None:
    question = long_question()
    made = windows(tokenizer, [Question("p", "the ?", "the plot", []), question])
    assert [window.question for window in made] == [0] + [1] * (len(made) - 1)
    seen = {span for window in made[1:] for span in window.offsets if span is not None}
    assert {question.context[start:end] for start, end in seen} == set(question.context.split())
    assert len(seen) == len(question.context.split())
    holding = 0
    for window in made[1:]:
        assert len(window.feature["input_ids"]) <= 64
        found = targeted(window, question)
        first, last = window.offsets[found["start_positions"]], window.offsets[found["end_positions"]]
        spans = [span for span in window.offsets if span is not None]
        start = question.answers[0][1]
        if spans[0][0] <= start and spans[-1][1] >= start + len("was dull"):
            assert first is not None
            assert last is not None
            assert question.context[first[0] : last[1]] == "was dull"
            holding += 1
        else:
            assert (found["start_positions"], found["end_positions"]) == (window.cls, window.cls) == (0, 0)
    assert holding >= 1
    no_answer = targeted(made[0], Question("p", "the ?", "the plot", []))
    assert (no_answer["start_positions"], no_answer["end_positions"]) == (0, 0)


def looked(start: int, end: int, score: float, refusal: float) -> tuple[Window, tuple[np.ndarray, ...]]:
    """A window on words of four letters, with logits that point at the words `start` and `end`."""
    offsets = [None, None, *((4 * word, 4 * word + 3) for word in range(40)), None]
    starts, ends = np.full(43, -9.0), np.full(43, -9.0)
    starts[0], ends[0] = refusal, 0.0
    starts[1] = ends[1] = 50.0  # the question's: never an answer
    starts[2 + start], ends[2 + end] = score, 0.0
    return Window({}, 0, offsets, 0), (starts, ends)


CONTEXT = Question("q", "?", "".join(f"w{word:02d} " for word in range(40)), [])


def test_the_best_window_answers() -> None:
    said = answer(CONTEXT, [looked(3, 5, 1.0, 0.0), looked(7, 7, 2.0, 0.5)], False)
    assert said == {"id": "q", "answer": "w07", "no_answer_margin": -2.0}
    assert answer(CONTEXT, [looked(3, 5, 3.0, 0.0), looked(7, 7, 2.0, 0.5)], False)["answer"] == "w03 w04 w05"


def test_no_answer_must_score_higher_in_every_window_and_be_allowed() -> None:
    sure, unsure = looked(3, 3, 1.0, 4.0), looked(7, 7, 1.0, 0.5)
    assert answer(CONTEXT, [sure], True)["answer"] == ""
    assert answer(CONTEXT, [sure], False)["answer"] == "w03"
    assert answer(CONTEXT, [sure, unsure], True)["answer"] in ("w03", "w07")  # 0.5 is the lowest refusal


def test_an_answer_has_at_most_thirty_tokens_and_does_not_end_before_it_begins() -> None:
    assert answer(CONTEXT, [looked(2, 31, 5.0, 0.0)], False)["answer"].count(" ") == 29
    for start, end in ((2, 32), (5, 4)):
        window = looked(start, end, 5.0, 0.0)
        assert answer(CONTEXT, [window], False)["answer"] != CONTEXT.context[4 * start : 4 * end + 3]
        assert answer(CONTEXT, [window], False)["no_answer_margin"] > -5.0


def test_the_arguments_are_the_documented_recipe(tmp_path: Path) -> None:
    made = arguments(Wish(DATA["btc"], tmp_path, 3.0, 2e-4, 16, 7, tmp_path / "run"))
    assert (made.learning_rate, made.per_device_train_batch_size, made.num_train_epochs) == (2e-4, 16, 3.0)
    assert (made.weight_decay, made.warmup_steps, made.lr_scheduler_type) == (0.0, 0, "linear")
    assert (made.adam_beta1, made.adam_beta2, made.adam_epsilon, made.max_grad_norm) == (
        0.9,
        0.999,
        1e-8,
        1.0,
    )
    assert (made.seed, made.use_cpu, made.bf16, made.fp16) == (7, True, False, False)
    assert not made.load_best_model_at_end


# Scores


def test_entities_are_whole_and_every_gold_word_counts() -> None:
    gold = [Sentence(["a", "b", "c"], ["B-x", "I-x", "O"]), Sentence(["d", "e"], ["B-y", "I-x"])]
    said = [{"tags": ["B-x", "O", "O"]}, {"tags": ["B-y", "I-x"]}]
    found = entity_scores(gold, said)
    # gold (x, a to b), (y, d), and (x, e), which an I- opens; the strict reading knows no such entity
    assert (found["entity_precision"], found["entity_recall"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found["entity_f1_strict"] == pytest.approx(1 / 2)
    assert found["token_accuracy"] == pytest.approx(4 / 5)


def test_questions_with_and_without_an_answer_are_also_scored_apart() -> None:
    gold = [Question("1", "", "", [("the cat", 0), ("cat sat", 4)]), Question("2", "", "", [("a dog", 0)])]
    gold += [Question("3", "", "", []), Question("4", "", "", [])]
    said = [
        {"id": key, "answer": text} for key, text in zip("4321", ("x", "", "big dog", "Cat!"), strict=True)
    ]
    found = answer_scores(gold, said, "squad2")
    assert (found["exact_match"], found["has_answer_exact_match"], found["no_answer_accuracy"]) == (
        0.5,
        0.5,
        0.5,
    )
    assert found["has_answer_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["f1"] == pytest.approx((1 + 2 / 3 + 1) / 4)
    assert set(answer_scores(gold[:2], said, "squad1")) == {"exact_match", "f1"}


# Whole runs


def test_the_trainer_learns_tags(home: Path, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    options = ["--data", "btc", "--epochs", "12", "--learning-rate", "5e-3", "--batch-size", "8"]
    result, predictions = run(tmp_path / "btc.json", tiny("bert"), "--task", TOKENS, *options)
    assert (result["task"], result["data"], result["contestant"]) == (TOKENS, "btc", "trainer")
    assert (result["steps"], result["train_examples"], result["test_examples"]) == (144, 96, 24)
    assert (result["epochs"], result["learning_rate"], result["batch_size"]) == (12, 5e-3, 8)
    assert 0 < result["train_seconds"] < result["seconds"]["fit"] + 0.1
    assert result["seconds"]["predict"] > 0
    assert [len(said["tags"]) for said in predictions] == [2 + number % 6 for number in range(112, 136)]
    assert result["scores"] == score(DATA["btc"], predictions)
    assert result["scores"]["token_accuracy"] > 0.95  # a word decides its tag


def test_words_that_were_cut_off_count_as_outside(
    home: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    (home / "btc/test.conll").write_text("film\tB-work\n" * 100, encoding="utf-8")
    options = ["--data", "btc", "--max-steps", "2", "--batch-size", "4"]
    result, (said,) = run(tmp_path / "btc.json", tiny("bert"), *options)
    assert (len(said["tags"]), said["tags"][62:]) == (100, ["O"] * 38)
    assert result["test_words_without_a_token"] == 38
    assert result["scores"]["entity_recall"] <= 0.62


def test_the_trainer_learns_to_answer_and_to_refuse(
    home: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    options = ["--data", "squad_v2", "--epochs", "25", "--learning-rate", "5e-3", "--batch-size", "8"]
    result, predictions = run(tmp_path / "answers.json", tiny("bert"), "--task", ANSWERS, *options)
    assert (result["task"], result["steps"], result["test_features"]) == (ANSWERS, 125, 12)
    assert (result["train_examples"], result["train_features"], result["test_examples"]) == (40, 40, 12)
    questions: list[Any] = DATA["squad_v2"].read(DATA["squad_v2"].file("test"))
    for question, said in zip(questions, predictions, strict=True):
        assert said["id"] == question.id
        assert said["answer"] in question.context
        assert (said["answer"] == "") == (said["no_answer_margin"] > 0)
    assert result["scores"] == score(DATA["squad_v2"], predictions)
    assert result["scores"]["exact_match"] > 0.9
    assert result["scores"]["no_answer_accuracy"] > 0.7


def test_where_every_question_has_an_answer_one_is_always_given(
    home: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    options = ["--data", "squad_v1", "--max-steps", "3", "--batch-size", "8", "--seed", "2"]
    result, predictions = run(tmp_path / "answers.json", tiny("bert"), *options)
    assert (result["task"], result["steps"], result["seed"]) == (ANSWERS, 3, 2)
    assert all(said["answer"] for said in predictions)


@pytest.mark.parametrize(("data", "task"), [("btc", TOKENS), ("squad_v2", ANSWERS)])
def test_ours_is_scored_alike(
    data: str, task: str, home: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    if task not in TASKS:
        pytest.skip(f"there is no task {task} yet")
    options = ["--data", data, "--max-steps", "3", "--batch-size", "8", "--contestant", "ours"]
    result, predictions = run(tmp_path / "ours.json", tiny("bert"), *options)
    assert (result["contestant"], result["task"], result["own_test_examples"]) == (
        "ours",
        task,
        len(predictions),
    )
    assert result["scores"] == score(DATA[data], predictions)
    for name in set(result["scores"]) & set(result["own_scores"]):
        assert result["own_scores"][name]["value"] == pytest.approx(result["scores"][name], abs=1e-6), name
    assert set(result["scores"]) & set(result["own_scores"]) >= (
        {"entity_f1", "entity_f1_strict"} if task == TOKENS else {"exact_match", "f1"}
    )


def test_predictions_are_scored_again(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "btc.json"
    path.write_text(json.dumps({"data": "btc", "seconds": {"fit": 5}}), encoding="utf-8")
    gold: list[Any] = DATA["btc"].read(DATA["btc"].file("test"))
    lines = "".join(json.dumps({"tags": entry.tags}) + "\n" for entry in gold)
    path.with_suffix(".predictions.jsonl").write_text(lines, encoding="utf-8")
    assert command.main(["--score-again", str(path)]) == 0
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["scores"]["entity_f1"] == result["scores"]["token_accuracy"] == 1.0
    assert result["seconds"] == {"fit": 5}
    assert json.loads(capsys.readouterr().out) == result["scores"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--data", "nothing"], "no data set 'nothing'"),
        (["--data", "btc", "--task", ANSWERS], "btc is for token-classification"),
        (["--data", "weibo_ner"], "there is no weibo_ner/train.conll under TUNEWELL_DATA"),
    ],
)
def test_what_cannot_be_trained_is_said_plainly(
    options: list[str],
    told: str,
    home: Path,
    tiny: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out.json"
    assert command.main([*options, "--model", str(tiny("bert")), "--output", str(output)]) == 2
    assert told in capsys.readouterr().err
    assert not output.exists()


def test_without_an_output_or_the_data_nothing_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TUNEWELL_DATA", raising=False)
    assert command.main(["--data", "btc"]) == 2
    assert "--output is missing" in capsys.readouterr().err
    path = tmp_path / "btc.json"
    path.write_text('{"data": "btc"}', encoding="utf-8")
    path.with_suffix(".predictions.jsonl").write_text("", encoding="utf-8")
    assert command.main(["--score-again", str(path)]) == 2
    assert "TUNEWELL_DATA is not set" in capsys.readouterr().err


def test_the_page_shows_commands_that_the_parser_takes() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/benchmarks.md").read_text(encoding="utf-8")
    lines = re.findall(r"^python -m benchmarks\.scores (.*)$", page.replace("\\\n", " "), re.MULTILINE)
    assert len(lines) >= 2
    for line in lines:
        given = command._parser().parse_args(shlex.split(line, comments=True))
        assert given.score_again is not None or given.data in DATA
