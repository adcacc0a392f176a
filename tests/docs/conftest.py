"""What the tests of the pages share: a working folder as the pages take for granted, and the built site."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    "task.max_length_tokens": 16,
    "training.batch_size": 16,
    "training.threads": 1,
    "evaluation.resamples": 200,
    "evaluation.rank_resamples": 100,
}
"""Settings that make a run one of a second or two; what a page sets itself goes before."""

_FENCE = re.compile(
    r"^(?P<mark>```+|~~~+)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=mark)\s*$", re.DOTALL | re.MULTILINE
)
_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `line` is that of its fence."""

    language: str
    title: str
    body: str
    line: int


def page_files() -> list[Path]:
    """Every page that people write or read: the root's and those of docs."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="session")
def pages() -> list[Path]:
    return page_files()


@pytest.fixture(scope="session")
def blocks_of() -> Any:
    """The blocks of a page."""

    def blocks(path: Path) -> list[Block]:
        text = path.read_text(encoding="utf-8")
        found = []
        for match in _FENCE.finditer(text):
            title = _TITLE.search(match["info"])
            language = match["info"].strip().partition(" ")[0]
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(language, title[1] if title else "", match["body"], line))
        return found

    return blocks


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the pages, a tiny model named as the pages name models, and a finished run.

    A folder called `minilm` in the working folder goes before the model pack of that name, so the pages' commands
    need no change.
    """
    from tunewell.config import load_config
    from tunewell.runs import fit
    from tunewell.tasks import task_config
    from tunewell.testing import tiny_model

    folder = tmp_path_factory.mktemp("furnished")
    files = runpy.run_path(str(Path(__file__).with_name("files.py")))
    files["write_files"](folder)
    texts = (folder / "reviews.csv").read_text(encoding="utf-8").splitlines()
    tiny_model(folder / "minilm", "bert", texts, max_length_tokens=32)
    named = (
        "my-model FOLDER google-bert/bert-base-uncased google-t5/t5-small Helsinki-NLP/opus-mt-en-de "
        "facebook/nllb-200-distilled-600M HuggingFaceTB/SmolLM2-135M openai-community/gpt2"
    )
    for name in named.split():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(folder / "minilm")
    settings: dict[str, Any] = {
        "data": {"train": str(folder / "reviews.csv")},
        "model": {"name": str(folder / "minilm")},
        "output": {"folder": str(folder / "runs" / "reviews-1a2b3c4d")},
    }
    for key, value in {**QUICK, "training.epochs": 1.0, "training.device": "cpu"}.items():
        group, _, name = key.partition(".")
        settings.setdefault(group, {})[name] = value
    settings["task"]["name"] = "text-classification"
    fit(load_config(None, settings, task_config))
    return folder


@pytest.fixture(scope="session")
def quick() -> dict[str, Any]:
    return QUICK


@pytest.fixture
def work(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the working folder; one thread, for two would wait for each other beside other tests."""
    monkeypatch.setattr("tunewell.runtime.physical_cores", lambda: 1)
    folder = shutil.copytree(furnished, tmp_path / "work", symlinks=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
