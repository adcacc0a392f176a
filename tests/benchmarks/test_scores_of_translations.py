"""The scores of translation beside the Seq2SeqTrainer's: files, features, the common start, and whole runs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import torch
import transformers
from benchmarks.scores import __main__ as command
from benchmarks.scores.contest import Wish
from benchmarks.scores.data import DATA, TRANSLATIONS, Pair
from benchmarks.scores.hf_train import arguments, load, train
from benchmarks.scores.hf_translations import encode, num_seen, save_start, translate
from benchmarks.scores.scoring import score, translation_scores

from tunewell.tasks import TASKS

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(TRANSLATIONS not in TASKS, reason="there is no task translation yet"),
]

WORDS = {"dog": "Hund", "man": "Mann", "house": "Haus", "red": "rot", "sleeps": "schläft", "runs": "läuft"}
SIZES = {
    "hidden_size": 32,
    "num_layers": 1,
    "num_heads": 2,
    "feedforward_size": 64,
    "vocab_size": 320,
    "dropout": 0.0,
}
FROM_SCRATCH = ["--from-scratch", *(f"{name}={size}" for name, size in SIZES.items())]


def pair(number: int) -> Pair:
    """1 to 4 words and the same words in German, in their order."""
    words = [list(WORDS)[(number * 5 + place * (1 + number % 3)) % 6] for place in range(1 + number % 4)]
    return Pair(" ".join(words), " ".join(WORDS[word] for word in words))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data sets' folder with small files in the places of the real ones."""
    folder = tmp_path / "data"
    for name in ("multi30k_en_de", "tatoeba_en_zh"):
        (folder / name).mkdir(parents=True)
    ranges = {"train": range(96), "val": range(96, 108), "test_2016_flickr": range(108, 120)}
    for split, numbers in ranges.items():
        for language, side in (("en", "source"), ("de", "target")):
            lines = "".join(f"{getattr(pair(number), side)}\n" for number in numbers)
            path = folder / f"multi30k_en_de/{split}.{language}.gz"
            path.write_bytes(gzip.compress(lines.encode()))
    for split in ("train", "dev", "test"):
        rows = ['Hi "you".\t你好。\tCC', "Run!\t跑\u2028！\tCC"]
        data = "\n".join(["en\tzh\tattribution", *rows, ""]).encode()
        (folder / f"tatoeba_en_zh/{split}.tsv.gz").write_bytes(gzip.compress(data))
    monkeypatch.setenv("TUNEWELL_DATA", str(folder))
    return folder


def wish(folder: Path, **more: Any) -> Wish:
    return Wish(
        DATA["multi30k_en_de"], folder / "start", 2.0, 1e-3, 8, 3, folder / "run", sizes=SIZES, **more
    )


def run(output: Path, *options: str) -> tuple[dict[str, Any], list[str]]:
    """The result and the translations of a command that succeeds."""
    assert command.main([*options, "--threads", "1", "--output", str(output)]) == 0
    lines = output.with_suffix(".predictions.jsonl").read_text(encoding="utf-8").split("\n")
    found = [json.loads(line)["translation"] for line in lines if line]
    return json.loads(output.read_text(encoding="utf-8")), found


# Files and features


def test_pairs_are_read_from_two_files_and_from_two_columns(home: Path) -> None:
    data = DATA["multi30k_en_de"]
    assert data.read(data.file("test")) == [pair(number) for number in range(108, 120)]
    data = DATA["tatoeba_en_zh"]
    assert data.read(data.file("train")) == [Pair('Hi "you".', "你好。"), Pair("Run!", "跑\u2028！")]


def test_files_of_different_lengths_are_no_pairs(home: Path) -> None:
    path = home / "multi30k_en_de/val.de.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"mehr\n"))
    with pytest.raises(ValueError, match="longer"):
        DATA["multi30k_en_de"].read(home / "multi30k_en_de/val.en.gz")


def test_the_arguments_are_those_of_both_contestants(tmp_path: Path) -> None:
    optimizing = {"warmup_steps": 300, "adam_beta2": 0.98, "weight_decay": 0.1}
    made = arguments(
        wish(tmp_path, optimizing=optimizing),
        transformers.Seq2SeqTrainingArguments,
        label_smoothing_factor=0.1,
        predict_with_generate=True,
    )
    assert (made.warmup_steps, made.adam_beta2, made.weight_decay) == (300, 0.98, 0.1)
    assert (made.lr_scheduler_type, made.max_grad_norm, made.train_sampling_strategy) == (
        "linear",
        1.0,
        "group_by_length",
    )
    assert (made.label_smoothing_factor, made.predict_with_generate, made.use_cpu) == (0.1, True, True)
    assert (made.bf16, made.fp16) == (False, False)


def test_the_last_batch_of_an_epoch_is_smaller() -> None:
    assert [num_seen(steps, 10, 4) for steps in range(7)] == [0, 4, 8, 10, 14, 18, 20]


# The Trainer's side


def test_both_start_from_the_same_weights_and_the_same_vocabulary(home: Path, tmp_path: Path) -> None:
    start = wish(tmp_path)
    save_start(start, [pair(number) for number in range(96)], start.model)
    options = ["--data", "multi30k_en_de", "--contestant", "ours", *FROM_SCRATCH, "--max-steps", "1"]
    run(tmp_path / "ours.json", *options, "--seed", "3", "--learning-rate", "1e-9", "--weight-decay", "0")
    folders = [start.model, tmp_path / "ours.run/model"]
    vocabularies = [transformers.AutoTokenizer.from_pretrained(folder).get_vocab() for folder in folders]
    assert vocabularies[0] == vocabularies[1]
    first, second = (transformers.AutoModelForSeq2SeqLM.from_pretrained(folder) for folder in folders)
    own = second.state_dict()
    assert own.keys() == first.state_dict().keys()
    for name, weights in first.state_dict().items():
        assert torch.allclose(weights, own[name], rtol=0, atol=1e-7), name
    assert sum(weights.numel() for weights in first.parameters()) > 10_000


def test_labels_end_with_the_end_and_come_back_as_the_target(home: Path, tmp_path: Path) -> None:
    start = wish(tmp_path)
    pairs = [pair(number) for number in range(96)]
    save_start(start, pairs, start.model)
    tokenizer = transformers.AutoTokenizer.from_pretrained(start.model)
    for feature, said in zip(encode(tokenizer, pairs), pairs, strict=True):
        assert feature["labels"][-1] == feature["input_ids"][-1] == tokenizer.eos_token_id
        for name, text in (("input_ids", said.source), ("labels", said.target)):
            assert tokenizer.decode(feature[name], skip_special_tokens=True).strip() == text


def test_translations_keep_the_order_of_their_sources(home: Path, tmp_path: Path) -> None:
    start = replace(wish(tmp_path), epochs=20.0, learning_rate=5e-3)
    pairs = [pair(number) for number in range(96)]
    save_start(start, pairs, start.model)
    tokenizer, model = load(start, "AutoModelForSeq2SeqLM")
    collator = transformers.DataCollatorForSeq2Seq(tokenizer, model=model)
    args = arguments(start, transformers.Seq2SeqTrainingArguments, predict_with_generate=True)
    trainer, _ = train(
        start, tokenizer, model, encode(tokenizer, pairs), collator, transformers.Seq2SeqTrainer, args
    )
    said = translate(trainer, tokenizer, [one.source for one in pairs[:40]], 2, 12)  # more than a batch
    right = sum(text == one.target for text, one in zip(said, pairs, strict=False))
    assert right >= 30
    assert len({one.target for one in pairs[:40]}) >= 12


# Scores and whole runs


def test_scores_are_those_of_sacrebleu() -> None:
    gold = [Pair("", "Ein Hund läuft schnell durch den Wald ."), Pair("", "Der Mann schläft im roten Haus .")]
    said = ["Ein Hund läuft durch den Wald .", "Der Mann schläft in dem roten Haus ."]
    found = translation_scores(gold, [{"translation": text} for text in said], "de")
    golds = [[one.target for one in gold]]
    assert found["bleu"] == pytest.approx(sacrebleu.corpus_bleu(said, golds).score)
    assert found["chrf2"] == pytest.approx(sacrebleu.corpus_chrf(said, golds).score)
    assert found["ter"] == pytest.approx(sacrebleu.corpus_ter(said, golds).score)
    assert "tok:13a" in found["bleu_signature"]
    chinese = translation_scores([Pair("", "我们在家里睡觉。")], [{"translation": "我们在家睡觉。"}], "zh")
    assert "tok:zh" in chinese["bleu_signature"]
    assert 20 < chinese["bleu"] < 100


def test_the_trainer_learns_to_translate(home: Path, tmp_path: Path) -> None:
    options = ["--data", "multi30k_en_de", "--contestant", "trainer", *FROM_SCRATCH, "--batch-size", "8"]
    options += ["--epochs", "25", "--learning-rate", "5e-3", "--warmup-steps", "20", "--num-beams", "2"]
    result, said = run(tmp_path / "trainer.json", "--task", TRANSLATIONS, *options)
    assert (result["task"], result["contestant"], result["model"]) == (
        TRANSLATIONS,
        "trainer",
        "from-scratch",
    )
    assert (result["steps"], result["train_examples"], result["test_examples"]) == (300, 96, 12)
    assert (result["sizes"], result["warmup_steps"], result["num_beams"]) == (SIZES, 20, 2)
    assert result["examples_per_second"] == pytest.approx(25 * 96 / result["train_seconds"])
    data = DATA["multi30k_en_de"]
    assert result["scores"] == score(data, [{"translation": text} for text in said])
    assert result["scores"]["chrf2"] > 60  # a word decides its translation


def test_ours_is_scored_alike(home: Path, tmp_path: Path) -> None:
    options = ["--data", "multi30k_en_de", "--contestant", "ours", *FROM_SCRATCH, "--max-steps", "40"]
    options += ["--learning-rate", "5e-3", "--batch-size", "8", "--epochs", "4", "--num-beams", "2"]
    result, said = run(tmp_path / "ours.json", *options, "--set", "training.micro_batch_tokens=64")
    assert (result["steps"], result["own_test_examples"], len(said)) == (40, 12, 12)
    assert result["settings"] == {"training.micro_batch_tokens": 64}
    assert result["train_seconds"] > 0
    for name in ("bleu", "chrf2", "chrf_plus_plus", "ter"):
        assert result["own_scores"][name]["value"] == pytest.approx(result["scores"][name], abs=1e-6), name


def test_ours_starts_from_an_encoder(home: Path, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    options = ["--data", "multi30k_en_de", "--contestant", "ours", "--max-steps", "2"]
    options += ["--model", str(tiny("bert")), "--set", "task.decoder=from-encoder"]
    result, said = run(tmp_path / "ours.json", *options)
    assert (result["settings"], len(said)) == ({"task.decoder": "from-encoder"}, 12)
    assert result["scores"]["bleu"] == pytest.approx(result["own_scores"]["bleu"]["value"], abs=1e-6)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--from-scratch", "width=3"], "no size 'width'"),
        (["--from-scratch", "hidden_size"], "'hidden_size' is not of the form NAME=VALUE"),
        (["--from-scratch", "--set", "task.rouge=true"], "it is for --contestant ours"),
        (["--from-scratch", "--data", "btc"], "--from-scratch is for translation"),
    ],
)
def test_what_does_not_go_together_is_said_plainly(
    options: list[str], told: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.json"
    assert command.main(["--data", "multi30k_en_de", *options, "--output", str(output)]) == 2
    assert told in capsys.readouterr().err
    assert not output.exists()
