"""Questions on a text: a row read into a question with its answers, each at its place in the context.

An answer must stand where the file says that it stands. Where it does not, the row is refused, or, if the user
asks for it, the answer is moved to its nearest occurrence. Not for: file formats (`sources`), which columns hold
what (`question_columns`), token ids (the task), or what counts as a right answer (`tunewell.metrics.answers`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunewell.core.errors import DataError
from tunewell.core.examples import Answer, QuestionExample, Row
from tunewell.data import values
from tunewell.data.findings import SHOWN, Finding, plural, snippet
from tunewell.data.occurrences import likely_place, occurrences
from tunewell.data.question_columns import Columns, check_not_printed, spelt_answers

_SHOWN_CHARACTERS = 40
_FIX_PLACE = f"{values.MEND_OR_DROP}; when training, --set task.repair_answer_start=true moves answers to the nearest occurrence"

# One row


def read_question(row: Row, columns: Columns, *, labelled: bool, repair: bool = False) -> QuestionExample:
    """One row, checked; without `labelled` texts may be blank and answers are not looked at.

    Answers are `{"text": [...], "answer_start": [...]}`, a list of `{"text", "answer_start"}`, a list of texts or
    one text (with a column `answer_start` or none). An answer without a start is looked for. No answers, or `is_impossible`, means that the context does
    not answer the question. With `repair`, an answer that is not at its `answer_start` is moved to its nearest
    occurrence. Raises `DataError`.
    """
    example_id = values.row_id(row)
    try:
        question = values.text(row, columns.question, blank=not labelled)
        context = values.text(row, columns.context, blank=not labelled)
        answers = None
        if labelled:
            stated = _stated(row, columns.answers)
            answers = tuple(_placed(row, context, text, start, repair) for text, start in stated)
    except DataError as error:
        what = f"question {example_id}: {error.what}"
        raise DataError(what, where=error.where, fix=error.fix or values.MEND_OR_DROP) from None
    return QuestionExample(example_id, row.origin, question, context, answers, group_id=passage_id(context))


def passage_id(context: str) -> str:
    """What ties the questions on one passage together: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(context.encode("utf-8")).hexdigest()[:16]


def _stated(row: Row, column: str) -> list[tuple[str, int | None]]:
    """The answers as the file has them: text and start."""
    where = str(row.origin)
    impossible = None
    if row.values.get("is_impossible") not in (None, ""):
        impossible = values.flag(row, "is_impossible")
    value = row.values.get(column)
    if value is None:
        if impossible:
            return []
        fix = f"{values.MEND_OR_DROP}; an empty list means that the context does not answer the question"
        raise DataError(f"column {column!r} is missing", where=where, fix=fix)
    check_not_printed(column, value, where)
    stated = _parsed(row, column, spelt_answers(value))
    for text, _ in stated:
        values.text(Row({column: text}, row.origin), column)
    if impossible and stated:
        raise DataError(
            f"is_impossible is true, and yet there is the answer {_short(stated[0][0])}",
            where=where,
            fix="correct one of the two, or --set data.on_bad_row=drop",
        )
    if impossible is False and not stated:
        raise DataError(
            "is_impossible is false, and yet there is no answer",
            where=where,
            fix="correct one of the two, or --set data.on_bad_row=drop",
        )
    return stated


def _parsed(row: Row, column: str, value: Any) -> list[tuple[str, int | None]]:
    where = str(row.origin)
    if isinstance(value, str):
        return [(value, _start(row, row.values.get("answer_start")))] if value.strip() else []
    if isinstance(value, Mapping):
        if "text" not in value:
            raise DataError(
                f"column {column!r} holds no 'text' but {', '.join(map(repr, value))}", where=where
            )
        texts, starts = value["text"], value.get("answer_start")
    elif isinstance(value, list) and value and all(isinstance(answer, Mapping) for answer in value):
        texts = [answer.get("text") for answer in value]
        starts = [answer.get("answer_start") for answer in value]
    else:
        texts, starts = value, row.values.get("answer_start")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"column {column!r} holds {_short(value)}, which is no list of texts", where=where)
    if starts is None or starts == "":
        starts = [None] * len(texts)
    starts = starts if isinstance(starts, list) else [starts]
    if len(starts) != len(texts):
        numbers = f"{plural(len(texts), 'text')} and {len(starts)} answer_start"
        raise DataError(f"column {column!r} holds {numbers}", where=where)
    return [(text, _start(row, start)) for text, start in zip(texts, starts, strict=True)]


def _start(row: Row, value: Any) -> int | None:
    if value is None or value == "":
        return None
    number = values.as_number(value)
    if number is None or not number.is_integer():
        raise DataError(f"answer_start is {_short(value)}, which is no whole number", where=str(row.origin))
    return int(number)


def _placed(row: Row, context: str, text: str, start: int | None, repair: bool) -> Answer:
    """The answer at its place; raises `DataError` when it is not there."""
    if start is not None and start >= 0 and context.startswith(text, start):
        return Answer(text, start)
    nearest = likely_place(context, text, start)
    if nearest is None:
        raise DataError(f"answer {_short(text)} does not occur in the context", where=str(row.origin))
    if start is None:
        return Answer(text, nearest, "found")
    if repair:
        return Answer(text, nearest, "moved")
    stands = f"where {_short(context[start : start + len(text)])} stands"
    if not 0 <= start < len(context):
        stands = f"for the context has {plural(len(context), 'character')}"
        stands += ", counted from 0" if start < 0 else ""
    num_others = len(occurrences(context, text)) - 1
    more = f" (and {num_others} more)" if num_others else ""
    message = f"answer {_short(text)} is not at {start}, {stands}; it occurs at {nearest}{more}"
    raise DataError(message, where=str(row.origin), fix=_FIX_PLACE)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_CHARACTERS else shown[: _SHOWN_CHARACTERS - 4] + "..." + shown[-1]


# Examples


def with_texts(example: QuestionExample, question: str, context: str) -> QuestionExample:
    """The same question on other texts, each answer where it now stands, nearest to its old place.

    An answer that the new context does not hold is dropped. When all are, the new context does not answer the
    question, and the example says so with no answers.
    """
    answers = example.answers
    if answers and context != example.context:
        answers = tuple(
            replace(answer, char_start=place)
            for answer in answers
            if (place := likely_place(context, answer.text, answer.char_start or 0)) is not None
        )
    return replace(example, question=question, context=context, answers=answers)


def main_answer(answers: Sequence[Answer]) -> Answer:
    """The one to learn from when people gave several: the most frequent text; of equals, the first."""
    counts = Counter(answer.text for answer in answers)
    return max(answers, key=lambda answer: counts[answer.text])


def main_span(answers: Sequence[Answer]) -> tuple[int, int] | None:
    """Where the main answer stands in its context, in characters; None without answers."""
    main = main_answer(answers) if answers else None
    if main is None or main.char_start is None:
        return None
    return main.char_start, main.char_start + len(main.text)


def places_of(answers: Sequence[Answer]) -> list[tuple[int, int]]:
    """The different places of several answers in their context, half-open in characters, in order."""
    places = [(a.char_start, a.char_start + len(a.text)) for a in answers if a.char_start is not None]
    return list(dict.fromkeys(places))


def texts_of(answers: Sequence[Answer]) -> list[str]:
    """The different texts of several answers, in order."""
    return list(dict.fromkeys(answer.text for answer in answers))


def examine(splits: Mapping[str, Sequence[QuestionExample]]) -> list[Finding]:
    """What is worth knowing of questions and answers: ids that repeat, places mended or guessed, lacking answers."""
    findings = []
    for split, examples in splits.items():
        findings += [*_about_ids(split, examples), *_about_places(split, examples)]
    shares = {
        split: (sum(example.answers == () for example in examples), len(examples))
        for split, examples in splits.items()
    }
    for split, (count, total) in shares.items():
        if count:
            message = (
                f"{split}: {plural(count, 'question')} of {total:,} ({count / total:.1%}) have no answer"
            )
            findings.append(Finding("no-answer", "info", message))
    if "train" in shares and not shares["train"][0] and any(count for count, _ in shares.values()):
        message = "no training question is without answer, so a model cannot learn when there is none"
        findings.append(Finding("no-answer-absent-from-train", "warning", message))
    return findings


def _about_ids(split: str, examples: Sequence[QuestionExample]) -> list[Finding]:
    """Ids that stand on several questions."""
    by_id: dict[str, list[QuestionExample]] = {}
    for example in examples:
        by_id.setdefault(example.id, []).append(example)
    repeated = {name: those for name, those in by_id.items() if len(those) > 1}
    if not repeated:
        return []
    count = sum(map(len, repeated.values()))
    stand = "1 id stands" if len(repeated) == 1 else f"{len(repeated):,} ids stand"
    message = f"{split}: {stand} on {count:,} questions; whatever matches predictions by id will mix these up"
    shown = tuple(
        f"id {snippet(name)} at {', '.join(str(example.origin) for example in those[:SHOWN])}"
        for name, those in list(repeated.items())[:SHOWN]
    )
    return [Finding("repeated-ids", "warning", message, shown)]


def _about_places(split: str, examples: Sequence[QuestionExample]) -> list[Finding]:
    """Answers whose places are not the file's."""
    findings = []
    for placed, said in _PLACED.items():
        concerned = [
            (example, answer)
            for example in examples
            for answer in example.answers or ()
            if answer.placed == placed
        ]
        if not concerned:
            continue
        several = sum(len(occurrences(example.context, answer.text)) > 1 for example, answer in concerned)
        more = f"; {several:,} of them stand in several places" if several else ""
        shown = tuple(
            f"{example.origin} {snippet(answer.text)} at {answer.char_start}"
            for example, answer in concerned[:SHOWN]
        )
        message = f"{split}: {plural(len(concerned), 'answer')} {said}{more}"
        findings.append(Finding(f"answer-{placed}", "warning", message, shown))
    return findings


_PLACED = {
    "moved": "did not stand at answer_start and moved to the nearest occurrence",
    "found": "without answer_start, taken where the text first stands as whole words, or else anywhere",
}
