"""A run's folder on the disk: whole files, a lock, a manifest that is understood or refused."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import ConfigError, ModelError, ResourceError
from tunewell.run_dir import (
    CLEARING,
    FINISHED,
    RUNNING,
    SCHEMA,
    RunDir,
    find_runs,
    read_json,
    write_json,
    write_text,
)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    (tmp_path / "run").mkdir()
    return RunDir(tmp_path / "run")


def test_text_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old 🎬\n")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, name, full)
            with pytest.raises(ResourceError, match="No space left") as caught:
                write_text(path, "new")
        assert caught.value.where == str(path)
        assert path.read_text(encoding="utf-8") == "old 🎬\n"
        assert list(tmp_path.iterdir()) == [path], "nothing lies around"
    for name in ("fsync", "unlink"):
        monkeypatch.setattr(os, name, full)
    with pytest.raises(ResourceError, match="No space left"):
        write_text(path, "new")
    monkeypatch.undo()
    write_text(path, "new")
    assert path.read_text() == "new"


def test_json_keeps_every_script_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"text": "电影 🎬", "value": 0.1})
    assert "电影 🎬" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"text": "电影 🎬", "value": 0.1}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"a": 1} b'])
def test_json_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_json(tmp_path / "a.json")
    assert caught.value.where == str(tmp_path / "a.json")
    with pytest.raises(ModelError, match="No such file"):
        read_json(tmp_path / "absent.json")


def test_a_lock_holds_while_its_owner_does(run: RunDir) -> None:
    with run.locked():
        with (
            pytest.raises(ResourceError, match=f"in use by process {os.getpid()} on ") as caught,
            run.locked(),
        ):
            pass
        assert caught.value.exit_code == 5
    with run.locked():
        pass


def test_a_lock_file_without_an_owner_bars_nobody(run: RunDir) -> None:
    (run.path / ".lock").write_text("process 1 on elsewhere\n")
    with run.locked():
        assert (run.path / ".lock").read_text().startswith(f"process {os.getpid()} on ")


def test_a_place_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ResourceError, match="cannot be used") as caught, RunDir(path).locked():
            pass
        assert caught.value.where == str(path)


def test_manifest_entries_are_laid_over_what_is_there(run: RunDir) -> None:
    run.update_manifest(status=RUNNING, identity={"a": 1})
    run.update_manifest(status=FINISHED)
    assert run.read_manifest() == {"schema": SCHEMA, "status": FINISHED, "identity": {"a": 1}}


@pytest.mark.parametrize("manifest", [[], {}, {"schema": "1"}, None])
def test_what_is_no_manifest_is_refused(run: RunDir, manifest: Any) -> None:
    run.manifest.write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="manifest"):
        run.read_manifest()


def test_a_newer_manifest_is_refused(run: RunDir) -> None:
    write_json(run.manifest, {"schema": SCHEMA + 1, "status": FINISHED})
    for door in (RunDir.existing, RunDir.finished):
        with pytest.raises(ModelError, match="newer version"):
            door(run.path)


def test_finished_and_existing(run: RunDir, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no run folder"):
        RunDir.existing(run.path)
    with pytest.raises(ModelError, match="no such folder"):
        RunDir.existing(tmp_path / "absent")
    run.update_manifest(status=RUNNING)
    assert RunDir.existing(run.path).path == run.path
    with pytest.raises(ModelError, match="not finished"):
        RunDir.finished(run.path)
    run.update_manifest(status=FINISHED)
    assert RunDir.finished(run.path).path == run.path


def test_clearing_takes_what_is_ours_and_nothing_else(run: RunDir) -> None:
    run.update_manifest(status=FINISHED)
    for path in vars(run).values():
        if not path.exists():
            path.mkdir() if "." not in path.name else path.write_text("x")
    (run.model / "config.json").write_text("{}")
    (run.path / "notes.txt").write_text("mine")
    run.clear()
    assert [path.name for path in run.path.iterdir()] == ["notes.txt"]


def test_what_cannot_be_cleared_is_named(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the manifest goes on saying that clearing has begun."""
    run.update_manifest(status=FINISHED)
    run.scores.write_text("{}")

    def refused(path: Any, **_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "unlink", refused)
    with pytest.raises(ResourceError, match="Permission denied") as caught:
        run.clear()
    assert str(run.path) in (caught.value.where or "")
    assert run.read_manifest()["status"] == CLEARING


def test_an_unused_folder(run: RunDir) -> None:
    run.check_unused()
    (run.path / ".lock").write_text("")
    (run.path / "folds").mkdir()
    run.check_unused()
    for name in ("config.yaml", "model"):
        (run.path / name).write_text("mine")
        with pytest.raises(ConfigError, match=name):
            run.check_unused()


def test_runs_are_found_newest_first(tmp_path: Path) -> None:
    assert find_runs(tmp_path / "absent") == []
    for age, name in enumerate(("new", "middle", "old")):
        (tmp_path / name).mkdir()
        RunDir(tmp_path / name).update_manifest(status=FINISHED)
        os.utime(tmp_path / name / "manifest.json", (1000 - age, 1000 - age))
    (tmp_path / "no run").mkdir()
    assert [run.path.name for run in find_runs(tmp_path)] == ["new", "middle", "old"]
