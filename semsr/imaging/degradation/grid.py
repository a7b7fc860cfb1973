"""Arithmetic whose result does not depend on the machine: pictures and weights lie on a binary grid.

Floating-point sums depend on their order, and libraries choose it by processor, threads and version. Here a picture's values are
multiples of 2^-14 grey levels and filter weights multiples of 2^-22 or 2^-28, so that every product and every sum fits into the 53 bits
of a float64 *exactly*: whatever the order, the bytes are the same, with any number of threads and on a GPU too. Rounding to the grid
costs at most 3e-5 grey levels, as much as computing in float32 does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

PICTURE_BITS: Final = 14
"""Binary places of a grey level."""

FILTER_BITS: Final = 22
"""Binary places of the weights of blur kernels."""

RESIZE_BITS: Final = 28
"""Binary places of interpolation weights."""


def to_grid_(picture: Tensor, bits: int = PICTURE_BITS) -> Tensor:
    """Round to multiples of 2^-bits, halves to even, in place."""
    return picture.mul_(2.0**bits).round_().mul_(2.0**-bits)


def weights_on_grid(weights: Floats, bits: int) -> Floats:
    """Weights that sum to 1 as multiples of 2^-bits that sum to exactly 1; the largest takes what rounding leaves.

    Args:
        weights: any shape, sum 1 within rounding.
        bits: binary places.
    """
    whole = np.rint(weights * 2.0**bits)
    whole.flat[int(np.argmax(whole))] += 2.0**bits - whole.sum()
    return whole * 2.0**-bits
