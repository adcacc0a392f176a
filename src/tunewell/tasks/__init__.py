"""The tasks, by the names the Hugging Face Hub uses. A new one is a line here and a file beside it.

Installed packages add theirs through the entry-point group `tunewell.tasks`.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from tunewell.config import TaskSettings, task_settings
from tunewell.core.errors import ConfigError, ModelError
from tunewell.tasks.base import Task

TASKS = {
    "token-classification": "tunewell.tasks.token_classification:TokenClassification",
    "question-answering": "tunewell.tasks.question_answering:QuestionAnswering",
    "dialogue": "tunewell.tasks.dialogue:Dialogue",
    "translation": "tunewell.tasks.translation:Translation",
    "text-classification": "tunewell.tasks.text_classification:TextClassification",
}


def task_names() -> list[str]:
    """The built-in tasks' names, then those of installed plug-ins."""
    return [*TASKS, *sorted(point.name for point in entry_points(group="tunewell.tasks"))]


def task_class(name: str) -> type[Task[Any, Any, Any]]:
    """The task called `name`; raises `ConfigError` for an unknown one."""
    if name in TASKS:
        module, _, attribute = TASKS[name].partition(":")
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
    for point in entry_points(group="tunewell.tasks"):
        if point.name == name:
            return point.load()  # type: ignore[no-any-return]
    near = difflib.get_close_matches(name, task_names(), n=1)
    raise ConfigError(
        f"no task called {name!r}",
        fix=(f"did you mean {near[0]}? " if near else "") + f"the tasks are: {', '.join(task_names())}",
    )


def task_from_json(saved: Any, where: str) -> Task[Any, Any, Any]:
    """The task that a run saved as `task.json`, with all that it learnt; `where` names the file in errors.

    Raises `ModelError` when something is missing in it.
    """
    try:
        config = task_settings(saved["settings"], saved["name"], task_config, where)
        return task_class(saved["name"]).from_json(config, saved["learnt"])
    except (KeyError, TypeError) as error:
        raise ModelError(f"not a run's task file: {error!r} is missing", where=where) from None


def task_config(name: str) -> type[TaskSettings]:
    """The settings class of the task called `name`: the lookup that `tunewell.config` is handed."""
    return task_class(name).Config
