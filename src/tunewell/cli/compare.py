"""`tunewell compare`: finished runs side by side on the same test examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewell.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from tunewell.core.comparisons import Comparison, Differing

_DIFFERING_SHOWN = 5
_TEXT_SHOWN = 100


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Two or more run folders.")],
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare by this metric, not the primary one.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="What all others are compared with; the first run if absent."),
    ] = None,
    all_pairs: Annotated[
        bool, typer.Option("--all-pairs", help="Compare every run with every other.")
    ] = False,
    split: Annotated[
        str | None, typer.Option(metavar="S", help="validation or test; test where there is one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a page to open in a browser.")
    ] = None,
) -> None:
    """Compare finished runs on the same test examples.

    Paired tests with Holm's correction; no model is loaded.
    """
    if html is not None and not Path(html).absolute().parent.is_dir():
        raise ConfigError(f"no folder {Path(html).parent} to write to", where="--html", fix="create it")
    from tunewell.studies.comparison import compare as compare_runs

    found = compare_runs(runs, metric=metric, reference=reference, all_pairs=all_pairs, split=split)
    if html is not None:
        _write_page(found, Path(html))
    if as_json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
        return
    _print(found)
    if html is not None:
        print(f"page written to {html}")


def _write_page(found: Comparison, path: Path) -> None:
    from importlib.metadata import version

    from tunewell.report import render
    from tunewell.run_dir import write_text
    from tunewell.studies.comparison_sections import comparison_sections

    names = list(found.folders)
    title = " and ".join(names) if len(names) == 2 else f"{len(names)} runs compared"
    subtitle = f"{found.task}, compared by tunewell {version('tunewell')}"
    write_text(path, render(title, subtitle, comparison_sections(found)))


def _print(found: Comparison) -> None:
    """Scores, then each pair in words, then some of the examples, then what to keep in mind."""
    from tunewell.cli.console import print_table
    from tunewell.cli.words import visible
    from tunewell.report.compared import difference_scale, lede, pair_words
    from tunewell.studies.comparison_sections import compared

    section = compared(found)
    scale = difference_scale(section)
    print(f"{found.metric} on {found.num_examples} {found.split} examples, the same for all runs")
    print_table(_scores_table(found))
    print(visible(lede(section)))
    for pair in found.pairs:
        print(f"  {visible(pair_words(pair, scale, len(found.pairs)))}")
        if (cells := pair.agreement) is not None:
            print(
                f"    both right {cells.both}, only {visible(pair.run)} {cells.only_run}, only "
                f"{visible(pair.against)} {cells.only_against}, both wrong {cells.neither}"
            )
    print(f"{found.num_differing} of {found.num_examples} examples are not answered alike")
    for example in found.differing[:_DIFFERING_SHOWN]:
        print(f"  {visible(_example_line(example))}")
    if found.num_differing > _DIFFERING_SHOWN:
        print("  ... all of them: --html FILE or --json")
    for notice in found.notices:
        print(f"note: {notice}")


def _scores_table(found: Comparison) -> Table:
    from rich.table import Table

    from tunewell.cli.words import interval_text, visible

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for name, score in found.scores.items():
        table.add_row(visible(name), interval_text(score), "reference" if name == found.reference else "")
    return table


def _example_line(example: Differing) -> str:
    text = " ".join(example.text.split())
    text = text if len(text) <= _TEXT_SHOWN else f"{text[: _TEXT_SHOWN - 1]}…"
    answers = ", ".join(f"{name}: {_short(answer)}" for name, answer in example.answers.items())
    return f"{example.example_id}  gold {_short(example.gold)}; {answers}  {text}"


def _short(answer: str | float) -> str:
    return f"{answer:.4g}" if isinstance(answer, float) else answer
