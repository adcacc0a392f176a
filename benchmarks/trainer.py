"""The Hugging Face Trainer as a contestant: its real `train()`, which a callback holds at step boundaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import transformers
from torch.utils.data import Sampler

from benchmarks.data import MEGABATCHES, load
from benchmarks.link import Meter
from benchmarks.ours import hash_rows, optimizer_facts
from benchmarks.recipe import Job, Json
from benchmarks.setups import Setup
from benchmarks.tasks import TASKS


class WatchedOrder(Sampler[int]):
    """The Trainer's own order of rows, written down as it is drawn, so that each step's lengths are known.

    With `spread` the batches of each megabatch come in another order. Length grouping sorts 50 batches, longest
    first, so that any few steps in a row would be no fair sample; the batches themselves stay as they are.
    """

    def __init__(self, inner: Sampler[int], batch_size: int, spread: int) -> None:
        self._inner, self._batch_size, self._spread = inner, batch_size, spread
        self.drawn: list[int] = []

    def __len__(self) -> int:
        return len(self._inner)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[int]:
        indices = list(self._inner)
        if self._spread > 1:
            indices = spread_batches(indices, self._batch_size, self._spread)
        for index in indices:
            self.drawn.append(index)
            yield index


def spread_batches(indices: Sequence[int], batch_size: int, megabatch: int) -> list[int]:
    """The same batches, those of each `megabatch` in an order in which neighbours lie far apart."""
    batches = [indices[place : place + batch_size] for place in range(0, len(indices), batch_size)]
    spread: list[int] = []
    for first in range(0, len(batches), megabatch):
        part = batches[first : first + megabatch]
        # any stretch of this sequence (van der Corput's) covers the whole evenly
        keys = sorted(range(len(part)), key=_reversed_bits)
        ranks = {place: rank for rank, place in enumerate(keys)}
        for place in range(len(part)):
            spread += part[ranks[place]]
    return spread


def _reversed_bits(number: int) -> float:
    return sum(((number >> bit) & 1) * 0.5 ** (bit + 1) for bit in range(number.bit_length()))


def megabatch_size(num_rows: int, batch_size: int) -> int:
    """How many batches the Trainer sorts together: 50, or a quarter of the rows where that is less."""
    return max(1, min(num_rows // (batch_size * 4), MEGABATCHES))


class _Boundaries(transformers.TrainerCallback):  # type: ignore[misc]  # transformers is untyped to mypy
    """Holds the Trainer between two steps while the meter waits for its next command."""

    def __init__(self, contestant: HuggingFace, meter: Meter) -> None:
        self._contestant, self._meter = contestant, meter
        self.losses: list[float] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if not self._meter.ready(**self._contestant.facts()):
            control.should_training_stop = control.should_epoch_stop = True
            self._contestant.stopped = True
        return control

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if self._contestant.stopped:
            return control
        if not self._meter.step(self._contestant.lengths_of(state.global_step - 1)):
            control.should_training_stop = True
            self._contestant.stopped = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> Any:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))
        return control


class _Trainer(transformers.Trainer):  # type: ignore[misc]  # transformers is untyped to mypy
    """The Trainer, with its sampler watched."""

    contestant: HuggingFace

    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> Any:
        own = super()._get_train_sampler(*args, **kwargs)
        return self.contestant.watch(own)


class HuggingFace:
    """One run of a Trainer."""

    def __init__(self, job: Job) -> None:
        assert job.setup is not None
        assert job.recipe.batch_size % job.setup.splits == 0
        self.job, self.setup, self.stopped = job, job.setup, False
        torch.set_num_threads(job.threads)
        if self.setup.flush_denormal:
            torch.set_flush_denormal(True)
        transformers.logging.set_verbosity_error()
        task = TASKS[job.task]
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(job.start)
        model = getattr(transformers, task.auto_class).from_pretrained(
            job.start, dtype=torch.float32, attn_implementation=self.setup.attention
        )
        self.label_ids = dict(model.config.label2id)
        rows = self._encoded("train")
        self.lengths = [_real_length(row) for row in rows]
        self.rows_hash = hash_rows(
            [
                (list(row["input_ids"][:length]), row["label"])
                for row, length in zip(rows, self.lengths, strict=True)
            ]
        )
        self._order: WatchedOrder | None = None
        if job.order is not None:
            rows = [rows[index] for step in job.order for index in step]
        self.trainer = _Trainer(
            model=model,
            args=arguments(job),
            train_dataset=self._dataset(rows),
            processing_class=self.tokenizer,
            data_collator=self._collator(),
        )
        self.trainer.contestant = self

    def _encoded(self, split: str) -> list[Json]:
        """Tokenised as the setup says: each row padded to the maximum, or not at all."""
        return TASKS[self.job.task].encode(
            self.tokenizer,
            load(self.job.data, split),
            self.label_ids,
            max_length=self.job.recipe.max_length_tokens,
            padding="max_length" if self.setup.max_length_padding else False,
        )

    def _collator(self) -> Any:
        if self.setup.max_length_padding:
            return transformers.default_data_collator
        return TASKS[self.job.task].collator(self.tokenizer, self.setup.pad_to_multiple_of)

    def _dataset(self, rows: list[Json]) -> Any:
        if not self.setup.arrow:
            return rows
        import datasets

        return datasets.Dataset.from_list(rows)

    def watch(self, sampler: Any) -> WatchedOrder:
        """Called by the Trainer with the sampler that it would use."""
        size = self.job.recipe.batch_size
        grouped = self.setup.group_by_length and self.job.order is None and self.job.spread
        spread = megabatch_size(len(self.lengths), size) if grouped else 1
        self._order = WatchedOrder(sampler, size, spread)
        return self._order

    def lengths_of(self, step: int) -> list[int]:
        """The rows' lengths in a step, counted from 0."""
        if self.job.order is not None:
            return [self.lengths[index] for index in self.job.order[step]]
        assert self._order is not None
        size = self.job.recipe.batch_size
        return [self.lengths[index] for index in self._order.drawn[step * size : (step + 1) * size]]

    def facts(self) -> Json:
        """What must be the same in all contestants, from the optimizer that the Trainer has made."""
        model = self.trainer.model
        return {
            "rows_hash": self.rows_hash,
            **optimizer_facts(model, self.trainer.optimizer),
            "max_grad_norm": self.trainer.args.max_grad_norm,
            "threads": torch.get_num_threads(),
            "settings": {
                key: value
                for key, value in self.trainer.args.to_dict().items()
                if value not in (None, "", [])
            },
        }

    def train(self, meter: Meter) -> None:
        """Go on until the schedule ends, or until the meter says stop."""
        boundaries = _Boundaries(self, meter)
        self.trainer.add_callback(boundaries)
        self.trainer.train()
        if not self.stopped:
            meter.finished(boundaries.losses)

    def evaluate(self) -> float:
        """The metric on the validation rows."""
        output = self.trainer.predict(self._dataset(self._encoded("validation")))
        return TASKS[self.job.task].score(output.predictions, output.label_ids)


def _real_length(row: Json) -> int:
    mask = row.get("attention_mask")
    return len(row["input_ids"]) if mask is None else int(sum(mask))


def arguments(job: Job) -> transformers.TrainingArguments:
    """The Trainer's arguments: the recipe, then the setup. Nobody saves or evaluates while time is measured."""
    setup, recipe = job.setup, job.recipe
    assert setup is not None
    values: Json = {
        "output_dir": job.scratch,
        "per_device_train_batch_size": recipe.batch_size // setup.splits,
        "gradient_accumulation_steps": setup.splits,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "adam_beta1": recipe.adam_beta1,
        "adam_beta2": recipe.adam_beta2,
        "adam_epsilon": recipe.adam_epsilon,
        "max_grad_norm": recipe.max_grad_norm,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0,
        "max_steps": job.num_steps,
        "seed": recipe.seed,
        "use_cpu": job.device == "cpu",
        "bf16": recipe.bfloat16 or setup.bfloat16,
        "save_strategy": "no",
        "optim": setup.optimizer,
        "dataloader_num_workers": setup.workers,
        "dataloader_persistent_workers": setup.persistent_workers,
        "dataloader_pin_memory": setup.pin_memory,
        "torch_compile": setup.compiled,
    }
    return transformers.TrainingArguments(**{**values, **_order(job), **_logging(job, setup)})


def _order(job: Job) -> Json:
    if job.order is not None:
        return {"train_sampling_strategy": "sequential"}
    if job.setup is not None and job.setup.group_by_length:
        return {"train_sampling_strategy": "group_by_length"}
    return {}


def _logging(job: Job, setup: Setup) -> Json:
    if job.report_losses:
        return {"logging_strategy": "steps", "logging_steps": 1, "disable_tqdm": True}
    if setup.defaults:
        return {}
    return {"logging_strategy": "no", "logging_nan_inf_filter": False, "disable_tqdm": True}
