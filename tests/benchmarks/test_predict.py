"""Prediction against a pipeline: answers are compared before times are."""

from __future__ import annotations

import pytest
from benchmarks.options import parser, wish
from benchmarks.predict import agreement, start
from benchmarks.predictors import Pipe
from benchmarks.session import opened

pytestmark = pytest.mark.timeout(900)  # a dozen processes that import torch; minutes on a busy machine


def test_a_pipeline_sorted_by_length_gives_our_answers(common: list[str]) -> None:
    with opened(wish(parser("predict", "").parse_args(common))) as session:
        answers = []
        for name, pipe in (("ours", None), ("pipe", Pipe(batch_size=4, sorted_by_length=True))):
            with start(session, pipe, name) as child:
                child.answer()
                found = child.ask("pass", tell=True)
                assert found["examples"] == 24
                answers.append(found["answers"])
                assert "answers" not in child.ask("pass")
    assert agreement(*answers, half=False)["problems"] == []
    assert len({probability for _, probability in answers[0]}) > 12  # the texts are told apart


def test_other_answers_are_told() -> None:
    ours = [("a", 0.9), ("b", 0.6)]
    assert agreement(ours, [("a", 0.90001), ("b", 0.6)], half=False)["problems"] == []
    assert "1 of 2 labels differ" in agreement(ours, [("a", 0.9), ("a", 0.7)], half=False)["problems"][0]
    assert "differs by" in agreement(ours, [("a", 0.91), ("b", 0.6)], half=False)["problems"][0]


def test_a_tie_may_stand_either_way_round() -> None:
    assert agreement([("a", 0.50001)], [("b", 0.50002)], half=False)["problems"] == []
