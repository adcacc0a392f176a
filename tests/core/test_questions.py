"""The word that a question asks with, in five languages."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tunewell.core.questions import question_word
from tunewell.data.sources import read

DATA = os.environ.get("TUNEWELL_DATA")


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Who was the librarian in 1959?", "who"),
        ("To whom did she write?", "who"),
        ("Whose boat was it?", "who"),
        ("WHAT'S the name of the boat?", "what"),
        ("In which year did it sink?", "which"),
        ("The boat sank when?", "when"),
        ("Where?", "where"),
        ("Why did nine hundred people sign?", "why"),
        ("How many jetties does she visit?", "how many"),
        ("How much did it cost?", "how many"),
        ("How did she go round?", "how"),
        ("However it was, is somewhat whatever a question?", "other"),
        ("Was the boat built in 1959?", "other"),
        ("Name the boat.", "other"),
        ("", "other"),
        ("Wer schrieb das erste Programm?", "wer"),
        ("Mit wem fuhr sie?", "wer"),
        ("Was geschah 1843?", "was"),
        ("Wann war das?", "wann"),
        ("Wo steht das Haus?", "wo"),
        ("Woher kommt sie?", "wo"),
        ("In welchem Jahr?", "welche"),
        ("Wie viele Boote gibt es?", "wie viele"),
        ("Wie heißt sie?", "wie"),
        ("Weshalb?", "warum"),
        ("Qui a écrit le premier programme ?", "qui"),
        ("Qu'est-ce que c'est ?", "que"),
        ("Quelle ville ?", "quel"),
        ("Lesquelles ?", "quel"),
        ("Où est-elle née ?", "où"),
        ("Quand est-elle née ?", "quand"),
        ("Combien de bateaux ?", "combien"),
        ("Pourquoi ?", "pourquoi"),
        ("¿Quién escribió el primer programa?", "quién"),
        ("¿En la ciudad que ardió, qué quedó?", "qué"),
        ("¿Por qué?", "por qué"),
        ("¿Cuántas barcas hay?", "cuánto"),
        ("¿Dónde y cuándo?", "dónde"),
        ("¿De cuáles?", "cuál"),
        ("谁写了第一个程序？", "谁"),
        ("乐队The Who是什么时候成立的？", "何时"),
        ("他出生于哪一年？", "何时"),
        ("这本书有多少页？", "多少"),
        ("为什么叫这个名字？", "为什么"),
        ("作者是什么人？", "什么"),
        ("他在哪里读书？", "哪里"),
        ("如何预防？", "如何"),
        ("他是哪国人？", "哪"),
        ("请介绍本书。", "other"),
    ],
)
def test_words(question: str, word: str) -> None:
    assert question_word(question) == word
    assert question_word(question.upper() if question.isascii() else question) == word


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize("path", ["squad_v1/dev.json.gz", "cmrc2018/cmrc2018_trial.json.gz"])
def test_nearly_all_real_questions_have_one(path: str) -> None:
    rows = read(str(Path(str(DATA), path)))["train"].rows
    found = Counter(question_word(row.values["question"]) for row in rows)
    assert found["other"] < 0.05 * len(rows)
    if path.startswith("squad"):
        assert set(found) <= {"who", "what", "when", "where", "which", "why", "how many", "how", "other"}
