"""YAML by the 1.2 rules: what is written reads back the same, and nothing in a file can do more than be wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunewell.config import yaml
from tunewell.core.errors import ConfigError

AWKWARD = (
    "no", "yes", "on", "off", "y", "3e-5", "1e5", "012", "0o14", "0x1f", "1_000", "1:30", "null", "~", "Null", "",
    " a", "a ", "a: b", "- a", "#a", "a #b", "'", '"', "a\nb", "a\n\nb\n", "\ta", "{a", "[a", "&a", "*a", "!a", "%a",
    "@a", "`a", "|", ">", "true", "True", ".inf", ".nan", "-.INF", "2020-01-01", "<<", "=", "🙂", "好", "\u200b",
    "\u2028", "\x85", "\x07", "\x1b[31m", "\ufeff", "---", "...", "? a", "a\\nb", "a" * 300, "a b " * 60, ".5", "5.",
    "+1", "-1", "1e", "e1", "1e-5e",
)  # fmt: skip

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.sampled_from(AWKWARD)
    | st.text(st.characters(exclude_categories=("Cs",)))
)
keys = st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | st.sampled_from(AWKWARD)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Equal in value and in type, all the way down: 1, 1.0 and True are three things here."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@settings(max_examples=300, deadline=None)
@given(values)
@example(list(AWKWARD))
@example({word: word for word in AWKWARD})
def test_what_is_dumped_parses_back_to_the_same_value(value: Any) -> None:
    assert same(yaml.parse(yaml.dump(value), "file"), value)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-?[]{},&*!|>'\"%@`#~\n \t1.0e<=\\é\0🙂"), max_size=60))
@example("? [a]\n: 1")
@example("!!timestamp x")
@example("!!bool x")
@example("!!int x")
@example("!!set {a, b}")
@example("!!omap [a]")
@example("!!pairs 1")
@example("!!binary é")
@example("{[]}")
@example("<<: 1")
def test_any_text_parses_or_is_a_config_error(text: str) -> None:
    try:
        yaml.parse(text, "file")
    except ConfigError as error:
        fault = error
    else:
        return
    assert str(fault.where).startswith("file")
    assert fault.fix


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-5", 3e-5),
        ("1E5", 1e5),
        (".5", 0.5),
        ("012", 12),
        ("+7", 7),
        ("-0", 0),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("null ", None),
        ("-.INF", -math.inf),
        (".Inf", math.inf),
    ],
)
def test_plain_words_follow_the_1_2_core_schema(text: str, value: Any) -> None:
    assert same(yaml.parse(text, "file"), value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_nan_in_every_spelling(text: str) -> None:
    assert math.isnan(yaml.parse(text, "file"))


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("a: 1\nb: 2\na: 3", "file:3:1", "'a' stands twice"),
        ("x:\n  a: 1\n  'a': 3", "file:3:3", "'a' stands twice"),
        ("a: &x 1\nb: *x", "file:2:4", "aliases"),
        ("a: {b: 1", "file:1:9", "expected"),
        ("a: 'b", "file:1:6", "end of stream"),
        ("a: b: c", "file:1:5", "not allowed here"),
        ("? [a]\n: 1", "file:1:3", "key"),
        ("a: !!python/object/apply:os.system [ls]", "file:1:4", "tag"),
        ("a: !!timestamp 2020-01-01", "file:1:4", "tag"),
        ("a\n---\nb", "file:2:1", "another document"),
        ("\ta: 1", "file:1:1", "cannot start"),
    ],
)
def test_a_fault_names_its_place(text: str, where: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        yaml.parse(text, "file")
    assert raised.value.where == where
    assert said in raised.value.what
    assert raised.value.fix


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="aliases"):
        yaml.parse("\n".join(lines), "file")


@pytest.mark.parametrize(
    "text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000, "? " * 10_000, "!a " * 10_000]
)
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        yaml.parse(text, "file")


@pytest.mark.parametrize("text", ["[" * 19 + "]" * 19, "{a: " * 19 + "1" + "}" * 19])
def test_nesting_up_to_the_limit_is_read(text: str) -> None:
    yaml.parse(text, "file")


def test_a_whole_number_of_many_digits_is_refused() -> None:
    with pytest.raises(ConfigError):
        yaml.parse("9" * 10_000, "file")
