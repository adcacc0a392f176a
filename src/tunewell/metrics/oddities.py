"""What goes wrong with texts that models write, told without a model: loops, copies, the wrong script, odd lengths.

Each is a sign to look at, and no metric. The reference is asked too: who laughs "ha ha ha" in the reference may do so in
the output, and a name that stays as it is was copied rightly. Pure Python over characters, for any language.

Not for: languages that share a script. German that was asked for and Dutch that came is not noticed.
"""

from __future__ import annotations

import re

from tunewell.core.scripts import same_script, script_of, script_shares
from tunewell.metrics.words import longest_common_length, pieces, words

__all__ = ["is_copy", "is_repetitive", "odd_output", "script_of"]

_LONGEST_UNIT = 8
_LEAST_TIMES = 3
_LEAST_SHARE = 1 / 3
"""A loop covers at least so much of a text, in words or, where no blanks stand, characters."""

_LEAST_SIGNS = 8
"""Units without a letter make a loop from so many signs on: "000 000" and "..." are none."""

_LOOP_IN_WORD = re.compile(r"(\S{1,8}?)\1{3,}")
_LEAST_LETTERS = 12

_SAME = 0.9
_LEAST_WORDS = 6
"""A copy of so many words or more may differ in a tenth of them; of fewer, in none."""

_FAR = 3
_FAR_WORDS = 4
_FEW_LETTERS = 4


def is_repetitive(text: str) -> bool:
    """Whether a third of the text, or more, says the same over and over: 1 to 8 words three times running.

    In scripts without blanks, 1 to 8 characters. So is a long word that says one syllable four times or more.
    """
    found = pieces(text)
    looping = [False] * len(found)
    for period in range(1, _LONGEST_UNIT + 1):
        start = 0
        while start + period < len(found):
            end = start
            while end + period < len(found) and found[end] == found[end + period]:
                end += 1
            length = end - start + period
            if length >= _least_length(found[start : start + period]):
                looping[start : start + length] = [True] * length
            start = end + 1
    if sum(looping) >= max(1, _LEAST_SHARE * len(found)):
        return True
    inside = [match[0] for match in _LOOP_IN_WORD.finditer(text) if any(map(str.isalpha, match[1]))]
    return sum(len(loop) for loop in inside if len(loop) >= _LEAST_LETTERS) >= max(
        1, _LEAST_SHARE * len(text)
    )


def _least_length(unit: list[str]) -> int:
    """From how many pieces on the unit, said again and again, is a loop."""
    least = _LEAST_TIMES * len(unit)
    return least if any(map(str.isalpha, "".join(unit))) else max(least, _LEAST_SIGNS)


def is_copy(source: str, output: str) -> bool:
    """Whether the output says the source again, but for case, punctuation and, in long texts, a word in ten."""
    one, two = words(source), words(output)
    if not one or not two:
        return False
    if min(len(one), len(two)) < _LEAST_WORDS:
        return one == two
    longer = max(len(one), len(two))
    if min(len(one), len(two)) < _SAME * longer:
        return False
    return longest_common_length(one, two) >= _SAME * longer


def odd_output(source: str, reference: str | None, output: str) -> list[str]:
    """What is odd about an output: "empty", "repeats itself", "copies the source", "wrong script", "far too short",
    "far too long".

    Without a reference, loops are excused where the source has them, and scripts and lengths are not judged.
    """
    if not output.strip():
        return [] if reference is not None and not reference.strip() else ["empty"]
    found = []
    if is_repetitive(output) and not is_repetitive(source if reference is None else reference):
        found.append("repeats itself")
    if is_copy(source, output) and not (reference is not None and is_copy(source, reference)):
        found.append("copies the source")
    if reference is None:
        return found
    if _is_other_script(output, reference):
        found.append("wrong script")
    written, wanted = len(words(output)), len(words(reference))
    if _FAR * written <= wanted and wanted - written >= _FAR_WORDS:
        found.append("far too short")
    if written >= _FAR * wanted and written - wanted >= _FAR_WORDS:
        found.append("far too long")
    return found


def _is_other_script(output: str, reference: str) -> bool:
    """Whether the output's script is not the reference's, and hardly found in it."""
    if min(sum(map(str.isalpha, text)) for text in (output, reference)) < _FEW_LETTERS:
        return False
    ours, wanted = script_of(output), script_of(reference)
    if same_script(ours, wanted):
        return False
    return script_shares(reference).get(ours, 0.0) < 1 - _SAME
