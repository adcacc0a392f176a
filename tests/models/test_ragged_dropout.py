"""The cheap dropout mask is dropout: right shares, right scale, independent, and the same for a seed."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tunewell.models import attention
from tunewell.models.attention import Settings, attend, bias, form_groups
from tunewell.models.dropout import CheapDropout, Mask, replace_dropout, restore

NUM = 1 << 20


@pytest.mark.parametrize("p", [0.05, 0.1, 0.3, 0.5, 0.9])
def test_share_and_scale(p: float) -> None:
    torch.manual_seed(0)
    dropped = CheapDropout(p).train()(torch.ones(NUM))
    effective = round(p * 65536) / 65536
    share = float((dropped == 0).double().mean())
    assert abs(share - effective) < 4 * math.sqrt(p * (1 - p) / NUM)
    assert dropped[dropped != 0].unique().tolist() == [pytest.approx(1 / (1 - effective), rel=1e-6)]


def test_each_quarter_of_a_draw_and_its_neighbours_are_independent() -> None:
    torch.manual_seed(1)
    p = 0.1
    kept = Mask(NUM, p).kept(0, (NUM,), torch.float64)
    quarters = kept.view(-1, 4)
    error = math.sqrt(p * (1 - p) / (NUM / 4))
    assert float((quarters.mean(0) - (1 - p)).abs().max()) < 4.5 * error
    centred = (kept - kept.mean()) / kept.std()
    for lag in (1, 2, 3, 4, 8, 384):
        assert abs(float((centred[lag:] * centred[:-lag]).mean())) < 4.5 / math.sqrt(NUM)


def test_gradient_is_dropped_where_the_value_was() -> None:
    values = torch.randn(37, 5, dtype=torch.float64, requires_grad=True)
    dropped = CheapDropout(0.3).train()(values)
    dropped.sum().backward()
    assert values.grad is not None
    assert torch.allclose(values.grad * values, dropped)


def test_the_same_seed_gives_the_same_mask() -> None:
    layer, values = CheapDropout(0.1).train(), torch.ones(1000)
    results = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        results.append(layer(values))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("p", [0.0, 1e-7, 1 - 1e-7, 1.0])
def test_the_ends(p: float) -> None:
    values = torch.randn(100)
    expected = values if p < 0.5 else torch.zeros(100)
    assert torch.allclose(CheapDropout(p).train()(values), expected, atol=1e-5)
    assert CheapDropout(p).eval()(values) is values


def test_only_plain_dropout_is_replaced_and_put_back() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.2), nn.Sequential(nn.Dropout(0.1), nn.Dropout1d()))
    leaves = [model[1], model[2][0]]
    replaced = replace_dropout(model.eval())
    assert [type(model[1]), type(model[2][0]), type(model[2][1])] == [
        CheapDropout,
        CheapDropout,
        nn.Dropout1d,
    ]
    assert not model[1].training
    model.train()
    restore(model, replaced)
    assert [model[1], model[2][0]] == leaves
    assert model[1].training


def _settings(lengths: list[int], dropout: float, first_only: bool, pattern: torch.Tensor | None) -> Settings:
    groups = form_groups(lengths, torch.device("cpu"))
    like = torch.zeros(0, dtype=torch.float64)
    return Settings(groups, [bias(g, pattern, first_only, like) for g in groups], 0.5, dropout, first_only)


@pytest.mark.parametrize("kept", [0, 4], ids=["scores again", "scores kept"])
@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_gradients_with_dropout(
    kept: int, first_only: bool, causal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "_KEPT_SCORES", kept)
    lengths = [6, 5, 5, 3, 2, 1]
    settings = _settings(lengths, 0.25, first_only, torch.ones(6, 6).tril().bool() if causal else None)
    torch.manual_seed(2)
    shapes = (len(lengths) if first_only else sum(lengths), sum(lengths), sum(lengths))
    tensors = [torch.randn(rows, 2, 4, dtype=torch.float64, requires_grad=True) for rows in shapes]

    def seeded(*parts: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(7)
        return attend(*parts, settings)

    assert torch.autograd.gradcheck(seeded, tensors)


def test_dropped_attention_is_right_on_average() -> None:
    lengths = [9, 8, 4]
    tensors = [torch.randn(21, 2, 4, dtype=torch.float64) for _ in range(3)]
    torch.manual_seed(3)
    exact = attend(*tensors, _settings(lengths, 0.0, False, None))
    settings = _settings(lengths, 0.1, False, None)
    mean = torch.stack([attend(*tensors, settings) for _ in range(4000)]).mean(0)
    assert torch.allclose(mean, exact, atol=0.03)


def test_groups_cover_every_row_once() -> None:
    lengths = [40, 39, 36, 12, 12, 3, 2, 1, 1]
    groups = form_groups(lengths, torch.device("cpu"))
    rows = torch.arange(sum(lengths), dtype=torch.float64)[:, None, None]
    for group in groups:
        assert torch.equal(group.flatten(group.take(rows)), rows[group.rows])
        copied = torch.zeros_like(rows)
        group.put(copied, group.take(rows))
        assert torch.equal(copied[group.rows], rows[group.rows])
    assert [group.rows.stop for group in groups[:-1]] == [group.rows.start for group in groups[1:]]
    assert groups[-1].rows.stop == sum(lengths)


def test_long_sequences_are_taken_few_at_a_time() -> None:
    groups = form_groups([512] * 32, torch.device("cpu"))
    assert [group.count for group in groups] == [4] * 8
