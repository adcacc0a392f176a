"""The rules of the house that a machine can check: imports, file sizes, docstrings, who prints."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "tunewell"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, WISHED_LINES = 400, 300


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_imports_go_downwards_only() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(tree_of(path))
    assert docstring


def test_no_file_is_too_long() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    longer = {name: count for name, count in lengths.items() if count > WISHED_LINES}
    if longer:
        warnings.warn(f"files of more than {WISHED_LINES} lines: {longer}", stacklevel=1)
    assert [name for name, count in lengths.items() if count > MOST_LINES] == []


def test_only_the_command_line_prints() -> None:
    printing = {
        name_of(path)
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert {name for name in printing if not name.startswith("cli/")} == set()


def test_no_room_for_odds_and_ends() -> None:
    forbidden = re.compile(r"(^|_)(utils?|common|helpers?|misc|legacy|manager|handler)(_|$)")
    assert [
        name_of(path)
        for path in MODULES
        if any(forbidden.search(part) for part in path.with_suffix("").parts)
    ] == []


def test_no_bare_except() -> None:
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), name_of(path)


UNDOCUMENTED = {"testing/subject.py: build_subject"}
"""To be emptied by those who work there."""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_names_are_documented(path: Path) -> None:
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            name = f"{name_of(path)}: {node.name}"
            assert ast.get_docstring(node) or name in UNDOCUMENTED, name
