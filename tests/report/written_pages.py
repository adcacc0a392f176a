"""Two made-up runs whose models write: translations from German, and replies in conversations.

Seeded, read by `pages.py`. They hold what is hard to show: outputs that are empty, copied or endless, scripts from
right to left and without blanks, long documents, markup, emoji, conversations of one turn and of thirty.
"""

from __future__ import annotations

import random

from tunewell.core.examples import (
    DialogueExample,
    Origin,
    ReplyPrediction,
    TranslationExample,
    TranslationPrediction,
    Turn,
)
from tunewell.core.results import Score
from tunewell.core.sections import Headline, Section
from tunewell.tasks.showing.conversations import conversation_sections
from tunewell.tasks.showing.written import translation_sections

_WHO = (("Der alte Mann", "The old man"), ("Unsere Nachbarin", "Our neighbour"), ("Das Kind mit dem roten Fahrrad", "The child with the red bicycle"), ("Niemand", "Nobody"), ("Die Ministerin", "The minister"))  # fmt: skip
_DOES = (("kauft", "buys"), ("verkauft", "sells"), ("sucht", "is looking for"), ("vergisst", "forgets"), ("repariert", "repairs"))  # fmt: skip
_WHAT = (("ein Haus", "a house"), ("drei Bücher", "three books"), ("den Schlüssel", "the key"), ("eine kleine Katze", "a small cat"), ("das Fenster", "the window"))  # fmt: skip
_WHERE = (("in Berlin", "in Berlin"), ("am Sonntag", "on Sunday"), ("ohne es zu merken", "without noticing it"), ("wegen des Regens", "because of the rain"), ("", ""))  # fmt: skip
_AND = (" und ", " and ")
ODD = (
    ("Guten Morgen.", "Good morning.", ""),
    ("Das ist ein kurzer Satz.", "This is a short sentence.", "This is a short sentence sentence sentence sentence sentence sentence sentence sentence sentence sentence sentence"),
    ("Der Zug fährt um acht Uhr ab.", "The train leaves at eight o'clock.", "Der Zug fährt um acht Uhr ab."),
    ("<b>Achtung</b> & \"Vorsicht\" </p><script>alert(1)</script>", "<b>Attention</b> & \"caution\" </p>", "<b>Attention</b> & \"care\" </p><img src=x onerror=alert(2)>"),
    ("Das Wetter ist heute schön. 🇩🇪👩‍🔬", "The weather is fine today. 🇩🇪👩‍🔬", "The weather is nice today. 🇩🇪👩🏽‍🔬"),
    ("Er wohnt in Peking.", "他住在北京，每天骑自行车上班。", "他住在北京市，每天开车上班。"),
    ("Der Film ist großartig.", "فيلم رائع، لكن النهاية كانت طويلة جدا (2 ساعات).", "فيلم جيد، لكن النهاية طويلة جدا (3 ساعات)."),
    ("Wie heißt du?", "What is your name?", "Как тебя зовут?"),
)  # fmt: skip


def _headline(metric: str, value: float, spread: float, count: int, baseline: str, theirs: float) -> Headline:
    note = "Scored once on the test split, which chose nothing."
    score = Score(value, value - spread, value + spread)
    base = Score(theirs, theirs - spread, theirs + spread)
    lead = Score(value - theirs, value - theirs - spread, value - theirs + spread)
    return Headline("How good is it?", note, metric, "test", count, score, {baseline: base}, {baseline: lead})


def _sentence(random_: random.Random) -> tuple[str, str]:
    said = []
    for _ in range(random_.choice((1, 1, 1, 2, 3))):
        parts = [random_.choice(part) for part in (_WHO, _DOES, _WHAT, _WHERE)]
        said.append([" ".join(filter(None, (part[side] for part in parts))) for side in (0, 1)])
    return tuple(_AND[side].join(clause[side] for clause in said) + "." for side in (0, 1))  # type: ignore[return-value]


def _mangled(random_: random.Random, text: str) -> str:
    """As a model might put it: some words replaced, left out or put in."""
    words = []
    for word in text.split():
        drawn = random_.random()
        if drawn < 0.06:
            continue
        words.append(
            random_.choice(("a", "big", "house", "on", "buying", "quickly")) if drawn < 0.16 else word
        )
        if drawn > 0.96:
            words.append("very")
    return " ".join(words)


def translated(
    count: int, *, times: int = 1, seed: int = 5
) -> tuple[list[TranslationExample], list[TranslationPrediction]]:
    """That many pairs and outputs, the odd ones first; `times` makes texts so many times as long."""
    random_ = random.Random(seed)
    triples = list(ODD)
    while len(triples) < count:
        source, target = (
            " ".join(side) for side in zip(*(_sentence(random_) for _ in range(times)), strict=True)
        )
        output = target if random_.random() < 0.2 and times == 1 else _mangled(random_, target)
        triples.append((source, target, output))
    examples = [
        TranslationExample(str(n), Origin("test.jsonl", n), source, target)
        for n, (source, target, _) in enumerate(triples[:count], start=1)
    ]
    predictions = [
        TranslationPrediction(
            str(n), output, len(output) > 120 and n < 5, random_.uniform(0.4, 3) * 12, 12
        )
        for n, (_, _, output) in enumerate(triples[:count], start=1)
    ]  # fmt: skip
    return examples, predictions


def translations(count: int = 300, times: int = 1) -> list[Section]:
    """From German to English, with a few that went to other scripts."""
    examples, predictions = translated(count, times=times)
    return [
        _headline("bleu", 47.3, 2.1, count, "copy the source", 3.2),
        *translation_sections(examples, predictions, bleu_tokenizer="13a"),
    ]


_ASKED = ("Hi! How was your weekend?", "Do you know a good place to eat near the station?", "My printer says \"paper jam\", but there is no paper in it.", "你会说中文吗？", "هل يمكنك مساعدتي في حجز رحلة إلى القاهرة؟", "Can you explain <b>HTML</b> tags & entities?")  # fmt: skip
_ANSWERED = ("It was lovely, thanks. We went hiking in the hills and had soup afterwards.", "There is a small Italian place on Mill Street; book a table before seven.", "Open the rear door and look behind the second roller.\nOften a scrap of paper is left there.", "会一点，你想聊什么？", "بالطبع! متى تريد السفر؟", "A tag such as <p> opens an element; </p> ends it. 🙂")  # fmt: skip
_DULL = ("I don't know.", "I'm sorry, I don't know what you mean.", "Yes, I am.")
SYSTEM = Turn("system", "You are a friendly assistant. Answer briefly.")


def talked(
    count: int, *, seed: int = 6, ranked: bool = True
) -> tuple[list[DialogueExample], list[ReplyPrediction]]:
    """That many conversations, and a model that likes to say that it does not know."""
    random_ = random.Random(seed)
    examples, predictions = [], []
    for n in range(1, count + 1):
        rounds = 16 if n == 3 else random_.choice((1, 1, 2, 3, 4, 6))
        turns = [SYSTEM] if n % 4 == 0 else []
        for _ in range(rounds):
            topic = random_.randrange(len(_ASKED))
            turns += [Turn("user", _ASKED[topic]), Turn("assistant", _ANSWERED[topic])]
        if n == 2:
            turns[0] = Turn("user", "A long story begins. " * 200)
        reply = _spoken(random_, n, turns[-1].text)
        rank = random_.choice((1, 1, 1, 1, 2, 3, 5, 10)) if ranked else None
        loss, tokens = random_.uniform(1, 5), random_.randint(5, 40)
        examples.append(DialogueExample(str(n), Origin("test.jsonl", n), tuple(turns)))
        predictions.append(
            ReplyPrediction(str(n), reply, n == 4, loss * tokens, tokens, rank, 10 if ranked else None)
        )
    return examples, predictions


def _spoken(random_: random.Random, n: int, gold: str) -> str:
    if n < 4:
        return ("", "Well, " * 60, "Do you mean me? " + gold)[n - 1]
    return random_.choice((random_.choice(_DULL), gold, gold[: len(gold) // 2], _mangled(random_, gold)))


def conversations(count: int = 240) -> list[Section]:
    """Small talk, ranked among ten."""
    examples, predictions = talked(count)
    return [
        _headline("perplexity_per_token", 18.4, 1.3, count, "n-grams", 96.0),
        *conversation_sections(examples, predictions),
    ]
