"""From data settings to checked examples by split, with the task that reads them.

Everything that can be wrong with the user's files is found here, before a model is loaded. Not for: reading
formats (`tunewell.data`) or token ids (the task's `encode`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunewell.config import DataSettings, RunConfig, refuse_unknown, task_settings
from tunewell.core.errors import ConfigError, DataError, collected
from tunewell.core.examples import Example, Row
from tunewell.data import checks, splits
from tunewell.data.conversation_names import dialogue_hint
from tunewell.data.file_names import ending_of
from tunewell.data.sources import Source, SourceSettings, read
from tunewell.tasks import task_class, task_config, task_names
from tunewell.tasks.base import Task

AnyTask = Task[Any, Any, Any]

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """Examples by split (`train`, `validation`, `test`) and the task that has learnt their labels.

    `rows` holds the row behind each example. `notes` are sentences for the user; `findings` what the data
    doctor saw. `fingerprints` names each file's content by its SHA-256.
    """

    name: str
    task: AnyTask
    examples: Mapping[str, Sequence[Example]]
    rows: Mapping[str, Sequence[Row]]
    notes: Sequence[str]
    findings: Sequence[checks.Finding] = field(default_factory=tuple)
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    def remarks(self) -> list[tuple[str, str]]:
        """What the user should be told of the data: sentences, each with its level, `info` or `warning`."""
        said = [(note, "info") for note in self.notes]
        said += [finding.remark() for finding in self.findings]
        return said


def load_dataset(config: RunConfig, wanted: Sequence[str] = SPLITS) -> Dataset:
    """Read, split and check the data of a run; the splits of `wanted` that no file gives are drawn.

    Raises `ConfigError` when the task or a column must be asked for, and `DataError` for what the data
    doctor cannot let pass.
    """
    sources = read_sources(config.data)
    notes = [note for source in sources.values() for note in source.notes]
    task, said = choose_task(config.task, sources["train"])
    sources = {name: gathered(task, source) for name, source in sources.items()}
    notes = [f"task: {task.name}; {said}", *notes]
    examples: dict[str, list[Example]] = {}
    rows: dict[str, list[Row]] = {}
    if _is_unlabelled_test(task, sources, config.data):
        notes.append("the test split of the folder has no labels and is not used; one is drawn")
        del sources["test"]
    for name, source in sources.items():
        reader, said_of = (task, []) if name == "train" else adapted(task, source, name)
        notes += said_of
        examples[name], rows[name], dropped = read_examples(reader, source, config.data.on_bad_row)
        if dropped:
            rows_were = "1 bad row was" if dropped == 1 else f"{dropped} bad rows were"
            notes.append(f"{rows_were} dropped from {_place(source)}")
    parts = carve(task, examples["train"], config, missing=[name for name in wanted if name not in sources])
    if len(parts) > 1:
        rows |= {name: [rows["train"][index] for index in indices] for name, indices in parts.items()}
        examples |= {name: [examples["train"][index] for index in indices] for name, indices in parts.items()}
        sizes = ", ".join(f"{len(indices)} {name}" for name, indices in parts.items())
        notes.append(f"split by a seeded, stratified draw that keeps equal texts together: {sizes}")
    task = task.learn(examples)
    findings = _headless(sources, config.data) + examine(task, examples, config)
    return Dataset(
        name=sources["train"].name,
        task=task,
        examples={name: examples[name] for name in SPLITS if name in examples},
        rows=rows,
        notes=notes,
        findings=findings,
        fingerprints={name: source.fingerprint for name, source in sources.items()},
    )


def subset(dataset: Dataset, parts: Mapping[str, Sequence[int]]) -> Dataset:
    """The training examples of `dataset` dealt out anew: indices by split."""
    examples = {name: [dataset.examples["train"][index] for index in part] for name, part in parts.items()}
    rows = {name: [dataset.rows["train"][index] for index in part] for name, part in parts.items()}
    return replace(dataset, task=dataset.task.learn(examples), examples=examples, rows=rows)


def _is_unlabelled_test(task: AnyTask, sources: Mapping[str, Source], settings: DataSettings) -> bool:
    """Whether the training folder brings a test file without labels, as GLUE's do; one that was named must have them."""
    if "test" not in sources or settings.test is not None:
        return False
    reader, _ = adapted(task, sources["test"], "test")
    try:
        reader.check_columns(sources["test"].columns, "test", labelled=True)
    except DataError:
        return True
    return False


def read_sources(settings: DataSettings) -> dict[str, Source]:
    """The tables by split, from the files named and the splits that the training source holds itself."""
    is_document = settings.train.removesuffix(".gz").endswith(".json") or settings.format == "json"
    alone = Path(settings.train).is_file() and not is_document
    found = read(settings.train, source_settings(settings, limit=settings.limit if alone else None))
    if "train" not in found:
        raise DataError("there is no training split", where=settings.train)
    found["train"] = replace(found["train"], rows=found["train"].rows[: settings.limit])
    for name, path in (("validation", settings.validation), ("test", settings.test)):
        if path is not None:
            tables = read(path, source_settings(like_training(settings, path)))
            if name not in tables and len(tables) > 1:
                raise DataError(f"there is no {name} split, only {', '.join(tables)}", where=path)
            found[name] = tables.get(name) or next(iter(tables.values()))
    return found


def like_training(settings: DataSettings, path: str) -> DataSettings:
    """The settings for another file: how columns are delimited holds for files of the same ending only.

    A format that was set holds for other files whose endings say none, too: `eng.testa` is read as `eng.train`.
    Standard input (`-`) is like no file.
    """

    def ending(name: str) -> str:
        return Path(name.removesuffix(".gz")).suffix.lower()

    says_none = settings.format is not None and ending_of(path) is None
    if path != "-" and (ending(path) == ending(settings.train) or says_none):
        return settings
    as_usual = {"delimiter": None, "quoting": "auto", "column_names": None, "format": None}
    return settings.model_copy(update=as_usual)


def source_settings(settings: DataSettings, limit: int | None = None) -> SourceSettings:
    """What the readers want to know of the data settings."""
    return SourceSettings(
        delimiter=settings.delimiter,
        quoting=settings.quoting,
        column_names=tuple(settings.column_names) if settings.column_names else None,
        limit=limit,
        on_bad_row=settings.on_bad_row,
        format=settings.format,
    )


def choose_task(given: Mapping[str, Any], source: Source) -> tuple[AnyTask, str]:
    """The task that the settings name, or the first that the columns speak for; its settings completed."""
    names = [given["name"]] if given.get("name") is not None else task_names()
    keys = [key for key, value in given.items() if value is not None]
    if keys and len(names) > 1:
        known = {field for name in names for field in task_class(name).Config.model_fields}
        refuse_unknown(keys, known, "task.")
    for name in names:
        kind = task_class(name)
        reading = kind.infer(source.columns, source.rows, given)
        if reading is None:
            continue
        settings = {**reading.settings, **{key: value for key, value in given.items() if value is not None}}
        config = task_settings(settings, name, task_config)
        task = kind.new(config)
        task.check_columns(gathered(task, source).columns, _place(source))
        return task, reading.said
    if len(source.columns) == 1:
        raise ConfigError(
            f"the only column is {source.columns[0]!r}, and training needs inputs and their labels",
            where=_place(source),
            fix="give a file with a column for each; two files of the same lines are called NAME.en and NAME.de; and "
            "conversations are asked for: --task dialogue",
        )
    raise ConfigError(
        f"no column looks like what {' or '.join(names)} reads; the columns are {', '.join(source.columns)}",
        where=_place(source),
        fix=f"name them, for example --set task.text=COLUMN --set task.label=COLUMN{dialogue_hint(source.columns)}",
    )


def gathered(task: AnyTask, source: Source) -> Source:
    """The table with rows that make up one example put together, where the task knows of such."""
    found = task.gathered(source.columns, source.rows)
    if found is None:
        return source
    columns, rows = found
    note = f"{_place(source)}: {len(source.rows):,} rows make {len(rows):,} examples"
    return replace(source, columns=tuple(columns), rows=list(rows), notes=(*source.notes, note))


def adapted(task: AnyTask, source: Source, name: str) -> tuple[AnyTask, list[str]]:
    """The task as it reads a source, called `name`, that is not the training data; and a note if that is another way.

    It is for `read_examples` alone.
    """
    reader = task.adapted(source.columns, source.rows)
    before, after = task.config.model_dump(), reader.config.model_dump()
    changes = [f"{key} = {value}" for key, value in after.items() if value != before[key]]
    notes = [f"{name}: written in another way than the training data; read with {', '.join(changes)}"]
    return reader, notes if changes else []


def read_examples(
    task: AnyTask, source: Source, on_bad_row: str, *, labelled: bool = True
) -> tuple[list[Example], list[Row], int]:
    """Examples with their rows, and how many rows were dropped; raises the first 20 problems at once."""
    task.check_columns(source.columns, _place(source), labelled=labelled)
    examples, rows, problems = [], [], []
    for row in source.rows:
        try:
            example = task.read(row, labelled=labelled)
        except DataError as error:
            problems.append(error)
        else:
            examples.append(example)
            rows.append(row)
    if problems and on_bad_row == "fail":
        raise collected(problems, of=_place(source), fix=_policies(problems))
    if not examples:
        first = f"; the first: {problems[0].where}: {problems[0].what}" if problems else ""
        raise DataError(
            f"no row is left to use: all {len(problems)} were dropped as bad{first}",
            where=_place(source),
            fix="mend the file",
        )
    return examples, rows, len(problems)


def _policies(problems: Sequence[DataError]) -> str:
    """What can be done about bad rows: what they all say themselves, and dropping them."""
    advice = {problem.fix for problem in problems}
    own = advice.pop() if len(advice) == 1 else None
    drop = "--set data.on_bad_row=drop"
    if own is not None and "data.on_bad_row" in own:
        return own
    return f"{own or 'mend these rows'}, or {drop}"


def carve(
    task: AnyTask, examples: Sequence[Example], config: RunConfig, missing: Sequence[str]
) -> dict[str, list[int]]:
    """Indices of the training examples by split, where validation or test examples must come from them."""
    fractions = {"validation": config.data.validation_fraction, "test": config.data.test_fraction}
    wanted = {name: fractions[name] for name in missing}
    if not wanted:
        return {"train": list(range(len(examples)))}
    parts = splits.split(
        examples,
        fractions=(1 - sum(wanted.values()), *wanted.values()),
        seed=config.training.seed,
        key=lambda example: joined(task, example),
        strata=task.stratum,
    )
    return dict(zip(("train", *wanted), parts, strict=True))


def examine(
    task: AnyTask, examples: Mapping[str, Sequence[Example]], config: RunConfig
) -> list[checks.Finding]:
    """What the data doctor finds; raises `DataError` for what must not pass."""

    def text_of(example: Example) -> str:
        return joined(task, example)

    findings = checks.examine(examples, text_of, batch_size=config.training.batch_size)
    findings += task.checks(examples)
    num_train = len(examples.get("train", ()))
    errors = [_as_error(f, num_train) for f in findings if f.severity == "error" or f.code in _FATAL]
    limit = config.data.max_overlap_share
    if limit is not None and "test" in examples:
        shares = checks.overlap_share({name: examples[name] for name in ("train", "test")}, text_of)
        share = shares.get(("train", "test"), 0.0)
        if share > limit:
            errors.append(
                DataError(
                    f"{share:.1%} of the test texts also stand in the training data; allowed: {limit:.1%}"
                    + "".join(_shown(f) for f in findings if f.code in ("overlap", "near-overlap")),
                    fix="take them out of one of the two, or raise data.max_overlap_share",
                )
            )
    if errors:
        raise collected(errors, of="the data")
    return findings


_FATAL = ("fewer-than-a-batch",)
"""Findings that are warnings about any data, and faults in data that are to be trained on."""


def _as_error(finding: checks.Finding, num_train: int) -> DataError:
    fits = 2 ** max(0, num_train.bit_length() - 2)  # some batches an epoch
    fix = f"give more rows, or --set training.batch_size={fits}"
    if finding.code != "fewer-than-a-batch":
        fix = "correct the data, or choose other settings"
    return DataError(finding.message + _shown(finding), fix=fix)


def _shown(finding: checks.Finding) -> str:
    return "".join(f"\n    {example}" for example in finding.examples)


def _headless(sources: Mapping[str, Source], settings: DataSettings) -> list[checks.Finding]:
    """A warning for each file whose first line seems to be a row: a column's name is also a value of it."""
    findings = []
    for source in sources.values():
        in_text = all(isinstance(value, str) for row in source.rows[:1] for value in row.values.values())
        for column in source.columns if in_text and settings.column_names is None else ():
            count = sum(row.values.get(column) == column for row in source.rows)
            if count >= _REPEATED:
                names = ", ".join(f"NAME{number}" for number in range(1, len(source.columns) + 1))
                message = (
                    f"{_place(source)}: the first line was read as names of columns, and {column!r} is also a value "
                    f"of its column in {count} rows; if the file has no header: --set 'data.column_names=[{names}]'"
                )
                findings.append(checks.Finding("no-header", "warning", message))
                break
    return findings


_REPEATED = 3


def _place(source: Source) -> str:
    """The file that a table came from."""
    return source.rows[0].origin.file if source.rows else source.name


def joined(task: AnyTask, example: Example) -> str:
    """All texts of an example as one, for comparing examples."""
    return "\n".join(task.texts(example))
