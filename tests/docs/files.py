"""The files that the commands of the pages work on: each sample in every format for it, and a few more.

A page shows the first lines of such a file in a block with `title="NAME"`; a test holds the two together.
Not for: the files with faults that a page shows whole (those are written from the page itself).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

NUM_REVIEWS = 200
SHORT = 68
NUM_MENTIONS = 120

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
_WORDS = {
    "a": ("DET", "DT", "Definite=Ind|PronType=Art"),
    "an": ("DET", "DT", "Definite=Ind|PronType=Art"),
    "the": ("DET", "DT", "Definite=Def|PronType=Art"),
    "old": ("ADJ", "JJ", "Degree=Pos"),
    "through": ("ADP", "IN", "_"),
    "in": ("ADP", "IN", "_"),
    "at": ("ADP", "IN", "_"),
    "near": ("ADP", "IN", "_"),
    "can": ("AUX", "MD", "VerbForm=Fin"),
    "not": ("PART", "RB", "_"),
    ".": ("PUNCT", ".", "_"),
}
"""Words that are neither noun nor verb: part of speech in UD and in the Penn Treebank, and features."""

_VERBS = {"runs": "run", "plays": "play", "cuts": "cut", "reads": "read"}

_TREES = ("Ash", "Elm", "Oak", "Thorn", "Birch", "Hazel")
_PLACE_ENDINGS = ("by", "ford", "ton", "wick")
_FIRST_NAMES = ("Ruth", "Silas", "Edda", "Piers", "Nora", "Jonas")
_LAST_NAMES = ("Parr", "Crane", "Moss", "Hale")


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
    _write_mentions(folder)
    (folder / "four.conll").write_text("\n".join(["-DOCSTART- -X- -X- O\n", *_news()]), encoding="utf-8")
    (folder / "treebank.conllu").write_text("".join(_trees()), encoding="utf-8")
    _write_passages(folder)
    _write_translations(folder)
    _write_conversations(folder)


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


def _write_mentions(folder: Path) -> None:
    """Texts with entities: as spans of characters, as words with tags, and as columns."""
    lines = _sample("mentions", "train.jsonl").splitlines()[1 : NUM_MENTIONS + 1]
    marked = sorted(map(json.loads, lines), key=lambda row: not row["entities"] or len(row["text"]) > SHORT)
    _write_json_lines(
        folder / "mentions.jsonl", [{"text": r["text"], "entities": r["entities"]} for r in marked]
    )
    tagged = [_tagged(row) for row in marked]
    rows: list[dict[str, object]] = [{"tokens": words, "ner_tags": tags} for words, tags in tagged]
    _write_json_lines(folder / "tokens.jsonl", rows)
    columns = ["".join(f"{w} {t}\n" for w, t in zip(*pair, strict=True)) for pair in tagged]
    (folder / "mentions.conll").write_text("\n".join(columns), encoding="utf-8")
    _write_json_lines(folder / "texts.jsonl", [{"text": row["text"]} for row in marked[:20]])


def _tagged(row: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Words, punctuation apart, and their IOB2 tags."""
    words, tags = [], []
    for match in re.finditer(r"\w+|[^\w\s]", row["text"]):
        around = [e for e in row["entities"] if e["start"] <= match.start() < e["end"]]
        inside = around and match.start() > around[0]["start"]
        words.append(match[0])
        tags.append(f"{'I' if inside else 'B'}-{around[0]['label']}" if around else "O")
    return words, tags


def _news() -> Iterator[str]:
    """Sentences in four columns, as CoNLL-2003 has them."""
    for verb, (mason, town, year) in product(("left", "saw"), _bridges()):
        first, last = mason.split()
        yield (
            f"{first} NNP B-NP B-person\n{last} NNP I-NP I-person\n{verb} VBD B-VP O\n{town} NNP B-NP B-place\n"
            f"in IN B-PP O\n{year} CD B-NP B-date\n. . O O\n"
        )


def _bridges() -> Iterator[tuple[str, str, str]]:
    """Who built the bridge of which town, and when."""
    towns = (tree + ending for tree, ending in product(_TREES, _PLACE_ENDINGS))
    masons = (f"{first} {last}" for first, last in product(_FIRST_NAMES, _LAST_NAMES))
    for number, (town, mason) in enumerate(zip(towns, masons, strict=True), 1):
        yield mason, town, str(1700 + 11 * number)


def _trees() -> Iterator[str]:
    """Sentences in CoNLL-U without their trees; in every fourth a multiword token."""
    for number, (place, deed, subject) in enumerate(product(_PLACES, _DEEDS, _SUBJECTS), 1):
        verb, _, rest = deed.partition(" ")
        said, words = verb, [verb]
        if number % 4 == 2:
            said, words = f"cannot {_VERBS[verb]}", ["can", "not", _VERBS[verb]]
        words = [*subject.split(), *words, *rest.split(), *place.split(), "."]
        lines = [f"# sent_id = s{number}", f"# text = {subject} {said} {rest}{place}."]
        for index, word in enumerate(words, 1):
            if word == "can":
                lines.append("\t".join([f"{index}-{index + 1}", "cannot", *"________"]))
            glued = "SpaceAfter=No" if index == len(words) - 1 else "_"
            lines.append("\t".join([str(index), word, *_analysis(word), "_", "_", "_", glued]))
        yield "\n".join(lines) + "\n\n"


def _analysis(word: str) -> tuple[str, str, str, str]:
    """Lemma, two parts of speech and features."""
    if word in _VERBS:
        return _VERBS[word], "VERB", "VBZ", "Number=Sing|Person=3|Tense=Pres"
    if word in _VERBS.values():
        return word, "VERB", "VB", "VerbForm=Inf"
    lemma = "a" if word.lower() == "an" else word.lower()
    return lemma, *_WORDS.get(word.lower(), ("NOUN", "NN", "Number=Sing"))


def _write_passages(folder: Path) -> None:
    """Questions on passages: as a SQuAD document, one a line, and as MRQA has them."""
    articles, flat = [], []
    mrqa: list[dict[str, object]] = [{"header": {"dataset": "bridges", "split": "train"}}]
    for number, (mason, town, year) in enumerate(_bridges(), 1):
        context = f"The bridge at {town} was built in {year} by {mason}, of stone from a quarry nearby."
        asked = [
            (f"When was the bridge at {town} built?", year),
            (f"Who built the bridge at {town}?", mason),
            (f"How long is the bridge at {town}?", None),
        ]
        questions, detected = [], []
        for place, (question, answer) in enumerate(asked, 1):
            name = f"{number}-{place}"
            starts = [] if answer is None else [context.index(answer)]
            texts = [] if answer is None else [answer]
            given = [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)]
            impossible = {"is_impossible": answer is None}
            questions.append({"id": name, "question": question, **impossible, "answers": given})
            answers = {"text": texts, "answer_start": starts}
            flat.append({"id": name, "context": context, "question": question, "answers": answers})
            if answer is not None:
                found = [{"text": answer, "char_spans": [[starts[0], starts[0] + len(answer) - 1]]}]
                detected.append(
                    {"qid": name, "question": question, "answers": texts, "detected_answers": found}
                )
        articles.append({"title": town, "paragraphs": [{"context": context, "qas": questions}]})
        mrqa.append({"context": context, "qas": detected})
    document = json.dumps({"version": "v2.0", "data": articles}, indent=1)
    (folder / "passages.json").write_text(document, encoding="utf-8")
    _write_json_lines(folder / "questions.jsonl", flat)
    names = {"question": "query", "context": "passage", "answers": "reply"}
    renamed: list[dict[str, object]] = [{names.get(key, key): row[key] for key in row} for row in flat]
    _write_json_lines(folder / "asked.jsonl", renamed)
    _write_json_lines(folder / "mrqa.jsonl", mrqa)


def _write_translations(folder: Path) -> None:
    """Sentences in two languages: a file each, as JSON lines, as a table, as a translation memory; and summaries."""
    sides = {code: _sample("pairs", f"train.{code}").splitlines() for code in ("en", "de")}
    pairs = list(zip(sides["en"], sides["de"], strict=True))
    for code, lines in sides.items():
        (folder / f"guests.{code}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    splits = folder / "house_en_de"
    splits.mkdir()
    for name, code in product(("train", "validation", "test"), sides):
        (splits / f"{name}.{code}").write_text(_sample("pairs", f"{name}.{code}"), encoding="utf-8")
    rows: list[dict[str, object]] = [{"translation": {"en": one, "de": two}} for one, two in pairs]
    _write_json_lines(folder / "translations.jsonl", rows)
    table = "".join(f"{one}\t{two}\n" for one, two in [("en", "de"), *pairs])
    (folder / "translations.tsv").write_text(table, encoding="utf-8")
    (folder / "memory.tmx").write_text(_memory(pairs), encoding="utf-8")
    _write_json_lines(
        folder / "articles.jsonl",
        [
            {
                "article": f"The {work} at {town} was built in {year} by {mason}, of stone from a quarry nearby. "
                "It took three summers, and people come from afar to see it.",
                "summary": f"{mason} built the {work} at {town} in {year}.",
            }
            for work, (mason, town, year) in product(("bridge", "tower", "mill"), _bridges())
        ],
    )


def _memory(pairs: list[tuple[str, str]]) -> str:
    units = "".join(
        f'  <tu>\n   <tuv xml:lang="en"><seg>{one}</seg></tuv>\n   <tuv xml:lang="de"><seg>{two}</seg></tuv>\n  </tu>\n'
        for one, two in pairs
    )
    header = '<header srclang="en" segtype="sentence" datatype="plaintext"/>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n {header}\n <body>\n{units} </body>\n</tmx>\n'


def _write_conversations(folder: Path) -> None:
    """Conversations at a desk, the shortest first, in every form."""
    lines = _sample("conversations", "train.jsonl").splitlines()
    talks = [[(turn["role"], turn["content"]) for turn in json.loads(line)["messages"]] for line in lines]
    talks.sort(key=lambda talk: sum(len(text) for _, text in talk))
    names = {"user": "human", "assistant": "gpt"}
    _write_json_lines(
        folder / "desk.jsonl",
        [{"messages": [{"role": role, "content": text} for role, text in talk]} for talk in talks],
    )
    _write_json_lines(
        folder / "shared.jsonl",
        [{"conversations": [{"from": names[role], "value": text} for role, text in talk]} for talk in talks],
    )
    marked = "".join(" __eou__ ".join(text for _, text in talk) + " __eou__\n" for talk in talks)
    (folder / "dialogues.txt").write_text(marked, encoding="utf-8")
    names = {"user": "User", "assistant": "Bot"}
    spoken = ("".join(f"{names[role]}: {text}\n" for role, text in talk) for talk in talks)
    (folder / "talks.txt").write_text("\n".join(spoken), encoding="utf-8")
    speakers = {"user": "reader", "assistant": "desk"}
    turns = [
        [f"c{number}", speakers[role], text] for number, talk in enumerate(talks, 1) for role, text in talk
    ]
    _write_csv(folder / "turns.csv", ["conversation_id", "speaker", "text"], turns)
    _write_csv(folder / "prompts.csv", ["prompt", "response"], [[talk[0][1], talk[1][1]] for talk in talks])


def _sample(folder: str, name: str) -> str:
    return (resources.files("tunewell") / "samples" / folder / name).read_text(encoding="utf-8")
