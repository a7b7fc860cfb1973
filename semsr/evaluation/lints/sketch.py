"""A picture as 64 numbers from which its distance to any other follows: rows are compared without reading pictures again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from semsr.imaging.pictures import Rgb

Floats = NDArray[np.float64]
BUCKETS = 64


def sketch(rgb: Rgb) -> Floats:
    """(64,) sums of pixels with random signs in random buckets, the same for all pictures of a size.

    Source: M. Charikar, K. Chen, M. Farach-Colton, "Finding frequent items in data streams", 2002; the squared distance of two
    sketches is an unbiased estimate of that of the pictures, with a standard deviation of sqrt(2 / 64) = 18 % of it.
    """
    signs, buckets = _drawn(rgb.size)
    return np.bincount(buckets, weights=rgb.reshape(-1) * signs, minlength=BUCKETS).astype(np.float64)


def mean_squared(one: Floats, other: Floats, values: int) -> Floats:
    """Mean squared difference of pictures of `values` values each, estimated from sketches (..., 64)."""
    return np.asarray(((one - other) ** 2).sum(axis=-1) / values, dtype=np.float64)


@lru_cache(maxsize=8)
def _drawn(size: int) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    draws = np.random.default_rng(size).integers(0, 2 * BUCKETS, size, dtype=np.uint8)
    signs = ((draws & 1).astype(np.int8) * 2 - 1).astype(np.int8)
    buckets = (draws >> 1).astype(np.uint8)
    return signs, buckets
