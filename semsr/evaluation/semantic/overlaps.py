"""How many pixels two maps of one picture share, pair of ids by pair of ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = 32
"""A pair becomes one number: the first id above so many bits, the second below. COCO's ids have 24."""


@dataclass(frozen=True)
class Overlaps:
    """Every pair of ids that at least one pixel has, once, sorted by the first id and then the second.

    Attributes:
        first: (K,) ids of the first map.
        second: (K,) ids of the second map.
        pixels: (K,) how many pixels have both, at least 1.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    pixels: NDArray[np.int64]


def overlaps(first: NDArray[np.integer[Any]], second: NDArray[np.integer[Any]]) -> Overlaps:
    """Count the pixels of every pair of ids.

    Labelled pictures are made of regions, so neighbouring pixels mostly have the same pair: only the runs of equal pairs are sorted, not
    the pixels (a few thousand instead of 262,144 in a picture of 512 x 512).

    Args:
        first, second: (H, W) whole numbers from -1 to 2^31 - 2.

    Raises:
        ValueError: the maps have different sizes.
    """
    if first.shape != second.shape:
        raise ValueError(f"maps of different sizes: {first.shape} and {second.shape}")
    one, other = np.ravel(first), np.ravel(second)
    if not one.size:
        nothing = np.zeros(0, np.int64)
        return Overlaps(nothing, nothing, nothing)
    starts = np.concatenate(([0], np.flatnonzero((one[1:] != one[:-1]) | (other[1:] != other[:-1])) + 1))
    lengths = np.diff(starts, append=one.size)
    pairs = ((one[starts].astype(np.int64) + 1) << _BITS) + (other[starts].astype(np.int64) + 1)
    order = np.argsort(pairs)
    pairs = pairs[order]
    new = np.concatenate(([0], np.flatnonzero(pairs[1:] != pairs[:-1]) + 1))
    pixels = np.add.reduceat(lengths[order], new)
    return Overlaps((pairs[new] >> _BITS) - 1, (pairs[new] & ((1 << _BITS) - 1)) - 1, pixels)
