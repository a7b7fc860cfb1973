"""Resizing as torch's `interpolate` does it without antialiasing: area, bilinear and bicubic (a = -0.75).

These are the resizes inside the degradation; the evaluation's MATLAB-compatible bicubic is `semsr.imaging.resize`, another kernel.
Source: the definitions in PyTorch's documentation of `torch.nn.functional.interpolate` (align_corners False) and `adaptive_avg_pool2d`.
"""

from __future__ import annotations

from math import floor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semsr.imaging.degradation.banded import Banded, banded
from semsr.imaging.degradation.grid import RESIZE_BITS, Floats, to_grid_
from semsr.imaging.degradation.parameters import ResizeMode

_A = -0.75


def resize_by(picture: Tensor, scale: float, mode: ResizeMode) -> Tensor:
    """Resize by a factor: sides are rounded down (at least 1), and samples lie 1/scale apart, which need not be the sides' ratio.

    Args:
        picture: (C, H, W) float64, grey levels on the grid.
        scale: > 0.
        mode: interpolation.

    Returns:
        (C, max(1, floor(scale H)), max(1, floor(scale W))), on the grid; bicubic may overshoot.
    """
    height, width = picture.shape[1:]
    size = max(1, floor(height * scale)), max(1, floor(width * scale))
    return _resize(picture, size, mode, (1.0 / scale, 1.0 / scale))


def resize_to(picture: Tensor, size: tuple[int, int], mode: ResizeMode) -> Tensor:
    """Resize to (H, W) of the output; samples lie input/output sides apart. Else as `resize_by`."""
    height, width = picture.shape[1:]
    return _resize(picture, size, mode, (height / size[0], width / size[1]))


def _resize(picture: Tensor, size: tuple[int, int], mode: ResizeMode, steps: tuple[float, float]) -> Tensor:
    height, width = picture.shape[1:]
    if (height, width) == size and steps == (1.0, 1.0):
        return picture
    if mode == "area":
        rows, per_row = _areas(height, size[0])
        columns, per_column = _areas(width, size[1])
        counts = torch.from_numpy(per_row[:, None] * per_column).to(picture.device)
        return torch.stack([to_grid_(columns.apply(rows.apply(plane, "rows"), "columns").div_(counts)) for plane in picture])
    rows = _samples(height, size[0], steps[0], mode)
    columns = _samples(width, size[1], steps[1], mode)
    return torch.stack([to_grid_(columns.apply(to_grid_(rows.apply(plane, "rows")), "columns")) for plane in picture])


def _areas(length: int, outputs: int) -> tuple[Banded, Floats]:
    """Sums over the windows of adaptive average pooling, and how many samples each has."""
    place = np.arange(outputs)
    start, stop = place * length // outputs, -(-(place + 1) * length // outputs)
    taps = np.arange(int((stop - start).max()))
    indices = start[:, None] + taps
    inside = indices < stop[:, None]
    return banded(np.where(inside, indices, start[:, None]), inside.astype(np.float64)), (stop - start).astype(np.float64)


def _samples(length: int, outputs: int, step: float, mode: ResizeMode) -> Banded:
    """Interpolation at the centres (i + 1/2) step - 1/2; beyond the ends the last sample repeats."""
    centres = (np.arange(outputs) + 0.5) * step - 0.5
    if mode == "bilinear":
        centres = np.maximum(centres, 0.0)
        first = np.floor(centres)
        part = centres - first
        weights = np.stack([1.0 - part, part], axis=1)
        offsets = np.array([0, 1])
    else:
        first = np.floor(centres)
        part = centres - first
        weights = np.stack([_outer(1.0 + part), _inner(part), _inner(1.0 - part), _outer(2.0 - part)], axis=1)
        offsets = np.array([-1, 0, 1, 2])
    indices: NDArray[np.intp] = np.clip(first[:, None].astype(np.intp) + offsets, 0, length - 1)
    return banded(indices, _rows_on_grid(weights))


def _rows_on_grid(weights: Floats) -> Floats:
    """As `weights_on_grid`, for each row by itself."""
    whole = np.rint(weights * 2.0**RESIZE_BITS)
    whole[np.arange(len(whole)), np.argmax(whole, axis=1)] += 2.0**RESIZE_BITS - whole.sum(axis=1)
    return whole * 2.0**-RESIZE_BITS


def _inner(x: Floats) -> Floats:
    """Keys' cubic for distances up to 1."""
    return ((_A + 2.0) * x - (_A + 3.0)) * x * x + 1.0


def _outer(x: Floats) -> Floats:
    """Keys' cubic for distances from 1 to 2."""
    return ((x - 5.0) * x + 8.0) * x * _A - 4.0 * _A
