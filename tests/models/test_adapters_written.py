"""Adapters of models that write: the head came with the model and stays; rows of new tokens learn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tunewell.models import ModelLoader
from tunewell.models.adapters import ALL_LINEAR, Lora, default_targets
from tunewell.models.artefact import save_model
from tunewell.testing import TRANSLATORS, tiny_causal, tiny_translator

CAUSAL = {
    f"{family} {kind}": (family, kind == "tied")
    for family in ("gpt2", "llama")
    for kind in ("tied", "untied")
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            place = tmp_path_factory.mktemp("model")
            if name in TRANSLATORS:
                made[name] = tiny_translator(place, name, texts)
            else:
                made[name] = tiny_causal(place, CAUSAL[name][0], texts, tied=CAUSAL[name][1])
        return made[name]

    return folder


@pytest.mark.parametrize("targets", [(), (ALL_LINEAR,)], ids=["default", "all-linear"])
@pytest.mark.parametrize(
    ("name", "num_new"), [*((one, 0) for one in TRANSLATORS), *((one, n) for one in CAUSAL for n in (0, 3))]
)
def test_both_that_is_saved_answers_as_the_trained_model(
    name: str, num_new: int, targets: tuple[str, ...], folders: Callable[[str], Path], tmp_path: Path
) -> None:
    auto = transformers.AutoModelForSeq2SeqLM if name in TRANSLATORS else transformers.AutoModelForCausalLM
    loader = ModelLoader(str(folders(name)), seed=3)
    loader.lora = Lora(4, 8.0, 0.0, targets or default_targets(loader.config().model_type))
    model: Any = loader.load(auto, loader.config())
    size = model.get_input_embeddings().weight.shape[0]
    head = model.get_output_embeddings().weight[:size].detach().clone()
    if num_new:
        model.resize_token_embeddings(size + num_new)
    new = list(range(size, size + num_new))
    model = loader.ready(model, new_token_ids=new, told=False).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    inputs = {"input_ids": torch.tensor([[5, 6, 7, 8, *new]])}
    if name in TRANSLATORS:
        inputs["decoder_input_ids"] = torch.tensor([[2, 5, 6]])

    def logits(of: Any) -> torch.Tensor:
        with torch.inference_mode():
            return of.eval()(**inputs).logits.clone()  # type: ignore[no-any-return]

    expected = logits(model)
    kept = [one for one, part in model.named_parameters() if part.requires_grad and ".lora_" not in one]
    tables = 0 if not num_new else 1 if name.endswith(" tied") else 2
    assert len(kept) == tables, "of all else only the rows of new tokens learn"

    save_model(model, loader.tokenizer(), tmp_path / "model", 32, tmp_path / "adapter")
    alone = auto.from_pretrained(tmp_path / "model")
    assert torch.allclose(logits(alone), expected, atol=1e-5)
    assert torch.equal(alone.get_output_embeddings().weight[:size], head)
    code = (tmp_path / "adapter/README.md").read_text().split("```python")[1].split("```")[0]
    made: dict[str, Any] = {}
    exec(code.replace('"adapter"', json.dumps(str(tmp_path / "adapter"))), made)
    assert torch.allclose(logits(made["model"]), expected, atol=1e-5), "by the card's own code"
    assert auto.__name__ in code
    settings = json.loads((tmp_path / "adapter/adapter_config.json").read_text())
    assert settings["task_type"] == ("SEQ_2_SEQ_LM" if name in TRANSLATORS else "CAUSAL_LM")
    assert settings["modules_to_save"] is None
