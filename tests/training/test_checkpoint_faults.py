"""A full disk, and a SIGKILL, at every point of a save: the old checkpoint or the new one, never a part."""

from __future__ import annotations

import errno
import re
import runpy
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from safetensors import SafetensorError
from safetensors.torch import load_file

from tunewell.core.errors import ResourceError
from tunewell.training import checkpoint
from tunewell.training.checkpoint import Checkpoints, verify
from tunewell.training.loop import TrainState

SCRIPT = Path(__file__).with_name("saving.py")
SAVING = runpy.run_path(str(SCRIPT))
FAULTS = runpy.run_path(str(SCRIPT.parents[1] / "runs/processes.py"))["faults"]
NEWEST, BEST = SAVING["NUM_STEPS"], SAVING["BEST_STEP"]


@pytest.fixture(scope="module", params=[False, True], ids=["new step", "same step again"])
def before(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder as it is before the save, the bytes of the weights by step, and the number of disk operations."""
    folder = tmp_path_factory.mktemp("before")
    SAVING["prepare"](folder, request.param)
    done = shutil.copytree(folder, tmp_path_factory.mktemp("after") / "folder")
    with FAULTS([{"targets": SAVING["BOUNDARIES"], "call": 0}]) as counts:
        SAVING["save"](str(done), {"targets": [], "call": 0})
    weights = {
        int(path.parent.name[5:]): path.read_bytes()
        for each in (folder, done)
        for path in each.glob("step-*/model.safetensors")
    }
    return folder, weights, counts[0], request.param


def assert_old_or_new(folder: Path, weights: dict[int, bytes]) -> int:
    """The step that a reader finds, after any fault in the save of `NEWEST`; all that has a name is whole."""
    for path in folder.glob("step-*"):
        assert verify(path) is None, f"{path.name} is in its place and not whole"
    found = Checkpoints(folder).latest()
    assert found is not None
    assert found.warnings == ()
    assert found.state.step in (NEWEST - 1, NEWEST)
    assert (found.folder / "model.safetensors").read_bytes() == weights[found.state.step]
    assert load_file(found.folder / "optimizer.safetensors")
    Checkpoints(folder).at(BEST)
    left = {path.name for path in folder.iterdir() if not path.name.startswith("step-")}
    assert left == {"LATEST"}, "the reader has tidied up"
    return int(found.state.step)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PAUSE_SECONDS", 0)


def error_of_a_save(folder: Path, point: dict[str, Any]) -> ResourceError | None:
    try:
        SAVING["save"](str(folder), point)
    except ResourceError as error:
        return error
    return None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=errno.errorcode.get)
def test_disk_that_takes_nothing_any_more(tmp_path: Path, before: Any, code: int) -> None:
    """From each write, fsync and rename on: an error of its own kind, and nothing lost."""
    folder, weights, num_operations, again = before
    failed = 0
    for call in range(1, num_operations + 1):
        copy = shutil.copytree(folder, tmp_path / f"{call}")
        point = {"targets": SAVING["BOUNDARIES"], "call": call, "error": code, "lasting": True}
        error = error_of_a_save(copy, point)
        step = assert_old_or_new(copy, weights)
        assert step == NEWEST or error is not None or again
        if error is not None:
            failed += 1
            assert error.exit_code == 5
            assert f"step-{NEWEST:08d}" in (error.where or "")
            assert "earlier checkpoint is intact" in (error.fix or "")
            assert ("disk is full" in error.what) == (code == errno.ENOSPC)
            assert re.search(r"needs [\d,.]+ MB and [\d,.]+ MB is free", error.what)
    assert failed >= 15


def test_disk_that_fails_once_is_tried_again(tmp_path: Path, before: Any) -> None:
    folder, weights, num_operations, _ = before
    for call in range(1, num_operations + 1):
        copy = shutil.copytree(folder, tmp_path / f"{call}")
        point = {"targets": SAVING["BOUNDARIES"], "call": call, "error": errno.EIO}
        assert error_of_a_save(copy, point) is None
        assert assert_old_or_new(copy, weights) == NEWEST


def test_error_of_the_writer_itself(tmp_path: Path, before: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """safetensors has an exception of its own for a disk that is full."""
    copy = shutil.copytree(before[0], tmp_path / "copy")
    names = sorted(path.name for path in copy.iterdir())

    def full(tensors: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(ResourceError, match="No space left"):
        Checkpoints(copy).save(*SAVING["new_parts"](), TrainState(step=5))
    assert sorted(path.name for path in copy.iterdir()) == names


@pytest.mark.parametrize("when", ["before", "after", "torn"])
def test_killed_at_every_boundary(tmp_path: Path, processes: Any, before: Any, when: str) -> None:
    """SIGKILL at the n-th disk operation of a save, for each n until the save gets through."""
    folder, weights, num_operations, again = before
    targets = SAVING["BOUNDARIES"]
    if when == "torn":
        targets = [name for name in targets if "write" in name or "save_file" in name]
    found = []
    for call in range(1, num_operations + 2):
        copy = shutil.copytree(folder, tmp_path / f"{call}")
        point = {"targets": targets, "call": call, "when": when, "signals": [signal.SIGKILL]}
        code = processes.run(SCRIPT, "save", tmp_path / "log", folder=str(copy), point=point)
        assert code in (0, -signal.SIGKILL), (tmp_path / "log").read_text()
        found.append(assert_old_or_new(copy, weights))
        if code == 0:
            break
    assert code == 0
    assert len(found) == (6 if when == "torn" else num_operations + 1)
    assert again or found[0] == NEWEST - 1
    assert found == sorted(found), "once the new one is there, it stays"
