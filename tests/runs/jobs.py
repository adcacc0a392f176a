"""Whole runs in processes of their own; run through processes.py."""

from __future__ import annotations

import hashlib
import json
import random
import runpy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

WORDS = {
    "good": ("lovely", "fine", "bright", "moving", "a joy"),
    "bad": ("dull", "loud", "a bore", "far too long", "flat"),
    "so so": ("half done", "plain", "neither here nor there", "watchable", "it will do"),
}
FILLERS = ("the film", "its music", "every scene of it", "and", "the end", "was", "I thought", "on the whole")

STEPS, MICRO_STEPS = 10, 3
"""A run of `settings` has 10 steps of 3 micro-batches (3, 3 and 2 examples), 6 of them an epoch."""


def write_data(folder: Path) -> Path:
    """Ragged texts in three splits: 48, 18 and 18 rows."""
    draw = random.Random(11)
    folder.mkdir(parents=True, exist_ok=True)
    for split, number in (("train", 48), ("validation", 18), ("test", 18)):
        lines = ["id,text,label,split"]
        for index in range(number):
            label = list(WORDS)[index % 3]
            words = [draw.choice(FILLERS) for _ in range(draw.randint(0, 9))] + [draw.choice(WORDS[label])]
            draw.shuffle(words)
            lines.append(f"{split}-{index},{' '.join(words)} {index},{label},odd")
        (folder / f"{split}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_sentences(folder: Path) -> Path:
    """Tagged sentences in the same three splits; the first is longer than the tiny model reads at once."""
    names = {"person": ("Ada", "Bo Lind", "Cy"), "place": ("Oslo", "New Vale", "Rye")}
    return _write_rows(
        folder, lambda draw, index: _sentence(names, draw, 40 if index == 0 else draw.randint(1, 4))
    )


def _sentence(names: Mapping[str, Sequence[str]], draw: random.Random, number: int) -> dict[str, Any]:
    tokens: list[str] = []
    tags: list[str] = []
    for _ in range(number):
        words = draw.choice(FILLERS).split()
        tokens += words
        tags += ["O"] * len(words)
        kind = draw.choice(list(names))
        parts = draw.choice(names[kind]).split()
        tokens += parts
        tags += [f"B-{kind}", *[f"I-{kind}"] * (len(parts) - 1)]
    return {"tokens": tokens, "ner_tags": tags}


def write_questions(folder: Path) -> Path:
    """Questions on passages in the same three splits, a third without an answer, the first on a long passage."""
    return _write_rows(folder, _question)


def _question(draw: random.Random, index: int) -> dict[str, Any]:
    year, maker = str(draw.randint(1900, 2020)), draw.choice(("Ada", "Bo Lind", "Cy"))
    padding = " ".join(draw.choice(FILLERS) for _ in range(60 if index == 0 else draw.randint(1, 8)))
    context = f"{padding} {index} and it was made by {maker} in {year}"
    asked = ("Who made it?", "When was it made?", "Where was it made?")[index % 3]
    answer = (maker, year, None)[index % 3]
    starts = [] if answer is None else [context.rindex(answer)]
    return {
        "question": asked,
        "context": context,
        "answers": {"text": [] if answer is None else [answer], "answer_start": starts},
    }


def write_pairs(folder: Path) -> Path:
    """Sentences and what they are in capitals, their words the other way round; the first is a long one."""
    return _write_rows(folder, _pair)


def _pair(draw: random.Random, index: int) -> dict[str, Any]:
    words = [draw.choice(FILLERS) for _ in range(40 if index == 0 else draw.randint(1, 5))]
    return {"source": f"{' '.join(words)} {index}", "target": f"{index} {' '.join(words[::-1])}".upper()}


def write_conversations(folder: Path) -> Path:
    """Conversations of one to four replies; the first has many, and more words than a tiny model reads at once."""
    return _write_rows(folder, _conversation)


def _conversation(draw: random.Random, index: int) -> dict[str, Any]:
    messages = []
    for _ in range(12 if index == 0 else draw.randint(1, 4)):
        label = draw.choice(list(WORDS))
        asked = f"{' '.join(draw.choice(FILLERS) for _ in range(draw.randint(1, 5)))} {index}?"
        messages += [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": f"{draw.choice(WORDS[label])} {index}"},
        ]
    return {"messages": messages}


def _write_rows(folder: Path, row: Callable[[random.Random, int], dict[str, Any]]) -> Path:
    draw = random.Random(11)
    folder.mkdir(parents=True, exist_ok=True)
    for split, number in (("train", 48), ("validation", 18), ("test", 18)):
        rows = [{"id": f"{split}-{index}", **row(draw, index)} for index in range(number)]
        lines = "".join(json.dumps(values) + "\n" for values in rows)
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    return folder


WRITERS = {
    "text-classification": write_data,
    "token-classification": write_sentences,
    "question-answering": write_questions,
    "translation": write_pairs,
    "dialogue": write_conversations,
}

WRITTEN_BY = {
    "translation": {"num_beams": 2, "max_target_tokens": 12, "max_length_tokens": 64},
    "dialogue": {"num_distractors": 3, "max_reply_tokens": 8, "max_length_tokens": 64},
}
"""Settings of the tasks that write, whose models start from nothing: short texts, so that a run takes a second."""


def task_changes(task: str) -> dict[str, dict[str, Any]]:
    """What is changed in `settings` for a task that writes; nothing for others."""
    if task not in WRITTEN_BY:
        return {}
    sizes = {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 300}
    return {"task": {"name": task, **WRITTEN_BY[task]}, "model": {"from_scratch": True, **sizes}}


def write_model(folder: Path) -> Path:
    """A BERT of two layers, with dropout."""
    from tunewell.testing import tiny_model

    texts = [f"{' '.join(FILLERS)} {' '.join(words)}" for words in WORDS.values()]
    return tiny_model(folder, "bert", texts)


def settings(data: Path, model: Path, output: Path, **training: Any) -> dict[str, Any]:
    """A small run with everything on: dropout, accumulation, evaluations, checkpoints between them."""
    return {
        "data": {"train": str(data)},
        "model": {"name": str(model)},
        "output": {"folder": str(output)},
        "evaluation": {"resamples": 100, "rank_resamples": 100, "baselines": False},
        "training": {
            "epochs": 3,
            "max_steps": STEPS,
            "batch_size": 8,
            "micro_batch_size": 3,
            "learning_rate": 0.003,
            "evaluations_per_epoch": 2,
            "save_every_steps": 2,
            "log_every_steps": 1,
            "device": "cpu",
            "threads": 1,
            **training,
        },
    }


def fit(
    settings: Mapping[str, Any],
    outcome: str,
    points: Sequence[Mapping[str, Any]] = (),
    mode: str = "auto",
) -> int:
    """`runs.fit`, with `points` as in `processes.faults`; writes what was said and raised to `outcome`."""
    from tunewell import runs
    from tunewell.config import load_config
    from tunewell.core.errors import TunewellError
    from tunewell.sinks import Said
    from tunewell.tasks import task_config

    faults = runpy.run_path(str(Path(__file__).with_name("processes.py")))["faults"]
    found: dict[str, Any] = {"said": [], "error": None}

    def listen(event: Any) -> None:
        if isinstance(event, Said):
            found["said"].append(event.message)

    code = 0
    try:
        with faults(points) as counts:
            runs.fit(load_config(None, settings, task_config), mode=mode, sinks=[listen])
    except TunewellError as error:
        found |= {"error": type(error).__name__, "message": str(error)}
        code = error.exit_code
    found["counts"] = counts
    Path(outcome).write_text(json.dumps(found), encoding="utf-8")
    return code


def result(folder: Path) -> dict[str, Any]:
    """Everything of a finished run that must be the same in every bit, the clock left out."""
    last = max((folder / "checkpoints").glob("step-*"))
    files = [
        *sorted(
            path for name in ("model", "adapter") for path in (folder / name).rglob("*") if path.is_file()
        ),
        *sorted(path for path in last.iterdir() if path.name != "manifest.json"),
        *(folder / name for name in ("scores.json", "predictions.jsonl", "task.json")),
    ]
    found: dict[str, Any] = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    found["metrics.jsonl"] = [
        {
            key: value
            for key, value in json.loads(line).items()
            if not key.endswith(("_seconds", "_per_second"))
        }
        for line in lines
    ]
    return found
