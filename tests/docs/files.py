"""The files that the commands of the pages work on: the reviews of the sample in every format, and a few more.

A page shows the first lines of such a file in a block with `title="NAME"`; a test holds the two together.
Not for: the files with faults that a page shows whole (those are written from the page itself).
"""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path

NUM_REVIEWS = 200
SHORT = 68

_SUBJECTS = ("A dog", "A child", "An old man", "A woman", "A band", "A cook", "A cyclist", "A painter")
_DEEDS = {
    "runs through the snow": ("is outside in winter", "lies on a sofa", "is looking for a friend"),
    "plays a guitar": ("makes music", "is silent", "practises for a concert"),
    "cuts an onion": ("prepares food", "eats in a restaurant", "is about to cry"),
    "reads a newspaper": ("is reading", "cannot read", "looks for a new job"),
}
_PLACES = ("", " in the park", " at night", " near the station")
_TOPICS = {
    "battery": ("the battery lasts two days", "it is empty by noon", "charging takes all night"),
    "screen": ("the screen is sharp", "the glass cracked in a week", "colours look washed out"),
    "price": ("it was cheap", "I paid far too much", "the price is fair"),
}


def write_files(folder: Path) -> None:
    """Every file that the pages speak of, the same ones each time."""
    # Short ones first: a page shows the first lines of a file.
    reviews = sorted(_reviews("train")[:NUM_REVIEWS], key=lambda review: len(review[0]) > SHORT)
    _write_csv(folder / "reviews.csv", ["text", "label"], reviews)
    _write_csv(folder / "other.csv", ["text", "label"], _reviews("test")[:60])
    _write_csv(folder / "new.csv", ["text"], [[text] for text, _ in _reviews("validation")[:30]])
    _write_csv(folder / "small.csv", ["text", "label"], reviews[:60])
    _write_csv(folder / "semicolons.csv", ["text", "label"], reviews, delimiter=";")
    _write_csv(folder / "bare.csv", [], reviews)
    _write_csv(folder / "answers.csv", ["comment", "reply", "stars"], _answers())
    ids = {"positive": "1", "negative": "0"}
    lines = [["sentence", "label"], *([text, ids[label]] for text, label in reviews)]
    (folder / "glue.tsv").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    _write_pairs(folder / "pairs.tsv")
    _write_json_lines(folder / "reviews.jsonl", [{"text": t, "label": label} for t, label in reviews])
    _write_json_lines(folder / "topics.jsonl", _topics())
    parts = {"train": reviews[:140], "validation": reviews[140:170], "test": reviews[170:]}
    document = {name: [{"text": t, "label": label} for t, label in part] for name, part in parts.items()}
    (folder / "reviews.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    (folder / "reviews").mkdir()
    for name, part in parts.items():
        _write_csv(folder / "reviews" / f"{name}.csv", ["text", "label"], part)
    (folder / "texts.txt").write_text("Works like a charm.\nBroke on the second day.\n", encoding="utf-8")


def _reviews(split: str) -> list[list[str]]:
    path = resources.files("tunewell") / "samples" / "reviews" / f"{split}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [[row["text"], row["label"]] for row in csv.DictReader(file)]


def _write_csv(path: Path, header: list[str], rows: list[list[str]], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerows([header, *rows] if header else rows)


def _write_json_lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _write_pairs(path: Path) -> None:
    judgments = ("entailment", "contradiction", "neutral")
    lines = ["premise\thypothesis\tlabel\trelatedness"]
    count = 0
    for place in _PLACES:
        for deed, others in _DEEDS.items():
            for subject in _SUBJECTS:
                kind = count % 3
                relatedness = (4.5, 2.1, 3.3)[kind] + (count % 5) / 10
                lines.append(
                    f"{subject} {deed}{place}\t{subject} {others[kind]}\t{judgments[kind]}\t{relatedness:.1f}"
                )
                count += 1
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _answers() -> list[list[str]]:
    return [
        [f"{sentence}{place}, says the {who}", "thank you", str(1 + (index + number) % 5)]
        for index, sentences in enumerate(_TOPICS.values())
        for number, sentence in enumerate(sentences)
        for place in ("", " as well", " this time", " again")
        for who in ("owner", "seller")
    ]


def _topics() -> list[dict[str, object]]:
    names = list(_TOPICS)
    rows: list[dict[str, object]] = []
    for first, name in enumerate(names):
        for second in range(first, len(names)):
            for number in range(3):
                for other in range(3):
                    parts = [_TOPICS[name][number]]
                    if second != first:
                        parts.append(_TOPICS[names[second]][other])
                    text = ", and ".join(parts) + ("", " indeed", ", sadly")[other]
                    labels = [name] if second == first else [name, names[second]]
                    rows.append({"text": text[0].upper() + text[1:] + ".", "labels": labels})
    return rows
