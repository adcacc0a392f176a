"""Checkpoints: bit-exact, pruned with care, and never believed when a byte has changed."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tunewell.core.errors import ModelError
from tunewell.training.checkpoint import Checkpoints, optimizer_tensors, verify
from tunewell.training.loop import TrainState


@pytest.fixture
def saving() -> Any:
    import runpy

    class Saving:
        pass

    for name, value in runpy.run_path(str(Path(__file__).with_name("saving.py"))).items():
        setattr(Saving, name, staticmethod(value) if callable(value) else value)
    return Saving


def trained(saving: Any, optimizer: str = "adamw", num_steps: int = 3) -> Any:
    model, made = saving.new_parts(optimizer)
    for number in range(1, num_steps + 1):
        saving.step(model, made, number)
    return model, made


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and torch.equal(one[name], other[name]) for name in one
    )


def saved_steps(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in folder.glob("step-*"))


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_round_trip_is_exact_and_so_is_what_follows(tmp_path: Path, saving: Any, optimizer: str) -> None:
    model, made = trained(saving, optimizer)
    state = TrainState(
        step=3, last_evaluated_step=2, best_step=2, best_score=0.1 + 0.2, evaluations_since_best=1
    )
    Checkpoints(tmp_path).save(model, made, state)

    other, fresh = saving.new_parts(optimizer)
    found = Checkpoints(tmp_path).latest()
    assert found is not None
    assert found.state == state
    assert found.warnings == ()
    Checkpoints(tmp_path).restore(found, other, fresh)
    assert equal(other.state_dict(), model.state_dict())
    assert equal(optimizer_tensors(other, fresh), optimizer_tensors(model, made))
    expected = {"sgd": {"momentum_buffer"}}.get(optimizer, {"step", "exp_avg", "exp_avg_sq"})
    assert {key.rpartition("|")[2] for key in optimizer_tensors(other, fresh)} == expected

    for number in (4, 5):
        saving.step(model, made, number)
        saving.step(other, fresh, number)
    assert equal(other.state_dict(), model.state_dict())
    assert equal(optimizer_tensors(other, fresh), optimizer_tensors(model, made))


def test_before_the_first_step_there_is_no_optimizer_state(tmp_path: Path, saving: Any) -> None:
    model, made = saving.new_parts()
    Checkpoints(tmp_path).save(model, made, TrainState())
    found = Checkpoints(tmp_path).latest()
    assert found is not None
    Checkpoints(tmp_path).restore(found, *saving.new_parts())


def test_tied_weights_stay_tied(tmp_path: Path) -> None:
    def tied() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(2)
        model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7))
        model[1].weight = model[0].weight
        return model, torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        model(torch.arange(7)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    model, optimizer = tied()
    step(model, optimizer)
    Checkpoints(tmp_path).save(model, optimizer, TrainState(step=1))
    other, fresh = tied()
    found = Checkpoints(tmp_path).latest()
    assert found is not None
    Checkpoints(tmp_path).restore(found, other, fresh)
    assert other[1].weight is other[0].weight  # type: ignore[index]
    for pair in ((model, optimizer), (other, fresh)):
        step(*pair)
    assert equal(other.state_dict(), model.state_dict())


def test_states_that_json_finds_hard(tmp_path: Path, saving: Any) -> None:
    for score in (5e-324, 1e308, -0.0, float("nan"), float("-inf"), None):
        shutil.rmtree(tmp_path / "c", ignore_errors=True)
        Checkpoints(tmp_path / "c").save(*trained(saving, num_steps=1), TrainState(step=1, best_score=score))
        found = Checkpoints(tmp_path / "c").latest()
        assert found is not None
        same = found.state.best_score == score or (score is not None and math.isnan(score))
        assert same
        assert repr(asdict(found.state)) == repr(asdict(TrainState(step=1, best_score=score)))


def test_keeps_the_two_newest_and_the_best(tmp_path: Path, saving: Any) -> None:
    parts, checkpoints = trained(saving), Checkpoints(tmp_path)
    seen = []
    for step, best in ((1, 1), (2, 1), (3, 1), (4, 1), (5, 5), (6, 5), (7, 5), (8, 5)):
        checkpoints.save(*parts, TrainState(step=step, best_step=best))
        seen.append(saved_steps(tmp_path))
    assert seen == [[1], [1, 2], [1, 2, 3], [1, 3, 4], [1, 4, 5], [5, 6], [5, 6, 7], [5, 7, 8]]
    assert (tmp_path / "LATEST").read_text() == "step-00000008\n"


def test_the_same_step_again_replaces_it(tmp_path: Path, saving: Any) -> None:
    """As after an evaluation that a stop had left undone."""
    parts, checkpoints = trained(saving), Checkpoints(tmp_path)
    checkpoints.save(*parts, TrainState(step=3))
    checkpoints.save(*parts, TrainState(step=3, last_evaluated_step=3, best_step=3))
    found = checkpoints.latest()
    assert found is not None
    assert found.state.last_evaluated_step == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LATEST", "step-00000003"]


def test_nothing_is_pickled(tmp_path: Path, saving: Any) -> None:
    Checkpoints(tmp_path).save(*trained(saving), TrainState(step=3))
    files = {path.name for path in (tmp_path / "step-00000003").iterdir()}
    assert files == {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not content.startswith((b"\x80", b"PK")), (
                path
            )  # a pickle, and torch.save's archive of them
            if path.suffix == ".json":
                json.loads(content)


def test_no_checkpoint_at_all(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path).latest() is None
    assert Checkpoints(tmp_path / "absent").latest() is None


FILES = ("model.safetensors", "optimizer.safetensors", "state.json", "manifest.json")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 0x10
    path.write_bytes(content)


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


DAMAGES = {"truncated": truncate, "flipped": flip, "missing": Path.unlink, "grown": grow}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_damage_is_seen_and_the_previous_one_taken(
    tmp_path: Path, saving: Any, name: str, damage: str
) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.save(*trained(saving, num_steps=step), TrainState(step=step))
    DAMAGES[damage](tmp_path / "step-00000002" / name)
    found = checkpoints.latest()
    assert found is not None
    assert found.state.step == 1
    (warning,) = found.warnings
    assert "step-00000002" in warning
    assert "damaged" in warning
    with pytest.raises(ModelError):
        checkpoints.at(2)
    assert saved_steps(tmp_path) == [1, 2], "nothing is deleted by looking"

    other, fresh = saving.new_parts()
    checkpoints.restore(found, other, fresh)
    expected, _ = trained(saving, num_steps=1)
    assert equal(other.state_dict(), expected.state_dict())
    saving.step(other, fresh, 2)
    checkpoints.save(other, fresh, TrainState(step=2))
    repaired = checkpoints.latest()
    assert repaired is not None
    assert (repaired.state.step, repaired.warnings) == (2, ())


def test_all_damaged_is_an_error_that_deletes_nothing(tmp_path: Path, saving: Any) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.save(*trained(saving), TrainState(step=step))
        flip(tmp_path / f"step-{step:08d}" / "model.safetensors")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ModelError, match="every checkpoint") as caught:
        checkpoints.latest()
    assert caught.value.exit_code == 4
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_every_single_bit_of_the_small_files_counts(tmp_path: Path, saving: Any) -> None:
    """No flip is believed; one in the manifest may at most leave its meaning as it was."""
    folder = Checkpoints(tmp_path).save(*trained(saving), TrainState(step=3))
    for name in ("state.json", "manifest.json"):
        path = folder / name
        content = path.read_bytes()
        files = json.loads(content).get("files")
        for place in range(len(content)):
            for bit in range(8):
                flipped = bytearray(content)
                flipped[place] ^= 1 << bit
                path.write_bytes(flipped)
                if verify(folder) is None:
                    assert name == "manifest.json"
                    assert json.loads(bytes(flipped))["files"] == files
        path.write_bytes(content)
    assert verify(folder) is None


def test_weights_of_another_model_are_refused(tmp_path: Path, saving: Any) -> None:
    folder = Checkpoints(tmp_path).save(*trained(saving), TrainState(step=3))
    with pytest.raises(ModelError, match="does not fit"):
        Checkpoints(tmp_path).restore_model(folder, nn.Linear(6, 5))


# Only what learns is kept; what is frozen comes from the model that is restored into


def half_frozen(frozen: bool = True) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The first layer frozen, and a norm with running means, which are buffers."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    model[0].requires_grad_(not frozen)
    return model, torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1, fused=True)


def test_what_is_frozen_is_not_stored(tmp_path: Path, saving: Any) -> None:
    model, made = half_frozen()
    for number in (1, 2):
        saving.step(model, made, number)
    folder = Checkpoints(tmp_path).save(model, made, TrainState(step=2))
    names = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    stored = load_file(folder / "model.safetensors").keys()
    assert stored == {f"1.{name}" for name in names} | {"2.weight", "2.bias"}
    assert not any(key.startswith("0.") for key in load_file(folder / "optimizer.safetensors"))

    other, fresh = half_frozen()
    found = Checkpoints(tmp_path).latest()
    assert found is not None
    Checkpoints(tmp_path).restore(found, other, fresh)
    for pair in ((model, made), (other, fresh)):
        saving.step(*pair, 3)
    assert equal(other.state_dict(), model.state_dict())


def test_tied_weights_of_which_one_name_is_frozen_are_both_frozen(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 7, bias=False), nn.Linear(7, 1))
    model[1].weight = model[0].weight
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    folder = Checkpoints(tmp_path).save(model, optimizer, TrainState(step=1))
    assert load_file(folder / "model.safetensors").keys() == {"2.weight", "2.bias"}


@pytest.mark.parametrize(("saved", "given"), [(True, False), (False, True)], ids=["too little", "too much"])
def test_a_checkpoint_must_hold_exactly_what_learns(
    tmp_path: Path, saving: Any, saved: bool, given: bool
) -> None:
    model, made = half_frozen(saved)
    saving.step(model, made, 1)
    folder = Checkpoints(tmp_path).save(model, made, TrainState(step=1))
    other, _ = half_frozen(given)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ModelError, match=r"2 tensors are in one of them alone, such as 0\.bias"):
        Checkpoints(tmp_path).restore_model(folder, other)
    assert equal(other.state_dict(), before), "nothing was put in"
