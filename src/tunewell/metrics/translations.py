"""BLEU, chrF2, chrF++ and TER as sacreBLEU gives them (Post 2018), as tables that can be resampled.

The parts are sacreBLEU's own counts of each text, and the metrics are its formulas over their sums: on all examples
they equal what its command line prints, with its settings of old: mixed case, one reference, exponential smoothing,
no effective order for BLEU. TER alone leaves out moves in very long texts of unlike length (`edits`). All run from 0 to
100, save that TER, where lower is better, may be more.

Not for: summaries (`rouge`), nor for telling languages. The counts of chrF come from a method of sacreBLEU's that is
not public (2.6), as those of TER do in part (`edits`); tests hold both against the public scores.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.tokenizers.tokenizer_ter import TercomTokenizer

from tunewell.core.errors import ConfigError
from tunewell.core.scripts import script_of
from tunewell.metrics.edits import num_edits, tries_moves
from tunewell.metrics.tables import BoolArray, FloatArray, PartTable, ratio

BLEU_TOKENIZERS = ("13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none")
"""sacreBLEU's ways to cut a text for BLEU, without those that fetch a model from the network."""

_LANGUAGES = {
    "zh": "zh zho chi cmn yue wuu lzh hak nan chinese mandarin cantonese",
    "ja-mecab": "ja jpn japanese",
    "char": "ko kor korean th tha thai lo lao km khm khmer my mya bur burmese bo bod tib tibetan dz dzo",
}
_BY_LANGUAGE = {name: tokenizer for tokenizer, names in _LANGUAGES.items() for name in names.split()}
_BY_SCRIPT = {
    "Han": "zh",
    "Japanese": "ja-mecab",
    **dict.fromkeys(("Hangul", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"), "char"),
}
_SAMPLE = 1000

_ORDERS = 4
_CHAR_ORDERS, _WORD_ORDERS = 6, 2
_BETA_SQUARED = 4


def bleu_tokenizer_for(language: str | None, texts: Sequence[str]) -> str:
    """How BLEU should cut texts: by their language's code or name where that decides, else by most texts' script.

    `zh` for Chinese; for Japanese `ja-mecab`, or `char` where MeCab is not installed; `char` for Korean and for
    scripts without blanks between words; else `13a`, as the field has it.
    """
    return _available(_wanted_tokenizer(language, texts))


def tokenizer_note(language: str | None, texts: Sequence[str]) -> str:
    """Why `bleu_tokenizer_for` chose less than the best, as a sentence; "" where it did not."""
    wanted = _wanted_tokenizer(language, texts)
    if _available(wanted) == wanted:
        return ""
    return "BLEU takes each character as a word: for Japanese words, as the field has it, install tunewell[japanese]."


def _wanted_tokenizer(language: str | None, texts: Sequence[str]) -> str:
    code = re.split(r"[-_\s]", (language or "").strip().lower())[0]
    if code in _BY_LANGUAGE:
        return _BY_LANGUAGE[code]
    step = max(1, len(texts) // _SAMPLE)
    return _BY_SCRIPT.get(script_of(" ".join(texts[::step])), "13a")


def _available(tokenizer: str) -> str:
    installed = all(importlib.util.find_spec(name) is not None for name in ("MeCab", "ipadic"))
    return "char" if tokenizer == "ja-mecab" and not installed else tokenizer


def translation_tables(
    predicted: Sequence[str], gold: Sequence[str], *, bleu_tokenizer: str, with_ter: bool = True
) -> list[PartTable]:
    """`bleu`; `chrf2` and `chrf_plus_plus`; `ter`: three tables.

    `bleu_tokenizer` is one of `BLEU_TOKENIZERS`. Without TER, which takes up to a second for a text of hundreds of
    words while all others take none to speak of, two tables. Raises `ValueError` for different numbers of texts,
    `ConfigError` for a tokenizer that is not known or not installed.
    """
    if len(predicted) != len(gold):
        raise ValueError(f"{len(predicted)} predicted texts for {len(gold)} gold ones")
    tables = [_bleu_table(predicted, gold, bleu_tokenizer), _chrf_table(predicted, gold)]
    return [*tables, _ter_table(predicted, gold)] if with_ter else tables


def signatures(bleu_tokenizer: str) -> dict[str, str]:
    """sacreBLEU's signature of each metric, which says what exactly was computed; by the metric's name."""
    metrics = {
        "bleu": _bleu(bleu_tokenizer),
        "chrf2": CHRF(),
        "chrf_plus_plus": CHRF(word_order=_WORD_ORDERS),
        "ter": TER(),
    }
    for metric in metrics.values():
        metric.corpus_score(["a"], [["a"]])  # only then does a signature know the number of references
    return {name: metric.get_signature().format() for name, metric in metrics.items()}


def _bleu(tokenizer: str, *, effective_order: bool = False) -> BLEU:
    if tokenizer not in BLEU_TOKENIZERS:
        raise ConfigError(
            f"no tokenizer {tokenizer!r} for BLEU",
            where="task.bleu_tokenizer",
            fix=f"choose one of: {', '.join(BLEU_TOKENIZERS)}",
        )
    try:
        return BLEU(tokenize=tokenizer, effective_order=effective_order)
    except (RuntimeError, ImportError):
        extra = {"ja-mecab": "tunewell[japanese]", "ko-mecab": "sacrebleu[ko]"}[tokenizer]
        raise ConfigError(
            f"BLEU's tokenizer {tokenizer} is not installed",
            where="task.bleu_tokenizer",
            fix=f"pip install '{extra}', or set task.bleu_tokenizer: char",
        ) from None


def _bleu_table(predicted: Sequence[str], gold: Sequence[str], tokenizer: str) -> PartTable:
    """Both lengths, then shared and written n-grams of each order, `(examples, 10)`."""
    metric = _bleu(
        tokenizer, effective_order=True
    )  # else it warns at every sentence; the counts are the same
    rows = []
    for one, two in zip(predicted, gold, strict=True):
        found = metric.sentence_score(one, [two])
        rows.append([found.sys_len, found.ref_len, *found.counts, *found.totals])
    return PartTable(_parts(rows, 2 + 2 * _ORDERS), {"bleu": _bleu_of})


def _bleu_of(sums: FloatArray) -> FloatArray:
    """BLEU: 0 where no word is shared, or no text is long enough for an n-gram of each order."""
    length, gold_length = sums[..., 0], sums[..., 1]
    shared, written = sums[..., 2 : 2 + _ORDERS], sums[..., 2 + _ORDERS :]
    none = shared == 0
    halvings = 2.0 ** np.cumsum(
        none, axis=-1
    )  # each order without a match counts half as much as the one before
    precisions = ratio(100.0 * np.where(none, 1.0, shared), np.where(none, halvings, 1.0) * written)
    defined = (written > 0).all(axis=-1) & (shared > 0).any(axis=-1)
    logarithms = np.log(np.where(precisions > 0, precisions, 1.0)).sum(axis=-1) / _ORDERS
    penalty = np.where(length < gold_length, np.exp(np.minimum(0.0, 1 - ratio(gold_length, length))), 1.0)
    return np.where(defined, penalty * np.exp(logarithms), 0.0)


def _chrf_table(predicted: Sequence[str], gold: Sequence[str]) -> PartTable:
    """Written, gold and shared n-grams of each order, `(examples, 24)`: six orders of characters, two of words."""
    metric = CHRF(word_order=_WORD_ORDERS)
    rows = metric._extract_corpus_statistics(list(predicted), [list(gold)]) if predicted else []
    orders = _CHAR_ORDERS + _WORD_ORDERS
    return PartTable(
        _parts(rows, 3 * orders),
        {"chrf2": partial(_chrf_of, _CHAR_ORDERS), "chrf_plus_plus": partial(_chrf_of, orders)},
    )


def _chrf_of(num_orders: int, sums: FloatArray) -> FloatArray:
    """chrF with recall counting twice as much; orders of which one side has no n-gram are left out."""
    written, gold, shared = (sums[..., column : 3 * num_orders : 3] for column in range(3))
    counted: BoolArray = (written > 0) & (gold > 0)
    number = counted.sum(axis=-1)

    def averaged(total: FloatArray) -> FloatArray:
        return ratio(np.where(counted, ratio(shared, total), 0.0).sum(axis=-1), number)

    precision, recall = averaged(written), averaged(gold)
    return 100 * ratio((1 + _BETA_SQUARED) * precision * recall, _BETA_SQUARED * precision + recall)


def _ter_table(predicted: Sequence[str], gold: Sequence[str]) -> PartTable:
    """Edits and gold words, `(examples, 2)`."""
    rows = [[num_edits(*words), len(words[1])] for words in _ter_words(predicted, gold)]
    return PartTable(_parts(rows, 2), {"ter": _ter_of})


def num_without_moves(predicted: Sequence[str], gold: Sequence[str]) -> int:
    """How many texts are so long, and so unlike in length, that their TER leaves out moves, as sacreBLEU's does not."""
    return sum(not tries_moves(*map(len, words)) for words in _ter_words(predicted, gold))


def _ter_words(predicted: Sequence[str], gold: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    cut: Callable[[str], str] = TercomTokenizer()
    for one, two in zip(predicted, gold, strict=True):
        yield cut(one.rstrip()).split(), cut(two.rstrip()).split()


def _ter_of(sums: FloatArray) -> FloatArray:
    """Edits per gold word; where the gold texts are empty, 100 if anything was written and 0 if nothing."""
    edits, gold_words = sums[..., 0], sums[..., 1]
    return 100 * np.where(gold_words > 0, ratio(edits, gold_words), np.where(edits > 0, 1.0, 0.0))


def _parts(rows: Sequence[Sequence[float]], width: int) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)
