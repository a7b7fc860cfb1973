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
from semsr.imaging.degradation.grid import FILTER_BITS, PICTURE_BITS, Floats, to_grid_


def blur(picture: Tensor, kernel: Floats) -> Tensor:
    """Correlate each channel with one kernel; beyond the edge the picture is mirrored, edge pixel not repeated.

    Args:
        picture: (C, H, W) float64, grey levels on the grid.
        kernel: (k, k), k odd, on the grid of filters (`Kernel.values`).

    Returns:
        (C, H, W), on the grid; negative lobes of a kernel may take values out of 0-255.
    """
    size = kernel.shape[0]
    if size == 1:
        return to_grid_(picture * float(kernel[0, 0]))
    height, width = picture.shape[1:]
    for dimension, side in ((1, height), (2, width)):
        places = reflect(np.arange(-(size // 2), side + size // 2), side)
        picture = picture.index_select(dimension, torch.from_numpy(places).to(picture.device))
    shape = (next_fast_len(picture.shape[1]), next_fast_len(picture.shape[2], real=True))
    spectrum = torch.fft.rfft2(picture, s=shape)
    spectrum *= torch.fft.rfft2(torch.from_numpy(kernel).to(picture.device), s=shape).conj()
    result = torch.fft.irfft2(spectrum, s=shape)[:, :height, :width].contiguous()
    return to_grid_(to_grid_(result, PICTURE_BITS + FILTER_BITS))
