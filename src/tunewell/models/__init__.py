"""Pretrained models: found, loaded safely, given a head, computed, and saved as plain Hugging Face folders.

The only door to transformers. Not for: training (`tunewell.training`) or what a head means (the task).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunewell.models.loading import ModelLoader as ModelLoader
    from tunewell.models.tokenizer import Tokenizer as Tokenizer

_HOMES = {"ModelLoader": "tunewell.models.loading", "Tokenizer": "tunewell.models.tokenizer"}


def __getattr__(name: str) -> Any:
    """Import torch and transformers only when a model is really wanted."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(name)
