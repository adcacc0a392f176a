"""Rows 16, 18 and 19 of the fault table from end to end: labels, texts that stand twice, too few rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("a b,Good\n", "differ only in case or blanks: 'Good' (1), 'good' (24)"),
        ("a b,good \n", "differ only in case or blanks: 'good' (24), 'good ' (1)"),
        ("a b,1\nc d,2\n", "labels mix numbers and words: '1' (1), '2' (1)"),
        ("a b,1\nc d,01\n", "one number written in several ways: '01' (1), '1' (1)"),
    ],
)
def test_row_16_suspicious_labels_are_warned_of_and_kept(
    check: Command, table: str, more: str, said: str
) -> None:
    outcome = check("t.csv", table + more)
    assert outcome.code == 0
    assert f"warning: {'labels that are ' if said.startswith('one') else ''}" in outcome.err
    assert said in outcome.err


@pytest.mark.parametrize("label", ["nan", "NaN", " "])
def test_row_16_no_label_at_all(check: Command, table: str, label: str) -> None:
    outcome = check("t.csv", f"{table}a b,{label}\n")
    assert outcome.code == 3
    assert "t.csv:50" in outcome.err


def test_row_16_one_class(check: Command, table: str) -> None:
    outcome = check("t.csv", table.replace(",bad", ",good"))
    assert outcome.code == 3
    assert "every label is 'good': there is nothing to learn" in outcome.err


def test_row_16_a_label_that_training_lacks(check: Command, table: str, work: Path) -> None:
    (work / "test.csv").write_text("text,label\na b c,ugly\nd e f,good\n")
    outcome = check("t.csv", table, "--test", "test.csv")
    assert outcome.code == 0
    assert "warning: test: labels that no training example has: 'ugly' (1)" in outcome.err
    assert "test.csv:2" in outcome.err
    declared = check("t.csv", table, "--test", "test.csv", "--set", "task.labels=[good, bad]")
    assert declared.code == 3
    assert "test.csv:2: label 'ugly' is not one of the 2 known labels" in declared.err


def test_row_18_duplicates_are_counted_and_shown(check: Command, table: str) -> None:
    again = "".join(table.splitlines(keepends=True)[1:11])
    outcome = check("t.csv", table + again)
    assert outcome.code == 0
    assert "warning: train: " in outcome.err
    assert "repeat the text of an earlier one" in outcome.err
    assert " = line " in outcome.err


@pytest.mark.parametrize("kind", ["exact", "near"])
def test_row_18_overlap_is_counted_shown_and_refused_above_a_share(
    check: Command, table: str, work: Path, kind: str
) -> None:
    long = "the old house at the end of the long street was sold to a family of seven last winter"
    other = long if kind == "exact" else long.replace("winter", "winters")
    (work / "test.csv").write_text(f"text,label\n{other},good\nsomething else entirely here,bad\n")
    (work / "dev.csv").write_text("text,label\nof another kind,good\nnot like the rest,bad\n")
    content, given = f"{table}{long},good\n", ["--validation", "dev.csv", "--test", "test.csv"]
    outcome = check("t.csv", content, *given)
    assert outcome.code == 0
    assert "warning: 1 " in outcome.err
    assert "of test (50.0%)" in outcome.err
    assert "test.csv:2" in outcome.err
    assert "t.csv:50" in outcome.err
    refused = check("t.csv", content, *given, "--set", "data.max_overlap_share=0.4")
    assert refused.code == 3
    for part in ("50.0% of the test texts", "allowed: 40.0%", "test.csv:2", "t.csv:50", "fix:"):
        assert part in refused.err
    assert check("t.csv", content, *given, "--set", "data.max_overlap_share=0.5").code == 0


def test_row_19_nothing_left_after_filtering(check: Command) -> None:
    outcome = check("t.csv", "text,label\n ,good\n ,bad\n", "--set", "data.on_bad_row=drop")
    assert outcome.code == 3
    assert "t.csv: no row is left to use: all 2 were dropped" in outcome.err
    assert "t.csv:2" in outcome.err


def test_row_19_fewer_rows_than_a_batch(check: Command, table: str) -> None:
    outcome = check("t.csv", table, "--set", "training.batch_size=39")
    assert outcome.code == 3
    assert "38 examples, fewer than one batch of 39" in outcome.err
    assert "--set training.batch_size=16" in outcome.err
    assert check("t.csv", table, "--set", "training.batch_size=38").code == 0


@pytest.mark.parametrize("option", ["--validation", "--test"])
def test_row_19_a_split_without_rows(check: Command, table: str, work: Path, option: str) -> None:
    (work / "empty.csv").write_text("text,label\n")
    outcome = check("t.csv", table, option, "empty.csv")
    assert outcome.code == 3
    assert "empty.csv" in outcome.err


def test_row_19_too_few_rows_to_split(check: Command, table: str) -> None:
    outcome = check("t.csv", "".join(table.splitlines(keepends=True)[:3]))
    assert outcome.code == 3
    assert "cannot be split into 3 parts" in outcome.err
    assert "fix:" in outcome.err
