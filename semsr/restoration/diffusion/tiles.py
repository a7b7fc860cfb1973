"""Latents too large for the network: overlapping tiles, and the mean of what it predicts under Gaussian weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

PredictWindow = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(latents (B, C, h, w), t, image (B, 3, h * factor, w * factor)) -> the noise predicted."""

VARIANCE = 0.01
"""Of the Gaussian, with the tile's side as its unit."""


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along a side: every `tile - overlap`, the last flush with the end; [0] where one tile is enough."""
    if length <= tile:
        return [0]
    step = tile - min(overlap, tile - 1)
    return [*range(0, length - tile, step), length - tile]


@lru_cache(maxsize=8)
def gaussian(height: int, width: int) -> Tensor:
    """Weights of a tile, (height, width) float32; their scale means nothing, since a mean is taken.

    As published, x is centred at (width - 1) / 2, in the middle, but y at height / 2, half a latent below it.
    """
    x = torch.exp(-(((torch.arange(width, dtype=torch.float64) - (width - 1) / 2) / width) ** 2) / (2 * VARIANCE))
    y = torch.exp(-(((torch.arange(height, dtype=torch.float64) - height / 2) / height) ** 2) / (2 * VARIANCE))
    return (torch.outer(y, x) / (2 * math.pi * VARIANCE)).float()


def needs_tiles(latents: Tensor, tile: int | None) -> bool:
    """Whether latents (B, C, h, w) hold more than tile * tile places."""
    return tile is not None and latents.shape[-2] * latents.shape[-1] > tile * tile


def predict_tiled(predict: PredictWindow, latents: Tensor, t: Tensor, image: Tensor, *, tile: int, overlap: int) -> Tensor:
    """Predict tile by tile; a place that several tiles cover gets their weighted mean.

    Args:
        predict: see `PredictWindow`; is given square tiles.
        latents: (B, C, h, w).
        t: the timestep.
        image: (B, 3, H, W); H / h = W / w is a whole number.
        tile, overlap: in latents; a tile is no larger than the shorter side.

    Source: facts on cswry/SeeSR@8edecc7.
    """
    height, width = latents.shape[-2:]
    factor = image.shape[-1] // width
    tile = min(tile, height, width)
    windows = [(top, left) for top in starts(height, tile, overlap) for left in starts(width, tile, overlap)]
    if len(windows) == 1:  # the mean of one, without its rounding
        return predict(latents, t, image)
    weights = gaussian(tile, tile).to(latents.device)
    total, weight = torch.zeros_like(latents), latents.new_zeros(height, width)
    for top, left in windows:
        rows, columns = slice(top, top + tile), slice(left, left + tile)
        seen = image[..., top * factor : (top + tile) * factor, left * factor : (left + tile) * factor]
        total[..., rows, columns] += predict(latents[..., rows, columns], t, seen) * weights
        weight[rows, columns] += weights
    return total / weight
