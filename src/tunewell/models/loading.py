"""Load a backbone with a head in float32, refusing what is unsafe, damaged or does not fit.

transformers would start a model whose weights do not match with random numbers and say so in a log line;
here that is an error, except for the new head itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn

from tunewell.core.errors import ConfigError, ModelError
from tunewell.models.adapters import Lora, attach
from tunewell.models.compute import prepare
from tunewell.models.heads import scale_output
from tunewell.models.locate import locate, public_name, read_config
from tunewell.models.scratch import Scratch
from tunewell.models.tokenizer import NUMBERED_FROM_PAD, Tokenizer, read_tokenizer

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

DEFAULT_MAX_LENGTH = 512
"""The most tokens read of a text when nobody said: what BERT can read, also for models that could more."""

_MAY_BE_NEW = ("pooler", "position_ids", "pre_classifier")
"""Parts of a backbone that a checkpoint without a classifier may lack, as masked language models do."""

_VOCABULARY_FILES = ("tokenizer.json", "*.model", "*.tiktoken", "tekken.json")


class ModelLoader:
    """One model's name, resolved once; builds its tokenizer and its model with the head a task asks for.

    `notes` collects what the user should be told. `new_parameters` names what did not come from the
    checkpoint and starts from random numbers, seeded by `seed`. With `lora`, models come with adapters. With
    `scratch` there is no checkpoint: models are made of these sizes. `made_tokenizer` is the tokenizer that a task
    that writes has asked for, which its model must fit.
    """

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        seed: int = 0,
        lora: Lora | None = None,
        scratch: Scratch | None = None,
    ) -> None:
        self.name = name
        self.revision = revision
        self.lora = lora
        self.scratch = scratch
        self.seed = seed
        self.notes: list[str] = []
        self.new_parameters: list[str] = []
        self.made_tokenizer: Tokenizer | None = None
        self.folder = Path()
        if scratch is None:
            self.folder = locate(name, revision)
            self._check_architecture(read_config(self.folder))

    def _check_architecture(self, config: dict[str, Any]) -> None:
        if config["model_type"] in transformers.CONFIG_MAPPING:
            return
        remote = "auto_map" in config
        raise ModelError(
            f"architecture {config['model_type']!r} is not part of transformers {transformers.__version__}"
            + (" and needs code that comes with the model, which is never run" if remote else ""),
            where=str(self.folder / "config.json"),
            fix="choose a model whose architecture transformers knows, or update transformers",
        )

    def config(self) -> Any:
        """The model's own `PretrainedConfig`."""
        if self.scratch is not None:
            raise ConfigError(
                "model.from_scratch: this task has no small model that could start from nothing",
                fix="leave it out, and name a pretrained model",
            )
        try:
            return transformers.AutoConfig.from_pretrained(self.folder, trust_remote_code=False)
        except (OSError, ValueError, KeyError, TypeError, StrictDataclassError) as error:
            raise self._damaged("config.json", error) from None

    def tokenizer(self, wanted_tokens: int = 0) -> Tokenizer:
        """The model's tokenizer, with a pad token and the number of tokens that the model can read.

        That is `DEFAULT_MAX_LENGTH` at most, or `wanted_tokens` where that is more.
        """
        config = _reader(self.config())
        try:
            tokenizer = read_tokenizer(self.folder)
        except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
            raise self._damaged("the tokenizer", error) from None
        if len(tokenizer) <= len(set(tokenizer.all_special_ids)) or not self._has_vocabulary(tokenizer):
            # transformers would go on with a few special tokens, and read every text as unknown
            raise self._damaged("the tokenizer", ValueError("its vocabulary is missing"))
        if tokenizer.pad_token_id is None:
            if tokenizer.eos_token is None:
                raise ModelError("the tokenizer has neither a pad nor an end token", where=str(self.folder))
            tokenizer.pad_token = tokenizer.eos_token
        tokenizer.padding_side = "right"
        vocabulary = getattr(config.get_text_config(), "vocab_size", len(tokenizer))
        if len(tokenizer) > vocabulary:
            raise ModelError(
                f"the tokenizer has {len(tokenizer)} tokens and the model's embedding only {vocabulary}",
                where=str(self.folder),
                fix="use the tokenizer that the model was trained with",
            )
        return Tokenizer(tokenizer, _max_length(config, tokenizer, max(DEFAULT_MAX_LENGTH, wanted_tokens)))

    def _has_vocabulary(self, tokenizer: Any) -> bool:
        """Whether the folder holds a file that a vocabulary can come from; some tokenizers need none."""
        own = tokenizer.vocab_files_names.values()
        return not own or any(any(self.folder.glob(name)) for name in (*own, *_VOCABULARY_FILES))

    def sequence_classifier(
        self,
        label_names: tuple[str, ...],
        problem_type: str,
        *,
        pad_token_id: int,
        output_range: tuple[float, float] | None = None,
    ) -> nn.Module:
        """A model that gives one row of logits a text, `len(label_names)` wide.

        `output_range`, the mean and standard deviation of a regression's targets, puts a new head into
        their unit. Raises `ModelError` for weights that are damaged, not finite, or of another backbone.
        """
        config = self._labelled(label_names, pad_token_id)
        config.problem_type = problem_type
        model = self.load(transformers.AutoModelForSequenceClassification, config)
        if output_range is not None and self.new_parameters:
            scale_output(model, *output_range)
        return self.ready(model)

    def token_classifier(self, label_names: tuple[str, ...], *, pad_token_id: int) -> nn.Module:
        """A model that gives one row of logits a token, `len(label_names)` wide; raises as `sequence_classifier`."""
        config = self._labelled(label_names, pad_token_id)
        return self.ready(self.load(transformers.AutoModelForTokenClassification, config))

    def question_answerer(self, *, pad_token_id: int) -> nn.Module:
        """A model that gives two logits a token, that an answer starts or ends there; raises as `sequence_classifier`."""
        config = self._labelled(("start", "end"), pad_token_id)
        return self.ready(self.load(transformers.AutoModelForQuestionAnswering, config))

    def _labelled(self, label_names: tuple[str, ...], pad_token_id: int) -> Any:
        """The model's configuration with the names of what its head gives."""
        config = self.config()
        config.num_labels = len(label_names)
        config.id2label = dict(enumerate(label_names))
        config.label2id = {name: index for index, name in enumerate(label_names)}
        config.get_text_config().pad_token_id = pad_token_id
        if hasattr(config, "use_cache"):
            config.use_cache = False  # each text is read once; keys and values need not be kept
        return config

    def ready(self, model: nn.Module, *, new_token_ids: Sequence[int] = (), told: bool = True) -> nn.Module:
        """`model` with its adapters, if any, set up to be computed; in this order.

        `new_token_ids` are rows of the embedding that were appended. With `told`, padding that cannot be saved is.
        """
        if self.lora is not None:
            model = attach(
                model,
                self.lora,
                base_name=public_name(self.name),
                revision=self.revision,
                new_parameters=self.new_parameters,
                new_token_ids=new_token_ids,
                seed=self.seed,
            )
        reason = prepare(model)
        if reason is not None and told:
            self.notes.append(f"computed with padding: {reason}")
        return model

    def new(self, make: Callable[[Scratch], nn.Module]) -> nn.Module:
        """A model of the wanted sizes that starts from random numbers, seeded by `seed`."""
        assert self.scratch is not None
        torch.manual_seed(self.seed)
        model = make(self.scratch)
        self.new_parameters = [name for name, _ in model.named_parameters()]
        return model

    def load(self, auto_class: Any, config: Any, may_be_new: Sequence[str] = ()) -> nn.Module:
        """A model of the checkpoint with the head that `auto_class` has, its weights checked.

        Parts of the backbone with one of `may_be_new` in their names may be missing or of another size. Raises
        `ModelError` for weights that are damaged, not finite, or of another backbone.
        """
        if type(config) not in auto_class._model_mapping:
            head = auto_class.__name__.removeprefix("AutoModelFor")
            raise ModelError(
                f"{config.model_type!r} has no head for this task: transformers knows no {head} of it",
                where=str(self.folder / "config.json"),
                fix="choose another model",
            )
        torch.manual_seed(self.seed)  # a new head must not depend on what ran before
        try:
            model, info = auto_class.from_pretrained(
                self.folder,
                config=config,
                dtype=torch.float32,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
            raise self._damaged("the model", error) from None
        self._check_loaded(model, info, (*_MAY_BE_NEW, *may_be_new))
        return model  # type: ignore[no-any-return]

    def _check_loaded(self, model: Any, info: dict[str, Any], may_be_new: Sequence[str]) -> None:
        prefix = model.base_model_prefix + "."
        mismatched = {entry[0] for entry in info["mismatched_keys"]}
        new = sorted(set(info["missing_keys"]) | mismatched)
        foreign = [
            key for key in new if key.startswith(prefix) and not any(part in key for part in may_be_new)
        ]
        if foreign:
            raise ModelError(
                f"the weights are not those of a {model.config.model_type}: {len(foreign)} parts are missing "
                f"or of another size, such as {foreign[0]}",
                where=str(self.folder),
                fix="use the config.json and the weights of one and the same model",
            )
        self.new_parameters = new
        parameters = dict(model.named_parameters())
        with torch.no_grad():
            for name in new:
                if name.endswith("bias") and name in parameters:
                    parameters[name].zero_()  # transformers leaves that of some heads as it finds the memory
        bad = [name for name, tensor in parameters.items() if not bool(torch.isfinite(tensor).all())]
        if bad:
            raise ModelError(
                f"{len(bad)} weight tensors hold NaN or infinity, such as {bad[0]}", where=str(self.folder)
            )
        stored = read_config(self.folder).get("dtype") or read_config(self.folder).get("torch_dtype")
        if stored in ("bfloat16", "float16"):
            self.notes.append(f"the weights are stored as {stored} and were loaded as float32")

    def _damaged(self, part: str, error: Exception) -> ModelError:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return ModelError(f"{part} cannot be loaded: {reason}", where=str(self.folder))


def _reader(config: Any) -> Any:
    """The configuration of what reads: of the encoder, where encoder and decoder have one each."""
    return config.encoder if config.model_type == "encoder-decoder" else config


def _max_length(config: Any, tokenizer: Any, most: int) -> int:
    """The most tokens that model and tokenizer can read, and `most` at most."""
    positions = getattr(config.get_text_config(), "max_position_embeddings", None) or 0
    if positions < 1:
        positions = most  # XLNet has no limit and says -1, T5 says nothing
    if config.model_type in NUMBERED_FROM_PAD:
        positions -= config.pad_token_id + 1
    stated = tokenizer.model_max_length  # a huge number stands for "not stated"
    return int(min(positions, stated, most))
