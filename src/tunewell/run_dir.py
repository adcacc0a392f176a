"""A run's folder: every file name in it, its manifest, and the lock that keeps a second process out.

    config.yaml        the settings, complete; reloads to the same run
    manifest.json      schema version, status, versions, data fingerprints, timings
    metrics.jsonl      one line a logged step and one an evaluation
    checkpoints/       to resume from; see tunewell.training.checkpoint
    model/             the trained model as a plain Hugging Face folder, adapters merged
    adapter/           the adapter alone, as peft's folder, where there is one
    task.json          which task, its settings, what it learnt
    scores.json        every score with its interval
    predictions.jsonl  the model's answer to every validation and test example
    sections.json      the report as data
    report.html        the report

No torch here: listing runs and drawing a report again must be quick.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tunewell.core.errors import ConfigError, ModelError, ResourceError
from tunewell.core.results import RunScores
from tunewell.core.sections import Section, section_from_json

SCHEMA = 1
RUNNING, FINISHED, CLEARING = "running", "finished", "clearing"


class RunDir:
    """The files of one run under `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.manifest = path / "manifest.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"
        self.adapter = path / "adapter"
        self.task = path / "task.json"
        self.scores = path / "scores.json"
        self.predictions = path / "predictions.jsonl"
        self.sections = path / "sections.json"
        self.report = path / "report.html"
        self.evaluations = path / "evaluations"

    @classmethod
    def existing(cls, path: Path) -> RunDir:
        """A folder that holds a run; raises `ModelError` when it does not."""
        run = cls(path)
        if not run.manifest.is_file():
            raise ModelError(
                "no run folder" if path.is_dir() else "no such folder",
                where=str(path),
                fix="give the folder that `tunewell train` printed; `tunewell runs` lists them",
            )
        run.read_manifest()
        return run

    @classmethod
    def finished(cls, path: Path) -> RunDir:
        """A folder whose run is complete; raises `ModelError` otherwise."""
        run = cls.existing(path)
        if run.read_manifest()["status"] != FINISHED:
            raise ModelError(
                "this run is not finished", where=str(path), fix=f"resume it: tunewell train {run.config}"
            )
        return run

    def read_manifest(self) -> dict[str, Any]:
        """The manifest; raises `ModelError` for one that a newer version wrote."""
        manifest = read_json(self.manifest)
        if not isinstance(manifest, dict) or not isinstance(manifest.get("schema"), int):
            raise ModelError("not a run's manifest", where=str(self.manifest))
        if manifest["schema"] > SCHEMA:
            raise ModelError(
                f"this run was written by a newer version (schema {manifest['schema']}, known: {SCHEMA})",
                where=str(self.manifest),
                fix="update tunewell",
            )
        if "status" not in manifest:
            raise ModelError("not a run's manifest", where=str(self.manifest))
        return manifest

    def update_manifest(self, **entries: Any) -> None:
        """Write the manifest with `entries` laid over what it holds."""
        before = self.read_manifest() if self.manifest.is_file() else {"schema": SCHEMA}
        write_json(self.manifest, {**before, **entries})

    def clear(self) -> None:
        """Delete everything that a run wrote here, and nothing else; the manifest, which says so, last."""
        write_json(self.manifest, {"schema": SCHEMA, "status": CLEARING})
        others = [path for path in vars(self).values() if path not in (self.path, self.manifest)]
        try:
            for path in (*others, self.manifest):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise ResourceError(
                f"cannot be deleted: {error.strerror}", where=str(error.filename), fix="look at its rights"
            ) from None

    def check_unused(self) -> None:
        """Raise `ConfigError` when the folder holds something that is no run of ours.

        The folds of a cross-validation are runs of their own, there before the run that sums them up.
        """
        names = {path.name for path in self.path.iterdir() if not path.name.startswith(".")}
        strangers = sorted(names - {"folds"})
        if strangers:
            raise ConfigError(
                f"this folder is not empty and holds no run ({', '.join(strangers[:5])})",
                where=str(self.path),
                fix="choose another --output",
            )

    def read_scores(self) -> RunScores:
        """`scores.json`."""
        return RunScores.from_json(read_json(self.scores))

    def read_sections(self) -> list[Section]:
        """`sections.json`; raises `ModelError` when it cannot be read."""
        try:
            return [section_from_json(entry) for entry in read_json(self.sections)]
        except (KeyError, TypeError) as error:
            raise ModelError(f"a report section cannot be read: {error}", where=str(self.sections)) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; raises `ResourceError` when another one has it.

        The lock is the operating system's and ends with its owner, however that dies.
        """
        import fcntl

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / ".lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise ResourceError(
                f"the run folder cannot be used: {error.strerror}",
                where=str(self.path),
                fix="choose another --output",
            ) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                owner = file.read().strip() or "another process"
                raise ResourceError(
                    f"this run folder is in use by {owner}",
                    where=str(self.path),
                    fix="wait for it, or stop it",
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()
            yield


def find_runs(parent: Path) -> list[RunDir]:
    """The runs directly under `parent`, the newest first."""
    if not parent.is_dir():
        return []
    runs = [RunDir(path) for path in parent.iterdir() if (path / "manifest.json").is_file()]
    return sorted(runs, key=lambda run: run.manifest.stat().st_mtime, reverse=True)


def summary(run: RunDir) -> dict[str, Any]:
    """A run in a few words, JSON-ready: `created` (UTC), `task`, `model`, `status`, and its headline when finished.

    The headline is `metric`, `split`, `num_examples` and `score` with its interval. Raises `ModelError` or
    `KeyError` for a damaged folder.
    """
    manifest = run.read_manifest()
    identity = manifest.get("identity", {})
    known = {
        "created": manifest.get("created"),
        "task": identity.get("task.name"),
        "model": identity.get("model.name"),
        "status": manifest["status"],
    }
    if manifest["status"] != FINISHED:
        return known
    scores = run.read_scores()
    split = scores.headline_split
    return {
        **known,
        "metric": scores.primary,
        "split": split,
        "num_examples": scores.splits[split].num_examples,
        "score": scores.headline.to_json(),
    }


def read_json(path: Path) -> Any:
    """A JSON file; raises `ModelError` that names it when it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValueError as error:
        raise ModelError(f"not valid JSON: {error}", where=str(path)) from None


def write_json(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    """A JSON file, replaced as a whole."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """A text file, replaced as a whole: a reader sees the old one or the new one.

    Raises `ResourceError` when the disk does not take it.
    """
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):  # the disk may refuse this too
            temporary.unlink(missing_ok=True)
        raise ResourceError(
            f"cannot be written: {error.strerror}",
            where=str(path),
            fix="free space, or choose another --output",
        ) from None
