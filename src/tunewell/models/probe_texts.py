"""Texts of random tokens for the probe, that hold whatever a family may treat apart.

Not for: what is done with them (`tunewell.models.probe`).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def pad_token_id(model: Any) -> int:
    """What fills the padded view of a batch."""
    return int(model.config.get_text_config().pad_token_id or 0)


@dataclass(frozen=True)
class RandomTexts:
    """Several texts, as `tunewell.models.ragged.Ragged` wants them."""

    input_ids: Tensor
    lengths: Tensor
    token_type_ids: Tensor | None

    @classmethod
    def of(cls, model: Any, lengths: tuple[int, ...]) -> RandomTexts:
        """Texts of these lengths, or of what `model` can read; the same tokens each time.

        None is the pad token. The other special tokens stand in the longest text: ESM scales a row by its
        share of mask tokens. For an encoder with a decoder they stand at the ends: BART reads the end token,
        of which every text must have one.
        """
        config = model.config.get_text_config()
        readable = getattr(config, "max_position_embeddings", None) or 0
        readable = readable - 4 if readable > 0 else max(lengths)  # XLNet says -1 for no limit
        lengths = tuple(max(1, min(length, readable)) for length in lengths)
        size = getattr(config, "vocab_size", 256)  # CANINE reads characters and has none
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randint(size - 1, (sum(lengths),), generator=generator)
        tokens += tokens >= pad_token_id(model)
        if getattr(model.config, "is_encoder_decoder", False) and config.eos_token_id is not None:
            tokens[torch.tensor(lengths).cumsum(0) - 1] = config.eos_token_id
        else:
            longest = lengths.index(max(lengths))
            special = _special_token_ids(config, size)[: lengths[longest] - 1]
            first = sum(lengths[:longest]) + 1
            tokens[first : first + len(special)] = torch.tensor(special, dtype=torch.long)
        types = None
        takes_types = "token_type_ids" in inspect.signature(model.forward).parameters
        if takes_types and getattr(config, "type_vocab_size", 0) > 1:
            types = torch.randint(2, tokens.shape, generator=generator).to(model.device)
        return cls(tokens.to(model.device), torch.tensor(lengths).to(model.device), types)

    def padded(self, pad_token_id: int) -> dict[str, Tensor]:
        """As `(texts, longest)`, padded on the right."""
        lengths = self.lengths.tolist()

        def pad(row: Tensor, value: int) -> Tensor:
            return pad_sequence(list(torch.split(row, lengths)), batch_first=True, padding_value=value)

        inputs = {"input_ids": pad(self.input_ids, pad_token_id)}
        inputs["attention_mask"] = pad(torch.ones_like(self.input_ids), 0)
        if self.token_type_ids is not None:
            inputs["token_type_ids"] = pad(self.token_type_ids, 0)
        return inputs


def _special_token_ids(config: Any, size: int) -> list[int]:
    """Those that the configuration names, without the pad token."""
    values = {value for name, value in config.to_dict().items() if name.endswith("_token_id")}
    return sorted(v for v in values if isinstance(v, int) and 0 <= v < size and v != config.pad_token_id)
