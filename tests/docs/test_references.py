"""The reference pages: not stale, complete, and true of a real run."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from tunewell.config import RunConfig
from tunewell.run_dir import RunDir
from tunewell.tasks import TASKS, task_config

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def references() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "references.py"))


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "errors.md"])
def test_a_page_that_is_written_by_the_script_is_not_stale(
    references: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewell.runtime.physical_cores", lambda: 1)
    written = references["NOTE"] + references["PAGES"][name]()
    assert (REFERENCE / name).read_text(encoding="utf-8") == written, (
        f"docs/reference/{name}: run `make docs`"
    )


def test_the_script_writes_every_page_that_says_so(references: dict[str, Any]) -> None:
    said = {path.name for path in REFERENCE.glob("*.md") if path.read_text().startswith(references["NOTE"])}
    assert said == set(references["PAGES"])


def test_every_setting_has_a_heading() -> None:
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    for group, field in RunConfig.model_fields.items():
        kinds = [task_config(name) for name in TASKS] if group == "task" else [field.annotation]
        for kind in kinds:
            for name in kind.model_fields:  # type: ignore[union-attr]
                assert f"\n### {group}.{name}\n" in text


def test_types_are_said_in_words() -> None:
    values = re.findall(r"^- Value: (.*)$", (REFERENCE / "settings.md").read_text(), re.MULTILINE)
    assert len(values) > 40
    assert [value for value in values if re.search(r"Union|Optional|NoneType|\[", value)] == []


def test_every_verb_and_option_is_there() -> None:
    import typer.main

    from tunewell.cli.app import app

    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        section = text.partition(f"\n## tunewell {name}\n")[2].partition("\n## ")[0]
        for parameter in command.params:
            assert parameter.help, (name, parameter.name, "has no help")
            assert "absent" in parameter.help or parameter.default is None or parameter.help in section
            for option in parameter.opts if parameter.param_type_name == "option" else []:
                assert f"| `{option}" in section


def test_every_exit_code_has_a_message_of_its_own() -> None:
    from tunewell.core import errors

    text = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    for kind in errors.TunewellError.__subclasses__():
        section = text.partition(f"\n## {kind.exit_code}: {kind.__name__}\n")[2].partition("\n## ")[0]
        assert "error: " in section, kind
        assert "fix: " in section, kind
        for block in re.findall(r"```text\n(.*?)```", section, re.DOTALL):
            assert "fix: " in block, block


def test_the_files_of_a_run_are_those_of_the_page(furnished: Path) -> None:
    text = (REFERENCE / "run-folder.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([\w.]+)/?` \|", text.partition("\n## ")[0], re.MULTILINE))
    run = RunDir(Path())
    known = {path.name for name, path in vars(run).items() if name != "path"}
    assert named == known | {"folds"}, "docs/reference/run-folder.md and run_dir.py name other files"
    there = {path.name for path in (furnished / "runs" / "reviews-1a2b3c4d").iterdir()}
    assert there - named == {".lock"}


def test_the_fields_of_a_runs_files_are_those_of_the_page(furnished: Path) -> None:
    import json

    text = (REFERENCE / "run-folder.md").read_text(encoding="utf-8")
    run = RunDir(furnished / "runs" / "reviews-1a2b3c4d")
    fields = set(json.loads(run.scores.read_text()))
    answer = json.loads(run.predictions.read_text(encoding="utf-8").splitlines()[0])
    fields |= set(answer) - {"text"}
    fields |= {key for line in run.metrics.read_text().splitlines() for key in json.loads(line)}
    for field in fields:
        validation_score = field.startswith("validation_") and "validation scores" in text
        clock = field.endswith("_seconds") and "`_seconds`" in text
        assert f"`{field}`" in text or validation_score or clock, field


def test_the_glossary_is_in_order_and_has_the_words_of_the_house() -> None:
    words = re.findall(r"^\*\*(.+)\*\*$", (REFERENCE / "glossary.md").read_text(), re.MULTILINE)
    assert words == sorted(words, key=lambda word: word.replace("-", " "))
    wanted = "row example feature batch prediction split backbone head tokenizer logits label step micro-batch epoch run checkpoint state"
    assert set(wanted.split()) <= set(words)
