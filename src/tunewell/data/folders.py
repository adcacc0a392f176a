"""Which files of a folder are its splits, by their names.

Not for: reading the files (`sources`), or what endings mean (`file_names`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tunewell.core.errors import DataError
from tunewell.data.file_names import ENDINGS, ending_of, split_words
from tunewell.data.json_documents import SPLIT_NAMES
from tunewell.data.parallel import stems

_LAST_WORDS = {**SPLIT_NAMES, "testa": "validation", "testb": "test"}
"""What the last word of a longer name says; `testa` and `testb` are the CoNLL-2003 task's own."""


def find_splits(folder: str, *, any_ending: bool = False) -> tuple[dict[str, str], list[str]]:
    """File names by split, in no order, and the names of data files that are no split.

    A file is a split by its whole name (`dev.tsv`, `dev-v2.0.json`), or, where no file of the folder is, by the last
    word of its name (`en_ewt-ud-dev.conllu.gz`). Parallel files count as one, by what their names share: `train` for
    `train.en` and `train.de`; of them the first word counts too (`train.en-de`, `test_2016_flickr`), where it is of one
    text alone. With `any_ending`, files without a known ending count too, each for itself.

    Raises `DataError` when two files could be the same split, or none is one.
    """
    names = sorted(entry.name for entry in Path(folder).iterdir())
    sides = {} if any_ending else stems(names)
    known = [*(name for name in names if ending_of(name) is not None), *sides]
    candidates = [name for name in names if not name.startswith(".")] if any_ending else known
    splits = _choose(folder, candidates, lambda name: SPLIT_NAMES.get(split_words(name)[0]))
    splits = splits or _choose(folder, candidates, lambda name: _LAST_WORDS.get(split_words(name)[1]))
    splits |= _by_first_words(sides, splits)
    if not splits:
        unsaid = [] if any_ending else [name for name in names if _LAST_WORDS.get(split_words(name)[1])]
        fix = f"name the files train, validation and test, each with an ending of {', '.join(ENDINGS)}"
        if unsaid:
            fix = f"say what {', '.join(unsaid[:4])} hold: --set data.format=conll for columns of words; or {fix}"
        if sides:
            fix = (
                f"give one of its parallel texts itself, such as {Path(folder) / next(iter(sides))}; or {fix}"
            )
        raise DataError(
            f"the folder holds no train, validation or test file, only {', '.join(names[:8]) or 'nothing'}",
            where=folder,
            fix=fix,
        )
    others = [name for name in known if name not in splits.values()]
    return splits, sorted(file for name in others for file in sides.get(name, [name]))


def _by_first_words(stems: Mapping[str, object], known: Mapping[str, str]) -> dict[str, str]:
    """Parallel texts by the first word of what their names share, for splits not `known`; of several none is taken.

    Unless all but one are that one in another form: `test_2016_flickr`, and `test_2016_flickr.lc.norm.tok` beside it.
    """
    found: dict[str, list[str]] = {}
    for stem in stems:
        word = re.match("[a-z]+", stem.lower())
        split = SPLIT_NAMES.get(word[0]) if word else None
        if split is not None and split not in known and stem not in known.values():
            found.setdefault(split, []).append(stem)
    shortest = {split: min(own, key=len) for split, own in found.items()}
    return {
        split: shortest[split]
        for split, own in found.items()
        if all(stem == shortest[split] or stem.startswith(f"{shortest[split]}.") for stem in own)
    }


def _choose(folder: str, names: list[str], split_of: Callable[[str], str | None]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name in names:
        split = split_of(name)
        if split is None:
            continue
        if split in chosen:
            raise DataError(
                f"both {chosen[split]} and {name} could be the {split} split",
                where=folder,
                fix="move one away",
            )
        chosen[split] = name
    return chosen
