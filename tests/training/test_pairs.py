"""The textbook door: a loss function and a DataLoader of pairs, equal to the loop of a tutorial done right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tunewell.runtime import Runtime
from tunewell.training.loop import LoopSettings, StepDone, TrainState, train
from tunewell.training.pairs import Pair, PairBatches, from_loss_fn

INPUTS = torch.linspace(-1, 1, 11 * 4).reshape(11, 4)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1])


def new_model() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def loader(shuffle_seed: int | None = None) -> DataLoader[Any]:
    """Batches of 4, 4 and 3."""
    generator = None if shuffle_seed is None else torch.Generator().manual_seed(shuffle_seed)
    data = TensorDataset(INPUTS, LABELS)
    return DataLoader(data, batch_size=4, shuffle=generator is not None, generator=generator)


def steps(model: nn.Module, compute_loss: Any, pairs: Any, num_steps: int, state: Any = None) -> list[float]:
    state = state or TrainState()
    events = train(
        model,
        compute_loss,
        PairBatches(pairs),
        torch.optim.SGD(model.parameters(), lr=0.5),
        lambda step: 1.0,
        settings=LoopSettings(num_steps=num_steps, evaluate_every=10**6),
        runtime=Runtime(),
        state=state,
        evaluate=lambda: None,
    )
    return [float(event.loss) for event in events if isinstance(event, StepDone)]


def textbook(num_epochs: int) -> tuple[nn.Module, list[float]]:
    """The tutorial's loop, with nothing forgotten."""
    model = new_model()
    optimizer, loss_fn = torch.optim.SGD(model.parameters(), lr=0.5), nn.CrossEntropyLoss()
    losses = []
    model.train()
    for _ in range(num_epochs):
        for inputs, labels in loader():
            loss = loss_fn(model(inputs), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    return model, losses


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_equals_the_textbook_loop_over_several_epochs(reduction: str) -> None:
    expected, losses = textbook(num_epochs=3)
    model = new_model()
    compute_loss = from_loss_fn(nn.CrossEntropyLoss(reduction=reduction), reduction)
    assert steps(model, compute_loss, loader(), 9) == pytest.approx(losses, abs=1e-6)
    for one, other in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_the_summed_loss_is_the_mean_times_the_labels() -> None:
    model, pair = new_model(), Pair(INPUTS, LABELS)
    mean = from_loss_fn(nn.CrossEntropyLoss())(model, pair)
    summed = from_loss_fn(nn.CrossEntropyLoss(reduction="sum"), "sum")(model, pair)
    torch.testing.assert_close(mean, summed)
    assert pair.num_targets == 11.0


def test_other_reductions_are_refused() -> None:
    with pytest.raises(ValueError, match="'none'"):
        from_loss_fn(nn.CrossEntropyLoss(reduction="none"), "none")  # type: ignore[arg-type]


def test_inputs_by_name_and_outputs_with_logits() -> None:
    """As a Hugging Face model takes and gives them."""

    class Outputs:
        def __init__(self, logits: Tensor) -> None:
            self.logits = logits

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = new_model()

        def forward(self, first: Tensor, second: Tensor) -> Outputs:
            return Outputs(self.inner(first + second))

    compute_loss = from_loss_fn(nn.CrossEntropyLoss())
    named = compute_loss(Named(), Pair({"first": INPUTS, "second": torch.zeros_like(INPUTS)}, LABELS))
    assert torch.equal(named, compute_loss(new_model(), Pair(INPUTS, LABELS)))


def test_a_seeded_shuffle_resumes_in_the_same_order() -> None:
    """7 steps over epochs of 3, left after 4: the pairs that were done are passed over."""
    whole = new_model()
    losses = steps(whole, from_loss_fn(nn.CrossEntropyLoss()), loader(5), 7)
    model = new_model()
    first = steps(model, from_loss_fn(nn.CrossEntropyLoss()), loader(5), 4)
    rest = steps(model, from_loss_fn(nn.CrossEntropyLoss()), loader(5), 7, TrainState(step=4))
    assert first + rest == losses
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), whole.parameters(), strict=True))


def test_the_current_step_can_be_asked_for_again_and_no_earlier_one() -> None:
    batches = PairBatches(loader())
    batches.at(0)
    assert batches.at(3)[0] is batches.at(3)[0]
    with pytest.raises(ValueError, match="gone by"):
        batches.at(2)


@pytest.mark.parametrize(("num_halvings", "sizes"), [(0, [5]), (1, [3, 2]), (2, [2, 2, 1]), (9, [1] * 5)])
def test_a_pair_is_halved_row_by_row(num_halvings: int, sizes: list[int]) -> None:
    inputs, labels = INPUTS[:5], LABELS[:5]
    for given in (inputs, {"x": inputs}):
        parts = Pair(given, labels).split(num_halvings)
        assert [len(part.labels) for part in parts] == sizes
        found = [part.inputs["x"] if isinstance(given, dict) else part.inputs for part in parts]
        assert torch.equal(torch.cat(found), inputs)
        assert torch.equal(torch.cat([part.labels for part in parts]), labels)


def test_nothing_to_iterate_over_is_said() -> None:
    def once() -> Iterator[tuple[Tensor, Tensor]]:
        yield INPUTS, LABELS

    compute_loss = from_loss_fn(nn.CrossEntropyLoss())
    with pytest.raises(ValueError, match="no pair"):
        steps(new_model(), compute_loss, [], 1)
    with pytest.raises(ValueError, match="not a generator"):
        steps(new_model(), compute_loss, once(), 2)


def test_a_pair_is_not_halved_unless_its_loss_allows_it() -> None:
    """A mean with `ignore_index` divides each half by another number: the gradient would be another one."""
    assert len(PairBatches(loader()).at(0, num_halvings=1)) == 1
    assert len(PairBatches(loader(), splittable=True).at(0, num_halvings=1)) == 2


def test_what_has_no_rows_stays_whole() -> None:
    assert len(Pair(torch.randn(4), torch.tensor(1)).split(3)) == 1
    assert len(Pair(torch.randn(7, 3, 2), LABELS[:3]).split(1)) == 1  # sequence first
