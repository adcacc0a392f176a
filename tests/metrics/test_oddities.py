"""Loops, copies, wrong scripts and odd lengths are seen, and what only looks like them is left alone."""

from __future__ import annotations

import time

import pytest

from tunewell.metrics.oddities import is_copy, is_repetitive, odd_output, script_of


@pytest.mark.parametrize(
    "text",
    [
        "the the the the",
        "A man in a blue shirt in a blue shirt in a blue shirt in a blue shirt.",
        "Ein Mann, ein Mann, ein Mann, ein Mann steht.",
        "Die Hauptstadt ist Berlin und die Stadt ist die Stadt ist die Stadt ist die Stadt ist",
        "这是一个人这是一个人这是一个人这是一个人",
        "我我我我我我",
        "แมวแมวแมวแมว",
        "undundundundundund",
        "!!!!!!!!!!!!",
        "0 0 0 0 0 0 0 0 0 0",
        "Ha ha ha!",
    ],
)
def test_loops(text: str) -> None:
    assert is_repetitive(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the",
        "A man and a woman and a dog and a cat are in the park.",
        "Ein Hund rennt über eine Wiese, und ein Hund liegt im Gras.",
        "It costs 1 000 000 000 dollars in all, said the minister.",
        "Well ... I do not know ...",
        "It is a very, very, very long story that nobody wants to hear again today, believe me.",
        "今天天气很好，我们去公园吧。",
        "她笑着说：哈哈哈，你真有意思，我们明天再来这里见面吧",
        "Mississippi",
        "www.example.com",
        "------",
        "000000000000000",
        "2026-01-01T00:00:00.000000000000Z",
    ],
)
def test_no_loops(text: str) -> None:
    assert not is_repetitive(text)


@pytest.mark.parametrize(
    ("source", "output", "copied"),
    [
        ("A man sleeps.", "A man sleeps.", True),
        ("A man sleeps.", "a man sleeps", True),
        ("A man sleeps.", "Ein Mann schläft.", False),
        ("Anna Schmidt", "Anna Schmidt", True),
        ("", "", False),
        ("我不知道", "我不知道。", True),
        (
            "Two young guys with shaggy hair look at their hands outside.",
            "Two young guys with shaggy hair look at their Hände outside.",
            True,
        ),
        ("Two young guys look at their hands.", "Two young guys look at their dogs and cats.", False),
        ("one two three four five six", "six five four three two one", False),
    ],
)
def test_copies(source: str, output: str, copied: bool) -> None:
    assert is_copy(source, output) is copied


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello, Welt!", "Latin"),
        ("Ｈｅｌｌｏ", "Latin"),
        ("Привет, world", "Cyrillic"),
        ("我喜欢 iPhone 手机吗", "Han"),
        ("東京に行きます", "Japanese"),
        ("カタカナ", "Japanese"),
        ("이것은 고양이", "Hangul"),
        ("مرحبا", "Arabic"),
        ("हिन्दी", "Devanagari"),
        ("ไทย", "Thai"),
        ("123 😀!", ""),
        ("", ""),
    ],
)
def test_scripts(text: str, script: str) -> None:
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("source", "reference", "output", "found"),
    [
        ("A dog.", "Ein Hund.", "Ein Hund.", []),
        ("A dog.", "Ein Hund.", " ", ["empty"]),
        ("", "", "", []),
        ("He laughs: ha ha ha", "Er lacht: ha ha ha", "Er lacht: ha ha ha", []),
        ("He laughs.", "Er lacht.", "ha ha ha", ["repeats itself"]),
        ("Angela Merkel", "Angela Merkel", "Angela Merkel", []),
        ("Good morning", "Guten Morgen", "Good morning", ["copies the source"]),
        ("I do not know.", "我不知道。", "I do not know.", ["copies the source", "wrong script"]),
        ("I do not know.", "我不知道。", "我知道", []),
        ("I have an iPhone.", "我有一部iPhone手机。", "我有iPhone", []),
        ("Tokyo", "東京です", "东京", []),
        ("Hello there", "Привет всем", "Hallo alle", ["wrong script"]),
        (
            "Two men in blue stand at the stove.",
            "Zwei Männer in Blau stehen am Herd.",
            "Zwei Männer",
            ["far too short"],
        ),
        (
            "A dog.",
            "Ein Hund.",
            "Ein Hund rennt über eine grüne Wiese vor dem Haus.",
            ["far too long"],
        ),
        ("Yes.", "Ja.", "Ja, gern.", []),
        ("Say no", None, "No no no no no", ["repeats itself"]),
        ("No no no no", None, "Nein nein nein nein", []),
    ],
)
def test_what_is_odd(source: str, reference: str | None, output: str, found: list[str]) -> None:
    assert odd_output(source, reference, output) == found


def test_thousands_of_texts_take_a_moment() -> None:
    texts = ["Ein Mann in einem blauen Hemd steht auf einer Leiter und putzt ein Fenster."] * 1000
    texts += ["这是一个很长的句子，说的是今天的天气。" * 3] * 1000 + ["a" * 5000] * 3
    begun = time.perf_counter()
    for text in texts:
        odd_output("A man in a blue shirt stands on a ladder cleaning a window.", texts[0], text)
    assert time.perf_counter() - begun < 5
