"""Train one contestant to the end and write what it scores.

    python -m benchmarks.scores --task token-classification --data btc --contestant trainer --output btc.json
    python -m benchmarks.scores --data multi30k_en_de --from-scratch hidden_size=240 --epochs 12 --output de.json

Beside `btc.json` lies `btc.predictions.jsonl`; `--score-again btc.json` scores that file anew, without training.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

import torch
import yaml

from benchmarks.data import UnusableError
from benchmarks.recipe import Json
from benchmarks.scores.contest import Outcome, Wish
from benchmarks.scores.data import ANSWERS, DATA, TOKENS, TRANSLATIONS, find
from benchmarks.scores.scoring import score

CONTESTANTS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("trainer", TOKENS): "benchmarks.scores.hf_tokens",
        ("trainer", ANSWERS): "benchmarks.scores.hf_answers",
        ("trainer", TRANSLATIONS): "benchmarks.scores.hf_translations",
        ("ours", TRANSLATIONS): "benchmarks.scores.ours",
        ("ours", TOKENS): "benchmarks.scores.ours",
        ("ours", ANSWERS): "benchmarks.scores.ours",
    }
)
"""The module whose `compete` trains and predicts."""

OPTIMIZING = ("warmup_steps", "adam_beta2", "weight_decay")
"""Options of both contestants that have no value unless it is given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 when nothing could be trained or scored."""
    given = _parser().parse_args(arguments)
    try:
        if given.score_again is not None:
            result = json.loads(given.score_again.read_text(encoding="utf-8"))
            _score(given.score_again, result)
        else:
            _compete(given)
    except UnusableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _compete(given: argparse.Namespace) -> None:
    from tunewell.models.locate import locate

    if given.output is None:
        raise UnusableError("--output is missing: name the JSON file that the scores go to")
    data = find(given.data, given.task)
    if given.from_scratch is not None and data.task != TRANSLATIONS:
        raise UnusableError(f"--from-scratch is for {TRANSLATIONS}, and {given.data} is for {data.task}")
    if given.set and given.contestant != "ours":
        raise UnusableError("--set changes Tunewell's settings: it is for --contestant ours")
    sizes = None if given.from_scratch is None else _sizes(_named(given.from_scratch))
    optimizing = {name: value for name in OPTIMIZING if (value := getattr(given, name)) is not None}
    if given.threads is not None:
        torch.set_num_threads(given.threads)
    wish = Wish(
        data=data,
        model=locate(given.model) if sizes is None else given.output.with_suffix(".start"),
        epochs=given.epochs,
        learning_rate=given.learning_rate,
        batch_size=given.batch_size,
        seed=given.seed,
        scratch=given.output.with_suffix(".run"),
        max_steps=given.max_steps,
        sizes=sizes,
        optimizing=optimizing,
        num_beams=given.num_beams,
        label_smoothing=given.label_smoothing,
        settings=_named(given.set),
    )
    compete: Callable[[Wish], Outcome] = import_module(CONTESTANTS[given.contestant, data.task]).compete
    outcome = compete(wish)
    lines = (json.dumps(prediction, ensure_ascii=False) + "\n" for prediction in outcome.predictions)
    _predictions(given.output).write_text("".join(lines), encoding="utf-8")
    result: Json = {
        "task": data.task,
        "data": given.data,
        "contestant": given.contestant,
        "model": Path(given.model).name if sizes is None else "from-scratch",
        **({} if sizes is None else {"sizes": sizes}),
        "epochs": given.epochs,
        "max_steps": given.max_steps,
        "learning_rate": given.learning_rate,
        "batch_size": given.batch_size,
        **optimizing,
        **_translating(data.task, given),
        "seed": given.seed,
        "threads": torch.get_num_threads(),
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "torch": torch.__version__,
        "test_examples": len(outcome.predictions),
        "seconds": {name: round(value, 3) for name, value in outcome.seconds.items()},
        **outcome.facts,
    }
    _write(given.output, result)  # first without scores: what took hours is safe whatever scoring says
    _score(given.output, result)


def _sizes(given: Json) -> Json:
    """Complete sizes. Raises `UnusableError` for a name that there is not."""
    from tunewell.config import SCRATCH_SIZES

    strangers = sorted(given.keys() - SCRATCH_SIZES.keys())
    if strangers:
        raise UnusableError(f"no size {strangers[0]!r}: there are {', '.join(SCRATCH_SIZES)}")
    return {**SCRATCH_SIZES, **given}


def _named(words: Sequence[str]) -> Json:
    """`NAME=VALUE`s, values as YAML reads them. Raises `UnusableError`."""
    found: Json = {}
    for word in words:
        name, between, value = word.partition("=")
        if not between:
            raise UnusableError(f"{word!r} is not of the form NAME=VALUE")
        found[name] = yaml.safe_load(value)
    return found


def _translating(task: str, given: argparse.Namespace) -> Json:
    if task != TRANSLATIONS:
        return {}
    return {"num_beams": given.num_beams, "label_smoothing": given.label_smoothing}


def _score(path: Path, result: Json) -> None:
    """Score the predictions beside `path` and write the scores into it."""
    lines = _predictions(path).read_text(encoding="utf-8").split("\n")
    result["scores"] = score(find(result["data"]), [json.loads(line) for line in lines if line])
    _write(path, result)
    print(json.dumps(result["scores"]))


def _predictions(path: Path) -> Path:
    return path.with_suffix(".predictions.jsonl")


def _write(path: Path, result: Json) -> None:
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks.scores", description=__doc__.split("\n")[0])
    made.add_argument("--task", choices=(TOKENS, ANSWERS, TRANSLATIONS), help="that of --data when absent")
    made.add_argument("--data", default="btc", help=f"one of {', '.join(DATA)}")
    made.add_argument("--contestant", default="trainer", choices=("trainer", "ours"))
    made.add_argument("--model", default="minilm", help="a model pack, or a model folder")
    made.add_argument(
        "--from-scratch",
        nargs="*",
        metavar="SIZE=NUMBER",
        help="no model but one that starts from nothing, of these sizes (hidden_size=240 ...); for translation",
    )
    made.add_argument("--epochs", type=float, default=3.0)
    made.add_argument("--max-steps", type=int, help="end training early, to see that all works")
    made.add_argument("--learning-rate", type=float, default=2e-4)
    made.add_argument("--batch-size", type=int, default=16)
    made.add_argument(
        "--warmup-steps", type=int, help="each side's own default when absent, as of the next two"
    )
    made.add_argument("--adam-beta2", type=float)
    made.add_argument("--weight-decay", type=float)
    made.add_argument("--num-beams", type=int, default=4, help="of translation")
    made.add_argument("--label-smoothing", type=float, default=0.1, help="of translation")
    made.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a further setting of Tunewell"
    )
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--threads", type=int, help="PyTorch's own number when absent")
    made.add_argument("--output", type=Path, metavar="FILE.json", help="where the scores go")
    made.add_argument("--score-again", type=Path, metavar="FILE.json", help="score its predictions anew")
    return made


if __name__ == "__main__":
    sys.exit(main())
