"""How the report writes names and numbers: "macro F1", "87.3%", "+21.3 points".

Everything here goes by generic rules over a metric's name, so a plug-in's metric is written well too. A rule
that guesses wrong costs style, never truth: the direction that was assumed is said on the page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tunewell.core.results import metric_words

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

_WRITTEN = {
    "auc": "AUC", "auroc": "AUROC", "bleu": "BLEU", "bpc": "BPC", "cer": "CER", "chrf": "chrF",
    "chrf2": "chrF2", "chrfpp": "chrF++",
    "cpu": "CPU", "ece": "ECE", "f1": "F1", "f2": "F2", "gpu": "GPU", "mae": "MAE", "map": "MAP",
    "mape": "MAPE", "mcc": "MCC", "mrr": "MRR", "mse": "MSE", "ngram": "n-gram", "nll": "NLL",
    "num": "number of", "pearson": "Pearson's r", "r2": "R²", "rmse": "RMSE", "roc": "ROC", "rouge": "ROUGE", "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2", "rougel": "ROUGE-L", "spbleu": "spBLEU", "spearman": "Spearman's ρ", "ter": "TER", "tfidf": "TF-IDF",
    "wer": "WER",
}  # fmt: skip
_SHARES = {
    "accuracy", "auc", "auroc", "confidence", "coverage", "exact", "f1", "fpr", "map", "match", "mrr",
    "precision", "probability", "proportion", "recall", "share", "specificity", "tpr",
}  # fmt: skip
_HUNDREDS = {"bleu", "chrf", "chrf2", "spbleu", "ter"}
_ONE_WORD = {"tf_idf": "tfidf", "n_gram": "ngram", "rougeL": "rougel", "chrf_plus_plus": "chrfpp"}
_JOINED = re.compile(r"( at |\bdistinct )(\d+)\b")
_IDENTIFIER = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")


def humanise(name: str) -> str:
    """`macro_f1` as "macro F1"; anything that isn't written like an identifier stays as it is."""
    for written, word in _ONE_WORD.items():
        name = re.sub(rf"(?<![a-zA-Z0-9]){written}(?![a-zA-Z0-9])", word, name)
    return "".join(
        _JOINED.sub(_join, " ".join(_WRITTEN.get(word, word) for word in part.split("_")))
        if _IDENTIFIER.fullmatch(part)
        else part
        for part in re.split(r"([\s/]+)", name)
    )


def _join(match: re.Match[str]) -> str:
    return f"@{match[2]}" if match[1] == " at " else f"distinct-{match[2]}"


def heading(name: str) -> str:
    """As `humanise`, with a capital first letter where the name was an identifier."""
    text = humanise(name)
    first = text.split(" ")[0]
    if not _IDENTIFIER.fullmatch(name) or first in set(_WRITTEN.values()):
        return text
    return text[:1].upper() + text[1:]


def is_share(metric: str) -> bool:
    """True when the name says a share of something, to be written in percent."""
    words = set(metric_words(metric))
    return not _SHARES.isdisjoint(words) and words.isdisjoint({"error", "loss"})


def significant_decimals(values: Iterable[float], digits: int = 3) -> int:
    """Decimals that show the largest of `values` with `digits` significant digits."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest == 0:
        return digits - 1
    magnitude = math.floor(math.log10(largest))
    return min(8, max(0, digits - 1 - magnitude))


@dataclass(frozen=True, slots=True)
class Scale:
    """How one metric's values are written, the same everywhere in a section."""

    factor: float = 1.0
    decimals: int = 3
    suffix: str = ""
    points: bool = False
    tiny: bool = False

    def bare(self, value: float) -> str:
        """The number alone, with a real minus sign."""
        if not math.isfinite(value):
            return DASH
        if self.tiny:
            return show_number(value)
        text = f"{value * self.factor:,.{self.decimals}f}"
        if not text.strip("-0.,"):
            text = text.lstrip("-")
        return text.replace("-", MINUS)

    def show(self, value: float) -> str:
        """The number with its percent sign, if it has one."""
        text = self.bare(value)
        return text if text == DASH else text + self.suffix

    def signed(self, value: float) -> str:
        """The number with its sign, for differences."""
        text = self.bare(value)
        return text if value <= 0 or not math.isfinite(value) else "+" + text

    def amount(self, value: float) -> str:
        """A difference with its sign and, for percentages and the like, the word "points"."""
        return self.signed(value) + (" points" if self.points else "")

    def with_decimals(self, decimals: int) -> Scale:
        """For the ticks of an axis, which need only as many decimals as tell them apart."""
        return replace(self, decimals=max(0, decimals - (2 if self.factor == 100 else 0)))

    def interval(self, low: float, high: float) -> str:
        """Both ends, as in 83.2 to 91.0."""
        return f"{self.bare(low)} to {self.bare(high)}"

    def fine_enough_for(self, values: Iterable[float]) -> Scale:
        """More decimals (three at most) where a value that isn't 0 would read as 0."""
        scale = self
        shown = [value for value in values if value != 0 and math.isfinite(value)]
        while (
            not self.tiny
            and scale.decimals < self.decimals + 3
            and any(not scale.bare(v).strip(MINUS + "0.,") for v in shown)
        ):
            scale = replace(scale, decimals=scale.decimals + 1)
        return scale


def scale_for(metric: str, values: Iterable[float]) -> Scale:
    """Percent for shares, one decimal for metrics that already run to 100, else three significant digits."""
    known = [value for value in values if math.isfinite(value)]
    if is_share(metric) and all(0 <= value <= 1 for value in known):
        return Scale(100.0, 1, "%", points=True)
    if not _HUNDREDS.isdisjoint(metric_words(metric)) and any(value > 1 for value in known):
        return Scale(1.0, 1, points=True)
    largest = max(map(abs, known), default=0.0)
    return Scale(1.0, significant_decimals(known), tiny=0 < largest < 1e-3)


def show_number(value: float) -> str:
    """One number on its own: 12,345; 0.1235; 3e-5."""
    if not math.isfinite(value):
        return DASH
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}".replace("-", MINUS)
    if abs(value) < 1e-3 or abs(value) >= 1e15:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}".replace("-", MINUS)
    text = f"{value:,.{min(4, significant_decimals([value], 4))}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)


def clip(text: str, length: int) -> str:
    """At most `length` characters, ending in an ellipsis when cut."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
