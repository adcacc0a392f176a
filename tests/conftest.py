"""What tests of several rooms share: tiny models, made once per process and never written to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

_SUBJECTS = ("film", "plot", "cast", "score", "ending", "dialogue", "camera", "story")
_WORDS = {"good": ("great", "warm", "clever"), "bad": ("dull", "cold", "clumsy")}


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """48 short texts of different lengths; good and bad ones in turn."""
    return [
        f"the {subject} was {word}" + " indeed" * (index % 4)
        for index, subject in enumerate(_SUBJECTS)
        for pair in zip(_WORDS["good"], _WORDS["bad"], strict=True)
        for word in pair
    ]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Callable[[str], Path]:
    """The folder of a tiny model of a family; copy it before you change anything in it."""
    from tunewell.testing import tiny_model

    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tiny_model(tmp_path_factory.mktemp(family), family, texts)
        return made[family]

    return folder
