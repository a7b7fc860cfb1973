"""MATLAB-compatible bicubic resizing, down and up by any factor, in the two dialects that published LR pictures come in.

The kernel is Keys' cubic with a = -0.5; downscaling widens it by 1/scale (antialiasing); sizes round up; the dimension with the
smaller scale goes first, the vertical one where both are equal. The dialects differ in two things (docs/protocols.md):

- "symmetric": beyond the edge the picture is mirrored (edge pixel included), and only the end result is rounded to 8 bits.
  This is MATLAB's own `imresize`; the LR pictures that SeD tests on were made so.
- "replicate": beyond the edge the edge pixel repeats, and the picture is rounded to 8 bits after each of the two passes.
  The widespread Set5/Set14 LR pictures (SelfExSR) were made so.

Source: MATLAB's documentation of `imresize`; R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, eq. (15).
Proof: tests/imaging/test_resize.py compares every pixel with both published sets.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from semsr.imaging.pictures import Rgb

Dialect = Literal["symmetric", "replicate"]
Floats = NDArray[np.float64]
_CUBIC_WIDTH = 4.0
_BLOCK = 1 << 14


def resize(
    image: NDArray[np.generic],
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    *,
    dialect: Dialect = "symmetric",
) -> Floats:
    """Resize by bicubic interpolation in float64; the end result is not rounded.

    Args:
        image: (H, W) or (H, W, C), any real type, any range. "replicate" rounds between the passes and so needs the range 0-255.
        scale: output size over input size for both dimensions, > 0; or
        size: (H, W) of the output; the scales follow from it.
        dialect: see the module.

    Returns:
        (ceil(scale * H), ceil(scale * W)[, C]) or (*size[, C]); values may overshoot the input's range. "replicate" gives whole
        numbers in 0-255.

    Raises:
        ValueError: not a picture, or not exactly one of scale and size, or one that is not positive.
    """
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(f"expected a picture of shape (H, W) or (H, W, C), found {image.shape}")
    height, width = image.shape[:2]
    (scale_h, scale_w), (out_h, out_w) = _targets(height, width, scale, size)
    passes = [(scale_h, 0, out_h), (scale_w, 1, out_w)]
    passes.sort(key=lambda step: step[0])  # stable: vertical first where the scales are equal
    result = image.astype(np.float64)
    for step_scale, axis, length in passes:
        weights, indices = _contributions(result.shape[axis], length, step_scale, dialect)
        result = _apply(result, weights, indices, axis)
        if dialect == "replicate":
            result = round_half_up(result)
    return np.ascontiguousarray(result)


def round_half_up(values: Floats) -> Floats:
    """Round to whole numbers, halves up (as MATLAB's uint8 does for what is not negative), and clip to 0-255."""
    return np.clip(np.floor(values + 0.5), 0.0, 255.0)


def bicubic_uint8(
    picture: NDArray[np.uint8],
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    *,
    dialect: Dialect = "symmetric",
) -> Rgb:
    """`resize`, rounded to 8 bits: what MATLAB's `imresize` gives for an 8-bit picture. Arguments and errors as there."""
    return round_half_up(resize(picture, scale, size, dialect=dialect)).astype(np.uint8)


def _targets(
    height: int, width: int, scale: float | None, size: tuple[int, int] | None
) -> tuple[tuple[float, float], tuple[int, int]]:
    if (scale is None) == (size is None):
        raise ValueError("give scale or size, one of the two")
    if size is not None:
        if min(size) < 1:
            raise ValueError(f"size must be positive, found {size}")
        return (size[0] / height, size[1] / width), size
    assert scale is not None
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale must be positive and finite, found {scale}")
    return (scale, scale), (ceil(scale * height), ceil(scale * width))


def _cubic(x: Floats) -> Floats:
    """Keys' cubic convolution kernel with a = -0.5; zero outside [-2, 2]."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1.0
    far = -0.5 * x**3 + 2.5 * x**2 - 4.0 * x + 2.0
    return np.where(x <= 1.0, near, np.where(x <= 2.0, far, 0.0))


@lru_cache(maxsize=256)
def _contributions(length: int, out_length: int, scale: float, dialect: Dialect) -> tuple[Floats, NDArray[np.intp]]:
    """For each output sample the input samples it is made of, (taps, out_length) indices and weights that sum to 1."""
    shrink = min(scale, 1.0)
    width = _CUBIC_WIDTH / shrink
    centre = np.arange(1, out_length + 1) / scale + 0.5 * (1.0 - 1.0 / scale)
    first = np.floor(centre - width / 2.0)
    taps = ceil(width) + 2
    positions = first[:, None] + np.arange(taps)
    weights = shrink * _cubic(shrink * (centre[:, None] - positions))
    weights /= weights.sum(axis=1, keepdims=True)
    indices = positions.astype(np.intp) - 1
    if dialect == "symmetric":
        indices = np.mod(indices, 2 * length)
        indices = np.where(indices >= length, 2 * length - 1 - indices, indices)
    else:
        indices = np.clip(indices, 0, length - 1)
    used = np.any(weights != 0.0, axis=0)
    weights, indices = np.ascontiguousarray(weights[:, used].T), np.ascontiguousarray(indices[:, used].T)
    weights.setflags(write=False)
    indices.setflags(write=False)
    return weights, indices


def _apply(image: Floats, weights: Floats, indices: NDArray[np.intp], axis: int) -> Floats:
    """Weighted sums along one axis. Taps are added one after another, so that the result depends on no library's summation order."""
    rows = np.ascontiguousarray(np.moveaxis(image, axis, 0))
    flat = rows.reshape(rows.shape[0], -1)
    length = weights.shape[1]
    result = np.empty((length, flat.shape[1]))
    step = max(1, _BLOCK // flat.shape[1])  # a block of output rows stays in the processor's cache over all taps
    buffer = np.empty((min(step, length), flat.shape[1]))
    for start in range(0, length, step):
        block = result[start : start + step]
        term = buffer[: len(block)]
        for tap, (weight, index) in enumerate(zip(weights, indices, strict=True)):
            target = term if tap else block
            np.take(flat, index[start : start + step], axis=0, out=target, mode="clip")
            target *= weight[start : start + step, None]
            if tap:
                block += term
    return np.moveaxis(result.reshape(length, *rows.shape[1:]), 0, axis)
