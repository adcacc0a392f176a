"""Which files of a folder are its splits, by their names and those of the folders in it.

Not for: reading the files (`sources`), or what endings mean (`file_names`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tunewell.core.errors import DataError
from tunewell.data.file_names import ENDINGS, ending_of, split_words
from tunewell.data.json_documents import SPLIT_NAMES
from tunewell.data.parallel import stems

_ANNOTATIONS = {"act", "acts", "emotion", "emotions", "topic", "topics"}
"""What files of DailyDialog are about that stand beside the conversations, such as `dialogues_act_train.txt`."""

_NUMBERED = re.compile(r"(?P<stem>.*?)[-_.]?\d+(?P<ending>\.json(?:\.gz)?)", re.IGNORECASE)

_LAST_WORDS = {**SPLIT_NAMES, "testa": "validation", "testb": "test"}
"""What the last word of a longer name says; `testa` and `testb` are the CoNLL-2003 task's own."""


def find_splits(folder: str, *, any_ending: bool = False) -> tuple[dict[str, str], list[str]]:
    """File names by split, in no order, and the names of data files that are no split.

    A file is a split by its whole name (`dev.tsv`, `dev-v2.0.json`), or, where no file of the folder is, by the last
    word of its name (`en_ewt-ud-dev.conllu.gz`), or by the first (`train.en.tsv.gz` beside `dev.en.tsv.gz`). Where there
    are no such files, folders in it may be splits: the name is that of a file in one, or that of a folder whose files are
    numbered (see `numbered_files`). A folder of numbered files alone is the training split, named `.`.

    Parallel files count as one, by what their names share: `train` for `train.en` and `train.de`; of them the first word
    counts too (`train.en-de`, `test_2016_flickr`), where it is of one text alone. With `any_ending`, files without a known
    ending count too, each for itself.

    Raises `DataError` when two files could be the same split, or none is one.
    """
    names = sorted(entry.name for entry in Path(folder).iterdir())
    sides = {} if any_ending else stems(names)
    known = [*(name for name in names if ending_of(name) is not None), *sides]
    candidates = [name for name in names if not name.startswith(".")] if any_ending else known
    splits = _choose(folder, candidates, lambda name: SPLIT_NAMES.get(split_words(name)[0]))
    splits = splits or _choose(folder, candidates, lambda name: _LAST_WORDS.get(split_words(name)[1]))
    splits |= _by_first_words(sides, splits)
    splits = splits or _by_beginnings(folder, [name for name in known if name not in sides])
    if not splits and not any_ending:
        splits = _by_folders(folder, names) or ({"train": "."} if numbered_files(folder) else {})
        if splits:
            return splits, [name for split in splits.values() for name in _siblings(folder, split)]
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


def numbered_files(folder: str) -> list[str]:
    """The files of a folder that are parts of one table, alike but for their numbers (`dialogues_001.json`); else none.

    They are documents, each whole by itself; `schema.json` may lie beside them, as in the data of SGD, and nothing else.
    """
    data = [entry.name for entry in Path(folder).iterdir() if ending_of(entry.name) is not None]
    names = [name for name in data if name != "schema.json"]
    matches = [match for name in names if (match := _NUMBERED.fullmatch(name))]
    alike = {(match["stem"], match["ending"]) for match in matches}
    if len(names) < 2 or len(matches) < len(names) or len(alike) > 1:
        return []
    return sorted(names, key=lambda name: (len(name), name))


def _by_beginnings(folder: str, names: list[str]) -> dict[str, str]:
    """Files by the first words of their names, where what follows is the same: `train.en.tsv`, `dev.en.tsv`."""
    groups: dict[str, list[str]] = {}
    for name in names:
        word, *rest = re.split(r"[-_.]", name.lower().removesuffix(".gz"))
        if word in SPLIT_NAMES:
            groups.setdefault(".".join(rest), []).append(name)
    chosen = [_choose(folder, own, lambda name: SPLIT_NAMES[_first_word(name)]) for own in groups.values()]
    found = [splits for splits in chosen if "train" in splits]
    if len(found) > 1:
        first = {split: Path(folder) / name for split, name in found[0].items()}
        are_parts = all(rest[:1].isdigit() for rest in groups if len(groups) > 1)
        options = [f"--{split} {first[split]}" for split in ("validation", "test") if split in first]
        raise DataError(
            f"each of {', '.join(splits['train'] for splits in found[:6])} could be the train split",
            where=folder,
            fix="put the parts together in one file for each split"
            if are_parts
            else f"give the files of one: tunewell train {' '.join([str(first['train']), *options])}",
        )
    return found[0] if found else {}


def _by_folders(folder: str, names: list[str]) -> dict[str, str]:
    """Splits that are folders: the only data file in each, or all of them where they are numbered."""
    folders = [name for name in names if (Path(folder) / name).is_dir()]
    chosen = _choose(folder, folders, lambda name: SPLIT_NAMES.get(name.lower()))
    splits: dict[str, str] = {}
    for split, name in chosen.items() if "train" in chosen else ():
        inner = Path(folder) / name
        files = sorted(entry.name for entry in inner.iterdir() if ending_of(entry.name) is not None)
        texts = [file for file in files if not _is_about(file, files)]
        if len(texts) == 1:
            splits[split] = str(Path(name) / texts[0])
        elif numbered_files(str(inner)):
            splits[split] = name
        else:
            raise DataError(
                f"the {split} split is a folder that holds {', '.join(files[:6]) or 'no data files'}, where one file is "
                "expected",
                where=str(inner),
                fix="give the files themselves: tunewell train FILE --validation FILE --test FILE",
            )
    return splits


def _siblings(folder: str, split: str) -> list[str]:
    """The data files beside that of a split which are no part of it."""
    path = Path(folder) / split
    inner = path if path.is_dir() else path.parent
    used = numbered_files(str(inner)) if path.is_dir() else [path.name]
    rest = [entry.name for entry in inner.iterdir() if ending_of(entry.name) is not None]
    return sorted(str((inner / name).relative_to(folder)) for name in rest if name not in used)


def _first_word(name: str) -> str:
    return re.split(r"[-_.]", name.lower())[0]


def _words(name: str) -> set[str]:
    return set(re.split(r"[-_.]", name.lower()))


def _choose(folder: str, names: list[str], split_of: Callable[[str], str | None]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for name in names:
        split = split_of(name)
        if split is None or _is_about(name, names):
            continue
        if split in chosen:
            raise DataError(
                f"both {chosen[split]} and {name} could be the {split} split",
                where=folder,
                fix="move one away",
            )
        chosen[split] = name
    return chosen


def could_be_tests(names: list[str]) -> list[str]:
    """Those of the files that are no split which may be other test sets."""
    return [name for name in names if not _words(name) & _ANNOTATIONS]


def _is_about(name: str, names: Sequence[str]) -> bool:
    """Whether a file says something of what one of the others holds, as `dialogues_act_train.txt` of `dialogues_train.txt`."""
    own = _words(name)
    return any(other < own and own - other <= _ANNOTATIONS for other in map(_words, names))
