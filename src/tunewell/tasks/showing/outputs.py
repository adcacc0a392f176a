"""What translations and replies have in common: how long they are, and what is odd about them.

Not for: telling what is odd (`tunewell.metrics.oddities`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tunewell.core.sections import Table

REACHED_LIMIT = "reached the limit"
NOT_ODD = "none"
_BOUNDS = (5, 10, 20, 40, 80, 160, 320, 640)
_QUOTED = 70
_SAMPLED = 100


def unit_of(texts: Sequence[str]) -> str:
    """`characters` where most of the first texts are mostly in a script without blanks between words, else `words`."""
    from tunewell.core.scripts import is_unspaced

    sample = texts[:_SAMPLED]
    unspaced = sum(2 * sum(map(is_unspaced, text)) > len("".join(text.split())) for text in sample)
    return "characters" if 2 * unspaced > len(sample) else "words"


def length_of(text: str, unit: str) -> int:
    """How many words, or characters without blanks, a text has."""
    return len(text.split()) if unit == "words" else sum(not character.isspace() for character in text)


def classes_of(lengths: Iterable[int], unit: str) -> list[tuple[str, list[int]]]:
    """Classes of length that some text is in, the shortest first, each with the places of its texts."""
    bounds = _BOUNDS if unit == "words" else tuple(2 * bound for bound in _BOUNDS)
    starts = (0, *(bound + 1 for bound in bounds))
    places: list[list[int]] = [[] for _ in starts]
    for place, length in enumerate(lengths):
        places[sum(length >= start for start in starts[1:])].append(place)
    names = [f"{max(1, low)} to {high}" for low, high in zip(starts, bounds, strict=False)]
    return [
        (name, found) for name, found in zip([*names, f"{starts[-1]} or more"], places, strict=True) if found
    ]


def said_of(oddities: Sequence[str]) -> str:
    """All that is odd about a text, in one line."""
    return ", ".join(oddities) or NOT_ODD


def odd_table(
    what: str, names: Sequence[str], oddities: Sequence[Sequence[str]], quoted: Sequence[str], note: str
) -> Table:
    """How many texts (called `what`, in the plural) are odd, and how; each oddity with its first place.

    `names` are looked for, `oddities` found, text by text; `quoted` shows a text and where it is from.
    """
    counts = Counter(name for found in oddities for name in found)
    first = {name: place for place in reversed(range(len(oddities))) for name in oddities[place]}
    rows = [
        [
            name,
            counts[name],
            counts[name] / max(1, len(oddities)),
            quoted[first[name]] if name in first else None,
        ]
        for name in dict.fromkeys((*names, *counts))
    ]
    num_odd = sum(map(bool, oddities))
    shows = f"None of the {len(oddities):,} {what} is odd in one of these ways."
    if num_odd:
        name, count = counts.most_common(1)[0]
        shows = (
            f"{num_odd:,} of {len(oddities):,} {what} ({num_odd / len(oddities):.1%}) {'is' if num_odd == 1 else 'are'} "
            f"odd in some way; most often: {name} ({count:,})."
        )
    return Table(f"Odd {what}", note, ["oddity", what, "share", "first_one"], rows, shows=shows)


def quote(text: str, origin: object) -> str:
    """The beginning of a text, and where it is from."""
    line = " ".join(text.split())
    cut = line if len(line) <= _QUOTED else line[: _QUOTED - 1].rstrip() + "…"
    return f"{cut or '(nothing)'} [{origin}]"
