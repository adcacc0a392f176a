"""What every group of settings is made of: frozen, unknown keys refused, each field described.

A field's description, unit and bounds are the one source for `--help`, the reference page and the schema.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """A frozen group of settings that refuses unknown keys, empty texts and silent conversions of type."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True, str_min_length=1)


class TaskSettings(Settings):
    """The settings of one task; each task derives its own `Config` from this."""

    name: str


def setting(
    default: Any,
    description: str,
    *,
    unit: str | None = None,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> Any:
    """A described field: `default` (`...` for none), its unit, and bounds where it has them."""
    bounds = {"ge": at_least, "gt": above, "le": at_most, "lt": below}
    given: dict[str, Any] = {name: bound for name, bound in bounds.items() if bound is not None}
    if unit:
        given["json_schema_extra"] = {"unit": unit}
    return Field(default, description=description, **given)


def require(condition: bool, key: str, message: str) -> None:
    """Raise the error of a rule between settings; `key` is the dotted key that is at fault."""
    if not condition:
        raise ValueError(f"{key}\n{message}")
