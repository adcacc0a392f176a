"""What is saved of a model with adapters: merged weights, and peft's folder; both answer as it did."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers

from tunewell.data.batches import Batch
from tunewell.models import ModelLoader
from tunewell.models.adapters import Lora, attach, default_targets, is_adapted, merged, save_adapter
from tunewell.models.artefact import save_model
from tunewell.models.heads import plain
from tunewell.models.probe import undo

Tiny = Callable[[str], Path]
ADAPTED = runpy.run_path(str(Path(__file__).with_name("adapted.py")))
LABELS, PLACES = ADAPTED["LABELS"], ADAPTED["PLACES"]
loaded, shaken, batch = ADAPTED["loaded"], ADAPTED["shaken"], ADAPTED["batch"]
logits, padded_logits, of_peft = ADAPTED["logits"], ADAPTED["padded_logits"], ADAPTED["of_peft"]


@pytest.mark.parametrize("targets", [(), ("all-linear",)], ids=["default", "all-linear"])
@pytest.mark.parametrize("family", PLACES)
def test_both_that_is_saved_answers_as_the_trained_model(
    family: str, targets: tuple[str, ...], tiny: Tiny, tmp_path: Path
) -> None:
    model, loader = loaded(tiny(family), *targets, dropout=0.1)
    texts, tokenizer = batch(model), loader.tokenizer()
    before = logits(model, texts)
    expected = logits(shaken(model), texts)
    assert float((expected - before).abs().max()) > 1e-2
    ordinary = save_model(model, tokenizer, tmp_path / "model", 32, tmp_path / "adapter")
    assert not is_adapted(ordinary)
    assert torch.allclose(logits(ordinary, texts), expected, atol=1e-5)

    auto = transformers.AutoModelForSequenceClassification
    again, info = auto.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(info.values()), info
    assert torch.allclose(padded_logits(again.eval(), texts, tokenizer.pad_token_id), expected, atol=1e-5)
    assert torch.allclose(of_peft(tiny(family), tmp_path / "adapter", loader, texts), expected, atol=1e-5)


@pytest.mark.parametrize("family", PLACES)
def test_merging_is_exact(family: str, tiny: Tiny) -> None:
    model, _ = loaded(tiny(family))
    shaken(model.double())
    texts = batch(model)
    expected = logits(model, texts)
    undo(model)
    assert torch.allclose(logits(merged(model), texts), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("family", ["bert", "distilbert", "gpt2", "modernbert", "deberta-v2"])
def test_values_in_the_users_unit(family: str, tiny: Tiny, tmp_path: Path) -> None:
    """The scaled head is an ordinary one in both."""
    model, loader = loaded(tiny(family), output_range=(1950.0, 25.0))
    texts, tokenizer = batch(model), loader.tokenizer()
    expected = logits(shaken(model), texts)
    assert float(expected.abs().max()) > 50, "in the user's unit"
    save_model(model, tokenizer, tmp_path / "model", 32, tmp_path / "adapter")
    auto = transformers.AutoModelForSequenceClassification
    pad = {"pad_token_id": tokenizer.pad_token_id}
    alone = auto.from_pretrained(tmp_path / "model").eval()
    base = auto.from_pretrained(tiny(family), num_labels=1, **pad)
    with_peft = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    for found in (alone, with_peft):
        assert not any("parametrizations" in name for name, _ in found.named_parameters())
        assert torch.allclose(padded_logits(found, texts, **pad), expected, rtol=1e-5)


def test_the_adapters_folder_is_small_and_says_what_it_belongs_to(tiny: Tiny, tmp_path: Path) -> None:
    folder = tiny("bert")
    for place in ("one", "two"):
        model, loader = loaded(folder)
        save_model(model, loader.tokenizer(), tmp_path / place / "model", 32, tmp_path / place / "adapter")
    written = {path.name: path.read_bytes() for path in (tmp_path / "one/adapter").iterdir()}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "two/adapter").iterdir()}
    assert written.keys() == {"adapter_config.json", "adapter_model.safetensors", "README.md"}
    settings = json.loads(written["adapter_config.json"])
    assert settings["base_model_name_or_path"] == str(folder), "as the user gave it"
    assert (settings["task_type"], settings["r"], settings["lora_alpha"]) == ("SEQ_CLS", 4, 8.0)
    assert settings["target_modules"] == ["query", "value"]
    assert settings["modules_to_save"] == ["classifier"]
    card = written["README.md"].decode()
    assert "base_model:" not in card, "a local folder is no Hub id"
    assert "Rank 4 on `query`, `value`" in card
    assert "`a`, `b`, `c`" in card
    assert str(tmp_path) not in "".join(content.decode("latin-1") for content in written.values())
    assert not is_adapted(loaded(tmp_path / "one/model", lora=False)[0])


def test_the_cards_code_runs(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, loader = loaded(tiny("gpt2"))
    texts = batch(model)
    expected = logits(shaken(model), texts)
    save_model(model, loader.tokenizer(), tmp_path / "model", 32, tmp_path / "adapter")
    code = (tmp_path / "adapter/README.md").read_text().split("```python")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {}
    exec(code, made)
    assert torch.allclose(
        padded_logits(made["model"], texts, loader.tokenizer().pad_token_id), expected, atol=1e-5
    )


def test_the_adapter_of_a_pack_belongs_to_the_packs_origin(tiny: Tiny, tmp_path: Path) -> None:
    auto = transformers.AutoModelForSequenceClassification
    model = auto.from_pretrained(tiny("bert"), num_labels=2)
    lora = Lora(2, 4.0, 0.0, ("query",))
    adapted = attach(model, lora, base_name="sentence-transformers/all-MiniLM-L6-v2", revision="abc")
    save_adapter(adapted, tmp_path)
    settings = json.loads((tmp_path / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert settings["revision"] == "abc"
    card = (tmp_path / "README.md").read_text()
    assert 'base_model: "sentence-transformers/all-MiniLM-L6-v2"\n' in card
    assert 'revision="abc"' in card
    assert str(tiny("bert")) not in card


# New tokens


def resized(folder: Path, pad_token_id: int) -> Any:
    """The model with three rows more in its embedding, as for words that were added to the tokenizer."""
    auto = transformers.AutoModelForSequenceClassification
    torch.manual_seed(2)
    model = auto.from_pretrained(folder, num_labels=len(LABELS), pad_token_id=pad_token_id)
    model.resize_token_embeddings(model.config.get_text_config().vocab_size + 3, mean_resizing=False)
    return model


@pytest.mark.parametrize("family", ["bert", "distilbert", "gpt2", "albert", "modernbert", "llama"])
def test_new_tokens_learn_alone_among_the_embeddings(family: str, tiny: Tiny, tmp_path: Path) -> None:
    loader = ModelLoader(str(tiny(family)))
    pad_token_id = loader.tokenizer().pad_token_id
    model = resized(tiny(family), pad_token_id)
    num_tokens = model.get_input_embeddings().num_embeddings
    old_rows = model.get_input_embeddings().weight[:-3].clone()
    new = list(range(num_tokens - 3, num_tokens))
    lora = Lora(2, 4.0, 0.0, default_targets(family))
    adapted: Any = shaken(attach(model, lora, base_name="x", new_token_ids=new).eval())
    tokens = torch.tensor([7, new[0], 9, new[2], 8, 10, new[1]])
    texts = Batch(tokens, torch.tensor([4, 3]), None, None)
    expected = padded_logits(adapted, texts, pad_token_id)

    save_adapter(adapted, tmp_path / "adapter")
    base = resized(tiny(family), pad_token_id)
    with torch.no_grad():
        base.get_input_embeddings().weight[-3:] = 0  # whatever stands there, the adapter has the rows
    again = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    assert torch.allclose(padded_logits(again, texts, pad_token_id), expected, atol=1e-5)

    ordinary: Any = merged(adapted)
    assert torch.allclose(padded_logits(ordinary, texts, pad_token_id), expected, atol=1e-5)
    assert torch.equal(ordinary.get_input_embeddings().weight[:-3], old_rows)
    ordinary.save_pretrained(tmp_path / "model")
    auto = transformers.AutoModelForSequenceClassification
    alone = auto.from_pretrained(tmp_path / "model").eval()
    assert torch.allclose(padded_logits(alone, texts, pad_token_id), expected, atol=1e-5)


def test_a_plain_model_is_left_alone(tiny: Tiny, tmp_path: Path) -> None:
    model, loader = loaded(tiny("bert"), lora=False)
    plain(model)
    assert save_model(model, loader.tokenizer(), tmp_path / "model", 32, tmp_path / "adapter") is model
    assert not (tmp_path / "adapter").exists()
