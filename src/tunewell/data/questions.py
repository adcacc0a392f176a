"""Questions on passages: what files for reading comprehension nest is laid out as one row a question.

Two forms are understood. A SQuAD document (v1.1 and v2.0, CMRC 2018) holds articles, these paragraphs with a
`context`, and these `qas`. MRQA's JSON lines hold a passage each, after a line that is only a header. A row has
`id`, `title` (where the file has titles), `context`, `question`, `answers` (`text` and `answer_start`, two lists of
one length; absent where the file has no answers) and `is_impossible` (where the file has it). The rows of one
passage share one `context`. Whatever else a question carries is left out.

Not for: finding the records of a file (`json_documents`, `json_records`), or whether an answer stands where it
says (the task, which knows how to treat one that does not).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from tunewell.core.examples import Origin, Row
from tunewell.data.json_values import BadJson
from tunewell.data.reading import Reading


class _Fault(ValueError):
    """What is wrong with an article, a paragraph or a question."""


def are_articles(records: list[object]) -> bool:
    """Whether the records are articles of a SQuAD document, at least one of them beyond doubt."""
    return any(
        isinstance(paragraph, dict) and ("qas" in paragraph or "context" in paragraph)
        for record in records
        if isinstance(record, dict) and isinstance(record.get("paragraphs"), list)
        for paragraph in record["paragraphs"]
    )


def is_header(value: Mapping[str, Any]) -> bool:
    """Whether a record is nothing but a header, as the first line of MRQA's files is."""
    return list(value) == ["header"]


def is_passage(value: Mapping[str, Any]) -> bool:
    """Whether a record is a passage with its questions."""
    return "context" in value and isinstance(value.get("qas"), list)


def read_articles(articles: list[object], reading: Reading) -> Iterator[Row]:
    """One row for each question of a SQuAD document.

    An origin's line is the running number of the question in the document, from 1; an article or paragraph so
    broken that its questions cannot be counted takes one number.
    """
    number = 0
    keys = _keys(articles)
    seen: dict[str, int] = {}
    for place, title, paragraph in _paragraphs(articles):
        if isinstance(paragraph, _Fault):
            number += 1
            reading.refuse(f"{paragraph} ({place})", number, fix="mend the document")
            continue
        first, questions = number + 1, paragraph["qas"]
        context = paragraph.get("context")
        if not isinstance(context, str):
            number += max(1, len(questions))
            _refuse_passage(context, place, first, number, reading)
            continue
        number += len(questions)
        for index, question in enumerate(questions):
            where = f"{place}, question {index + 1}"
            row = _row(question, context, where, first + index, reading, seen)
            if row is None:
                continue
            if title is not None:
                row["title"] = title
            if "id" in keys and "id" not in row:
                reading.refuse(
                    f"the question has no id, which others have ({where})",
                    first + index,
                    fix="give each question an id of its own",
                )
                continue
            # A value that only other questions have is not known here: null, as anywhere in a table.
            yield Row({key: row.get(key) for key in keys}, Origin(reading.file, first + index))


def read_passage(
    value: Mapping[str, Any], number: int, reading: Reading, seen: dict[str, int]
) -> Iterator[Row]:
    """One row for each question of the passage on line `number`; `seen` remembers ids from line to line."""
    context, questions = value.get("context"), value.get("qas")
    if not isinstance(context, str) or not isinstance(questions, list):
        what = f"context {_kind(context)}" if not isinstance(context, str) else f"qas {_kind(questions)}"
        reading.refuse(
            f"a passage with {what}", number, fix="give it a context (text) and qas (a list of questions)"
        )
        return
    for index, question in enumerate(questions, start=1):
        row = _row(question, context, f"question {index} of the line", number, reading, seen)
        if row is None:
            continue
        if "id" not in row:
            reading.refuse(
                f"the question has neither qid nor id (question {index} of the line)",
                number,
                fix="give each question an id of its own",
            )
            continue
        yield Row(row, Origin(reading.file, number))


def _paragraphs(articles: list[object]) -> Iterator[tuple[str, str | None, dict[str, Any] | _Fault]]:
    """Each paragraph with its place in words and its article's title, or what is wrong with it."""
    for number, article in enumerate(articles, start=1):
        place = f"article {number}"
        if isinstance(article, BadJson):
            yield place, None, _Fault(f"{article.what}; none of the article's questions can be read")
            continue
        if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
            yield place, None, _Fault("an article must be an object with a list of paragraphs")
            continue
        title = article.get("title")
        if not isinstance(title, str):
            title = None
        else:
            place = f"{place}, {title[:40]!r}"
        for index, paragraph in enumerate(article["paragraphs"], start=1):
            where = f"{place}, paragraph {index}"
            if not isinstance(paragraph, dict) or "qas" not in paragraph:
                yield where, title, _Fault("a paragraph must be an object with a context and qas")
            elif not isinstance(paragraph["qas"], list):
                yield where, title, _Fault(f"qas {_kind(paragraph['qas'])}, where a list is expected")
            else:
                yield where, title, paragraph


def _keys(articles: list[object]) -> tuple[str, ...]:
    """The columns of all rows: those that at least one question of the document has."""
    found = {"context", "question"}
    for _, title, paragraph in _paragraphs(articles):
        if title is not None:
            found.add("title")
        if isinstance(paragraph, _Fault):
            continue
        for question in paragraph["qas"]:
            if isinstance(question, dict):
                found.update(key for key in ("is_impossible", "answers") if question.get(key) is not None)
                if question.get("is_impossible") is True or "detected_answers" in question:
                    found.add("answers")
                if _name(question) is not None:
                    found.add("id")
    order = ("id", "title", "context", "question", "answers", "is_impossible")
    return tuple(key for key in order if key in found)


def _refuse_passage(context: object, place: str, first: int, last: int, reading: Reading) -> None:
    """Report a paragraph without a context once; each of its questions counts as a bad row."""
    what = f"context {_kind(context)}, where text is expected ({place})"
    reading.refuse(what, first, fix="give the paragraph its context")
    reading.expect_aftermath(last)
    for number in range(first + 1, last + 1):
        reading.refuse(what, number)
    reading.expect_aftermath(0)


def _row(
    question: object, context: str, place: str, number: int, reading: Reading, seen: dict[str, int]
) -> dict[str, Any] | None:
    """The row of one question, without what belongs to its article; None where it was refused."""
    try:
        row = _flat(question, context)
    except _Fault as fault:
        named = _name(question) if isinstance(question, dict) else None
        place = place if named is None else f"question {named!r}: {place}"
        reading.refuse(f"{fault} ({place})", number, fix="mend the question")
        return None
    name = row.get("id")
    if name is not None and name in seen:
        reading.refuse(
            f"the question id {name!r} is there twice, first as {reading.where(seen[name])} ({place})",
            number,
            fix="give each question an id of its own",
        )
        return None
    if name is not None:
        seen[name] = number
    return row


def _flat(question: object, context: str) -> dict[str, Any]:
    if not isinstance(question, dict):
        raise _Fault("a question must be an object")
    row: dict[str, Any] = {}
    name = _name(question)
    if isinstance(name, str):
        row["id"] = name
    elif name is not None:
        raise _Fault(f"id {_kind(name)}, where text is expected")
    text = question.get("question")
    if not isinstance(text, str):
        raise _Fault(f"question {_kind(text)}, where text is expected")
    row["context"], row["question"] = context, text
    impossible = question.get("is_impossible")
    if impossible is not None and not isinstance(impossible, bool):
        raise _Fault(f"is_impossible {_kind(impossible)}, where true or false is expected")
    answers = _answers(question, context)
    if answers is None and impossible:
        answers = []
    if answers is not None:
        row["answers"] = {
            "text": [text for text, _ in answers],
            "answer_start": [start for _, start in answers],
        }
    if impossible is not None:
        row["is_impossible"] = impossible
    return row


def _name(question: dict[str, Any]) -> object:
    """The question's own id, a whole number as text; whatever is no id is given back as it is."""
    name = question.get("id", question.get("qid"))
    return str(name) if isinstance(name, int) and not isinstance(name, bool) else name


def _answers(question: dict[str, Any], context: str) -> list[tuple[str, int]] | None:
    """Text and start of each answer; None where the question says nothing of answers."""
    answers = question.get("answers")
    if answers is not None and not isinstance(answers, list):
        raise _Fault(f"answers {_kind(answers)}, where a list is expected")
    detected = question.get("detected_answers")
    if detected is not None:
        return _detected(detected, answers or [], context)
    if answers and isinstance(answers[0], str):
        raise _Fault("answers without places: neither answer_start nor detected_answers")
    if not answers and "qid" in question:
        return None  # MRQA's files without answers hold an empty list
    return None if answers is None else [_answer(answer) for answer in answers]


def _answer(answer: object) -> tuple[str, int]:
    if not isinstance(answer, dict):
        raise _Fault(f"an answer {_kind(answer)}, where an object with text and answer_start is expected")
    text, start = answer.get("text"), answer.get("answer_start")
    if not isinstance(text, str):
        raise _Fault(f"an answer's text {_kind(text)}, where text is expected")
    if not isinstance(start, int) or isinstance(start, bool):
        raise _Fault(f"answer_start {_kind(start)}, where a whole number is expected")
    return text, start


def _detected(detected: object, answers: list[Any], context: str) -> list[tuple[str, int]]:
    """MRQA's answers: each place where one was found, both ends inclusive, as a slice of the context."""
    if not isinstance(detected, list):
        raise _Fault(f"detected_answers {_kind(detected)}, where a list is expected")
    if answers and not detected:
        raise _Fault("detected_answers is empty: none of the answers is in the context")
    found: list[tuple[str, int]] = []
    for answer in detected:
        if not isinstance(answer, dict) or not isinstance(answer.get("char_spans"), list):
            raise _Fault("a detected answer must be an object with text and char_spans")
        for span in answer["char_spans"]:
            if not (
                isinstance(span, list)
                and len(span) == 2
                and all(isinstance(end, int) and not isinstance(end, bool) for end in span)
            ):
                raise _Fault("char_spans must hold pairs of whole numbers, first and last character")
            start, last = span
            if not 0 <= start <= last < len(context):
                raise _Fault(f"char_spans [{start}, {last}] in a context of {len(context)} characters")
            text, named = context[start : last + 1], answer.get("text")
            if not isinstance(named, str) or not _same_words(named, text):
                raise _Fault(f"the context has {text[:60]!r} at [{start}, {last}], not {str(named)[:60]!r}")
            found.append((text, start))
    return found


def _same_words(first: str, second: str) -> bool:
    """Whether two texts are equal, or one holds the other, but for case, accents, blanks and punctuation."""
    one, two = _letters(first), _letters(second)
    return first == second or (bool(one and two) and (one in two or two in one))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def _kind(value: object) -> str:
    """What a value that is of the wrong kind is, as the end of a clause."""
    if value is None:
        return "is missing"
    if isinstance(value, BadJson):
        return value.what
    kinds: dict[type, str] = {
        str: "is text",
        bool: "is true or false",
        list: "is a list",
        dict: "is an object",
    }
    return kinds.get(type(value), "is a number" if not isinstance(value, float) else f"is {value!r:.20}")
