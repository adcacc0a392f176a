"""What a finished run answered, read again from its folder alone: no model, no torch.

`task.json` gives the task and `predictions.jsonl` the rows; each is read back into the example and the prediction
that were scored, so that the task scores them exactly as it did. Not for: comparing (`comparison`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewell.core.errors import ConfigError, DataError, ModelError
from tunewell.core.examples import Example, Origin, Prediction, Row
from tunewell.core.results import RunScores
from tunewell.core.rows import own_columns
from tunewell.metrics.tables import Scores
from tunewell.run_dir import RunDir, read_json
from tunewell.tasks import task_from_json
from tunewell.tasks.base import Task

_SHOWN = 3


@dataclass(frozen=True)
class StoredAnswers:
    """One run's examples of one split, each with the prediction it was given, in order.

    `notes` says where `task`, which scores them, is not quite the one that the run learnt.
    """

    name: str
    run: RunDir
    task: Task[Any, Any, Any]
    split: str
    examples: Sequence[Example]
    predictions: Sequence[Prediction]
    notes: Sequence[str] = ()

    def score(self) -> Scores:
        """The scores of these answers, as when the run was scored."""
        return self.task.score(self.examples, self.predictions)

    def identity(self) -> Mapping[str, Any]:
        """The settings and the hashes of the data, by name, as the manifest has them."""
        return self.run.read_manifest().get("identity", {})  # type: ignore[no-any-return]


def read_answers(name: str, run: RunDir, split: str | None) -> StoredAnswers:
    """The answers of a finished run on `split`, by default the one its headline is of.

    Raises `ConfigError` for a split that the run does not have and `ModelError` for a damaged folder.
    """
    task = task_from_json(read_json(run.task), str(run.task))
    scores: RunScores = run.read_scores()
    split = split or scores.headline_split
    if split not in scores.splits:
        raise ConfigError(
            f"this run has no {split} split", where=str(run.path), fix=f"it has: {', '.join(scores.splits)}"
        )
    examples: list[Example] = []
    predictions: list[Prediction] = []
    rows: list[Row] = []
    golds: list[tuple[str, Any]] = []
    for where, fields in _rows(run, split):
        try:
            prediction = task.read_prediction(str(fields["id"]), fields)
            rows.append(Row(own_columns(fields, prediction), Origin(name, fields["line"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"this stored prediction cannot be read: {error!r}", where=where) from None
        predictions.append(prediction)
        golds.append((where, fields.get("gold")))
    columns = list(dict.fromkeys(column for row in rows for column in row.values))
    readers = [task, task.adapted(columns, rows)]
    for place, (row, (where, gold)) in enumerate(zip(rows, golds, strict=True)):
        examples.append(_read_again(readers, row, gold, where))
        predictions[place] = replace(predictions[place], example_id=examples[place].id)
    if len(examples) != scores.splits[split].num_examples:
        raise ModelError(
            f"{len(examples)} predictions for {scores.splits[split].num_examples} scored {split} examples",
            where=str(run.predictions),
        )
    return StoredAnswers(name, run, task, split, examples, predictions)


def _read_again(readers: Sequence[Task[Any, Any, Any]], row: Row, gold: Any, where: str) -> Example:
    """The example of a stored row, read as the training data are, or else as its split's own file was.

    Raises `ModelError` unless one of them gives the stored gold answer.
    """
    what = ""
    for reader in readers:
        try:
            example: Example = reader.read(row)
        except (DataError, KeyError, TypeError, ValueError) as error:
            shown = error.what if isinstance(error, DataError) else f"{error!r}"
            what = what or f"this stored prediction cannot be read: {shown}"
            continue
        if _plain(reader.target(example)) == gold:
            return example
        what = what or f"the row says gold {gold!r} and its columns {reader.target(example)!r}"
    raise ModelError(what, where=where)


def _rows(run: RunDir, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of `split`, each with the place it is at."""
    try:
        with run.predictions.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                where = f"{run.predictions}:{number}"
                try:
                    fields = json.loads(line)
                except ValueError as error:
                    raise ModelError(f"not valid JSON: {error}", where=where) from None
                if not isinstance(fields, dict):
                    raise ModelError("not a prediction row", where=where)
                if fields.get("split") == split:
                    yield where, fields
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot be read: {error}", where=str(run.predictions)) from None


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def on_the_same_examples(reference: StoredAnswers, other: StoredAnswers) -> StoredAnswers:
    """`other` in the order of `reference`, to be scored by the same task.

    Raises `ConfigError` for runs of different tasks and `DataError` that lists what differs when they were not
    tested on the same examples: equal ids, texts, gold answers and groups.
    """
    _check_same_task(reference, other)
    wanted, found = _keyed(reference), _keyed(other)
    problems = []
    for name, extra in (
        (reference.name, wanted.keys() - found.keys()),
        (other.name, found.keys() - wanted.keys()),
    ):
        if extra:
            problems.append(f"{_count(len(extra))} only in {name}: {_some(sorted(key[0] for key in extra))}")
    shared = [key for key in wanted if key in found]
    for what, view in _LOOKS.items():
        differing = [
            key[0]
            for key in shared
            if view(reference, reference.examples[wanted[key]]) != view(other, other.examples[found[key]])
        ]
        if differing:
            problems.append(f"{what} in {_count(len(differing))}: {_some(differing)}")
    if problems:
        raise DataError(
            "\n".join(
                [
                    f"{reference.name} ({_count(len(wanted))}) and {other.name} ({len(found)}) were not tested "
                    f"on the same {reference.split} examples, so their scores cannot be compared",
                    *(f"  {problem}" for problem in [*problems, *_files(reference, other)]),
                ]
            ),
            fix="train both with the same --test FILE; a test split that is drawn from the training data "
            "depends on the data and on training.seed",
        )
    order = [found[key] for key in wanted]
    return replace(
        other,
        task=reference.task,  # the same labels, which may stand in another order
        notes=_differences(reference, other),
        examples=[other.examples[index] for index in order],
        predictions=[other.predictions[index] for index in order],
    )


_LEARNT = ("scoring", "unanswerable")
"""What tasks learn of their data that decides how answers are scored."""


def _differences(reference: StoredAnswers, other: StoredAnswers) -> list[str]:
    """Where the two runs would score an answer differently."""
    ours, theirs = reference.task.to_json(), other.task.to_json()
    return [
        f"{other.name} learnt with {name} = {_spelt(theirs.get(name))}, {reference.name} with "
        f"{name} = {_spelt(ours.get(name))}: both are scored as {reference.name} is."
        for name in _LEARNT
        if ours.get(name) != theirs.get(name)
    ]


def _spelt(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _check_same_task(reference: StoredAnswers, other: StoredAnswers) -> None:
    """Raise `ConfigError` unless both runs learnt the same thing."""
    names = reference.task.name, other.task.name
    kinds = [getattr(answers.task.config, "kind", None) for answers in (reference, other)]
    labels = [set(answers.task.to_json().get("labels") or ()) for answers in (reference, other)]
    if names[0] != names[1]:
        what = f"{reference.name} is {names[0]} and {other.name} is {names[1]}"
    elif kinds[0] != kinds[1]:
        what = f"{reference.name} is of the kind {kinds[0]} and {other.name} of the kind {kinds[1]}"
    elif labels[0] != labels[1]:
        only = [sorted(labels[side] - labels[1 - side]) for side in (0, 1)]
        what = f"the label sets differ: only {reference.name} knows {_some(only[0]) or 'none'}, "
        what += f"only {other.name} knows {_some(only[1]) or 'none'}"
    else:
        return
    raise ConfigError(what, fix="compare runs of one task with the same labels (task.labels sets them)")


_LOOKS: Mapping[str, Callable[[StoredAnswers, Example], Any]] = {
    "the text differs": lambda answers, example: answers.task.texts(example),
    "the gold answer differs": lambda answers, example: answers.task.target(example),
    "the group differs": lambda answers, example: example.group_id,
}


def _keyed(answers: StoredAnswers) -> dict[tuple[str, int], int]:
    """Where each example is, by its id and how often that id came before (which should be never)."""
    seen: Counter[str] = Counter()
    places = {}
    for place, example in enumerate(answers.examples):
        places[example.id, seen[example.id]] = place
        seen[example.id] += 1
    return places


def _files(reference: StoredAnswers, other: StoredAnswers) -> list[str]:
    """Which files the test examples came from, where the manifests say that these differ."""
    lines = []
    ours, theirs = reference.identity(), other.identity()
    names = [f"data.{reference.split}", f"content of data.{reference.split}", "content of data.train"]
    if not any(names[1] in identity for identity in (ours, theirs)):  # drawn from the training data
        names.append("training.seed")
    for name in names:
        if ours.get(name) != theirs.get(name):
            values = (str(identity.get(name, "none"))[:60] for identity in (ours, theirs))
            lines.append(f"{name}: {' and '.join(values)}")
    return lines


def _count(number: int) -> str:
    return f"{number:,} example{'' if number == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
