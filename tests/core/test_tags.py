"""Schemes and spans of entity tags, against seqeval 1.2.2 and by hand."""

from __future__ import annotations

import itertools
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Tokens

from tunewell.core.examples import Entity, Origin, TaggedExample
from tunewell.core.tags import (
    SCHEMES,
    Span,
    detect_scheme,
    entities_of,
    illegal,
    malformed,
    spans,
    strict_spans,
    tags_of,
    to_iob2,
)

TYPES = ("PER", "LOC", "PER-NAM", "PER.NAM", "地点", "x y")

iob_tags = st.lists(
    st.one_of(
        st.just("O"),
        st.builds("{}-{}".format, st.sampled_from("BI"), st.sampled_from(TYPES[:4])),
        st.sampled_from(["B-PER", "I-PER"]),
    ),
    max_size=12,
)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans without overlap, often touching, and the number of words."""
    found, place = [], 0
    for _ in range(draw(st.integers(0, 5))):
        first = place + draw(st.sampled_from([0, 0, 1, 3]))
        place = first + draw(st.integers(1, 4))
        found.append((draw(st.sampled_from(TYPES[:3])), first, place))
    return found, place + draw(st.integers(0, 2))


def written(layout: list[Span], num_words: int, scheme: str) -> list[str]:
    """The tags of spans in a scheme, by its definition."""
    tags = ["O"] * num_words
    single, last, middle = {"bilou": "ULI", "bmes": "SEM"}.get(scheme, "SEI")
    for kind, first, end in layout:
        for place in range(first, end):
            if scheme == "iob1":
                touches = any(other[0] == kind and other[2] == first for other in layout)
                prefix = "B" if place == first and touches else "I"
            elif scheme == "iob2":
                prefix = "B" if place == first else "I"
            elif end - first == 1:
                prefix = single
            else:
                prefix = "B" if place == first else last if place == end - 1 else middle
            tags[place] = f"{prefix}-{kind}"
    return tags


def reference(tags: list[str]) -> list[Span]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval doubts tags such as "B"
        return [(kind, first, last + 1) for kind, first, last in get_entities(list(tags))]


def strict_reference(tags: list[str], scheme: type = IOB2) -> list[Span]:
    return [(entity.tag, entity.start, entity.end) for entity in Tokens(list(tags), scheme).entities]


def test_spans_equal_seqeval_for_every_short_sentence() -> None:
    alphabet = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("X", "Y"))]
    for length in range(5):
        for tags in itertools.product(alphabet, repeat=length):
            assert spans(tags) == reference(list(tags)), tags


def test_strict_spans_equal_seqeval_for_every_short_sentence() -> None:
    for length in range(7):
        for tags in itertools.product(["O", "B-X", "I-X", "B-Y", "I-Y"], repeat=length):
            assert strict_spans(tags) == strict_reference(list(tags)), tags


@given(
    st.one_of(iob_tags, st.lists(st.sampled_from(["B", "I", "O", "B-", "I-X", "B--X", "BX", "B-X-", "I-X-"])))
)
@settings(deadline=None, max_examples=1000)
def test_spans_equal_seqeval(tags: list[str]) -> None:
    assert spans(tags) == reference(tags)
    assert strict_spans(tags) == strict_reference(tags)


def test_the_two_readings_differ_where_nothing_opened() -> None:
    tags = ["I-PER", "O", "B-LOC", "I-PER", "I-PER", "B-PER"]
    assert spans(tags) == [("PER", 0, 1), ("LOC", 2, 3), ("PER", 3, 5), ("PER", 5, 6)]
    assert strict_spans(tags) == [("LOC", 2, 3), ("PER", 5, 6)]


def test_strict_spans_know_no_other_prefixes() -> None:
    assert strict_spans(["S-X", "B-X", "E-X", "L-X"]) == [("X", 1, 2)]


@given(layouts())
@settings(deadline=None, max_examples=300)
def test_every_scheme_comes_back_as_the_same_spans(layout: tuple[list[Span], int]) -> None:
    found, num_words = layout
    iob2 = tags_of(found, num_words)
    assert list(iob2) == written(found, num_words, "iob2")
    assert spans(iob2) == strict_spans(iob2) == found
    for scheme, known in (
        ("iob1", "iob1"),
        ("iob2", "iob2"),
        ("iobes", "iobes"),
        ("bilou", "iobes"),
        ("bmes", "iobes"),
    ):
        tags = written(found, num_words, scheme)
        assert to_iob2(tags, known) == iob2, tags
        assert illegal(tags, known) == malformed(tags) == []
    assert strict_reference(written(found, num_words, "iobes"), IOBES) == found
    assert strict_reference(written(found, num_words, "bilou"), BILOU) == found


@given(iob_tags)
@settings(deadline=None, max_examples=300)
def test_iob1_is_read_as_conlleval_reads_it(tags: list[str]) -> None:
    assert spans(to_iob2(tags, "iob1")) == reference(tags)
    if not illegal(tags, "iob1"):
        assert spans(tags) == strict_reference(tags, IOB1)
    assert not illegal(to_iob2(tags, "iob1"))


def test_illegal_iob2_comes_back_as_it_is() -> None:
    assert to_iob2(["I-X", "O", "PER"], "iob2") == ("I-X", "O", "PER")


def test_illegal_iobes_is_read_leniently() -> None:
    assert to_iob2(["B-X", "O", "E-X", "I-X", "S-X", "L-X", "U-Y", "M-Y"], "iobes") == (
        *("B-X", "O", "B-X", "B-X", "B-X", "B-X", "B-Y", "B-Y"),
    )


@pytest.mark.parametrize(
    ("tags", "scheme", "wrong"),
    [
        ("I-X O B-X I-X I-Y B-Y B-Y I-Y", "iob2", [0, 4]),
        ("B-X E-X S-X O", "iob2", [1, 2]),
        ("B-X I-X I-X", "iob2", []),
        ("B-X PER I-X", "iob2", [1, 2]),
        ("I-X B-X B-X O B-X I-X B-Y", "iob1", [4, 6]),
        ("I-X I-Y I-Y B-Y", "iob1", []),
        ("B-X E-X S-Y O B-X I-X E-X", "iobes", []),
        ("B-X O I-X", "iobes", [1, 2]),
        ("B-X E-Y", "iobes", [1]),
        ("S-X B-X", "iobes", [1]),
        ("S-X I-X", "iobes", [1]),
        ("E-X O B-X B-X E-X", "iobes", [0, 3]),
        ("B-X M-X L-X U-Y", "iobes", []),
        ("O B", "iobes", [1]),
        ("", "iobes", []),
    ],
)
def test_illegal_tags(tags: str, scheme: str, wrong: list[int]) -> None:
    assert illegal(tags.split(), scheme) == wrong


@given(iob_tags)
@settings(deadline=None, max_examples=300)
def test_iob2_is_legal_when_both_readings_agree(tags: list[str]) -> None:
    assert (illegal(tags) == []) == (tags_of(spans(tags), len(tags)) == tuple(tags))


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        (["O B-X I-X", "B-Y B-Y O"], "iob2"),
        (["B-X"], "iob2"),
        (["O O", "O"], "iob2"),
        (["I-X I-X O", "I-X B-X I-X"], "iob1"),
        (["I-X O I-Y"], "iob1"),
        (["O I-X", "B-X I-X O B-Y"], "iob2"),  # one slip does not make it IOB1
        (["I-X O"] * 200 + ["O B-X"], "iob1"),  # nor does one take it away
        (["I-X O"] * 50 + ["O B-X"], "iob2"),
        (["O B-X I-X E-X", "S-Y"], "iobes"),
        (["O S-Y"], "iobes"),
        (["B-X L-X O U-Y"], "iobes"),
        (["B-X M-X E-X"], "iobes"),
        (["B-PER.NAM I-PER.NAM O"], "iob2"),
        (["NN VB DT", "NNP"], None),
        (["-LRB- NN -RRB-", "O"], None),
        (["NOUN X B I"], None),
        (["S-N L-V", "S-N"], None),  # prefixes of some other kind, for all that is known
        (["PER O O O O O O O"], None),  # types alone, without prefixes, tell no spans
        (["O B-X I-X O PER", "B-X O"], "iob2"),
        (["B-X I-X O"] * 1000 + ["PER", "B-", "NN", "b-x"], "iob2"),
        (["NN VB DT"] * 1000 + ["B-X"], None),
        ([], None),
        (["", ""], None),
    ],
)
def test_schemes_are_detected(sentences: list[str], scheme: str | None) -> None:
    assert detect_scheme(iter([sentence.split() for sentence in sentences])) == scheme


@given(st.lists(layouts(), min_size=1, max_size=5), st.sampled_from(SCHEMES))
@settings(deadline=None, max_examples=300)
def test_a_detected_scheme_reads_as_the_one_it_was_written_in(
    sentences: list[tuple[list[Span], int]], scheme: str
) -> None:
    tags = [written(found, num_words, scheme) for found, num_words in sentences]
    detected = detect_scheme(tags)
    assert (detected is None) == (not {tag[0] for row in tags for tag in row} & set("OBI"))
    if detected is not None:
        for row, (found, num_words) in zip(tags, sentences, strict=True):
            assert to_iob2(row, detected) == tags_of(found, num_words)


def test_malformed_tags_are_named_by_place() -> None:
    assert malformed(["O", "B-X", "PER", "B-", "B", "", "o", "O-X", "X-PER", "b-x", "S-x y", "U-1"]) == [
        *(2, 3, 4, 5, 6, 7, 8, 9),
    ]


def test_only_known_schemes_and_well_formed_tags_are_rewritten() -> None:
    with pytest.raises(ValueError, match="'bio'"):
        to_iob2(["O"], "bio")
    with pytest.raises(ValueError, match="'bio'"):
        illegal(["O"], "bio")
    for scheme in ("iob1", "iobes"):
        with pytest.raises(ValueError, match="'PER' of word 1"):
            to_iob2(["O", "PER"], scheme)


@pytest.mark.parametrize(
    "found",
    [[("X", 0, 2), ("Y", 1, 3)], [("X", 0, 3), ("X", 1, 2)], [("X", 1, 1)], [("X", 2, 4)], [("X", -1, 1)]],
)
def test_spans_that_cannot_be_written_are_refused(found: list[Span]) -> None:
    with pytest.raises(ValueError, match=r"overlaps|within"):
        tags_of(found, 3)


def test_entities_are_slices_of_the_text() -> None:
    text = "Zoë  flew to 北京, New\tYork."
    words = ((0, 3), (5, 9), (10, 12), (13, 15), (15, 16), (17, 20), (21, 25), (25, 26))
    example = TaggedExample("1", Origin("t.conll", 1), text, words)
    tags = ("B-PER", "O", "O", "I-LOC", "O", "B-LOC", "I-LOC", "O")
    assert entities_of(example, tags, (0.5, 1, 1, 0.25, 1, 0.5, 1.0, 1)) == (
        Entity(0, 3, "PER", "Zoë", 0.5),
        Entity(13, 15, "LOC", "北京", 0.25),
        Entity(17, 25, "LOC", "New\tYork", 0.75),
    )
    with pytest.raises(ValueError, match="8 words, 7 tags"):
        entities_of(example, tags[1:], (1.0,) * 8)
