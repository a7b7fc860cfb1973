"""The loop: from the first latents to the last, a scheduler's step after each prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

Predict = Callable[[Tensor, Tensor], Tensor]
"""(latents (B, C, h, w), t) -> the noise predicted, of the same shape."""


class Scheduler(Protocol):
    """What the loop needs of diffusers' DDPMScheduler."""

    timesteps: Tensor

    def step(self, model_output: Tensor, timestep: Any, sample: Tensor, generator: Any = None, *, return_dict: bool) -> Any:
        """One step back; without `return_dict` a tuple whose first is the next sample."""
        ...


def sample(
    predict: Predict, latents: Tensor, scheduler: Scheduler, generators: Sequence[torch.Generator], device: torch.device
) -> Tensor:
    """Denoise.

    Args:
        predict: see `Predict`.
        latents: (B, C, h, w) float32, the first ones.
        scheduler: with its timesteps set.
        generators: one a picture, which the noise of each step is drawn from.
        device: where the network is.

    Returns:
        The last latents, float32.
    """
    own = list(generators)
    # A timestep that only the network reads goes there once, not in every step; the scheduler looks numbers up by those on the CPU.
    for t, there in zip(scheduler.timesteps.cpu(), scheduler.timesteps.to(device), strict=True):
        latents = scheduler.step(predict(latents, there), t, latents, generator=own, return_dict=False)[0]
    return latents
