"""A text is changed, and the tags of its words move along."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.core.examples import Origin, Row, TaggedExample
from tunewell.core.tags import illegal
from tunewell.tasks.token_classification import TokenClassification, TokenClassificationConfig

TOKENS = ["Anna", "Lee", "saw", "Oslo", "."]
TAGS = ["B-PER", "I-PER", "O", "B-LOC", "O"]


def task(scheme: Any = "iob2") -> TokenClassification:
    return TokenClassification.new(TokenClassificationConfig(tokens="tokens", column="tags", scheme=scheme))


def read(scheme: str = "iob2", **values: Any) -> TaggedExample:
    return task(scheme).read(Row({"tokens": TOKENS, "tags": TAGS, **values}, Origin("data.jsonl", 12)))


def moved(text: str, **values: Any) -> list[tuple[str, str]]:
    example = read(**values)
    changed = task().with_texts(example, [text])
    assert task().texts(changed) == (text,)
    assert changed.tags is not None
    return list(zip(changed.tokens, changed.tags, strict=True))


def test_tags_move_along_with_their_words() -> None:
    assert moved("Yes, Anna Lee saw Oslo .")[2:] == list(zip(TOKENS, TAGS, strict=True))
    assert moved("Anna Lee saw Rome .")[3] == ("Rome", "B-LOC")
    assert moved("Lee saw Oslo .")[0] == ("Lee", "B-PER")
    assert moved("Anna Maria Lee saw Oslo .")[:3] == [("Anna", "B-PER"), ("Maria", "I-PER"), ("Lee", "I-PER")]
    assert moved("Anna Lee never saw Oslo .")[2] == ("never", "O")
    assert moved("") == []


def test_words_of_the_file_stay_whole() -> None:
    values = {"tokens": ["don't", "@ann_lee", "20 000"], "tags": ["O", "B-PER", "O"]}
    assert moved("do don't @ann_lee 20 000", **values) == [
        ("do", "O"), ("don't", "O"), ("@ann_lee", "B-PER"), ("20 000", "O"),
    ]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(["Anna", "saw", "20 000", "x-y", "\u5317"]), min_size=1, max_size=8),
    st.lists(st.sampled_from([("O", 1), ("PER", 1), ("PER", 2), ("LOC", 3)]), min_size=8, max_size=8),
    st.lists(st.sampled_from(["Anna", "saw", "20", "000", "x", "y", "\u5317", "."]), max_size=10),
)
def test_moved_tags_are_legal(tokens: list[str], parts: list[tuple[str, int]], other: list[str]) -> None:
    tags = [
        tag
        for kind, number in parts
        for tag in (["O"] if kind == "O" else [f"B-{kind}", *[f"I-{kind}"] * (number - 1)])
    ][: len(tokens)]
    changed = task().with_texts(read(tokens=tokens, tags=tags), [" ".join(other)])
    assert changed.tags is not None
    assert len(changed.tags) == len(changed.words)
    assert illegal(changed.tags) == []


def test_a_tag_out_of_order_stays_so_where_its_words_stay() -> None:
    tags = ["I-PER", "I-PER", "O", "I-LOC", "O"]
    example = read(tags=tags)
    assert task().with_texts(example, [example.text]) is example
    changed = task().with_texts(example, ["Anna Lee saw Oslo . indeed"])
    assert changed.tags == (*tags, "O")
    assert (changed.illegal, changed.widened) == ((), ())


def test_plain_tags_go_on_over_new_words() -> None:
    example = read("plain", tags=["a", "b", "c", "d", "e"])
    changed = task("plain").with_texts(example, ["so Anna Lee often saw Oslo ."])
    assert changed.tags == ("a", "a", "b", "b", "c", "d", "e")
    bare = task().read(Row({"text": "Oslo"}, Origin("lines.txt", 1)), labelled=False)
    assert task().with_texts(bare, ["Rye !"]).tags is None
