"""One training run in its folder, from a dataset to the best checkpoint's weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tunewell.config import RunConfig
from tunewell.core.errors import DataError, Interrupted
from tunewell.core.examples import Example
from tunewell.core.results import lower_is_better
from tunewell.data.batches import TrainingBatches
from tunewell.data.features import Feature
from tunewell.dataset import Dataset
from tunewell.models import ModelLoader, Tokenizer
from tunewell.models.adapters import Lora
from tunewell.models.freezing import Learning, freeze_lowest, learning
from tunewell.models.scratch import Scratch
from tunewell.predictor import Predictor
from tunewell.run_dir import RunDir
from tunewell.runs.clock import Clock
from tunewell.runtime import Runtime
from tunewell.sinks import MetricsFile, Said, Sink, Started
from tunewell.tasks.base import Task
from tunewell.training.checkpoint import Checkpoints
from tunewell.training.loop import EvalDone, Evaluation, LoopSettings, StepDone, TrainState, train
from tunewell.training.optim import build_optimizer, build_schedule

UNKNOWN_SHARE = 0.02
"""From this share of unknown tokens on, the user is told that the model may not know the language."""


@dataclass(frozen=True)
class TokenCounts:
    """What one split of `num_examples` looks like to the model; `lengths` holds one number of tokens per window.

    `num_truncated` counts the examples that lost something, `num_windowed` those that are read in more than one window,
    `out_of_reach` those whose target the model can never give, by the reason. `writes` says that targets are texts,
    which may be cut as well, `cut_from` what goes first, where it is not the end.
    """

    lengths: Sequence[int]
    num_truncated: int
    num_examples: int
    unknown_share: float
    num_windowed: int = 0
    out_of_reach: Mapping[str, int] = field(default_factory=dict)
    writes: bool = False
    cut_from: str = ""

    def said_of_cuts(self, name: str) -> str:
        """How many texts of the split `name` were cut; "" for none."""
        if not self.num_truncated:
            return ""
        number = self.num_truncated
        share = f"{number:,} of {self.num_examples:,} {name} texts ({number / self.num_examples:.1%})"
        does = "reads or writes" if self.writes else "reads"
        first = f", {self.cut_from} first" if self.cut_from else ""
        is_, was = ("is", "was") if number == 1 else ("are", "were")
        return f"{share} {is_} longer than the model {does} and {was} cut{first}"

    def said_of_reach(self, name: str) -> str:
        """How many examples of the split `name` have a target that can never be given, and why; "" for none."""
        count = sum(self.out_of_reach.values())
        if not count:
            return ""
        share = f"{count:,} of {self.num_examples:,} {name} examples ({count / self.num_examples:.1%})"
        have = "has a target" if count == 1 else "have targets"
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in self.out_of_reach.items())
        return f"{share} {have} that the model can never give: {reasons}"


@dataclass(frozen=True)
class Assembled:
    """What training needs, made from settings and data: nothing has learnt yet. `learning` counts what will."""

    predictor: Predictor
    batches: TrainingBatches
    optimizer: torch.optim.Optimizer
    token_counts: dict[str, TokenCounts]
    learning: Learning


@dataclass(frozen=True)
class Fitted:
    """A trained model with the weights of its best checkpoint."""

    predictor: Predictor
    state: TrainState
    token_counts: dict[str, TokenCounts]
    learning: Learning


def fit_model(
    config: RunConfig, dataset: Dataset, run: RunDir, runtime: Runtime, sinks: Sequence[Sink], clock: Clock
) -> Fitted:
    """Train, or go on training, in `run`; raises `Interrupted` when a stop was asked for, with all saved."""
    parts = assemble(config, dataset, runtime, sinks)
    state = _train(config, dataset, run, parts, sinks, clock)
    checkpoints = Checkpoints(run.checkpoints)
    checkpoints.restore_model(checkpoints.at(state.best_step), parts.predictor.model)
    return Fitted(parts.predictor, state, parts.token_counts, parts.learning)


def assemble(config: RunConfig, dataset: Dataset, runtime: Runtime, sinks: Sequence[Sink]) -> Assembled:
    """Tokens, model, batches and optimizer of settled settings; what the user should know is told."""
    settings, lora = config.training, Lora.of(config.model)
    loader = ModelLoader(
        config.model.name,
        revision=config.model.revision,
        seed=settings.seed,
        lora=lora,
        scratch=Scratch.of(config.model),
    )
    tokenizer = dataset.task.build_tokenizer(loader, dataset.examples["train"])
    windows = {
        name: _encoded(dataset.task, examples, tokenizer, runtime)
        for name, examples in dataset.examples.items()
    }
    counts = {name: _count(part, tokenizer, dataset.task.cut_from) for name, part in windows.items()}
    model = dataset.task.build_model(loader)
    freeze_lowest(model, config.model.freeze_layers)
    moved = learning(model)
    for message in [*loader.notes, *_warnings(counts)]:
        tell(sinks, message, "warning")
    if lora is not None:
        tell(sinks, f"LoRA rank {lora.rank} on {', '.join(lora.targets)}: {moved} learn")
    elif config.model.freeze_layers:
        tell(sinks, f"embeddings and {config.model.freeze_layers} lowest layers are frozen: {moved} learn")
    batches = TrainingBatches(
        [feature for own in windows["train"] for feature in own],
        dataset.task.collate,
        settings.batch_size,
        settings.micro_batch_size or settings.batch_size,
        settings.seed,
        settings.micro_batch_tokens,
    )
    model = model.to(runtime.device)
    predictor = Predictor(dataset.task, model, tokenizer, runtime, config.evaluation.batch_tokens)
    return Assembled(predictor, batches, build_optimizer(model, settings), counts, moved)


def _train(
    config: RunConfig, dataset: Dataset, run: RunDir, parts: Assembled, sinks: Sequence[Sink], clock: Clock
) -> TrainState:
    predictor, batches, optimizer = parts.predictor, parts.batches, parts.optimizer
    model, runtime, settings = predictor.model, predictor.runtime, config.training
    loop_settings = _loop_settings(config, batches)
    checkpoints, metrics, state = (
        Checkpoints(run.checkpoints),
        MetricsFile(run.metrics, settings.log_every_steps),
        TrainState(),
    )
    found = checkpoints.latest()
    if found is not None:
        for warning in found.warnings:
            tell(sinks, warning, "warning")
        checkpoints.restore(found, model, optimizer)
        state = found.state
        tell(sinks, f"resuming after step {state.step} of {loop_settings.num_steps}")
    metrics.rewind(state)
    sinks = [metrics, *sinks]
    for sink in sinks:
        sink(Started(state.step, loop_settings.num_steps, batches.steps_per_epoch, settings.batch_size))

    events = train(
        model,
        dataset.task.loss,
        batches,
        optimizer,
        build_schedule(settings, loop_settings.num_steps),
        settings=loop_settings,
        runtime=runtime,
        state=state,
        evaluate=_evaluator(predictor, dataset.examples["validation"]),
    )
    saved = told = (state.step, state.num_halvings)
    clock.lap("preparing")
    for event in events:
        if isinstance(event, StepDone):
            clock.lap("training", steps=1)
        else:
            clock.lap("validation")
        if state.num_halvings > told[1]:
            tell(sinks, _halving_note(state), "warning")
        told = (state.step, state.num_halvings)
        for sink in sinks:
            sink(event)
        periodic = bool(settings.save_every_steps) and state.step % (settings.save_every_steps or 1) == 0
        if isinstance(event, EvalDone) or (periodic and not loop_settings.evaluation_due(state.step)):
            checkpoints.save(model, optimizer, state)
            saved = told
            clock.lap("checkpoints")
            clock.save(run)
    if runtime.stop:
        if (state.step, state.num_halvings) != saved:  # a halving counts, though its step was dropped
            checkpoints.save(model, optimizer, state)
        clock.lap("checkpoints")
        clock.save(run)
        raise stopped(runtime, f"after step {state.step} of {loop_settings.num_steps}")
    return state


def _halving_note(state: TrainState) -> str:
    return (
        f"memory was short in step {state.step}: forward passes hold 1/{2**state.num_halvings} of the texts from "
        "there on; the optimizer's batch stays what it was"
    )


def _loop_settings(config: RunConfig, batches: TrainingBatches) -> LoopSettings:
    settings = config.training
    num_steps = max(1, round(settings.epochs * batches.steps_per_epoch))
    return LoopSettings(
        num_steps=min(num_steps, settings.max_steps or num_steps),
        evaluate_every=max(1, batches.steps_per_epoch // settings.evaluations_per_epoch),
        seed=settings.seed,
        max_grad_norm=settings.max_grad_norm,
        patience=settings.early_stopping_patience,
    )


def _evaluator(predictor: Predictor, examples: Sequence[Example]) -> Any:
    """What the loop calls to evaluate: the validation score, or None when a stop is asked for."""
    brief = predictor.in_training()

    def evaluate() -> Evaluation | None:
        try:
            task, predictions = brief.calibrated(examples)  # as the kept model will answer, or nearly so
            with brief.runtime.stop.at_once():
                scores = task.score(examples, predictions)
                values = scores.values()
        except Interrupted:
            return None
        value = values[scores.primary]
        return Evaluation(-value if lower_is_better(scores.primary) else value, values, scores.primary)

    return evaluate


def _encoded(
    task: Task[Any, Any, Any], examples: Sequence[Example], tokenizer: Tokenizer, runtime: Runtime
) -> list[list[Feature]]:
    """The windows of each example."""
    windows = []
    for example in examples:
        if runtime.stop:
            raise stopped(runtime, "while tokenising")
        windows.append(task.encode(example, tokenizer))
    if not any(windows):
        raise DataError("no example is left after tokenising")
    return windows


def _count(windows: Sequence[Sequence[Feature]], tokenizer: Tokenizer, cut_from: str) -> TokenCounts:
    features = [feature for own in windows for feature in own]
    lengths = [len(feature) for feature in features]
    unknown = tokenizer.unknown_token_id
    num_unknown = (
        0 if unknown is None else sum(list(feature.input_ids).count(unknown) for feature in features)
    )
    return TokenCounts(
        lengths=lengths,
        num_truncated=sum(any(feature.num_truncated_tokens for feature in own) for own in windows),
        num_examples=sum(map(bool, windows)),
        unknown_share=num_unknown / max(sum(lengths), 1),
        num_windowed=sum(len(own) > 1 for own in windows),
        out_of_reach=dict(Counter(f.out_of_reach for f in features if f.out_of_reach).most_common()),
        writes=any(feature.target_ids for feature in features),
        cut_from=cut_from,
    )


def _warnings(counts: dict[str, TokenCounts]) -> list[str]:
    warnings: list[str] = []
    for name, count in counts.items():
        warnings += filter(None, (count.said_of_cuts(name), count.said_of_reach(name)))
        if count.unknown_share >= UNKNOWN_SHARE:
            warnings.append(
                f"{count.unknown_share:.1%} of the {name} tokens are unknown to the model's vocabulary; "
                "a model made for this language will do better"
            )
    return warnings


def stopped(runtime: Runtime, when: str) -> Interrupted:
    """The error that ends a run which was asked to stop."""
    return Interrupted(
        f"stopped {when}",
        fix="run the same command again to go on from there",
        preempted=runtime.stop.preempted,
    )


def tell(sinks: Sequence[Sink], message: str, level: str = "info") -> None:
    """Say a sentence to the user through every sink."""
    for sink in sinks:
        sink(Said(message, level))
