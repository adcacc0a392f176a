"""The command line: one file per verb; parse, call, print. The only place that prints.

`main` is what the `tunewell` command runs. Verbs import what they need when they run, so that `--help` and a
configuration error never wait for torch.
"""

from __future__ import annotations

import io
import os
import sys
import traceback

from tunewell.cli.words import visible

DEBUG_FLAG = "--debug"


def main() -> None:
    """Run the command line and leave with the exit code of `tunewell.core.errors`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it is closed
            stream.reconfigure(errors="backslashreplace")  # whatever the terminal can spell
    code = run(sys.argv[1:])
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # `run` has dealt with it; without this, Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code; an error is a cause, a place and a remedy, not a traceback."""
    from tunewell.core.errors import TunewellError

    debug = DEBUG_FLAG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG_FLAG]
    try:
        code = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except TunewellError as error:
        if debug:
            traceback.print_exc()
        _complain(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:  # whoever read our output has gone; there is nobody to complain to
        return 0
    except OSError as error:
        if debug:
            traceback.print_exc()
        place = f"{error.filename}: " if error.filename else ""
        _complain(
            f"error: {place}{error.strerror or error}\n  fix: check space and rights there; {DEBUG_FLAG} shows more"
        )
        return 5
    except Exception as error:
        if debug:
            raise
        _complain(f"error: {type(error).__name__}: {error}")
        _complain(
            f"  fix: this is a fault of tunewell; run it again with {DEBUG_FLAG} and report what it prints"
        )
        return 1


def _dispatch(arguments: list[str]) -> int:
    """Hand the arguments to typer; a wrong command line is exit code 2.

    Not through typer's own `main`, which turns a broken pipe into exit code 1.
    """
    import typer.main

    from tunewell.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("tunewell", arguments or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return 130
    except typer.TyperException as error:
        said = error.format_message() if hasattr(error, "format_message") else str(error)
        context_of = getattr(error, "ctx", None)
        _complain(f"error: {said}\n  fix: see {context_of.command_path if context_of else 'tunewell'} --help")
        return 2
    return 0


def _complain(message: str) -> None:
    """To standard error, as far as the terminal can spell it."""
    if sys.stderr is None:
        return
    encoding = sys.stderr.encoding or "utf-8"
    print(visible(message).encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)
