"""A run file, `--set` and flags become one checked `RunConfig`, or a message that names the key and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.config import RunConfig, assignments, load_config, merged, to_yaml
from tunewell.config.loading import ALIASES, MAX_FILE_BYTES
from tunewell.core.errors import ConfigError
from tunewell.tasks import task_config

DATA = {"data": {"train": "x.csv"}}


def load(**groups: Any) -> RunConfig:
    return load_config(None, merged(DATA, groups), task_config)


def refusal(*assigned: str) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        load_config(None, merged(DATA, assignments(assigned)), task_config)
    return raised.value


def from_file(folder: Path, content: str | bytes, *assigned: str) -> RunConfig:
    path = folder / "run.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_config(path, assignments(assigned), task_config)


def test_defaults_then_file_then_flags(tmp_path: Path) -> None:
    content = "data: {train: x.csv}\ntraining: {epochs: 2, batch_size: 4}\n"
    config = from_file(tmp_path, content, "training.epochs=7")
    assert (config.training.epochs, config.training.batch_size, config.training.seed) == (7, 4, 1)


@pytest.mark.parametrize(
    "groups",
    [
        {},
        {
            "task": {
                "name": "text-classification",
                "labels": ["no", "3e-5", "012", "null", " a", "~", "好", "🙂"],
            }
        },
        {"training": {"learning_rate": 3e-5, "epochs": 1e-3, "max_grad_norm": None}},
        {"data": {"delimiter": "\t", "column_names": ["no", "1"], "train": "a: b #.csv"}},
        {"output": {"folder": "yes"}, "model": {"name": "0x1f", "revision": "1e5"}},
    ],
)
def test_the_settings_reload_equal(tmp_path: Path, groups: dict[str, Any]) -> None:
    config = load(**groups)
    assert from_file(tmp_path, to_yaml(config)) == config


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), min_size=2, unique=True))
def test_any_label_names_reload_equal(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    config = load(task={"name": "text-classification", "labels": names})
    assert from_file(tmp_path_factory.getbasetemp(), to_yaml(config)) == config


@pytest.mark.parametrize(
    "content", ["data: {train: x.csv}\ntraining:\nmodel: null\ntask: ~\n", "\ufeffdata: {train: x.csv}"]
)
def test_a_group_without_settings_is_the_default(tmp_path: Path, content: str) -> None:
    assert from_file(tmp_path, content) == load()


@pytest.mark.parametrize("name", [None, "text-classification"])
def test_a_task_without_a_name_is_left_open(name: str | None) -> None:
    assert load(task={"name": name}).task["name"] == name


@pytest.mark.parametrize(
    ("assigned", "key", "meant"),
    [
        ("training.learning_rte=1", "training.learning_rte", "training.learning_rate"),
        ("modle.name=x", "modle", "model"),
        ("model.nam=x", "model.nam", "model.name"),
        ("data.trian=x", "data.trian", "data.train"),
        ("evaluation.resample=100", "evaluation.resample", "evaluation.resamples"),
        ("output.foldr=x", "output.foldr", "output.folder"),
        ("learning_rate=1", "learning_rate", "training.learning_rate"),
        ("batch_size=1", "batch_size", "training.batch_size"),
        ("training.freeze_layers=1", "training.freeze_layers", "model.freeze_layers"),
        ("lr=1", "lr", "training.learning_rate"),
        ("training.lr=1", "training.lr", "training.learning_rate"),
        ("num_epochs=1", "num_epochs", "training.epochs"),
        ("training.num_train_epochs=1", "training.num_train_epochs", "training.epochs"),
        (
            "training.gradient_accumulation_steps=2",
            "training.gradient_accumulation_steps",
            "training.micro_batch_size",
        ),
        ("training.data.train=1", "training.data", "data"),
    ],
)
def test_an_unknown_key_is_refused_with_what_was_meant(assigned: str, key: str, meant: str) -> None:
    error = refusal(assigned)
    assert error.what == f"{key}: no such setting"
    if key == "training.data":  # nothing is near; what is known there is listed instead
        assert "learning_rate" in str(error.fix)
    else:
        assert error.fix == f"did you mean {meant}?"


def test_an_unknown_key_of_a_task_is_refused_with_what_was_meant() -> None:
    error = refusal("task.name=text-classification", "task.max_length=5")
    assert (error.what, error.fix) == (
        "task.max_length: no such setting",
        "did you mean task.max_length_tokens?",
    )


def test_every_alias_leads_to_a_setting() -> None:
    groups = {name: field.annotation for name, field in RunConfig.model_fields.items()}
    groups["task"] = task_config("text-classification")
    for alias, path in ALIASES.items():
        group, _, key = path.partition(".")
        assert key in groups[group].model_fields, alias  # type: ignore[union-attr]


def test_all_faults_are_listed_at_once() -> None:
    error = refusal("a=1", "training.lr=1", "training.seed=-2", "training.batch_size=x")
    for part in ("4 settings are wrong", "a: no such", "did you mean training.learning_rate?", "-2", "'x'"):
        assert part in error.what
    assert error.fix


@pytest.mark.parametrize(
    ("assigned", "parts"),
    [
        ("training.learning_rate=-1", ["training.learning_rate", "-1", "greater than 0"]),
        ("training.learning_rate=10", ["less than 10"]),
        ("training.learning_rate=1e-5e", ["'1e-5e'", "number"]),
        ("training.epochs=0", ["greater than 0"]),
        ("training.epochs=.nan", ["finite"]),
        ("training.epochs=.inf", ["finite"]),
        ("training.epochs='2'", ["'2'", "number"]),
        ("training.batch_size=2.0", ["2.0", "integer"]),
        ("training.batch_size=true", ["True", "integer"]),
        ("training.batch_size=0", ["greater than or equal to 1"]),
        ("training.seed=-1", ["-1"]),
        ("training.seed=4294967296", ["4294967295"]),
        ("training.seed=1_000", ["'1_000'"]),
        ("training.optimizer=adamx", ["'adamw', 'adam' or 'sgd'"]),
        ("training.schedule=no", ["'no'", "'linear'"]),
        ("data.validation_fraction=10", ["10", "0.5"]),
        ("data.limit=0", ["data.limit"]),
        ("data.column_names=[]", ["names no column"]),
        ("data.train=", ["data.train", "None"]),
        ("data.train=''", ["data.train", "at least 1 character"]),
        ("model.name=''", ["at least 1 character"]),
        ("output.folder=''", ["at least 1 character"]),
        ("evaluation.resamples=5", ["100"]),
        ("training.threads=100000", ["training.threads", "512"]),
        ("training=5", ["training", "5", "group of settings"]),
        ("data=x.csv", ["data: 'x.csv'", "group of settings"]),
        ("training.seed.x=5", ["training.seed", "{'x': 5}"]),
        ("training.momentum=0.5", ["training.momentum", "no effect with optimizer adamw"]),
        ("training.micro_batch_size=64", ["larger than batch_size (32)"]),
        ("model.name=5", ["5 is not a text"]),
        ("task.name=5", ["task.name", "5"]),
    ],
)
def test_a_wrong_value_is_named_with_its_key(assigned: str, parts: list[str]) -> None:
    error = refusal(assigned)
    assert error.exit_code == 2
    for part in parts:
        assert part in error.what
    assert "dictionary" not in error.what
    assert "instance of" not in error.what


@pytest.mark.parametrize(
    ("assigned", "parts"),
    [
        (["training.optimizer=sgd", "training.adam_beta1=0.5"], ["training.adam_beta1", "no effect"]),
        (["training.warmup_steps=3", "training.warmup_fraction=0.1"], ["conflicts with warmup_steps"]),
        (["task.kind=regression", "task.label_smoothing=0.1"], ["task.label_smoothing", "no effect"]),
        (["task.kind=regression", "task.labels=[a, b]"], ["task.labels", "no effect"]),
        (["task.kind=multi_label", "task.class_weights=balanced"], ["task.class_weights", "no effect"]),
        (["task.class_weights=heavy"], ["task.class_weights: 'heavy'", "'none' or 'balanced'"]),
        (["task.labels=[1, 2]"], ["task.labels.0: 1 is not a text; put it in quotes"]),
        (["task.labels=[a]"], ["two or more"]),
        (["task.label_separator=''"], ["at least 1 character"]),
    ],
)
def test_settings_that_conflict_or_have_no_effect(assigned: list[str], parts: list[str]) -> None:
    error = refusal("task.name=text-classification", *assigned)
    for part in parts:
        assert part in str(error)
    assert error.fix


@pytest.mark.parametrize("item", ["nokey", "=5", ".=5", "a..b=5", "a.=5", ""])
def test_set_takes_key_and_value(item: str) -> None:
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        assignments([item])


def test_set_reads_values_as_yaml_and_names_itself_in_a_fault() -> None:
    assert assignments(["a.b=3e-5", "a.c=no", "a.d=[x, y]", "a.e=", "a.f=x=y"]) == {
        "a": {"b": 3e-5, "c": "no", "d": ["x", "y"], "e": None, "f": "x=y"}
    }
    assert assignments(["a=1", "a=2"]) == {"a": 2}
    with pytest.raises(ConfigError) as raised:
        assignments(["a.b=[1"])
    assert str(raised.value.where).startswith("--set a.b")


@pytest.mark.parametrize("text", ["summarize ", "translate English to French: ", "summarize:", " ein"])
def test_a_text_of_the_shell_keeps_its_blanks_and_its_colon(text: str) -> None:
    assert assignments([f"task.source_prefix={text}"]) == {"task": {"source_prefix": text}}


@pytest.mark.parametrize("mark", list(",;|#-:'\"&*!%@`>[{=?"))
def test_a_punctuation_mark_is_itself(mark: str) -> None:
    assert assignments([f"data.delimiter={mark}"]) == {"data": {"delimiter": mark}}


def test_a_tab_can_be_set_from_a_shell() -> None:
    assert (
        load_config(None, merged(DATA, assignments([r"data.delimiter=\t"])), task_config).data.delimiter
        == "\t"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "data.train: is missing"),
        (b"# nothing\n", "data.train: is missing"),
        (b"data:\n", "data.train: is missing"),
        (b"[1]", "top level"),
        (b"abc", "top level"),
        (b"\xff\xfea", "not UTF-8"),
        (b"a: 1\nb: caf\xe9", "not UTF-8: byte 0xe9"),
        (b"a: \0", "not valid YAML"),
        (b"1: 2", "keys should be strings"),
        (b"x" * (MAX_FILE_BYTES + 1), "at most"),
    ],
)
def test_a_file_that_is_no_run_file(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        from_file(tmp_path, content)
    assert said in raised.value.what
    assert str(raised.value.where).startswith(str(tmp_path / "run.yaml"))
    assert raised.value.fix


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError) as raised:
            load_config(path, {}, task_config)
        assert raised.value.where == str(path)
        assert raised.value.fix
