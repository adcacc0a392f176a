"""What the report shows of translations and of replies in conversations."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from sacrebleu import corpus_bleu, sentence_chrf

from tunewell.core.examples import (
    DialogueExample,
    Origin,
    ReplyPrediction,
    TranslationExample,
    TranslationPrediction,
    Turn,
)
from tunewell.core.sections import (
    Bars,
    Conversations,
    Facts,
    Rewrites,
    Section,
    Table,
    section_from_json,
)
from tunewell.report import render
from tunewell.tasks.showing.conversations import conversation_sections
from tunewell.tasks.showing.lists import TEXTS_SHOWN
from tunewell.tasks.showing.outputs import classes_of, odd_table, quote, unit_of
from tunewell.tasks.showing.written import ODDITIES, translation_sections

S = TypeVar("S", bound=Section)
PAIRS = (
    ("Das Haus ist groß und alt.", "The house is big and old.", "The house is big and old."),
    ("Sie liest heute Abend ein Buch.", "She reads a book tonight.", "She is reading a book this evening."),
    ("Guten Morgen allerseits.", "Good morning everyone.", ""),
    ("Der Zug fährt um acht Uhr ab.", "The train leaves at eight.", "Der Zug fährt um acht Uhr ab."),
    ("Wie heißt du denn?", "What is your name?", "Как тебя зовут?"),
    ("Wir gehen nach Hause.", "We are going home.", "home home home home home home home home home"),
)


def translated(
    rows: Sequence[tuple[str, str, str]], **known: Any
) -> tuple[list[TranslationExample], list[TranslationPrediction]]:
    examples = [
        TranslationExample(str(n), Origin("test.tsv", n), source, target)
        for n, (source, target, _) in enumerate(rows, start=1)
    ]
    predictions = [TranslationPrediction(str(n), row[2], **known) for n, row in enumerate(rows, start=1)]
    return examples, predictions


def shown(rows: Sequence[tuple[str, str, str]], **known: Any) -> list[Section]:
    return translation_sections(*translated(rows, **known), bleu_tokenizer="13a")


def the(kind: type[S], sections: Sequence[Section], title: str) -> S:
    (found,) = [part for part in sections if isinstance(part, kind) and part.title == title]
    return found


def test_odd_outputs_are_counted_quoted_and_listed() -> None:
    sections = shown(PAIRS)
    table = the(Table, sections, "Odd outputs")
    counts = {row[0]: row[1] for row in table.rows}
    assert list(counts) == list(ODDITIES)
    assert {name for name, count in counts.items() if count} >= {"repeats itself", "copies the source", "wrong script", "empty"}  # fmt: skip
    copied = next(row for row in table.rows if row[0] == "copies the source")
    assert copied[1:] == [1, pytest.approx(1 / 6), "Der Zug fährt um acht Uhr ab. [test.tsv:4]"]
    assert table.shows.startswith("4 of 6 outputs (66.7%) are odd in some way; most often: ")
    listed = the(Rewrites, sections, "Outputs that look odd").entries
    assert {entry.facts["origin"] for entry in listed} == {f"test.tsv:{n}" for n in (3, 4, 5, 6)}
    assert listed[0].facts["chrf2"] == 0


def test_reaching_the_limit_is_an_oddity() -> None:
    sections = shown(PAIRS[:1], reached_limit=True)
    assert (
        the(Rewrites, sections, "Outputs that look odd").entries[0].facts["oddities"] == "reached the limit"
    )
    assert "1 of 1 outputs (100.0%) is odd" in the(Table, sections, "Odd outputs").shows


def test_scores_by_length_are_those_of_sacrebleu() -> None:
    rows = [*PAIRS, *[(f"{a} {b}", f"{c} {d}", f"{e} {f}") for a, c, e in PAIRS for b, d, f in PAIRS[:2]]]
    table = the(Table, shown(rows), "Scores by length of the source")
    assert table.columns == ["words_in_the_source", "examples", "bleu", "chrf2"]
    assert sum(row[1] for row in table.rows) == len(rows)  # type: ignore[misc]
    assert [row[0] for row in table.rows] == ["1 to 5", "6 to 10", "11 to 20"]
    for name, few, most in (("1 to 5", 1, 5), ("6 to 10", 6, 10), ("11 to 20", 11, 20)):
        inside = [row for row in rows if few <= len(row[0].split()) <= most]
        gold = corpus_bleu([output for _, _, output in inside], [[target for _, target, _ in inside]])
        found = next(row for row in table.rows if row[0] == name)
        assert found[1:3] == [len(inside), pytest.approx(gold.score)]


def test_sources_without_blanks_are_measured_in_characters() -> None:
    rows = [("他住在北京，每天骑自行车上班。", "He lives in Beijing.", "He lives here.")] * 3
    table = the(Table, shown(rows), "Scores by length of the source")
    assert table.columns[0] == "characters_in_the_source"
    assert table.rows[0][0] == "11 to 20"
    assert unit_of(["ใครขายไก่ไข่", "เขาไปโรงเรียน"]) == "characters"
    assert unit_of(["a word", "学校"]) == "words"


def test_worst_and_best_are_ranked_by_sentence_chrf_and_share_no_output() -> None:
    sections = shown(PAIRS)
    worst, best = (the(Rewrites, sections, title).entries for title in ("Worst outputs", "Best outputs"))
    scores = [float(entry.facts["chrf2"]) for entry in (*worst, *best[::-1])]
    assert scores == sorted(scores)
    assert len(worst) == len(best) == 3
    for entry in (*worst, *best):
        assert entry.facts["chrf2"] == pytest.approx(sentence_chrf(entry.output, [entry.reference]).score, abs=0.051)  # fmt: skip
    assert best[0].output == best[0].reference
    assert the(Rewrites, sections, "Best outputs").shows.startswith("1 output of 6 is the reference")


def test_lengths_are_counted_against_the_reference() -> None:
    rows = [("a", "x" * 10, "x" * count) for count in (1, 6, 8, 10, 12, 15, 40)]
    bars = the(Bars, shown(rows), "Length of output against reference")
    assert list(bars.counts.values()) == [1] * 7
    assert bars.total == 7
    assert "1.31 times" in bars.shows


def test_the_loss_is_shown_only_where_it_is_known() -> None:
    known = the(Rewrites, shown(PAIRS, gold_loss=6.0, num_gold_tokens=3), "Best outputs").entries[0]
    assert known.facts["loss_per_token"] == 2
    assert "loss_per_token" not in the(Rewrites, shown(PAIRS), "Best outputs").entries[0].facts


def test_signatures_say_how_it_was_scored() -> None:
    facts = the(Facts, shown(PAIRS), "How the scores were made").facts
    assert "tok:13a" in facts["bleu"]
    assert "nc:6" in facts["chrf2"]
    assert "ter, moves" not in facts
    long = [(*PAIRS[0][:2], "word " * 20_000), *PAIRS[1:]]
    long[0] = (long[0][0], "other " * 500, long[0][2])
    facts = the(Facts, shown(long), "How the scores were made").facts
    assert facts["ter, moves"].startswith("not counted in 1 very long text")


def test_lists_are_cut_and_the_page_stays_small() -> None:
    rows = [
        (f"{source} {n}", f"{target} {n}", output) for n in range(834) for source, target, output in PAIRS
    ]
    sections = shown(rows[:5000])
    for section in sections:
        if isinstance(section, Rewrites):
            assert len(section.entries) == TEXTS_SHOWN
    assert "the first 200 are listed" in the(Rewrites, sections, "Outputs that look odd").shows
    assert len(render("t", "", sections).encode()) < 2_000_000


@pytest.mark.parametrize("rows", [PAIRS[:1], PAIRS, [("a", "", "")], [(" ", "x", "\u2028")]])
def test_any_translations_can_be_shown_and_read_again(rows: Sequence[tuple[str, str, str]]) -> None:
    sections = shown(rows, gold_loss=math.inf, num_gold_tokens=1)
    stored = json.loads(json.dumps([section.to_json() for section in sections], allow_nan=False))
    assert [section_from_json(part).title for part in stored] == [section.title for section in sections]
    assert all(section.note.endswith(".") for section in sections)
    assert render("t", "", [section_from_json(part) for part in stored]) == render("t", "", sections)


def test_classes_of_length_hold_every_text_once() -> None:
    lengths = [0, 1, 5, 6, 10, 11, 640, 641, 9999]
    classes = classes_of(lengths, "words")
    assert [name for name, _ in classes] == ["1 to 5", "6 to 10", "11 to 20", "321 to 640", "641 or more"]
    assert sorted(place for _, places in classes for place in places) == list(range(len(lengths)))
    assert classes_of([10, 11], "characters") == [("1 to 10", [0]), ("11 to 20", [1])]


def test_a_table_without_oddities_says_so() -> None:
    table = odd_table("replies", ["empty"], [[], []], ["a", "b"], "n.")
    assert table.rows == [["empty", 0, 0.0, None]]
    assert table.shows == "None of the 2 replies is odd in one of these ways."
    assert quote("word " * 50, "x:1").endswith("… [x:1]")


# Conversations


def talk(n: int, num_turns: int, reply: str | None = "gold reply") -> DialogueExample:
    turns = [Turn("assistant" if at % 2 else "user", f"turn {at}") for at in range(num_turns)]
    if reply is not None:
        turns.append(Turn("assistant", reply))
    return DialogueExample(str(n), Origin("test.jsonl", n), (Turn("system", "Be brief."), *turns))


def said(n: int, reply: str | None = "I don't know.", **known: Any) -> ReplyPrediction:
    return ReplyPrediction(str(n), reply, **known)


def ranked_run() -> tuple[list[DialogueExample], list[ReplyPrediction]]:
    examples = [talk(1, 1), talk(2, 3), talk(3, 3), talk(4, 21)]
    predictions = [
        said(1, gold_loss=4.0, num_gold_tokens=2, gold_rank=1, num_ranked=10),
        said(2, gold_loss=3.0, num_gold_tokens=3, gold_rank=4, num_ranked=10),
        said(3, "Something else.", gold_loss=9.0, num_gold_tokens=3, gold_rank=9, num_ranked=10),
        said(4, "", gold_loss=10.0, num_gold_tokens=2, gold_rank=1, num_ranked=10),
    ]
    return examples, predictions


def test_perplexity_by_turns_is_that_of_all_their_tokens() -> None:
    table = the(Table, conversation_sections(*ranked_run()), "Scores by number of turns before the reply")
    assert table.columns == ["turns", "conversations", "perplexity_per_token", "recall_at_1"]
    assert table.rows == [
        ["1", 1, pytest.approx(math.exp(2)), 1.0],
        ["2 to 3", 2, pytest.approx(math.exp(12 / 6)), 0.0],
        ["20 or more", 1, pytest.approx(math.exp(5)), 1.0],
    ]
    assert table.shows == f"Of all conversations together the perplexity is {math.exp(2.6):.3g} per token."


def test_ranks_are_counted_and_the_worst_and_best_listed() -> None:
    sections = conversation_sections(*ranked_run())
    bars = the(Bars, sections, "Where it ranks the gold reply")
    assert list(bars.counts.values()) == [2, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    assert bars.shows == "First in 2 of 4 conversations (50.0%); by chance it would be 10.0%."
    origins = {
        section.title: [str(entry.facts["origin"])[-1] for entry in section.entries]
        for section in sections
        if isinstance(section, Conversations)
    }
    assert origins == {
        "Replies that look odd": ["4"],
        "Gold replies ranked worst": ["3", "2"],
        "Gold replies ranked best": ["1", "4"],
        "Most surprising replies": ["4", "3", "1", "2"],
    }
    first = the(Conversations, sections, "Most surprising replies").entries[0]
    assert (first.reference, first.reply) == ("gold reply", "")
    assert [turn.role for turn in first.turns][:3] == ["system", "user", "assistant"]
    assert len(first.turns) == 22
    assert first.facts["perplexity_per_token"] == pytest.approx(math.exp(5))


def test_dull_replies_stand_out() -> None:
    table = the(Table, conversation_sections(*ranked_run()), "Most frequent replies")
    assert table.rows[0] == ["I don't know.", 2, 0.5, 0]
    assert ["(nothing)", 1, 0.25, 0] in [list(row) for row in table.rows]
    assert table.shows == (
        "3 different replies in 4 conversations; the data have 1. The most frequent is given to 50.0% of the "
        "conversations, in the data to 0.0%."
    )


def test_lengths_of_replies_are_compared_with_those_in_the_data() -> None:
    examples = [talk(n, 1, "one two three four five six") for n in (1, 2)]
    table = the(Table, conversation_sections(examples, [said(1, "one"), said(2, "a b c d e f g")]), "Lengths of the replies")  # fmt: skip
    assert [list(row) for row in table.rows] == [["1 to 5", 0.5, 0.0], ["6 to 10", 0.5, 1.0]]
    assert table.shows == "The model's replies have 4.0 words on average, those in the data 6.0."


def test_odd_replies_are_told_and_short_ones_are_none() -> None:
    examples = [talk(n, 1, "a reply of some words that goes on") for n in range(1, 6)]
    replies = ["turn 0", "", "no no no no no no no no no", "ok", "ok then"]
    predictions = [said(n, reply, reached_limit=n == 5) for n, reply in enumerate(replies, start=1)]
    sections = conversation_sections(examples, predictions)
    counts = {row[0]: row[1] for row in the(Table, sections, "Odd replies").rows}
    assert counts == {
        "repeats itself": 1, "repeats the turn before it": 1, "wrong script": 0, "reached the limit": 1, "empty": 1,
    }  # fmt: skip
    assert len(the(Conversations, sections, "Replies that look odd").entries) == 4


def test_what_nobody_asked_the_model_has_no_section() -> None:
    examples = [talk(1, 1), talk(2, 3)]
    written = [section.title for section in conversation_sections(examples, [said(1), said(2)])]
    assert "Where it ranks the gold reply" not in written
    assert "Most surprising replies" not in written
    silent = [said(n, None, gold_loss=1.0, num_gold_tokens=1) for n in (1, 2)]
    scored = [section.title for section in conversation_sections(examples, silent)]
    assert scored == ["Scores by number of turns before the reply", "Most surprising replies"]


@pytest.mark.parametrize("count", [1, 3, 700])
def test_any_conversations_can_be_shown_and_read_again(count: int) -> None:
    examples = [talk(n, 1 + 2 * (n % 15), None if n % 7 == 3 else f"reply {n}") for n in range(count)]
    predictions = [
        said(n, f"reply {n % 5}", gold_loss=math.inf if n == 2 else 1.0 + n, num_gold_tokens=4, gold_rank=1 + n % 3, num_ranked=3)
        for n in range(count)
    ]  # fmt: skip
    sections = conversation_sections(examples, predictions)
    stored = json.loads(json.dumps([section.to_json() for section in sections], allow_nan=False))
    again = [section_from_json(part) for part in stored]
    assert all(section.note.endswith(".") and section.shows for section in sections)
    assert render("t", "", again) == render("t", "", sections)
    for section in sections:
        if isinstance(section, Conversations):
            assert len(section.entries) <= TEXTS_SHOWN
