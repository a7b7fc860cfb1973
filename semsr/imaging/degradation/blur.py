"""Blurring with any kernel, by Fourier transform, with the exact result.

The transform's own error is below 1e-12 grey levels; picture and kernel lie on grids, so the true result is a multiple of 2^-36 = 1.5e-11,
and rounding to that recovers it, whichever library transforms.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import Tensor

from semsr.imaging.degradation.banded import reflect
from semsr.imaging.degradation.grid import FILTER_BITS, PICTURE_BITS, Floats


def blur(picture: Tensor, kernel: Floats) -> Tensor:
    """Correlate each channel with one kernel; beyond the edge the picture is mirrored, edge pixel not repeated.

    Args:
        picture: (C, H, W) float64, grey levels on the grid.
        kernel: (k, k), k odd, on the grid of filters (`Kernel.values`).

    Returns:
        (C, H, W), on the grid; negative lobes of a kernel may take values out of 0-255.
    """
    reach = kernel.shape[0] // 2
    padded = _mirror(picture, reach)
    height, width = padded.shape[1:]
    shape = _fast(height), _fast(width)
    bits = PICTURE_BITS + FILTER_BITS
    flipped = torch.from_numpy(kernel[::-1, ::-1] * 2.0**bits).to(picture.device)
    response = torch.fft.rfft2(flipped, s=shape)
    result = torch.empty_like(picture)
    for plane, target in zip(padded, result, strict=True):
        whole = torch.fft.irfft2(torch.fft.rfft2(plane, s=shape).mul_(response), s=shape)
        torch.round(whole[2 * reach : height, 2 * reach : width], out=target)
    return result.mul_(2.0 ** (PICTURE_BITS - bits)).round_().mul_(2.0**-PICTURE_BITS)


def _mirror(picture: Tensor, reach: int) -> Tensor:
    if min(picture.shape[1:]) > reach:
        return torch.nn.functional.pad(picture, (reach, reach, reach, reach), mode="reflect")
    for dimension in (1, 2):  # a side shorter than the kernel is mirrored more than once
        side = picture.shape[dimension]
        places = reflect(np.arange(-reach, side + reach), side)
        picture = picture.index_select(dimension, torch.from_numpy(places).to(picture.device))
    return picture


def _fast(length: int) -> int:
    """The next even length without prime factors above 5."""
    return 2 * int(next_fast_len(-(-length // 2), real=True))
