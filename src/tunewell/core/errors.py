"""Every error a user can meet, each with the exit code that the command line leaves with.

    TunewellError            1   anything below, or a fault of ours
    ├── ConfigError          2   a setting or an argument is wrong
    ├── DataError            3   a file, a row or a label is wrong
    ├── ModelError           4   a model, tokenizer, checkpoint or run folder cannot be used
    ├── ResourceError        5   memory, disk or a lock is lacking
    ├── NumericError         6   a loss, gradient or weight is not finite
    └── Interrupted        130   a stop was asked for; the run can be resumed (75 after SIGTERM)

Every message has three parts: what is wrong (with the value), where, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

PROBLEMS_SHOWN = 20
"""How many problems of one kind a message lists before it only counts them."""


class TunewellError(Exception):
    """What went wrong, where, and what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        parts = [self.what if self.where is None else f"{self.where}: {self.what}"]
        if self.fix:
            parts.append(f"  fix: {self.fix}")
        return "\n".join(parts)


class ConfigError(TunewellError):
    """A setting or an argument is wrong."""

    exit_code = 2


class DataError(TunewellError):
    """A file, a row or a label is wrong; `where` is `file:line` or `file:line:column`."""

    exit_code = 3


class ModelError(TunewellError):
    """A model, tokenizer, checkpoint or run folder is missing, unsafe or damaged."""

    exit_code = 4


class ResourceError(TunewellError):
    """Memory, disk space or a lock is lacking."""

    exit_code = 5


class NumericError(TunewellError):
    """A loss, a gradient or a weight is not finite."""

    exit_code = 6


class Interrupted(TunewellError):
    """A stop was asked for and the last step boundary is saved, so the run can be resumed."""

    exit_code = 130

    def __init__(
        self, what: str, *, where: str | None = None, fix: str | None = None, preempted: bool = False
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        if preempted:
            self.exit_code = 75  # type: ignore[misc]  # SIGTERM: a scheduler will start the run again


def collected(problems: Sequence[DataError], *, of: str, fix: str | None = None) -> DataError:
    """One error that lists the first `PROBLEMS_SHOWN` of many and counts the rest.

    `problems` must not be empty; `of` says what they are found in, for example a file name. A single
    problem is returned as it is.
    """
    assert problems
    if len(problems) == 1:
        return problems[0]
    lines = [f"{len(problems)} problems in {of}"]
    for problem in problems[:PROBLEMS_SHOWN]:
        meant = f"; {problem.fix}" if (problem.fix or "").startswith("did you mean") else ""
        lines.append(
            f"  {problem.where}: {problem.what}{meant}" if problem.where else f"  {problem.what}{meant}"
        )
    if len(problems) > PROBLEMS_SHOWN:
        lines.append(f"  ... and {len(problems) - PROBLEMS_SHOWN} more")
    return DataError("\n".join(lines), fix=fix or problems[0].fix)
