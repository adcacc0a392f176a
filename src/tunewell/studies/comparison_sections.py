"""A comparison as sections for the page: what `tunewell compare --html` shows, and in which order.

Not for: drawing (`tunewell.report`) or comparing (`comparison`).
"""

from __future__ import annotations

import json
import math
from typing import Any

from tunewell.core.comparisons import LEVEL, Comparison, Differing
from tunewell.core.sections import Compared, Facts, Notices, Section, Table, Texts

_TESTS = {
    "McNemar, mid-p": "McNemar's test, mid-p: of the examples that only one of two runs has right, is either's share "
    "more than a fair coin would give?",
    "approximate randomisation": "Approximate randomisation: how often does exchanging the two runs' answers by a coin "
    "give a difference as large as the one seen?",
}


def comparison_sections(comparison: Comparison) -> list[Section]:
    """The verdict, the notices, all metrics, the settings that differ, the examples that differ, the method."""
    names = list(comparison.folders)
    sections: list[Section] = [
        compared(comparison),
        Notices("Before you rely on it", "What these numbers do not say.", comparison.notices),
        Table(
            "All metrics",
            "For orientation: only the metric above is tested. Looking for a metric that differs is one more comparison.",
            ["metric", *names],
            [
                [metric, *(None if math.isnan(by_run[name]) else by_run[name] for name in names)]
                for metric, by_run in comparison.all_scores.items()
            ],
            verbatim=names,
        ),
        Table(
            "What was done differently",
            "The settings in which the runs differ." if comparison.settings else "The settings are the same.",
            ["setting", *names],
            [
                [key, *(_setting(values[name]) for name in names)]
                for key, values in comparison.settings.items()
            ],
            verbatim=names,
        ),
    ]
    if comparison.differing:
        sections.append(_texts(comparison))
    return [*sections, _method(comparison)]


def compared(comparison: Comparison) -> Compared:
    """The first section: scores, differences and tests."""
    corrected = (
        f" p values are corrected for {len(comparison.pairs)} comparisons (Holm)."
        if len(comparison.pairs) > 1
        else ""
    )
    note = f"Tested on the same {comparison.num_examples:,} {comparison.split} examples.{corrected}"
    return Compared(
        "Is there a difference?",
        note,
        comparison.metric,
        comparison.split,
        comparison.num_examples,
        comparison.reference,
        dict(comparison.scores),
        list(comparison.pairs),
    )


def _setting(value: Any) -> str:
    return (
        "not set"
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
    )


def _texts(comparison: Comparison) -> Texts:
    share = f"{comparison.num_differing:,} of {comparison.num_examples:,} examples"
    numbers = all(isinstance(answer, float) for answer in comparison.differing[0].answers.values())
    order = "first where they are farthest apart" if numbers else "those first that some run has right"
    return Texts(
        "Where they differ",
        f"The runs do not answer {share} alike; {order}.",
        [_entry(example) for example in comparison.differing],
        verbatim=list(comparison.folders),
    )


def _entry(example: Differing) -> dict[str, str | float]:
    entry: dict[str, str | float] = {"text": example.text, "gold": example.gold, **example.answers}
    if example.right is not None:
        entry["right"] = f"{len(example.right)} of {len(example.answers)}" if example.right else "none"
        if len(example.answers) == 2 and example.right:
            entry["right"] = example.right[0]
    return {**entry, "id": example.example_id}


def _method(comparison: Comparison) -> Facts:
    used = list(dict.fromkeys(pair.test for pair in comparison.pairs))
    facts = {
        "The verdict": f"A difference is called one when its p value, corrected, is at most {LEVEL:g}.",
        **{f"Test {number}": _TESTS.get(name, name) for number, name in enumerate(used, start=1)},
        "Correction": "Holm's: with several comparisons, the chance of calling any of them a difference by luck stays "
        f"at most {LEVEL:g}.",
        "Intervals": "95% each, uncorrected: by bootstrap over the same examples for both runs; for the difference "
        "of two shares of right examples by Bonett and Price's formula.",
        **{f"Folder of {name}": folder for name, folder in comparison.folders.items()},
    }
    return Facts("How it was tested", "The manual page docs/compare.md says more.", facts)
