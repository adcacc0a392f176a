"""On what a run was computed and how long it took: facts from its manifest, not from its sections.

Two runs of the same settings have the same sections; these differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.core.durations import duration_text
from tunewell.core.sections import Facts, Section

_WORK = {
    "preparing": "Reading data and model",
    "training": "Training",
    "validation": "Validation during training",
    "checkpoints": "Saving checkpoints",
    "scoring": "Scoring, baselines, saving the model",
}


def provenance(manifest: Mapping[str, Any]) -> list[Section]:
    """Time and machine, where the manifest tells of them."""
    records = manifest.get("processes", [])
    if not records:
        return []
    return [_time(records, manifest.get("folds_seconds")), _machine(records)]


def subtitle(manifest: Mapping[str, Any]) -> str:
    """Which task, which model, when."""
    identity = manifest.get("identity", {})
    model = str(identity.get("model.name", "")).rstrip("/")
    model = model.rsplit("/", 1)[-1] if model.startswith(("/", ".", "~")) else model
    day = str(manifest.get("created", ""))[:10]
    parts = [str(identity.get("task.name", "")).replace("-", " ").capitalize(), model, day]
    return " · ".join(part for part in parts if part)


def _time(records: Sequence[Mapping[str, Any]], folds_seconds: float | None) -> Facts:
    spent: dict[str, float] = {}
    for record in records:
        for work, seconds in record["seconds"].items():
            spent[work] = spent.get(work, 0.0) + seconds
    steps = sum(record["steps"] for record in records)
    total = sum(spent.values()) + (folds_seconds or 0.0)
    facts = {"In all": duration_text(total)}
    if steps and spent.get("training"):
        facts["Speed of training"] = f"{steps / spent['training']:.3g} steps per second, over {steps:,} steps"
    facts |= {_WORK.get(work, work): duration_text(seconds) for work, seconds in spent.items()}
    if folds_seconds:
        facts["The folds of the cross-validation"] = duration_text(folds_seconds)
    note = "As measured, by the clock on the wall."
    if len(records) > 1:
        facts["Processes"] = f"{len(records)}, begun {', '.join(_moment(r['created']) for r in records)}"
        note += (
            " The run was interrupted, and the times of its processes are added up; what a killed process did after "
            "its last checkpoint was done again and is not counted."
        )
    return Facts("Time", note, facts)


def _moment(created: str) -> str:
    return created.replace("T", " ").removesuffix("Z")[:16] + " UTC"


def _machine(records: Sequence[Mapping[str, Any]]) -> Facts:
    """The machine of the last process, and a word where an earlier one ran on another."""
    machine = records[-1]["machine"]
    gpu = machine.get("gpu")
    facts = {
        "Processor": machine.get("processor") or "unknown",
        "Cores": f"{machine['cores']}, {machine['threads']} thread{'s' if machine['threads'] != 1 else ''} used",
        "Memory": _gigabytes(machine.get("memory_bytes")),
        "GPU": f"{gpu['name']}, {_gigabytes(gpu['memory_bytes'])}" if gpu else "none used",
        "Computed on": f"{machine['device'].replace('cpu', 'the processor')}, in {machine['precision']}",
        "System": f"{machine['system']}, Python {machine['python']}",
    }
    others = {_short(record["machine"]) for record in records[:-1]} - {_short(machine)}
    note = "What the run was computed on."
    if others:
        note = "What the last process ran on."
        facts["Earlier processes"] = "; ".join(sorted(others))
    return Facts("Machine", note, facts)


def _short(machine: Mapping[str, Any]) -> str:
    gpu = machine.get("gpu")
    return f"{machine.get('processor')}, {machine['cores']} cores" + (f", {gpu['name']}" if gpu else "")


def _gigabytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 2**30:,.1f} GiB"
