"""The files that `make setup` installs from: complete, pinned by hash, and tied to no machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-build.lock")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked(lock))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_no_path_and_no_build_of_torch(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host|file:|/home|/tmp", text)
    assert [name for name in locked(lock) if re.match(r"torch|triton|nvidia|cuda", name)] == []


def test_the_lock_holds_everything_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        asked += extra
    names = {normal(re.match(r"[A-Za-z0-9._-]+", requirement)[0]) for requirement in asked}  # type: ignore[index]
    assert names - {"torch", "tunewell"} <= locked("requirements.lock").keys()


def test_the_build_tools_are_a_part_of_the_lock() -> None:
    assert locked("requirements-build.lock").items() <= locked("requirements.lock").items()
    assert "setuptools" in locked("requirements-build.lock")


def test_torch_is_pinned_apart() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) == 1
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+", pins[0])
