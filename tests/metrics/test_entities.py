"""Entity scores against seqeval 1.2.2, and the pairing of errors against its own definition."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as default_reference
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_reference
from seqeval.scheme import IOB2

from tunewell.core.tags import Span, spans, strict_spans, tags_of
from tunewell.metrics.counts import LabelRow
from tunewell.metrics.entities import (
    Error,
    Sentences,
    entity_table,
    entity_types,
    errors,
    f1_by_length,
    per_type,
)
from tunewell.metrics.intervals import intervals
from tunewell.metrics.tables import Scores

TYPES = ("PER", "LOC", "PER-NAM", "PER.NAM", "ORG")
LEGAL, WILD = "legal", "wild"


def random_sentence(
    generator: np.random.Generator, length: int, manner: str, types: tuple[str, ...]
) -> list[str]:
    if manner == LEGAL:
        found, place = [], 0
        while place < length:
            end = min(length, place + int(generator.integers(1, 5)))
            if generator.random() < 0.5:
                found.append((str(generator.choice(types)), place, end))
            place = end
        return list(tags_of(found, length))
    tags = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in types)]
    return [str(tag) for tag in generator.choice(tags, size=length)]


def disturbed(generator: np.random.Generator, sentence: list[str], rate: float) -> list[str]:
    tags = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in TYPES)]
    return [str(generator.choice(tags)) if generator.random() < rate else tag for tag in sentence]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[str]], list[list[str]]]:
    """Gold and predicted sentences: alike, at odds, of different types, or with nothing in one of them."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    lengths = draw(st.lists(st.integers(0, 12), min_size=1, max_size=draw(st.sampled_from([1, 2, 8]))))
    manners = st.sampled_from([LEGAL, WILD])
    gold_types = draw(st.sampled_from([TYPES, TYPES[:1], TYPES[:2]]))
    manner = draw(manners)
    gold = [random_sentence(generator, length, manner, gold_types) for length in lengths]
    way = draw(st.sampled_from(["same", "disturbed", "disturbed", "other", "strangers", "nothing"]))
    if way == "same":
        return gold, gold
    if way == "disturbed":
        rate = draw(st.sampled_from([0.05, 0.3]))
        return gold, [disturbed(generator, sentence, rate) for sentence in gold]
    if way == "nothing":
        pair = gold, [["O"] * length for length in lengths]
        return pair if draw(st.booleans()) else pair[::-1]
    types = TYPES[2:] if way == "strangers" else TYPES
    manner = draw(manners)
    return gold, [random_sentence(generator, length, manner, types) for length in lengths]


def values(table: Any) -> dict[str, float]:
    sums = table.parts.sum(axis=0)
    return {name: float(metric(sums)) for name, metric in table.metrics.items()}


def union_of_types(gold: Sentences, predicted: Sentences, strict: bool) -> list[str]:
    """Those over which seqeval's macro average runs."""
    read = strict_spans if strict else spans
    return sorted({kind for tags in [*gold, *predicted] for kind, _, _ in read(tags)})


@given(cases(), st.booleans())
@settings(deadline=None, max_examples=1500)
def test_scores_equal_seqeval(case: tuple[list[list[str]], list[list[str]]], strict: bool) -> None:
    gold, predicted = case
    types = union_of_types(gold, predicted, strict)
    ending = "_strict" if strict else ""

    def wanted(average: str | None) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of means over nothing, where no type occurs at all
            if strict:
                return strict_reference(gold, predicted, average=average, scheme=IOB2, zero_division=0)
            return default_reference(gold, predicted, average=average, zero_division=0)

    own = values(entity_table(gold, predicted, types, strict=strict))
    names = [f"entity_{name}{ending}" for name in ("precision", "recall", "f1")]
    assert [own[name] for name in names] == pytest.approx(wanted("micro")[:3], abs=1e-12)
    macro_f1 = wanted("macro")[2] if types else 0.0
    assert own[f"entity_macro_f1{ending}"] == pytest.approx(macro_f1, abs=1e-12)

    rows = per_type(gold, predicted, types, strict=strict)
    assert [row.name for row in rows] == types
    for row, *columns in zip(rows, *wanted(None), strict=True):
        assert [row.precision, row.recall, row.f1, row.support] == pytest.approx(columns, abs=1e-12)
    read = strict_spans if strict else spans
    assert sum(row.predicted for row in rows) == sum(len(read(tags)) for tags in predicted)


def test_strict_scores_take_only_spans_that_open_with_b() -> None:
    gold, predicted = [["B-PER", "I-PER", "O", "B-LOC"]], [["I-PER", "I-PER", "O", "B-LOC"]]
    lenient = values(entity_table(gold, predicted, ["LOC", "PER"]))
    strict = values(entity_table(gold, predicted, ["LOC", "PER"], strict=True))
    assert lenient == dict.fromkeys(
        ["entity_f1", "entity_precision", "entity_recall", "entity_macro_f1"], 1.0
    )
    assert strict == {
        "entity_f1_strict": pytest.approx(2 / 3),
        "entity_precision_strict": 1.0,
        "entity_recall_strict": 0.5,
        "entity_macro_f1_strict": 0.5,
    }


def test_the_macro_average_runs_over_declared_types() -> None:
    tags = [["B-PER", "O"]]
    assert values(entity_table(tags, tags, ["LOC", "PER"]))["entity_macro_f1"] == 0.5
    assert per_type(tags, tags, ["LOC", "PER"])[0] == LabelRow("LOC", 0.0, 0.0, 0.0, 0, 0)


@pytest.mark.parametrize("types", [[], ["PER"]])
@pytest.mark.parametrize("strict", [False, True])
def test_without_entities_every_score_is_0(types: list[str], strict: bool) -> None:
    tags = [["O", "O"], []]
    table = entity_table(tags, tags, types, strict=strict)
    assert table.parts.shape[0] == 2
    assert set(values(table).values()) == {0.0}
    assert [row.support for row in per_type(tags, tags, types, strict=strict)] == [0] * len(types)


def test_parts_can_be_resampled() -> None:
    gold = [["B-PER", "O"], ["B-LOC", "I-LOC"]] * 20
    predicted = [["B-PER", "O"], ["B-LOC", "O"]] * 20
    scores = Scores("entity_f1", [entity_table(gold, predicted, ["LOC", "PER"])])
    interval = intervals(scores, seed=1)["entity_f1"]
    assert interval.value == 0.5
    assert interval.low is not None
    assert interval.high is not None
    assert 0.25 < interval.low < 0.5 < interval.high < 0.75


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="1 gold sentences and 2"):
        entity_table([["O"]], [["O"], ["O"]], ["X"])
    with pytest.raises(ValueError, match="sentence 1 has 2 gold tags and 1 predicted"):
        per_type([["O"], ["O", "O"]], [["O"], ["O"]], ["X"])
    with pytest.raises(ValueError, match="'Y' is not among the declared X"):
        entity_table([["B-Y"]], [["O"]], ["X"])
    with pytest.raises(ValueError, match="has 1 gold tags"):
        errors(["O"], [])


def test_types_are_those_of_the_tags() -> None:
    assert entity_types(["O", "I-PER-NAM", "B-LOC", "B-PER-NAM", "NN", "B-"]) == ["LOC", "PER-NAM"]
    assert entity_types(["O"]) == []
    odd = [["B-X-", "I-X-"]]
    for strict in (False, True):
        table = entity_table(odd, odd, entity_types(["B-X-"]), strict=strict)
        assert set(values(table).values()) == {1.0}


def test_errors_say_what_differs() -> None:
    gold = "B-A I-A O B-A I-A O B-A I-A O O B-A I-A B-B O B-A"
    said = "B-A I-A O B-B I-B O B-A O O B-B O B-B I-B O O"
    assert errors(gold.split(), said.split()) == [
        Error("type", ("A", 3, 5), ("B", 3, 5)),
        Error("boundary", ("A", 6, 8), ("A", 6, 7)),
        Error("invented", None, ("B", 9, 10)),
        Error("missed", ("A", 10, 12), None),
        Error("boundary", ("B", 12, 13), ("B", 11, 13)),
        Error("missed", ("A", 14, 15), None),
    ]
    assert errors(["B-A", "I-A"], ["O", "B-B"]) == [Error("type and boundary", ("A", 0, 2), ("B", 1, 2))]


def test_the_largest_overlap_is_paired_first() -> None:
    assert errors(["B-A", *["I-A"] * 4], ["B-A", "B-B", "I-B", "I-B", "O"]) == [
        Error("type and boundary", ("A", 0, 5), ("B", 1, 4)),
        Error("invented", None, ("A", 0, 1)),
    ]
    assert errors(["B-A", "I-A"], ["B-B", "B-A"]) == [
        Error("boundary", ("A", 0, 2), ("A", 1, 2)),
        Error("invented", None, ("B", 0, 1)),
    ]


def overlap(one: Span, other: Span) -> int:
    return max(0, min(one[2], other[2]) - max(one[1], other[1]))


@given(cases())
@settings(deadline=None, max_examples=500)
def test_every_wrong_span_is_in_exactly_one_error(case: tuple[list[list[str]], list[list[str]]]) -> None:
    for gold, predicted in zip(*case, strict=True):
        found = errors(gold, predicted)
        true, said = spans(gold), spans(predicted)
        correct = len(set(true) & set(said))
        in_gold = [error.gold for error in found if error.gold]
        in_predicted = [error.predicted for error in found if error.predicted]
        assert sorted(in_gold) == sorted(set(true) - set(said))
        assert sorted(in_predicted) == sorted(set(said) - set(true))
        assert len(true) == correct + len(in_gold)
        assert len(said) == correct + len(in_predicted)
        for error in found:
            if error.gold and error.predicted:
                assert overlap(error.gold, error.predicted) > 0
                same_type = error.gold[0] == error.predicted[0]
                same_words = error.gold[1:] == error.predicted[1:]
                kinds = {
                    (False, True): "type",
                    (True, False): "boundary",
                    (False, False): "type and boundary",
                }
                assert error.kind == kinds[same_type, same_words]
            else:
                assert error.kind == ("missed" if error.gold else "invented")
        # Nothing that overlaps was left unpaired on both sides.
        missed = [error.gold for error in found if error.gold and not error.predicted]
        invented = [error.predicted for error in found if error.predicted and not error.gold]
        assert not any(overlap(one, other) for one in missed for other in invented)
        starts = [min(span[1] for span in (error.gold, error.predicted) if span) for error in found]
        assert starts == sorted(starts)


@given(cases())
@settings(deadline=None, max_examples=200)
def test_lengths_add_up_to_all_entities(case: tuple[list[list[str]], list[list[str]]]) -> None:
    gold, predicted = case
    rows = f1_by_length(gold, predicted)
    assert [row.name for row in rows] == ["1", "2", "3", "4+"]
    for place, row in enumerate(rows, 1):

        def of_length(sentences: list[list[str]], place: int = place) -> set[tuple[int, Span]]:
            every = {(index, span) for index, tags in enumerate(sentences) for span in spans(tags)}
            return {(index, span) for index, span in every if min(4, span[2] - span[1]) == place}

        true, said = of_length(gold), of_length(predicted)
        right = len(true & said)
        assert (row.support, row.predicted) == (len(true), len(said))
        assert row.recall == pytest.approx(right / max(1, len(true)))
        assert row.precision == pytest.approx(right / max(1, len(said)))
        assert row.f1 == pytest.approx(2 * right / max(1, len(true) + len(said)))
