"""Splits: disjoint, complete, stratified, grouped, seeded; the same on every machine."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Origin, TextExample
from tunewell.data.splits import folds, split


def examples(
    targets: list[object], texts: list[str] | None = None, groups: list[str | None] | None = None
) -> list[TextExample]:
    return [
        TextExample(
            str(n),
            Origin("t", n + 1),
            group_id=groups[n] if groups else None,
            texts=(texts[n] if texts else f"text {n}",),
            target=target,  # type: ignore[arg-type]
        )
        for n, target in enumerate(targets)
    ]


def test_stratified_to_the_example() -> None:
    found = examples(["a"] * 700 + ["b"] * 200 + ["c"] * 100)
    parts = split(found, seed=1)
    assert [len(part) for part in parts] == [800, 100, 100]
    for part, share in zip(parts, (0.8, 0.1, 0.1), strict=True):
        counts = Counter(found[index].target for index in part)
        for label, total in (("a", 700), ("b", 200), ("c", 100)):
            assert abs(counts[label] - share * total) <= 1
    assert all(part == sorted(part) for part in parts)


def test_recorded_order() -> None:
    """The same everywhere and for ever: a resumed run on another machine must find the same split."""
    parts = split(examples(["a", "b"] * 10), seed=42)
    assert parts == RECORDED
    assert split(examples(["a", "b"] * 10), seed=43) != parts


def test_the_order_of_the_file_does_not_matter() -> None:
    found = examples([random.Random(n).choice("abc") for n in range(200)])
    shuffled = random.Random(0).sample(found, len(found))
    one = [{found[index].id for index in part} for part in split(found, seed=3)]
    other = [{shuffled[index].id for index in part} for part in split(shuffled, seed=3)]
    assert one == other


def test_rare_labels_reach_every_part() -> None:
    found = examples([f"label {n // 3}" for n in range(60)] + ["common"] * 240)
    for part in split(found, seed=5):
        assert {found[index].target for index in part} == {f"label {n}" for n in range(20)} | {"common"}


def test_many_small_labels_keep_the_fractions() -> None:
    parts = split(examples([f"label {n % 150}" for n in range(1800)]), seed=5)
    assert [round(len(part) / 1800, 2) for part in parts] == [0.8, 0.1, 0.1]


def test_the_same_text_stays_on_one_side() -> None:
    texts = [f"Text {n % 40}" if n % 2 else f" text  {n % 40} " for n in range(120)]
    parts = split(examples(["a", "b"] * 60, texts), seed=1)
    sides = [{" ".join(texts[index].lower().split()) for index in part} for part in parts]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]


def test_groups_stay_on_one_side_and_chain_with_texts() -> None:
    groups = [f"g{n // 4}" for n in range(100)]
    texts = [f"text {n}" for n in range(100)]
    texts[0] = texts[99] = "shared"  # ties the first and the last conversation
    parts = split(examples([None] * 100, texts, list(groups)), seed=1)
    side = {index: place for place, part in enumerate(parts) for index in part}
    assert all(side[n] == side[n - n % 4] for n in range(100))
    assert side[0] == side[99]
    assert [len(part) for part in parts] == pytest.approx([80, 10, 10], abs=4)


def test_several_labels() -> None:
    generator = random.Random(0)
    targets: list[object] = [
        tuple(
            label for label, share in (("a", 0.5), ("b", 0.2), ("rare", 0.02)) if generator.random() < share
        )
        for _ in range(1000)
    ]
    for part, share in zip(split(examples(targets), seed=1), (0.8, 0.1, 0.1), strict=True):
        counts = Counter(label for index in part for label in targets[index])  # type: ignore[attr-defined]
        totals = Counter(label for target in targets for label in target)  # type: ignore[attr-defined]
        assert all(
            abs(counts[label] - share * totals[label]) <= max(4, 0.1 * totals[label]) for label in totals
        )


def test_numbers_are_spread_by_size() -> None:
    targets: list[object] = [float(n) for n in range(1000)]
    for part in split(examples(targets), seed=1):
        assert sum(part) / len(part) == pytest.approx(500, abs=50)


def test_carving_one_part() -> None:
    train, validation = split(examples(["a", "b"] * 100), fractions=(0.9, 0.1), seed=1)
    assert (len(train), len(validation)) == (180, 20)


def test_folds() -> None:
    found = examples(["a"] * 60 + ["b"] * 43)
    parts = folds(found, 5, seed=1)
    assert sorted(index for part in parts for index in part) == list(range(103))
    assert max(map(len, parts)) - min(map(len, parts)) <= 2
    assert all(abs(Counter(found[index].target for index in part)["a"] - 12) <= 1 for part in parts)


def test_faults() -> None:
    with pytest.raises(DataError, match="2 examples in 2 groups"):
        split(examples(["a", "b"]), seed=1)
    with pytest.raises(DataError, match="in 1 group "):
        split(examples(["a"] * 10, ["same"] * 10), seed=1)
    with pytest.raises(ConfigError, match="add up to 1"):
        split(examples(["a"] * 10), fractions=(0.8, 0.1), seed=1)
    with pytest.raises(ConfigError, match="at least 2 folds"):
        folds(examples(["a"] * 10), 1, seed=1)
    assert [len(part) for part in split(examples(["a", "b", "c"]), seed=1)] == [1, 1, 1]


RECORDED = ([0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 18, 19], [1, 14], [2, 17])

TARGETS = st.sampled_from(["a", "b", "c", None, 1.5, 2.5, ("a",), ("a", "b"), (), float("nan")])


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(
    st.lists(st.tuples(TARGETS, st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=60),
    st.integers(2, 5),
)
def test_any_examples(drawn: list[tuple[object, int, int]], k: int) -> None:
    texts = [f"text {text}" for _, text, _ in drawn]
    groups = [f"g{group}" if group < 6 else None for _, _, group in drawn]
    found = examples([target for target, _, _ in drawn], texts, groups)
    try:
        parts = folds(found, k, seed=7)
    except DataError:
        return
    assert sorted(index for part in parts for index in part) == list(range(len(found)))
    assert all(parts)
    for ties in (texts, groups):
        sides: dict[str, int] = {}
        for place, part in enumerate(parts):
            for index in part:
                tie = ties[index]
                assert tie is None or sides.setdefault(tie, place) == place
