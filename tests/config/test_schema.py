"""Every setting is described and bounded, and the template that `init` prints is a run file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from tunewell.config import RunConfig, Settings, load_config, template, yaml
from tunewell.core.errors import ConfigError
from tunewell.tasks import task_config, task_names


def groups() -> Iterator[tuple[str, type[Settings]]]:
    yield "", RunConfig
    for name, field in RunConfig.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield name, field.annotation
    for name in task_names():
        yield name, task_config(name)


GROUPS = dict(groups())
FIELDS = {
    f"{group}.{name}": field for group, kind in GROUPS.items() for name, field in kind.model_fields.items()
}


@pytest.mark.parametrize("name", [name for name in FIELDS if name != ".data"])
def test_every_setting_is_described(name: str) -> None:
    description = FIELDS[name].description
    assert description
    assert description == description.strip()
    assert not description.endswith(".")


@pytest.mark.parametrize("name", FIELDS)
def test_every_number_has_bounds(name: str) -> None:
    annotation = str(FIELDS[name].annotation)
    if re.search(r"\b(int|float)\b", annotation) and "dict" not in annotation:
        assert FIELDS[name].metadata


@pytest.mark.parametrize("group", GROUPS.values())
def test_groups_are_frozen_and_strict(group: type[Settings]) -> None:
    assert group.model_config["frozen"]
    assert group.model_config["strict"]
    assert group.model_config["extra"] == "forbid"
    assert group.__doc__


def test_nothing_can_be_set_after_the_check() -> None:
    config = load_config(None, {"data": {"train": "x"}}, task_config)
    with pytest.raises(ValidationError):
        config.data.train = "y"  # type: ignore[misc]


def test_there_is_a_json_schema() -> None:
    schema = RunConfig.model_json_schema()
    assert set(schema["properties"]) == set(RunConfig.model_fields)


@pytest.mark.parametrize("name", task_names())
def test_the_template_is_a_run_file_once_filled_in(name: str, tmp_path: Any) -> None:
    text = template(task_config(name), name)
    path = tmp_path / "run.yaml"
    path.write_text(text.replace("FILL_IN", "x.csv"), encoding="utf-8")
    config = load_config(path, {}, task_config)
    assert config == load_config(None, {"task": {"name": name}, "data": {"train": "x.csv"}}, task_config)


@pytest.mark.parametrize("name", task_names())
def test_the_template_with_everything_uncommented_holds_the_defaults(name: str, tmp_path: Any) -> None:
    text = template(task_config(name), name).replace("FILL_IN", "x.csv")
    names = {field.rsplit(".", 1)[1] for field in FIELDS}
    setting = re.compile(rf"^  # (({'|'.join(names)}): .*)$", re.MULTILINE)
    text = setting.sub(r"  \1", text)
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    values = yaml.parse(text, "run.yaml")
    for group, kind in GROUPS.items():
        if group in values:
            assert set(values[group]) == set(kind.model_fields)
    assert set(values["task"]) == set(task_config(name).model_fields)
    load_config(path, {}, task_config)


@pytest.mark.parametrize(
    ("model", "key", "message"),
    [
        ({"lora_alpha": 16.0}, "lora_alpha", "has no effect without lora_rank"),
        ({"lora_dropout": 0.0}, "lora_dropout", "has no effect without lora_rank"),
        ({"lora_targets": ["query"]}, "lora_targets", "has no effect without lora_rank"),
        ({"lora_rank": 8, "freeze_layers": 2}, "freeze_layers", "has no effect with lora_rank"),
        ({"lora_rank": 8, "lora_targets": []}, "lora_targets", "names no layer"),
        ({"lora_rank": 0}, "lora_rank", "greater than or equal to 1"),
        ({"lora_rank": 8, "lora_dropout": 1.0}, "lora_dropout", "less than 1"),
        ({"lora_rank": 8, "lora_alpha": 0.0}, "lora_alpha", "greater than 0"),
        ({"lora_rank": 8, "lora_targets": "query"}, "lora_targets", "list"),
    ],
)
def test_settings_of_an_adapter_that_cannot_be_meant(model: dict[str, Any], key: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"data": {"train": "x"}, "model": model}, task_config)
    assert f"model.{key}" in str(caught.value)
    assert message in str(caught.value)


def test_settings_of_an_adapter() -> None:
    model = {"lora_rank": 4, "lora_alpha": 2.5, "lora_dropout": 0.1, "lora_targets": ["all-linear"]}
    config = load_config(None, {"data": {"train": "x"}, "model": model}, task_config)
    assert config.model.model_dump(include=model.keys()) == model
