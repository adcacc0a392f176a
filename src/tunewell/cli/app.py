"""The verbs, gathered into one typer application. No heavy imports: this runs for every `--help`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunewell.cli import chat, compare, demo, evaluate, init, models, predict, report, runs, train

app = typer.Typer(
    help="Fine-tune pretrained language models on your own labelled text, and know how well it worked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tunewell {version('tunewell')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


for _verb in (
    train.train,
    evaluate.evaluate,
    predict.predict,
    chat.chat,
    compare.compare,
    report.report,
    runs.runs,
    init.init,
    models.models,
    demo.demo,
):
    app.command()(_verb)
