"""How likely given tokens are, beside a plain reference; and what a model writes itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.nn import functional

from tunewell.data.batches import Batch
from tunewell.data.features import Feature
from tunewell.models import ModelLoader, written
from tunewell.models.adapters import Lora, default_targets, merged
from tunewell.models.probe import undo
from tunewell.testing import TRANSLATORS, tiny_causal, tiny_translator

SOURCES = ([5, 6, 7, 8, 9], [7, 1], [9, 8, 7])
TARGETS = ([6, 7, 8, 1], [9, 1], [5, 6, 7, 8, 9, 1])


@pytest.fixture(scope="module")
def translators(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tiny_translator(tmp_path_factory.mktemp(family), family, texts)
        return made[family]

    return folder


def pairs() -> Batch:
    both = zip(SOURCES, TARGETS, strict=True)
    return Batch.of([Feature(str(n), read, target_ids=write) for n, (read, write) in enumerate(both)])


def translator(folder: Path, lora: bool = False) -> Any:
    loader = ModelLoader(str(folder), seed=3)
    if lora:
        loader.lora = Lora(2, 4.0, 0.0, default_targets(loader.config().model_type))
    return loader.ready(loader.load(transformers.AutoModelForSeq2SeqLM, loader.config()), told=False).eval()


def plain_losses(model: Any, smoothing: float = 0.0) -> torch.Tensor:
    """Each pair by itself, all logits at once, by the library's own functions."""
    found = []
    for source, target in zip(SOURCES, TARGETS, strict=True):
        given = torch.tensor([[model.generation_config.decoder_start_token_id, *target[:-1]]])
        logits = model(input_ids=torch.tensor([source]), decoder_input_ids=given).logits[0]
        wanted = torch.tensor(target)
        found.append(functional.cross_entropy(logits, wanted, reduction="none", label_smoothing=smoothing))
    return torch.cat(found)


@pytest.mark.parametrize("lora", [False, True], ids=["plain", "lora"])
@pytest.mark.parametrize("family", TRANSLATORS)
def test_losses_and_gradients_are_those_of_a_plain_reference(
    family: str, lora: bool, translators: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = translator(translators(family), lora)
    assert written._head_of(model).is_whole
    learning = {name: part for name, part in model.named_parameters() if part.requires_grad}
    expected = plain_losses(model, 0.1)
    torch.autograd.backward(expected.sum())
    gradients = {name: part.grad for name, part in learning.items()}
    for at_once in (2**24, 3 * written._vocabulary(model)):
        monkeypatch.setattr(written, "LOGITS_AT_ONCE", at_once)
        model.zero_grad()
        found = written.target_losses(model, pairs(), smoothing=0.1)
        torch.autograd.backward(found.sum())
        assert torch.allclose(found, expected, atol=1e-5)
        for name, part in learning.items():
            assert (part.grad is None) == (gradients[name] is None), name
            if part.grad is not None:
                assert torch.allclose(part.grad, gradients[name], rtol=1e-3, atol=1e-4), name


def test_a_head_that_is_not_the_whole_gives_no_other_losses(
    translators: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits are scaled after the head, as some families do."""
    model = translator(translators("bart"))
    forward = model.forward

    def scaled(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        output.logits = 0.5 * output.logits
        return output

    model.forward = scaled
    assert not written._head_of(model).is_whole
    expected = plain_losses(model)
    for at_once in (2**24, 3 * written._vocabulary(model)):
        monkeypatch.setattr(written, "LOGITS_AT_ONCE", at_once)
        assert torch.allclose(written.target_losses(model, pairs()), expected, atol=1e-5)


def test_targets_that_nobody_knows_have_no_losses(translators: Callable[[str], Path]) -> None:
    model = translator(translators("t5"))
    known = [Feature(str(n), SOURCES[n], target_ids=TARGETS[n]) for n in range(3)]
    batch = Batch.of([known[0], Feature("x", [8, 9]), known[1], known[2]])
    with torch.inference_mode():
        losses = written.target_losses(model, batch)
        sums = written.sums_by_sequence(losses, batch.target_lengths)  # type: ignore[arg-type]
        expected = plain_losses(model)
    assert torch.allclose(losses, expected, atol=1e-5)
    assert sums[1] == 0
    assert torch.allclose(
        sums[[0, 2, 3]], torch.stack([one.sum() for one in torch.split(expected, [4, 2, 6])])
    )


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_losses_of_causal_models_with_adapters_and_new_tokens(
    family: str, tied: bool, texts: list[str], tmp_path: Path
) -> None:
    loader = ModelLoader(str(tiny_causal(tmp_path, family, texts, tied=tied)), seed=3)
    loader.lora = Lora(2, 4.0, 0.0, default_targets(family))
    model: Any = loader.load(transformers.AutoModelForCausalLM, loader.config())
    size = model.get_input_embeddings().weight.shape[0]
    model.resize_token_embeddings(size + 2)
    model = loader.ready(model, new_token_ids=[size, size + 1]).eval()
    rows = ([5, 6, size, 8, 9], [7, size + 1, 4])
    features = [Feature("a", rows[0], positions=[1, 2, 3]), Feature("b", rows[1], positions=[0, 1])]
    labels = torch.tensor([*rows[0][2:], *rows[1][1:]])

    def plain(wanted: Any) -> torch.Tensor:
        found = []
        for row, first in zip(rows, (1, 0), strict=True):
            logits = wanted(input_ids=torch.tensor([row])).logits[0, first:-1]
            found.append(functional.cross_entropy(logits, torch.tensor(row[first + 1 :]), reduction="none"))
        return torch.cat(found)

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn(
                    parameter.shape, generator=torch.Generator().manual_seed(len(name))
                )
        expected = plain(model)
        assert written._head_of(model).is_whole
        assert torch.allclose(written.token_losses(model, Batch.of(features), labels), expected, atol=1e-5)
        undo(model)
        ordinary = merged(model)
        assert torch.allclose(written.token_losses(ordinary, Batch.of(features), labels), expected, atol=1e-5)


def test_what_is_written_ends_with_its_end_token(translators: Callable[[str], Path]) -> None:
    model = translator(translators("marian"))
    settings = {"num_beams": 1, "max_new_tokens": 40, "forced_eos_token_id": None}
    rows = written.write(model, pairs(), settings)
    ends = model.generation_config.eos_token_id
    assert len(rows) == 3
    for row in rows:
        assert ends not in row[:-1]
        assert row[-1] == ends or len(row) == 40
        assert model.config.pad_token_id not in row


def test_a_causal_model_is_given_texts_of_any_length_at_once(texts: list[str], tmp_path: Path) -> None:
    loader = ModelLoader(str(tiny_causal(tmp_path, "llama", texts)))
    model = loader.ready(loader.load(transformers.AutoModelForCausalLM, loader.config())).eval()
    settings = {"num_beams": 1, "max_new_tokens": 8, "do_sample": False}
    features = [Feature(str(n), row) for n, row in enumerate(SOURCES)]
    together = written.write(model, Batch.of(features), settings)
    assert together == [written.write(model, Batch.of([feature]), settings)[0] for feature in features]
