"""The copy and the memory: sensible, deterministic, one prediction per example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tunewell.baselines import translations
from tunewell.baselines.translations import CopySource, TranslationMemory
from tunewell.core.examples import Origin, TranslationExample

MEMORY = (
    ("the red house", "das rote Haus"),
    ("a small dog sleeps", "ein kleiner Hund schläft"),
    ("the train is late", "der Zug hat Verspätung"),
    ("good morning", "guten Morgen"),
)


def examples(pairs: Sequence[tuple[str, str | None]]) -> list[TranslationExample]:
    return [
        TranslationExample(str(line), Origin("t.tsv", line), source, target)
        for line, (source, target) in enumerate(pairs, 1)
    ]


def answers(baseline: Any, memory: Sequence[tuple[str, str | None]], sources: Sequence[str]) -> list[str]:
    asked = examples([(source, None) for source in sources])
    baseline.fit(examples(memory))
    predictions = baseline.predict(asked)
    assert [prediction.example_id for prediction in predictions] == [example.id for example in asked]
    assert all(prediction.gold_loss is None for prediction in predictions)
    assert not any(prediction.reached_limit for prediction in predictions)
    return [prediction.translation for prediction in predictions]


def test_the_copy_is_the_source_to_the_letter() -> None:
    sources = ["  Oslo,\n1999 ", "", "\u5317\u4eac"]
    assert answers(CopySource(), MEMORY, sources) == sources


def test_the_memory_gives_the_target_of_the_most_similar_source() -> None:
    asked = ["two small dogs were sleeping", "Good MORNING!", "our trains are late", "red houses"]
    wanted = [MEMORY[place][1] for place in (1, 3, 2, 0)]
    assert answers(TranslationMemory(), MEMORY, asked) == wanted


def test_the_memory_knows_what_it_has_seen() -> None:
    assert answers(TranslationMemory(), MEMORY, [source for source, _ in MEMORY]) == [t for _, t in MEMORY]


def test_the_memory_reads_a_script_without_blanks() -> None:
    memory = [("\u8fd9\u90e8\u7535\u5f71\u5f88\u597d", "film"), ("\u5929\u6c14\u5f88\u51b7", "weather")]
    asked = ["\u4eca\u5929\u5929\u6c14\u597d", "\u770b\u7535\u5f71"]
    assert answers(TranslationMemory(), memory, asked) == ["weather", "film"]


def test_the_first_of_equals_is_taken() -> None:
    memory = [("one text", "first"), ("one text", "second"), ("other words", "third")]
    assert answers(TranslationMemory(), memory, ["one text", "zzz", ""]) == ["first"] * 3


def test_a_source_without_a_target_is_not_remembered() -> None:
    assert answers(TranslationMemory(), [("same", None), ("else", "b")], ["same"]) == ["b"]


@pytest.mark.parametrize("num_at_once", [1, 3])
def test_how_many_are_compared_at_once_does_not_matter(
    num_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [source[2:] for source, _ in MEMORY] * 2
    wanted = answers(TranslationMemory(), MEMORY, asked)
    monkeypatch.setattr(translations, "_NUM_AT_ONCE", num_at_once)
    assert answers(TranslationMemory(), MEMORY, asked) == wanted
    assert answers(TranslationMemory(), MEMORY, []) == []
