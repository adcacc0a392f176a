"""A task's module must not wait for heavy libraries: a wrong setting is reported at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tunewell.core.errors import ConfigError
from tunewell.tasks import TASKS, base, task_class, task_config

BLOCKED = ("torch", "transformers", "sklearn", "scipy", "tokenizers", "peft", "pandas", "pyarrow")


@pytest.mark.parametrize("home", TASKS.values(), ids=TASKS)
def test_a_task_is_imported_without_heavy_libraries(home: str) -> None:
    module = home.partition(":")[0]
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({BLOCKED!r}))\n"  # None makes an import fail
        f"import {module} as module\n"
        f"task = getattr(module, {home.partition(':')[2]!r})\n"
        "print(task.Config(name=task.name).name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in TASKS


def test_every_file_of_a_task_stands_in_the_table() -> None:
    files = {path.stem for path in Path(base.__file__).parent.glob("*.py")} - {
        "__init__",
        "base",
        "references",
        "replying",
    }
    assert files == {home.partition(":")[0].rpartition(".")[2] for home in TASKS.values()}


def test_names_are_those_of_the_table() -> None:
    for name in TASKS:
        assert task_class(name).name == name
        assert task_config(name).model_fields["name"].default == name


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="did you mean text-classification"):
        task_class("text-clasification")
    with pytest.raises(
        ConfigError, match="the tasks are: token-classification, question-answering, dialogue, translation"
    ):
        task_class("zzz")
