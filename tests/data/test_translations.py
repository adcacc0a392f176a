"""Pairs of texts: rows read, faults placed, and what is said of many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunewell.core.errors import DataError
from tunewell.core.examples import Origin, Row, TranslationExample
from tunewell.data.findings import Finding
from tunewell.data.sources import SourceSettings, read
from tunewell.data.translation_columns import PairColumns, guess_columns
from tunewell.data.translations import examine, read_pair, value_of

PLAIN = PairColumns("en", "de", "en", "de")
DOTTED = PairColumns("translation.en", "translation.de", "en", "de")


def row(file: str = "f.tsv", **values: Any) -> Row:
    return Row(values, Origin(file, 7))


def test_pairs() -> None:
    assert read_pair(row(en=" Hi", de="Hallo"), PLAIN, labelled=True) == TranslationExample(
        "7", Origin("f.tsv", 7), " Hi", "Hallo"
    )
    nested = row(id="a-1", translation={"en": "Hi", "de": "Hallo", "fr": None})
    read_nested = read_pair(nested, DOTTED, labelled=True)
    assert (read_nested.id, read_nested.source, read_nested.target) == ("a-1", "Hi", "Hallo")
    assert read_pair(row(en=""), PLAIN, labelled=False).target is None
    assert value_of(row(**{"a.b": "x", "a": {"b": "y"}}), "a.b") == "x"
    assert value_of(row(a={"b.c": "y"}), "a.b.c") == "y"
    assert value_of(row(a="text"), "a.b") is None


def test_indonesian_texts_are_no_ids() -> None:
    assert (
        read_pair(row(id="Selamat pagi", en="x"), PairColumns("en", "id", "en", "id"), labelled=True).id
        == "7"
    )


@pytest.mark.parametrize(
    ("values", "columns", "what"),
    [
        ({"en": " ", "de": "x"}, PLAIN, "column 'en' is blank"),
        ({"en": "x", "de": ""}, PLAIN, "column 'de' is blank"),
        ({"en": "x"}, PLAIN, "column 'de' is missing"),
        ({"en": 5, "de": "x"}, PLAIN, "column 'en' holds 5, not a text"),
        ({"en": "x", "de": "\ud800"}, PLAIN, "half of a surrogate pair"),
        (
            {"translation": "Hi"},
            DOTTED,
            "column 'translation' holds 'Hi', which is no object of texts by language",
        ),
        ({"translation": ["a", "b"]}, DOTTED, "which is no object"),
        ({"translation": {"en": "x"}}, DOTTED, "column 'translation' has no 'de', only 'en'"),
        ({"translation": {"fr": "x"}}, DOTTED, "column 'translation' has no 'en', only 'fr'"),
        ({"translation": {}}, DOTTED, "column 'translation' has no 'en', only nothing"),
        (
            {"translation": {"en": "x", "de": {"a": 1}}},
            DOTTED,
            "column 'translation.de' holds {'a': 1}, not a text",
        ),
        ({"translation": {"en": "x", "de": " "}}, DOTTED, "column 'translation.de' is blank"),
        ({"translation": None}, DOTTED, "column 'translation.en' is missing"),
    ],
)
def test_faults(values: dict[str, Any], columns: PairColumns, what: str) -> None:
    with pytest.raises(DataError) as caught:
        read_pair(row(**values), columns, labelled=True)
    assert what in caught.value.what
    assert caught.value.where == "f.tsv:7"
    assert "data.on_bad_row=drop" in str(caught.value.fix)


def test_a_blank_line_is_placed_in_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "t.en").write_text("a\nb\nc\n")
    (tmp_path / "t.de").write_text("x\n\nz\n")
    rows = read(str(tmp_path / "t"))["train"].rows
    with pytest.raises(DataError) as caught:
        read_pair(rows[1], PLAIN, labelled=True)
    assert caught.value.where == f"{tmp_path / 't.de'}:2"
    assert read_pair(rows[2], PLAIN, labelled=True).origin.line == 3


def test_json_lines_of_the_hub(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"id": str(n), "translation": {"en": f"number {n} here", "de": f"Nummer {n} hier"}} for n in range(5)
    ]
    records[3]["translation"] = "number 3"
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(DataError, match=r"t\.jsonl:4: key 'translation' holds text"):
        read(str(path))
    kept = read(str(path), SourceSettings(on_bad_row="drop"))["train"]
    columns = guess_columns(kept.columns, kept.rows, {})
    assert columns == DOTTED
    assert [read_pair(row, columns, labelled=True).id for row in kept.rows] == ["0", "1", "2", "4"]


def pairs(*texts: tuple[str, str], file: str = "f") -> list[TranslationExample]:
    return [
        TranslationExample(str(n), Origin(file, n), source, target)
        for n, (source, target) in enumerate(texts, start=1)
    ]


GOOD = [(f"a sentence with number {n} in it", f"ein Satz mit der Nummer {n} darin") for n in range(1000)]
RUSSIAN = [(f"a sentence with number {n} in it", f"предложение с номером {n}") for n in range(1000)]


def codes(found: list[Finding]) -> dict[str, str]:
    return {finding.code: finding.severity for finding in found}


def test_nothing_to_say() -> None:
    twice = [*GOOD, *((source, target + "!") for source, target in GOOD)]
    assert examine({"train": pairs(*twice), "test": pairs(*GOOD[:3])}, "en", "de") == []
    assert examine({"train": pairs(*RUSSIAN)}, "en", "ru") == []
    assert examine({"train": []}, None, None) == []


def test_untranslated() -> None:
    few = examine({"train": pairs(("OK", "ok "), *GOOD)}, "en", "de")
    assert codes(few) == {"untranslated": "info"}
    assert "1 pair of 1,001 (0.1%)" in few[0].message
    assert few[0].examples == ("f:1 'OK' -> 'ok '",)
    many = examine({"train": pairs(*((source, source) for source, _ in GOOD[:20]), *GOOD)}, "en", "de")
    assert codes(many) == {"untranslated": "warning"}
    assert len(many[0].examples) == 5
    assert codes(examine({"train": pairs(*((s, s) for s, _ in GOOD))}, "en", "de")) == {
        "untranslated": "error"
    }


def test_accents_that_are_characters_of_their_own() -> None:
    found = pairs(("coffee", "caf\u00e9"), ("tea", "the\u0301"), ("milk", "lait"))
    (finding,) = examine({"train": found}, "en", "fr")
    assert (finding.code, finding.severity) == ("not-nfc", "info")
    assert finding.message.startswith("train: 1 pair of 3 (33.3%) have targets in which letters")
    assert "tea" in finding.examples[0]


def test_swapped_sides() -> None:
    swapped = [(target, source) for source, target in RUSSIAN[:20]]
    (one,) = examine({"train": pairs(*RUSSIAN, swapped[0])}, "en", "ru")
    assert (one.code, one.severity) == ("swapped-sides", "warning")
    assert one.examples[0].startswith("f:1001 'предложение")
    (whole,) = examine({"train": pairs(*RUSSIAN), "validation": pairs(*swapped)}, "en", "ru")
    assert whole.message.startswith("validation: 20 pairs of 20 (100.0%)")
    (turned,) = examine({"train": pairs(*RUSSIAN)}, "ru", "en")
    assert turned.code == "swapped-languages"
    assert "the other way round than ru and en are written" in turned.message


def test_odd_lengths() -> None:
    long = ("a sentence", "ein Satz, " * 30)
    short = ("a sentence that is rather long, as sentences go, and goes on and on and on", "ein")
    few = examine({"train": pairs(*GOOD, long, short)}, "en", "de")
    assert codes(few) == {"odd-lengths": "info"}
    assert [example.split()[0] for example in few[0].examples] == ["f:1001", "f:1002"]
    assert codes(examine({"train": pairs(*GOOD, *[long] * 10)}, "en", "de")) == {"odd-lengths": "warning"}
    assert examine({"train": pairs(*GOOD[:10], long)}, "en", "de") == []


def test_summaries_have_any_length() -> None:
    summaries = [("a word of many " * (1 + n % 40), f"a summary, number {n}") for n in range(400)]
    assert examine({"train": pairs(*summaries)}, None, None) == []
    assert codes(examine({"train": pairs(*summaries)}, "en", "de")) == {"odd-lengths": "warning"}


def test_swapped_sides_between_ideographs_and_kana() -> None:
    japanese = [(f"我的第{n}只猫在睡觉", f"私の{n}匹の猫は寝ている") for n in range(30)]
    back = ("ここに猫がいます", "这里有猫")
    (one,) = examine({"train": pairs(*japanese, back)}, "zh", "ja")
    assert (one.code, len(one.examples)) == ("swapped-sides", 1)
    assert "sources in Japanese script, targets in Han" in one.message
    # From English, a target of ideographs alone is Japanese all the same, and so is such a source, swapped.
    english = [(f"cat number {n} is asleep", target) for n, (_, target) in enumerate(japanese)]
    (one,) = examine({"train": pairs(*english, ("the city", "東京都"), ("東京都", "the city"))}, "en", "ja")
    assert (one.code, len(one.examples)) == ("swapped-sides", 1)
