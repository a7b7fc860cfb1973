"""Gaussian and Poisson noise, of each channel or the same in all three.

Random numbers are drawn on the host by NumPy, whatever the device, from the generator given.
Source: Wang et al., "Real-ESRGAN", 2021, section 3.1; the scale of Poisson noise (a power of two from the number of grey levels that occur)
and its rounding to 8 bits first are the published implementation's.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, fsum, log2

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semsr.imaging.degradation.grid import Floats, to_grid_

_LUMA = (0.2989, 0.587, 0.114)
_DRAW_BITS = 32


def add_gaussian(picture: Tensor, sigma: float, grey: bool, random: np.random.Generator) -> Tensor:
    """Add Gaussian noise.

    Args:
        picture: (3, H, W) float64, grey levels on the grid.
        sigma: standard deviation in grey levels.
        grey: the same noise in all channels.
        random: what is drawn from.

    Returns:
        (3, H, W), clipped to 0-255, on the grid.
    """
    result = torch.empty_like(picture)
    noise = None
    for plane, target in zip(picture, result, strict=True):
        if noise is None or not grey:
            drawn = random.standard_normal(plane.shape)
            drawn *= sigma
            noise = to_grid_(torch.from_numpy(drawn)).to(picture.device)
        torch.add(plane, noise, out=target)
    return result.clamp_(0.0, 255.0)


def add_poisson(picture: Tensor, scale: float, grey: bool, random: np.random.Generator) -> Tensor:
    """Add Poisson (shot) noise: the brighter the pixel, the more.

    The picture (or its luma, for grey noise) is rounded to 8 bits; with n grey levels in it, v = 2^ceil(log2 n), noise is
    Poisson(v x)/v - x for x in 0-1. The picture itself keeps its precision.

    Args:
        picture: (3, H, W) float64, grey levels on the grid.
        scale: factor on the noise.
        grey: the same noise, that of the luma, in all channels.
        random: what is drawn from.

    Returns:
        (3, H, W), clipped to 0-255, on the grid.
    """
    if grey:
        red, green, blue = picture
        base = (red * _LUMA[0]).add_(green * _LUMA[1]).add_(blue * _LUMA[2])[None]
    else:
        base = picture
    levels = base.round().clamp_(0.0, 255.0).to(device="cpu", dtype=torch.uint8).numpy()
    values = 1 << ceil(log2(np.count_nonzero(np.bincount(levels.ravel(), minlength=256))))
    result = torch.empty_like(picture)
    for start, plane in enumerate(levels):
        drawn = poisson_noise(plane, values, random)
        drawn *= scale
        noise = to_grid_(torch.from_numpy(drawn)).to(picture.device)
        channels = slice(None) if grey else start
        torch.add(picture[channels], noise, out=result[channels])
    return result.clamp_(0.0, 255.0)


def poisson_noise(levels: NDArray[np.uint8], values: int, random: np.random.Generator) -> Floats:
    """Poisson(values x)/values - x in grey levels for x = levels/255.

    Args:
        levels: 0-255, any shape.
        values: expected count of the brightest level; a power of two, 1 to 256.
        random: what is drawn from.
    """
    limits, others = _table(values)
    draws = random.integers(0, 1 << _DRAW_BITS, levels.shape, dtype=np.uint32)
    counts = limits.shape[1]
    shift = _DRAW_BITS - counts.bit_length() + 1
    first = draws >> np.uint32(shift)
    place = levels.astype(np.intp)
    place *= counts
    place += first
    draws &= np.uint32((1 << shift) - 1)
    chosen = np.where(draws < np.take(limits, place), first, np.take(others, place))
    return chosen * (255.0 / values) - levels


@lru_cache(maxsize=9)
def _table(values: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Alias tables of the 256 Poisson distributions with means values * level / 255.

    A draw of 32 bits chooses a count by its upper bits, and by its lower bits whether that one or its alias is taken: ten times faster
    than rejection. Probabilities are multiples of 2^-32, built with additions, multiplications and divisions only, so that they
    are the same on every machine.

    Source: A. J. Walker, "An efficient method for generating discrete random variables with general distributions", 1977.
    """
    counts = max(2 * values, 128)
    full = (1 << _DRAW_BITS) // counts
    left = np.stack([_whole_probabilities(values * level / 255, counts) for level in range(256)])
    limits = np.full((256, counts), full, dtype=np.int64)
    others = np.tile(np.arange(counts), (256, 1))
    rows = np.arange(256)
    while len(rows):
        poor, rich = left[rows].argmin(axis=1), left[rows].argmax(axis=1)
        share = left[rows, poor]
        limits[rows, poor], others[rows, poor] = share, rich
        left[rows, rich] -= full - share
        left[rows, poor] = full  # done with: what it lacked is the rich column's
        rows = rows[left[rows].min(axis=1) < full]
    return limits.astype(np.uint32), others.astype(np.uint32)


def _whole_probabilities(mean: float, counts: int) -> NDArray[np.int64]:
    """Poisson probabilities of 0, 1, ..., counts - 1 in units of 2^-32 that sum to 2^32."""
    mode = int(mean)
    weights = [0.0] * counts
    weights[mode] = 1.0
    for count in range(mode + 1, counts):
        weights[count] = weights[count - 1] * mean / count
    for count in range(mode, 0, -1):
        weights[count - 1] = weights[count] * count / mean
    whole = np.rint(np.array(weights) / fsum(weights) * 2.0**_DRAW_BITS).astype(np.int64)
    whole[mode] += (1 << _DRAW_BITS) - whole.sum()
    return whole
