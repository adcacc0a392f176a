"""Writes the reference pages that can be read off the package: settings, commands, errors.

`python scripts/references.py` writes them to `docs/reference/` (`make docs` does it first);
`tests/docs/test_references.py` fails when one is stale. The error messages are real: each is provoked in a
scratch folder.

Not for: pages that people write (the rest of `docs/`) or building the site (`scripts/site.py` and mkdocs.yml).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written by scripts/references.py (`make docs`); do not edit. -->\n\n"


def main() -> int:
    """Write every page that has changed, and say which."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        path, text = FOLDER / name, NOTE + make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 0


# Settings


def settings_page() -> str:
    """Every setting of the schema, then those of each task."""
    from tunewell.config import RunConfig
    from tunewell.tasks import TASKS, task_config

    lines = [
        "# Settings",
        "",
        "Everything that decides a run is one of these. Each can be given in three places; the later one wins:",
        "",
        "1. its default,",
        "2. a run file: `tunewell train run.yaml` (`tunewell init text-classification` prints one to start from),",
        "3. the command line: `--set training.batch_size=16`, or one of the few flags of their own, such as `--epochs`.",
        "",
        'In Python: `tunewell.fit("reviews.csv", settings={"training.batch_size": 16})`.',
        "",
        "A name that does not exist is an error, and so is a setting that would have no effect. A run writes all of its "
        "settings, with what was decided for those that were left open, to `config.yaml` in its folder.",
        "",
    ]
    for group, field in RunConfig.model_fields.items():
        if group != "task":
            lines += _group(group, field.annotation)
    for name in TASKS:
        lines += _group("task", task_config(name), f"task, for {name}")
    return "\n".join([*lines, *_aliases(), ""])


def _group(group: str, settings: Any, title: str | None = None) -> list[str]:
    lines = [f"## {title or group}", "", _sentences(settings.__doc__), ""]
    for name, field in settings.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        kind = _kind(field.annotation)
        unit = f", in {extra['unit']}" if "unit" in extra else ""
        lines += [
            f"### {group}.{name}",
            "",
            _capital(field.description) + ".",
            "",
            f"- Value: {kind}{unit}{_bounds(field.metadata)}",
            f"- Default: {_default(field)}",
            "",
        ]
    return lines


def _sentences(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


_SIMPLE = {str: "text", bool: "`true` or `false`", int: "whole number", float: "number"}


def _kind(annotation: Any) -> str:
    """A type in words; None is left out, for the default says it."""
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _either([f"`{value}`" for value in inner])
    if origin in (Union, UnionType):
        return _either([_kind(part) for part in inner if part is not NoneType])
    if origin is list:
        return f"list of {_kind(inner[0])}s"
    if origin is dict:
        return f"mapping of {_kind(inner[0])} to {_kind(inner[1])}"
    return f"`{getattr(annotation, '__name__', annotation)}`"


def _either(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _bounds(metadata: list[Any]) -> str:
    found = [
        f"{word} {getattr(bound, sign):,}"
        for bound in metadata
        for sign, word in _BOUNDS.items()
        if getattr(bound, sign, None) is not None
    ]
    return f", {' and '.join(found)}" if found else ""


def _default(field: Any) -> str:
    if field.is_required():
        return "none; it must be given"
    if field.default is None:
        return "absent (`null`)"
    return f"`{json.dumps(field.default, ensure_ascii=False)}`"


def _aliases() -> list[str]:
    from tunewell.config.loading import ALIASES

    rows = [f"| `{alias}` | `{name}` |" for alias, name in sorted(ALIASES.items())]
    return [
        "## Names from other tools",
        "",
        "These are not accepted; the error for one of them names the setting that stands for it here.",
        "",
        "| Elsewhere | Here |",
        "|---|---|",
        *rows,
        "",
    ]


# Commands


def commands_page() -> str:
    """Every verb with its arguments and options, as `--help` has them."""
    import typer.main

    from tunewell.cli.app import app

    group: Any = typer.main.get_command(app)
    lines = ["# Commands", "", _paragraphs(group.help), "", "`tunewell COMMAND --help` says the same.", ""]
    lines += _parameters(group)
    for name, command in group.commands.items():
        lines += [f"## tunewell {name}", "", "```text", f"tunewell {name}{_usage(command)}", "```", ""]
        lines += [_paragraphs(command.help), ""]
        lines += _parameters(command)
    lines += [
        "## Exit codes",
        "",
        "0 is success; the others are in [Errors and exit codes](errors.md). Answers go to standard output, everything else "
        "to standard error.",
        "",
    ]
    return "\n".join(lines)


def _paragraphs(text: str | None) -> str:
    """Help as Markdown: commands of ours as code."""
    parts = [" ".join(part.split()) for part in (text or "").split("\n\n")]
    return "\n\n".join(
        re.sub(r"(?<=: )(tunewell .+?)(\.?)$", r"`\1`\2", _escaped(part)) for part in parts if part
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _usage(command: Any) -> str:
    words = " [OPTIONS]" if any(not _is_argument(parameter) for parameter in command.params) else ""
    for parameter in command.params:
        if _is_argument(parameter):
            name = parameter.metavar or parameter.name.upper()
            words += f" {name}" if parameter.required else f" [{name}]"
    return words


def _is_argument(parameter: Any) -> bool:
    return str(parameter.param_type_name) == "argument"


def _parameters(command: Any) -> list[str]:
    rows = []
    for parameter in command.params:
        names = (parameter.metavar or parameter.name.upper()).split("|")
        if not _is_argument(parameter):
            names = [f"{', '.join(parameter.opts)} {parameter.metavar or ''}".rstrip()]
        said = _escaped(" ".join((parameter.help or "").split()))
        default = parameter.default
        if isinstance(default, str | int | float) and not isinstance(default, bool):
            said += f" Default: `{default}`."
        rows.append(f"| {' or '.join(f'`{name}`' for name in names)} | {said} |")
    return ["| Argument or option | What it is |", "|---|---|", *rows, ""] if rows else []


# Errors

REVIEW_LINES = [f"review number {n} was {'good' if n % 2 else 'bad'},{'positive' if n % 2 else 'negative'}" for n in range(80)]  # fmt: skip


def errors_page() -> str:
    """The tree of errors with their exit codes, and for each kind messages provoked in a scratch folder."""
    from tunewell.core import errors

    kinds = [
        errors.ConfigError,
        errors.DataError,
        errors.ModelError,
        errors.ResourceError,
        errors.NumericError,
        errors.Interrupted,
    ]
    rows = [f"| {kind.exit_code} | `{kind.__name__}` | {_sentences(kind.__doc__)} |" for kind in kinds]
    lines = [
        "# Errors and exit codes",
        "",
        "A message says what is wrong and with which value, where (`file:line`, a column, a setting), and after `fix:` "
        "what to do. Of many problems of one kind the first 20 are listed and the rest is counted. There is no traceback, "
        "unless you ask for one with `--debug`. What was there before stays as it was.",
        "",
        "In Python the same are exceptions, all of them a `tunewell.TunewellError` with the attributes `what`, `where`, "
        "`fix` and `exit_code`.",
        "",
        "| Exit code | Exception | Meaning |",
        "|---|---|---|",
        "| 0 | | It worked. |",
        "| 1 | | A fault of tunewell. Run it again with `--debug` and report what it prints. |",
        *rows,
        "| 75 | `Interrupted` | The same after SIGTERM: a scheduler took the machine away. The same command goes on. |",
        "",
        "The messages below are those of this version; each was provoked to write this page.",
        "",
    ]
    with _scratch_folder():
        for kind in kinds:
            lines += [f"## {kind.exit_code}: {kind.__name__}", ""]
            for title, provoke in EXAMPLES[kind.__name__]:
                lines += [f"{title}:", "", "```text", _provoked(provoke, kind.exit_code), "```", ""]
    return "\n".join(lines)


Provoke = str | Callable[[], BaseException]


def _provoked(provoke: Provoke, exit_code: int) -> str:
    """What the command, or a raised error, says."""
    if not isinstance(provoke, str):
        return f"error: {provoke()}"
    from tunewell.cli import run

    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said), _held(provoke):
        code = run(shlex.split(provoke)[1:])
    text = said.getvalue()
    assert code == exit_code, (provoke, code, text)
    message = text[text.index("error: ") :].rstrip()
    message = re.sub(r"process \d+ on \S+", "process 4242 on workstation", message)
    return f"$ {provoke}\n{message}"


@contextlib.contextmanager
def _held(command: str) -> Iterator[None]:
    """Hold the lock of the run folder `busy` while a command that wants it runs."""
    if "--output busy" not in command:
        yield
        return
    from tunewell.run_dir import RunDir

    with RunDir(Path("busy")).locked():
        yield


@contextlib.contextmanager
def _scratch_folder() -> Iterator[None]:
    """A working folder with files that are wrong in one way each, and a tiny model under the name `minilm`."""
    from tunewell.testing import tiny_model

    before = Path.cwd()
    offline = os.environ.get("HF_HUB_OFFLINE")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for name, content in FILES.items():
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                Path(name).write_bytes(content.encode("latin-1"))
            tiny_model(Path("minilm"), "bert", REVIEW_LINES)
            yield
        finally:
            os.chdir(before)
            assert os.environ.get("HF_HUB_OFFLINE") == offline


FILES = {
    "reviews.csv": "text,label\n" + "".join(f"{line}\n" for line in REVIEW_LINES),
    "wrong.csv": 'text,label\nLovely.,positive\nToo long\nFine, really,positive\n"Never ends,negative\n',
    "blanks.csv": "text,label\nLovely.,positive\n,negative\nDull.,\n",
    "semicolons.csv": "text;label\nLovely.;positive\nDull.;negative\n",
    "windows.csv": "text,label\nUn café,positive\n",
    "wrong.jsonl": '{"text": "Lovely.", "label": "positive"}\n{"text": "Dull." "label": "negative"}\n',
    "numbers.csv": "a,b\n1,2\n3,4\n",
    "one.csv": "text,label\n" + "".join(f"review number {n} was fine,positive\n" for n in range(80)),
    "few.csv": "text,label\n" + "".join(f"{line}\n" for line in REVIEW_LINES[:5]),
    "run.yaml": "data:\n  train: reviews.csv\ntraining:\n  epochs: -1\n  lr: 0.1\nmodle:\n  name: minilm\n",
    "pickled/config.json": '{"model_type": "bert"}',
    "pickled/pytorch_model.bin": "",
    "notes/mine.txt": "",
}


def _not_finite() -> BaseException:
    """A loss that is not finite, out of the real loop."""
    import torch

    from tunewell.core.errors import NumericError
    from tunewell.runtime import Runtime
    from tunewell.training import loop, pairs

    class Batches:
        def at(self, step: int, num_halvings: int = 0) -> list[pairs.Pair]:
            return [pairs.Pair(torch.full((2, 1), torch.inf), torch.zeros(2, 1), ("train-017", "train-203"))]

    model = torch.nn.Linear(1, 1)
    events = loop.train(
        model,
        pairs.from_loss_fn(torch.nn.MSELoss()),
        Batches(),
        torch.optim.SGD(model.parameters(), lr=0.1),
        lambda step: 1.0,
        settings=loop.LoopSettings(num_steps=120, evaluate_every=60),
        runtime=Runtime(),
        state=loop.TrainState(step=11, last_evaluated_step=11),
        evaluate=lambda: None,
    )
    try:
        list(events)
    except NumericError as error:
        return error
    raise AssertionError("the loop took a step that is not finite")


def _stopped() -> BaseException:
    import signal

    from tunewell.runs.fitting import stopped
    from tunewell.runtime import Runtime

    runtime = Runtime()
    runtime.stop.signal = signal.SIGINT
    return stopped(runtime, "after step 40 of 120")


EXAMPLES: dict[str, list[tuple[str, Provoke]]] = {
    "ConfigError": [
        ("A setting that does not exist", "tunewell train reviews.csv --set training.learning_rat=3e-5"),
        ("Several mistakes in a run file", "tunewell train run.yaml"),
        ("A setting without effect", "tunewell train reviews.csv --set training.momentum=0.9"),
        ("A value that cannot be", "tunewell train reviews.csv --set training.schedule=cosin"),
        ("Columns that say nothing", "tunewell train numbers.csv"),
        ("A misspelt option", "tunewell train reviews.csv --epoch 3"),
        ("A task that does not exist", "tunewell train reviews.csv --task sentiment"),
        ("A folder that is in use for something else", "tunewell train reviews.csv --output notes"),
        ("A device that is not there", "tunewell train reviews.csv --device gpu"),
    ],
    "DataError": [
        ("A file that is not there", "tunewell train review.csv"),
        ("Rows that cannot be read", "tunewell train wrong.csv"),
        ("Blank cells", "tunewell train blanks.csv"),
        ("Another delimiter", "tunewell train semicolons.csv"),
        ("Another encoding", "tunewell train windows.csv"),
        ("Broken JSON", "tunewell train wrong.jsonl"),
        ("A column that is not there", "tunewell train reviews.csv --set task.label=lable"),
        ("Only one label", "tunewell train one.csv"),
        ("Hardly any rows", "tunewell train few.csv"),
    ],
    "ModelError": [
        ("A model that is not there", "tunewell train reviews.csv --model ./my-model"),
        ("Weights that could run code", "tunewell train reviews.csv --model pickled"),
        ("A folder that holds no run", "tunewell predict runs/reviews --text Lovely."),
        ("A model pack that does not exist", "tunewell models get mini"),
    ],
    "ResourceError": [
        ("A run folder that another process writes to", "tunewell train reviews.csv --output busy"),
    ],
    "NumericError": [("A rate that is too high, or a text that breaks the model", _not_finite)],
    "Interrupted": [("Ctrl-C, or SIGTERM", _stopped)],
}

PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
}


if __name__ == "__main__":
    sys.exit(main())
