"""What the pages promise: every command runs, every Python block runs, and what it says is what is shown.

A page has a working folder of its own (see conftest.py) in which its blocks run in order:

- `sh`: each `tunewell` command goes through the real parser and is run in this process. `train` reads and checks
  the data and stops there (`--dry-run`), except on the pages of `TRAINED`, where it trains quickly.
- `text title="what it says"` is compared with what the block before it said; `...` stands for anything.
- `python` is executed; the blocks of a page share their names.
- another title is a file: one that files.py has written must begin so, any other one is written as it stands.

What is not run stands in `NOT_RUN` or `NOT_EXECUTED`, with its reason.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SAYS = "what it says"

TRAINED = {
    "docs/quickstart.md",
    "docs/token-classification.md",
    "docs/howto/cross-validation.md",
    "docs/howto/resume.md",
}
"""Pages whose `train` commands train; on the others they read and check everything else."""

NOT_RUN = {
    r"make ": "installs, tests or builds; the Makefile's targets are compared with the pages below",
    r"source ": "changes the reader's shell",
    r"pip install": "installs packages; the extras are compared with pyproject.toml below",
    r"python examples/": "run by tests/test_examples.py",
    r"python -m benchmarks": "trains for minutes; the parser takes them in tests/benchmarks/test_scores.py",
    r"export ": "changes the reader's shell",
    r"sacrebleu ": "another program; tests/metrics/test_translations.py holds ours against it",
}
"""Commands that are none of ours, by how they begin, and why they are not run."""

NOT_EXECUTED = {
    r"(HF_HUB_OFFLINE=1 )?tunewell train org/name": "needs the Hub; tests/data/test_parquet_hub.py reads one",
    r"tunewell demo": "fetches a model and trains for a minute; `make demo`",
    r"tunewell predict runs/passages": "needs a finished run of its task; tests/tasks/test_question_fit.py",
    r"tunewell predict runs/guests": "needs a finished run of its task; tests/tasks/test_translation_fit.py",
    r"tunewell (predict|chat) runs/desk": "needs a finished run of its task; tests/cli/test_chat.py",
}
"""Commands of ours that are parsed and not executed, and why."""

NOT_EXECUTED_PYTHON = {
    "tunewell.compare(": "needs two finished runs on one test file; tests/cli/test_compare.py",
    "runs/passages": "needs a finished run of its task; tests/tasks/test_question_fit.py",
    "runs/guests": "needs a finished run of its task; tests/tasks/test_translation_fit.py",
    "runs/desk": "needs a finished run of its task; tests/cli/test_chat.py",
    "PeftModel.from_pretrained(": "needs the Hub; tests/models/test_adapters_saved.py",
}
"""Python blocks that are compiled and not executed, by what they hold, and why."""

SHOWN = {"text", "json", "yaml", "csv", "tsv", "xml", "toml", "html"}
"""Languages of blocks that show something; all others are run."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page(
    page: Path, work: Path, quick: dict[str, Any], blocks_of: Callable[..., Any], monkeypatch: Any
) -> None:
    name = page.relative_to(ROOT).as_posix()
    if name.startswith("docs/reference/errors"):
        pytest.skip("its messages are made by running its commands: test_references.py")
    namespace: dict[str, Any] = {"__name__": "__page__"}
    said: str | None = None
    for block in blocks_of(page):
        place = f"{name}:{block.line}"
        if block.title == SAYS:
            if said is not None:
                check_said(block.body, said, place)
        elif block.title:
            furnish(work / block.title, block.body, place)
        elif block.language == "sh":
            said = run_commands(block.body, name, place, quick, monkeypatch)
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                code = compile(block.body, place, "exec")
                if not any(held in block.body for held in NOT_EXECUTED_PYTHON):
                    exec(code, namespace)
        else:
            assert block.language in SHOWN, (
                f"{place}: a block says its language; {block.language!r} is not known"
            )


def test_each_reason_is_used(blocks_of: Callable[..., Any]) -> None:
    lines = [
        line
        for page in PAGES
        for block in blocks_of(page)
        if block.language == "sh"
        for line in commands(block.body)
    ]
    examples = [
        re.search(r"^    (python .*)$", path.read_text(), re.MULTILINE)
        for path in (ROOT / "examples").glob("*.py")
    ]
    lines += [match[1] for match in examples if match]
    for pattern in [*NOT_RUN, *NOT_EXECUTED]:
        assert any(re.match(pattern, line) for line in lines) or pattern == r"tunewell demo", pattern
    python = [block.body for page in PAGES for block in blocks_of(page) if block.language == "python"]
    for held in NOT_EXECUTED_PYTHON:
        assert any(held in body for body in python), held


def test_make_targets_and_extras_exist(blocks_of: Callable[..., Any]) -> None:
    targets = set(re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    project = (ROOT / "pyproject.toml").read_text()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in blocks_of(page):
            for line in commands(block.body) if block.language == "sh" else []:
                if match := re.match(r"make (\w+)", line):
                    assert match[1] in targets, (page.name, line)
        for extra in re.findall(r"tunewell\[(\w+)\]", text):
            assert f"\n{extra} = [" in project, (page.name, extra)


def commands(body: str) -> list[str]:
    """The commands of a block, continued lines joined, comments and blank lines left out."""
    lines = body.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def run_commands(body: str, page: str, place: str, quick: dict[str, Any], monkeypatch: Any) -> str | None:
    """What the commands of a block say together; None when one of them was not executed."""
    said: list[str] | None = []
    for line in commands(body):
        if any(re.match(pattern, line) for pattern in NOT_RUN):
            continue
        answer = run_command(line, page, place, quick, monkeypatch)
        said = None if said is None or answer is None else [*said, answer]
    return None if said is None else "".join(said)


def run_command(line: str, page: str, place: str, quick: dict[str, Any], monkeypatch: Any) -> str | None:
    """Parse one command with the real parser, run it, and give what it says."""
    line, _, target = line.partition(" > ")
    before, pipe, line = line.rpartition(" | ")
    words = shlex.split(re.sub(r"^HF_HUB_OFFLINE=1 ", "", line), comments=True)
    assert words[0] == "tunewell", f"{place}: {line!r} is no command of ours; give a reason in NOT_RUN"
    parse(words[1:], place)
    if any(re.match(pattern, line) for pattern in NOT_EXECUTED):
        return None
    if pipe:
        given = subprocess.run(["bash", "-c", before], capture_output=True, check=True).stdout
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
    from tunewell.cli import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(quicker(words[1:], page, quick))
    said = err.getvalue() + out.getvalue()
    assert code == 0 or "error: " in said, f"{place}: {line}: {code}\n{said}"
    if target:
        Path(target.partition(" #")[0].strip()).write_text(out.getvalue(), encoding="utf-8")
    return said


def parse(arguments: list[str], place: str) -> None:
    """Through the application's own parser, without running anything."""
    import typer.main

    from tunewell.cli.app import app

    group: Any = typer.main.get_command(app)
    command = group.commands.get(arguments[0])
    assert command is not None, f"{place}: no command {arguments[0]!r}"
    command.make_context(arguments[0], list(arguments[1:]))


def quicker(arguments: list[str], page: str, quick: dict[str, Any]) -> list[str]:
    """The same command with settings that make it short."""
    if arguments[0] != "train" or "--dry-run" in arguments:
        return arguments
    if page not in TRAINED and "--folds" not in arguments:
        return [*arguments, "--dry-run"]
    given = " ".join(arguments)
    added = [word for key, value in quick.items() if key not in given for word in ("--set", f"{key}={value}")]
    epochs = [] if "--epochs" in arguments else ["--epochs", "1"]
    return [*arguments, *added, *epochs, "--device", "cpu"]


def check_said(shown: str, said: str, place: str) -> None:
    """Each line that is shown is one of those that were said, in this order."""
    lines = said.splitlines()
    assert ("error: " in shown) == ("error: " in said), f"{place}: {said}"
    for line in shown.splitlines():
        if line.strip() in ("...", ""):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"\s*")
        at = next((number for number, real in enumerate(lines) if pattern.fullmatch(real)), None)
        assert at is not None, f"{place}: {line!r} was not said:\n{said}"
        lines = lines[at + 1 :]


def furnish(path: Path, body: str, place: str) -> None:
    """A file that is there begins as the page shows; another one is written."""
    shown = body[: -len("...\n")] if body.endswith("\n...\n") else body
    if path.exists():
        assert path.read_text(encoding="utf-8").startswith(shown), f"{place}: {path.name} begins otherwise"
    else:
        assert shown == body, f"{place}: {path.name} is shown in part, and files.py has no such file"
        path.parent.mkdir(exist_ok=True)
        path.write_text(body, encoding="utf-8")
