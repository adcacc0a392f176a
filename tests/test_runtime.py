"""Devices, threads, seeds, and the flag that signals set."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
import torch

from tunewell.core.errors import ConfigError, Interrupted
from tunewell.runtime import Runtime, StopFlag, choose, physical_cores


def test_the_first_signal_sets_the_flag_and_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for number, preempted in ((signal.SIGINT, False), (signal.SIGTERM, True)):
        flag = StopFlag()
        assert not flag
        with flag.listening():
            signal.raise_signal(number)
            assert flag
        assert flag.preempted is preempted
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize(("number", "preempted"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_what_leaves_nothing_half_done_is_left_at_once(number: int, preempted: bool) -> None:
    flag = StopFlag()
    with flag.listening():
        with flag.at_once():
            pass
        with pytest.raises(Interrupted) as caught, flag.at_once():
            signal.raise_signal(number)
        assert caught.value.exit_code == (75 if preempted else 130)
        with pytest.raises(Interrupted), flag.at_once():
            pytest.fail("a signal that came before counts")
    flag = StopFlag()
    with flag.listening():
        with flag.at_once():
            pass
        signal.raise_signal(number)
        assert flag, "outside the block it is polled"


def test_handlers_are_put_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="inside"), StopFlag().listening():
        raise RuntimeError("inside")
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 75)])
def test_the_second_signal_leaves_at_once(number: str, code: int) -> None:
    """Without finally blocks and exit handlers, which could hang."""
    script = (
        "import atexit, signal\n"
        "from tunewell.runtime import StopFlag\n"
        "atexit.register(print, 'too late')\n"
        "with StopFlag().listening():\n"
        f"    signal.raise_signal(signal.SIGINT); signal.raise_signal(signal.{number})\n"
        "    print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_listening_in_another_thread_changes_nothing() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with StopFlag().listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_seeds_are_a_pure_function_of_the_position() -> None:
    def draw(*position: int) -> float:
        Runtime().seed(*position)
        return float(torch.rand(()))

    positions = [
        (seed, step, micro) for seed in (0, 1, 2**32 - 1) for step in (0, 1, 10**9) for micro in (0, 1)
    ]
    drawn = [draw(*position) for position in positions]
    assert [draw(*position) for position in reversed(positions)] == drawn[::-1]
    assert len(set(drawn)) == len(positions)


def test_seeds_are_the_same_on_every_machine() -> None:
    """Recorded; a change of this number changes every run's dropout and so every golden number."""
    Runtime().seed(1, 2, 3)
    assert torch.initial_seed() == 0x7D15C23243EE7051


def test_choose_the_processor() -> None:
    before = torch.get_num_threads()
    try:
        runtime = choose("cpu", "auto", threads=1)
        assert runtime.device == torch.device("cpu")
        assert not runtime.bfloat16
        assert torch.get_num_threads() == 1
        assert choose("cpu", "bfloat16", threads=1).bfloat16
        choose("cpu")
        assert torch.get_num_threads() == physical_cores()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("device", ["gpu", "cuda:77", "meta", "cpu:x", "mps:4"])
def test_devices_that_are_not_there(device: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose(device, threads=torch.get_num_threads())
    assert repr(device) in caught.value.what


def test_autocast_only_where_it_was_chosen() -> None:
    product = torch.ones(2, 2), torch.ones(2, 2)
    with Runtime().autocast():
        assert torch.mm(*product).dtype is torch.float32
    with Runtime(bfloat16=True).autocast():
        assert torch.mm(*product).dtype is torch.bfloat16


def test_physical_cores_are_at_most_those_this_process_may_use() -> None:
    assert 1 <= physical_cores() <= (os.cpu_count() or 1)
