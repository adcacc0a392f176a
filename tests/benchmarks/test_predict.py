"""Prediction against a pipeline: answers are compared before times are."""

from __future__ import annotations

import pytest
from benchmarks.options import parser, wish
from benchmarks.predict import agreement, start
from benchmarks.predictors import Pipe
from benchmarks.session import opened

NAN = float("nan")

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
    assert len({max(own.values()) for _, own in answers[0]}) > 12  # the texts are told apart
    assert all(sum(own.values()) == pytest.approx(1, abs=1e-5) for side in answers for _, own in side)


Answer = tuple[str, dict[str, float]]


def answer(label: str, **probabilities: float) -> Answer:
    return label, probabilities


def test_other_answers_are_told() -> None:
    ours = [answer("a", a=0.9, b=0.1), answer("b", a=0.4, b=0.6)]

    def problems(*theirs: Answer) -> list[str]:
        found: list[str] = agreement(ours, theirs, half=False)["problems"]
        return found

    assert problems(answer("a", a=0.90001, b=0.09999), ours[1]) == []
    assert "1 of 2 labels differ" in problems(ours[0], answer("a", a=0.7, b=0.3))[0]
    assert "differs by" in problems(answer("a", a=0.91, b=0.09), ours[1])[0]
    assert "other labels" in problems(answer("a", a=0.9, c=0.1), ours[1])[0]
    assert "other labels" in problems(answer("c", a=0.9, b=0.1), ours[1])[0]


def test_swapped_labels_are_told() -> None:
    ours = [answer("a", a=0.9, b=0.1)]
    [labels, probability] = agreement(ours, [answer("b", a=0.1, b=0.9)], half=False)["problems"]
    assert labels == "1 of 1 labels differ"
    assert "differs by 8.0e-01" in probability
    # the same probabilities, and yet the other label: on either side
    assert agreement(ours, [answer("b", a=0.9, b=0.1)], half=False)["problems"] == [labels]
    assert agreement([answer("b", a=0.9, b=0.1)], ours, half=False)["problems"] == [labels]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (answer("a", a=0.9, b=0.1), answer("a", a=NAN, b=NAN)),
        (answer("a", a=NAN, b=NAN), answer("a", a=0.9, b=0.1)),
        (answer("a", a=NAN, b=NAN), answer("b", a=NAN, b=NAN)),
        (answer("a", a=0.9, b=NAN), answer("a", a=0.9, b=0.1)),
    ],
)
def test_what_is_not_a_number_is_told(ours: Answer, theirs: Answer, half: bool) -> None:
    good = answer("a", a=0.9, b=0.1)
    for own, their in (([ours], [theirs]), ([ours, good], [theirs, good])):  # whatever comes after it
        assert any("differs by inf" in told for told in agreement(own, their, half)["problems"])


def test_a_tie_may_stand_either_way_round() -> None:
    found = agreement([answer("a", a=0.50001, b=0.49999)], [answer("b", a=0.49999, b=0.50001)], half=False)
    assert found["problems"] == []
    assert found["num_ties"] == 1
    near = agreement([answer("a", a=0.501, b=0.499)], [answer("b", a=0.501, b=0.499)], half=False)
    assert near["problems"] == ["1 of 1 labels differ"]
