"""Translation from a file of pairs to a saved model and back, through the public doors, with every family."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers

import tunewell
from tunewell.core.errors import ConfigError
from tunewell.models.tokenizer import read_tokenizer
from tunewell.runs import Run
from tunewell.tasks.translation import Translation, TranslationConfig
from tunewell.testing import TRANSLATORS, check_task

_TONES = {"great": "gro\u00dfartig", "dull": "\u00f6de", "warm": "warm", "cold": "kalt", "odd": "seltsam"}
_THINGS = {"film": "FILM", "plot": "HANDLUNG", "cast": "BESETZUNG", "song": "LIED", "score": "MUSIK"}
PAIRS = [
    (f"the {thing} was {tone}", f"{_THINGS[thing]} war {_TONES[tone]}")
    for thing in _THINGS
    for tone in _TONES
]
ENGLISH, GERMAN = ([pair[side] for pair in PAIRS] for side in (0, 1))
SETTINGS: dict[str, Any] = {
    "training": {"batch_size": 8, "learning_rate": 0.003, "threads": 1, "device": "cpu", "max_steps": 3},
    "evaluation": {"resamples": 100, "rank_resamples": 100},
}
LANGUAGES = {"task.source_language": "en", "task.target_language": "de"}
SCRATCH = {
    "model.from_scratch": True,
    "model.hidden_size": 32,
    "model.num_layers": 1,
    "model.num_heads": 2,
    "model.vocab_size": 300,
}
FIRST = {"mbart": "de_DE", "m2m_100": "__de__", "nllb": "deu_Latn", "bart": "<s>"}
"""The token that a translation must begin with."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory.mktemp("data") / "films.jsonl", PAIRS * 2)


def _written(path: Path, pairs: list[tuple[str, str]]) -> Path:
    lines = (json.dumps({"en": source, "de": target}) + "\n" for source, target in pairs)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _fit(data: Path, output: Path, more: dict[str, Any], model: Path | None = None) -> Run:
    return tunewell.fit(data, model=model, output=output, settings={**SETTINGS, **more})


def _by_transformers(folder: Path, mark: str = "") -> tuple[list[list[int]], list[str]]:
    """What anyone writes who loads the folder, without one setting of theirs."""
    tokenizer = read_tokenizer(folder)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    ids = []
    for source in ENGLISH[:4]:
        inputs = tokenizer(mark + source, return_tensors="pt")
        ids.append(model.generate(**inputs)[0].tolist())
    return ids, [tokenizer.decode(row, skip_special_tokens=True).strip() for row in ids]


def _loss_by_transformers(run: Run, source: str, target: str, mark: str) -> float:
    """The sum over a gold target's tokens, of the labels as the family's own tokenizer makes them."""
    tokenizer = read_tokenizer(run.path / "model")
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(run.path / "model").eval()
    inputs = tokenizer(mark + source, text_target=target, return_tensors="pt")
    labels = inputs.pop("labels")
    if tokenizer.cls_token_id == model.config.decoder_start_token_id:
        labels = labels[:, 1:]  # BERT's [CLS] is given, not written
    given = torch.cat([torch.tensor([[model.config.decoder_start_token_id]]), labels[:, :-1]], dim=1)
    if labels[0, -1] == model.config.decoder_start_token_id and given.shape[1] > 1 and labels[0, -2] == 2:
        labels, given = (
            labels[:, :-1],
            given[:, :-1],
        )  # mBART's first form ends with its code, which is given, too
    with torch.inference_mode():
        loss = model(**inputs, decoder_input_ids=given, labels=labels).loss
    return float(loss) * int(labels.shape[1])


@pytest.mark.parametrize("family", TRANSLATORS)
def test_fit_save_reload_translate(
    family: str,
    translators: Callable[[str], Path],
    data: Path,
    tmp_path: Path,
    recwarn: pytest.WarningsRecorder,
) -> None:
    run = _fit(data, tmp_path / "run", LANGUAGES, translators(family))
    assert (run.scores.task, run.scores.primary) == ("translation", "bleu")
    answers = tunewell.load(run.path).predict(ENGLISH[:4])
    mark = ">>de<< " if family == "marian-multilingual" else ""
    ids, theirs = _by_transformers(run.path / "model", mark)
    assert [answer.translation for answer in answers] == theirs, "no setting of ours is needed"
    if family in FIRST:
        first = read_tokenizer(run.path / "model").convert_tokens_to_ids(FIRST[family])
        assert {row[1] for row in ids} == {first}
    rows = [json.loads(line) for line in (run.path / "predictions.jsonl").read_text().splitlines()]
    for row in rows[:3]:
        expected = _loss_by_transformers(run, row["en"], row["de"], mark)
        assert row["gold_loss"] == pytest.approx(expected, rel=1e-4)
    assert not [one for one in recwarn if "sacremoses" in str(one.message)]


@pytest.mark.parametrize("beginning", ["from-encoder", "from scratch"])
def test_new_decoders_are_trained_further(
    beginning: str, tiny: Callable[[str], Path], data: Path, tmp_path: Path
) -> None:
    """A run's model is a model to start from, like any other."""
    if beginning == "from-encoder":
        run = _fit(data, tmp_path / "one", {**LANGUAGES, "task.decoder": "from-encoder"}, tiny("bert"))
    else:
        run = _fit(data, tmp_path / "one", {**LANGUAGES, **SCRATCH})
    answers = [answer.translation for answer in run.predict(ENGLISH[:4])]
    assert answers == [answer.translation for answer in tunewell.load(run.path).predict(ENGLISH[:4])]
    more = {"model.lora_rank": 4, "model.lora_targets": ["all-linear"]} if beginning == "from-encoder" else {}
    again = _fit(data, tmp_path / "two", {**LANGUAGES, **more}, run.path / "model")
    assert len(again.predict(ENGLISH[:4])) == 4
    for name in ("tokenizer.json", "target_tokenizer/tokenizer.json"):
        assert (run.path / "model" / name).exists() == (again.path / "model" / name).exists()
        if (run.path / "model" / name).exists():
            vocabularies = [
                json.loads((one.path / "model" / name).read_text())["model"] for one in (run, again)
            ]
            assert vocabularies[0] == vocabularies[1]


@pytest.mark.parametrize("family", ["marian", "t5", "mbart", "encoder-decoder"])
def test_an_adapter_alone_answers_as_the_saved_model(
    family: str, translators: Callable[[str], Path], data: Path, tmp_path: Path
) -> None:
    run = _fit(data, tmp_path / "run", {**LANGUAGES, "model.lora_rank": 4}, translators(family))
    auto = transformers.AutoModelForSeq2SeqLM
    alone = auto.from_pretrained(run.path / "model").eval()
    base = auto.from_pretrained(translators(family)).eval()
    settings = json.loads((run.path / "adapter/adapter_config.json").read_text())
    assert (settings["task_type"], settings["modules_to_save"]) == ("SEQ_2_SEQ_LM", None)
    assert "AutoModelForSeq2SeqLM.from_pretrained" in (run.path / "adapter/README.md").read_text()
    inputs = {"input_ids": torch.tensor([[5, 6, 7, 8]]), "decoder_input_ids": torch.tensor([[2, 6, 7]])}
    with torch.inference_mode():
        expected, before = alone(**inputs).logits, base(**inputs).logits
        found = peft.PeftModel.from_pretrained(base, run.path / "adapter").eval()(**inputs).logits
    assert torch.allclose(found, expected, atol=1e-5)
    assert float((before - expected).abs().max()) > 1e-4
    assert torch.equal(alone.get_output_embeddings().weight, base.get_output_embeddings().weight)


def test_long_translations_are_not_cut(tmp_path: Path) -> None:
    """Generation stops at 20 tokens where nobody says otherwise."""
    pairs = [(source, " ".join([target] * 12)) for source, target in PAIRS]
    data = _written(tmp_path / "long.jsonl", pairs)
    run = _fit(data, tmp_path / "run", {**LANGUAGES, **SCRATCH, "task.num_beams": 1})
    predictor = run.predictor
    longest = max(len(predictor.tokenizer.encode_target(target, 999)[0]) for _, target in pairs)  # type: ignore[attr-defined]
    settings: Any = predictor.model.generation_config
    assert settings.max_new_tokens > longest > 40
    with torch.no_grad():  # it never ends by itself
        settings.suppress_tokens = [*settings.suppress_tokens, settings.eos_token_id]
    (answer,) = run.predict(ENGLISH[:1])
    assert answer.reached_limit
    assert len(predictor.tokenizer.encode_target(answer.translation, 999)[0]) > 20  # type: ignore[attr-defined]


def test_a_language_that_is_not_known_is_refused(
    translators: Callable[[str], Path], data: Path, tmp_path: Path
) -> None:
    settings = {**LANGUAGES, "task.source": "en", "task.target": "de", "task.target_language": "fr"}
    wanted = r"task.target_language: 'fr' is no language .*\n.* deu_Latn, eng_Latn"
    with pytest.raises(ConfigError, match=wanted):
        _fit(data, tmp_path / "run", settings, translators("nllb"))


@pytest.mark.slow
@pytest.mark.parametrize("family", [*TRANSLATORS, "bert"])
def test_the_task_keeps_its_promises(
    family: str, translators: Callable[[str], Path], tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "source": "en",
        "target": "de",
        "source_language": "en",
        "target_language": "de",
    }
    settings |= {"num_beams": 2, "max_target_tokens": 12}
    if family == "bert":
        settings["decoder"] = "from-encoder"
    check_task(
        "translation",
        settings,
        [{"en": source, "de": target} for source, target in PAIRS[:12]],
        tiny("bert") if family == "bert" else translators(family),
        tmp_path,
        refused=[{"de": None}, {"en": " "}, {"en": 3}],
    )


def test_a_length_penalty_of_nought_is_no_absent_one() -> None:
    penalties = {
        given: Translation.new(TranslationConfig(length_penalty=given))._search["length_penalty"]
        for given in (None, 0.0, 0.6)
    }
    assert penalties == {None: 1.0, 0.0: 0.0, 0.6: 0.6}
