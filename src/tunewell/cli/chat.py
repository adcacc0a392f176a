"""`tunewell chat`: a conversation with a trained model, in the terminal or on one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tunewell.runs.conversation import Conversation

_HELP = "/reset forgets what was said, /save FILE adds the conversation to a .jsonl file, /quit (or Ctrl-D) leaves"


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

    Replies appear as they are written. The same words with the same settings get the same reply.
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
            print(" ".join(conversation.reply(turn).split()))
        return
    with predictor.runtime.stop.listening():
        _talk(conversation)


def _talk(conversation: Conversation) -> None:
    """Lines from standard input until it ends; prompts only where somebody types."""
    typed = sys.stdin.isatty()
    if typed:
        print(_HELP)
    while True:
        try:
            line = input("you: " if typed else "").strip()
        except EOFError:
            return
        if line in ("/quit", "/exit"):
            return
        if line == "/reset":
            conversation.reset()
            print("(forgotten)")
        elif line.split(" ")[0] == "/save":
            _save(conversation, line.removeprefix("/save").strip())
        elif line.startswith("/"):
            print(f"(there is no {line.split()[0]}; {_HELP})")
        elif line:
            print("model: " if typed else "", end="", flush=True)
            conversation.reply(line, _print_piece)
            print()


def _print_piece(piece: str) -> None:
    print(piece, end="", flush=True)


def _save(conversation: Conversation, name: str) -> None:
    path = Path(name or "conversation.jsonl")
    if not conversation.turns:
        print("(nothing was said yet)")
        return
    if not path.parent.is_dir():
        print(f"(there is no folder {path.parent})")
        return
    conversation.save(path)
    print(f"(added to {path})")
