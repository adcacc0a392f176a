"""One suite that every task must pass, through the seam of `tunewell.tasks.base` alone.

It asks for no task's name and knows no task's types: what a task does with its data is looked at from
outside, with a tiny model. Not for: whether a task's metrics or its guesses are right; each task has its own
tests for that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tunewell.core.errors import ConfigError
from tunewell.core.examples import Example, Origin, Row
from tunewell.core.labels import IGNORE_INDEX
from tunewell.core.rows import joined_row, own_columns
from tunewell.data.features import Feature
from tunewell.models.artefact import save_model
from tunewell.predictor import Predictor, task_to_json
from tunewell.run_dir import RunDir, write_json
from tunewell.runtime import Runtime
from tunewell.testing.subject import (
    FILE,
    LONG_TEXT_CHARACTERS,
    STRANGE_TEXTS,
    TOLERANCE,
    Subject,
    as_json,
    build_subject,
    close,
    refusal,
    same,
)

_FIELD_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "label": str,
    "labels": list,
    "probabilities": dict,
    "value": float,
    "tokens": list,
    "text": str,
    "tags": list,
    "entities": list,
    "answer": str,
    "char_start": (int, type(None)),
    "char_end": (int, type(None)),
    "score": float,
    "no_answer_score": (float, type(None)),
    "translation": str,
    "reply": str,
    "reached_limit": bool,
    "gold_loss": float,
    "num_gold_tokens": int,
    "gold_rank": int,
    "num_ranked": int,
}


def check_task(
    name: str,
    settings: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    model: Path,
    folder: Path,
    *,
    refused: Sequence[Mapping[str, Any]] = (),
    weighted: bool = False,
) -> None:
    """Hold the task called `name` to its contract; raise `AssertionError` that lists every breach.

    `settings` are the task's own; `rows` a dozen or so labelled records of different lengths; `model` a
    model folder, such as `tiny_model` writes; `folder` a scratch folder. Each of `refused` is laid over the
    first row and must then be refused with its `file:line`, an unseen label for example. `weighted` says
    that the settings make targets count by weight, so that `num_targets` is no count.
    """
    subject = build_subject(name, settings, rows, model, folder, refused, weighted)
    breaches = []
    for check in CHECKS:
        try:
            check(subject)
        except AssertionError as error:
            breaches.append(f"{check.__name__.removeprefix('_')}: {error}")
        except Exception as error:  # a task that fails in a check has failed that check
            breaches.append(f"{check.__name__.removeprefix('_')}: {type(error).__name__}: {error}")
    if breaches:
        raise AssertionError(
            f"{name} breaks {len(breaches)} of {len(CHECKS)} promises\n  " + "\n  ".join(breaches)
        )


# Rows and examples


def _columns_are_checked(subject: Subject) -> None:
    task, columns = subject.task, list(subject.rows[0].values)
    task.check_columns(columns, FILE)
    for column in task.input_columns():
        others = [name for name in (*columns, "something") if name != column]
        with refusal(FILE, f"a file without the column {column}"):
            task.check_columns(others, FILE, labelled=False)


def _rows_are_refused_with_their_place(subject: Subject) -> None:
    missing = [dict.fromkeys([column], None) for column in subject.task.input_columns()]
    for values in [*missing, *subject.refused]:
        row = Row({**subject.rows[0].values, **values}, Origin(FILE, 7))
        with refusal(f"{FILE}:7", f"a row with {values}"):
            subject.task.read(row)


def _own_rows_are_read_alike_when_adapted(subject: Subject) -> None:
    task = subject.task.adapted(list(subject.rows[0].values), subject.rows)
    assert as_json(task.to_json()) == as_json(subject.task.to_json()), "adapted changes what was learnt"
    for row, example in zip(subject.rows, subject.examples, strict=True):
        assert task.read(row) == example, f"adapted to its own rows the task reads {task.read(row)}"


def _columns_are_inferred_when_named(subject: Subject) -> None:
    columns = list(subject.rows[0].values)
    given = {name: value for name, value in subject.task.config.model_dump().items() if value is not None}
    reading = type(subject.task).infer(columns, subject.rows, given)
    assert reading is not None, "infer does not know the columns that the settings name"
    assert reading.said, "infer says nothing of how it reads the file"
    try:
        type(subject.task).infer(columns, subject.rows, {})
    except ConfigError:
        pass  # more than one reading: allowed, and said


def _texts_and_targets_agree(subject: Subject) -> None:
    task = subject.task
    for example in subject.examples:
        texts = task.texts(example)
        assert texts, "an example has no texts"
        assert all(isinstance(text, str) for text in texts), f"texts are {texts!r}"
        assert task.with_texts(example, texts) == example, "with_texts with an example's own texts changes it"
        longer = tuple(f"{text} indeed" for text in texts)
        changed = task.with_texts(example, longer)
        assert task.texts(changed) == longer, f"with_texts gives {task.texts(changed)!r}, not {longer!r}"
        assert (changed.id, changed.origin) == (example.id, example.origin), "with_texts changes the id"
        assert json.loads(as_json(task.target(example))) == task.target(example), "a target is not JSON-ready"
    assert task.target(subject.unlabelled("no target")) is None, "an example without a target has one"


def _strata_are_hashable(subject: Subject) -> None:
    for example in subject.examples:
        hash(subject.task.stratum(example))


# From examples to the loss


def _windows_fit_the_model(subject: Subject) -> None:
    for example in [*subject.examples, *map(subject.unlabelled, STRANGE_TEXTS)]:
        features = subject.encode(example)
        assert features == subject.encode(example), "encode gives something else the second time"
        assert features, f"encode gives no window for {subject.task.texts(example)!r}"
        for feature in features:
            _check_window(subject, example, feature)


def _check_window(subject: Subject, example: Example, feature: Feature) -> None:
    tokenizer = subject.predictor.tokenizer
    assert feature.example_id == example.id, "a window has another example's id"
    limit = tokenizer.max_length_tokens
    assert 1 <= len(feature) <= limit, f"a window has {len(feature)} tokens; the model reads 1 to {limit}"
    known = all(0 <= token < len(tokenizer) for token in feature.input_ids)
    assert known, "a window has token ids that the vocabulary lacks"
    types = feature.token_type_ids
    assert types is None or len(types) == len(feature), "token types and tokens differ in number"


def _long_texts_are_windowed_or_counted(subject: Subject) -> None:
    example = subject.unlabelled("long text " * (LONG_TEXT_CHARACTERS // 10))
    features = subject.encode(example)
    for feature in features:
        _check_window(subject, example, feature)
    cut = sum(feature.num_truncated_tokens for feature in features)
    kept = sum(map(len, features))
    assert kept + cut > LONG_TEXT_CHARACTERS / 20, (
        f"of {LONG_TEXT_CHARACTERS} characters {kept} tokens are read and {cut} counted as cut"
    )
    subject.predictions(4096, [example])


def _targets_are_counted(subject: Subject) -> None:
    features = subject.features()
    batch = subject.task.collate(features)
    assert batch.labels is not None, "labelled features make a batch without labels"
    assert len(batch) == len(features), f"{len(features)} features make {len(batch)} sequences"
    assert batch.lengths.tolist() == [len(feature) for feature in features], "lengths are not the windows'"
    parts = sum(subject.task.collate([feature]).num_targets for feature in features)
    assert close(parts, batch.num_targets), f"num_targets: {parts} one by one, {batch.num_targets} together"
    counted = int((batch.labels != IGNORE_INDEX).sum())
    assert subject.weighted or batch.num_targets == counted, (
        f"num_targets is {batch.num_targets}, but {counted} targets are there"
    )
    bare = subject.task.collate(subject.encode(subject.unlabelled("no target")))
    assert bare.labels is None or bool((bare.labels == IGNORE_INDEX).all()), "labels without a target"


def _loss_is_a_sum(subject: Subject) -> None:
    task, model, features = subject.task, subject.predictor.model.eval(), subject.features()
    whole = task.loss(model, task.collate(features))
    assert whole.dim() == 0, f"the loss has the shape {tuple(whole.shape)}"
    assert bool(torch.isfinite(whole)), f"the loss is {whole.item()}"
    half = len(features) // 2
    for parts in ([[feature] for feature in features], [features[:half], features[half:]]):
        total = sum(task.loss(model, task.collate(part)).item() for part in parts)
        assert close(total, whole.item()), (
            f"the loss of {len(features)} windows is {whole.item()}, of {len(parts)} parts {total}"
        )
    model.zero_grad()
    whole.backward()  # type: ignore[no-untyped-call]
    moved = [p for p in model.parameters() if p.grad is not None and bool(p.grad.abs().sum() > 0)]
    model.zero_grad()
    assert moved, "the loss moves no parameter"


# From outputs to a verdict


def _batches_do_not_matter(subject: Subject) -> None:
    examples = [*subject.examples, *map(subject.unlabelled, ("short", "long " * 40, *STRANGE_TEXTS))]
    alone = subject.predictions(1, examples)
    assert [p.example_id for p in alone] == [e.id for e in examples], "predictions are not in order"
    for batch_tokens in (64, 150, 10**6):
        same(alone, subject.predictions(batch_tokens, examples), f"in batches of {batch_tokens} tokens")
    backwards = subject.predictions(150, examples[::-1])[::-1]
    same(alone, backwards, "in the reverse order")
    same(alone, [subject.predictions(64, [example])[0] for example in examples], "one call each")


def _predictions_have_the_schema(subject: Subject) -> None:
    for prediction in subject.predictions(4096):
        fields = prediction.to_json()
        assert json.loads(as_json(fields)) == fields, f"a prediction is not JSON-ready: {fields}"
        for name, wanted in _FIELD_TYPES.items():
            fits = name not in fields or isinstance(fields[name], wanted)
            assert fits, f"the field {name} of a prediction is {fields.get(name)!r}"
        probabilities = fields.get("probabilities", {})
        assert all(0 <= p <= 1 for p in probabilities.values()), f"probabilities: {probabilities}"
        loss, rank = fields.get("gold_loss", 0.0), fields.get("gold_rank", 1)
        assert loss >= 0, f"minus the log-probability of the gold text is {loss}"
        assert 1 <= rank <= fields.get("num_ranked", 1), f"the gold text has the rank {rank}: {fields}"
        if "label" in fields and probabilities:
            assert close(sum(probabilities.values()), 1), f"probabilities add up to {probabilities}"
            assert fields["label"] == max(probabilities, key=lambda name: probabilities[name])


def _rows_and_predictions_are_read_again(subject: Subject) -> None:
    task, predictions = subject.task, subject.predictions(4096)
    for row, example, prediction in zip(subject.rows, subject.examples, predictions, strict=True):
        gold = json.loads(as_json(task.target(example)))
        fields = json.loads(as_json(joined_row(row, prediction, split="test", gold=gold)))
        try:
            again = task.read_prediction(prediction.example_id, fields)
        except ConfigError:
            return  # the task does not offer it: its runs cannot be compared
        assert again == prediction, f"read_prediction gives {again}, not {prediction}"
        own = Row(own_columns(fields, again), row.origin)
        assert task.read(own) == example, f"a stored row is read as {task.read(own)}, not {example}"
        assert as_json(task.answer(again)), "an answer is not JSON-ready"


def _scores_and_sections_are_made(subject: Subject) -> None:
    predictions = subject.predictions(4096)
    scores = subject.task.score(subject.examples, predictions)
    assert scores.num_examples == len(subject.examples), "scores leave examples out"
    assert scores.primary in scores.values(), f"the primary metric {scores.primary} is not among the scores"
    for section in subject.task.describe(subject.examples, predictions):
        json.loads(as_json(section.to_json()))


def _baselines_answer(subject: Subject) -> None:
    for name, make in subject.task.baselines(subject.predictor.tokenizer).items():
        baseline = make()
        baseline.fit(subject.examples)
        answers = baseline.predict(subject.examples)
        assert [answer.example_id for answer in answers] == [example.id for example in subject.examples]
        ours = subject.task.score(subject.examples, subject.predictions(4096))
        theirs = subject.task.score(subject.examples, answers)
        assert theirs.primary == ours.primary, f"the baseline {name} is scored by another metric"
        for answer in answers:
            as_json(answer.to_json())


def _saved_and_loaded_is_the_same(subject: Subject) -> None:
    task = subject.task.calibrate(subject.examples, subject.predictor.outputs(subject.examples))
    again = type(task).from_json(task.config, json.loads(as_json(task.to_json())))
    assert as_json(again.to_json()) == as_json(task.to_json()), "from_json does not undo to_json"
    calibrated = Predictor(task, subject.predictor.model, subject.predictor.tokenizer, Runtime())
    before = list(calibrated.predict(subject.examples))
    run = RunDir(subject.folder / "run")
    run.path.mkdir(parents=True, exist_ok=True)
    write_json(run.task, task_to_json(task))
    save_model(calibrated.model, calibrated.tokenizer, run.model, calibrated.tokenizer.max_length_tokens)
    same(before, list(calibrated.predict(subject.examples)), "after the model was saved")
    same(before, list(Predictor.load(run, Runtime()).predict(subject.examples)), "after loading")
    difference = task.artefact_difference(run.model, subject.examples, before)
    assert difference is None or difference <= TOLERANCE, f"the saved model is off by {difference}"


CHECKS: Sequence[Callable[[Subject], None]] = (
    _columns_are_checked,
    _rows_are_refused_with_their_place,
    _own_rows_are_read_alike_when_adapted,
    _columns_are_inferred_when_named,
    _texts_and_targets_agree,
    _strata_are_hashable,
    _windows_fit_the_model,
    _long_texts_are_windowed_or_counted,
    _targets_are_counted,
    _loss_is_a_sum,
    _batches_do_not_matter,
    _predictions_have_the_schema,
    _rows_and_predictions_are_read_again,
    _scores_and_sections_are_made,
    _baselines_answer,
    _saved_and_loaded_is_the_same,
)
