"""Every built-in task keeps the promises of the seam, with every family of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tunewell.tasks import TASKS
from tunewell.testing import (
    CHATML,
    CHATML_TOKENS,
    FAMILIES,
    TRANSLATORS,
    check_task,
    tiny_causal,
    tiny_translator,
)


@dataclass(frozen=True)
class Case:
    """One way to use a task: its settings, how a text becomes a record, and what must be refused.

    `models` are the models that it is shown with: by default every family, for each has a head of these kinds.
    """

    task: str
    settings: dict[str, Any]
    record: Callable[[int, str], dict[str, Any]]
    refused: Sequence[dict[str, Any]]
    weighted: bool = False
    models: Sequence[str] = tuple(FAMILIES)
    num_rows: int = 24


def _tone(text: str) -> str:
    return "bad" if any(word in text for word in ("dull", "cold", "clumsy")) else "good"


def _entities(index: int, text: str) -> list[dict[str, Any]]:
    """What is judged and, in every third text, how: one word, and one to four."""
    judged, tone = text.split()[1], text[text.index(" was ") + 5 :]
    found = [{"start": 4, "end": 4 + len(judged), "label": "THING"}]
    if index % 3 == 0:
        found.append({"start": len(text) - len(tone), "end": len(text), "label": "TONE"})
    return found


def _words(text: str) -> list[str]:
    return text.split()


def _entity_tags(index: int, text: str) -> list[str]:
    tone = (
        ["B-TONE", *["I-TONE"] * (len(_words(text)) - 4)] if index % 3 == 0 else ["O"] * len(_words(text)[3:])
    )
    return ["O", "B-THING", "O", *tone]


def _question(index: int, text: str) -> dict[str, Any]:
    thing, tone = text.split()[1], text.split()[3]
    return {
        "id": f"q{index}",
        "question": f"how was the {thing}?",
        "context": f"{text}, they said. " * (1 + index % 3),
        "answers": {"text": [tone], "answer_start": [text.index(tone)]},
    }


def _pair(index: int, text: str) -> dict[str, Any]:
    return {"en": text, "de": " ".join(text.split()[:0:-1]) + " so" * (index % 3)}


def _conversation(index: int, text: str) -> dict[str, Any]:
    thing, tone = text.split()[1], text.split()[3]
    said = [("user", f"how was the {thing}?"), ("assistant", text)]
    if index % 2:
        said += [("user", "really? " * (1 + index % 3)), ("assistant", f"yes, {tone}")]
    if index % 3 == 0:
        said.insert(0, ("system", "you saw it"))
    return {"messages": [{"role": role, "content": words} for role, words in said]}


_WRITING = {"source": "en", "target": "de", "max_target_tokens": 12}
_LANGUAGES = {"source_language": "en", "target_language": "de"}
_TALKING = {"messages": "messages", "num_distractors": 3, "max_reply_tokens": 8}
_NO_CONVERSATIONS: Sequence[dict[str, Any]] = [
    {"messages": []},
    {"messages": 3},
    {"messages": [{"role": "user", "content": "is anybody there?"}]},
    {"messages": [{"role": "assistant", "content": "hello"}]},
    {"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "hello"}]},
    {"messages": [{"role": "judge", "content": "a"}, {"role": "assistant", "content": "b"}]},
]

CASES = {
    "single label": Case(
        "text-classification",
        {"text": "text", "label": "label", "kind": "single_label"},
        lambda index, text: {"text": text, "label": "none" if index % 5 == 0 else _tone(text)},
        [{"label": "goood"}, {"label": None}, {"text": " "}, {"text": 3}],
    ),
    "weighted labels": Case(
        "text-classification",
        {
            "text": "text",
            "label": "label",
            "kind": "single_label",
            "class_weights": "balanced",
            "label_smoothing": 0.1,
        },
        lambda index, text: {"text": text, "label": "none" if index % 5 == 0 else _tone(text)},
        [{"label": "goood"}],
        weighted=True,
    ),
    "several labels": Case(
        "text-classification",
        {"text": "text", "label": "label", "kind": "multi_label"},
        lambda index, text: {"text": text, "label": [_tone(text), f"third {index % 3}"][: index % 3]},
        [{"label": ["good", "unheard of"]}, {"label": None}],
    ),
    "pairs": Case(
        "text-classification",
        {"text": ["premise", "hypothesis"], "label": "label", "kind": "single_label"},
        lambda index, text: {
            "premise": text,
            "hypothesis": text[4:14] * (index % 3 + 1),
            "label": _tone(text),
        },
        [{"label": "unheard of"}, {"hypothesis": None}, {"premise": ""}],
    ),
    "values": Case(
        "text-classification",
        {"text": "text", "label": "label", "kind": "regression"},
        lambda index, text: {"text": text, "label": 100 + index / 3},
        [{"label": "many"}, {"label": float("nan")}],
    ),
    "entities": Case(
        "token-classification",
        {"tokens": "tokens", "column": "tags", "scheme": "iob2", "max_length_tokens": 16},
        lambda index, text: {"tokens": _words(text), "tags": _entity_tags(index, text)},
        [
            {"tags": ["O"]},
            {"tags": None},
            {"tokens": "one two"},
            {"tokens": ["the", " ", "was", "great"]},
            {"tags": ["O", "B-UNHEARD", "O", "O"]},
            {"tags": ["O", "THING", "O", "O"]},
        ],
    ),
    "legal entities": Case(
        "token-classification",
        {
            "tokens": "tokens",
            "column": "tags",
            "scheme": "iob1",
            "constrained": True,
            "on_illegal_tag": "refuse",
        },
        lambda index, text: {
            "tokens": _words(text),
            "tags": [tag.replace("B-", "I-") for tag in _entity_tags(index, text)],
        },
        [{"tags": ["O", "B-THING", "O", "O"]}],
    ),
    "spans": Case(
        "token-classification",
        {"tokens": "text", "column": "entities", "scheme": "spans", "labels": ["THING", "TONE"]},
        lambda index, text: {"text": text, "entities": _entities(index, text)},
        [
            {"entities": [{"start": 0, "end": 0, "label": "THING"}]},
            {"entities": [{"start": 0, "end": 400, "label": "THING"}]},
            {"entities": [{"start": 0, "end": 3, "label": "UNHEARD"}]},
            {"entities": [[0, 6, "THING"], [4, 8, "TONE"]]},
            {"entities": None},
            {"text": ""},
        ],
    ),
    "parts of speech": Case(
        "token-classification",
        {"tokens": "tokens", "column": "upos", "scheme": "plain"},
        lambda index, text: {
            "id": f"s{index}",
            "tokens": _words(text),
            "upos": ["DET", "NOUN", "AUX", "ADJ", *["ADV"] * (len(_words(text)) - 4)],
        },
        [{"upos": ["DET"]}, {"upos": ["UNHEARD"] * 4}, {"tokens": []}],
    ),
    "questions": Case(
        "question-answering",
        {"question": "question", "context": "context", "answers": "answers"},
        lambda index, text: _question(index, text),
        [
            {"answers": {"text": ["unheard of"], "answer_start": [0]}},
            {"answers": {"text": ["the"], "answer_start": [1]}},
            {"answers": None},
            {"answers": [], "is_impossible": False},
            {"is_impossible": True},
            {"question": " "},
            {"context": 3},
        ],
    ),
    "unanswerable": Case(
        "question-answering",
        {
            "question": "question",
            "context": "passage",
            "answers": "answer",
            "max_length_tokens": 40,
            "max_question_tokens": 12,
            "overlap_tokens": 10,
        },
        lambda index, text: {
            "question": _question(index, text)["question"],
            "passage": _question(index, text)["context"],
            "answer": "" if index % 3 == 0 else text.split()[3],
        },
        [{"answer": "unheard of"}, {"passage": ""}],
    ),
    "languages": Case(
        "translation",
        {**_WRITING, **_LANGUAGES, "num_beams": 2, "no_repeat_ngram_size": 3},
        _pair,
        [{"de": None}, {"en": " "}, {"en": 3}, {"de": ""}],
        models=("marian", "t5", "mbart", "m2m_100", "nllb", "bart", "encoder-decoder"),
        num_rows=8,
    ),
    "a decoder from an encoder": Case(
        "translation",
        {**_WRITING, "decoder": "from-encoder", "num_beams": 1, "rouge": True, "label_smoothing": 0.0},
        _pair,
        [{"de": None}],
        models=("bert",),
        num_rows=8,
    ),
    "replies": Case(
        "dialogue",
        _TALKING,
        _conversation,
        _NO_CONVERSATIONS,
        models=("gpt2 that talks", "llama that talks", "llama with a template", "t5", "bart"),
        num_rows=8,
    ),
    "all turns, drawn": Case(
        "dialogue",
        {**_TALKING, "replies": "all", "system": "say what you think", "temperature": 0.8, "top_p": 0.9},
        _conversation,
        [{"messages": [["one", "two", "three"]]}],
        models=("gpt2 that talks", "t5"),
        num_rows=8,
    ),
}
PROMISES = [(name, model) for name, case in CASES.items() for model in case.models]


def test_every_task_has_a_case() -> None:
    assert {case.task for case in CASES.values()} == set(TASKS)


@pytest.fixture(scope="module")
def models(
    tiny: Callable[[str], Path], texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Folders of models that read, as `tiny` gives them, and of models that write."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name in FAMILIES:
            return tiny(name)
        if name not in made:
            path, family = tmp_path_factory.mktemp(name.replace(" ", "-")), name.partition(" ")[0]
            if name in TRANSLATORS:
                made[name] = tiny_translator(path, name, texts)
            elif name.endswith("template"):
                made[name] = tiny_causal(
                    path, family, texts, chat_template=CHATML, special_tokens=CHATML_TOKENS
                )
            else:
                made[name] = tiny_causal(path, family, texts)
        return made[name]

    return folder


@pytest.mark.parametrize(("name", "model"), PROMISES)
def test_the_task_keeps_its_promises(
    name: str, model: str, models: Callable[[str], Path], texts: list[str], tmp_path: Path
) -> None:
    case = CASES[name]
    chosen = (texts[::4] + texts[1::4])[:: 24 // case.num_rows]
    rows = [case.record(index, text) for index, text in enumerate(chosen)]
    check_task(
        case.task,
        case.settings,
        rows,
        models(model),
        tmp_path,
        refused=case.refused,
        weighted=case.weighted,
    )
