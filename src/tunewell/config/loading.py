"""From files and flags to a checked `RunConfig`: defaults < file < flags.

Not for: what the settings mean (`schema`) or deciding what is left open (`tunewell.runs`).
"""

from __future__ import annotations

import difflib
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError

from tunewell.config import yaml
from tunewell.config.schema import RunConfig
from tunewell.config.settings import Settings, TaskSettings
from tunewell.core.errors import ConfigError

TaskLookup = Callable[[str], type[TaskSettings]]
S = TypeVar("S", bound=Settings)

MAX_FILE_BYTES = 2**20
"""A larger run file is a data file by mistake, or a bomb."""

ALIASES = {
    "lr": "training.learning_rate",
    "num_train_epochs": "training.epochs",
    "num_epochs": "training.epochs",
    "per_device_train_batch_size": "training.batch_size",
    "train_batch_size": "training.batch_size",
    "gradient_accumulation_steps": "training.micro_batch_size",
    "warmup_ratio": "training.warmup_fraction",
    "lr_scheduler_type": "training.schedule",
    "optim": "training.optimizer",
    "fp16": "training.precision",
    "bf16": "training.precision",
    "patience": "training.early_stopping_patience",
    "random_seed": "training.seed",
    "model_name_or_path": "model.name",
    "output_dir": "output.folder",
    "train_file": "data.train",
    "validation_file": "data.validation",
    "test_file": "data.test",
    "max_length": "task.max_length_tokens",
    "max_seq_length": "task.max_length_tokens",
}
"""What other tools call a setting, and where it stands here; only ever used to say "did you mean"."""

_MEANT, _QUOTED = "did you mean", "put it in quotes"
_MAIN_KEYS = {"task": "name", "data": "train", "model": "name", "output": "folder"}


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
            raise ConfigError(
                "a run file holds `key: value` lines at its top level",
                where=where,
                fix="`tunewell init TASK` prints one",
            )
    values = {"data": {}, **merged(values, overrides)}
    groups = {
        key: {} if value is None and key in RunConfig.model_fields else value for key, value in values.items()
    }
    config = _validated(RunConfig, groups, where, prefix="")
    if config.task.get("name") is not None:
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
    """`["training.seed=3", ...]` as a nested mapping; values are read by YAML's rules.

    One punctuation mark is that mark: `data.delimiter=,`, although YAML means something else by most of them. A text
    keeps the blanks at its ends, and one that ends in a colon is a text: `task.source_prefix=summarize: `.
    """
    values: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not all(key.split(".")):
            raise ConfigError(
                f"--set takes KEY=VALUE, not {item!r}", fix="for example --set training.learning_rate=3e-5"
            )
        nested: Any = _value(text, key)
        for part in reversed(key.split(".")):
            nested = {part: nested}
        values = merged(values, nested)
    return values


def _value(text: str, key: str) -> Any:
    if len(text) == 1 and text in string.punctuation and text != "~":
        return text
    value = yaml.parse(text, f"--set {key}")
    is_title = isinstance(value, dict) and text.rstrip().endswith(":") and "\n" not in text
    return text if is_title or (isinstance(value, str) and value == text.strip()) else value


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


def refuse_unknown(given: Iterable[str], known: Iterable[str], prefix: str) -> None:
    """Raise `ConfigError` for the first of the `given` keys that is none of the `known` ones; `prefix` is their group's."""
    names = sorted(known)
    for key in given:
        if key not in names:
            meant = _meant_among(key, names, prefix)
            fix = f"{_MEANT} {meant}?" if meant else "`tunewell init TASK` prints every setting of a task"
            raise ConfigError(f"{prefix}{key}: no such setting", fix=fix)


def _read_text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise ConfigError("is no regular file", where=str(path), fix="give a run file, or a data file")
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=str(path), fix="check the path and its rights"
        ) from None
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigError(
            f"a run file has at most {MAX_FILE_BYTES:,} bytes", where=str(path), fix="is it a data file?"
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        place = f"{path}:{line}"
        raise ConfigError(
            f"not UTF-8: byte 0x{raw[error.start]:02x}", where=place, fix="save it as UTF-8"
        ) from None


def _validated(settings: type[S], values: Mapping[str, Any], where: str | None, prefix: str) -> S:
    try:
        return settings.model_validate(dict(values))
    except ValidationError as error:
        problems = _explained(error, settings, prefix)
    if len(problems) == 1:
        what, fix = problems[0]
    else:
        short = (_MEANT, _QUOTED)
        lines = [what + (f"; {fix}" if fix and fix.startswith(short) else "") for what, fix in problems]
        what = "\n  ".join([f"{len(problems)} settings are wrong", *lines])
        fix = "correct them; `tunewell init TASK` prints a run file with every setting"
    raise ConfigError(what, where=where, fix=fix)


def _explained(error: ValidationError, settings: type[Settings], prefix: str) -> list[tuple[str, str | None]]:
    """Each problem as (what is wrong with the dotted key and the value, what to do).

    pydantic reports a value that fits no type of a union once for each type; here that is one problem.
    """
    by_path: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for problem in error.errors():
        by_path.setdefault(_path(settings, problem["loc"]), []).append(dict(problem))
    return [_explanation(list(path), problems, settings, prefix) for path, problems in by_path.items()]


def _path(settings: type[Settings], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys of a problem's location, without the types of a union that pydantic puts between them."""
    for length in range(1, len(location)):
        group = _group(settings, [str(part) for part in location[: length - 1]])
        field = group.model_fields.get(str(location[length - 1])) if group else None
        types = [kind for kind in get_args(field.annotation) if kind is not NoneType] if field else []
        if field and get_origin(field.annotation) in (Union, UnionType) and len(types) > 1:
            return tuple(map(str, location[:length]))
    return tuple(map(str, location))


def _explanation(
    path: list[str], problems: list[dict[str, Any]], settings: type[Settings], prefix: str
) -> tuple[str, str | None]:
    value, kind = problems[0]["input"], problems[0]["type"]
    message = str(problems[0]["msg"])
    if kind == "value_error":
        message = message.removeprefix("Value error, ")
        if "\n" in message:  # raised by `require`: the key stands on the first line
            key, message = message.split("\n", 1)
            path = [*path, key]
        fix = "leave it out" if message.startswith("has no effect") else _described(settings, path)
        return f"{prefix}{'.'.join(path)}: {message}", fix
    key = prefix + ".".join(path)
    if kind == "extra_forbidden":
        return f"{key}: no such setting", _meant(settings, path, prefix)
    if kind == "missing":
        return f"{key}: is missing", f"give it in the run file or with --set {key}=..."
    if kind in ("model_type", "dict_type") and len(path) == 1 and not prefix:
        example = f"{key}.{_MAIN_KEYS.get(key, 'KEY')}={value if isinstance(value, str) else 'VALUE'}"
        return f"{key}: {value!r} stands where a group of settings is expected", f"{_MEANT} {example}?"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f"{key}: {value!r} is not a text", f'{_QUOTED}: "{value}"'
    expected = [str(problem["msg"]).removeprefix("Input should be ") for problem in problems]
    said = (
        f"should be {' or '.join(dict.fromkeys(expected))}"
        if message.startswith("Input should be ")
        else message[0].lower() + message[1:]
    )
    return f"{key}: {value!r} is not valid: {said}", _described(settings, path)


def _meant(settings: type[Settings], path: list[str], prefix: str) -> str | None:
    """What an unknown key may have been meant to be."""
    group = _group(settings, path[:-1])
    name, fields = path[-1], list(group.model_fields) if group else []
    inside = prefix + "".join(f"{part}." for part in path[:-1])
    meant = _meant_among(name, fields, inside) or _nearest_path(settings, name, prefix)
    if meant:
        return f"{_MEANT} {meant}?"
    known = ", ".join(group.model_fields) if group else ""
    return f"known here: {known}" if known else None


def _meant_among(name: str, fields: Sequence[str], prefix: str) -> str | None:
    """The setting that an unknown name means: what other tools call so, or one of a group's `fields` that is near to it."""
    if name in ALIASES and not difflib.get_close_matches(name, fields, n=1, cutoff=0.9):
        return ALIASES[name]
    near = difflib.get_close_matches(name, fields, n=1)
    return prefix + near[0] if near else None


def _group(settings: type[Settings], path: list[str]) -> type[Settings] | None:
    group: Any = settings
    for part in path:
        field = group.model_fields.get(part)
        group = field.annotation if field else None
        if not (isinstance(group, type) and issubclass(group, Settings)):
            return None
    return group  # type: ignore[no-any-return]


def _nearest_path(settings: type[Settings], name: str, prefix: str) -> str | None:
    """Where in the tree the setting with the name closest to `name` stands."""
    paths: dict[str, str] = {}
    for key, field in settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, Settings):
            for inner in group.model_fields:
                paths.setdefault(inner, f"{prefix}{key}.{inner}")
    near = difflib.get_close_matches(name, paths, n=1, cutoff=0.7)
    return paths[near[0]] if near else None


def _described(settings: type[Settings], path: list[str]) -> str | None:
    group = _group(settings, path[:-1]) if path else None
    field = group.model_fields.get(path[-1]) if group else None
    return f"{path[-1]} is: {field.description}" if field and field.description else None
