"""For tests, ours and those of plug-in authors: tiny models with real files, and one suite for every task.

`tiny_model` writes a Hugging Face folder of a small random model. `check_task` holds a task to the contract
of `tunewell.tasks.base`. Not for: anything that a run needs; no other room imports this one.
"""

from tunewell.testing.conformance import check_task
from tunewell.testing.tiny import FAMILIES, tiny_model

__all__ = ["FAMILIES", "check_task", "tiny_model"]
