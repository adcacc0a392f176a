"""What is shown of answers to questions on a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewell.core.examples import AnswerPrediction, QuestionExample
from tunewell.core.questions import question_word
from tunewell.core.sections import Lines, Mark, MarkedText, Section, Table
from tunewell.data.answer_kinds import length_class, length_classes
from tunewell.data.answers import main_answer, places_of, texts_of
from tunewell.tasks.showing.confidence import marked_mistakes_and_doubts, reliability
from tunewell.tasks.showing.labels import weakest_and_strongest

if TYPE_CHECKING:
    from tunewell.metrics.judged import Judged
    from tunewell.metrics.tables import FloatArray

_MANY = 10
"""Kinds with fewer examples are not called the weakest or the strongest, if others have more."""

_NONE = "no answer"


def answer_sections(
    examples: Sequence[QuestionExample],
    predictions: Sequence[AnswerPrediction],
    judged: Judged,
    *,
    unit: str,
    threshold: float | None,
    tuned: bool,
) -> list[Section]:
    """Scores by kind of question and answer, the threshold, reliability, and the answers worth reading.

    Answers are as long as they have `unit`s: words or characters. `threshold` is how far "no answer" must be above
    the best answer, None where an answer is always given; `tuned` says that it comes from validation.
    """
    import numpy as np

    mains = [main_answer(example.answers).text if example.answers else None for example in examples]
    lengths = [main and length_class(main, unit) for main in mains]
    of_length = f"length of the gold answer in {unit}"
    asked = [question_word(example.question) for example in examples]
    sections: list[Section] = [
        _scores_by("question word", asked, judged.exact, judged.f1),
        _scores_by(of_length, lengths, judged.exact, judged.f1, in_order=length_classes(unit)),
    ]
    if not judged.has_answer.all():
        kinds = ["has an answer" if has else "no answer" for has in judged.has_answer]
        sections.insert(0, _scores_by("answerability", kinds, judged.exact, judged.f1))
    if threshold is not None and judged.has_margins:
        sections.append(_threshold_section(judged, threshold, tuned))
    sections.append(reliability(np.array([p.score for p in predictions]), judged.exact == 1))
    rows = zip(examples, predictions, judged.exact, judged.f1, strict=True)
    return sections + marked_mistakes_and_doubts([_entry(*row) for row in rows])


def _threshold_section(judged: Judged, threshold: float, tuned: bool) -> Section:
    from tunewell.metrics.answers import best_threshold, threshold_curve

    curves = {
        "exact match": threshold_curve(judged.margin, judged.best_exact, judged.has_answer),
        "F1": threshold_curve(judged.margin, judged.best_f1, judged.has_answer),
    }
    place, best = best_threshold(judged.margin, judged.best_f1, judged.has_answer)
    return Lines(
        "When does it say that there is no answer?",
        "Where no answer scores higher than the best answer by more than the threshold. To the left it hardly ever "
        "answers, to the right nearly always.",
        "threshold",
        {"F1": curves},
        marks={"chosen": threshold},
        shows=f"The threshold, {'tuned on validation' if tuned else 'given'}, is {threshold:.2f}, with F1 "
        f"{judged.f1.mean():.1%} here; at the best one for these questions, {place:.2f}, it would be {best:.1%}.",
    )


def _scores_by(
    name: str,
    kinds: Sequence[str | None],
    exact: FloatArray,
    f1: FloatArray,
    *,
    in_order: Sequence[str] = (),
) -> Table:
    """Exact match and F1 of answers `(questions,)` by their kind; questions without one are left out.

    Kinds stand as `in_order` has them, or else the most frequent first.
    """
    places: dict[str, list[int]] = {}
    for place, kind in enumerate(kinds):
        if kind is not None:
            places.setdefault(kind, []).append(place)
    listed = [kind for kind in in_order if kind in places] or sorted(
        places, key=lambda kind: -len(places[kind])
    )
    rows = [
        (kind, len(places[kind]), float(exact[places[kind]].mean()), float(f1[places[kind]].mean()))
        for kind in listed
    ]
    shows = ""
    many = [row for row in rows if row[1] >= _MANY] or rows
    if len(many) > 1:
        shows = weakest_and_strongest([(kind, f1_here, count) for kind, count, _, f1_here in many], "example")
    return Table(
        f"Scores by {name}",
        "Exact match: how many answers are a gold answer. F1: how much of the words of answer and gold answer is shared.",
        [name[:1].upper() + name[1:], "questions", "exact match", "F1"],
        [list(row) for row in rows],
        shows=shows,
    )


def _entry(example: QuestionExample, prediction: AnswerPrediction, exact: float, f1: float) -> MarkedText:
    """One question as the report shows it: the passage, where the answer stands and where it was found."""
    golds = example.answers or ()
    marks = [Mark(start, end, "answer", "gold") for start, end in places_of(golds)]
    if prediction.char_start is not None and prediction.char_end is not None:
        marks.append(Mark(prediction.char_start, prediction.char_end, "answer", "predicted"))
    facts: dict[str, str | float] = {
        "question": example.question,
        "gold": " | ".join(texts_of(golds)) or _NONE,
        "predicted": prediction.answer or _NONE,
        "confidence": prediction.score,
        "correct": "yes" if exact == 1 else "no",
        "f1": float(f1),
        "origin": str(example.origin),
    }
    return MarkedText(example.context, marks, facts)
