"""A moving average of a network's weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from semsr.errors import SemsrError


class Averaged:
    """Exponential moving average: after each step, average = decay * average + (1 - decay) * weights; it begins as a copy.

    Buffers (running statistics, masks) are copied, not averaged, as in BasicSR.

    Attributes:
        network: the averaged network, in evaluation mode, without gradients; the one to validate and to export.
        decay: in [0, 1); 0.999 in Real-ESRGAN.

    Raises: SemsrError: a decay outside [0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise SemsrError(f"ema: found {decay}; must be at least 0 and below 1")
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step. Raises: SemsrError: they are another network's."""
        weights = [parameter.detach() for parameter in network.parameters()]
        averages: list[Tensor] = list(self.network.parameters())
        if [tuple(weight.shape) for weight in weights] != [tuple(average.shape) for average in averages]:
            raise SemsrError("ema: the network's parameters are not those the average began with")
        if not weights:
            return
        torch._foreach_mul_(averages, self.decay)
        torch._foreach_add_(averages, weights, alpha=1 - self.decay)
        for buffer, current in zip(self.network.buffers(), network.buffers(), strict=True):
            buffer.copy_(current)

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged network's tensors, by name."""
        return dict(self.network.state_dict())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state_dict()`; strict."""
        self.network.load_state_dict(dict(state), strict=True)
