"""How translations are scored: what is settled before training, and what is left out while it goes on."""

from __future__ import annotations

import importlib.util
from typing import get_args

import pytest

from tunewell.config import task_settings
from tunewell.core.errors import ConfigError
from tunewell.core.examples import Origin, TranslationExample, TranslationPrediction
from tunewell.metrics.translations import BLEU_TOKENIZERS
from tunewell.tasks import task_config
from tunewell.tasks.translation import Translation, TranslationConfig

EXAMPLES = [
    TranslationExample(
        str(number), Origin("pairs", number), source=f"the cat {number}", target=f"die Katze {number}"
    )
    for number in range(4)
]


def test_the_setting_has_all_tokenizers_and_no_others() -> None:
    field = TranslationConfig.model_fields["bleu_tokenizer"]
    named = [name for part in get_args(field.annotation) for name in get_args(part)]
    assert tuple(named) == BLEU_TOKENIZERS
    with pytest.raises(ConfigError, match="nonsense"):
        task_settings({"bleu_tokenizer": "nonsense"}, "translation", task_config)


def test_a_tokenizer_that_is_not_installed_is_missed_before_training() -> None:
    task = Translation(TranslationConfig(bleu_tokenizer="ko-mecab"))
    with pytest.raises(ConfigError, match="not installed"):
        task.learn({"train": EXAMPLES})


def test_a_lesser_tokenizer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Translation(TranslationConfig(target_language="ja"))
    assert "bleu-tokenizer" not in [finding.code for finding in task.checks({"train": EXAMPLES})]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (told,) = (finding for finding in task.checks({"train": EXAMPLES}) if finding.code == "bleu-tokenizer")
    assert "tunewell[japanese]" in told.message
    chosen = Translation(TranslationConfig(target_language="ja", bleu_tokenizer="char"))
    assert "bleu-tokenizer" not in [finding.code for finding in chosen.checks({"train": EXAMPLES})]


def test_ter_waits_for_the_end_of_training() -> None:
    task = Translation(TranslationConfig()).learn({"train": EXAMPLES})
    written = [TranslationPrediction(example.id, example.target or "", False) for example in EXAMPLES]
    names = {"bleu", "chrf2", "chrf_plus_plus"}
    for scorer, expected in ((task, {*names, "ter"}), (task.in_training(), names)):
        scores = scorer.score(EXAMPLES, written)
        found = {name for table in scores.tables for name in table.metrics}
        assert (scores.primary, found) == ("bleu", expected)
