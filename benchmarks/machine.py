"""What a measurement was made on and with: hardware, versions, hashes. Printed with every table."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from benchmarks.processes import ROOT
from benchmarks.recipe import Json
from tunewell.runtime import physical_cores

_PACKAGES = ("tunewell", "torch", "transformers", "accelerate", "datasets", "tokenizers", "numpy")


def describe(device: str) -> Json:
    """Hardware, versions, and the state of this source tree."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "processor": _processor(),
        "cores": physical_cores(),
        "accelerator": torch.cuda.get_device_name() if device.startswith("cuda") else None,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "source_sha256": _tree_hash(),
        "load_average": load(),
    }


def load() -> float | None:
    """How many processes wanted a core in the last minute; beyond our own, others were at work."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def hashes(paths: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of files by name."""
    return {name: file_hash(path) for name, path in paths.items()}


def file_hash(path: Path) -> str:
    """SHA-256 of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tree_hash() -> str:
    """Of every Python file of the package and of the benchmarks."""
    digest = hashlib.sha256()
    for folder in ("src/tunewell", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
