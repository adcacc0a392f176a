"""The options that the commands share, and where results go."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pairs import NUM_PAIRS
from benchmarks.recipe import Json, Recipe
from benchmarks.session import FOLDER_PREFIX, Wish
from benchmarks.tasks import TASKS

QUICK_ROWS = 1600
"""One megabatch of the Trainer's length grouping."""

_TEMPORARY = re.compile(rf'{re.escape(tempfile.gettempdir())}/{re.escape(FOLDER_PREFIX)}[^/"]*')


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """With the options that say what is measured and where results go."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=description)
    made.add_argument("--task", default="text-classification", help=f"one of {', '.join(TASKS)}")
    made.add_argument("--model", default="minilm", help="a name of benchmarks/models.py, or a model folder")
    made.add_argument("--data", default="sst2_sentences", help="a name of benchmarks/data.py, or a folder")
    made.add_argument("--device", default="cpu", help="cpu (float32) or cuda (bfloat16 autocast)")
    made.add_argument("--threads", type=int, help="the physical cores when absent")
    made.add_argument("--rows", type=int, help="training rows; whole megabatches of all rows when absent")
    made.add_argument("--batch-size", type=int, default=Recipe.batch_size)
    made.add_argument(
        "--pairs", type=int, default=NUM_PAIRS, help="the first is thrown away; take an odd number"
    )
    made.add_argument("--out", type=Path, help="folder for the results; runs/benchmarks/... when absent")
    made.add_argument("--quick", action="store_true", help="a smoke run: everything once, nothing to quote")
    return made


def wish(given: argparse.Namespace) -> Wish:
    """What the options ask for."""
    recipe = Recipe(batch_size=given.batch_size, bfloat16=given.device.startswith("cuda"))
    rows = given.rows or (QUICK_ROWS if given.quick else None)
    return Wish(given.task, given.model, given.data, given.device, given.threads, rows, recipe=recipe)


def out_folder(given: argparse.Namespace, kind: str) -> Path:
    """The folder for the results, made."""
    name = f"{kind}-{Path(given.model).name}-{Path(given.data).name}-{given.device.split(':')[0]}"
    folder: Path = given.out or Path("runs/benchmarks") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(folder: Path, name: str, result: Json, markdown: str, drawing: str | None = None) -> None:
    """The raw numbers as JSON, the page as Markdown, the picture as SVG; the page on standard output too."""
    raw = _TEMPORARY.sub(
        "TEMPORARY", json.dumps(result, indent=1)
    )  # of no use to anybody, and never the same
    (folder / f"{name}.json").write_text(raw + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown, encoding="utf-8")
    if drawing is not None:
        (folder / f"{name}.svg").write_text(drawing + "\n", encoding="utf-8")
    print(markdown)
    print(f"written: {folder / name}.json, .md" + (", .svg" if drawing is not None else ""))


def say(message: str) -> None:
    """Progress, on standard error."""
    print(time.strftime("%H:%M:%S"), message, file=sys.stderr, flush=True)


def names(text: str) -> Sequence[str]:
    """`ours,H0,H1` as a list."""
    return [name.strip() for name in text.split(",") if name.strip()]
