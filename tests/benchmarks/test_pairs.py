"""The statistics, on made-up timings."""

from __future__ import annotations

import itertools

import pytest
from benchmarks.pairs import NUM_PAIRS, Pair, interleave, kept, median_interval, quartiles


def segment(seconds: float, examples: int = 100, tokens: int = 2000) -> dict[str, float]:
    return {"seconds": seconds, "examples": examples, "tokens": tokens}


def test_the_order_turns_round_from_pair_to_pair() -> None:
    ran: list[str] = []

    def runner(name: str) -> dict[str, float]:
        ran.append(name)
        return segment(1.0)

    pairs = interleave(4, lambda: runner("A"), lambda: runner("B"))
    assert "".join(ran) == "ABBAABBA"
    assert [pair.ours_first for pair in pairs] == [True, False, True, False]


def test_each_segment_is_booked_to_who_ran_it() -> None:
    own, other = iter([1.0, 2.0]), iter([10.0, 20.0])
    pairs = interleave(2, lambda: segment(next(own)), lambda: segment(next(other)))
    assert [(pair.ours["seconds"], pair.theirs["seconds"]) for pair in pairs] == [(1.0, 10.0), (2.0, 20.0)]


def test_the_first_pair_is_thrown_away() -> None:
    pairs = [Pair(True, segment(seconds), segment(2.0)) for seconds in (100.0, 1.0, 1.0)]
    assert [pair.ratio("examples") for pair in kept(pairs)] == [2.0, 2.0]


def test_the_only_pair_of_a_smoke_run_stays() -> None:
    assert len(kept([Pair(True, segment(1.0), segment(1.0))])) == 1


@pytest.mark.parametrize("step", [0.01, -0.01])
def test_a_steady_drift_favours_nobody(step: float) -> None:
    def median(num_pairs: int) -> float:
        drift = itertools.count(1.0, step)

        def run() -> dict[str, float]:
            return segment(next(drift))

        pairs = kept(interleave(num_pairs, run, run))
        return median_interval([pair.ratio("examples") for pair in pairs]).median

    assert NUM_PAIRS == 7
    assert median(NUM_PAIRS) == pytest.approx(1.0, abs=1e-3)
    assert median(5) == pytest.approx(1.0, abs=1e-3)
    assert abs(median(6) - 1) > 5e-3  # five kept: one order has the majority


def test_six_kept_pairs_cover_96_9_percent() -> None:
    assert median_interval([1.0] * (NUM_PAIRS - 1)).coverage == pytest.approx(0.969, abs=5e-4)


def test_a_ratio_compares_rates_not_times() -> None:
    pair = Pair(True, segment(2.0, examples=300, tokens=4000), segment(1.0, examples=100, tokens=1000))
    assert pair.ratio("examples") == 1.5
    assert pair.ratio("tokens") == 2.0


@pytest.mark.parametrize(
    ("count", "low", "high", "coverage"),
    [
        (5, 0, 4, 0.9375),  # 1 - 2/32: five values reach no 95%
        (6, 0, 5, 0.96875),
        (8, 0, 7, 0.9921875),  # leaving one out at each end would hold 93.0%
        (9, 1, 7, 0.9609375),  # 1 - 2 * (1 + 9) / 512
        (1, 0, 0, 0.0),
    ],
)
def test_an_interval_of_order_statistics(count: int, low: int, high: int, coverage: float) -> None:
    values = [float(value) for value in range(count)]
    found = median_interval(values[::-1])
    assert (found.low, found.high) == (low, high)
    assert found.coverage == pytest.approx(coverage)
    assert found.median == (count - 1) / 2


def test_quartiles_of_one_value_and_of_several() -> None:
    assert quartiles([3.0]) == (3.0, 3.0, 3.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)
