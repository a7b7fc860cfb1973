"""Unsharp masking of the HR picture, as Real-ESRGAN does it before degrading.

Source: Wang et al., "Real-ESRGAN", 2021, section 4.1. The published implementation
filters with a dense 51 x 51 Gaussian; it is separable, which saves most of the time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from semsr.imaging.degradation.banded import Banded, banded, reflect
from semsr.imaging.degradation.grid import FILTER_BITS, Floats, to_grid_, weights_on_grid

TAPS = 51
SIGMA = 8.0
"""What OpenCV takes for a Gaussian of 51 taps if no sigma is given: 0.3 ((51 - 1) / 2 - 1) + 0.8."""
WEIGHT = 0.5
THRESHOLD = 10.0
"""Grey levels: smaller differences from the blurred picture are left alone."""


def gaussian_taps() -> Floats:
    """(51,) weights on the grid that sum to 1."""
    taps = np.exp(-((np.arange(TAPS) - TAPS // 2) ** 2) / (2.0 * SIGMA**2))
    return weights_on_grid(taps / taps.sum(), FILTER_BITS)


def sharpen(picture: Tensor) -> Tensor:
    """Unsharp masking where the picture differs from its blurred self by more than 10 grey levels, with a soft edge of that region.

    Args:
        picture: (C, H, W) float64, whole grey levels 0-255.

    Returns:
        (C, H, W), 0-255, on the grid.
    """
    # A channel at a time: the buffers stay in the processor's cache, and the system need not hand out fresh memory for each.
    return torch.stack([_sharpen(plane) for plane in picture])


def _sharpen(plane: Tensor) -> Tensor:
    # Exact without rounding in between: 8 bits of picture and 22 of weights, twice, are 52.
    residual = plane - _blur(plane)
    region = _blur((residual.abs() > THRESHOLD).to(plane.dtype))
    sharp = residual.mul_(WEIGHT).add_(plane).clamp_(0.0, 255.0)
    return to_grid_(sharp.sub_(plane).mul_(region).add_(plane))


def _blur(plane: Tensor) -> Tensor:
    height, width = plane.shape
    return _matrix(width).apply(_matrix(height).apply(plane, "rows"), "columns")


@lru_cache(maxsize=64)
def _matrix(length: int) -> Banded:
    places = np.arange(length)[:, None] + np.arange(TAPS) - TAPS // 2
    return banded(reflect(places, length), np.broadcast_to(gaussian_taps(), places.shape))
