"""For tests, ours and those of plug-in authors: tiny models with real files, and one suite for every task.

`tiny_model` writes a Hugging Face folder of a small random model, `tiny_translator` and `tiny_causal` folders of models
that write text. `check_task` holds a task to the contract
of `tunewell.tasks.base`. Not for: anything that a run needs; no other room imports this one.
"""

from tunewell.testing.conformance import check_task
from tunewell.testing.tiny import FAMILIES, tiny_model
from tunewell.testing.writers import CHATML, CHATML_TOKENS, TRANSLATORS, tiny_causal, tiny_translator

__all__ = [
    "CHATML",
    "CHATML_TOKENS",
    "FAMILIES",
    "TRANSLATORS",
    "check_task",
    "tiny_causal",
    "tiny_model",
    "tiny_translator",
]
