"""The data doctor: each fault is found and shown, and clean data gives no finding."""

from __future__ import annotations

import random

import pytest

from tunewell.core.examples import Origin, TextExample
from tunewell.data import checks
from tunewell.data.checks import Finding, examine, overlap_share
from tunewell.data.similarity import NEAR, near_pairs, normalised, sampling_rate, signatures


def examples(*pairs: tuple[str, object], file: str = "train.csv") -> list[TextExample]:
    return [
        TextExample(str(n), Origin(file, n + 2), texts=(text,), target=target)  # type: ignore[arg-type]
        for n, (text, target) in enumerate(pairs)
    ]


def clean(count: int, seed: int = 0, file: str = "train.csv") -> list[TextExample]:
    generator = random.Random(seed)
    pairs = [
        (" ".join(f"{generator.getrandbits(40):x}" for _ in range(8)), ("neg", "pos")[n % 2])
        for n in range(count)
    ]
    return examples(*pairs, file=file)


def found(code: str, train: list[TextExample], **others: list[TextExample]) -> Finding | None:
    findings = examine({"train": train, **others}, lambda example: example.texts[0])
    return next((finding for finding in findings if finding.code == code), None)


def test_clean_data_gives_nothing() -> None:
    splits = {"train": clean(200, 1), "validation": clean(50, 2), "test": clean(50, 3)}
    assert examine(splits, lambda example: example.texts[0], batch_size=32) == []


def test_duplicates_and_contradictions() -> None:
    train = clean(20) + examples(("the same", "pos"), ("the same", "pos"), ("The  Same", "neg"))
    duplicates = found("duplicates", train)
    assert duplicates is not None
    assert duplicates.message.startswith("train: 1 example ")
    assert "train.csv:3" in duplicates.examples[0]
    contradictions = found("contradictions", train)
    assert contradictions is not None
    assert contradictions.examples == ("train.csv:2 'the same': 'pos' on line 2, 'neg' on line 4",)


def test_overlap_exact_and_near() -> None:
    train = clean(50, 1)
    copied = train[3].texts[0]
    test = examples((f" {copied.upper()} ", "pos"), (copied + " x", "neg"), *((e.texts[0], "pos") for e in clean(8, 9)),
                    file="test.csv")  # fmt: skip
    exact, near = found("overlap", train, test=test), found("near-overlap", train, test=test)
    assert exact is not None
    assert near is not None
    assert exact.message.startswith("1 example of test (10.0%)")
    assert "test.csv:2" in exact.examples[0]
    assert exact.examples[0].endswith("train.csv:5")
    assert "test.csv:3" in near.examples[0]
    assert "train.csv:5" in near.examples[0]
    splits = {"train": train, "test": test}
    assert overlap_share(splits, lambda example: example.texts[0]) == {("train", "test"): 0.2}
    assert overlap_share(splits, lambda example: example.texts[0], near=False) == {("train", "test"): 0.1}


def test_too_many_texts_for_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MAX_TEXTS_FOR_NEAR", 30)
    assert found("near-overlap-skipped", clean(20, 1), test=clean(20, 2)) is not None


def test_odd_texts() -> None:
    train = clean(20) + examples(
        ("", "pos"), (" \u200b ", "pos"), ("a\u200bb", "neg"), ("left\u202eright", "pos"), ("lost \ufffd", "neg"),
        ("bell\x07", "pos"), ("family 👩\u200d👧 ok\n", "neg"),
    )  # fmt: skip
    blank = found("blank-text", train)
    assert blank is not None
    assert blank.message == "train: 2 blank texts"
    findings = examine({"train": train}, lambda example: example.texts[0])
    kinds = {finding.message.split(" of the kind ")[1] for finding in findings if "kind" in finding.message}
    assert kinds == {
        "U+FFFD (stands for bytes that were lost in a conversion), in 1 text",
        "direction mark, in 1 text",
        "zero-width or format character, in 2 texts",
        "control character, in 1 text",
    }
    lost = found("lost-characters", train)
    assert lost is not None
    assert "train.csv:6 at character 6" in lost.examples[0]


def test_label_faults() -> None:
    train = clean(20) + examples(("q", "Pos"), ("r", "neg "), ("s", "1"), ("t", "1.0"))
    findings = examine({"train": train, "test": clean(4, 5) + examples(("u", "new"))}, lambda e: e.texts[0])
    messages = {finding.code: finding.message for finding in reversed(findings)}
    assert any("'Pos' (1), 'pos' (12)" in finding.message for finding in findings)
    assert any("'neg' (12), 'neg ' (1)" in finding.message for finding in findings)
    assert "labels that are one number" in " ".join(finding.message for finding in findings)
    assert messages["label-absent-from-train"].endswith("'new' (1)")
    assert "'Pos' (1)" in messages["rare-label"]


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        (["a"] * 4, "one-class"),
        ([1.5] * 4, "one-class"),
        ([("a", "b")] * 4, "one-class"),
        (["a", "b", "", "a"], "empty-labels"),
        (["a", "b", "nan", "a"], "empty-labels"),
        ([1.0, 2.0, float("nan"), 3.0], "empty-labels"),
        (["a", 1, "b", 2], "mixed-label-types"),
    ],
)
def test_errors(targets: list[object], code: str) -> None:
    finding = found(code, examples(*((f"text {n}", target) for n, target in enumerate(targets))))
    assert finding is not None
    assert finding.severity == "error"


def test_no_error_where_there_is_none() -> None:
    for targets in ([("a",), ("a", "b"), (), ("a",)], [1.0, 2.0, 3.0, 3.0], [None] * 4, ["1", "2", "1", "2"]):
        train = examples(*((f"text {n}", target) for n, target in enumerate(targets)))
        assert [f for f in examine({"train": train}, lambda e: e.texts[0]) if f.severity == "error"] == []


def test_fewer_than_a_batch() -> None:
    findings = examine({"train": clean(10)}, lambda example: example.texts[0], batch_size=16)
    assert [finding.code for finding in findings] == ["fewer-than-a-batch"]
    assert findings[0].message.startswith("train: 10 examples, fewer than one batch of 16")


def jaccard(a: str, b: str) -> float:
    first, second = ({text[n : n + 5] for n in range(len(text) - 4)} for text in (a, b))
    return len(first & second) / len(first | second)


def test_near_pairs_against_brute_force() -> None:
    generator = random.Random(0)
    words = [f"{generator.getrandbits(24):x}" for _ in range(300)]
    first = list(dict.fromkeys(" ".join(generator.choices(words, k=30)) for _ in range(300)))
    second = []
    for text in first[:150]:
        parts = text.split()
        for _ in range(generator.randint(0, 3)):
            parts[generator.randrange(len(parts))] = generator.choice(words)
        second.append(" ".join(parts))
    pairs = near_pairs(first, signatures(first, 1), second, signatures(second, 1))
    expected = {b for b, text in enumerate(second) if any(jaccard(other, text) >= NEAR for other in first)}
    assert {pair.second for pair in pairs} <= expected
    assert len(pairs) >= 0.95 * len(expected) > 20
    assert all(
        pair.similarity == pytest.approx(jaccard(first[pair.first], second[pair.second])) for pair in pairs
    )


def test_similarity_of_odd_inputs() -> None:
    assert normalised("Ｆｕｌｌ  Straße\n\u00a0x") == "full strasse x"
    texts = ["", "a", "好", "\ud800", "long enough"]
    sketch = signatures(texts, sampling_rate(10))
    assert [pair[:2] for pair in near_pairs(texts, sketch, texts, sketch)] == [(n, n) for n in range(5)]
    assert near_pairs([], signatures([], 1), texts, sketch) == []
    assert sampling_rate(80_000_000) == 10
    assert signatures(texts, 7).shape == (5, 36)
