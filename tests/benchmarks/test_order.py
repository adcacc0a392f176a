"""The Trainer's length-grouped batches in an order of which any stretch is a fair sample."""

from __future__ import annotations

import statistics

import pytest
import torch
from benchmarks.trainer import megabatch_size, spread_batches
from transformers.trainer_pt_utils import get_length_grouped_indices

LENGTHS = [1 + (index * 37) % 97 for index in range(1600)]
SIZE = 8


def grouped() -> list[int]:
    return get_length_grouped_indices(LENGTHS, SIZE, generator=torch.Generator().manual_seed(0))  # type: ignore[no-any-return]


def batches(indices: list[int]) -> list[tuple[int, ...]]:
    return [tuple(indices[place : place + SIZE]) for place in range(0, len(indices), SIZE)]


@pytest.mark.parametrize(("num_rows", "expected"), [(6400, 50), (100_000, 50), (96, 3), (16, 1)])
def test_a_megabatch_is_as_large_as_the_trainers(num_rows: int, expected: int) -> None:
    assert megabatch_size(num_rows, SIZE) == expected
    lengths = [LENGTHS[index % len(LENGTHS)] for index in range(num_rows)]
    order = get_length_grouped_indices(lengths, SIZE, generator=torch.Generator().manual_seed(0))
    stretch = [
        lengths[index] for index in order[1 : expected * SIZE]
    ]  # the very first may have been swapped in
    assert stretch == sorted(stretch, reverse=True)
    beyond = order[1 : (expected + 1) * SIZE]
    if len(beyond) > len(stretch):
        assert [lengths[index] for index in beyond] != sorted(
            (lengths[index] for index in beyond), reverse=True
        )


def test_the_batches_stay_and_each_megabatch_keeps_its_own() -> None:
    before, after = batches(grouped()), batches(spread_batches(grouped(), SIZE, 50))
    assert before != after
    for first in range(0, len(before), 50):
        assert sorted(before[first : first + 50]) == sorted(after[first : first + 50])


def test_every_stretch_of_ten_batches_costs_about_the_same() -> None:
    def padded(order: list[int]) -> list[float]:
        costs = [max(LENGTHS[index] for index in batch) for batch in batches(order)[:50]]
        return [statistics.fmean(costs[first : first + 10]) for first in range(0, 50, 10)]

    mean = statistics.fmean(padded(grouped()))
    assert max(padded(grouped())) > 1.5 * mean  # as the Trainer has it: long ones first
    assert all(0.85 * mean < cost < 1.15 * mean for cost in padded(spread_batches(grouped(), SIZE, 50)))
