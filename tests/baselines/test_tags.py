"""The simple taggers: what they know, what they guess, and that they are quick."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tunewell.baselines.tags import Gazetteer, MostFrequentTag
from tunewell.core.examples import Entity, Origin, TaggedExample, TagsPrediction
from tunewell.core.tags import spans
from tunewell.metrics.entities import entity_table, entity_types
from tunewell.metrics.tokens import token_table

DATA = os.environ.get("TUNEWELL_DATA")

BOTH = pytest.mark.parametrize("baseline", [MostFrequentTag, Gazetteer])


def example(name: str, pairs: Sequence[tuple[str, str]]) -> TaggedExample:
    words, place = [], 0
    for word, _ in pairs:
        words.append((place, place + len(word)))
        place += len(word) + 1
    text = " ".join(word for word, _ in pairs)
    return TaggedExample(name, Origin("t.conll", 1), text, tuple(words), tuple(tag for _, tag in pairs))


def examples(*sentences: str) -> list[TaggedExample]:
    """From `word/TAG word/TAG`."""
    rows = [[tuple(pair.rsplit("/", 1)) for pair in sentence.split()] for sentence in sentences]
    return [example(str(index), row) for index, row in enumerate(rows)]  # type: ignore[arg-type]


def unlabelled(*texts: str) -> list[TaggedExample]:
    return examples(*(" ".join(f"{word}/?" for word in text.split()) for text in texts))


def answers(baseline: Any, train: Sequence[TaggedExample], *texts: str) -> list[TagsPrediction]:
    baseline.fit(train)
    found = baseline.predict(unlabelled(*texts))
    assert [row.example_id for row in found] == [str(index) for index in range(len(texts))]
    assert [row.tokens for row in found] == [tuple(text.split()) for text in texts]
    for row in found:
        assert len(row.tokens) == len(row.tags) == len(row.scores)
        assert all(0 < score <= 1 for score in row.scores)
    return list(found)


SPEECH = examples(
    "the/DET run/NOUN was/AUX long/ADJ",
    "they/PRON run/VERB slowly/ADV",
    "we/PRON run/VERB quickly/ADV",
    "Anna/PROPN met/VERB Hanna/PROPN in/ADP 1984/NUM",
    "NATO/PROPN said/VERB so/ADV 3/NUM times/NOUN ,/PUNCT",
)


def test_words_get_their_most_frequent_tag() -> None:
    (found,) = answers(MostFrequentTag(), SPEECH, "they run the run ,")
    assert found.tags == ("PRON", "VERB", "DET", "VERB", "PUNCT")
    assert found.scores == pytest.approx((1, 2 / 3, 1, 2 / 3, 1))
    assert found.entities == ()


def test_unknown_words_go_by_case_then_ending_then_shape() -> None:
    (found,) = answers(MostFrequentTag(), SPEECH, "LONG Johanna Bert IBM 1990 narrowly xyz")
    assert found.tags == ("ADJ", "PROPN", "PROPN", "PROPN", "NUM", "ADV", "ADV")
    assert found.scores[0] == found.scores[5] == 1.0  # as "long", and by the ending of "slowly"
    assert found.scores[6] == pytest.approx(3 / 15)  # 15 pairs of small word and tag, 3 of them adverbs


def test_one_capital_letter_is_a_capitalised_word() -> None:
    (found,) = answers(MostFrequentTag(), examples("NATO/X US/X EU/X Anna/Y Bo/Y it/Z"), "Q QQ q")
    assert found.tags == ("Y", "X", "Z")


def test_equals_are_settled_by_name() -> None:
    train = examples("a/Y b/X", "a/X b/Y")
    (found,) = answers(MostFrequentTag(), train, "a b")
    assert found.tags == ("X", "X")
    assert found.scores == (0.5, 0.5)


NEWS = examples(
    "Anna/B-PER left/O New/B-LOC York/I-LOC in/O May/O ./O",
    "New/B-LOC York/I-LOC is/O big/O in/O May/O ./O",
    "May/B-PER left/O New/B-ORG York/I-ORG Times/I-ORG ./O",
    "York/B-LOC is/O old/O ./O",
)


def test_frequent_tags_make_entities() -> None:
    (found,) = answers(MostFrequentTag(), NEWS, "Anna left York")
    assert found.tags == ("B-PER", "O", "I-LOC")
    assert found.entities == (
        Entity(0, 4, "PER", "Anna", 1.0),
        Entity(10, 14, "LOC", "York", pytest.approx(0.5)),  # type: ignore[arg-type]
    )


def test_the_gazetteer_finds_the_longest_mention_again() -> None:
    first, second = answers(Gazetteer(), NEWS, "In New York Times and New York , New Delhi", "York ; anna")
    assert spans(first.tags) == [("ORG", 1, 4), ("LOC", 5, 7)]
    assert [entity.text for entity in first.entities] == ["New York Times", "New York"]
    assert second.tags == ("B-LOC", "O", "O")
    assert second.entities == (Entity(0, 4, "LOC", "York", 1.0),)


def test_the_gazetteer_keeps_no_mention_that_is_mostly_something_else() -> None:
    (found,) = answers(Gazetteer(), NEWS, "May left")
    assert found.tags == ("O", "O")  # an entity in one of three places
    outside = 14 / 15  # of the words that no mention matches in training only "May" is not outside
    assert found.scores == pytest.approx((outside, outside))
    (half,) = answers(Gazetteer(), examples("May/B-PER x/O", "May/O x/O"), "May")
    assert half.tags == ("O",)


def test_the_gazetteer_takes_the_most_frequent_type_and_its_share() -> None:
    train = examples("Chelsea/B-LOC", "Chelsea/B-ORG", "Chelsea/B-ORG", "Chelsea/O", "Chelsea/B-ORG")
    (found,) = answers(Gazetteer(), train, "Chelsea")
    assert found.tags == ("B-ORG",)
    assert found.scores == pytest.approx((3 / 5,))


def test_mentions_do_not_run_over_the_end() -> None:
    train = examples("New/B-LOC York/I-LOC ./O", "New/B-ORG ./O")
    (found, other) = answers(Gazetteer(), train, "York New", "York New York")
    assert found.tags == ("O", "B-ORG")
    assert other.tags == ("O", "B-LOC", "I-LOC")


def test_the_gazetteer_may_know_nothing() -> None:
    (found,) = answers(Gazetteer(), examples("x/O y/O"), "x y z")
    assert found.tags == ("O", "O", "O")
    assert found.scores == (1.0, 1.0, 1.0)


@BOTH
def test_sentences_without_words_are_answered(baseline: type) -> None:
    (found, other) = answers(baseline(), [*NEWS, *unlabelled("")], "", "Anna")
    assert found.tags == found.scores == found.entities == ()
    assert other.tags == ("B-PER",)


@BOTH
def test_only_labelled_examples_teach(baseline: type) -> None:
    untagged = TaggedExample("7", Origin("t.conll", 3), "Anna", ((0, 4),))
    with pytest.raises(ValueError, match="'7' has no tags"):
        baseline().fit([*NEWS, untagged])
    with pytest.raises(ValueError, match="no words"):
        MostFrequentTag().fit(unlabelled(""))


@BOTH
def test_the_order_of_examples_changes_nothing(baseline: type) -> None:
    texts = ("Anna left New York Times in May", "Mary left Old York")
    assert answers(baseline(), NEWS, *texts) == answers(baseline(), NEWS[::-1], *texts)


def sentences(path: Path, column: int) -> Iterator[TaggedExample]:
    """Words and the tags of a column, from the columns of CoNLL-U or from words that stand first."""
    universal = ".conllu" in path.name
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for block in data.decode().split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if "\t" in line]
        rows = [cells for cells in rows if not universal or cells[0].isdigit()]
        if rows:
            yield example("1", [(cells[1 if universal else 0], cells[column]) for cells in rows])


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="set TUNEWELL_DATA to the folder with the real data sets")
@pytest.mark.parametrize(
    ("folder", "files", "column", "baseline", "at_least"),
    [
        ("ud_english_ewt", "en_ewt-ud-{}.conllu.gz", 3, MostFrequentTag, 0.88),
        ("btc", "{}.conll", 1, Gazetteer, 0.40),
        ("weibo_ner", "{}.conll", 1, Gazetteer, 0.45),
    ],
)
def test_real_data_are_learnt_in_seconds(
    folder: str, files: str, column: int, baseline: type, at_least: float
) -> None:
    train, test = (
        list(sentences(Path(str(DATA)) / folder / files.format(s), column)) for s in ("train", "test")
    )
    began = time.perf_counter()
    method = baseline()
    method.fit(train)
    predicted = [row.tags for row in method.predict(test)]
    assert time.perf_counter() - began < 10  # about half a second on an idle core
    gold = [row.tags or () for row in test]
    tags = sorted({tag for row in [*gold, *predicted] for tag in row})
    if baseline is MostFrequentTag:
        table, name = token_table(gold, predicted, tags), "accuracy"
    else:
        table, name = entity_table(gold, predicted, entity_types(tags)), "entity_f1"
    assert float(table.metrics[name](table.parts.sum(axis=0))) > at_least
