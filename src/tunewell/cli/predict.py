"""`tunewell predict`: answers for a file, standard input, or texts on the command line."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from tunewell.cli.evaluate import data_changes
from tunewell.core.errors import ConfigError

if TYPE_CHECKING:
    from tunewell.core.examples import Row


def predict(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A file in any form that train reads (labels are not needed), a .txt file with one text a line, or "
            "- for standard input.",
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="T", help="A text, in place of a file; twice for a pair; may be repeated for more."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(metavar="F", help="Write to this file, .jsonl or .csv, and not to the screen."),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="D", help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    engine: Annotated[
        str,
        typer.Option(
            metavar="E",
            help="What computes: torch, or ctranslate2, which translates faster on CPUs; its first answers are checked "
            "against torch's.",
        ),
    ] = "torch",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="data.KEY=VALUE",
            help="How to read the file, such as data.delimiter=';'; may be repeated.",
        ),
    ] = None,
) -> None:
    """Let a trained model answer for a file, for standard input or for texts.

    One answer a row, in the order of the input, beside the row's own columns: as JSON lines, or as CSV where --output
    ends in .csv.
    """
    if (file is None) == (not text):
        raise ConfigError(
            "give either a file (or - for standard input) or --text",
            fix=f'tunewell predict {run} FILE, or: tunewell predict {run} --text "..."',
        )
    if text and settings:
        raise ConfigError(
            f"--set {settings[0]} has no effect on texts of the command line", fix="leave it out"
        )
    if output is not None and Path(output).suffix not in (".jsonl", ".csv"):
        raise ConfigError(
            f"--output {output!r} ends in neither .jsonl nor .csv", fix="the ending chooses the format"
        )
    if output is not None and not Path(output).parent.is_dir():
        parent = Path(output).parent
        raise ConfigError(f"there is no folder {str(parent)!r}", where="--output", fix=f"mkdir -p {parent}")
    from tunewell import runs
    from tunewell.data.sources import stream

    trained = runs.Run(run)
    notes: list[str] = []
    predictor = trained.load_predictor(device, engine, notes)
    if text:
        columns = predictor.task.input_columns()
        width = len(columns)
        if len(text) % width:
            raise ConfigError(
                f"this model reads {width} texts at a time ({', '.join(columns)}), and --text is given {len(text)} times",
                fix=f"tunewell predict {run} " + " ".join(['--text "..."'] * width),
            )
        parts = [text[start : start + width] for start in range(0, len(text), width)]
        rows: Iterable[Row] = [runs.row_of_texts(predictor, part, n) for n, part in enumerate(parts, start=1)]
    else:
        name = "standard input" if file == "-" else str(file)
        reading = runs.reading_settings(trained, str(file), data_changes(settings or []))
        rows = stream(str(file), reading, notes=notes)
        rows = _gathered(rows, predictor.task.gathered)
        rows = _with_columns_checked(
            rows, lambda columns: predictor.task.check_columns(columns, name, labelled=False)
        )
    with _opened(output) as target, predictor.runtime.stop.listening():
        write = _write_csv if output is not None and output.endswith(".csv") else _write_jsonl
        write(target, (runs.joined_row(row, answer) for row, answer in runs.answers(predictor, rows)))
    for note in notes:
        print(note, file=sys.stderr)


def _gathered(
    rows: Iterable[Row],
    gather: Callable[[Sequence[str], Sequence[Row]], tuple[Sequence[str], Sequence[Row]] | None],
) -> Iterator[Row]:
    """The rows, those that make up one example put together; only a table of such is held in memory."""
    coming = iter(rows)
    first = list(islice(coming, 1))
    if first and gather(list(first[0].values), first) is not None:
        held = [*first, *coming]
        found = gather(list(first[0].values), held)
        yield from found[1] if found is not None else held
        return
    yield from chain(first, coming)


def _with_columns_checked(rows: Iterable[Row], check: Callable[[list[str]], None]) -> Iterator[Row]:
    """The same rows, after a look at the columns of the first."""
    for number, row in enumerate(rows):
        if number == 0:
            check(list(row.values))
        yield row


@contextmanager
def _opened(output: str | None) -> Iterator[IO[str]]:
    """Standard output, or a file that stands in its place only when it is complete."""
    if output is None:
        if sys.stdout is None:
            raise ConfigError("standard output is closed", fix="give --output")
        yield sys.stdout
        return
    path = Path(output)
    temporary = path.with_name(f".writing-{path.name}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_jsonl(target: IO[str], answers: Iterable[dict[str, Any]]) -> None:
    """A target that cannot spell every character gets JSON's escapes."""
    encoding = (getattr(target, "encoding", None) or "utf-8").lower().replace("_", "-")
    ascii_only = encoding not in ("utf-8", "utf8")
    for answer in answers:
        target.write(json.dumps(answer, ensure_ascii=ascii_only, default=str) + "\n")
        target.flush()


def _write_csv(target: IO[str], answers: Iterable[dict[str, Any]]) -> None:
    """The columns of the first row; what is not a number or a text is written as JSON."""
    writer: csv.DictWriter[str] | None = None
    for answer in answers:
        if writer is None:
            writer = csv.DictWriter(target, list(answer), extrasaction="ignore")
            writer.writeheader()
        cells = {
            key: value
            if isinstance(value, str | int | float) or value is None
            else json.dumps(value, ensure_ascii=False)
            for key, value in answer.items()
        }
        writer.writerow(cells)
