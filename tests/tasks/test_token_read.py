"""How token classification reads rows, and what it refuses with file, line and token."""

from __future__ import annotations

from typing import Any

import pytest

from tunewell.config import task_settings
from tunewell.core.errors import ConfigError, DataError
from tunewell.core.examples import Origin, Row, TaggedExample
from tunewell.core.tags import spans
from tunewell.tasks import task_config
from tunewell.tasks.token_classification import TokenClassification, TokenClassificationConfig

TOKENS = ["Anna", "Lee", "saw", "Oslo", "."]
TAGS = ["B-PER", "I-PER", "O", "B-LOC", "O"]
TEXT = "Anna Lee saw Oslo."


def task(scheme: str = "iob2", **given: Any) -> TokenClassification:
    named = {"tokens": "tokens", "column": "tags", "scheme": scheme, **given}
    return TokenClassification.new(TokenClassificationConfig(**named))


def marked(**given: Any) -> TokenClassification:
    return task("spans", **{"tokens": "text", "column": "entities", **given})


def row(**values: Any) -> Row:
    return Row({"tokens": TOKENS, "tags": TAGS, **values}, Origin("data.jsonl", 12))


def spanned(entities: Any, text: str = TEXT) -> Row:
    return Row({"text": text, "entities": entities}, Origin("data.jsonl", 12))


def refusal(reader: TokenClassification, given: Row) -> str:
    with pytest.raises(DataError) as caught:
        reader.read(given)
    assert str(caught.value).startswith("data.jsonl:12: ")
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_words_and_tags() -> None:
    example = task().read(row())
    assert (example.id, example.text, example.tags) == ("12", "Anna Lee saw Oslo .", tuple(TAGS))
    assert example.tokens == tuple(TOKENS)
    assert task().read(row(id="q7")).id == "q7"


def test_words_stand_in_the_rows_own_text_where_it_holds_them() -> None:
    example = task().read(row(text=TEXT))
    assert (example.text, example.words[-1], example.tokens) == (TEXT, (17, 18), tuple(TOKENS))
    assert task().read(row(text="Another text.")).text == "Anna Lee saw Oslo ."
    assert task().read(row(text=None)).text == "Anna Lee saw Oslo ."


def test_chinese_characters_are_joined_without_blanks() -> None:
    example = task().read(
        row(tokens=list("\u6211\u5728\u5317\u4eac\u3002"), tags=["O", "O", "B-LOC", "I-LOC", "O"])
    )
    assert example.text == "\u6211\u5728\u5317\u4eac\u3002"
    assert example.words == ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5))


def test_a_text_in_the_place_of_words_is_cut() -> None:
    example = task().read(row(tokens=TEXT))
    assert example.tokens == tuple(TOKENS)
    assert example.tags == tuple(TAGS)


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("iob1", ["I-PER", "I-PER", "O", "I-LOC", "O"]),
        ("iob2", TAGS),
        ("iobes", ["B-PER", "E-PER", "O", "S-LOC", "O"]),
        ("iobes", ["B-PER", "L-PER", "O", "U-LOC", "O"]),
    ],
)
def test_every_scheme_becomes_iob2(scheme: str, tags: list[str]) -> None:
    assert task(scheme).read(row(tags=tags)).tags == tuple(TAGS)


def test_plain_tags_stay_as_they_are() -> None:
    assert task("plain").read(row(tags=["X", "Y", "O", "B-a", "."])).tags == ("X", "Y", "O", "B-a", ".")


def test_numbers_are_names_in_their_order() -> None:
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    assert task(labels=names).read(row(tags=[1, 2, 0, 3, 0])).tags == tuple(TAGS)
    assert "token 4 'Oslo' has the tag 5, and task.labels names 0 to 4" in refusal(
        task(labels=names), row(tags=[1, 2, 0, 5, 0])
    )
    assert "-1" in refusal(task(labels=names), row(tags=[1, 2, 0, -1, 0]))
    assert task("plain").read(row(tags=[1, 2, 0, 3, 0])).tags == ("1", "2", "0", "3", "0")


def test_one_feature_of_conllu() -> None:
    reader = task("plain", column="feats.Number")
    feats = ["Case=Nom|Number=Sing", "Number=Plur", "_", "Case=Nom", "NumType=Card"]
    assert reader.read(row(feats=feats)).tags == ("Sing", "Plur", "_", "_", "_")
    reader.check_columns(["tokens", "feats"], "a.conllu")
    with pytest.raises(DataError, match="no column 'feats'"):
        reader.check_columns(["tokens", "upos"], "a.conllu")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tags": TAGS[:4]}, "5 tokens and 4 tags"),
        ({"tokens": TOKENS[:3]}, "3 tokens and 5 tags"),
        ({"tokens": None}, "column 'tokens' is missing"),
        ({"tokens": []}, "column 'tokens' has no words"),
        ({"tokens": ["Anna", "", "saw", "Oslo", "."]}, "token 2 is blank"),
        ({"tokens": ["Anna", "Lee", " \u3000", "Oslo", "."]}, "token 3 is blank"),
        ({"tokens": ["Anna", 3, "saw", "Oslo", "."]}, "token 2 is 3, not a text"),
        ({"tokens": ["Anna", "\ud83d", "saw", "Oslo", "."]}, "half of a surrogate pair"),
        ({"tokens": "  "}, "column 'tokens' is blank"),
        ({"tokens": "\u200b"}, "column 'tokens' has no words"),
        ({"tags": None}, "column 'tags' is missing"),
        ({"tags": "O O O O O"}, "not a list of tags"),
        ({"tags": ["B-PER", None, "O", "O", "O"]}, "token 2 'Lee' has no tag"),
        ({"tags": ["B-PER", True, "O", "O", "O"]}, "token 2 'Lee' has True, which is no tag"),
        ({"tags": ["B-PER", "", "O", "O", "O"]}, "token 2 'Lee' has no tag"),
        ({"tags": ["B-PER", 3, "O", "O", "O"]}, "token 2 'Lee' has 3, which is no tag"),
        ({"tags": ["PER", "O", "O", "O", "O"]}, "token 1 'Anna' has the tag 'PER'"),
        ({"tags": ["O", "O", "O", "B-", "O"]}, "token 4 'Oslo' has the tag 'B-'"),
        ({"tags": ["O", "O", "O", "S-LOC", "O"]}, "which is not of the scheme iob2 (O, B-TYPE, I-TYPE)"),
        ({"tags": ["O", "O", "O", "o", "O"]}, "token 4 'Oslo' has the tag 'o'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_token(values: dict[str, Any], said: str) -> None:
    assert said in refusal(task(), row(**values))


def test_a_tag_out_of_order_is_kept_or_refused() -> None:
    given = row(tags=["I-PER", "I-PER", "O", "I-LOC", "O"])
    example = task().read(given)
    assert example.tags == ("I-PER", "I-PER", "O", "I-LOC", "O")
    assert example.illegal == (0, 3)
    message = refusal(task(on_illegal_tag="refuse"), given)
    assert "token 1 'Anna' has the tag I-PER at the beginning; 1 more in this sentence" in message
    later = row(tags=["O", "O", "O", "I-LOC", "O"])
    assert "token 4 'Oslo' has the tag I-LOC after O" in refusal(task(on_illegal_tag="refuse"), later)


def test_tags_that_nobody_has_learnt_are_refused_with_their_token() -> None:
    learnt = task().learn({"train": [task().read(row())]})
    assert learnt.labels.names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert learnt.read(row(tags=["O", "O", "O", "I-LOC", "O"])).tags is not None
    message = refusal(learnt, row(tags=["O", "O", "O", "B-LOK", "O"]))
    assert (
        "token 4 'Oslo' has the tag 'B-LOK': 'LOK' is not one of the 2 known entity types (LOC, PER)"
        in message
    )
    assert "did you mean 'LOC'?" in message
    plain = task("plain").learn({"train": [task("plain").read(row(tags=["NOUN"] * 5))]})
    assert "'NOUNS' is not one of the 1 known tags" in refusal(plain, row(tags=["NOUNS"] * 5))
    spans_learnt = marked().learn({"train": [marked().read(spanned([[0, 8, "PER"]]))]})
    assert "'PERS' is not one of" in refusal(spans_learnt, spanned([[0, 8, "PERS"]]))


def test_the_settings_may_name_types_or_tags() -> None:
    types, tags = task(labels=["PER", "LOC"]), task(labels=["O", "B-PER", "I-PER", "B-LOC"])
    assert types.labels.names == tags.labels.names == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert types.learn({"train": [types.read(row())]}) is types
    assert "'ORG'" in refusal(types, row(tags=["O", "O", "O", "B-ORG", "O"]))
    assert marked(labels=["PER"]).labels.names == ("O", "B-PER", "I-PER")


def test_types_are_learnt_from_all_splits() -> None:
    train, test = task().read(row()), task().read(row(tags=["O", "O", "B-X", "O", "O"]))
    assert task().learn({"train": [train], "test": [test]}).labels.names[-2:] == ("B-X", "I-X")


@pytest.mark.parametrize(
    "entities",
    [
        [{"start": 0, "end": 8, "label": "PER"}, {"start": 13, "end": 17, "label": "LOC"}],
        [
            {"start_offset": 13, "end_offset": 17, "type": "LOC"},
            {"start_offset": 0, "end_offset": 8, "type": "PER"},
        ],
        [{"start": 0, "end": 8, "entity_group": "PER", "text": "Anna Lee"}, [13, 17, "LOC"]],
        [[13, 17, "LOC"], {"char_start": 0, "char_end": 8, "labels": ["PER"]}],
        [[0, 9, "PER"], [12, 17, "LOC"]],  # blanks around them
    ],
)
def test_spans_of_characters_become_tags(entities: Any) -> None:
    example = marked().read(spanned(entities))
    assert example.tags == tuple(TAGS)
    assert example.tokens == tuple(TOKENS)
    assert example.widened == ()


def test_a_span_within_a_word_is_widened_and_told_of() -> None:
    reader = marked()
    example = reader.read(spanned([[2, 8, "PER"], [13, 15, "LOC"]]))
    assert example.tags == tuple(TAGS)
    assert example.widened == (0, 3)
    findings = reader.checks({"train": [example]})
    assert "train: 2 entities begin or end inside a word" in findings[0].message
    assert findings[0].examples == ("data.jsonl:12 0..8 'Anna Lee'", "data.jsonl:12 13..17 'Oslo'")


@pytest.mark.parametrize(
    ("entities", "said"),
    [
        (None, "column 'entities' is missing"),
        ("PER", "not a list of spans"),
        ([{"start": 0, "end": 4}], "no start, end and label"),
        ([{"start": "0", "end": 4, "label": "PER"}], "no start, end and label"),
        ([{"start": True, "end": 4, "label": "PER"}], "no start, end and label"),
        ([[0, 4, " "]], "no start, end and label"),
        ([[0, 4]], "no start, end and label"),
        ([7], "no start, end and label"),
        ([[4, 4, "PER"]], "PER 4..4 is not a piece of a text of 18 characters"),
        ([[-1, 4, "PER"]], "is not a piece"),
        ([[13, 19, "LOC"]], "is not a piece"),
        ([[0, 8, "PER"], [5, 8, "LOC"]], "PER 0..8 'Anna Lee' and LOC 5..8 'Lee' overlap"),
        ([[0, 8, "PER"], [0, 8, "PER"]], "overlap"),
        ([[0, 2, "PER"], [2, 4, "LOC"]], "shares a word with the PER before it"),
        ([[4, 5, "PER"]], "there is no word in the entity PER 4..5 ' '"),
        (
            [{"start": 0, "end": 4, "label": "PER", "text": "Bert"}],
            "'Bert' is not at 0..4, where 'Anna' stands",
        ),
    ],
)
def test_spans_that_cannot_be_are_refused(entities: Any, said: str) -> None:
    assert said in refusal(marked(), spanned(entities))


def test_offsets_are_characters_of_the_users_text() -> None:
    text = "\U0001f44d\U0001f3fd \u5728\u5317\u4eac\uff0c e\u0301 \u0645\u062d\u0645\u0651\u062f \U0001f1e9\U0001f1ea!"
    pieces = {"\u5317\u4eac": "LOC", "\u0645\u062d\u0645\u0651\u062f": "PER", "\U0001f1e9\U0001f1ea": "LOC"}
    marks = [[text.index(piece), text.index(piece) + len(piece), kind] for piece, kind in pieces.items()]
    example = marked().read(spanned(marks, text))
    assert example.widened == ()
    found = [
        (text[example.words[first][0] : example.words[end - 1][1]], kind)
        for kind, first, end in spans(example.tags or ())
    ]
    assert found == list(pieces.items())


def test_rows_without_tags_can_be_predicted() -> None:
    bare = Row({"tokens": TOKENS}, Origin("data.jsonl", 3))
    assert task().read(bare, labelled=False).tags is None
    line = Row({"text": TEXT}, Origin("lines.txt", 3))
    example = task().read(line, labelled=False)
    assert example == TaggedExample("3", Origin("lines.txt", 3), TEXT, example.words, None)
    assert example.tokens == tuple(TOKENS)
    task().check_columns(["text"], "lines.txt", labelled=False)
    with pytest.raises(DataError, match="no column 'tokens'"):
        task().check_columns(["text", "tags"], "data.jsonl")
    with pytest.raises(DataError, match="did you mean 'token'"):
        task().check_columns(["token", "tags"], "data.jsonl", labelled=False)
    assert task().read(Row({"text": " "}, Origin("lines.txt", 4)), labelled=False).words == ()


def test_findings_name_places() -> None:
    def read(*tags: str) -> TaggedExample:
        return task().read(row(tags=list(tags)))

    odd = read("I-PER", "I-PER", "O", "B-LOC", "O")
    findings = {f.code: f for f in task().checks({"train": [odd] * 2, "test": [read(*"OOOOO")]})}
    assert findings["illegal-tags"].severity == "warning"
    assert "train: 2 tags in 2 sentences" in findings["illegal-tags"].message
    assert (
        findings["illegal-tags"].examples[0]
        == "data.jsonl:12 token 1 'Anna' has the tag I-PER at the beginning"
    )
    assert "test: no sentence has an entity" in findings["no-entities"].message
    absent = task().checks({"train": [read(*TAGS)] * 9, "test": [read("B-ORG", "O", "O", "O", "O")]})
    assert [f.message for f in absent if f.code == "label-absent-from-train"] == [
        "test: labels that no training example has: 'ORG' (1)"
    ]
    twins = task().checks({"train": [read("B-ORG", "O", "B-Org", "O", "O")] * 9})
    assert [f.code for f in twins] == ["label-twins"]
    nothing = task().checks({"train": [read(*"OOOOO")]})
    assert [(f.code, f.severity) for f in nothing] == [("one-class", "error")]
    plain = task("plain")
    one = plain.checks({"train": [plain.read(row(tags=["X"] * 5))] * 9})
    assert [(f.code, f.severity) for f in one] == [("one-class", "error")]
    assert plain.checks({"train": [plain.read(row(tags=["X", "Y", "X", "Y", "X"]))] * 9}) == []


@pytest.mark.parametrize(
    "given",
    [
        {"scheme": "plain", "constrained": True},
        {"scheme": "plain", "on_illegal_tag": "refuse"},
        {"scheme": "spans", "on_illegal_tag": "refuse"},
        {"tokens": "tags"},
        {"max_length_tokens": 8, "overlap_tokens": 8},
        {"labels": []},
        {"labels": ["PER", "PER"]},
        {"labels": ["O", "PER"]},
        {"max_length_tokens": 2},
    ],
)
def test_settings_without_effect_or_sense_are_refused(given: dict[str, Any]) -> None:
    named = {"tokens": "tokens", "column": "tags", "scheme": "iob2", **given}
    with pytest.raises(ConfigError):
        task_settings(named, "token-classification", task_config)
