"""A run file to start from, generated from the settings' own descriptions."""

from __future__ import annotations

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tunewell.config import yaml
from tunewell.config.schema import RunConfig
from tunewell.config.settings import Settings, TaskSettings


def template(task: type[TaskSettings], task_name: str) -> str:
    """Every setting with its description; those that have a default are commented out."""
    lines = [
        f"# A run file for {task_name}. Start it with: tunewell train THIS_FILE.yaml",
        "# Lines that are commented out show the defaults.",
    ]
    for group, field in RunConfig.model_fields.items():
        settings = task if group == "task" else field.annotation
        assert isinstance(settings, type)
        assert issubclass(settings, Settings)
        lines += ["", f"{group}:"]
        for name, inner in settings.model_fields.items():
            lines += _setting_lines(
                name, inner, fixed=task_name if (group, name) == ("task", "name") else None
            )
    return "\n".join([*lines, ""])


def _setting_lines(name: str, field: FieldInfo, fixed: str | None) -> list[str]:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = f" ({extra['unit']})" if "unit" in extra else ""
    lines = [f"  # {field.description}{unit}"]
    if fixed is not None:
        return [*lines, f"  {name}: {fixed}"]
    if field.default is PydanticUndefined:
        return [*lines, f"  {name}: FILL_IN"]
    return [*lines, f"  # {yaml.dump({name: field.default}).strip()}"]
