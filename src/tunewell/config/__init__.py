"""The one typed tree of settings: a YAML file and overrides in, a validated `RunConfig` or a good message out.

The only door to pydantic and YAML. A task's own settings derive from `Settings` too, and are checked in a
second phase by a lookup that the caller hands in, so this floor knows no task.
"""

from tunewell.config.loading import assignments, load_config, merged, refuse_unknown, task_settings, to_yaml
from tunewell.config.schema import (
    FROM_SCRATCH,
    SCRATCH_SIZES,
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    OutputSettings,
    RunConfig,
    TrainingSettings,
)
from tunewell.config.settings import Settings, TaskSettings, require, setting
from tunewell.config.template import template

__all__ = [
    "FROM_SCRATCH",
    "SCRATCH_SIZES",
    "DataSettings",
    "EvaluationSettings",
    "ModelSettings",
    "OutputSettings",
    "RunConfig",
    "Settings",
    "TaskSettings",
    "TrainingSettings",
    "assignments",
    "load_config",
    "merged",
    "refuse_unknown",
    "require",
    "setting",
    "task_settings",
    "template",
    "to_yaml",
]
