"""The noise of a picture: what its latents start from and what the autoencoder's draw takes, from one generator a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Start = Literal["published", "matched", "none"]
"""How the first latents are made of the picture's own: see `start_latents`."""

DEFAULT_SEED = 67280421310721
"""What torch's generators are seeded by where nobody does (`torch.Generator().initial_seed()`)."""


def draw(generators: Sequence[torch.Generator | None], shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Standard normal numbers, each picture's from its own generator.

    They are drawn where the generator is and moved, so that a generator on the CPU gives the same noise whatever computes.

    Args:
        generators: one a picture; None: torch's global generator of the CPU.
        shape: of one picture's.
        device: where they are wanted.

    Returns:
        (len(generators), *shape) float32.
    """
    drawn = [
        torch.randn(shape, generator=one, device=one.device if one is not None else "cpu").to(device) for one in generators
    ]
    return torch.stack(drawn)


def start_latents(latents: Tensor, noise: Tensor, alphas: Tensor, first: int, kind: Start) -> Tensor:
    """The first latents: the picture's own under noise (the LR embedding), or noise alone.

    Args:
        latents: (B, C, h, w) of the enlarged LR picture, scaled.
        noise: of the same shape, standard normal.
        alphas: (levels,) cumulative products of 1 - beta.
        first: the first timestep of the loop.
        kind: "published": the noise of the last level, 999, though the loop begins at `first`, 981 with 50 steps: with Stable
            Diffusion's levels 0.0682649 z + 0.9976673 e. "matched": the noise of `first`. "none": noise alone, no LR embedding.

    Source: facts on cswry/SeeSR@8edecc7; golden factors in tests/restoration/diffusion/test_noise.py.
    """
    if kind == "none":
        return noise
    alpha = float(alphas[-1 if kind == "published" else first])
    return math.sqrt(alpha) * latents + math.sqrt(1 - alpha) * noise
