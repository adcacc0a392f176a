"""`RunConfig` and its groups: everything that decides a run, except the task's own settings.

None as a default means "decided when the data and the model are known"; the decision is written to the run
folder's `config.yaml`, which reloads to the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import field_validator, model_validator

from tunewell.config.settings import Settings, require, setting

FROM_SCRATCH = "from-scratch"
"""The name of a model that starts from random weights."""

SCRATCH_SIZES: Mapping[str, float] = {
    "hidden_size": 256,
    "num_layers": 3,
    "num_heads": 4,
    "feedforward_size": 512,
    "vocab_size": 8000,
    "dropout": 0.1,
}
"""The sizes of such a model when nobody chose them; `feedforward_size` is twice another width."""


class DataSettings(Settings):
    """Which files to read and how."""

    train: str = setting(..., "training data: a file, a folder with train/validation/test files, or a Hub id")
    validation: str | None = setting(None, "validation data; split off the training data when absent")
    test: str | None = setting(None, "test data; split off the training data when absent")
    validation_fraction: float = setting(
        0.1, "share of the training data for validation, where no file is given", above=0, at_most=0.5
    )
    test_fraction: float = setting(
        0.1, "share of the training data for the test, where no file is given", above=0, at_most=0.5
    )
    limit: int | None = setting(None, "use only the first rows of the training data", unit="rows", at_least=1)
    delimiter: str | None = setting(None, "column delimiter; `,` in .csv and a tab in .tsv when absent")
    quoting: Literal["auto", "none", "double"] = setting(
        "auto", 'what `"` means in a .tsv file: nothing (`none`) or quoting (`double`); `auto` looks'
    )
    column_names: list[str] | None = setting(None, "names of the columns, for a file without a header line")
    format: (
        Literal["conll", "conllu", "csv", "tsv", "jsonl", "json", "parquet", "tmx", "turns", "txt"] | None
    ) = setting(None, "what the file is, where its ending does not say it")
    on_bad_row: Literal["fail", "drop"] = setting("fail", "stop at bad rows, or drop and count them")
    max_overlap_share: float | None = setting(
        None, "fail when a larger share of test texts also occurs in the training data", at_least=0, at_most=1
    )

    @field_validator("delimiter")
    @classmethod
    def _spell_out_tab(cls, delimiter: str | None) -> str | None:
        return "\t" if delimiter == r"\t" else delimiter  # as a shell hands it over

    @model_validator(mode="after")
    def _refuse_no_columns(self) -> DataSettings:
        require(self.column_names != [], "column_names", "names no column; leave it out")
        return self


class ModelSettings(Settings):
    """Which pretrained model to start from, and what of it to train."""

    name: str = setting("minilm", "a model pack (`minilm`), a local folder, or a Hub id")
    revision: str | None = setting(None, "branch, tag or commit of a Hub model")
    freeze_layers: int = setting(
        0, "keep the embeddings and this many lowest layers as they are", unit="layers", at_least=0
    )
    lora_rank: int | None = setting(
        None,
        "train small adapters (LoRA) of this rank and the head; all weights learn when absent",
        unit="dimensions",
        at_least=1,
        at_most=1024,
    )
    lora_alpha: float | None = setting(
        None, "adapters count lora_alpha / lora_rank times; twice the rank when absent", above=0, at_most=1e6
    )
    lora_dropout: float | None = setting(
        None, "share of what an adapter reads that is dropped in training; 0 when absent", at_least=0, below=1
    )
    lora_targets: list[str] | None = setting(
        None,
        "names of the linear layers that get an adapter, or [all-linear]; "
        "attention's queries and values when absent, all-linear for families that are not known",
    )

    from_scratch: bool = setting(
        False, "train a small Transformer from random weights, its vocabulary learnt from the training texts"
    )
    hidden_size: int | None = setting(
        None, "its width; 256 when absent", unit="dimensions", at_least=8, at_most=8192
    )
    num_layers: int | None = setting(
        None, "its layers, of encoder and decoder each; 3 when absent", unit="layers", at_least=1, at_most=100
    )
    num_heads: int | None = setting(
        None, "its attention heads, which divide the width; 4 when absent", at_least=1, at_most=256
    )
    feedforward_size: int | None = setting(
        None,
        "width of its layers between attentions; twice the width when absent",
        unit="dimensions",
        at_least=8,
        at_most=65536,
    )
    vocab_size: int | None = setting(
        None,
        "the most tokens of its vocabulary; 8000 when absent",
        unit="tokens",
        at_least=300,
        at_most=200_000,
    )
    dropout: float | None = setting(
        None, "share of its units that are dropped in training; 0.1 when absent", at_least=0, below=1
    )

    @model_validator(mode="after")
    def _refuse_settings_without_effect(self) -> ModelSettings:
        if self.from_scratch:
            self._refuse_pretrained_settings()
        for name in SCRATCH_SIZES:
            fits = self.from_scratch or getattr(self, name) is None
            require(fits, name, "has no effect without from_scratch")
        if self.lora_rank is None:
            for name in ("lora_alpha", "lora_dropout", "lora_targets"):
                require(getattr(self, name) is None, name, "has no effect without lora_rank")
        both = self.lora_rank is not None and self.freeze_layers > 0
        require(not both, "freeze_layers", "has no effect with lora_rank, which keeps all layers as they are")
        require(self.lora_targets != [], "lora_targets", "names no layer; leave it out")
        return self

    def _refuse_pretrained_settings(self) -> None:
        """Of a model that starts from nothing, there is none that could be kept as it is."""
        named = "name" not in self.model_fields_set or self.name == FROM_SCRATCH
        require(named, "name", "has no effect with from_scratch, which starts from no model")
        for name, unset in (("revision", None), ("freeze_layers", 0), ("lora_rank", None)):
            require(getattr(self, name) == unset, name, "has no effect with from_scratch")
        width, heads = (
            self.hidden_size or SCRATCH_SIZES["hidden_size"],
            self.num_heads or SCRATCH_SIZES["num_heads"],
        )
        require(width % heads == 0, "num_heads", f"must divide the width, which is {width:g}")


class TrainingSettings(Settings):
    """How gradient descent runs. A step is one optimizer step over one whole batch."""

    epochs: float = setting(3.0, "passes over the training data", unit="epochs", above=0)
    max_steps: int | None = setting(
        None, "stop after this many steps at the latest", unit="steps", at_least=1
    )
    batch_size: int = setting(32, "examples per optimizer step", unit="examples", at_least=1)
    micro_batch_size: int | None = setting(
        None, "examples per forward pass; smaller takes less memory, same mathematics", at_least=1
    )
    micro_batch_tokens: int | None = setting(
        None,
        "tokens per forward pass, padding counted; 4096 on a CPU and 32768 on a GPU when absent",
        unit="tokens",
        at_least=1,
    )
    optimizer: Literal["adamw", "adam", "sgd"] = setting("adamw", "the rule that turns gradients into steps")
    learning_rate: float | None = setting(
        None,
        "peak learning rate; when absent, chosen by the optimizer and the model's width",
        above=0,
        below=10,
    )
    weight_decay: float | None = setting(
        None, "decay of weight matrices; 0.01 with adamw, else 0", at_least=0, below=1
    )
    momentum: float | None = setting(None, "momentum of sgd; 0.9 when absent", at_least=0, below=1)
    adam_beta1: float | None = setting(None, "decay of adam's mean; 0.9 when absent", at_least=0, below=1)
    adam_beta2: float | None = setting(
        None, "decay of adam's square mean; 0.999 when absent", at_least=0, below=1
    )
    adam_epsilon: float | None = setting(None, "adam's epsilon; 1e-8 when absent", above=0, below=1)
    schedule: Literal["linear", "cosine", "constant"] = setting("linear", "how the rate falls after warm-up")
    warmup_fraction: float | None = setting(
        None, "share of the steps in which the rate rises; 0.1 when absent", at_least=0, below=1
    )
    warmup_steps: int | None = setting(None, "steps in which the rate rises", unit="steps", at_least=0)
    max_grad_norm: float | None = setting(1.0, "clip the gradient to this norm; null does not clip", above=0)
    evaluations_per_epoch: int = setting(1, "how often the validation data is scored", at_least=1)
    early_stopping_patience: int | None = setting(
        None, "stop after this many evaluations without a better score", unit="evaluations", at_least=1
    )
    seed: int = setting(1, "seed of everything random in the run", at_least=0, at_most=2**32 - 1)
    device: str = setting("auto", "`auto`, `cpu`, `cuda`, `cuda:1`, `mps`")
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "auto", "number format of the computation; auto: bfloat16 autocast on CUDA, else float32"
    )
    threads: int | None = setting(
        None, "CPU threads; the physical cores when absent", at_least=1, at_most=512
    )  # many thousands crash the process before anything can be said
    save_every_steps: int | None = setting(
        None, "checkpoint this often, besides at every evaluation", unit="steps", at_least=1
    )
    log_every_steps: int = setting(10, "write a line to metrics.jsonl this often", unit="steps", at_least=1)

    @model_validator(mode="after")
    def _refuse_settings_without_effect(self) -> TrainingSettings:
        if self.optimizer != "sgd":
            require(self.momentum is None, "momentum", f"has no effect with optimizer {self.optimizer}")
        else:
            for name in ("adam_beta1", "adam_beta2", "adam_epsilon"):
                require(getattr(self, name) is None, name, "has no effect with optimizer sgd")
        both = self.warmup_fraction is not None and self.warmup_steps is not None
        require(not both, "warmup_fraction", "conflicts with warmup_steps; set one of the two")
        fits = self.micro_batch_size is None or self.micro_batch_size <= self.batch_size
        require(fits, "micro_batch_size", f"is larger than batch_size ({self.batch_size})")
        return self


class EvaluationSettings(Settings):
    """How scores and their intervals are made."""

    resamples: int = setting(10_000, "bootstrap resamples behind each interval", at_least=100)
    rank_resamples: int = setting(1_000, "resamples for metrics that rank all examples", at_least=100)
    baselines: bool = setting(True, "score the task's simple baselines beside the model")
    batch_tokens: int = setting(4_096, "tokens per forward pass in prediction", unit="tokens", at_least=1)


class OutputSettings(Settings):
    """Where the run folder goes; these settings are no part of a run's identity."""

    folder: str | None = setting(None, "the run folder; when absent, a name made of the data and a hash")
    parent: str = setting("runs", "the folder in which run folders without a name of their own are made")


class RunConfig(Settings):
    """Everything that decides a run. `task` holds the task's own settings, checked in a second phase."""

    task: dict[str, Any] = setting({}, "the task's `name` and its own settings; inferred when absent")
    data: DataSettings
    model: ModelSettings = setting(ModelSettings(), "the pretrained model")
    training: TrainingSettings = setting(TrainingSettings(), "gradient descent")
    evaluation: EvaluationSettings = setting(EvaluationSettings(), "scores and intervals")
    output: OutputSettings = setting(OutputSettings(), "where results go")
