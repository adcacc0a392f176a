"""Rows 16, 17 and 19 to 21 of the fault table for tags of words, from end to end; and files as the world has them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.faults import as_lines, refused

Command = Callable[..., Any]

DROP = ("--set", "data.on_bad_row=drop")
NEXT = "t.conll:241: "
"""What follows the good sentences begins on this line, or on line 49 of the same as JSON."""


def sentences(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Four words with their tags; the second is a place or a person."""
    kinds = ("LOC", "PER")
    return [
        {"tokens": text.split()[:4], "tags": ["O", f"B-{kinds[place % 2]}", "O", "O"]}
        for place, text in enumerate(texts)
    ]


def as_columns(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(
        "".join(f"{token}\t{tag}\n" for token, tag in zip(row["tokens"], row["tags"], strict=True)) + "\n"
        for row in rows
    )


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def rows(texts: list[str]) -> list[dict[str, Any]]:
    return sentences(texts)


@pytest.fixture(scope="session")
def columns(rows: list[dict[str, Any]]) -> str:
    """48 good sentences of four words, on lines 1 to 240."""
    return as_columns(rows)


@pytest.fixture(scope="session")
def spanned(rows: list[dict[str, Any]]) -> str:
    """The same as texts with spans of characters, on lines 1 to 48."""
    return as_lines(
        {
            "text": " ".join(row["tokens"]),
            "entities": [{"start": 4, "end": 4 + len(row["tokens"][1]), "label": row["tags"][1][2:]}],
        }
        for row in rows
    )


@pytest.fixture(scope="session")
def tagger(
    tmp_path_factory: pytest.TempPathFactory, tunewell: Command, quick: list[str], columns: str
) -> Path:
    """A finished run on the good sentences."""
    folder = tmp_path_factory.mktemp("tagger")
    outcome = tunewell("train", put(folder / "t.conll", columns), *quick, "--output", folder / "run")
    assert outcome.code == 0, outcome.err
    return folder / "run"


# 16: types and tags


@pytest.mark.parametrize(
    ("name", "replaced", "said"),
    [
        ("t.conll", {"B-PER": "O", "B-LOC": "O"}, "no sentence has an entity: there is nothing to learn"),
        (
            "t.jsonl",
            {"B-PER": "X", "B-LOC": "X", '"O"': '"X"'},
            "every tag is 'X': there is nothing to learn",
        ),
    ],
)
def test_row_16_one_class(
    check: Command, rows: list[dict[str, Any]], name: str, replaced: dict[str, str], said: str
) -> None:
    content = as_columns(rows) if name.endswith("conll") else as_lines(rows)
    for old, new in replaced.items():
        content = content.replace(old, new)
    refused(check(name, content), said)


def test_row_16_twins_of_types_are_warned_of_and_kept(check: Command, columns: str) -> None:
    outcome = check("t.conll", columns + "a\tB-per\nb\tI-per\n")
    assert outcome.code == 0
    assert "warning: labels that differ only in case or blanks: 'PER' (24), 'per' (1)" in outcome.err


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (["O", ""], "token 2 'b' has no tag"),
        (["O", " "], "token 2 'b' has ' ', which is no tag"),
        (["O", None], "token 2 'b' has no tag"),
        (["O", 1], "token 2 'b' has 1, which is no tag"),
        ([0, 1], "token 1 'a' has the tag '0', which is not of the scheme iob2"),
    ],
)
def test_row_16_no_tag_or_a_number(
    check: Command, rows: list[dict[str, Any]], tags: list[Any], said: str
) -> None:
    content = as_lines([*rows, {"tokens": ["a", "b"], "tags": tags}])
    refused(check("t.jsonl", content), f"t.jsonl:49: {said}")
    dropped = check("t.jsonl", content, *DROP)
    assert dropped.code == 0
    assert "1 bad row was dropped from t.jsonl" in dropped.err


def test_row_16_numbers_beside_parts_of_speech_are_warned_of(check: Command, texts: list[str]) -> None:
    given = [{"tokens": text.split()[:4], "pos": ["DET", "N", "V", "A"]} for text in texts]
    outcome = check("t.jsonl", as_lines([*given, {"tokens": ["a", "b"], "pos": [0, 1]}]))
    assert outcome.code == 0
    assert "warning: labels mix numbers and words: '0' (1), '1' (1) and 'A' (48)" in outcome.err


def test_row_16_numbers_need_names(check: Command, texts: list[str]) -> None:
    content = as_lines({"tokens": text.split()[:4], "ner_tags": [0, 1, 0, 7]} for text in texts)
    refused(check("t.jsonl", content), "numbers, and the file does not say what they are called", code=2)
    outcome = check("t.jsonl", content, "--set", "task.labels=[O, B-PER, I-PER]")
    refused(outcome, "t.jsonl:1: token 4 'great' has the tag 7, and task.labels names 0 to 2")


def test_row_16_a_type_that_training_lacks(check: Command, columns: str, work: Path) -> None:
    put(work / "test.conll", "the\tO\nAcme\tB-ORG\nInc\tI-ORG\n\nof\tO\nOslo\tB-LOC\n")
    outcome = check("t.conll", columns, "--test", "test.conll")
    assert outcome.code == 0
    assert "warning: test: labels that no training example has: 'ORG' (1)" in outcome.err
    assert "test.conll:1 token 2 'Acme': ORG\n" in outcome.err
    declared = check("t.conll", columns, "--test", "test.conll", "--set", "task.labels=[LOC, PER]")
    refused(declared, "test.conll:1: token 2 'Acme' has the tag 'B-ORG'", "(LOC, PER)")


def test_row_16_an_unknown_type_in_evaluation(tagger: Path, tunewell: Command, work: Path) -> None:
    put(work / "other.conll", "the\tO\nAcme\tB-ORG\nInc\tI-ORG\n\nof\tO\nOslo\tB-LOC\n\nAnn\tB-PERS\n")
    before = sorted(tagger.rglob("*"))
    outcome = tunewell("evaluate", tagger, "other.conll")
    refused(outcome, "other.conll:1: token 2 'Acme' has the tag 'B-ORG': 'ORG' is not one of the 2 known")
    assert "other.conll:8: token 1 'Ann' has the tag 'B-PERS'" in outcome.err
    assert "did you mean 'PER'?" in outcome.err
    assert sorted(tagger.rglob("*")) == before
    dropped = tunewell("evaluate", tagger, "other.conll", *DROP)
    assert dropped.code == 0
    assert "warning: 2 of 3 rows were dropped as bad and are not scored" in dropped.err
    assert tunewell("predict", tagger, "other.conll").code == 0


# 17: order, form and number of tags; spans


def test_row_17_tags_out_of_order(check: Command, columns: str) -> None:
    content = columns + "a\tO\nb\tI-PER\nc\tI-LOC\n"
    accepted = check("t.conll", content)
    assert accepted.code == 0
    assert "warning: train: 2 tags in 1 sentence cannot stand where they do" in accepted.err
    assert "t.conll:241 token 2 'b' has the tag I-PER after O\n" in accepted.err
    assert "t.conll:241 token 3 'c' has the tag I-LOC after I-PER\n" in accepted.err
    strict = ("--set", "task.on_illegal_tag=refuse")
    parts = (f"{NEXT}token 2 'b' has the tag I-PER after O; 1 more", "task.on_illegal_tag=accept")
    refused(check("t.conll", content, *strict), *parts, DROP[1])
    dropped = check("t.conll", content, *strict, *DROP)
    assert dropped.code == 0
    assert "1 bad row was dropped from t.conll" in dropped.err


@pytest.mark.parametrize("tag", ["B_PER", "B-", "PER", "o", "?-PER"])
def test_row_17_malformed_tags(check: Command, columns: str, tag: str) -> None:
    content = f"{columns}a\tO\nb\t{tag}\n"
    outcome = check("t.conll", content)
    refused(
        outcome, f"{NEXT}token 2 'b' has the tag '{tag}', which is not of the scheme iob2", "task.scheme="
    )
    dropped = check("t.conll", content, *DROP)
    assert dropped.code == 0
    assert "entities in IOB2, 2 types" in dropped.err
    assert "1 bad row was dropped from t.conll" in dropped.err


def test_row_17_tokens_and_tags_of_unequal_number(check: Command, rows: list[dict[str, Any]]) -> None:
    for tags, said in ((["O"], "1 tag"), (["O"] * 3, "3 tags")):
        content = as_lines([*rows, {"tokens": ["a", "b"], "tags": tags}])
        refused(check("t.jsonl", content), f"t.jsonl:49: 2 tokens and {said} (column 'tags')", DROP[1])
        assert "1 bad row was dropped" in check("t.jsonl", content, *DROP).err


def test_row_17_ragged_columns(check: Command, columns: str, tagger: Path, tunewell: Command) -> None:
    content = columns + "a\tO\nb\nc\tx\tO\n"
    parts = ("t.conll:242: 1 column where the other lines have 2", "t.conll:243: 3 columns where")
    refused(check("t.conll", content), *parts)
    refused(tunewell("evaluate", tagger, "t.conll"), *parts)
    refused(tunewell("predict", tagger, "t.conll", "--output", "out.jsonl"), parts[0])
    assert not list(Path().glob("*out.jsonl"))
    dropped = check("t.conll", content, *DROP)
    assert dropped.code == 0
    assert "1 bad row was dropped from t.conll" in dropped.err


@pytest.mark.parametrize(
    ("entities", "said"),
    [
        ([{"start": 4, "end": 40, "label": "PER"}], "PER 4..40 is not a piece of a text of 17 characters"),
        ([{"start": -4, "end": 3, "label": "PER"}], "PER -4..3 is not a piece"),
        ([{"start": 8, "end": 4, "label": "PER"}], "PER 8..4 is not a piece"),
        ([{"start": 3, "end": 4, "label": "PER"}], "there is no word in the entity PER 3..4 ' '"),
        ([{"start": 4, "end": 8, "label": ""}], "has no start, end and label"),
        ([{"start": "4", "end": 8, "label": "PER"}], "has no start, end and label"),
        (
            [{"start": 4, "end": 8, "label": "PER", "text": "plot"}],
            "'plot' is not at 4..8, where 'film' stands",
        ),
        (
            [{"start": 4, "end": 8, "label": "PER"}, {"start": 0, "end": 6, "label": "LOC"}],
            "the entities LOC 0..6 'the fi' and PER 4..8 'film' overlap",
        ),
        (None, "an empty list stands for a text without entities"),
    ],
)
def test_row_17_spans(check: Command, spanned: str, entities: Any, said: str) -> None:
    content = spanned + as_lines([{"text": "the film was fine", "entities": entities}])
    outcome = check("t.jsonl", content)
    refused(outcome, "error: t.jsonl:49: ", said, DROP[1])
    dropped = check("t.jsonl", content, *DROP)
    assert dropped.code == 0
    assert "1 bad row was dropped from t.jsonl" in dropped.err


def test_row_17_a_span_inside_a_word_is_widened_and_told(check: Command, spanned: str) -> None:
    row = {"text": "the film was fine", "entities": [{"start": 5, "end": 7, "label": "PER"}]}
    outcome = check("t.jsonl", spanned + as_lines([row]))
    assert outcome.code == 0
    assert "1 entity begins or ends inside a word and is widened to whole words" in outcome.err
    assert "t.jsonl:49 4..8 'film'" in outcome.err


# 19: too few rows


@pytest.mark.parametrize("content", ["", "\n\n", "-DOCSTART- -X- -X- O\n\n"])
def test_row_19_nothing_in_it(
    check: Command, columns: str, tagger: Path, tunewell: Command, work: Path, content: str
) -> None:
    put(work / "empty.conll", content)
    said = "empty.conll: nothing to read: it has no rows"
    refused(check("t.conll", content), "t.conll: nothing to read: it has no rows")
    refused(check("t.conll", columns, "--validation", "empty.conll"), said)
    refused(tunewell("evaluate", tagger, "empty.conll"), said)
    refused(tunewell("predict", tagger, "empty.conll"), said)


def test_row_19_no_row_left_and_too_few(check: Command, columns: str) -> None:
    strict = ("--set", "task.scheme=iob2", "--set", "task.on_illegal_tag=refuse")
    outcome = check("t.conll", "a\tO\nb\tI-PER\n\n" * 9, *strict, *DROP)
    refused(outcome, "no row is left to use: all 9 were dropped as bad; the first: t.conll:1: token 2 'b'")
    refused(check("t.conll", "a\tO\nb\tB-PER\n"), "cannot be split into 3 parts")
    outcome = check("t.conll", columns, "--set", "training.batch_size=39")
    refused(outcome, "38 examples, fewer than one batch of 39")


def test_row_19_a_test_file_without_tags_in_a_folder(
    columns: str, tagger: Path, tunewell: Command, quick: list[str], work: Path
) -> None:
    put(work / "data" / "train.conll", columns)
    put(work / "data" / "test.conll", "the\nfilm\n\nof\n")
    outcome = tunewell("train", "data", *quick, "--dry-run")
    assert outcome.code == 0
    assert "the test split of the folder has no labels and is not used; one is drawn" in outcome.err
    refused(tunewell("evaluate", tagger, "data/test.conll"), "there is no column 'tags'")
    assert len(tunewell("predict", tagger, "data/test.conll").rows) == 2


def test_what_was_refused_stands_in_the_way_of_nothing(
    columns: str, tunewell: Command, quick: list[str], work: Path
) -> None:
    path = put(work / "t.conll", columns + "a\tB_PER\n")
    command = ("train", "t.conll", *quick, "--output", "run")
    refused(tunewell(*command), NEXT)
    assert not (work / "run").exists()
    put(path, columns)
    assert tunewell(*command).code == 0


# 20: files that are none


def test_row_20_a_pipe_and_a_bomb(
    tagger: Path, tunewell: Command, quick: list[str], work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewell.data.opening.BOMB_BYTES", 2**20)
    os.mkfifo(work / "pipe.conll.gz")
    (work / "bomb.conll.gz").write_bytes(gzip.compress(b"a" * 2**23))
    for name, said in (("pipe.conll.gz", "is a FIFO (named pipe)"), ("bomb.conll.gz", "bomb")):
        for verb in (("train", name, *quick), ("evaluate", tagger, name)):
            refused(tunewell(*verb), f"{name}: ", said)
        refused(tunewell("predict", tagger, name, "--output", "out.jsonl"), said)
    assert not (work / "runs").exists()
    assert not list(work.glob("*out.jsonl"))


# 21: long texts


def test_row_21_every_word_of_a_very_long_text_gets_its_tag(
    tagger: Path, rows: list[dict[str, Any]], tunewell: Command, quick: list[str], work: Path
) -> None:
    words = ["the", "plot", "was", "warm", "indeed"] * 12_000
    tags = ["O", "B-PER", "O", "O", "O"] * 12_000
    text = " ".join(words)
    assert len(text) > 280_000
    put(work / "long.jsonl", as_lines([*rows, {"tokens": words, "tags": tags}]))
    short = put(work / "short.jsonl", as_lines(rows[:9]))
    outcome = tunewell(
        "train", "long.jsonl", *quick, "--validation", short, "--test", short, "--output", "run"
    )
    assert outcome.code == 0, outcome.err
    scored = tunewell("evaluate", "run", "long.jsonl")
    assert scored.code == 0, scored.err
    (written,) = (work / "run" / "evaluations").glob("*.predictions.jsonl")
    last = json.loads(written.read_text().splitlines()[-1])
    assert len(last["tokens"]) == len(last["tags"]) == len(last["scores"]) == 60_000
    put(work / "long.txt", f"{text}\nshort\n")
    assert tunewell("predict", tagger, "long.txt", "--output", "out.jsonl").code == 0
    answer, other = map(json.loads, (work / "out.jsonl").read_text().splitlines())
    assert answer["tokens"] == words
    assert len(answer["tags"]) == len(words)
    assert all(text[e["char_start"] : e["char_end"]] == e["text"] for e in answer["entities"])
    assert other["tokens"] == ["short"]


# Files as the world has them

CONLL_2003 = """-DOCSTART- -X- -X- O

EU{0} NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
call NN I-NP O
. . O O

Peter{0} NNP I-NP I-PER
Blackburn NNP I-NP I-PER
Smith NNP B-NP B-PER

"""
GERMEVAL = """# n-tv.de vom 26.02.2005 [{0}]
1\tUni{0}\tB-ORG\tO
2\tMainz\tI-ORG\tB-LOC
3\tin\tO\tO
4\tMainz\tB-LOC\tO
5\t#\tO\tO

"""
FRENCH = """# sent_id = fr-{0}
# text = Il va au marché n°{0}.
1\tIl\til\tPRON\t_\tGender=Masc\t2\tnsubj\t_\t_
2\tva\taller\tVERB\t_\t_\t0\troot\t_\t_
3-4\tau\t_\t_\t_\t_\t_\t_\t_\t_
3\tà\tà\tADP\t_\t_\t5\tcase\t_\t_
4\tle\tle\tDET\t_\t_\t5\tdet\t_\t_
4.1\tvide\tvide\tX\t_\t_\t_\t_\t_\t_
5\tmarché\tmarché\tNOUN\t_\t_\t2\tobl\t_\t_
6\tn°{0}\tn°\tSYM\t_\t_\t5\tdep\t_\tSpaceAfter=No
7\t.\t.\tPUNCT\t_\t_\t2\tpunct\t_\t_

"""
WEIBO = """张\tB-PER.NAM
三\tI-PER.NAM
{0}\tO
在\tO
北\tB-GPE.NAM
京\tI-GPE.NAM

"""


@pytest.mark.parametrize(
    ("template", "names", "options", "said"),
    [
        (
            CONLL_2003,
            ("train.txt", "valid.txt", "test.txt"),
            (),
            ["entities in IOB1, 3 types"],
        ),
        (
            GERMEVAL,
            ("NER-de-train.tsv", "NER-de-dev.tsv", "NER-de-test.tsv"),
            (),
            ["tags = column_3: entities in IOB2, 2 types", "tags, which holds entities inside of these"],
        ),
        (
            FRENCH,
            ("fr-ud-train.conllu", "fr-ud-dev.conllu", "fr-ud-test.conllu"),
            (),
            ["tags = upos: parts of speech, 7 tags"],
        ),
        (
            WEIBO,
            ("weiboNER.conll.train", "weiboNER.conll.dev", "weiboNER.conll.test"),
            ("--set", "data.format=conll"),
            ["entities in IOB2, 2 types"],
        ),
    ],
    ids=["CoNLL-2003", "GermEval", "French", "Weibo"],
)
def test_published_data_are_read_learnt_and_predicted(
    tunewell: Command,
    quick: list[str],
    work: Path,
    template: str,
    names: tuple[str, str, str],
    options: tuple[str, ...],
    said: list[str],
) -> None:
    for name, (first, last) in zip(names, ((0, 40), (50, 58), (70, 78)), strict=True):
        put(work / "data" / name, "".join(template.format(number) for number in range(first, last)))
    outcome = tunewell("train", "data", *quick, *options, "--dry-run")
    assert outcome.code == 0, outcome.err
    for part in said:
        assert part in outcome.err
    assert "cannot stand where" not in outcome.err
    assert tunewell("train", "data", *quick, *options, "--output", "run").code == 0
    put(work / "raw.txt", "Peter Smith, EU – naïve 好 🙂\nL'été, il va au marché.\n张三在北京。\n")
    answers = tunewell("predict", "run", "raw.txt").rows
    assert [answer["tokens"] for answer in answers[1:]] == [
        ["L", "'", "été", ",", "il", "va", "au", "marché", "."],
        list("张三在北京。"),
    ]
    for answer in answers:
        assert len(answer["tokens"]) == len(answer["tags"])
        for entity in answer["entities"]:
            assert answer["text"][entity["char_start"] : entity["char_end"]] == entity["text"]
    rows = tunewell("predict", "run", f"data/{names[2]}").rows
    for row in rows:
        assert row["tokens"] == row.get("input_tokens", row["tokens"])


def test_a_folder_of_files_whose_endings_say_nothing_gets_advice_that_works(
    tunewell: Command, quick: list[str], work: Path
) -> None:
    for split, count in (("train", 40), ("testa", 8), ("testb", 9)):
        put(work / "data" / f"eng.{split}", "".join(CONLL_2003.format(n) for n in range(count)))
    outcome = tunewell("train", "data", *quick, "--dry-run")
    refused(outcome, "say what eng.testa, eng.testb, eng.train hold: --set data.format=conll")
    advised = tunewell("train", "data", *quick, "--dry-run", "--set", "data.format=conll")
    assert "80 train, 16 validation, 18 test" in advised.out


def test_chinese_that_nobody_cut_is_tagged_by_character(tagger: Path, tunewell: Command, work: Path) -> None:
    text = "张三在北京，iPhone13很好🙂 ok\u3000𠮷野家"
    put(work / "zh.txt", text + "\n")
    (answer,) = tunewell("predict", tagger, "zh.txt").rows
    found = ["张", "三", "在", "北", "京", "，", "iPhone13", "很", "好", "🙂", "ok", "𠮷", "野", "家"]
    assert answer["tokens"] == found
    assert answer["text"] == text
    assert answer["entities"]
    for entity in answer["entities"]:
        assert text[entity["char_start"] : entity["char_end"]] == entity["text"]


# Files that are written in another way than the training file


def test_other_schemes_and_columns_are_scored_alike_and_runs_on_them_compared(
    tagger: Path, rows: list[dict[str, Any]], columns: str, tunewell: Command, quick: list[str], work: Path
) -> None:
    put(work / "iob2.conll", as_columns(rows[:12]))
    put(work / "iob1.conll", as_columns(rows[:12]).replace("B-", "I-"))
    put(work / "iobes.jsonl", as_lines(rows[:12]).replace("tokens", "words").replace("B-", "S-"))
    said = "written in another way than the training data; read with "
    scores = []
    for name, note in (
        ("iob2.conll", ""),
        ("iob1.conll", "scheme = iob1"),
        ("iobes.jsonl", "tokens = words, scheme = iobes"),
    ):
        outcome = tunewell("evaluate", tagger, name)
        assert outcome.code == 0, outcome.err
        assert (f"{name}: {said}{note}\n" in outcome.err) if note else (said not in outcome.err)
        scores.append(
            [
                json.loads(path.read_text())["scores"]
                for path in (tagger / "evaluations").glob("*.json")
                if path.name.startswith(name.partition(".")[0] + "-")
            ]
        )
    assert len(scores[0]) == 1
    assert scores[0] == scores[1] == scores[2]
    put(work / "train.conll", columns)
    put(work / "iob1.jsonl", as_lines(rows[:12]).replace("B-", "I-"))  # line by line as the other
    for name in ("iob1.jsonl", "iobes.jsonl"):
        command = ("train", "train.conll", *quick, "--test", name, "--output", name.partition(".")[0])
        outcome = tunewell(*command)
        assert outcome.code == 0, outcome.err
    compared = tunewell("compare", "iob1", "iobes")
    assert compared.code == 0, compared.err


def test_words_without_a_text_are_answered_with_the_text_that_is_meant(
    tagger: Path, rows: list[dict[str, Any]], tunewell: Command, work: Path
) -> None:
    put(work / "plain.jsonl", as_lines({"words": row["tokens"]} for row in rows[:3]))
    outcome = tunewell("predict", tagger, "plain.jsonl")
    assert outcome.code == 0, outcome.err
    assert [row["text"] for row in outcome.rows] == [" ".join(row["tokens"]) for row in rows[:3]]
    (row,) = tunewell("predict", tagger, "--text", "the film").rows
    assert (row["text"], row["input_tokens"], row["tokens"]) == ("the film", "the film", ["the", "film"])
