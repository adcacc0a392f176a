"""BLEU, chrF and TER are those of sacreBLEU: of its command line on files, and of its classes on any resample."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from tunewell.core.errors import ConfigError
from tunewell.metrics.intervals import intervals
from tunewell.metrics.tables import Scores
from tunewell.metrics.translations import (
    bleu_tokenizer_for,
    signatures,
    tokenizer_note,
    translation_tables,
)

DATA = os.environ.get("TUNEWELL_DATA")

GERMAN = [
    "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche.",
    "Mehrere Männer mit Schutzhelmen bedienen ein Antriebsradsystem.",
    'Ein "kleines" Mädchen klettert in ein Spielhaus aus Holz (3,50 m hoch).',
    "",
    "Ein Mann in einem blauen Hemd steht auf einer Leiter & putzt ein Fenster! 😀🎉",
    "Zwei Männer stehen am Herd und bereiten Essen zu; " * 12,
]
ENGLISH_LIKE = [
    "Zwei junge Männer sind draußen in der Nähe von vielen Büschen.",
    "Einige Männer mit Helmen bedienen ein Antriebsradsystem .",
    "Ein kleines Mädchen klettert aus Holz in ein Spielhaus (3.50m hoch).",
    "Etwas, wo nichts steht.",
    "",
    "Essen am Herd bereiten zwei Männer zu, und zwei Männer stehen; " * 9,
]
CHINESE = ["我不知道该怎么办。", "今天天气很好,我们去公园吧!", "他说:“2024年见。” OK 👍", "", "谢谢您的帮助"]
CHINESE_OUT = [
    "我不知道怎么做。",
    "今天的天气很好，我们去公园。",
    "他说2024年再见 OK",
    "您好",
    "感谢您的帮助",
]


def values(predicted: list[str], gold: list[str], tokenizer: str = "13a") -> dict[str, float]:
    tables = translation_tables(predicted, gold, bleu_tokenizer=tokenizer)
    return Scores("bleu", tables).values()


def expected(predicted: list[str], gold: list[str], tokenizer: str = "13a") -> dict[str, float]:
    metrics = {
        "bleu": BLEU(tokenize=tokenizer, force=True),
        "chrf2": CHRF(),
        "chrf_plus_plus": CHRF(word_order=2),
        "ter": TER(),
    }
    return {name: metric.corpus_score(predicted, [gold]).score for name, metric in metrics.items()}


def command_line(
    folder: Path, predicted: list[str], gold: list[str], *arguments: str
) -> list[dict[str, object]]:
    files = [folder / "output.txt", folder / "reference.txt"]
    for file, texts in zip(files, (predicted, gold), strict=True):
        file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", str(files[1]), "-i", str(files[0]), "-w", "12", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize(
    ("predicted", "gold", "tokenizer"),
    [
        (ENGLISH_LIKE, GERMAN, "13a"),
        (GERMAN, GERMAN, "13a"),
        (CHINESE_OUT, CHINESE, "zh"),
        (["東京に行きます。", "猫です"], ["東京へ行きました。", "これは猫です。"], "ja-mecab"),
        (["นี่คือแมว", "ສະບາຍດີ"], ["นั่นคือแมว", "ສະບາຍ"], "char"),
        (["a b", "c"], ["x y z", "w"], "13a"),
        (["", ""], ["some text", "more"], "13a"),
        (["a dog runs", "two cats"], ["a dog ran", "two big cats"], "13a"),
    ],
    ids=["german", "equal", "chinese", "japanese", "thai", "no match", "empty", "no 4-gram"],
)
def test_the_command_line_prints_the_same(
    tmp_path: Path, predicted: list[str], gold: list[str], tokenizer: str
) -> None:
    ours, signed = values(predicted, gold, tokenizer), signatures(tokenizer)
    found = command_line(tmp_path, predicted, gold, "-m", "bleu", "chrf", "ter", "--tokenize", tokenizer)
    found += command_line(tmp_path, predicted, gold, "-m", "chrf", "--chrf-word-order", "2")
    for name, theirs in zip(("bleu", "chrf2", "ter", "chrf_plus_plus"), found, strict=True):
        assert ours[name] == pytest.approx(theirs["score"], abs=1e-9), name
        assert signed[name] == theirs["signature"]


@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize(
    ("file", "column", "tokenizer"),
    [("multi30k_en_de/test_2016_flickr.de.gz", 0, "13a"), ("tatoeba_en_zh/test.tsv.gz", 1, "zh")],
)
def test_the_command_line_prints_the_same_of_real_texts(
    tmp_path: Path, file: str, column: int, tokenizer: str
) -> None:
    with gzip.open(Path(str(DATA)) / file, "rt", encoding="utf-8") as lines:
        gold = [line.rstrip("\n").split("\t")[column] for line in lines][:1000]
    rng = random.Random(0)
    predicted = [
        "".join(rng.choice(gold)[:3] if rng.random() < 0.05 else character for character in text)
        for text in gold
    ]
    ours = values(predicted, gold, tokenizer)
    found = command_line(tmp_path, predicted, gold, "-m", "bleu", "chrf", "ter", "--tokenize", tokenizer)
    for name, theirs in zip(("bleu", "chrf2", "ter"), found, strict=True):
        assert ours[name] == pytest.approx(theirs["score"], abs=1e-9), name
    assert 20 < ours["bleu"] < 95


def test_empty_references() -> None:
    assert values(["text", ""], ["", ""])["ter"] == 100
    assert set(values(["", ""], ["", ""]).values()) == {0.0}


WORD = st.sampled_from(["a", "b", "der", "Die,", "x.", "3.5", "ein", "日本", "😀", "'", "&amp;"])
TEXT = st.lists(WORD, max_size=14).map(" ".join)
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8)


@settings(deadline=None, max_examples=150)
@given(pairs=PAIRS, data=st.data())
def test_sums_over_any_resample_give_the_score_of_that_corpus(
    pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Also vectorised: all resamples at once, the whole corpus among them."""
    weights = [[1] * len(pairs)]
    weights += data.draw(
        st.lists(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)), max_size=3)
    )
    weights = [row for row in weights if any(row)]
    tables = translation_tables([one for one, _ in pairs], [two for _, two in pairs], bleu_tokenizer="13a")
    found = {
        name: metric(np.array(weights, dtype=np.float64) @ table.parts)
        for table in tables
        for name, metric in table.metrics.items()
    }
    for place, row in enumerate(weights):
        drawn = [pair for pair, count in zip(pairs, row, strict=True) for _ in range(count)]
        theirs = expected([one for one, _ in drawn], [two for _, two in drawn])
        assert {name: column[place] for name, column in found.items()} == pytest.approx(theirs, abs=1e-9)


def test_intervals_hold_the_values() -> None:
    rng = random.Random(0)
    words = " ".join(GERMAN).split()
    gold = [" ".join(rng.choices(words, k=12)) for _ in range(60)]
    predicted = [" ".join(w if rng.random() < 0.8 else "x" for w in text.split()) for text in gold]
    found = intervals(
        Scores("bleu", translation_tables(predicted, gold, bleu_tokenizer="13a")), resamples=500
    )
    for score in found.values():
        assert score.low is not None
        assert score.high is not None
        assert score.low < score.value < score.high


@pytest.mark.parametrize(
    ("language", "texts", "tokenizer"),
    [
        ("de", GERMAN, "13a"),
        ("zh", ["written as it may be"], "zh"),
        ("zh_CN", [], "zh"),
        ("zho_Hans", [], "zh"),
        ("Chinese", [], "zh"),
        ("ja", [], "ja-mecab"),
        ("jpn_Jpan", [], "ja-mecab"),
        ("ko", [], "char"),
        ("tha_Thai", [], "char"),
        (None, CHINESE, "zh"),
        (None, ["これは猫です。", "東京都"], "ja-mecab"),
        (None, ["이것은 고양이입니다"], "char"),
        (None, ["ນີ້ແມ່ນແມວ"], "char"),
        (None, ["Это кот"], "13a"),
        (None, [], "13a"),
        ("caption", CHINESE, "zh"),
    ],
)
def test_the_language_decides_and_else_the_script(
    language: str | None, texts: list[str], tokenizer: str
) -> None:
    assert bleu_tokenizer_for(language, texts) == tokenizer
    assert tokenizer_note(language, texts) == ""


def test_japanese_without_mecab_is_cut_into_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert bleu_tokenizer_for("ja", []) == "char"
    assert "tunewell[japanese]" in tokenizer_note("ja", [])
    assert tokenizer_note("zh", []) == ""


def test_ter_can_be_left_out() -> None:
    tables = translation_tables(["a b"], ["a c"], bleu_tokenizer="13a", with_ter=False)
    assert [list(table.metrics) for table in tables] == [["bleu"], ["chrf2", "chrf_plus_plus"]]


def test_what_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match="1 predicted texts for 2"):
        translation_tables(["a"], ["a", "b"], bleu_tokenizer="13a")
    with pytest.raises(ConfigError, match="no tokenizer 'spm'"):
        translation_tables(["a"], ["a"], bleu_tokenizer="spm")
    with pytest.raises(ConfigError, match="not installed"):
        translation_tables(["a"], ["a"], bleu_tokenizer="ko-mecab")
