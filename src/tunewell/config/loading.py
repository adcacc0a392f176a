"""From files and flags to a checked `RunConfig`: defaults < file < flags.

Not for: what the settings mean (`schema`) or deciding what is left open (`tunewell.runs`).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from tunewell.config import yaml
from tunewell.config.schema import RunConfig
from tunewell.config.settings import Settings, TaskSettings
from tunewell.core.errors import ConfigError

TaskLookup = Callable[[str], type[TaskSettings]]
S = TypeVar("S", bound=Settings)


def load_config(path: Path | None, overrides: Mapping[str, Any], task_lookup: TaskLookup) -> RunConfig:
    """The checked settings of a file (or none) with `overrides`, a nested mapping, on top.

    `task_lookup` gives the settings class for a task name and raises `ConfigError` for an unknown one.
    Raises `ConfigError` that lists every wrong key with its dotted path.
    """
    where = str(path) if path else None
    values: Any = {}
    if path:
        values = yaml.parse(_read_text(path), str(path)) or {}
        if not isinstance(values, dict):
            raise ConfigError("a run file holds `key: value` lines at its top level", where=where)
    values = merged(values, overrides)
    config = _validated(RunConfig, values, where, prefix="")
    if "name" in config.task:
        task_settings(config.task, config.task["name"], task_lookup, where)
    return config


def task_settings(
    values: Mapping[str, Any], name: object, task_lookup: TaskLookup, where: str | None = None
) -> TaskSettings:
    """The second phase: the `task` group checked by the settings class of the task called `name`."""
    if not isinstance(name, str):
        raise ConfigError(f"task.name: {name!r} is not a text", where=where)
    return _validated(task_lookup(name), {**values, "name": name}, where, prefix="task.")


def assignments(items: Iterable[str]) -> dict[str, Any]:
    """`["training.seed=3", ...]` as a nested mapping; values are read by YAML's rules."""
    values: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not all(key.split(".")):
            raise ConfigError(
                f"--set takes KEY=VALUE, not {item!r}", fix="for example --set training.learning_rate=3e-5"
            )
        nested: Any = yaml.parse(text, f"--set {key}")
        for part in reversed(key.split(".")):
            nested = {part: nested}
        values = merged(values, nested)
    return values


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid on top, group by group."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        both_groups = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = merged(below, value) if both_groups else value  # type: ignore[arg-type]
    return result


def to_yaml(config: RunConfig) -> str:
    """The settings as a file that `load_config` reads back to an equal `RunConfig`."""
    return yaml.dump(config.model_dump(exclude_none=False))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}", where=str(path)) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _validated(settings: type[S], values: Mapping[str, Any], where: str | None, prefix: str) -> S:
    try:
        return settings.model_validate(dict(values))
    except ValidationError as error:
        problems = [_explained(dict(problem), settings, prefix) for problem in error.errors()]
    message = (
        problems[0][0]
        if len(problems) == 1
        else "\n".join([f"{len(problems)} settings are wrong", *(f"  {what}" for what, _ in problems)])
    )
    raise ConfigError(message, where=where, fix=next((fix for _, fix in problems if fix), None))


def _explained(problem: dict[str, Any], settings: type[Settings], prefix: str) -> tuple[str, str | None]:
    """One pydantic problem as (what is wrong with the dotted key and the value, what to do)."""
    path = [str(part) for part in problem["loc"]]
    value, kind = problem["input"], problem["type"]
    message = str(problem["msg"])
    if kind == "value_error":
        message = message.removeprefix("Value error, ")
        if "\n" in message:  # raised by `require`: the key stands on the first line
            key, message = message.split("\n", 1)
            path.append(key)
    key = prefix + ".".join(path)
    if kind == "extra_forbidden":
        group = _group(settings, path[:-1])
        near = difflib.get_close_matches(path[-1], group.model_fields if group else (), n=1)
        elsewhere = _paths_named(settings, path[-1], prefix)
        if near:
            return f"{key}: no such setting", f"did you mean {prefix + '.'.join([*path[:-1], near[0]])}?"
        if elsewhere:
            return f"{key}: no such setting", f"did you mean {elsewhere[0]}?"
        known = ", ".join(group.model_fields) if group else ""
        return f"{key}: no such setting", f"known here: {known}" if known else None
    if kind == "missing":
        return f"{key}: is missing", f"give it in the run file or with --set {key}=..."
    if kind == "value_error":
        return f"{key}: {message}", None
    message = message[0].lower() + message[1:]
    return f"{key}: {value!r} is not valid: {message}", _described(settings, path)


def _group(settings: type[Settings], path: list[str]) -> type[Settings] | None:
    group: Any = settings
    for part in path:
        field = group.model_fields.get(part)
        group = field.annotation if field else None
        if not (isinstance(group, type) and issubclass(group, Settings)):
            return None
    return group  # type: ignore[no-any-return]


def _paths_named(settings: type[Settings], name: str, prefix: str) -> list[str]:
    """Where in the tree a setting close to `name` stands."""
    found: list[str] = []
    for key, field in settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, Settings):
            found += [
                f"{prefix}{key}.{near}" for near in difflib.get_close_matches(name, group.model_fields, n=1)
            ]
    return found


def _described(settings: type[Settings], path: list[str]) -> str | None:
    group = _group(settings, path[:-1]) if path else None
    field = group.model_fields.get(path[-1]) if group else None
    return f"{path[-1]}: {field.description}" if field and field.description else None
