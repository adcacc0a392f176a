"""A decoder classifies by its last real token: never by padding, whatever the pad token is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tunewell.data.batches import Batch
from tunewell.models import ModelLoader, Tokenizer
from tunewell.models.compute import sequence_logits, undo
from tunewell.models.probe import plan_of

FAMILIES = ("gpt2", "llama")


class Subject:
    """A tiny decoder and the tokens of texts."""

    def __init__(self, folder: Path) -> None:
        loader = ModelLoader(str(folder))
        self.tokenizer: Tokenizer = loader.tokenizer()
        kind, pad = "single_label_classification", self.tokenizer.pad_token_id
        self.model: Any = loader.sequence_classifier(("a", "b", "c"), kind, pad_token_id=pad)
        self.model.eval()
        self.end = self.tokenizer._tokenizer.eos_token

    def tokens(self, text: str) -> Tensor:
        return torch.tensor(self.tokenizer.encode((text,)).input_ids)

    @torch.inference_mode()
    def logits(self, texts: list[str]) -> Tensor:
        rows = [self.tokens(text) for text in texts]
        return sequence_logits(self.model, Batch(torch.cat(rows), torch.tensor([len(row) for row in rows])))

    @torch.inference_mode()
    def read_at(self, text: str, place: int) -> Tensor:
        """What the head makes of one place of a text that is computed alone."""
        hidden = self.model.base_model(self.tokens(text)[None]).last_hidden_state[0, place]
        return self.model.score(hidden)  # type: ignore[no-any-return]


@pytest.fixture(params=FAMILIES)
def subject(request: pytest.FixtureRequest, tiny: Callable[[str], Path]) -> Subject:
    return Subject(tiny(request.param))


@pytest.mark.parametrize("padded", [False, True], ids=["flat", "padded"])
def test_the_last_token_of_each_text_is_read(subject: Subject, padded: bool) -> None:
    assert subject.tokenizer.pad_token_id == subject.tokenizer._tokenizer.eos_token_id
    assert subject.model.config.pad_token_id == subject.tokenizer.pad_token_id
    assert plan_of(subject.model).reason is None  # type: ignore[union-attr]
    if padded:
        undo(subject.model)
    texts = ["the film was great", "dull", "the camera was clumsy, cold and far too long for me", "a plot"]
    for order in (texts, texts[::-1], texts[:1]):
        for row, text in zip(subject.logits(order), order, strict=True):
            assert torch.allclose(row, subject.read_at(text, -1), atol=1e-5)
            assert not torch.allclose(row, subject.read_at(text, -2), atol=1e-3)


@pytest.mark.parametrize("padded", [False, True], ids=["flat", "padded"])
def test_a_text_that_ends_in_the_pad_token(subject: Subject, padded: bool) -> None:
    """The pad token is the end token. Where it ends a text, it is no more read than padding would be.

    So reads transformers, and whoever loads the saved model with it must get the same answer.
    """
    if padded:
        undo(subject.model)
    plain, others = "the film was great", ["dull", "the camera was clumsy, cold and far too long for me"]
    alone = subject.logits([plain])[0]
    for text in (plain + subject.end, plain + 3 * subject.end):
        assert subject.tokens(text)[-1] == subject.tokenizer.pad_token_id
        for order in ([text], [text, *others], [others[0], text], [plain, text, others[1]]):
            assert torch.allclose(subject.logits(order)[order.index(text)], alone, atol=1e-5)
    inside = f"the film {subject.end} was great"
    for order in ([inside], [inside, *others]):
        assert torch.allclose(subject.logits(order)[0], subject.read_at(inside, -1), atol=1e-5)


def test_texts_of_nothing_but_pad_tokens(subject: Subject) -> None:
    for text in ("", subject.end, 2 * subject.end):
        first = subject.read_at(text, 0)
        for order in ([text], [text, "the film was great"], ["dull", text]):
            assert torch.allclose(subject.logits(order)[order.index(text)], first, atol=1e-5)
