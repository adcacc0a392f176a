"""The saved model: a plain Hugging Face folder that loads with nothing of ours, adapters merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from torch import nn

from tunewell.models.adapters import is_adapted, merged, save_adapter
from tunewell.models.compute import undo
from tunewell.models.heads import plain
from tunewell.models.outputs import logits_of
from tunewell.models.probe import padding_matters
from tunewell.models.tokenizer import Tokenizer


def save_model(
    model: nn.Module,
    tokenizer: Tokenizer,
    folder: Path,
    max_length_tokens: int,
    adapter_folder: Path | None = None,
) -> nn.Module:
    """Write `model` and `tokenizer` in Hugging Face's layout, weights as float32 safetensors.

    Adapters are merged into the weights, after peft's own folder was written to `adapter_folder`. Gives the
    model as an ordinary one with the same outputs, computed with padding; `model` itself is used up.
    """
    undo(model)
    plain(model)
    if is_adapted(model):
        if adapter_folder is not None:
            save_adapter(model, adapter_folder)
        model = merged(model)
    model.save_pretrained(folder)  # type: ignore[operator]
    tokenizer.save(folder, max_length_tokens)
    return model


def reference_logits(folder: Path, texts: Sequence[tuple[str, ...]]) -> Any:
    """Logits `(texts, labels)` as numpy, by Hugging Face's own classes alone, one padded batch.

    What anyone gets who loads `folder` with `AutoModelForSequenceClassification` and `AutoTokenizer`; one text
    at a time where padding would change the answers.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    # One by one and only the ids: tokenizers keeps all that it cuts off, and for two long texts every pair of it.
    rows = [dict(tokenizer(*example, truncation=True)) for example in texts]
    with torch.inference_mode():
        parts = [[row] for row in rows] if padding_matters(model) else [rows]
        inputs = [tokenizer.pad(part, return_tensors="pt") for part in parts]
        return torch.cat([model(**part).logits for part in inputs]).numpy()


def reference_token_logits(
    folder: Path,
    head: Literal["token-classification", "question-answering"],
    rows: Sequence[Sequence[int]],
    types: Sequence[Sequence[int]] | None = None,
) -> list[Any]:
    """Logits `(tokens, labels)` as numpy for each row of token ids, by Hugging Face's own classes alone.

    What anyone gets who loads `folder` with the auto class of `head`; rows go through it one by one. `types` are the
    token types of models that have them. The labels of question answering are start and end.
    """
    model = _AUTO_CLASSES[head].from_pretrained(folder).eval()
    found = []
    with torch.inference_mode():
        for place, row in enumerate(rows):
            inputs = {"input_ids": torch.tensor([list(row)])}
            if types is not None:
                inputs["token_type_ids"] = torch.tensor([list(types[place])])
            found.append(logits_of(model(**inputs))[0].numpy())
    return found


def reference_target_losses(
    folder: Path, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[float]:
    """Minus the log-probability of each target, summed over its tokens, by Hugging Face's own classes alone.

    `pairs` are token ids to read and to write; they go through the model of `folder` one by one, the decoder given the
    token that it starts from and the target without its last.
    """
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    found = []
    start = model.generation_config.decoder_start_token_id
    with torch.inference_mode():
        for source, target in pairs:
            given = torch.tensor([[start, *target[:-1]]])
            output = model(input_ids=torch.tensor([list(source)]), decoder_input_ids=given)
            chosen = output.logits[0].log_softmax(-1).gather(1, torch.tensor([list(target)]).T)
            found.append(-float(chosen.double().sum()))
    return found


def reference_token_losses(
    folder: Path, rows: Sequence[tuple[Sequence[int], Sequence[int], Sequence[int]]]
) -> list[float]:
    """Minus the log-probability of the wanted tokens of each row, summed, by Hugging Face's own classes alone.

    A row is its token ids, the places after which a token is wanted, and those tokens; rows go through the causal model
    of `folder` one by one.
    """
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    found = []
    with torch.inference_mode():
        for ids, places, wanted in rows:
            logits = model(input_ids=torch.tensor([list(ids)])).logits[0]
            chosen = logits[list(places)].log_softmax(-1).gather(1, torch.tensor([list(wanted)]).T)
            found.append(-float(chosen.double().sum()))
    return found


_AUTO_CLASSES: Any = {
    "token-classification": transformers.AutoModelForTokenClassification,
    "question-answering": transformers.AutoModelForQuestionAnswering,
}
