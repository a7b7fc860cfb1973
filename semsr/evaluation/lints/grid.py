"""Traces of JPEG in pixels: coefficients of 8 x 8 blocks that quantisation has put to zero.

The inverse transform of a block is rounded to whole grey levels, which moves its coefficients by about 0.2; so what was quantised to
zero lies within 0.6 of it, at far more coefficients than by chance. What happens by chance is seen on grids that lie 4 pixels beside
JPEG's. They see everything that repeats every 4 pixels (pixel shuffle, enlarged LR with its own JPEG blocks, which are 32 pixels wide
then) just as JPEG's own grid does, so that none of it counts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from semsr.imaging.pictures import Rgb

BLOCK = 8
LARGEST = 1024
NEAR_ZERO = 0.6
_BESIDE = ((4, 4), (0, 4), (4, 0))


def grid_strength(rgb: Rgb) -> float:
    """How much more often a coefficient is near zero on JPEG's grid than beside it: the largest difference of shares over all frequencies.

    0 to 1; NaN for pictures under 16 pixels.
    """
    if min(rgb.shape[:2]) < 2 * BLOCK:
        return float("nan")
    grey = rgb[:LARGEST, :LARGEST].astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    beside = np.max([_near_zero(grey, down, right) for down, right in _BESIDE], axis=0)
    difference = _near_zero(grey, 0, 0) - beside
    difference[0, 0] = 0.0  # the mean of a block says nothing
    return float(difference.max())


def blocks(size: tuple[int, int]) -> int:
    """How many blocks of a picture of (H, W) `grid_strength` looks at."""
    return (min(size[0], LARGEST) // BLOCK) * (min(size[1], LARGEST) // BLOCK)


def _near_zero(grey: NDArray[np.float32], down: int, right: int) -> NDArray[np.float64]:
    """(8, 8) shares of coefficients that are near zero, of the blocks of the grid that begins at (down, right).

    Of a grid that lies beside JPEG's every second block in that direction is left out: those that lie across the edges of LR's own JPEG
    blocks, which are 16 or 32 pixels wide once enlarged. JPEG's grid has no such blocks.
    """
    part = grey[down:, right:]
    rows, columns = part.shape[0] // BLOCK, part.shape[1] // BLOCK
    cut = part[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    found = dctn(cut[:: 2 if down else 1, :, :: 2 if right else 1], axes=(1, 3), norm="ortho")
    return np.asarray((np.abs(found) < NEAR_ZERO).mean(axis=(0, 2)), dtype=np.float64)
