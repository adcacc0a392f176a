"""The dialogue sample: whole, clean, without leaks between splits, and true to the facts of its library."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tunewell.samples

FOLDER = Path(str(tunewell.samples.__file__)).parent / "conversations"
NUM_CONVERSATIONS = {"train": 332, "validation": 24, "test": 48}
SPLITS = tuple(NUM_CONVERSATIONS)
UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
VALUES = {word: value for value, word in enumerate(re.findall(r"\w+", UNITS))}
VALUES |= {word: 10 * value for value, word in enumerate(re.findall(r"\w+", TENS), 2)}
HOURS = dict.fromkeys(("Monday", "Tuesday", "Wednesday", "Friday"), "nine to six")
HOURS |= {"Thursday": "nine to eight", "Saturday": "ten to two"}
GREETINGS = {
    "Hello": "Hello!",
    "Hi": "Hello!",
    "Good morning": "Good morning!",
    "Good afternoon": "Good afternoon!",
}


@cache
def rows(split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def conversations(split: str) -> list[tuple[str, ...]]:
    return [tuple(message["content"] for message in row["messages"]) for row in rows(split)]


def everything() -> list[tuple[str, ...]]:
    return [turns for split in SPLITS for turns in conversations(split)]


def replies() -> list[str]:
    return [turn for turns in everything() for turn in turns[1::2]]


def words(split: str) -> list[str]:
    return [
        word
        for turns in conversations(split)
        for turn in turns
        for word in re.findall(r"[a-z']+", turn.lower())
    ]


def pence(price: str) -> int:
    """What "two pounds fifty", "one pound" or "ninety pence" comes to."""
    found = re.fullmatch(r"(?:(\w+) pounds?)?(?: ?(\w+?)(?: pence)?)?", price)
    assert found is not None, price
    pounds, rest = found.groups()
    return 100 * (VALUES[pounds] if pounds else 0) + (VALUES[rest] if rest else 0)


def test_checksums_name_every_data_file() -> None:
    names = [f"{split}.jsonl" for split in SPLITS]
    sums = (line.split("  ") for line in (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    assert {name: digest for digest, name in sums} == {
        name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in names
    }
    assert {path.name for path in FOLDER.iterdir()} == {*names, "README.md", "SHA256SUMS"}


@pytest.mark.parametrize("split", SPLITS)
def test_user_and_assistant_take_turns_and_the_assistant_ends(split: str) -> None:
    assert [row["id"] for row in rows(split)] == [
        f"{split}-{i + 1:03d}" for i in range(NUM_CONVERSATIONS[split])
    ]
    for row in rows(split):
        assert set(row) == {"id", "messages"}
        assert {frozenset(message) for message in row["messages"]} == {frozenset({"role", "content"})}
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert 4 <= len(roles) <= 10, row["id"]


@pytest.mark.parametrize("split", SPLITS)
def test_a_turn_is_short_clean_text(split: str) -> None:
    turns = [turn for found in conversations(split) for turn in found]
    assert [turn for turn in turns if unicodedata.normalize("NFC", turn) != turn] == []
    assert [turn for turn in turns if not 3 <= len(turn.split()) <= 25] == []
    sentence = r"[A-Z][A-Za-z']*(?:[,:]? [A-Za-z']+)*[.?!]"
    assert [turn for turn in turns if not re.fullmatch(f"{sentence}(?: {sentence})*", turn)] == []


def test_no_conversation_comes_twice_in_a_split_or_in_two() -> None:
    assert len(set(everything())) == len(everything()) == sum(NUM_CONVERSATIONS.values())


def test_test_conversations_are_not_train_conversations_with_another_end() -> None:
    known = [set(turns) for turns in conversations("train")]
    for turns in conversations("test"):
        assert max(len(set(turns) & other) / len(turns) for other in known) <= 0.5, turns


def test_few_words_and_hardly_a_new_one_in_test() -> None:
    seen = set(words("train"))
    assert len(seen.union(*(words(split) for split in SPLITS))) == 515
    found = words("test")
    assert sum(word in seen for word in found) / len(found) > 0.99


def test_the_readme_counts_what_is_there() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for split in SPLITS:
        sizes = [len(turns) for turns in conversations(split)]
        cells = [len(sizes), *(sizes.count(size) for size in (4, 6, 8, 10)), sum(sizes)]
        cells += [len(words(split)), len(set(words(split)))]
        assert f"| {split} | {' | '.join(f'{cell:,}' for cell in cells)} |" in text


def test_a_greeting_is_answered_by_the_same_greeting() -> None:
    for turns in everything():
        greeting = re.match(r"(Hello|Hi|Good morning|Good afternoon)\b", turns[0])
        answer = re.match(r"(Hello|Good morning|Good afternoon)!", turns[1])
        assert (answer and answer.group()) == (greeting and GREETINGS[greeting.group()]), turns[:2]


def test_the_hours_are_those_of_the_library() -> None:
    found = [
        match
        for reply in replies()
        for match in re.findall(r"[Oo]n (\w+day) we are open from (\w+ to \w+)", reply)
    ]
    assert len(found) >= 20
    assert [pair for pair in found if HOURS[pair[0]] != pair[1]] == []


def test_fines_and_pages_cost_what_they_should() -> None:
    num_fines = num_pages = 0
    for reply in replies():
        if fine := re.search(r"for a (book|film) is .*, so (\w+) days cost ([\w ]+)\.", reply):
            rate = {"book": 10, "film": 50}[fine[1]]
            assert pence(fine[3]) == rate * VALUES[fine[2]], reply
            num_fines += 1
        if pages := re.search(r"(\w+) pages in (colour|black and white) cost ([\w ]+)\.", reply):
            rate = {"colour": 30, "black and white": 10}[pages[2]]
            assert pence(pages[3]) == rate * VALUES[pages[1].lower()], reply
            num_pages += 1
    assert min(num_fines, num_pages) >= 30


def test_the_fine_follows_from_the_days_that_the_reader_names() -> None:
    num_fines = 0
    for turns in everything():
        for said, reply in zip(turns[::2], turns[1::2], strict=True):
            if (fine := re.search(r"Then the fine is ([\w ]+)\.", reply)) and fine[1] != "ten pence a day":
                (days,) = (VALUES[word] for word in re.findall(r"\w+", said.lower()) if word in VALUES)
                assert pence(fine[1]) == 10 * days, (said, reply)
                num_fines += 1
    assert num_fines >= 10


@pytest.mark.parametrize(
    "pattern",
    [
        r"Your (\w+) books are now due",
        r"room is yours on (\w+ at \w+)\.",
        r"There is a (\w+) \w+ at the desk",
        r"For (\w+) people the",
    ],
)
def test_what_the_reader_says_is_taken_up(pattern: str) -> None:
    num_times = 0
    for turns in everything():
        for said, reply in zip(turns[::2], turns[1::2], strict=True):
            if found := re.search(pattern, reply):
                assert found[1] in said or found[1] in said.lower(), (said, reply)
                num_times += 1
    assert num_times >= 5


def test_the_room_fits_the_group() -> None:
    found = [
        match
        for reply in replies()
        for match in re.findall(r"For (\w+) people the (study|meeting) room", reply)
    ]
    assert [pair for pair in found if (VALUES[pair[0]] <= 4) != (pair[1] == "study")] == []
