"""Where and how computation runs: device, number format, threads, random generators, requests to stop.

Training and prediction share it. Not for: what is computed.
"""

from __future__ import annotations

import hashlib
import os
import signal
import struct
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import torch

from tunewell.core.errors import ConfigError, Interrupted, ResourceError

_SHORTAGE_WORDS = (
    "DefaultCPUAllocator",  # the CPU's allocator raises a plain RuntimeError
    "out of memory",  # MPS, and CUDA outside of torch's own allocator
    "ALLOC_FAILED",  # cuBLAS and cuDNN
    "could not create a memory",  # oneDNN
    "std::bad_alloc",
)


class StopFlag:
    """Set by the first SIGINT or SIGTERM; long loops poll it and leave at the next safe point.

    What is computed and leaves nothing half done, scores above all, is left `at_once` instead.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._leaves_at_once = False

    def __bool__(self) -> bool:
        return self.signal is not None

    @property
    def preempted(self) -> bool:
        """Whether a scheduler asked (SIGTERM), who will start the run again, rather than a person."""
        return self.signal == signal.SIGTERM

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to both signals inside the block; the second one leaves at once.

        Does nothing outside the main thread, where Python allows no signal handlers.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside the block a signal that is listened to raises `Interrupted`, as one does that came before."""
        before, self._leaves_at_once = self._leaves_at_once, True
        try:
            self._leave_if_set()
            yield
            self._leave_if_set()  # what is inside may have caught it
        finally:
            self._leaves_at_once = before

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(75 if number == signal.SIGTERM else 130)
        self.signal = number
        if self._leaves_at_once:
            self._leave_if_set()

    def _leave_if_set(self) -> None:
        if self:
            raise Interrupted("stopped", preempted=self.preempted)


class Shortage:
    """Whether an allocation failed inside `Runtime.short_of_memory`."""

    def __init__(self) -> None:
        self.error: str | None = None

    def __bool__(self) -> bool:
        return self.error is not None


@dataclass(frozen=True)
class Runtime:
    """One process's device and number format; `rank` and `num_processes` count the processes of a run."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    bfloat16: bool = False
    rank: int = 0
    num_processes: int = 1
    stop: StopFlag = field(default_factory=StopFlag)

    def autocast(self) -> AbstractContextManager[object]:
        """bfloat16 autocast where it was chosen, nothing elsewhere."""
        if self.bfloat16:
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def seed(self, seed: int, step: int, micro_step: int) -> None:
        """Put the generators into a state that depends on nothing but the position in training."""
        key = struct.pack("<QQQQ", seed, step, micro_step, self.rank)
        torch.manual_seed(int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") >> 1)

    @contextmanager
    def short_of_memory(self) -> Iterator[Shortage]:
        """End the block quietly when an allocation fails in it, and note that."""
        shortage = Shortage()
        try:
            yield shortage
        except (MemoryError, RuntimeError) as error:
            if not is_memory_shortage(error):
                raise
            shortage.error = str(error)

    def release(self) -> None:
        """Give back what nobody holds any more; else the device's memory stays cut for larger pieces."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def total(self, value: float) -> float:
        """The sum of `value` over all processes."""
        return value  # one process; several have an issue of their own


@contextmanager
def memory_needed(doing: str) -> Iterator[None]:
    """Let a failed allocation inside the block leave it as a `ResourceError` that says what was being done."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_memory_shortage(error):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "an allocation failed"
        raise ResourceError(
            f"memory is too short for {doing}: {reason}",
            fix="free memory, choose a smaller model, or lower training.batch_size or evaluation.batch_tokens",
        ) from None


def is_memory_shortage(error: BaseException) -> bool:
    """Whether `error` says that memory, of the machine or of the device, could not be had."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and any(words in said for words in _SHORTAGE_WORDS)


def choose(device: str = "auto", precision: str = "auto", threads: int | None = None) -> Runtime:
    """The runtime that the settings ask for; `auto` takes CUDA where it is there.

    Sets the number of CPU threads of this process. Raises `ConfigError` for a device that is not there.
    """
    torch.set_num_threads(threads or physical_cores())
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ConfigError(
            f"training.device: {device!r} is no device", fix="use auto, cpu, cuda, cuda:1 or mps"
        ) from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(chosen.type, False):
        raise ConfigError(f"training.device: {device!r} is not available here", fix="use auto or cpu")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"training.device: {device!r}: there are {torch.cuda.device_count()} CUDA devices")
    bfloat16 = precision == "bfloat16" or (precision == "auto" and chosen.type == "cuda")
    return Runtime(device=chosen, bfloat16=bfloat16)


def physical_cores() -> int:
    """Cores this process may use, hyper-threads counted once where the system tells."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in usable:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text().strip())
        except OSError:
            cores.add(str(cpu))
    return max(len(cores), 1)
