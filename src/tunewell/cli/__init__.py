"""The command line: one file per verb; parse, call, print. The only place that prints.

`main` is what the `tunewell` command runs. Verbs import what they need when they run, so that `--help` and a
configuration error never wait for torch.
"""

from __future__ import annotations

import os
import sys
import traceback

DEBUG_FLAG = "--debug"


def main() -> None:
    """Run the command line and leave with the exit code of `tunewell.core.errors`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code; an error is a cause, a place and a remedy, not a traceback."""
    from tunewell.core.errors import TunewellError

    debug = DEBUG_FLAG in arguments
    arguments = [argument for argument in arguments if argument != DEBUG_FLAG]
    try:
        return _dispatch(arguments)
    except TunewellError as error:
        if debug:
            traceback.print_exc()
        _complain(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:  # whoever read our output has gone; there is nobody to complain to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        _complain(f"error: {type(error).__name__}: {error}")
        _complain(
            f"  fix: this is a fault of tunewell; run it again with {DEBUG_FLAG} and report what it prints"
        )
        return 1


def _dispatch(arguments: list[str]) -> int:
    """Hand the arguments to typer; a wrong command line is exit code 2."""
    import typer

    from tunewell.cli.app import app

    try:
        code = app(args=arguments or ["--help"], prog_name="tunewell", standalone_mode=False)
    except typer.TyperException as error:
        said = error.format_message() if hasattr(error, "format_message") else str(error)
        _complain(f"error: {said}\n  fix: see tunewell --help, or tunewell COMMAND --help")
        return 2
    except typer.Abort:
        return 130
    return code if isinstance(code, int) else 0


def _complain(message: str) -> None:
    """To standard error, whatever the terminal can spell."""
    encoding = sys.stderr.encoding or "utf-8"
    print(message.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)
