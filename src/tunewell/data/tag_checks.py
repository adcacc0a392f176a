"""The data doctor on tags: out of order, widened, rare, missing from training, of one kind only, or of another text.

Not for: tags that cannot be read (`tagged`) or what it finds for all tasks (`checks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from tunewell.core.examples import TaggedExample, TextExample
from tunewell.core.tags import illegal, spans
from tunewell.data.findings import SHOWN, Finding, plural
from tunewell.data.label_checks import examine_labels
from tunewell.data.tagged import out_of_order

Splits = Mapping[str, Sequence[TaggedExample]]


def examine_tags(splits: Splits, *, entities: bool) -> list[Finding]:
    """Every finding on tagged examples."""
    findings = []
    for name, examples in splits.items():
        findings += _out_of_order(name, examples)
        findings += _widened(name, examples)
        findings += _of_another_text(name, examples)
    findings += _nothing_to_learn(splits) if entities else _one_tag(splits)
    labels = {
        name: [
            TextExample(e.id, e.origin, (), tuple(sorted(kinds_of(e) if entities else set(e.tags or ()))))
            for e in examples
        ]
        for name, examples in splits.items()
    }
    findings += [finding for finding in examine_labels(labels) if finding.code != "one-class"]
    return [_with_words(finding, splits, entities) for finding in findings]


def _with_words(finding: Finding, splits: Splits, entities: bool) -> Finding:
    """Tags that training lacks are shown with their words: a sentence alone is no place to look at."""
    if finding.code != "label-absent-from-train":
        return finding
    known = {name for example in splits["train"] for name, _ in _named(example, entities)}
    shown = (
        f"{example.origin} token {place + 1} {example.tokens[place]!r}: {name}"
        for example in splits[finding.message.partition(":")[0]]
        for name, place in _named(example, entities)
        if name not in known
    )
    return replace(finding, examples=tuple(islice(shown, SHOWN)))


def _named(example: TaggedExample, entities: bool) -> list[tuple[str, int]]:
    """The types of entities and where they begin, or the tags of all words."""
    tags = example.tags or ()
    if entities:
        return [(kind, first) for kind, first, _ in spans(tags)]
    return [(tag, place) for place, tag in enumerate(tags)]


def kinds_of(example: TaggedExample) -> set[str]:
    """The types of the entities of an example."""
    return {kind for kind, _, _ in spans(example.tags or ())}


def _out_of_order(name: str, examples: Sequence[TaggedExample]) -> list[Finding]:
    found = [(example, place) for example in examples for place in example.illegal]
    if not found:
        return []
    shown = []
    for example, place in found[:SHOWN]:
        tokens, tags = example.tokens, example.tags or ()
        as_in_file = place in illegal(tags)  # else the file has another scheme, and the tags were re-written
        said = out_of_order(tokens, tags, place) if as_in_file else f"token {place + 1} {tokens[place]!r}"
        shown.append(f"{example.origin} {said}")
    sentences = plural(sum(bool(example.illegal) for example in examples), "sentence")
    message = (
        f"{name}: {plural(len(found), 'tag')} in {sentences} cannot stand where {_they(found)}; "
        "read as conlleval does: an I- that nothing opened opens an entity"
    )
    return [Finding("illegal-tags", "warning", message, tuple(shown))]


def _they(found: Sequence[object]) -> str:
    return "it does" if len(found) == 1 else "they do"


def _widened(name: str, examples: Sequence[TaggedExample]) -> list[Finding]:
    found = [(example, place) for example in examples for place in example.widened]
    if not found:
        return []
    shown = []
    for example, place in found[:SHOWN]:
        end = next(end for _, first, end in spans(example.tags or ()) if first == place)
        start, stop = example.words[place][0], example.words[end - 1][1]
        shown.append(f"{example.origin} {start}..{stop} {example.text[start:stop]!r}")
    many = "begins or ends inside a word and is" if len(found) == 1 else "begin or end inside a word and are"
    message = (
        f"{name}: {len(found):,} {'entity' if len(found) == 1 else 'entities'} {many} widened to whole words"
    )
    return [Finding("widened-entities", "warning", message, tuple(shown))]


def _of_another_text(name: str, examples: Sequence[TaggedExample]) -> list[Finding]:
    found = [example for example in examples if example.text_missing == "other"]
    if not found:
        return []
    what = "1 row whose text does" if len(found) == 1 else f"{len(found):,} rows whose texts do"
    message = (
        f"{name}: {what} not hold the words in order; the text was set aside and the words were joined, so "
        "places of entities are counted in the joined words"
    )
    shown = tuple(
        f"{example.origin} {' '.join(example.tokens[:_WORDS_SHOWN])!r}" for example in found[:SHOWN]
    )
    return [Finding("words-not-in-text", "warning", message, shown)]


_WORDS_SHOWN = 8


def _nothing_to_learn(splits: Splits) -> list[Finding]:
    findings = []
    for name, examples in splits.items():
        if examples and not any(map(kinds_of, examples)):
            if name == "train":
                message = "train: no sentence has an entity: there is nothing to learn"
                findings.append(Finding("one-class", "error", message))
            else:
                message = f"{name}: no sentence has an entity: its scores say nothing"
                findings.append(Finding("no-entities", "warning", message))
    return findings


def _one_tag(splits: Splits) -> list[Finding]:
    tags = {tag for example in splits.get("train", ()) for tag in example.tags or ()}
    if len(tags) != 1:
        return []
    return [Finding("one-class", "error", f"train: every tag is {tags.pop()!r}: there is nothing to learn")]
