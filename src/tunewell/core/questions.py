"""Which word a question asks with, so that scores can be told apart by it: who, when, how many.

English, Chinese, German, French and Spanish. A list of words, not a parser: the first question word of a question
names it. Not for: reading questions from files (`data.questions`).
"""

from __future__ import annotations

import re

OTHER = "other"

_IDEOGRAPH = re.compile(r"[\u4e00-\u9fff]")

_ENGLISH = {
    r"how (?:many|much)": "how many",
    r"who(?:m|se)?": "who",
    r"what": "what",
    r"when": "when",
    r"where": "where",
    r"which": "which",
    r"why": "why",
    r"how": "how",
}

_SPANISH = {
    r"por qué": "por qué",
    r"cuánt(?:o|a|os|as)": "cuánto",
    r"cuál(?:es)?": "cuál",
    r"quién(?:es)?": "quién",
    r"cuándo": "cuándo",
    r"dónde": "dónde",
    r"cómo": "cómo",
    r"qué": "qué",
}

_GERMAN = {
    r"wie viele?": "wie viele",
    r"we(?:r|m|n|ssen)": "wer",
    r"welche[rsmn]?": "welche",
    r"wann": "wann",
    r"warum|wieso|weshalb": "warum",
    r"wo(?:her|hin)?": "wo",
    r"wie": "wie",
    r"was": "was",
}

_FRENCH = {
    r"combien": "combien",
    r"(?:le|la|les|du|des|au|aux)?quel(?:le)?s?": "quel",
    r"pourquoi": "pourquoi",
    r"quand": "quand",
    r"comment": "comment",
    r"où": "où",
    r"qui": "qui",
    r"quoi": "quoi",
    r"que": "que",
    r"qu(?=['’])": "que",
}

_CHINESE = {
    r"为什么|为何|为啥": "为什么",
    r"什么时候|何时|几时|哪一?年|几月|几号|哪一?天": "何时",
    r"什么地方|哪里|哪儿|何处|何地": "哪里",
    r"多少|几": "多少",
    r"谁": "谁",
    r"怎么|怎样|如何": "如何",
    r"哪": "哪",
    r"什么|何|啥": "什么",
}

_ENGLISH_TELLTALE = re.compile(r"\b(?:the|is|are|were|did|does|of|to|he|she|they|his|her|their)\b")


def _pattern(words: dict[str, str], edge: str = r"\b") -> re.Pattern[str]:
    return re.compile("|".join(f"({edge}(?:{word}){edge})" for word in words))


_LANGUAGES = [(_pattern(words), list(words.values())) for words in (_ENGLISH, _SPANISH, _GERMAN, _FRENCH)]
_OF_CHINESE = (_pattern(_CHINESE, ""), list(_CHINESE.values()))


def question_word(question: str) -> str:
    """The word that `question` asks with, in lower case and one form for all its inflections; else `other`.

    How much counts as how many. Forms are folded: whom is who, quelle is quel, 何时 stands for any question of time.
    """
    text = question.lower()
    languages = [_OF_CHINESE] if _IDEOGRAPH.search(text) else _LANGUAGES
    for pattern, names in languages:
        found = pattern.search(text)
        if found is None or found.lastindex is None:
            continue
        name = names[found.lastindex - 1]
        if name == "was" and _ENGLISH_TELLTALE.search(text):
            return OTHER  # "Was the boat built in 1959?" is English
        return name
    return OTHER
