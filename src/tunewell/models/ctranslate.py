"""The door to CTranslate2: a translator converted for it, which answers in place of the model that it was made from.

`Translator` writes for who asks `written.write`, so that a task does not know which engine wrote its texts. `largest_gap` says how far the two are apart. Not for:
whether the answers may be used (`tunewell.runs.engines`), or how a task asks for them (`written`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunewell.core.errors import ConfigError, ModelError
from tunewell.models.compute import Positioned
from tunewell.models.written import Engine

# Marian's own loader is not used: it lets the decoder start from an embedding of zeros, which that of <pad>, shared with
# the output, no longer is once the model was trained on.
_LOADERS = {
    "bart": "BartLoader",
    "m2m_100": "M2M100Loader",
    "marian": "BartLoader",
    "mbart": "BartLoader",
    "mt5": "MT5Loader",
    "pegasus": "PegasusLoader",
    "t5": "T5Loader",
    "umt5": "UMT5Loader",
}
"""The class of CTranslate2's that reads the weights of each family."""

_LAYOUTS: Mapping[str, Mapping[str, bool]] = {
    "bart": {"normalize_before": False, "normalize_embedding": True},
    "marian": {"normalize_before": False, "normalize_embedding": False},
    "mbart": {"normalize_before": True, "normalize_embedding": True},
}
"""Where families normalise: read by the loaders, and no longer among the settings that transformers writes."""

_PASSED_ON = {
    "num_beams": "beam_size",
    "length_penalty": "length_penalty",
    "no_repeat_ngram_size": "no_repeat_ngram_size",
    "repetition_penalty": "repetition_penalty",
    "max_new_tokens": "max_decoding_length",
    "min_new_tokens": "min_decoding_length",
}
"""What transformers calls a setting of the search, and what CTranslate2 calls it."""

_UNKNOWN_TO_IT = (
    "encoder_no_repeat_ngram_size",
    "forced_decoder_ids",
    "begin_suppress_tokens",
    "sequence_bias",
)
"""Settings of a search that CTranslate2 lacks and that would change the texts."""


class Translator(Engine):
    """A converted model. `settings` are transformers' `GenerationConfig` of the model that it was made from."""

    def __init__(self, settings: Any, engine: Any) -> None:
        super().__init__()
        self._settings: Mapping[str, Any] = settings.to_dict()
        self._engine = engine
        ends = self._settings["eos_token_id"]
        self.ends: list[int] = list(ends) if isinstance(ends, list) else [ends]
        self.start = int(self._settings["decoder_start_token_id"])

    def write(self, batch: Positioned, settings: Mapping[str, Any]) -> list[list[int]]:
        """The token ids that are written for each sequence, to the end token or the greatest length.

        `settings`, in the words of `GenerationConfig`, lie over the model's own. Raises `ModelError` for what CTranslate2
        cannot do.
        """
        chosen = {**self._settings, **settings}
        missing = [name for name in _UNKNOWN_TO_IT if chosen.get(name)]
        if missing:
            raise ModelError(f"CTranslate2 does not know {missing[0]}", fix="leave --engine out")
        first = chosen.get("forced_bos_token_id")
        sources = tokens(batch)
        results = self._engine.translate_batch(
            sources,
            None if first is None else [[str(first)]] * len(sources),
            suppress_sequences=_suppressed(chosen) or None,
            end_token=[str(token) for token in self.ends],
            return_end_token=True,
            max_input_length=0,
            **{
                "min_decoding_length": 0,  # its own default is 1
                **{
                    theirs: chosen[ours]
                    for ours, theirs in _PASSED_ON.items()
                    if chosen.get(ours) is not None
                },
            },
        )
        return [self._ended([int(token) for token in result.hypotheses[0]], chosen) for result in results]

    def score(self, sources: list[list[str]], targets: Sequence[Sequence[int]]) -> list[list[float]]:
        """The log-probability of each token of `targets` and of the end token after them, given those before it."""
        written = [[str(token) for token in row] for row in targets]
        return [
            list(result.log_probs)
            for result in self._engine.score_batch(sources, written, max_input_length=0)
        ]

    def get_output_embeddings(self) -> nn.Module:
        """Whoever asks for them wants to know how likely given texts are; raises `ModelError`."""
        raise ModelError(
            "CTranslate2 writes texts here and does not judge given ones",
            fix="leave out the engine, or the targets",
        )

    def _ended(self, row: list[int], chosen: Mapping[str, Any]) -> list[int]:
        """Where the model's settings force an end at the greatest length, the last token gives way to it."""
        forced, limit = chosen.get("forced_eos_token_id"), chosen.get("max_new_tokens")
        if forced is not None and row and len(row) == limit and row[-1] not in self.ends:
            row = [*row[:-1], forced[0] if isinstance(forced, list) else forced]
        return row


def tokens(batch: Positioned) -> list[list[str]]:
    """The sequences as CTranslate2 wants them: the vocabulary that we give it are the numbers of the tokens."""
    rows = torch.split(batch.input_ids, batch.lengths.tolist())
    return [[str(token) for token in row.tolist()] for row in rows]


def _suppressed(chosen: Mapping[str, Any]) -> list[list[str]]:
    """The sequences of tokens that are never written."""
    rows = [*([token] for token in chosen.get("suppress_tokens") or ()), *(chosen.get("bad_words_ids") or ())]
    return [[str(token) for token in row] for row in rows]


def convert(model: nn.Module, device: torch.device, num_threads: int) -> Translator:
    """`model`, an encoder with a decoder of transformers, in float32 on CTranslate2's own engine.

    Nothing stays on the disk. Raises `ConfigError` where CTranslate2 is not installed and `ModelError` with the reason
    where the family, the model or the device is not one of its.
    """
    try:
        import ctranslate2
    except ImportError:
        raise ConfigError(
            "--engine ctranslate2 needs the package ctranslate2, which is not installed",
            fix="pip install 'tunewell[ctranslate2]'",
        ) from None
    hf: Any = model
    family = hf.config.model_type
    if family not in _LOADERS:
        raise ModelError(
            f"CTranslate2 has no translators of the family {family!r}; those that it has: {', '.join(_LOADERS)}",
            fix="leave --engine out",
        )
    if device.type not in ("cpu", "cuda"):
        raise ModelError(f"CTranslate2 does not compute on {device.type}", fix="--device cpu")
    with tempfile.TemporaryDirectory(prefix="tunewell-") as folder:
        try:
            _write(hf, family, Path(folder))
            engine = ctranslate2.Translator(
                folder,
                device.type,
                device_index=device.index or 0,
                compute_type="float32",
                intra_threads=num_threads,
            )
        except (AttributeError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(
                f"CTranslate2 cannot take this model: {reason}", fix="leave --engine out"
            ) from None
    return Translator(hf.generation_config, engine)


@torch.no_grad()
def _write(hf: Any, family: str, folder: Path) -> None:
    """The model in CTranslate2's format.

    Its vocabulary are the numbers of the tokens: the engine is given token ids and gives token ids, and needs to know
    nothing of a tokenizer's own names, which families keep in different ways.
    """
    from ctranslate2.converters import transformers as converters

    kept = {name: getattr(hf.config, name) for name in _LAYOUTS.get(family, {}) if hasattr(hf.config, name)}
    for name, value in _LAYOUTS.get(family, {}).items():
        setattr(hf.config, name, kept.get(name, value))
    spec = getattr(converters, _LOADERS[family])().get_model_spec(hf)
    tokens = [str(number) for number in range(hf.get_output_embeddings().weight.shape[0])]
    spec.register_source_vocabulary(tokens)
    spec.register_target_vocabulary(tokens)
    settings = hf.generation_config
    ends = settings.eos_token_id
    spec.config.eos_token = str(ends[0] if isinstance(ends, list) else ends)
    spec.config.decoder_start_token = str(settings.decoder_start_token_id)
    spec.config.bos_token = spec.config.decoder_start_token
    spec.config.unk_token = "0"  # it must be one of them, and no token is unknown
    spec.validate()
    spec.optimize(quantization=None)
    spec.save(str(folder))


@torch.inference_mode()
def largest_gap(model: nn.Module, translator: Translator, batch: Positioned) -> float:
    """The largest difference between the two in the log-probability of one token, in nats.

    It is taken over what `translator` writes for `batch`, greedily, and the end after it.
    """
    hf: Any = model
    sources = tokens(batch)
    written = translator.write(batch, {"num_beams": 1, "do_sample": False})
    targets = [row[:-1] if row and row[-1] in translator.ends else row for row in written]
    largest = 0.0
    for source, target, theirs in zip(sources, targets, translator.score(sources, targets), strict=True):
        ids = torch.tensor([[int(token) for token in source]], device=hf.device)
        given = torch.tensor([[translator.start, *target]], device=hf.device)
        logits = hf(input_ids=ids, decoder_input_ids=given, use_cache=False).logits[0].float()
        labels = torch.tensor([*target, translator.ends[0]], device=hf.device)
        ours = logits.log_softmax(-1).gather(1, labels[:, None])[:, 0]
        largest = max(largest, float((ours.cpu() - torch.tensor(theirs)).abs().max()))
    return largest
