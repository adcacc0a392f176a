"""Errors say what, where and what to do; each kind has its exit code."""

from __future__ import annotations

import re

import pytest

from tunewell.core import errors
from tunewell.core.errors import (
    PROBLEMS_SHOWN,
    ConfigError,
    DataError,
    Interrupted,
    ModelError,
    NumericError,
    ResourceError,
    TunewellError,
    collected,
)

CODES = {
    TunewellError: 1,
    ConfigError: 2,
    DataError: 3,
    ModelError: 4,
    ResourceError: 5,
    NumericError: 6,
    Interrupted: 130,
}


def problem(number: int, fix: str | None = None) -> DataError:
    return DataError(f"fault {number}", where=f"f.csv:{number}", fix=fix)


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_each_kind_has_its_exit_code(kind: type[TunewellError], code: int) -> None:
    assert kind("x").exit_code == code
    assert issubclass(kind, TunewellError)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {
        name: int(code)
        for name, code in re.findall(r"(\w+(?:Error|Interrupted)|Interrupted) +(\d+)  ", errors.__doc__ or "")
    }
    assert drawn == {kind.__name__: code for kind, code in CODES.items()}


def test_a_preempted_run_is_told_apart_from_an_interrupted_one() -> None:
    assert Interrupted("x", preempted=True).exit_code == 75
    assert Interrupted("x").exit_code == Interrupted.exit_code == 130


def test_the_three_parts_of_a_message() -> None:
    assert str(DataError("what", where="f.csv:3", fix="do")) == "f.csv:3: what\n  fix: do"
    assert str(DataError("what")) == "what"
    error = DataError("what", where="w", fix="f")
    assert (error.what, error.where, error.fix, error.args) == ("what", "w", "f", ("what",))


def test_a_single_problem_stays_as_it_is() -> None:
    only = problem(1)
    assert collected([only], of="f.csv", fix="general") is only


def test_many_problems_are_listed_up_to_a_number_and_then_counted() -> None:
    lines = str(collected([problem(n) for n in range(1, 31)], of="f.csv")).splitlines()
    assert lines[0] == "30 problems in f.csv"
    assert lines[1] == "  f.csv:1: fault 1"
    assert lines[PROBLEMS_SHOWN] == "  f.csv:20: fault 20"
    assert lines[-1] == "  ... and 10 more"
    exact = [problem(n) for n in range(1, PROBLEMS_SHOWN + 1)]
    assert "more" not in str(collected(exact, of="f.csv"))


def test_what_was_meant_is_said_beside_each_problem() -> None:
    error = collected([problem(1, "did you mean 'a'?"), problem(2, "else")], of="f.csv", fix="mend them")
    assert "  f.csv:1: fault 1; did you mean 'a'?" in error.what.splitlines()
    assert "  f.csv:2: fault 2" in error.what.splitlines()
    assert error.fix == "mend them"
    assert collected([problem(1, "this"), problem(2, "that")], of="f").fix == "this"
    assert "  fault" in collected([DataError("fault"), problem(1)], of="f").what
