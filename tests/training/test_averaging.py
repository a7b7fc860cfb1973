"""The moving average against its sum written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from semsr.errors import SemsrError
from semsr.training.averaging import Averaged


def network(seed: int = 0, width: int = 4) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width)).double()


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_equals_the_weighted_sum(decay: float) -> None:
    learning = network()
    averaged = Averaged(learning, decay)
    seen = [learning[0].weight.detach().numpy().copy()]
    for seed in range(1, 6):
        learning.load_state_dict(network(seed).state_dict())
        averaged.update(learning)
        seen.append(learning[0].weight.detach().numpy().copy())
    weights = [decay**5] + [(1 - decay) * decay ** (5 - at) for at in range(1, 6)]
    expected = sum(weight * value for weight, value in zip(weights, seen, strict=True))
    np.testing.assert_allclose(averaged.network[0].weight.numpy(), expected, rtol=1e-12, atol=1e-15)


def test_the_network_learns_on_undisturbed() -> None:
    learning = network()
    averaged = Averaged(learning, 0.9)
    before = averaged.network[0].weight.clone()
    assert not averaged.network.training and not any(weight.requires_grad for weight in averaged.network.parameters())
    learning(torch.rand(2, 3, 8, 8, dtype=torch.float64)).sum().backward()
    with torch.no_grad():
        learning[0].weight.add_(1)
    assert torch.equal(averaged.network[0].weight, before)
    assert learning.training and learning[0].weight.requires_grad and learning[0].weight.grad is not None
    averaged.update(learning)
    torch.testing.assert_close(averaged.network[0].weight, before + 0.1)
    # Running statistics are taken over as they are.
    assert torch.equal(averaged.network[1].running_mean, learning[1].running_mean)
    assert int(averaged.network[1].num_batches_tracked) == 1


def test_going_on_from_the_state_is_exact() -> None:
    one, other = Averaged(network(), 0.9), Averaged(network(7), 0.9)
    one.update(network(1))
    other.load_state_dict({name: tensor.clone() for name, tensor in one.state_dict().items()})
    one.update(network(2))
    other.update(network(2))
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_bad_input_is_one_line() -> None:
    for decay in (1.0, -0.1, float("nan")):
        with pytest.raises(SemsrError, match=r"ema: found .*; must be at least 0 and below 1"):
            Averaged(network(), decay)
    with pytest.raises(SemsrError, match="the network's parameters are not those the average began with"):
        Averaged(network(), 0.9).update(network(width=5))
