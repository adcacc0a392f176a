"""`tunewell chat`: a conversation with a trained model, in the terminal or on one line."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tunewell.runs.conversation import Conversation

_HELP = (
    "/reset forgets what was said, /save FILE adds the conversation to a .jsonl file, Ctrl-C ends a reply, /quit (or "
    "Ctrl-D) leaves"
)


def chat(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The folder of a finished run of the task dialogue.")
    ],
    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="T",
            help="Say this and print the reply on one line, in place of a conversation in the terminal; may be "
            "repeated for more turns.",
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="0 writes the likeliest token each time, higher values dare more; as trained where absent.",
        ),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            metavar="P", help="Draw among the likeliest tokens with this much probability together."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The seed of what temperature draws.")] = None,
    device: Annotated[
        str, typer.Option(metavar="D", help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
) -> None:
    """Talk with a model that was trained on conversations.

    Replies appear as they are written. The same words with the same settings get the same reply. Lines from a pipe get
    a line each for an answer. /help lists what may be typed beside.
    """
    from tunewell import runs
    from tunewell.runs.conversation import Conversation

    given = {"temperature": temperature, "top_p": top_p, "sampling_seed": seed}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes.get("temperature") == 0:
        changes = {**{"top_p": 1.0, "sampling_seed": 0}, **changes}
    predictor = runs.Run(run).load_predictor(device)
    conversation = Conversation(predictor, changes)
    if text:
        for turn in text:
            print(_on_one_line(conversation.reply(turn)), flush=True)
        return
    _talk(conversation)


def _talk(conversation: Conversation) -> None:
    """Lines from standard input until it ends; prompts only where somebody types."""
    typed = sys.stdin.isatty()
    if typed:
        print(_HELP)
    while True:
        try:
            line = input("you: " if typed else "").strip()
        except (EOFError, KeyboardInterrupt):
            if typed:
                print()
            return
        if line in ("/quit", "/exit"):
            return
        if line.startswith("/"):
            # Who pipes lines in reads replies alone from standard output.
            print(_obeyed(conversation, line), file=sys.stdout if typed else sys.stderr)
        elif line and typed:
            _reply_as_written(conversation, line)
        elif line:
            print(_on_one_line(conversation.reply(line)), flush=True)


def _obeyed(conversation: Conversation, line: str) -> str:
    """What is said of a line that begins with a slash, once it is done."""
    command, _, rest = line.partition(" ")
    if command == "/reset":
        conversation.reset()
        return "(forgotten)"
    if command == "/save":
        return _save(conversation, rest.strip())
    return f"({_HELP})" if command == "/help" else f"(there is no {command}; {_HELP})"


def _reply_as_written(conversation: Conversation, line: str) -> None:
    """The reply, piece by piece; Ctrl-C ends it, and then the conversation is what it was before."""
    print("model: ", end="", flush=True)
    try:
        conversation.reply(line, _print_piece)
    except KeyboardInterrupt:
        print("\n(stopped; what you said last is forgotten)")
    else:
        print()


def _on_one_line(reply: str) -> str:
    return " ".join(_harmless(reply).split())


def _harmless(text: str) -> str:
    """The text without the control characters with which a terminal can be steered."""
    return "".join(
        character for character in text if character in "\n\t" or unicodedata.category(character) != "Cc"
    )


def _print_piece(piece: str) -> None:
    print(_harmless(piece), end="", flush=True)


def _save(conversation: Conversation, name: str) -> str:
    """Add the conversation to a file; what is said of it."""
    path = Path(name or "conversation.jsonl")
    if not conversation.turns:
        return "(nothing was said yet)"
    if not path.parent.is_dir():
        return f"(there is no folder {path.parent})"
    if path.is_dir():
        return f"({path} is a folder; name a file in it)"
    try:
        if not conversation.save(path):
            return "(nothing is to be saved: every reply was empty)"
    except (OSError, UnicodeDecodeError) as error:
        return f"({path} cannot be written: {error})"
    return f"(added to {path})"
