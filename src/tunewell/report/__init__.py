"""Typed sections in, one self-contained HTML page out. Start at `page.py`.

Not for: deciding what a report says (tasks and runs do, as `tunewell.core.sections`), computing scores, or
writing files. Knows no task, imports no torch.
"""

from tunewell.report.page import render

__all__ = ["render"]
