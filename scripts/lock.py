"""Writes `requirements.lock` and `requirements-build.lock`: every dependency, pinned by version and hash.

`python scripts/lock.py` keeps the versions that are locked already and changes only what `pyproject.toml`
asks for; `--upgrade` moves everything, `--upgrade NAME` only that. The hashes are those of all files of a
version, so one lock serves all platforms and all Pythons that we support; markers say what is needed where.

`requirements.lock` leaves out torch, pinned in `constraints.txt`, and the CUDA libraries that some builds
of torch pull in. `requirements-build.lock` is the part of it that must be there before a package which
comes as source only can be built without fetching unpinned build tools.

Not for installing: that is `make setup`. Needs a package index, and nothing outside the standard library.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BUILD_LOCK = ROOT / "requirements-build.lock"
BUILD_TOOLS = ("setuptools", "setuptools-scm")
OLDEST_PYTHON = "3.11"
RESOLVER = "uv==0.13.9"

# torch itself, and what only its CUDA builds need.
LEFT_OUT = re.compile(r"(torch|triton|pytorch-triton|(cuda|nvidia)-.*)$")
# Hosts and paths would tie the lock to one machine; pip takes them from the user's own settings.
FOREIGN = re.compile(r"://|^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b|file:")
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s\\;]+)")

HEADER = """\
# Written by scripts/lock.py (`make lock`); do not edit.
# {purpose}
# Install with: pip install --no-deps --require-hashes -r {name}
"""


def main() -> int:
    """Write both locks and say what changed."""
    parser = argparse.ArgumentParser(description="Pin every dependency by version and hash.")
    parser.add_argument(
        "--upgrade", nargs="*", metavar="NAME", help="move these packages, or all, to their newest versions"
    )
    upgrade = upgrade_options(parser.parse_args().upgrade)
    before = {path: pins(path) for path in (LOCK, BUILD_LOCK)}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        resolver = install_resolver(scratch)
        resolved = resolve(resolver, scratch, ["pyproject.toml", "--all-extras"], LOCK, upgrade)
        write(LOCK, resolved, "Everything that running, checking and testing needs, except torch.")
        tools = scratch / "build-tools.in"
        tools.write_text("\n".join(BUILD_TOOLS) + "\n", encoding="utf-8")
        # The main lock as constraints: a tool stands in both files with one version.
        options = [str(tools), "--constraints", LOCK.name, "--no-annotate"]
        resolved = resolve(resolver, scratch, options, BUILD_LOCK, upgrade)
        write(BUILD_LOCK, resolved, "The part of requirements.lock that other packages are built with.")
    for path, old in before.items():
        print_changes(path, old)
    return 0


def upgrade_options(names: list[str] | None) -> list[str]:
    """The resolver's options for `--upgrade` as given: absent (None), bare (empty) or with names."""
    if names is None:
        return []
    return [option for name in names for option in ("--upgrade-package", name)] or ["--upgrade"]


def install_resolver(scratch: Path) -> Path:
    """Install the resolver into a throw-away environment and return its path."""
    environment = scratch / "resolver"
    venv.create(environment, with_pip=True)
    binaries = environment / ("Scripts" if sys.platform == "win32" else "bin")
    command = [
        str(binaries / "python"),
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        RESOLVER,
    ]
    subprocess.run(command, check=True)
    return binaries / "uv"


def resolve(resolver: Path, scratch: Path, options: list[str], lock: Path, upgrade: list[str]) -> str:
    """The resolver's answer for all platforms; versions in `lock` are kept where they still fit."""
    output = scratch / lock.name
    if lock.exists():
        output.write_text(lock.read_text(encoding="utf-8"), encoding="utf-8")
    command = [str(resolver), "pip", "compile", *options, "--output-file", str(output), *upgrade]
    command += ["--universal", "--python-version", OLDEST_PYTHON, "--fork-strategy", "fewest"]
    command += ["--constraints", "constraints.txt", "--generate-hashes", "--no-header", "--quiet"]
    subprocess.run(command, check=True, cwd=ROOT)
    return output.read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    """Split a requirements file into its entries: the pin, its hashes and the comments below it."""
    return [block for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE) if PIN.match(block)]


def write(path: Path, resolved: str, purpose: str) -> None:
    """Write what is to be locked, after checking that the lock can be used by anybody."""
    kept = [block for block in blocks(resolved) if not LEFT_OUT.match(PIN.match(block)["name"])]  # type: ignore[index]
    for block in kept:
        for line in block.splitlines():
            if FOREIGN.search(line):
                sys.exit(
                    f"{path.name}: '{line.strip()}' names a host or a path\n  fix: scripts/lock.py must drop it"
                )
        if "--hash=sha256:" not in block:
            sys.exit(
                f"{path.name}: '{block.split()[0]}' has no hash\n  fix: ask an index that publishes hashes"
            )
    path.write_text(HEADER.format(purpose=purpose, name=path.name) + "".join(kept), encoding="utf-8")


def pins(path: Path) -> dict[str, str]:
    """Package name to locked version; empty when there is no lock yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return {match["name"]: match["version"] for block in blocks(text) if (match := PIN.match(block))}


def print_changes(path: Path, old: dict[str, str]) -> None:
    """Print one line for each package that came, went or moved."""
    new = pins(path)
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    print(f"{path.name}: {len(new)} packages, {len(changed)} changed")
    for name in changed:
        print(f"  {name}: {old.get(name, 'none')} -> {new.get(name, 'none')}")


if __name__ == "__main__":
    sys.exit(main())
